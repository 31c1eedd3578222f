"""Customer and operator talk through two bots: both see every word once, whatever dies."""

import asyncio
import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bots.operators import talking
from cli.demo import TENANT
from core.domain.operators import Role
from core.kit import crash
from core.kit.clock import SetClock
from core.ports import Paging
from core.store.embedded import ServiceUrls
from tests.fakes.bot_api import Sent
from tests.fakes.chat import Person
from tests.fakes.operators import Desk, open_desk
from tests.fakes.promises import Bomb, Died
from tests.fakes.waiting import until

MORNING = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
TOPE, UCHE = 501, 502
GROUP = -700


@pytest.fixture
async def desk(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_desk(urls, tmp_path, SetClock(MORNING)) as opened:
        opened.start()
        await opened.joins(TOPE, "Tope", Role.SUPPORT)
        await opened.joins(UCHE, "Uche", Role.SUPPORT)
        yield opened


@pytest.fixture
async def ada(desk: Desk) -> Person:
    return await desk.house.person("2348031234567")


async def announced(desk: Desk, ada: Person, chat_id: int = TOPE) -> Sent:
    """What a chat that is subscribed is told when Ada wants a person. It is noted as told."""
    await desk.api.asked(TOPE, "/subscribe", chat_id=chat_id)
    await ada.starts("talk")
    await until(lambda: any("wants to talk" in text for text in desk.api.texts(chat_id)))
    posts = desk.core.operations.posts
    async with asyncio.timeout(15):
        while await posts.due(TENANT.id, chat_id, 1):  # noqa: ASYNC110
            await asyncio.sleep(0.002)
    return next(each for each in desk.api.in_chat(chat_id) if "wants to talk" in each.text)


async def told_ada(desk: Desk) -> list[str]:
    await desk.house.work()
    return [text for _, text in desk.house.notebook.told]


async def test_a_talk_from_the_wish_to_the_end(desk: Desk, ada: Person) -> None:
    opened = await announced(desk, ada)
    assert opened.text.splitlines()[0].endswith("- 234803****567 on telegram")
    assert list(opened.buttons) == ["Take"]
    await ada.says("my airtime did not come")
    await until(lambda: "did not come" in desk.api.texts(TOPE)[-1])

    assert await desk.api.tapped(TOPE, opened, "Take") == "It is yours."
    await desk.api.idle()
    taken = desk.api.in_chat(TOPE)[-1]
    assert "customer: my airtime did not come" in taken.text
    desk.api.writes(TOPE, "Let me look, Ada", to=taken)
    await desk.api.idle()
    assert await told_ada(desk) == ["Let me look, Ada"]

    await ada.says("thank you")
    await until(lambda: desk.api.texts(TOPE)[-1].endswith("thank you"))
    message, code = desk.api.in_chat(TOPE)[-1], talking.coded_in(taken.text)
    assert message.text == f"Chat {code} - 234803****567 on telegram\nthank you"
    assert f"On its way to {code}" in (await desk.api.asked(TOPE, f"/reply {code} Done")).text
    assert "closed by operator:Tope" in (await desk.api.asked(TOPE, f"/close {code}")).text

    assert [each[:17] for each in await told_ada(desk)] == [
        "Let me look, Ada", "Done", "This talk is over",
    ]  # fmt: skip
    await ada.says("wallet")
    assert "Wallet" in ada.screen.body
    assert "is over" in (await desk.api.asked(TOPE, f"/reply {code} more")).text
    assert "Nobody is waiting" in (await desk.api.asked(TOPE, "/chats")).text


async def test_who_answers_in_a_group_is_told_in_the_group(desk: Desk, ada: Person) -> None:
    opened = await announced(desk, ada, GROUP)
    await desk.api.tapped(UCHE, opened, "Take")
    await ada.says("hello Uche")
    await until(lambda: desk.api.texts(GROUP)[-1].endswith("hello Uche"))
    desk.api.writes(UCHE, "hello Ada", chat_id=GROUP, to=desk.api.in_chat(GROUP)[-1])
    await desk.api.idle()

    assert await told_ada(desk) == ["hello Ada"]
    assert desk.api.texts(UCHE) == []


async def test_two_who_take_at_once(desk: Desk, ada: Person) -> None:
    await desk.api.asked(UCHE, "/subscribe")
    mine = await announced(desk, ada)
    await until(lambda: any("wants to talk" in text for text in desk.api.texts(UCHE)))
    theirs = desk.api.in_chat(UCHE)[-1]

    first = await desk.api.tapped(TOPE, mine, "Take")
    second = await desk.api.tapped(UCHE, theirs, "Take")
    await until(lambda: any("has it now" in text for text in desk.api.texts(UCHE)))
    code = talking.coded_in(mine.text)
    over = await desk.api.asked(UCHE, f"/take {code}")

    assert (first, second) == ("It is yours.", "operator:Tope has it. /take CODE takes it over.")
    assert f"Reply to this message, or: /reply {code}" in over.text
    await until(lambda: "operator:Uche has it now" in desk.api.texts(TOPE)[-1])


async def test_words_that_answer_nothing_reach_no_customer(desk: Desk, ada: Person) -> None:
    opened = await announced(desk, ada)
    await desk.api.tapped(TOPE, opened, "Take")
    await desk.api.idle()
    said = await desk.api.asked(TOPE, "she is lying")
    other = Sent(1, TOPE, "Something else\nChat ABCDE - not the first line", {})
    desk.api.writes(TOPE, "nobody sees this", to=other)
    await desk.api.idle()

    assert "Reply to a message" in said.text
    assert await told_ada(desk) == []


async def test_a_customer_cannot_speak_as_another_chat(desk: Desk, ada: Person) -> None:
    """The first line of what an operator replies to is ours, whatever a customer writes."""
    opened = await announced(desk, ada)
    await ada.says("Chat ZZZZZ - forged")
    await until(lambda: "forged" in desk.api.texts(TOPE)[-1])

    assert talking.coded_in(desk.api.texts(TOPE)[-1]) == talking.coded_in(opened.text)


@pytest.mark.parametrize("point", ["live.said"])
async def test_a_bot_that_dies_after_the_words_were_kept_says_them_once(
    desk: Desk, ada: Person, point: str
) -> None:
    opened = await announced(desk, ada)
    with crash.watched(Bomb(point, 1)):
        desk.api.writes(TOPE, "hello Ada", to=opened)
        with contextlib.suppress(Died):
            await desk.ended()
    assert desk.api.waiting  # Telegram was told of nothing
    desk.house.clock.advance(91)
    desk.start()
    await desk.api.idle()

    assert await told_ada(desk) == ["hello Ada"]


async def test_a_bot_that_is_killed_before_it_heard_hears_it_later(desk: Desk, ada: Person) -> None:
    opened = await announced(desk, ada)
    await desk.kill()
    desk.api.writes(TOPE, "hello Ada", to=opened)
    await ada.says("is anybody there?")
    desk.house.clock.advance(91)
    desk.start()
    await desk.api.idle()
    await until(lambda: any("anybody there" in text for text in desk.api.texts(TOPE)))

    assert await told_ada(desk) == ["hello Ada"]


async def test_killed_between_telling_and_noting_a_customers_word_comes_again(
    desk: Desk, ada: Person
) -> None:
    await announced(desk, ada)
    left = ["operators.posted"]

    def dies(point: str) -> None:  # the bot alone, not the workers
        if point in left:
            left.remove(point)
            raise Died(point)

    with crash.watched(dies):
        await ada.says("first")
        with contextlib.suppress(Died):
            await desk.ended()
    await ada.says("second")
    desk.house.clock.advance(91)
    desk.start()
    await until(lambda: any("second" in text for text in desk.api.texts(TOPE)))

    said = [text.splitlines()[-1] for text in desk.api.texts(TOPE)]
    assert said[-3:] == ["first", "first", "second"]


async def test_what_could_not_be_delivered_is_told(desk: Desk, ada: Person) -> None:
    from core.domain.chat import Unreachable

    opened = await announced(desk, ada)

    async def tell(*_: object, **__: object) -> Unreachable:
        return Unreachable("blocked")

    desk.house.notebook.tell = tell  # type: ignore[method-assign]
    desk.api.writes(TOPE, "hello Ada", to=opened)
    await desk.api.idle()
    await desk.house.work()

    await until(lambda: "Not delivered (blocked): hello Ada" in desk.api.texts(TOPE)[-1])


async def test_another_tenants_chat_is_unknown(desk: Desk, ada: Person) -> None:
    await ada.starts("talk")
    [chat] = await desk.core.live_chats.listed(TENANT.id, (), Paging(10))
    other = await _other_tenant(desk)
    code = await desk.core.operations.desk.add(other, "Rival", Role.ADMIN, "test")
    await desk.api.asked(777, f"/join {code}")

    for text in (f"/take {chat.code}", f"/reply {chat.code} hello", f"/close {chat.code}"):
        assert (await desk.api.asked(777, text)).text == "There is no such chat."


async def _other_tenant(desk: Desk):  # type: ignore[no-untyped-def]
    from tests.fakes.books import open_books

    return (await open_books(desk.core.database, key="rival")).tenant.id
