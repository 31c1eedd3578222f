"""Pictures of gifts: what stands on them, how they come out, and that each is drawn once."""

import asyncio
import dataclasses
import datetime as dt
import io
import threading
from pathlib import Path

import pytest
from PIL import Image

from core.domain.gift_pages import GiftSight, Ways
from core.domain.gifts import (
    AirtimeState,
    Claim,
    ClaimState,
    Door,
    GiftKind,
    PayOut,
    Room,
    RoomState,
    Split,
)
from core.kit import ids
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.kit.texts import Texts
from core.ports.pictures import GiftCard, GiftResult
from core.providers.pictures.gifts import DrawnGifts
from core.services.gift_pictures import GiftPictures
from tests.fakes.stores import TENANT

TEXTS = Texts.load(Path(__file__).parents[2] / "core" / "texts")
AT = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
ROOM = Room(
    id=ids.uuid7(),
    tenant_id=TENANT.id,
    creator_id=ids.uuid7(),
    creator_msisdn=Msisdn("2348030000001"),
    code="23456789",
    token="t" * 22,
    kind=GiftKind.RACE,
    split=Split.RANDOM,
    pay_out=PayOut.WALLET,
    door=Door.ANYONE,
    state=RoomState.OPEN,
    total=Money(5000_00, "NGN"),
    shares=10,
    taken=0,
    joined=0,
    paid_minor=0,
    returned_minor=0,
    reserved_minor=0,
    fee_minor=0,
    message="Enjoy!",
    from_name="Emeka",
    question="",
    answers=(),
    commitment="c" * 64,
    seed="",
    created_at=AT,
    expires_at=AT + dt.timedelta(days=1),
    ended_at=None,
    draw_at=None,
    seats=0,
    drawn_at=None,
    floor_minor=1,
    unit_minor=1,
)
WAYS = Ways("http://here/gift/t", "*347*100*9*23456789#", "*347*100#", "", "", "https://wa.me/")


def sight(winners: int = 0, **changes: object) -> GiftSight:
    claims = tuple(
        Claim(
            customer_id=ids.uuid7(),
            msisdn=Msisdn(f"23480312345{number:02d}"),
            state=ClaimState.PAID,
            amount_minor=100_00 + number,
            ticket=0,
            at=AT,
            reserved_until=None,
            order_reference="",
            new_here=False,
        )
        for number in range(winners)
    )
    room = dataclasses.replace(ROOM, taken=winners, joined=winners, **changes)  # type: ignore[arg-type]
    return GiftSight(room, TENANT, WAYS, claims)


class Pen:
    """A drawing that remembers what it was asked for, and on which thread."""

    def __init__(self, *, fails: int = 0) -> None:
        self.drawn: list[GiftCard | GiftResult] = []
        self.threads: list[int] = []
        self._fails = fails

    def letters(self, words: str) -> str:
        return DrawnGifts().letters(words)

    def card(self, card: GiftCard) -> bytes:
        return self._draw(card)

    def result(self, result: GiftResult) -> bytes:
        return self._draw(result)

    def _draw(self, what: GiftCard | GiftResult) -> bytes:
        self.drawn.append(what)
        self.threads.append(threading.get_ident())
        if len(self.drawn) <= self._fails:
            raise OSError("no ink")
        return repr(what).encode()


async def test_a_card_says_who_gives_how_much_to_how_many() -> None:
    pen = Pen()

    await GiftPictures(TEXTS, pen).card(sight())

    assert pen.drawn == [
        GiftCard(
            shop=TENANT.name,
            title="Emeka has a gift for you",
            amount="\u20a65,000",
            share="for 10 people",
            message="Enjoy!",
            call="Open it!",
        )
    ]


@pytest.mark.parametrize(
    ("state", "call"),
    [
        (RoomState.FROZEN, "Open it!"),
        (RoomState.COMPLETED, "All is won"),
        (RoomState.EXPIRED, "This gift is over"),
        (RoomState.CANCELLED, "This gift is over"),
    ],
)
async def test_a_card_of_a_gift_that_is_over_says_so(state: RoomState, call: str) -> None:
    pen = Pen()

    await GiftPictures(TEXTS, pen).card(sight(state=state))

    [card] = pen.drawn
    assert isinstance(card, GiftCard)
    assert card.call == call


async def test_a_result_masks_winners_and_adds_up() -> None:
    pen = Pen()
    over = sight(9, state=RoomState.EXPIRED, returned_minor=4000_00, from_name="")

    await GiftPictures(TEXTS, pen).result(over)

    [result] = pen.drawn
    assert isinstance(result, GiftResult)
    assert result.facts == ("9 of 10 won", "\u20a61,000 given", "9 took part")
    assert len(result.winners) == 8
    assert result.winners[1] == ("0803****501", "\u20a6100.01", "")
    assert result.more == "and 1 more"
    assert "2348030000001"[3:] not in repr(result)
    assert "0803123" not in repr(result)


async def test_a_result_tells_how_each_share_stands() -> None:
    pen = Pen()
    over = sight(4, state=RoomState.EXPIRED, reserved_minor=100_03, returned_minor=4599_91)
    ways = (
        {"airtime": AirtimeState.ARRIVED},
        {"airtime": AirtimeState.UNDER_WAY},
        {"airtime": AirtimeState.KEPT},
        {"state": ClaimState.RESERVED},
    )
    winners = [
        dataclasses.replace(won, **how)  # type: ignore[arg-type]
        for won, how in zip(over.winners, ways, strict=True)
    ]

    await GiftPictures(TEXTS, pen).result(dataclasses.replace(over, winners=tuple(winners)))

    [result] = pen.drawn
    assert isinstance(result, GiftResult)
    told = [how for _, _, how in result.winners]
    assert told == ["airtime", "airtime, on its way", "as wallet money", "waits"]
    assert "\u20a6100.03 waits" in result.facts
    assert "\u20a6300.06 given" in result.facts


async def test_there_is_no_result_before_the_end() -> None:
    assert await GiftPictures(TEXTS, Pen()).result(sight()) is None


async def test_of_many_who_ask_at_once_one_has_it_drawn_and_off_the_loop() -> None:
    pen = Pen()
    pictures = GiftPictures(TEXTS, pen)

    drawn = await asyncio.gather(*(pictures.card(sight()) for _ in range(20)))
    other = await pictures.card(sight(state=RoomState.EXPIRED))

    assert len(pen.drawn) == 2
    assert len({picture.tag for picture in drawn}) == 1
    assert other.tag != drawn[0].tag
    assert threading.get_ident() not in pen.threads


async def test_what_is_kept_is_bounded_and_those_asked_for_last_stay() -> None:
    pen = Pen()
    pictures = GiftPictures(TEXTS, pen)
    for number in range(80):
        await pictures.card(sight(message=str(number)))

    await pictures.card(sight(message="79"))
    assert len(pen.drawn) == 80
    await pictures.card(sight(message="0"))
    assert len(pen.drawn) == 81
    assert len(pictures._kept) == 64


async def test_what_could_not_be_drawn_is_drawn_again() -> None:
    pen = Pen(fails=1)
    pictures = GiftPictures(TEXTS, pen)
    with pytest.raises(OSError, match="ink"):
        await pictures.card(sight())

    assert (await pictures.card(sight())).png


async def test_what_no_font_has_is_left_out_and_a_name_of_nothing_else_is_a_number() -> None:
    pen = Pen()
    pictures = GiftPictures(TEXTS, pen)

    await pictures.card(
        sight(from_name="Ada \U0001f98b", message="E\u0323 ku\u0301 \U0001f389\ufe0f!")
    )
    await pictures.card(sight(from_name="\u2764\ufe0f\u4f60", message="\U0001f389"))

    named, unnamed = pen.drawn
    assert isinstance(named, GiftCard)
    assert isinstance(unnamed, GiftCard)
    assert (named.title, named.message) == ("Ada has a gift for you", "E ku !")
    assert (unnamed.title, unnamed.message) == ("0803****001 has a gift for you", "")


@pytest.mark.parametrize("message", ["", "Enjoy!", "W" * 60, "\u1eb8 k\u00fa \u0254d\u00fan 🎉"])
def test_a_card_is_a_picture_as_previews_want_it(message: str) -> None:
    card = GiftCard("Shop", "W" * 40, "\u20a6100,000", "for 10 people", message, "Open it!")

    png = DrawnGifts().card(card)

    with Image.open(io.BytesIO(png)) as picture:
        assert (picture.format, picture.size) == ("PNG", (1200, 630))
    assert len(png) < 100_000


@pytest.mark.parametrize("winners", [0, 1, 8])
def test_a_result_is_square_and_light(winners: int) -> None:
    lines = tuple(
        (f"0803****{number:03d}", "\u20a6500", "airtime, on its way") for number in range(winners)
    )
    result = GiftResult("Shop", "A gift", "Enjoy!", ("1 of 2",) * 3, lines, "and 9", "Nobody", "By")

    png = DrawnGifts().result(result)

    with Image.open(io.BytesIO(png)) as picture:
        assert picture.size == (1080, 1080)
    assert len(png) < 100_000
