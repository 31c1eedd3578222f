"""Messages that failed whenever they were taken up: told to operators, and tried again by them."""

from collections.abc import Sequence
from uuid import UUID

from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Alert, AlertKind, Event
from core.ports.chat import ParkedBook, ParkedMessage
from core.services.alerts import AlertDesk


class NotParked(Problem):
    """No message of that number is parked."""

    code = "message.not_parked"


class ParkedMessages:
    """One alert a day and tenant, closed when the next day brings another, or none is left."""

    def __init__(self, book: ParkedBook, alerts: AlertDesk, clock: Clock, bell: Bell) -> None:
        self._book = book
        self._alerts = alerts
        self._clock = clock
        self._bell = bell

    async def parked(self, tenant_id: UUID, channel: str, why: str) -> None:
        """One is given up. Says where and why, and nothing of what was written or by whom."""
        day = self._clock.now().date().isoformat()
        alert = Alert(
            tenant_id=tenant_id,
            kind=AlertKind.PARKED,
            key=f"messages/{day}",
            subject="messages of customers could not be answered",
            facts={"channel": channel, "why": why},
        )
        await self._alerts.settle(tenant_id, [AlertKind.PARKED], [alert])

    async def listed(self, tenant_id: UUID, count: int) -> Sequence[ParkedMessage]:
        return await self._book.listed(tenant_id, count)

    async def again(self, tenant_id: UUID, number: int, actor: str) -> None:
        """Have one taken up as if it had just come.

        Raises:
            NotParked: there is none of that number.
        """
        event = Event(f"message/{number}", "message.again", actor, {})
        if not await self._book.again(tenant_id, number, event, self._clock.now()):
            raise NotParked
        self._bell.ring()
        if not await self._book.listed(tenant_id, 1):
            await self._alerts.settle(tenant_id, [AlertKind.PARKED], [])
