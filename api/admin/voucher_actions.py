"""What operators do with a voucher: `/vouchers/{code}/...`. Whoever did it is written down."""

from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Told, Words
from api.admin.prices import wrong
from api.admin.resource import resource
from api.admin.voucher_batches import phone_of
from api.admin.vouchers import Code, VoucherDetailed, detailed
from core.domain.vouchers import SaleState
from core.kit import ids
from core.ports import Event


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ResendBody(_Body):
    """May be left out. The same `idempotency_key` again sends nothing."""

    idempotency_key: Words | None = Field(None, min_length=1)


class TransferBody(_Body):
    """`phone` is the number of who gets it, in any form."""

    phone: Words = Field(min_length=1)


class RefundBody(_Body):
    reason: Words = Field(min_length=3)


def router(core: AdminCore) -> APIRouter:
    routes = resource("/vouchers", "vouchers")
    writes = Depends(needing(core, "vouchers:write"))
    desk = core.hotspots.desk

    @routes.post("/{code}/resend-sms")
    async def resend(
        code: Code, access: Annotated[Access, writes], body: ResendBody | None = None
    ) -> Told[VoucherDetailed]:
        """Tell its owner the code again."""
        key = body.idempotency_key if body else None
        await desk.resend(access.tenant_id, code, key=key or str(ids.uuid7()))
        found = await desk.find(access.tenant_id, code)
        event = Event(str(found.voucher.id), "voucher.resent", access.actor, {})
        await core.backoffice.note(access.tenant_id, event)
        return await told(access, code, "Its owner is told the code.")

    @routes.post("/{code}/transfer")
    async def transfer(
        code: Code, body: TransferBody, access: Annotated[Access, writes]
    ) -> Told[VoucherDetailed]:
        """Give it to another customer, who is told the code. Who paid for it stays who paid."""
        tenant = await core.tenants.get(access.tenant_id)
        to = phone_of(body.phone, tenant, "phone")
        if to is None:
            raise wrong("phone", "is no mobile number")
        await desk.transfer(access.tenant_id, code, to, actor=access.actor)
        return await told(access, code, "It is theirs, and they are told.")

    @routes.post("/{code}/refund")
    async def refund(
        code: Code, body: RefundBody, access: Annotated[Access, writes]
    ) -> Told[VoucherDetailed]:
        """Take it off the router, then give the money back. The same again changes nothing."""
        found = await desk.refund(access.tenant_id, code, reason=body.reason, actor=access.actor)
        back = found.voucher.sale_state is SaleState.REFUNDED
        message = "The money is back." if back else "It is taken off the router, then paid back."
        return Told(data=detailed(found), message=message)

    @routes.post("/{code}/disable")
    async def disable(code: Code, access: Annotated[Access, writes]) -> Told[VoucherDetailed]:
        """Nobody logs in with it any more, and whoever is online with it is put out."""
        await desk.disable(access.tenant_id, code, actor=access.actor)
        return await told(access, code, "The router is told.")

    @routes.post("/{code}/enable")
    async def enable(code: Code, access: Annotated[Access, writes]) -> Told[VoucherDetailed]:
        """It works again, with what is left of it."""
        await desk.enable(access.tenant_id, code, actor=access.actor)
        return await told(access, code, "The router is told.")

    async def told(access: Access, code: str, message: str) -> Told[VoucherDetailed]:
        return Told(data=detailed(await desk.find(access.tenant_id, code)), message=message)

    return routes
