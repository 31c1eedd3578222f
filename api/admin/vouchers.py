"""Hotspot vouchers: `/vouchers`. Codes are masked but for who may see them and asks."""

import datetime as dt
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Listing, PageQuery, Words, major
from api.admin.errors import ApiError
from api.admin.resource import resource
from api.admin.voucher_batches import CODES
from api.admin.voucher_plans import TermsShown, terms_fields
from core.domain.hotspot import MIB
from core.domain.voucher_codes import masked
from core.domain.vouchers import Desired, SaleState, SyncState, Voucher
from core.kit.expected import shaped
from core.ports import Event
from core.ports.vouchers import SaleView, VoucherQuery
from core.services.voucher_desk import VoucherDetail

_CODE = shaped(r"^[0-9A-Za-z -]+$", "should be a code, like K7QM2XV9TA, or a voucher's id")
Code = Annotated[str, Path(max_length=40, pattern=_CODE, description="A code, or a voucher's id.")]


class VoucherShown(Answer):
    """`status` is how it stands with whoever pays, `router_status` with the router.

    `wanted` is what the router should come to; `error` why it has not.
    """

    id: UUID
    code: str
    status: SaleState
    router_status: SyncState
    wanted: Desired
    error: str
    profile: str
    name: str
    price: str
    currency: str
    router_id: UUID
    user_id: UUID | None
    batch_id: UUID | None
    serial: int | None
    reference: str | None
    used_minutes: float
    used_mb: float
    created_at: dt.datetime
    sold_at: dt.datetime | None
    first_login_at: dt.datetime | None
    expires_at: dt.datetime | None
    observed_at: dt.datetime | None


class SaleShown(Answer):
    """What a customer paid: `held` until it works, then `captured`, or `refunded`."""

    reference: str
    status: Literal["held", "captured", "refunded"]
    amount: str
    currency: str
    user_id: UUID
    created_at: dt.datetime
    refund_at: dt.datetime
    refund_reason: str | None
    settled_at: dt.datetime | None


class VoucherDetailed(VoucherShown):
    """With its terms, and its sale where a customer bought it."""

    terms: TermsShown
    sale: SaleShown | None


class VoucherFilter:
    """What to list. `at_stake`: paid for, and not confirmed by the router for five minutes."""

    def __init__(
        self,
        search: Annotated[
            Words, Query(description="The beginning of a code, or a plan's code.")
        ] = "",
        status: SaleState | None = None,
        router_status: SyncState | None = None,
        router_id: UUID | None = None,
        batch_id: UUID | None = None,
        user_id: UUID | None = None,
        *,
        at_stake: bool = False,
    ) -> None:
        self.query = VoucherQuery(
            search=search.strip(),
            sale_state=status,
            sync_state=router_status,
            router_id=router_id,
            owner_id=user_id,
            batch_id=batch_id,
            at_stake=at_stake,
        )


def router(core: AdminCore) -> APIRouter:
    routes = resource("/vouchers", "vouchers")
    reads = Depends(needing(core, "vouchers:read"))
    desk, book = core.hotspots.desk, core.hotspots.book

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        wanted: Annotated[VoucherFilter, Depends()],
        page: Annotated[PageQuery, Depends()],
        sort_by: Literal["created_at"] = "created_at",
    ) -> Listing[VoucherShown]:
        """Vouchers of this tenant, the latest first, with masked codes."""
        tenant, query = access.tenant_id, wanted.query
        rows = await book.listed(tenant, query, page.paging(sort_by))
        total = await book.count(tenant, query) if page.counted else None
        last = page.last_shown(rows)
        place = (last.created_at, last.id) if last else None
        shown, pagination = page.listing(rows, total, place=place)
        return Listing(data=[VoucherShown(**_fields(row)) for row in shown], pagination=pagination)

    @routes.get("/{code}")
    async def show(
        code: Code,
        access: Annotated[Access, reads],
        *,
        reveal: Annotated[
            bool, Query(description=f"The whole code; takes the ability {CODES}.")
        ] = False,
    ) -> Envelope[VoucherDetailed]:
        """One voucher, by its code or its id."""
        if reveal and not access.caller.may(CODES):
            raise ApiError(403, "auth.forbidden", f"This token lacks the ability {CODES}.")
        found = await desk.find(access.tenant_id, code)
        if reveal:
            event = Event(str(found.voucher.id), "voucher.code_shown", access.actor, {})
            await core.backoffice.note(access.tenant_id, event)
        return Envelope(data=detailed(found, reveal=reveal))

    return routes


def detailed(found: VoucherDetail, *, reveal: bool = False) -> VoucherDetailed:
    fields = _fields(found.voucher)
    if reveal:
        fields["code"] = found.voucher.code or ""
    return VoucherDetailed(
        **fields,
        terms=TermsShown(**terms_fields(found.voucher.terms)),
        sale=None if found.sale is None else _sale(found.sale),
    )


def _fields(voucher: Voucher) -> dict[str, Any]:
    return {
        "id": voucher.id,
        "code": masked(voucher.head, voucher.code_chars),
        "status": voucher.sale_state,
        "router_status": voucher.sync_state,
        "wanted": voucher.desired,
        "error": voucher.error,
        "profile": voucher.plan_code,
        "name": voucher.plan_name,
        "price": major(voucher.price_minor, voucher.currency),
        "currency": voucher.currency,
        "router_id": voucher.router_id,
        "user_id": voucher.owner_id,
        "batch_id": voucher.batch_id,
        "serial": voucher.serial,
        "reference": voucher.reference,
        "used_minutes": round(voucher.used.online_s / 60, 1),
        "used_mb": round(voucher.used.data_bytes / MIB, 1),
        "created_at": voucher.created_at,
        "sold_at": voucher.sold_at,
        "first_login_at": voucher.first_login_at,
        "expires_at": voucher.expires_at,
        "observed_at": voucher.observed_at,
    }


def _sale(sale: SaleView) -> SaleShown:
    return SaleShown.model_validate(
        {
            "reference": sale.reference,
            "status": sale.state,
            "amount": major(sale.amount_minor, sale.currency),
            "currency": sale.currency,
            "user_id": sale.customer_id,
            "created_at": sale.created_at,
            "refund_at": sale.refund_at,
            "refund_reason": sale.refund_reason,
            "settled_at": sale.settled_at,
        }
    )
