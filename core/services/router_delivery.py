"""What a worker does with the router that it has a lease of.

Two lanes side by side, each with one thing at a time: one that does all there is, the most urgent
first, and one that does only what customers wait for and what must be revoked. So a bulk job never
stands before a paid voucher, however slow the router is.
"""

import asyncio
import datetime as dt
import time
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog
from prometheus_client import Counter

from core.domain.voucher_codes import new_codes
from core.domain.vouchers import Priority
from core.kit import crash
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.ports import Alerts
from core.ports.hotspot import HotspotRouter, HotspotRouters, Lane, Refusal, Refused
from core.ports.router_ops import (
    Fared,
    Fenced,
    RouterLease,
    RouterOps,
    Task,
    TaskReport,
)
from core.ports.voucher_backend import VoucherBackend
from core.services.router_comparing import Comparing, RouterAlerts, backoff_s
from core.services.voucher_ensure import LOST, Ended, Ensuring, ended_by
from core.services.voucher_keeping import bring, login_of

log = structlog.get_logger()

_FARED = Counter("callbox_router_tasks_total", "Tasks of routers by what became of them", ["how"])

_URGENT = (Priority.VOID, Priority.PAID, Priority.REVOKE)
_BULK = (Priority.REFILL, Priority.BULK)
_LANES = {True: Lane.PAID, False: Lane.BULK}
_AT_ONCE = 4
_LOOK_EVERY_S = 0.2
_BUSY_S = 1.0
_BUSY_MAX_S = 5.0
_BACKOFF_MAX_S = 300.0


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How routers are worked on.

    Attributes:
        lease_s: How long a worker may be silent before another takes its router.
        compare_every_s: How often a router is compared with the books.
    """

    lease_s: float = 30.0
    compare_every_s: float = 600.0


class RouterDelivery:
    """Works on routers that were leased. With a `keeper`, vouchers are there and not on them."""

    def __init__(
        self,
        ops: RouterOps,
        routers: HotspotRouters,
        alerts: Alerts,
        clock: Clock,
        rules: DeliveryRules,
        keeper: VoucherBackend | None = None,
    ) -> None:
        self._ops = ops
        self._routers = routers
        self._alerts = alerts
        self._clock = clock
        self._rules = rules
        self._keeper = keeper

    async def work(self, lease: RouterLease) -> None:
        """Do what the router is owed until nothing is left or it goes away."""
        router = self._routers.of(lease.router_id, lease.access)
        shift = _Shift(
            self._ops, router, lease, self._alerts, self._clock, self._rules, self._keeper
        )
        try:
            await shift.run()
        except Fenced:
            log.warning("router.fenced", router=lease.name, fence=lease.fence)
            # What was done last may be older than what others have booked since.
            await self._ops.wake(lease.tenant_id, lease.router_id)


class _Shift:
    """One lease of one router."""

    def __init__(
        self,
        ops: RouterOps,
        router: HotspotRouter,
        lease: RouterLease,
        alerts: Alerts,
        clock: Clock,
        rules: DeliveryRules,
        keeper: VoucherBackend | None,
    ) -> None:
        self._ops = ops
        self._router = router
        self._keeper = keeper
        self._lease = lease
        self._clock = clock
        self._rules = rules
        self._alerts = RouterAlerts(alerts, lease.tenant_id, lease.router_id, lease.name)
        self._comparing = Comparing(
            *(ops, router, lease, self._alerts, clock, rules.compare_every_s, keeper),
            self._went_away,
            lambda: self._met_refusal,
        )
        self._leased_until_s = time.monotonic() + rules.lease_s
        self._taking = asyncio.Lock()
        self._under_way: set[UUID] = set()
        self._rest_s: float | None = None
        self._met_refusal = False

    async def run(self) -> None:
        bulk = asyncio.create_task(self._bulk(), name="router:bulk")
        urgent = asyncio.create_task(self._urgent(bulk), name="router:urgent")
        try:
            await asyncio.gather(bulk, urgent)
        except asyncio.CancelledError:
            await self._ops.give_back(self._lease)  # another process need not wait for its end
            raise
        finally:
            for lane in (bulk, urgent):
                lane.cancel()
            await asyncio.gather(bulk, urgent, return_exceptions=True)
        if self._rest_s is None:
            await self._ops.give_back(self._lease)
        else:
            until = self._clock.now() + dt.timedelta(seconds=self._rest_s)
            await self._ops.rest(self._lease, until, failed=True)

    async def _urgent(self, bulk: asyncio.Task[None]) -> None:
        """Only what is urgent: it waits for no reply that the other lane waits for.

        Lives as long as the other lane, and until nothing urgent is left.
        """
        while self._rest_s is None:
            await self._keep()
            if await self._some(_URGENT, 1):
                continue
            if bulk.done():
                return
            await asyncio.wait([bulk], timeout=_LOOK_EVERY_S)

    async def _bulk(self) -> None:
        """Whatever is most urgent, one thing after the other, until nothing is left."""
        while self._rest_s is None:
            if await self._keep():
                await self._comparing.run()
            elif not (
                await self._some(_URGENT, 1)
                or await self._some(_BULK, _AT_ONCE)
                or await self._refill()
            ):
                return

    async def _keep(self) -> bool:
        """Prolong the lease. True when the router is due to be compared."""
        until_s = time.monotonic() + self._rules.lease_s
        due = await self._ops.keep(self._lease, self._rules.lease_s)
        self._leased_until_s = max(self._leased_until_s, until_s)
        return due

    async def _some(self, priorities: Sequence[Priority], count: int) -> int:
        """Do the next few tasks; how many those were."""
        async with self._taking:
            tasks = await self._ops.take(self._lease, count, priorities, self._under_way)
            ids = {task.voucher_id for task in tasks}
            self._under_way |= ids
        crash.point("router.taken")
        try:
            reports = [await self._task(task) for task in tasks]
            crash.point("router.asked")
            if reports:
                await self._ops.report(self._lease, reports)
            crash.point("router.booked")
        finally:
            self._under_way -= ids
        if any(report.error == Refusal.BUSY.value for report in reports):
            waits = (report.again_at for report in reports if report.again_at is not None)
            wait_s = (min(waits) - self._clock.now()).total_seconds()
            await asyncio.sleep(min(max(wait_s, 0.0), _BUSY_MAX_S))
        return len(tasks)

    async def _task(self, task: Task) -> TaskReport:
        if self._rest_s is not None:  # it went away while the ones before were done
            return TaskReport(task, Fared.AGAIN, Refusal.AWAY.value)
        if time.monotonic() > self._leased_until_s:
            raise Fenced(self._lease.name)  # it stood still: what it was to do may be undone since
        lane = _LANES[task.priority in _URGENT]
        try:
            code = self._ops.code(task)
            if self._keeper is not None:
                login = login_of(self._lease, task, code)
                ended = ended_by(await bring(self._keeper, login, task.desired))
            else:
                ended = await Ensuring(self._router, self._lease.server, task, code, lane).run()
        except Fault:
            log.exception("router.task_failed", router=self._lease.name)
            ended = Ended(Fared.BLOCKED, "unreadable")
        except Exception:  # a fault of ours with one voucher keeps the router from no other
            log.exception("router.task_failed", router=self._lease.name)
            ended = Ended(Fared.UNKNOWN, "fault")
        _FARED.labels(ended.fared.value).inc()
        log.info(
            "router.task",
            router=self._lease.name,
            voucher=str(task.voucher_id),
            wanted=task.desired.value,
            priority=task.priority.name.lower(),
            how=ended.fared.value,
            why=ended.error,
            tries=task.tries,
        )
        if ended.fared in (Fared.BLOCKED, Fared.COLLISION):
            self._met_refusal = True
            await self._alerts.tell("blocked", {"reason": ended.error})
        if ended.error == LOST:
            await self._ops.wake(self._lease.tenant_id, self._lease.router_id)
        return TaskReport(task, ended.fared, ended.error, await self._again_at(task, ended))

    async def _again_at(self, task: Task, ended: Ended) -> dt.datetime | None:
        """When a task is tried again; a router that is away rests as a whole."""
        if ended.fared not in (Fared.AGAIN, Fared.UNKNOWN):
            return None
        wait_s = 0.0 if task.tries <= 1 else backoff_s(task.tries - 1)
        refused = ended.refused
        if refused is not None and refused.reason is Refusal.BUSY:
            wait_s = refused.retry_after_s or _BUSY_S
        elif refused is not None:
            await self._went_away(refused)
            wait_s = 0.0
        return self._clock.now() + dt.timedelta(seconds=wait_s)

    async def _went_away(self, refused: Refused) -> None:
        """It rests. That a router locks us out is told by monitoring, which meets it as well."""
        if refused.reason in (Refusal.CREDENTIALS, Refusal.UNTRUSTED):
            self._rest_s = _BACKOFF_MAX_S
            if self._keeper is not None:
                await self._alerts.tell("locked", {"reason": refused.reason.value})
        elif refused.retry_after_s is not None:
            self._rest_s = refused.retry_after_s
        else:
            self._rest_s = backoff_s(self._lease.failures + 1)

    async def _refill(self) -> int:
        """Make what stock is short of; how many plans that was."""
        refills = await self._ops.refills(self._lease)
        for refill in refills:
            codes = new_codes(refill.missing, refill.plan.code_style)
            sealed = self._ops.seal(self._lease.tenant_id, codes)
            await self._ops.refill(self._lease, refill, sealed)
        return len(refills)
