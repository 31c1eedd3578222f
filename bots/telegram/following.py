"""Sees to it that every bot is heard: by a webhook that is set, or by asking for its updates.

Channels are made, changed and ended while processes run, so they are looked at every few seconds.
"""

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from bots.app import Aftermath, Ingest
from bots.telegram.announcing import Announcer
from bots.telegram.api import BotApi
from bots.telegram.polling import Fetching, Trouble
from core.domain.chat import Address, Later
from core.domain.turns import Channel
from core.kit.texts import Texts
from core.ports.leases import Leases

log = structlog.get_logger()

LOOKS_EVERY_S = 3.0
_ANNOUNCED_AT_ONCE = 4
_PAUSES_S = (3.0, 6.0, 15.0, 30.0, 60.0)
_KIND = "telegram"


class Roster(Protocol):
    async def of_kind(self, kind: str) -> Sequence[Channel]:
        """All channels of a kind that are on, of all tenants."""
        ...


class Listeners(Aftermath, Trouble, Protocol):
    """See `core.services.aftermath.ChatAftermath`."""


@dataclass(frozen=True, slots=True)
class _Followed:
    channel: Channel
    task: asyncio.Task[None]

    def ended_early(self) -> bool:
        """Fetching never ends by itself."""
        return self.task.done() and self.channel.settings.get("polling") is True


class BotFollower:
    """Announces and polls the bots of all tenants. Any number of processes may follow them.

    `public_url`: where Telegram reaches the web process, or "" when it does not.
    """

    def __init__(
        self,
        roster: Roster,
        leases: Leases,
        ingest: Ingest,
        listeners: Listeners,
        texts: Texts,
        *,
        public_url: str = "",
        looks_every_s: float = LOOKS_EVERY_S,
    ) -> None:
        self._roster = roster
        self._leases = leases
        self._ingest = ingest
        self._listeners = listeners
        self._public_url = public_url
        self._looks_every_s = looks_every_s
        self._api = BotApi()
        self._announcer = Announcer(self._api, texts)
        self._announcing = asyncio.Semaphore(_ANNOUNCED_AT_ONCE)
        self._followed: dict[UUID, _Followed] = {}

    async def run(self) -> None:
        """Until cancelled; then nothing of it runs on, and others may poll at once."""
        try:
            while True:
                try:
                    await self._look(await self._roster.of_kind(_KIND))
                except Exception as error:
                    log.exception("telegram.roster_unread", error=type(error).__name__)
                await asyncio.sleep(self._looks_every_s)
        finally:
            await self._drop(tuple(self._followed))
            await self._api.aclose()

    async def _look(self, channels: Sequence[Channel]) -> None:
        wanted = {channel.id: channel for channel in channels}
        await self._drop(
            [
                channel_id
                for channel_id, followed in self._followed.items()
                if followed.channel != wanted.get(channel_id) or followed.ended_early()
            ]
        )
        for channel_id, channel in wanted.items():
            if channel_id not in self._followed:
                self._followed[channel_id] = _Followed(channel, self._begin(channel))

    def _begin(self, channel: Channel) -> asyncio.Task[None]:
        return asyncio.create_task(self._follow(channel), name=f"telegram:{channel.id}")

    async def _follow(self, channel: Channel) -> None:
        if channel.settings.get("polling") is True:
            fetching = Fetching(
                channel, self._api, self._leases, self._ingest, self._listeners, self._listeners
            )
            await asyncio.gather(self._announce(channel), fetching.run())
        else:
            await self._announce(channel)

    async def _announce(self, channel: Channel) -> None:
        """Tried until Telegram has taken it, or refuses it, which an operator hears of."""
        for tries in itertools.count():
            async with self._announcing:
                said = await self._announcer.announce(channel, self._public_url)
            if said is None:
                return
            if not isinstance(said, Later):
                await self._listeners.failed(Address(channel.tenant_id, channel, ""), said)
                return
            await asyncio.sleep(pause_s(tries, said))

    async def _drop(self, channel_ids: Sequence[UUID]) -> None:
        """End following them, their leases given back."""
        tasks = [self._followed.pop(each).task for each in channel_ids]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def pause_s(tries: int, said: Later) -> float:
    """How long after so many tries in vain: longer each time, and as long as Telegram wants."""
    return max(said.after_s, _PAUSES_S[min(tries, len(_PAUSES_S) - 1)])
