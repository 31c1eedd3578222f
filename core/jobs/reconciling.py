"""Every day, some hours after midnight where the tenant is, yesterday is reconciled with everybody.

A day whose records could not be read, or that did not agree, is looked at again on the next days:
statements lag, and the normal path mends.
"""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

from core.domain.reconciliation import day_of
from core.kit.clock import Clock
from core.ports import Tenants
from core.ports.statements import DayRun, Party, ReconciliationBook
from core.services.reconciliation import Reconciliation
from core.services.reconciliation_parts import TenantList

_DAYS_BACK = 3


class DailyReconciliation:
    """Leases what is due; any number of processes may, and each day is worked off by one."""

    def __init__(
        self,
        reconciliation: Reconciliation,
        book: ReconciliationBook,
        tenants: Tenants,
        all_tenants: TenantList,
        clock: Clock,
        *,
        at: dt.time,
        lease_s: float,
    ) -> None:
        """`at` is a local time of the tenant."""
        self._reconciliation = reconciliation
        self._book = book
        self._tenants = tenants
        self._all_tenants = all_tenants
        self._clock = clock
        self._at = at
        self._lease_s = lease_s

    async def due(self, count: int) -> Sequence[DayRun]:
        leased: list[DayRun] = []
        for tenant_id in (await self._all_tenants.keys()).values():
            for party, day in await self._due_of(tenant_id):
                if len(leased) >= count:
                    return leased
                run = await self._book.lease(tenant_id, party, day, self._lease_s)
                if run is not None:
                    leased.append(run)
        return leased

    async def handle(self, run: DayRun) -> None:
        await self._reconciliation.work_off(run)

    async def _due_of(self, tenant_id: UUID) -> list[tuple[Party, dt.date]]:
        zone = ZoneInfo((await self._tenants.get(tenant_id)).time_zone)
        now = self._clock.now()
        today = day_of(now, zone)
        since = dt.datetime.combine(today, self._at, tzinfo=zone)
        if now < since:
            return []
        yesterday = today - dt.timedelta(days=1)
        days = [today - dt.timedelta(days=back) for back in range(1, _DAYS_BACK + 1)]
        begun = await self._book.begun(tenant_id, days)
        again = [
            (run.party, run.day) for run in begun if run.started_at < since and not _agrees(run)
        ]
        # Whose lease ran out died on the way.
        again += [
            (run.party, run.day)
            for run in begun
            if run.started_at >= since
            and run.state == "running"
            and run.leased_until is not None
            and run.leased_until <= now
        ]
        known = {run.party for run in begun if run.day == yesterday}
        parties = await self._reconciliation.parties(tenant_id, yesterday)
        return [*((each, yesterday) for each in parties if each not in known), *again]


def _agrees(run: DayRun) -> bool:
    return run.state == "done" and not run.differences
