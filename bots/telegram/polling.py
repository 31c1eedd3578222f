"""Fetches a bot's updates, for a machine that Telegram cannot reach.

Source: https://core.telegram.org/bots/api#getupdates (November 2026): an update is confirmed by
asking for those after it, and is told again until then, for a day. While a webhook is set there
is no asking, and of two who ask at once one is sent away: a lease sees to it that one process asks.

An update counts as fetched when all in it is kept, as at the webhook. One number is never carried
over a pause: after a quiet week they begin anew anywhere, also below the last one.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Sequence
from typing import Protocol

import structlog

from bots.app import Aftermath, Ingest, keep
from bots.edge import Malformed
from bots.telegram import hearing
from bots.telegram.announcing import UPDATES
from bots.telegram.api import BotApi, Told, name_of
from core.domain.chat import Address, Delivery, Later, Refused
from core.domain.turns import Channel
from core.ports import Unavailable
from core.ports.leases import Leases
from core.providers.values import member, whole

log = structlog.get_logger()

WAIT_S = 10
"""How long Telegram may wait for something to tell."""

# A hundred of the longest would be more than is read of any answer.
_AT_ONCE = 20
_MARGIN_S = 5.0
_KEEP_S = 10.0
# About as long as a round takes. When a process dies, another goes on after that; should a round
# take longer, two may fetch the same for a moment, and the inbox keeps it once.
_LEASE_S = WAIT_S + _MARGIN_S + _KEEP_S + _MARGIN_S
_LOOK_S = 2.0
_PAUSES_S = (0.5, 1.0, 2.0, 5.0, 15.0)
_PAUSE_REFUSED_S = 30.0


class Trouble(Protocol):
    """Who is told when Telegram refuses a bot (`core.services.aftermath.ChatAftermath`)."""

    async def failed(self, to: Address, delivery: Delivery) -> None: ...

    async def well(self, channel: Channel) -> None: ...


class Fetching:
    """Fetches the updates of one bot, for as long as `run` runs and no other process does."""

    def __init__(
        self,
        channel: Channel,
        api: BotApi,
        leases: Leases,
        ingest: Ingest,
        aftermath: Aftermath,
        trouble: Trouble,
    ) -> None:
        self._channel = channel
        self._api = api
        self._leases = leases
        self._ingest = ingest
        self._aftermath = aftermath
        self._trouble = trouble
        self._what = f"telegram:{name_of(channel)}"
        self._holder = secrets.token_hex(8)
        self._after: int | None = None  # what is below was kept, and Telegram does not know yet
        self._open = False  # no webhook stands in the way
        self._failed = 0  # rounds in a row
        self._well: bool | None = None  # None: nothing was told of it yet

    async def run(self) -> None:
        """Until cancelled."""
        try:
            while True:
                wait_s = await self._round()
                await asyncio.sleep(wait_s)
        finally:
            with contextlib.suppress(Unavailable):
                await self._leases.give_back(self._what, self._holder)

    async def _round(self) -> float:
        """Ask once, and keep what comes. How long to wait then."""
        try:
            if not await self._leases.take(self._what, self._holder, _LEASE_S):
                self._after, self._open = None, False  # who has it may have gone further
                return _LOOK_S
            said = await self._asked()
            if isinstance(said, Told):
                await self._keep(said.result)
                await self._is_well()
                self._failed = 0
                return 0.0
            return await self._pause(said)
        except Exception as error:
            log.exception("telegram.fetch_failed", error=type(error).__name__)
            return self._longer()

    async def _asked(self) -> Told | Later | Refused:
        if not self._open:
            said = await self._api.ask(self._channel, "deleteWebhook")
            if not isinstance(said, Told):
                return said
            self._open = True
        parameters: dict[str, object] = {
            "timeout": WAIT_S,
            # After trouble one by one: what cannot be read or kept holds up no more than itself.
            "limit": 1 if self._failed else _AT_ONCE,
            "allowed_updates": UPDATES,
        }
        if self._after is not None:
            parameters["offset"] = self._after
        return await self._api.ask(
            self._channel, "getUpdates", parameters, within_s=WAIT_S + _MARGIN_S
        )

    async def _keep(self, updates: object) -> None:
        """Keep them in order. Raises when one cannot be kept; those before it are done with."""
        given: Sequence[object] = updates if isinstance(updates, list) else []
        if not given:
            self._after = None  # Telegram knows by now
        for update in given:
            number = whole(member(update, "update_id"))
            if number is None:
                raise Malformed("no update_id")
            async with asyncio.timeout(_KEEP_S):
                heard = hearing.heard(update)
                await keep(self._channel, heard, self._ingest, self._aftermath)
            self._after = number + 1

    async def _pause(self, said: Later | Refused) -> float:
        self._open = False  # it may be a webhook that somebody has set meanwhile
        if isinstance(said, Later):
            return max(said.after_s, self._longer())
        self._failed += 1
        if self._well is not False:
            self._well = False
            channel = self._channel
            await self._trouble.failed(Address(channel.tenant_id, channel, ""), said)
        return _PAUSE_REFUSED_S

    async def _is_well(self) -> None:
        if self._well is not True:
            await self._trouble.well(self._channel)
            self._well = True

    def _longer(self) -> float:
        self._failed += 1
        return _PAUSES_S[min(self._failed, len(_PAUSES_S)) - 1]
