"""Pictures that go with words: the receipt of an order, or the way onto a hotspot."""

from uuid import UUID

import structlog

from core.ports import Customers
from core.ports.chat import Picturing
from core.ports.hotspot_books import RouterBook
from core.ports.vouchers import VoucherBook
from core.services.voucher_sheets import LoginPictures

log = structlog.get_logger()


class Pictures:
    """See `core.ports.chat.Picturing`: the receipt, or a voucher's login for what is no order."""

    def __init__(
        self,
        receipts: Picturing,
        logins: LoginPictures,
        book: VoucherBook,
        routers: RouterBook,
        customers: Customers,
    ) -> None:
        self._receipts = receipts
        self._logins = logins
        self._book = book
        self._routers = routers
        self._customers = customers

    async def receipt(self, tenant_id: UUID, reference: str) -> bytes | None:
        drawn = await self._receipts.receipt(tenant_id, reference)
        return drawn or await self._login(tenant_id, reference)

    async def _login(self, tenant_id: UUID, reference: str) -> bytes | None:
        try:
            voucher = await self._book.by_reference(tenant_id, reference)
            if voucher is None or voucher.sale_state.over or voucher.owner_id is None:
                return None
            router = await self._routers.get(tenant_id, voucher.router_id)
            owner = await self._customers.get(tenant_id, voucher.owner_id)
        except Exception:
            log.exception("pictures.not_found", reference=reference)
            return None
        return await self._logins.login(voucher, router, owner.language)
