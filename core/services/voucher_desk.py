"""Vouchers as operators handle them: by code, each change with who made it."""

from dataclasses import dataclass
from uuid import UUID

from core.domain import voucher_codes
from core.domain.vouchers import Desired, Voucher
from core.kit import crash
from core.kit.errors import Problem
from core.kit.msisdn import Msisdn
from core.ports import Customers
from core.ports.router_ops import RouterOps
from core.ports.vouchers import SaleView, VoucherBook


class NoSuchVoucher(Problem):
    code = "voucher.unknown"


class VoucherOver(Problem):
    """It was used up, ended or was paid back: nothing can be changed any more."""

    code = "voucher.over"


class NotSold(Problem):
    """Nobody paid for it here, so there is nothing to pay back."""

    code = "voucher.not_paid"


@dataclass(frozen=True, slots=True)
class VoucherDetail:
    """A voucher and its sale, if a customer bought it."""

    voucher: Voucher
    sale: SaleView | None


class VoucherDesk:
    def __init__(self, book: VoucherBook, ops: RouterOps, customers: Customers) -> None:
        self._book = book
        self._ops = ops
        self._customers = customers

    async def find(self, tenant_id: UUID, code: str) -> VoucherDetail:
        """By its code, however that is written, or by its id.

        Raises:
            NoSuchVoucher
        """
        voucher = await self._sought(tenant_id, code)
        if voucher is None:
            raise NoSuchVoucher
        return VoucherDetail(voucher, await self._book.sale(tenant_id, voucher.id))

    async def resend(self, tenant_id: UUID, code: str, *, key: str) -> None:
        """Tell its owner the code, once per `key`.

        Raises:
            NoSuchVoucher
            VoucherOver: or nobody owns it.
        """
        found = await self.find(tenant_id, code)
        if not await self._book.tell(tenant_id, found.voucher.id, key):
            raise VoucherOver

    async def transfer(self, tenant_id: UUID, code: str, to: Msisdn, *, actor: str) -> None:
        """Give it to another customer, who is told the code. Who paid for it stays who paid.

        Raises:
            NoSuchVoucher, VoucherOver
        """
        found = await self.find(tenant_id, code)
        owner = await self._customers.of_number(tenant_id, to)
        if not await self._book.hand_over(tenant_id, found.voucher.id, owner.id, actor):
            raise VoucherOver

    async def refund(self, tenant_id: UUID, code: str, *, reason: str, actor: str) -> VoucherDetail:
        """Take it off the router, then give the money back; as it stands a moment after.

        The same again changes nothing.

        Raises:
            NoSuchVoucher
            NotSold: no customer paid for it.
        """
        found = await self.find(tenant_id, code)
        answer = await self._book.give_back(tenant_id, found.voucher.id, reason, actor)
        crash.point("voucher.refund_asked")
        if answer == "not_sold":
            raise NotSold
        if answer == "begun":
            await self._ops.wake(tenant_id, found.voucher.router_id)
        return await self.find(tenant_id, code)

    async def disable(self, tenant_id: UUID, code: str, *, actor: str) -> None:
        """Nobody logs in with it any more, and whoever is online with it is put out.

        Raises:
            NoSuchVoucher, VoucherOver
        """
        await self._want(tenant_id, code, Desired.DISABLED, actor)

    async def enable(self, tenant_id: UUID, code: str, *, actor: str) -> None:
        """It works again, with what is left of it.

        Raises:
            NoSuchVoucher, VoucherOver
        """
        await self._want(tenant_id, code, Desired.PRESENT, actor)

    async def _sought(self, tenant_id: UUID, code: str) -> Voucher | None:
        if plain := voucher_codes.typed(code):
            return await self._book.by_code(tenant_id, plain)
        try:
            return await self._book.get(tenant_id, UUID(code))
        except ValueError:
            return None

    async def _want(self, tenant_id: UUID, code: str, desired: Desired, actor: str) -> None:
        found = await self.find(tenant_id, code)
        if not await self._book.want(tenant_id, found.voucher.id, desired, actor):
            raise VoucherOver
