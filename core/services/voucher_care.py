"""What a customer can do about a voucher once it is bought: look, give, take back, be helped.

Only the owner is told anything of a voucher, but for printed ones that nobody owns: whoever holds
the card may ask what is wrong with it.
"""

import asyncio
import time
from dataclasses import dataclass
from uuid import UUID

import structlog

from core.domain import voucher_codes
from core.domain.customers import Customer
from core.domain.hotspot import Router
from core.domain.voucher_diagnosis import Finding, Witness, by_the_books, diagnosed
from core.domain.vouchers import Voucher
from core.kit import crash
from core.kit.clock import Clock
from core.kit.msisdn import Msisdn
from core.ports import Customers
from core.ports.hotspot import Done, HotspotRouters, Lane
from core.ports.hotspot_books import RouterBook
from core.ports.router_ops import RouterOps
from core.ports.voucher_backend import Login, VoucherBackend
from core.ports.vouchers import SaleView, VoucherBook
from core.services.router_vouchers import RouterVouchers

log = structlog.get_logger()

_TOLD_EVERY_S = 600
_LOOK_S = 4.0  # a turn takes no longer than six
_SEEN_FOR_S = 10.0
_SEEN_MAX = 1000
_ACTOR = "customer"


@dataclass(frozen=True, slots=True)
class Held:
    """A voucher in somebody's hand. `sale`: None where no customer paid for it here."""

    voucher: Voucher
    router: Router | None
    sale: SaleView | None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What is the matter with it."""

    finding: Finding
    held: Held


class VoucherCare:
    """`keeper`: who keeps vouchers instead of the routers, where somebody does."""

    def __init__(
        self,
        book: VoucherBook,
        routers: RouterBook,
        fleet: HotspotRouters,
        keeper: VoucherBackend | None,
        ops: RouterOps,
        customers: Customers,
        clock: Clock,
    ) -> None:
        self._book = book
        self._routers = routers
        self._fleet = fleet
        self._keeper = keeper
        self._ops = ops
        self._customers = customers
        self._clock = clock
        self._seen: dict[UUID, tuple[float, Witness]] = {}

    async def held(self, customer: Customer, voucher_id: UUID) -> Held | None:
        """One of the customer's own, or a card that nobody owns; None for any other."""
        voucher = await self._book.get(customer.tenant_id, voucher_id)
        if voucher is None or not voucher.is_for(customer.id):
            return None
        router = await self._routers.get(voucher.tenant_id, voucher.router_id)
        return Held(voucher, router, await self._book.sale(voucher.tenant_id, voucher.id))

    async def typed(self, customer: Customer, code: str) -> UUID | None:
        """The voucher of a code as it is typed, under the same condition."""
        plain = voucher_codes.typed(code)
        voucher = await self._book.by_code(customer.tenant_id, plain) if plain else None
        if voucher is None or not voucher.is_for(customer.id):
            return None
        return voucher.id

    async def tell_again(self, customer: Customer, voucher_id: UUID) -> bool:
        """Send the code to its owner's number or chat, at most once in ten minutes.

        False for what is over, or somebody else's.
        """
        held = await self.held(customer, voucher_id)
        if held is None or held.voucher.owner_id is None:
            return False
        key = f"again:{int(self._clock.now().timestamp()) // _TOLD_EVERY_S}"
        return await self._book.tell(customer.tenant_id, voucher_id, key)

    async def give(self, customer: Customer, voucher_id: UUID, to: Msisdn) -> bool:
        """Give it to another number, which is told the code: before anybody has used it.

        Safe to repeat. False, and nothing was done, where it is used, over or somebody else's.
        """
        owner = await self._customers.of_number(customer.tenant_id, to)
        given = await self._book.hand_over(
            customer.tenant_id, voucher_id, owner.id, _ACTOR, unused_of=customer.id
        )
        crash.point("voucher.given")
        return given

    async def take_back(self, customer: Customer, voucher_id: UUID) -> bool:
        """Give the money back of one that the customer paid for and that does not work yet.

        It is taken off the router first. Safe to repeat. False where it works by now, or another
        paid for it.
        """
        held = await self.held(customer, voucher_id)
        if held is None or held.sale is None or held.sale.customer_id != customer.id:
            return False
        answer = await self._book.give_back(
            customer.tenant_id, voucher_id, "asked", _ACTOR, waiting=True
        )
        crash.point("voucher.taken_back")
        if answer == "begun":
            await self._ops.wake(customer.tenant_id, held.voucher.router_id)
        return answer != "works"

    async def diagnose(
        self, customer: Customer, voucher_id: UUID, until: float
    ) -> Diagnosis | None:
        """What is the matter, as its router says before `until` (monotonic).

        A code that the router has lost is put back at once. None for somebody else's.
        """
        held = await self.held(customer, voucher_id)
        if held is None:
            return None
        now = self._clock.now()
        if found := by_the_books(held.voucher, now):
            return Diagnosis(found, held)
        witness = await self._witness(held, until)
        finding = diagnosed(held.voucher, held.router, witness, now)
        log.info("voucher.diagnosed", voucher=str(voucher_id), finding=finding.value)
        if finding is Finding.MISSING:
            await self._ops.wake(customer.tenant_id, held.voucher.router_id)
        return Diagnosis(finding, held)

    async def log_out(self, customer: Customer, voucher_id: UUID, until: float) -> bool:
        """Log every device out that uses the customer's own; false where that could not be done."""
        held = await self.held(customer, voucher_id)
        if held is None or held.router is None or held.voucher.owner_id is None:
            return False
        assert held.voucher.code is not None
        router = self._fleet.of(held.router.id, held.router.access)
        self._seen.pop(voucher_id, None)
        try:
            async with asyncio.timeout(_left_s(until)):
                return isinstance(await router.kick(held.voucher.code, _lane(held)), Done)
        except TimeoutError:
            return False

    async def _witness(self, held: Held, until: float) -> Witness | None:
        """What the router says, or said a moment ago; None where it does not in time."""
        now, voucher_id = time.monotonic(), held.voucher.id
        at, witness = self._seen.get(voucher_id, (0.0, None))
        if witness is not None and now - at < _SEEN_FOR_S:
            return witness
        try:
            async with asyncio.timeout(_left_s(until)):
                witness = await self._asked(held)
        except TimeoutError:
            return None
        if witness is not None:
            if len(self._seen) >= _SEEN_MAX:
                self._seen.clear()
            self._seen[voucher_id] = now, witness
        return witness

    async def _asked(self, held: Held) -> Witness | None:
        voucher, site = held.voucher, held.router
        if site is None or (self._keeper is not None and not site.status.reachable):
            return None
        assert voucher.code is not None
        login = Login(
            *(voucher.id, site.id, voucher.desired_rev, voucher.code),
            *(voucher.terms, voucher.base),
        )
        keeper = self._keeper or RouterVouchers(
            self._fleet.of(site.id, site.access), site.server, _lane(held)
        )
        found = await keeper.usage([login])
        if not isinstance(found, Done):
            return None
        use = found.value.get(voucher.id)
        return (
            Witness(known=False)
            if use is None
            else Witness(known=True, used=use.used, online=use.online)
        )


def _lane(held: Held) -> Lane:
    """A customer's own is paid work: no batch may keep them from knowing what is wrong with it."""
    return Lane.MANAGE if held.voucher.owner_id is None else Lane.PAID


def _left_s(until: float) -> float:
    return min(_LOOK_S, until - time.monotonic())
