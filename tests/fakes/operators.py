"""Operators at their bot: the real client, a Bot API on a socket, and a core of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from bots.operators.app import run
from cli.demo import TENANT
from core.app import Core
from core.domain.operators import Operator, Role
from core.kit.clock import SetClock
from core.store.embedded import ServiceUrls
from tests.fakes.bot_api import TOKEN, BotApi, bot_api
from tests.fakes.chat import House, open_house

POLL_S = 1


@dataclass
class Desk:
    """A house with an operators' bot, which may be stopped, killed and started again."""

    house: House
    api: BotApi
    _stop: asyncio.Event = field(default_factory=asyncio.Event)
    _bot: "asyncio.Task[None] | None" = None

    @property
    def core(self) -> Core:
        """The bot's own."""
        return self.house.cores[-1]

    def start(self, token: str = TOKEN) -> None:
        self._stop = asyncio.Event()
        serving = run(self.core, token, self.api.url, self._stop, poll_s=POLL_S)
        self._bot = asyncio.create_task(serving)

    async def stop(self) -> None:
        self._stop.set()
        await self.ended()

    async def ended(self) -> None:
        """Wait for the bot to end; raises what ended it."""
        bot, self._bot = self._bot, None
        if bot is not None:
            await bot

    async def kill(self) -> None:
        """In the midst of whatever it does."""
        bot, self._bot = self._bot, None
        if bot is not None:
            bot.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await bot

    async def joins(self, user_id: int, name: str, role: Role) -> Operator:
        """Somebody who has joined the demo tenant's operators."""
        desk = self.core.operations.desk
        code = await desk.add(TENANT.id, name, role, "test")
        joined = await desk.join(user_id, code)
        assert joined is not None
        return joined


@contextlib.asynccontextmanager
async def open_desk(urls: ServiceUrls, home: Path, clock: SetClock) -> AsyncIterator[Desk]:
    async with open_house(urls, home, clock) as house, bot_api() as api:
        desk = Desk(house, api)
        try:
            yield desk
        finally:
            await desk.stop()
