"""A customer talks to a person: nothing goes astray or comes twice, and both find the way back."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from cli.demo import TENANT
from core.domain.chat import Closed, Doing, Later, Unreachable
from core.domain.live_chat import Heard, LiveChat, LiveState, Reached
from core.domain.operators import Operator, Role
from core.domain.slips import hidden
from core.kit import crash
from core.kit.clock import SetClock
from core.ports import Paging
from core.services.live_chat import ChatOver, ChatTaken, LiveRules
from core.store.embedded import ServiceUrls
from tests.fakes.chat import House, Person, open_house
from tests.fakes.promises import Died

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
DESK_CHAT, OTHER_CHAT = 501, 502


@pytest.fixture
async def house(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(MORNING), processes=2) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> Person:
    return await house.person("2348031234567", naira=1000)


@pytest.fixture
async def tope(house: House) -> Operator:
    return await operator_of(house, "Tope", Role.SUPPORT, DESK_CHAT)


async def operator_of(house: House, name: str, role: Role, telegram_id: int) -> Operator:
    """Somebody who has joined and is told in a chat of theirs."""
    desk = house.core.operations.desk
    code = await desk.add(TENANT.id, name, role, "test")
    joined = await desk.join(telegram_id, code)
    assert joined is not None
    await house.core.operations.chats.subscribe(joined, telegram_id, MORNING.date())
    return joined


async def asked_for(person: Person) -> LiveChat:
    """The chat of somebody who has just asked for a person."""
    await person.starts("talk")
    assert person.screen.body.startswith("You are talking to us now")
    return await chat_of(person)


async def chat_of(person: Person) -> LiveChat:
    chats = await person.house.core.live_chats.listed(TENANT.id, (), Paging(100))
    [mine] = [chat for chat in chats if chat.customer_id == person.customer.id][:1]
    return mine


async def said_in(person: Person) -> list[tuple[str, str]]:
    chat = await chat_of(person)
    _, messages = await person.house.core.live_chats.show(TENANT.id, chat.id)
    return [(each.author, each.text) for each in messages]


async def told(house: House, chat_id: int) -> list[tuple[str, str]]:
    """What a chat of the bot is still to be told."""
    posts = await house.core.operations.posts.due(TENANT.id, chat_id, 100)
    return [(post.kind, post.message.text if post.message else "") for post in posts]


async def test_help_leads_to_a_person_and_what_is_written_is_theirs(
    house: House, ada: Person, tope: Operator
) -> None:
    await ada.says("help")
    await ada.says("talk to us")
    assert "You are talking to us now" in ada.screen.body

    screens = len(ada.screens)
    await ada.says("My airtime did not come")
    await ada.says("1")

    assert len(ada.screens) == screens
    assert await said_in(ada) == [("customer", "My airtime did not come"), ("customer", "1")]
    assert await told(house, DESK_CHAT) == [
        ("opened", ""), ("message", "My airtime did not come"), ("message", "1"),
    ]  # fmt: skip


async def test_what_an_operator_says_arrives_once_and_in_order(
    house: House, ada: Person, tope: Operator
) -> None:
    chat = await asked_for(ada)
    live = house.core.live_chats
    for number in range(5):
        await live.say(chat, tope.actor, f"answer {number}", key=f"m{number}")
        await live.say(chat, tope.actor, f"answer {number}", key=f"m{number}")
    await asyncio.gather(*(house.work(core) for core in house.cores * 2))

    assert house.notebook.told == [(ada.identity, f"answer {number}") for number in range(5)]
    assert (await chat_of(ada)).taken_by == "operator:Tope"


async def test_patience_and_a_dead_worker_lose_no_answer(
    house: House, ada: Person, tope: Operator
) -> None:
    chat = await asked_for(ada)
    house.notebook.answers = [Later(30, "flood")]
    real, answers = house.notebook.tell, house.notebook.answers

    async def tell(to, telling, *, template=False):  # type: ignore[no-untyped-def]
        return answers.pop(0) if answers else await real(to, telling, template=template)

    house.notebook.tell = tell  # type: ignore[method-assign]
    await house.core.live_chats.say(chat, tope.actor, "first", key="1")
    await house.core.live_chats.say(chat, tope.actor, "second", key="2")
    await house.work()
    assert house.notebook.told == []

    house.clock.advance(31)
    with crash.watched(dying("live.said")), contextlib.suppress(Died):
        await house.core.live_chats.say(chat, tope.actor, "third", key="3")
    await house.work()

    assert [text for _, text in house.notebook.told] == ["first", "second", "third"]


def dying(at: str):  # type: ignore[no-untyped-def]
    def here(point: str) -> None:
        if point == at:
            raise Died

    return here


async def test_a_worker_that_dies_before_it_sent_is_followed_by_another(
    house: House, ada: Person, tope: Operator
) -> None:
    chat = await asked_for(ada)
    await house.core.live_chats.say(chat, tope.actor, "hello Ada", key="1")
    [leased] = await house.core.live_pump.lease(10)
    assert not await house.cores[1].live_pump.lease(10)  # it died with the lease

    house.clock.advance(91)
    await house.work(house.cores[1])

    assert [text for _, text in house.notebook.told] == ["hello Ada"]
    assert leased.text == "hello Ada"


@pytest.mark.parametrize("way", ["00", "command", "press", "start"])
async def test_the_customer_goes_back_to_the_menu(
    house: House, ada: Person, tope: Operator, way: str
) -> None:
    await asked_for(ada)
    match way:
        case "00":
            await ada.says(" 00 ")
        case "command":
            await ada.sends(ada.message(Doing.COMMAND, "menu"))
        case "press":
            await ada.presses("00")
        case "start":
            await ada.starts()
    await house.work()

    chat = await chat_of(ada)
    assert (chat.state, chat.closed_by) == (LiveState.CLOSED, "customer")
    assert "1. " in ada.screen.body or ada.screen.options
    await ada.says("wallet")
    assert "Wallet" in ada.screen.body
    assert [kind for kind, _ in await told(house, DESK_CHAT)] == ["opened", "closed"]


async def test_an_operator_hands_the_customer_back(
    house: House, ada: Person, tope: Operator
) -> None:
    chat = await asked_for(ada)
    await house.core.live_chats.say(chat, tope.actor, "Done!", key="1")
    closed = await house.core.live_chats.close(chat, tope.actor)
    again = await house.core.live_chats.close(chat, tope.actor)
    await house.work()
    await ada.says("wallet")

    assert (closed.state, again.closed_by) == (LiveState.CLOSED, tope.actor)
    assert [text[:17] for _, text in house.notebook.told] == ["Done!", "This talk is over"]
    assert "Wallet" in ada.screen.body
    assert await said_in(ada) == [
        (tope.actor, "Done!"),
        (tope.actor, "This talk is over. Thank you! Write anything for the menu."),
    ]
    with pytest.raises(ChatOver):
        await house.core.live_chats.say(chat, tope.actor, "late", key="9")


async def test_messages_that_come_together_with_the_wish_find_the_person(
    house: House, ada: Person, tope: Operator
) -> None:
    """They are leased in one go: whether a person is there changes in between, twice."""
    await ada.sends(
        ada.message(Doing.START, "talk"),
        ada.message(Doing.TEXT, "hello?"),
        ada.message(Doing.TEXT, "00"),
        ada.message(Doing.TEXT, "wallet"),
    )
    await house.work()

    assert await said_in(ada) == [("customer", "hello?")]
    assert "Wallet" in ada.screen.body


async def test_the_wish_itself_taken_up_again_ends_nothing(
    house: House, ada: Person, tope: Operator
) -> None:
    """The process dies after the turn: the message is taken up again, and a person is there now."""
    await ada.sends(ada.message(Doing.START, "talk"))
    with crash.watched(dying("chat.turned")), contextlib.suppress(Died):
        await house.work()
    house.clock.advance(51)
    await house.work(house.cores[1])

    assert (await chat_of(ada)).state is LiveState.WAITING
    assert "You are talking to us now" in ada.screen.body
    await ada.says("still there?")
    assert await said_in(ada) == [("customer", "still there?")]


async def test_a_message_delivered_twice_is_heard_once(
    house: House, ada: Person, tope: Operator
) -> None:
    await asked_for(ada)
    message = ada.message(Doing.TEXT, "hello?")
    to = await address_of(ada)
    for core in house.cores:
        assert await core.live_chats.heard(to, message) is Reached.OPERATORS
    await ada.starts()
    again = await house.core.live_chats.heard(to, message)
    assert again is Reached.OPERATORS  # it was meant for a person then

    assert await said_in(ada) == [("customer", "hello?")]


async def address_of(person: Person):  # type: ignore[no-untyped-def]
    from core.domain.chat import Address

    channel = await person.house.channel()
    return Address(channel.tenant_id, channel, person.identity)


async def test_pins_and_codes_reach_nobody(
    house: House, ada: Person, tope: Operator, owner: asyncpg.Connection
) -> None:
    await asked_for(ada)
    for text in ("6194", " 61 94 ", "619 473", "my pin is 6194 ok", "I paid 25000000 naira"):
        await ada.says(text)
    await ada.sends(ada.message(Doing.CONTACT, msisdn="2348031234567"), ada.message(Doing.OTHER))
    await house.work()

    assert [text for _, text in await said_in(ada)] == [
        "****",
        "****",
        "****",
        "my pin is **** ok",
        "I paid 25000000 naira",
        "[a contact: 234803****567]",
        "[something that is no text: a picture, a voice, a place]",
    ]
    assert len(house.notebook.unsaid) == 1  # the one among other words
    kept = await owner.fetch("select content from live_messages")
    assert not any("paid" in row["content"] for row in kept)  # sealed


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("1234", "****"),
        ("123", "123"),
        ("1234567", "1234567"),
        ("pay 5000 to me", "pay 5000 to me"),
        ("OTP: 482913", "OTP: ****"),
        ("spinning 1234", "spinning 1234"),
    ],
)
def test_what_is_hidden(text: str, seen: str) -> None:
    assert hidden(text) == seen


async def test_one_operator_has_a_chat_at_a_time(house: House, ada: Person, tope: Operator) -> None:
    uche = await operator_of(house, "Uche", Role.SUPPORT, OTHER_CHAT)
    chat = await asked_for(ada)
    live = house.core.live_chats

    results = await asyncio.gather(
        live.take(chat, tope.actor, DESK_CHAT),
        live.take(chat, uche.actor, OTHER_CHAT),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in results) == ["ChatTaken", "LiveChat"]
    await live.take(chat, uche.actor, OTHER_CHAT, over=True)
    await ada.says("for Uche")

    assert ("message", "for Uche") in await told(house, OTHER_CHAT)
    assert ("message", "for Uche") not in await told(house, DESK_CHAT)
    with pytest.raises(ChatTaken):
        await live.take(chat, tope.actor, DESK_CHAT)


async def test_whom_a_removed_operator_talked_to_waits_for_others(
    house: House, ada: Person, tope: Operator
) -> None:
    await operator_of(house, "Uche", Role.SUPPORT, OTHER_CHAT)
    chat = await asked_for(ada)
    await house.core.live_chats.take(chat, tope.actor, DESK_CHAT)
    await house.core.operations.desk.remove(TENANT.id, "tope", "test")

    freed = await chat_of(ada)
    assert (freed.state, freed.taken_by) == (LiveState.WAITING, None)
    assert [kind for kind, _ in await told(house, OTHER_CHAT)][-1] == "opened"
    assert await house.core.operations.desk.known(DESK_CHAT) is None


@pytest.mark.parametrize("fate", [Unreachable("blocked"), Closed()])
async def test_operators_hear_what_could_not_be_delivered(
    house: House, ada: Person, tope: Operator, fate: Unreachable | Closed
) -> None:
    chat = await asked_for(ada)

    async def tell(*_: object, **__: object) -> Unreachable | Closed:
        return fate

    house.notebook.tell = tell  # type: ignore[method-assign]
    await house.core.live_chats.take(chat, tope.actor, DESK_CHAT)
    await house.core.live_chats.say(chat, tope.actor, "are you there?", key="1")
    await house.work()

    _, [message] = await house.core.live_chats.show(TENANT.id, chat.id)
    assert message.state is Heard.FAILED
    assert ("failed", "are you there?") in await told(house, DESK_CHAT)


async def test_a_quiet_chat_ends_and_is_forgotten(
    house: House, ada: Person, tope: Operator, owner: asyncpg.Connection
) -> None:
    rules = LiveRules(idle_s=3600, kept_s=86_400)
    await asked_for(ada)
    house.clock.advance(3000)
    await ada.says("hello?")
    house.clock.advance(3000)
    await house.core.live_chats.tidy(rules)
    assert (await chat_of(ada)).state is LiveState.WAITING

    house.clock.advance(700)
    for core in house.cores:
        await core.live_chats.tidy(rules)
    await house.work()
    assert (await chat_of(ada)).closed_by == "callbox"
    assert [text[:26] for _, text in house.notebook.told] == ["Nobody wrote here for a lo"]

    house.clock.advance(86_401)
    await house.core.live_chats.tidy(rules)
    assert await owner.fetchval("select count(*) from live_messages") == 0
    assert await owner.fetchval("select count(*) from operator_posts") == 0


async def test_asking_again_is_another_chat(house: House, ada: Person, tope: Operator) -> None:
    first = await asked_for(ada)
    house.clock.advance(1)
    await ada.sends(ada.message(Doing.START, "talk"))
    await house.work()
    chats = await house.core.live_chats.listed(TENANT.id, (), Paging(10))

    # The second wish is a command, which ends the first talk and begins another.
    assert [chat.state for chat in chats] == [LiveState.WAITING, LiveState.CLOSED]
    assert chats[1].id == first.id
