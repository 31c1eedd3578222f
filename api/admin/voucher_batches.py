"""Vouchers in quantity: `/vouchers/batch-generate`, `/vouchers/batches`, and their sheets."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response, StreamingResponse

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Listing, PageQuery, Told, Words, major
from api.admin.errors import ApiError
from api.admin.prices import Currency, Price, minor, wrong
from api.admin.resource import resource
from core.domain.customers import Tenant
from core.domain.hotspot import CodeStyle
from core.kit import ids
from core.kit.expected import shaped
from core.kit.msisdn import BadMsisdn, Msisdn, parse_msisdn
from core.ports.pictures import SheetForm
from core.ports.vouchers import Batch
from core.services.voucher_batches import QUANTITY_MAX, BatchOrder
from core.services.voucher_sheets import CARDS_MAX

CODES = "vouchers:codes"

_PREFIX = shaped(
    r"^[A-Z2-9]{0,8}$", "should be up to 8 capital letters and digits from 2 to 9, like CAFE"
)
_HOURS_MAX, _MB_MAX = 10 * 366 * 24, 2**40
_PDF: Mapping[int | str, dict[str, Any]] = {200: {"content": {"application/pdf": {}}}}
_CSV: Mapping[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}}}}


class BatchBody(BaseModel):
    """What to make. What is left out is as the profile has it.

    `profile` is the code of a plan or of a standard profile, or `CUSTOM`. `router_id` may be left
    out where only one sells it. The same order with the same `idempotency_key` again is the same
    batch.
    """

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    quantity: int = Field(ge=1, le=QUANTITY_MAX)
    profile: Words = Field(examples=["1GB-DAILY"])
    router_id: UUID | None = None
    validity_hours: int | None = Field(None, ge=1, le=_HOURS_MAX)
    price: Price | None = Field(None, examples=["500.00"])
    data_limit_mb: int | None = Field(None, ge=1, le=_MB_MAX)
    currency: Currency | None = None
    code_prefix: str = Field("", pattern=_PREFIX)
    code_style: CodeStyle | None = None
    auto_activate: bool = Field(default=False, description="Put them on the router at once.")
    send_sms: bool = Field(default=False, description="Tell `customer_phone` the codes.")
    customer_name: Words = ""
    customer_phone: Words | None = None
    idempotency_key: Words | None = Field(None, min_length=1)

    def order(self, tenant: Tenant) -> BatchOrder:
        """Raises `ApiError` where a price or a number does not read as one."""
        currency = self.currency or tenant.currency
        return BatchOrder(
            quantity=self.quantity,
            profile=self.profile,
            router_id=self.router_id,
            validity_hours=self.validity_hours,
            price_minor=None if self.price is None else minor(self.price, currency),
            data_limit_mb=self.data_limit_mb,
            currency=self.currency,
            code_prefix=self.code_prefix,
            code_style=self.code_style,
            auto_activate=self.auto_activate,
            send_sms=self.send_sms,
            customer_name=self.customer_name,
            customer_phone=phone_of(self.customer_phone, tenant, "customer_phone"),
        )


class BatchShown(Answer):
    """A batch and how far it is: `made` of `quantity` have a code, the router has `confirmed`.

    `created` while codes are being made, then `ready`; `void` was taken back.
    """

    id: UUID
    status: Literal["created", "ready", "void"]
    quantity: int
    made: int
    confirmed: int
    progress_percent: int
    profile: str
    name: str
    price: str
    currency: str
    router_id: UUID
    activated: bool
    customer_name: str
    created_at: dt.datetime
    created_by: str


def router(core: AdminCore) -> APIRouter:
    routes = resource("/vouchers", "vouchers")
    reads = Depends(needing(core, "vouchers:read"))
    writes = Depends(needing(core, "vouchers:write"))
    codes = Depends(needing(core, CODES))
    desk, sheets = core.hotspots.batch_desk, core.hotspots.sheets

    @routes.post("/batch-generate", status_code=202)
    async def generate(body: BatchBody, access: Annotated[Access, writes]) -> Told[BatchShown]:
        """Order vouchers. They are made in the background: ask for the batch how far it is."""
        tenant = await core.tenants.get(access.tenant_id)
        batch = await desk.generate(
            tenant,
            body.order(tenant),
            key=body.idempotency_key or str(ids.uuid7()),
            actor=access.actor,
        )
        return Told(data=_shown(batch), message="They are being made.")

    @routes.get("/batches")
    async def listed(
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        sort_by: Literal["created_at"] = "created_at",
    ) -> Listing[BatchShown]:
        """Batches of this tenant, the latest first. They are not counted, in all or by router."""
        rows = await core.hotspots.batches.listed(access.tenant_id, page.paging(sort_by))
        last = page.last_shown(rows)
        place = (last.created_at, last.id) if last else None
        shown, pagination = page.listing(rows, None, place=place)
        return Listing(data=[_shown(row) for row in shown], pagination=pagination)

    @routes.get("/batches/{batch_id}")
    async def show(batch_id: UUID, access: Annotated[Access, reads]) -> Envelope[BatchShown]:
        """One batch, and how far it is."""
        return Envelope(data=_shown(await desk.show(access.tenant_id, batch_id)))

    @routes.post("/batches/{batch_id}/activate")
    async def activate(batch_id: UUID, access: Annotated[Access, writes]) -> Told[BatchShown]:
        """Have the router take all that wait."""
        batch = await desk.activate(access.tenant_id, batch_id, access.actor)
        return Told(data=_shown(batch), message="The router is given them.")

    @routes.post("/batches/{batch_id}/void")
    async def void(batch_id: UUID, access: Annotated[Access, writes]) -> Told[BatchShown]:
        """Take all back that nobody has or used."""
        batch = await desk.void(access.tenant_id, batch_id, access.actor)
        return Told(data=_shown(batch), message="They are taken back.")

    @routes.get("/batches/{batch_id}/sheet.pdf", response_class=Response, responses={**_PDF})
    async def sheet(
        batch_id: UUID,
        access: Annotated[Access, codes],
        form: Annotated[SheetForm, Query(alias="format")] = SheetForm.A4,
        first: Annotated[int, Query(ge=1, le=QUANTITY_MAX, description="Serial number.")] = 1,
        count: Annotated[int | None, Query(ge=1, le=CARDS_MAX)] = None,
    ) -> Response:
        """Cards to print: 21 on a page of A4, or one after the other on 58 mm paper."""
        pdf = await sheets.pdf(
            access.tenant_id, batch_id, form, actor=access.actor, first=first, count=count
        )
        name = f"vouchers-{batch_id.hex[-8:]}-{first}-{form.value}.pdf"
        return Response(pdf, media_type="application/pdf", headers=_saved_as(name))

    @routes.get("/batches/{batch_id}/sheet.csv", response_class=Response, responses={**_CSV})
    async def table(
        batch_id: UUID,
        access: Annotated[Access, reads],
        codes: Annotated[
            Literal["masked", "clear"], Query(description=f"`clear` takes the ability {CODES}.")
        ] = "masked",
    ) -> Response:
        """A table for a spreadsheet, which can run none of it."""
        clear = codes == "clear"
        if clear and not access.caller.may(CODES):
            raise ApiError(403, "auth.forbidden", f"This token lacks the ability {CODES}.")
        rows = await sheets.table(access.tenant_id, batch_id, clear=clear, actor=access.actor)
        name = f"vouchers-{batch_id.hex[-8:]}.csv"
        return StreamingResponse(rows, media_type="text/csv", headers=_saved_as(name))

    return routes


def phone_of(given: str | None, tenant: Tenant, field: str) -> Msisdn | None:
    """Raises `ApiError` where it is no mobile number."""
    if not given:
        return None
    try:
        return parse_msisdn(given, tenant.country)
    except BadMsisdn:
        raise wrong(field, "is no mobile number") from None


def _saved_as(name: str) -> dict[str, str]:
    return {"content-disposition": f'attachment; filename="{name}"'}


def _shown(batch: Batch) -> BatchShown:
    return BatchShown.model_validate(
        {
            "id": batch.id,
            "status": batch.state,
            "quantity": batch.quantity,
            "made": batch.made,
            "confirmed": batch.confirmed,
            "progress_percent": 100 * batch.made // batch.quantity,
            "profile": batch.plan_code,
            "name": batch.plan_name,
            "price": major(batch.price_minor, batch.currency),
            "currency": batch.currency,
            "router_id": batch.router_id,
            "activated": batch.activate,
            "customer_name": batch.customer_name,
            "created_at": batch.created_at,
            "created_by": batch.created_by,
        }
    )
