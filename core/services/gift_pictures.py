"""Pictures of gifts: drawn once, away from the event loop, and kept while many ask for them."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from core.domain.gift_pages import GiftSight, how_it_stands
from core.domain.gifts import Room, RoomState
from core.kit.money import Money, show
from core.kit.msisdn import local, masked
from core.kit.texts import Texts
from core.ports.pictures import GiftCard, GiftDrawing, GiftResult
from core.services.gift_sharing import giver_of

_KEPT_MAX: Final = 64
_AT_ONCE: Final = 2
_WINNERS_DRAWN: Final = 8
_NAIRA: Final = "\u20a6"


@dataclass(frozen=True, slots=True)
class Picture:
    """`tag` is another one for another picture."""

    png: bytes
    tag: str


class GiftPictures:
    """At most `_KEPT_MAX` pictures are kept, those asked for last."""

    def __init__(self, texts: Texts, drawing: GiftDrawing) -> None:
        self._texts = texts
        self._drawing = drawing
        self._kept: OrderedDict[GiftCard | GiftResult, asyncio.Task[Picture]] = OrderedDict()
        self._pens = asyncio.Semaphore(_AT_ONCE)

    async def card(self, sight: GiftSight) -> Picture:
        """What goes with a link to the gift."""
        card = self._card(sight)
        return await self._drawn(card, lambda: self._drawing.card(card))

    async def result(self, sight: GiftSight) -> Picture | None:
        """How it ended; None while it has not."""
        if not sight.room.state.final:
            return None
        result = self._result(sight)
        return await self._drawn(result, lambda: self._drawing.result(result))

    async def _drawn(self, what: GiftCard | GiftResult, draw: Callable[[], bytes]) -> Picture:
        """Whoever asks for the same meanwhile waits for the same drawing."""
        task = self._kept.get(what)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._kept[what] = asyncio.create_task(self._draw(draw), name="gift picture")
            if len(self._kept) > _KEPT_MAX:
                self._kept.popitem(last=False)
        self._kept.move_to_end(what)
        return await asyncio.shield(task)

    async def _draw(self, draw: Callable[[], bytes]) -> Picture:
        async with self._pens:
            png = await asyncio.to_thread(draw)
        return Picture(png, hashlib.sha256(png).hexdigest()[:32])

    def _card(self, sight: GiftSight) -> GiftCard:
        room, tenant = sight.room, sight.tenant
        call = "open"
        if room.state.final:
            call = "over" if room.state is RoomState.COMPLETED else "ended"
        return GiftCard(
            shop=tenant.name,
            title=self._say(sight, "picture.title", giver=self._giver(room)),
            amount=_money(room.total),
            share=self._say(sight, "picture.for", people=self._people(sight)),
            message=self._drawing.letters(room.message),
            call=self._say(sight, f"picture.{call}"),
        )

    def _result(self, sight: GiftSight) -> GiftResult:
        room = sight.room
        currency = room.total.currency
        shown = sight.winners[:_WINNERS_DRAWN]
        more = room.taken - len(shown)
        waits = Money(room.reserved_minor, currency)
        given = Money(room.total.minor - room.returned_minor - waits.minor, currency)
        return GiftResult(
            shop=sight.tenant.name,
            title=self._say(
                sight, "result.title", giver=self._giver(room), amount=_money(room.total)
            ),
            message=self._drawing.letters(room.message),
            facts=(
                self._say(sight, "result.won", taken=room.taken, shares=room.shares),
                self._say(sight, "result.given", amount=_money(given)),
                *([self._say(sight, "result.waits", amount=_money(waits))] if waits.minor else ()),
                self._say(sight, "result.joined", joined=room.joined),
            ),
            winners=tuple(
                (
                    masked(local(each.msisdn)),
                    _money(Money(each.amount_minor, currency)),
                    self._say(sight, f"state.{note}") if (note := how_it_stands(each)) else "",
                )
                for each in shown
            ),
            more=self._say(sight, "winners.more", more=more) if more > 0 else "",
            nobody=self._say(sight, "result.none"),
            footer=self._say(sight, "result.footer", brand=sight.tenant.name),
        )

    def _giver(self, room: Room) -> str:
        """By a number where the name has nothing that can be drawn."""
        drawn = self._drawing.letters(room.from_name)
        return giver_of(replace(room, from_name=drawn if drawn.strip("? ") else ""))

    def _people(self, sight: GiftSight) -> str:
        one = sight.room.shares == 1
        return self._say(sight, "people.one" if one else "people", shares=sight.room.shares)

    def _say(self, sight: GiftSight, key: str, **facts: object) -> str:
        return self._texts.get(sight.tenant.language, f"page.gift.{key}", **facts)


def _money(amount: Money) -> str:
    """Screens are written in letters that every handset has; a picture is not."""
    written = show(amount)
    return _NAIRA + written.removeprefix("N") if amount.currency == "NGN" else written
