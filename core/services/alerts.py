"""What operators are told: opened once, closed once, and followed by whoever listens."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Collection, Sequence
from uuid import UUID

import structlog

from core.ports import Alert, AlertKind, Paging
from core.ports.health import AlertBook, AlertRecord, AlertStatus

log = structlog.get_logger()

FOLLOWED_EVERY_S = 1.0
# Numbers of changes are given out before they are committed: a lower one may come to light after a
# higher one. So far back is looked again.
OVERLAP = 64
_AT_ONCE = 500


class AlertDesk:
    """See `core.ports.Alerts`. One log line per opening and closing, and no other."""

    def __init__(self, book: AlertBook, *, every_s: float = FOLLOWED_EVERY_S) -> None:
        self._book = book
        self._every_s = every_s

    async def open(self, alert: Alert) -> bool:
        new = await self._book.open(alert)
        if new:
            log.warning(
                "alert.opened",
                tenant=str(alert.tenant_id),
                kind=alert.kind.value,
                key=alert.key,
                about=alert.subject,
                facts=dict(alert.facts),
            )
        return new

    async def close(self, tenant_id: UUID, key: str) -> bool:
        closed = await self._book.close(tenant_id, key)
        if closed is None:
            return False
        log.info(
            "alert.closed",
            tenant=str(tenant_id),
            kind=closed.kind.value,
            key=key,
            about=closed.subject,
        )
        return True

    async def settle(
        self, tenant_id: UUID, kinds: Collection[AlertKind], standing: Sequence[Alert]
    ) -> None:
        """Have those alerts of these kinds open that are given, and no others."""
        open_now = {each.key for each in await self._book.standing(tenant_id, kinds)}
        wanted = {alert.key: alert for alert in standing}
        for key, alert in wanted.items():
            if key not in open_now:
                await self.open(alert)
        for key in open_now - wanted.keys():
            await self.close(tenant_id, key)

    async def standing(self, tenant_id: UUID, kind: AlertKind) -> Sequence[AlertRecord]:
        """Those of that kind that are open."""
        return await self._book.standing(tenant_id, [kind])

    async def let_go(self, tenant_id: UUID, kind: AlertKind, before: dt.datetime) -> None:
        """Close those of that kind that were opened by then: such stand for a while only."""
        for each in await self.standing(tenant_id, kind):
            if each.opened_at <= before:
                await self.close(tenant_id, each.key)

    async def listed(
        self, tenant_id: UUID, status: AlertStatus | None, paging: Paging
    ) -> Sequence[AlertRecord]:
        """One page and the row after it, the latest first."""
        return await self._book.listed(tenant_id, status, paging)

    async def count(self, tenant_id: UUID, status: AlertStatus | None) -> int:
        return await self._book.count(tenant_id, status)

    async def newer(self, tenant_id: UUID, change: int, count: int) -> Sequence[AlertRecord]:
        """Those that changed after that change, in order; for whoever keeps count."""
        return await self._book.newer(tenant_id, change, count)

    async def newest(self, tenant_id: UUID) -> int:
        return await self._book.newest(tenant_id)

    async def follow(
        self, tenant_id: UUID, after: int | None = None
    ) -> AsyncIterator[AlertRecord | None]:
        """Alerts as they open and close from now on, or after a change that was seen before.

        Without end. None comes each time that nothing has changed: whoever passes this on can tell
        by it that the other side is still there.
        """
        seen_to = await self._book.newest(tenant_id) if after is None else after
        floor = seen_to  # what was before that is not told again
        told: set[int] = set()
        while True:
            since = max(floor, seen_to - OVERLAP)
            fresh = [
                record
                for record in await self._book.newer(tenant_id, since, _AT_ONCE)
                if record.change not in told
            ]
            for record in fresh:
                told.add(record.change)
                seen_to = max(seen_to, record.change)
                yield record
            told = {change for change in told if change > seen_to - 2 * OVERLAP}
            if not fresh:
                yield None
                await asyncio.sleep(self._every_s)
