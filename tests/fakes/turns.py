"""Conversations for tests of an edge: what came in is written down, what goes out is set."""

import asyncio
from collections.abc import Mapping
from uuid import UUID

from core.domain.turns import Advance, Channel, Inbound, Reply, SessionEnd

CHANNEL = Channel(
    id=UUID(int=1),
    tenant_id=UUID(int=2),
    kind="ussd",
    gateway="africastalking",
    key="demo",
    service_code="*347*100#",
)


class FakeTurns:
    """Answers with `reply` or raises `error`, once `may_end`; remembers marks as a store does."""

    def __init__(self) -> None:
        self.reply = Reply("Welcome\n1. Buy airtime", ends=False)
        self.error: Exception | None = None
        self.may_end = asyncio.Event()
        self.may_end.set()
        self.taken: list[Inbound] = []
        self.advances: list[Advance] = []
        self.finished = 0
        self.cancelled = 0
        self.ended: list[tuple[str, SessionEnd]] = []
        self._marks: dict[str, str] = {}

    async def take(self, inbound: Inbound) -> Reply:
        self.taken.append(inbound)
        advance = inbound.cursor.advance(self._marks.get(inbound.identity))
        self.advances.append(advance)
        self._marks[inbound.identity] = advance.mark
        try:
            await self.may_end.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error
        self.finished += 1
        return self.reply

    async def session_ended(self, channel: Channel, session_id: str, how: SessionEnd) -> None:
        if self.error is not None:
            raise self.error
        self.ended.append((session_id, how))


class FakeChannels:
    """The channels it is given, by gateway and key."""

    def __init__(self, *channels: Channel) -> None:
        self._channels: Mapping[tuple[str, str], Channel] = {
            (channel.gateway, channel.key): channel for channel in channels
        }
        self.error: Exception | None = None

    async def find(self, gateway: str, key: str) -> Channel | None:
        if self.error is not None:
            raise self.error
        return self._channels.get((gateway, key))
