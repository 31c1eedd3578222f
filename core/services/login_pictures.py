"""The picture that leads a customer onto the hotspot: a QR code of the login link, and the code."""

import asyncio
from uuid import UUID

import structlog

from core.domain.voucher_codes import login_link
from core.domain.vouchers import Voucher
from core.kit.texts import FALLBACK, Texts
from core.ports import Customers, Tenants
from core.ports.hotspot_books import RouterBook
from core.ports.pictures import LoginDrawing, LoginPicture
from core.ports.vouchers import VoucherBook
from core.services.receipts import Receipts

log = structlog.get_logger()


class LoginPictures:
    def __init__(
        self,
        book: VoucherBook,
        routers: RouterBook,
        customers: Customers,
        tenants: Tenants,
        texts: Texts,
        drawing: LoginDrawing,
    ) -> None:
        self._book = book
        self._routers = routers
        self._customers = customers
        self._tenants = tenants
        self._texts = texts
        self._drawing = drawing

    async def login(self, tenant_id: UUID, voucher_id: UUID) -> bytes | None:
        """See `core.ports.chat.Picturing`."""
        try:
            voucher = await self._book.get(tenant_id, voucher_id)
            if voucher is None or voucher.code is None or voucher.sale_state.over:
                return None
            router = await self._routers.get(tenant_id, voucher.router_id)
            link = "" if router is None else login_link(router.login_url, voucher.code)
            if not link:
                return None
            told = await self._told(voucher, voucher.code, link)
            return await asyncio.to_thread(self._drawing.login, told)
        except Exception:
            log.exception("logins.not_drawn", voucher=str(voucher_id))
            return None

    async def bought(self, tenant_id: UUID, reference: str) -> bytes | None:
        """The same, of what was sold under our reference."""
        try:
            voucher = await self._book.by_reference(tenant_id, reference)
        except Exception:
            log.exception("logins.not_found", reference=reference)
            return None
        return None if voucher is None else await self.login(tenant_id, voucher.id)

    async def _told(self, voucher: Voucher, code: str, link: str) -> LoginPicture:
        tenant = await self._tenants.get(voucher.tenant_id)
        language = FALLBACK
        if voucher.owner_id is not None:
            owner = await self._customers.get(voucher.tenant_id, voucher.owner_id)
            language = owner.language
        return LoginPicture(
            shop=tenant.name,
            link=link,
            code=code,
            plan=voucher.plan_name,
            footer=self._texts.get(language, "sheet.picture"),
        )


class Pictures:
    """See `core.ports.chat.Picturing`."""

    def __init__(self, receipts: Receipts, logins: LoginPictures) -> None:
        self._receipts = receipts
        self._logins = logins

    async def receipt(self, tenant_id: UUID, reference: str) -> bytes | None:
        receipt = await self._receipts.receipt(tenant_id, reference)
        return receipt or await self._logins.bought(tenant_id, reference)

    async def login(self, tenant_id: UUID, voucher_id: UUID) -> bytes | None:
        return await self._logins.login(tenant_id, voucher_id)
