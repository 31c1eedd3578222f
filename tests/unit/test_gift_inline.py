"""Somebody asks our bot from another chat: their own open rooms, and nobody else's."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

import pytest

from core.app import TEXTS
from core.domain.chat import Delivery, InlineQuery, Offers, Sent
from core.domain.customers import Customer
from core.domain.turns import Channel
from core.kit.clock import SetClock
from core.kit.crypto import Keyring
from core.kit.ids import derived
from core.kit.money import Money
from core.kit.texts import Texts
from core.ports.tenancy import ChannelRecord
from core.services.gift_giving import Giver
from core.services.gift_guard import GiftGuard, GuardRules
from core.services.gift_inline import InlineGifts
from core.services.gift_sharing import GiftSharing
from core.services.gift_wishes import GiftWish
from core.services.gifts import Gifts
from core.services.purchases import Terms
from tests.fakes.gift_counts import Counts
from tests.fakes.gift_rooms import Rooms
from tests.fakes.router_office import ToldAlerts
from tests.fakes.stores import AT, TENANT, Letterbox, customer

CHANNEL = Channel(derived("bot"), TENANT.id, "telegram", "telegram", "k")
WHATSAPP = replace(CHANNEL, kind="whatsapp")
CATALOGUE = Texts.load(TEXTS)
ADA, BOLA = customer("2348031234501"), customer("2348031234502")


@dataclass
class Bot:
    """A messenger, and the link to it; both as far as they are needed."""

    username: str | None = "our_bot"
    service_code: str = "*347*100#"
    offered: list[tuple[InlineQuery, Offers]] = field(default_factory=list)
    broken: bool = False

    async def offer(self, channel: Channel, query: InlineQuery, offers: Offers) -> Delivery:
        if self.broken:
            raise RuntimeError("broken on purpose")
        self.offered.append((query, offers))
        return Sent()

    def of(self, channel: Channel) -> object:
        return self if channel.kind == "telegram" else None

    async def bot_of(self, tenant_id: UUID) -> str | None:
        return self.username

    async def of_tenant(self, tenant_id: UUID) -> Sequence[ChannelRecord]:
        kind = "ussd" if self.service_code else "telegram"
        return [
            ChannelRecord(derived("c"), kind, "", self.service_code, active=True, created_at=AT)
        ]

    async def get(self, channel_id: UUID) -> Channel | None:
        return None

    async def linked(self, channel: Channel, identity: str) -> Customer | None:
        return {"1": ADA, "2": BOLA}.get(identity)


@dataclass
class World:
    bot: Bot
    gifts: Gifts
    inline: InlineGifts

    async def asks(self, who: str, text: str = "") -> Offers:
        await self.inline.asked(CHANNEL, InlineQuery("q", who, text, "en"))
        return self.bot.offered[-1][1]

    async def gives(self, giver: Customer, key: str, message: str = "") -> str:
        wish = GiftWish(Money(1000_00, "NGN"), 4, message=message)
        room = await self.gifts.open(wish, Giver(TENANT, giver, TENANT.id, "1", "Ada"), key)
        return room.code


@pytest.fixture
def world() -> World:
    clock, keyring, bot = SetClock(AT), Keyring("a phrase for tests"), Bot()
    counts = Counts(clock)
    terms = Terms(50_00, 1_000_00, 0, None, 60.0)
    rooms: Any = Rooms()
    guard = GiftGuard(counts, GuardRules())
    gifts = Gifts(rooms, guard, counts, terms, keyring, clock, ToldAlerts())
    sharing = GiftSharing(
        bot, bot, Letterbox(), CATALOGUE, clock, public_url="https://callbox.example/"
    )
    return World(bot, gifts, InlineGifts(gifts, sharing, bot, bot, CATALOGUE))


async def test_ones_own_open_rooms_with_a_way_to_open_them(world: World) -> None:
    code = await world.gives(ADA, "1", "For you")
    await world.gives(BOLA, "2")

    offers = await world.asks("1")

    [offer] = offers.listed
    assert (offer.title, offer.hint, offer.button) == ("N1,000 for 4", "For you", "Open it")
    assert offer.url == f"https://t.me/our_bot?start=gift-{code}"
    assert f"*347*100*9*{code}#" in offer.text
    assert "https://callbox.example/gift/" in offer.text
    assert (offers.otherwise, offers.word) == ("Give to friends", "gifts")


async def test_a_code_narrows_them_down(world: World) -> None:
    codes = [await world.gives(ADA, str(number)) for number in range(3)]
    offers = await world.asks("1", codes[1])
    assert [codes[1] in each.text for each in offers.listed] == [True]
    assert (await world.asks("1", "0000")).listed == ()


async def test_nothing_of_others_and_nothing_that_is_over(world: World) -> None:
    code = await world.gives(ADA, "1")
    assert (await world.asks("2", code)).listed == ()
    assert (await world.asks("3", code)).listed == ()
    await world.gifts.cancel(ADA, code, "k")
    assert (await world.asks("1")).listed == ()


async def test_where_nothing_is_dialled_the_page_alone_is_shared(world: World) -> None:
    world.bot.service_code = ""
    world.bot.username = None
    await world.gives(ADA, "1")
    [offer] = (await world.asks("1")).listed
    assert offer.url.startswith("https://callbox.example/gift/")
    assert "dial" not in offer.text


async def test_what_fails_is_logged_and_hurts_nobody(world: World) -> None:
    world.bot.broken = True
    await world.inline.asked(CHANNEL, InlineQuery("q", "1"))
    await world.inline.asked(WHATSAPP, InlineQuery("q", "1"))
    assert world.bot.offered == []
