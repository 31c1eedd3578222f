"""What is written in a chat is answered: once, in order, and whatever breaks in between."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from core.domain.chat import Doing, Later, Refused, Unreachable
from core.kit import crash
from core.kit.clock import SetClock
from core.services.chat import TRIES_MAX
from core.store.embedded import ServiceUrls
from tests.fakes.chat import House, Person, open_house
from tests.fakes.promises import Died

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
LEASE_S = 51.0


@pytest.fixture
async def house(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(MORNING), processes=2) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> Person:
    return await house.person("2348031234567", naira=1000)


async def at_review(person: Person) -> None:
    """From nothing to the question whether to pay N500 for oneself."""
    await person.starts("say_airtime")
    await person.says("1")
    await person.says("500")
    assert "You pay N500" in person.screen.body, person.screens


async def at_pin(person: Person) -> None:
    await at_review(person)
    await person.presses("pay")
    assert person.screen.out_of_sight


async def test_whoever_writes_is_greeted_and_shown_the_menu(ada: Person) -> None:
    await ada.says("hello")

    assert ada.screen.body.startswith("Good morning, Ada!\nCallbox.")
    assert ada.screen.options


async def test_airtime_is_bought_with_the_pin_given_out_of_sight(house: House, ada: Person) -> None:
    await at_pin(ada)
    await ada.unlocks()
    house.clock.advance(2)
    await house.work()
    await ada.says("menu")

    assert [str(vend.amount.minor) for vend in house.seller.delivered.values()] == ["50000"]
    assert await ada.money() == (500, 0)


async def test_a_chat_is_told_that_it_will_be_told_here(house: House, ada: Person) -> None:
    await at_pin(ada)
    await ada.unlocks()
    await house.work()

    assert "We will tell you here how it went." in ada.screen.body


async def test_a_message_delivered_twice_is_answered_once(house: House, ada: Person) -> None:
    message = ada.message(Doing.TEXT, "hello")
    await ada.sends(message, message)
    await ada.sends(message)
    await house.work()
    await ada.sends(message)
    await house.work()

    assert len(ada.screens) == 1


async def test_messages_of_one_person_are_answered_in_order_by_two_processes(
    house: House, ada: Person
) -> None:
    await ada.starts("say_airtime")
    await ada.sends(*(ada.message(Doing.TEXT, text) for text in ("1", "500", "3", "300")))
    await asyncio.gather(*(house.work(core) for core in house.cores * 3))
    await house.work()

    assert ["You pay" in body for body in ada.screens[1:]] == [False, True, False, True]
    assert "You pay N300" in ada.screen.body


async def test_people_do_not_wait_for_each_other(house: House, ada: Person) -> None:
    ben = await house.person("2348057654321")
    house.notebook.answers = [Later(30, "flood")]
    await ada.sends(ada.message(Doing.TEXT, "hello"))
    await house.work()
    await ben.says("hello")

    assert (len(ada.screens), len(ben.screens)) == (0, 1)


async def test_the_patience_that_a_channel_asks_for_is_had_whatever_comes(
    house: House, ada: Person
) -> None:
    house.notebook.answers = [Later(30, "flood")]
    await ada.sends(ada.message(Doing.TEXT, "hello"))
    await house.work()
    await ada.sends(ada.message(Doing.TEXT, "2"))
    house.clock.advance(29)
    await house.work()
    assert ada.screens == []

    house.clock.advance(2)
    await house.work()
    assert ["Good morning" in body for body in ada.screens] == [True, False]


POINTS = [
    "turn.acting",
    "turn.before_save",
    "turn.saved",
    "chat.turned",
    "chat.shown",
    "chat.answered",
]


@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize("point", POINTS)
async def test_a_process_killed_anywhere_loses_and_doubles_nothing(
    house: House, ada: Person, point: str, nth: int
) -> None:
    """Every message of a purchase, with a death at the nth passing of a point."""
    left = [nth]

    def bomb(name: str) -> None:
        if name == point:
            left[0] -= 1
            if left[0] == 0:
                raise Died(name)

    first, second = house.cores
    await at_review(ada)
    with crash.watched(bomb):
        for text in ("1", None, "menu"):
            if text is None:
                with contextlib.suppress(Died):
                    await ada.unlocks()
                house.clock.advance(10)
                with contextlib.suppress(Died):
                    await ada.nudged()
            else:
                await ada.sends(ada.message(Doing.TEXT, text))
                with contextlib.suppress(Died):
                    await house.work(first)
            house.clock.advance(LEASE_S)
            await house.work(second)
    house.clock.advance(LEASE_S)
    await house.work(second)

    if ada.screen.out_of_sight:  # it was killed between the PIN and the act: asked for again
        await ada.unlocks()
        house.clock.advance(LEASE_S)
        await house.work()
    assert len(house.seller.delivered) == 1
    assert await ada.money() == (500, 0)
    assert ada.screen.key.startswith(("home.", "airtime."))


async def test_an_old_button_shows_where_we_are_and_does_nothing(house: House, ada: Person) -> None:
    await at_review(ada)
    review = ada.screen
    await ada.presses("cancel")
    await ada.presses("pay", on=review)

    assert "expired" in ada.screen.notice
    assert house.seller.delivered == {}
    assert await ada.money() == (1000, 0)


async def test_a_button_of_an_earlier_talk_is_old_too(ada: Person) -> None:
    await ada.says("hello")
    earlier = ada.screen
    await ada.starts()
    assert ada.screen.talk != earlier.talk

    await ada.presses("wallet", on=earlier)

    assert "expired" in ada.screen.notice


async def test_a_pin_typed_in_the_chat_is_deleted_and_not_taken(house: House, ada: Person) -> None:
    await at_pin(ada)
    await ada.says("6194")

    assert "Never type your PIN" in ada.screen.body
    assert len(house.notebook.unsaid) == 1
    assert house.notebook.told == []
    assert house.seller.delivered == {}


async def test_who_typed_a_pin_that_stays_is_told_so(house: House, ada: Person) -> None:
    house.notebook.can_unsay = False
    await at_pin(ada)
    await ada.says("6194")

    [(_, text)] = house.notebook.told
    assert "delete it yourself" in text


async def test_a_pin_among_other_words_is_deleted_and_warned_about(
    house: House, ada: Person, owner: asyncpg.Connection
) -> None:
    await ada.says("hello")
    shown = ada.screen.body
    said = ada.message(Doing.TEXT, "send 500 to 08031234567, my pin is 7391")
    await ada.sends(said)
    waiting = await owner.fetchval("select content from inbox where state = 'waiting'")
    await house.work()

    assert "7391" not in house.core.keyring.decrypt(waiting)
    assert house.notebook.unsaid == [said.external_id]
    [(_, text)] = house.notebook.told
    assert "We deleted your message" in text
    assert ada.screen.body == shown
    assert house.seller.delivered == {}


async def test_who_wrote_a_pin_that_stays_is_asked_to_delete_it(house: House, ada: Person) -> None:
    house.notebook.can_unsay = False
    await ada.says("7391 is my pin")

    [(_, text)] = house.notebook.told
    assert "Please delete it now" in text


@pytest.mark.parametrize(
    ("said", "seen"),
    [
        ("send 500 mtn to 08031234567", "N500 MTN airtime for 08031234567"),
        ("forgot my pin", "My PIN"),
    ],
)
async def test_words_without_a_secret_are_taken_as_they_are(
    house: House, ada: Person, said: str, seen: str
) -> None:
    await ada.says("hello")
    await ada.says(said)

    assert seen in ada.screen.body
    assert (house.notebook.unsaid, house.notebook.told) == ([], [])


async def test_a_secret_for_an_earlier_screen_opens_nothing(house: House, ada: Person) -> None:
    await at_pin(ada)
    asked = ada.screen
    await ada.starts()
    await ada.unlocks(on=asked)

    assert house.seller.delivered == {}
    assert "expired" in ada.screen.notice


async def test_a_message_that_fails_whenever_it_is_taken_up_is_parked(
    house: House, ada: Person, owner: asyncpg.Connection
) -> None:
    broken = ada.message(Doing.TEXT, "hello")

    async def fails(_: object) -> None:
        raise RuntimeError("a fault of ours")

    turns = house.core.conversations
    whole = type(turns).take
    try:
        type(turns).take = fails  # type: ignore[assignment, method-assign]
        await ada.sends(broken, ada.message(Doing.TEXT, "2"))
        for _ in range(TRIES_MAX - 1):
            await house.work()
            house.clock.advance(601)
        assert ada.screens == []
    finally:
        type(turns).take = whole  # type: ignore[method-assign]

    await house.work()

    assert len(ada.screens) == 2


async def test_who_blocked_the_bot_is_not_written_to_for_ever(house: House, ada: Person) -> None:
    house.notebook.answers = [Unreachable("blocked"), Refused("our words are wrong")]
    await ada.sends(ada.message(Doing.TEXT, "hello"), ada.message(Doing.TEXT, "1"))
    await house.work()

    assert ada.screens == []
    assert await house.core.chat_pump.lease(10) == []


async def test_the_end_is_told_once_on_the_screen_or_later_by_a_notice(
    house: House, ada: Person
) -> None:
    """Whoever sees it in the talk is not told again; whoever left is, there, with the receipt."""
    await at_pin(ada)
    await ada.unlocks()
    assert house.notebook.told == []
    house.clock.advance(2)
    await house.work()
    house.clock.advance(2)
    await house.work()

    [(telling, template)] = house.notebook.tellings
    assert telling.text.startswith("Done: N500 MTN airtime is on 08031234567.")
    assert telling.picture is not None
    assert telling.picture.startswith(b"\x89PNG")
    assert (template, house.letters.sent) == (False, [])


async def test_what_was_written_is_wiped_once_it_is_answered(
    house: House, ada: Person, owner: asyncpg.Connection
) -> None:
    await ada.sends(ada.message(Doing.TEXT, "a private matter"))
    [(sealed,)] = await owner.fetch("select content from inbox")
    assert "private" not in sealed
    await house.work()

    assert [tuple(row) for row in await owner.fetch("select state, content from inbox")] == [
        ("answered", None)
    ]


async def test_what_was_answered_is_forgotten_in_time_and_what_is_parked_is_not(
    house: House, ada: Person, owner: asyncpg.Connection
) -> None:
    """By a worker; what waits stays too, however old."""
    [pump] = [each for each in house.core.pumps if each.name == "forgetting"]
    for words in ("one", "two", "three", "four"):
        await ada.sends(ada.message(Doing.TEXT, words))
    await house.work()
    states = dict(
        zip(("waiting", "parked"), await owner.fetch("select place from inbox"), strict=False)
    )
    for state, row in states.items():
        await owner.execute("update inbox set state = $1 where place = $2", state, row["place"])

    [kept] = await pump.lease(1)
    assert await pump.lease(1) == (), "it went round just now"
    left = []
    for days in (7, 2):
        house.clock.advance(days * 86_400)
        await pump.handle(kept)
        rows = await owner.fetch("select state from inbox order by state")
        left.append([row["state"] for row in rows])

    assert left[0] == ["answered", "answered", "parked", "waiting"]
    assert left[1] == ["parked", "waiting"]


@pytest.mark.parametrize(
    ("words", "seen"),
    [
        pytest.param("abeg send 500 mtn card to my mama 08065550000", "N500 MTN", id="all of it"),
        pytest.param("send 500 glo card to my mama", "Phone number to recharge", id="no number"),
        pytest.param("buy airtime for 08065550000", "Amount", id="no amount"),
        pytest.param("recharge me 200", "N200 MTN", id="oneself"),
        pytest.param("buy me 5 airtime", "Amount", id="too little"),
        pytest.param("what is my balance", "N1,000", id="balance"),
        pytest.param("I need 2gb data", "data plan", id="data"),
        pytest.param("how are you", "Callbox.", id="nothing"),
    ],
)
async def test_free_words_lead_to_a_screen_that_asks_or_reviews(
    house: House, ada: Person, words: str, seen: str
) -> None:
    await ada.starts()
    await ada.says(words)

    assert seen in ada.screen.body
    assert house.seller.delivered == {}
    assert await ada.money() == (1000, 0)


_README = "500 airtime for 08031234567"


@pytest.mark.parametrize(
    "way",
    [
        pytest.param(["2"], id="a menu"),
        pytest.param(["2", "1"], id="the balance"),
        pytest.param(["2", "3"], id="the statement"),
        pytest.param(["1"], id="a menu under way"),
        pytest.param(["1", "1", "500", "4"], id="an end"),
        pytest.param(["5", "1"], id="a page to read"),
    ],
)
async def test_free_words_are_read_wherever_a_menu_stands(ada: Person, way: list[str]) -> None:
    await ada.starts()
    for said in way:
        await ada.says(said)

    await ada.says(_README)

    assert "N500 MTN airtime for 08031234567" in ada.screen.body


async def test_free_words_do_not_lead_away_from_a_payment_under_review(ada: Person) -> None:
    await at_review(ada)
    await ada.says("300 airtime for 08065550000")

    assert ada.screen.body.startswith("Please finish this one or cancel it first.\nN500 MTN")
    await ada.says("cancel")
    await ada.says("300 airtime for 08065550000")
    assert "N300 MTN airtime for 08065550000" in ada.screen.body


@pytest.mark.parametrize("words", [_README, "airtime"])
async def test_who_comes_back_with_words_is_led_by_them(
    house: House, ada: Person, words: str
) -> None:
    await at_review(ada)
    house.clock.advance(3600)

    await ada.says(words)

    assert "airtime for" in ada.screen.body.casefold()
    assert "Go on where" not in ada.screen.body


async def test_free_words_may_be_the_very_first(ada: Person) -> None:
    await ada.says("recharge me 200")

    assert "N200 MTN" in ada.screen.body


async def test_who_comes_back_after_a_while_is_asked_whether_to_go_on(
    house: House, ada: Person
) -> None:
    """What lies a while is not answered by a thumb: prices move."""
    await at_review(ada)
    house.clock.advance(3600)
    await ada.says("1")
    assert "Go on where you stopped?" in ada.screen.body

    await ada.says("1")
    assert "You pay N500" in ada.screen.body
    assert house.seller.delivered == {}


async def test_a_picture_shows_where_we_are(ada: Person) -> None:
    await ada.says("2")
    before = ada.screen.body
    await ada.sends(ada.message(Doing.OTHER))
    await ada.house.work()

    assert ada.screen.body == before


async def test_another_tenants_talks_are_not_seen(
    house: House, ada: Person, owner: asyncpg.Connection
) -> None:
    await ada.sends(ada.message(Doing.TEXT, "hello"))
    async with owner.transaction():
        await owner.execute("set local role callbox_app")
        await owner.execute("select set_config('callbox.tenant', gen_random_uuid()::text, true)")
        for table in ("inbox", "talks"):
            assert await owner.fetchval(f"select count(*) from {table}") == 0
