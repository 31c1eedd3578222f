"""Shows screens in chats, at the pace that each channel takes, and minds what comes of it."""

import asyncio
import datetime as dt
from dataclasses import replace
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.chat import Address, Closed, Delivery, Later, Refused, Sent
from core.domain.display import Screen, Tells
from core.domain.turns import Channel
from core.kit.clock import Clock
from core.ports.chat import Messenger, Moment, Pace, Picturing

log = structlog.get_logger()

# Shorter waits than this are waited for; for longer ones the talk is given back.
_WAIT_MAX_S = 1.0


class Aftermath(Protocol):
    """See `core.services.aftermath.ChatAftermath`."""

    async def failed(self, to: Address, delivery: Delivery) -> None: ...

    async def well(self, channel: Channel) -> None: ...


class Seen(Protocol):
    """See `core.ports.Outbox`."""

    async def seen(
        self,
        tenant_id: UUID,
        reference: str,
        channel_id: UUID,
        identity: str,
        at: dt.datetime,
        tells: Tells = Tells.DONE,
    ) -> bool: ...


class Showing:
    def __init__(
        self, pace: Pace, picturing: Picturing, aftermath: Aftermath, outbox: Seen, clock: Clock
    ) -> None:
        self._pace = pace
        self._picturing = picturing
        self._aftermath = aftermath
        self._outbox = outbox
        self._clock = clock
        self._well: set[UUID] = set()  # channels that took the last thing they were given

    async def show(
        self, messenger: Messenger, to: Address, screen: Screen, moment: Moment
    ) -> Delivery:
        """Show it, with the receipt that it names. `Later` also where our own pace forbids it."""
        wait_s = await self._pace.answer(to, within_s=_WAIT_MAX_S)
        if wait_s > _WAIT_MAX_S:
            return Later(wait_s, "the pace of the channel")
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        if screen.receipt and screen.tells is Tells.DONE:
            picture = await self._picturing.receipt(to.tenant_id, screen.receipt)
            moment = replace(moment, picture=picture)
        delivery = await messenger.show(to, screen, moment)
        await self._mind(to, screen, delivery)
        return delivery

    async def _mind(self, to: Address, screen: Screen, delivery: Delivery) -> None:
        match delivery:
            case Sent():
                if to.channel.id not in self._well:
                    await self._aftermath.well(to.channel)
                    self._well.add(to.channel.id)
                if screen.receipt:
                    now = self._clock.now()
                    await self._outbox.seen(
                        to.tenant_id,
                        screen.receipt,
                        to.channel.id,
                        to.identity,
                        now,
                        screen.tells,
                    )
            case Closed():
                log.warning("chat.closed", kind=to.channel.kind)
            case _:
                if isinstance(delivery, Refused):
                    self._well.discard(to.channel.id)
                await self._aftermath.failed(to, delivery)
