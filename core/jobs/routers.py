"""What workers run for hotspots: routers' work, what time alone brings, and batches of codes."""

from collections.abc import Sequence

from core.domain.vouchers import Voucher
from core.jobs.workers import Pump
from core.kit import ids
from core.kit.bell import Bell
from core.ports.router_ops import RouterLease, RouterOps
from core.ports.vouchers import Batch, VoucherBatches, VoucherBook
from core.services.router_delivery import DeliveryRules, RouterDelivery
from core.services.voucher_batches import BatchDesk

_AT_ONCE = 64
_TURNED_OVER_AT_ONCE = 200
_BATCH_LEASE_S = 60.0


def router_pump(
    ops: RouterOps, delivery: RouterDelivery, rules: DeliveryRules, bell: Bell
) -> Pump[RouterLease]:
    """Routers that something is owed to, each with one worker of all processes."""
    holder = str(ids.uuid7())

    async def lease(count: int) -> Sequence[RouterLease]:
        return await ops.claim(holder, count, rules.lease_s)

    return Pump("routers", lease, delivery.work, bell, at_once=_AT_ONCE)


def voucher_clock(book: VoucherBook) -> Pump[Voucher]:
    """Vouchers that end, and refunds that fall due. The store does it all in one call."""

    async def turn(_count: int) -> Sequence[Voucher]:
        await book.turn_over(_TURNED_OVER_AT_ONCE)
        return ()

    async def nothing(_voucher: Voucher) -> None: ...

    return Pump("voucher clock", turn, nothing, Bell(), at_once=1, idle_s=2.0)


def batch_pump(batches: VoucherBatches, desk: BatchDesk, bell: Bell) -> Pump[Batch]:
    async def lease(count: int) -> Sequence[Batch]:
        return await batches.due(count, _BATCH_LEASE_S)

    return Pump("voucher batches", lease, desk.fill, bell, at_once=2, idle_s=1.0)
