"""Notices that no route could tell: counted, told to operators, and tried again by them."""

from collections.abc import Sequence
from uuid import UUID

import structlog
from prometheus_client import Counter

from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Alert, AlertKind, Event, Notice, NoticeBook, NoticeRecord
from core.services.alerts import AlertDesk

log = structlog.get_logger()

_GIVEN_UP = Counter("callbox_notices_given_up_total", "Notices that no route could tell", ["text"])


class NotGivenUp(Problem):
    """No notice of that id was given up, or it was a secret, which is not kept."""

    code = "notice.not_given_up"


class DeadLetters:
    """One alert a day and tenant, closed when the next day brings another, or all is told."""

    def __init__(self, book: NoticeBook, alerts: AlertDesk, clock: Clock) -> None:
        self._book = book
        self._alerts = alerts
        self._clock = clock

    async def given_up(self, notice: Notice, why: str) -> None:
        """A notice ended untold. Says which, and nothing of what it would have said or to whom."""
        _GIVEN_UP.labels(notice.text).inc()
        log.error("notice.given_up", notice=str(notice.id), text=notice.text, why=why)
        day = self._clock.now().date().isoformat()
        alert = Alert(
            tenant_id=notice.tenant_id,
            kind=AlertKind.DEAD_LETTER,
            key=f"notices/{day}",
            subject="customers could not be told something",
            facts={"notice": str(notice.id), "text": notice.text, "why": why},
        )
        await self._alerts.settle(notice.tenant_id, [AlertKind.DEAD_LETTER], [alert])

    async def listed(
        self, tenant_id: UUID, state: str | None, count: int
    ) -> Sequence[NoticeRecord]:
        return await self._book.listed(tenant_id, state, count)

    async def again(self, tenant_id: UUID, notice_id: UUID, actor: str) -> None:
        """Have it tried again from the start.

        Raises:
            NotGivenUp: there is no such notice, or nothing is left of it.
        """
        event = Event(str(notice_id), "notice.again", actor, {})
        if not await self._book.again(tenant_id, notice_id, event, self._clock.now()):
            raise NotGivenUp
        if not await self._book.count(tenant_id, "given_up"):
            await self._alerts.settle(tenant_id, [AlertKind.DEAD_LETTER], [])
