"""What channels tell later: what became of notices, and who can be reached."""

from collections.abc import Sequence
from typing import Protocol

import structlog

from core.domain.chat import (
    Address,
    Delivery,
    Fate,
    InlineQuery,
    Later,
    Moved,
    Refused,
    Unreachable,
)
from core.domain.turns import Channel
from core.kit.clock import Clock
from core.ports import Failed, NoticeFates
from core.ports.chat import Pace
from core.services.reach import ChatReach

log = structlog.get_logger()

PAUSED_S = 300.0
"""So long no notice is sent by a channel that refuses everything; then one tries again."""


class Answering(Protocol):
    """See `core.services.gift_inline.InlineGifts`."""

    async def asked(self, channel: Channel, query: InlineQuery) -> None: ...


class ChatAftermath:
    """Draws the consequences of what could not be delivered, whoever found out, and when."""

    def __init__(
        self,
        reach: ChatReach,
        notices: NoticeFates,
        pace: Pace,
        clock: Clock,
        inline: Answering | None = None,
    ) -> None:
        self._reach = reach
        self._inline = inline
        self._notices = notices
        self._pace = pace
        self._clock = clock

    async def reach(self, channel: Channel, identity: str, *, reachable: bool, why: str) -> None:
        """They blocked us, or let us write again."""
        await self._reach.reach(channel, identity, reachable=reachable, why=why)

    async def moved(self, channel: Channel, moved: Moved) -> None:
        """They answer to that name no more."""
        await self._reach.moved(channel, moved)

    async def asked(self, channel: Channel, query: InlineQuery) -> None:
        """Somebody asks our bot from another chat: answered at once or not at all."""
        if self._inline is not None:
            await self._inline.asked(channel, query)

    async def fates(self, channel: Channel, fates: Sequence[Fate]) -> None:
        """What arrived is noted; a notice that failed waits again, on the route that follows."""
        await self._reach.fates(channel, fates)
        for failed in await self._notices.note(channel, fates, self._clock.now()):
            await self.failed_later(channel, failed)
        for fate in fates:
            if isinstance(fate.failed, Refused) and fate.failed.stops:
                await self.failed(_at(channel), fate.failed)

    async def failed_later(self, channel: Channel, failed: Failed) -> None:
        log.info("notice.failed_later", route=failed.route.value, kind=channel.kind)
        await self.failed(_at(channel, failed.identity), failed.failed)

    async def failed(self, to: Address, delivery: Delivery) -> None:
        """Keep in mind what a failure says of the person and of the channel."""
        match delivery:
            case Unreachable(why):
                await self._reach.unreachable(to, why)
            case Refused():
                await self._reach.refused(to, delivery)
                if delivery.stops:
                    await self._pace.pause(to.channel, PAUSED_S)
            case Later():
                await self._pace.hold(to, delivery)
            case _:
                pass

    async def well(self, channel: Channel) -> None:
        """The channel takes what it is given, after it did not."""
        await self._reach.taken(channel)
        await self._pace.resume(channel)


def _at(channel: Channel, identity: str = "") -> Address:
    return Address(channel.tenant_id, channel, identity)
