"""A creator's open rooms, offered where they ask for them: in the chat with their friends."""

import asyncio
import re
from collections.abc import Sequence
from typing import Protocol

import structlog

from core.domain.chat import InlineQuery, Offer, Offers
from core.domain.customers import Customer
from core.domain.gifts import Room
from core.domain.turns import Channel
from core.kit.money import show
from core.kit.texts import FALLBACK, Texts
from core.ports.chat import Offering
from core.services.gift_sharing import GiftSharing
from core.services.gifts import Gifts

log = structlog.get_logger()

_ROOMS_MAX = 20
# Telegram waits for the answer of a request before it sends the next.
_WITHIN_S = 5.0
_WORD = "gifts"


class Linked(Protocol):
    async def linked(self, channel: Channel, identity: str) -> Customer | None: ...


class Spoken(Protocol):
    """See `core.services.messengers.Messengers`. What it gives may keep `Offering`, or not."""

    def of(self, channel: Channel) -> object: ...


class InlineGifts:
    def __init__(
        self, gifts: Gifts, sharing: GiftSharing, people: Linked, spoken: Spoken, texts: Texts
    ) -> None:
        self._gifts = gifts
        self._sharing = sharing
        self._people = people
        self._spoken = spoken
        self._texts = texts

    async def asked(self, channel: Channel, query: InlineQuery) -> None:
        """Answer with the rooms of this very person, or lead them to our chat. Never raises.

        Nothing hangs on it: who gets no answer types another letter.
        """
        messenger = self._spoken.of(channel)
        if not isinstance(messenger, Offering):
            return
        try:
            async with asyncio.timeout(_WITHIN_S):
                offers = await self._offers(channel, query)
                await messenger.offer(channel, query, offers)
        except Exception as error:
            log.exception("gift.inline_failed", error=type(error).__name__)

    async def _offers(self, channel: Channel, query: InlineQuery) -> Offers:
        customer = await self._people.linked(channel, query.identity)
        if customer is None:
            language = query.language if query.language in self._texts.languages else FALLBACK
            return self._led((), language)
        rooms = await self._gifts.mine(customer, _ROOMS_MAX)
        wanted = re.sub(r"\D", "", query.text)
        fitting = [room for room in rooms if not room.state.final and room.code.startswith(wanted)]
        return self._led([await self._offer(room, customer) for room in fitting], customer.language)

    async def _offer(self, room: Room, customer: Customer) -> Offer:
        language = customer.language
        sharing = await self._sharing.of(room, language)
        facts = {"amount": show(room.total), "taken": room.taken, "shares": room.shares}
        return Offer(
            id=room.id.hex,
            title=self._texts.get(language, "gift.inline.title", **facts),
            hint=room.message or self._texts.get(language, "gift.inline.hint", **facts),
            text=sharing.text,
            button=self._texts.get(language, "gift.open"),
            url=sharing.telegram or sharing.page,
        )

    def _led(self, listed: Sequence[Offer], language: str) -> Offers:
        return Offers(tuple(listed), self._texts.get(language, "gift.inline.give"), _WORD)
