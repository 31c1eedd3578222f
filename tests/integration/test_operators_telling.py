"""Chats are told of alerts and days: each once, whatever is restarted, killed or away meanwhile."""

import asyncio
import contextlib
import datetime as dt
import io
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from cli.demo import TENANT
from core.domain.operators import Role, Told
from core.kit import crash, logging
from core.kit.clock import SetClock
from core.ports import Alert, AlertKind
from core.services.alerts import OVERLAP
from core.store.embedded import ServiceUrls
from tests.fakes.bot_api import TOKEN
from tests.fakes.operators import Desk, open_desk
from tests.fakes.promises import Bomb, Died
from tests.fakes.waiting import until

MORNING = dt.datetime(2026, 3, 2, 5, 0, tzinfo=dt.UTC)  # six in Lagos
TOPE, UCHE = 501, 502
GROUP = -700


@pytest.fixture
async def desk(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_desk(urls, tmp_path, SetClock(MORNING)) as opened:
        opened.start()
        await opened.joins(TOPE, "Tope", Role.ADMIN)
        yield opened


async def trouble(desk: Desk, key: str) -> None:
    await desk.core.alerts.open(
        Alert(TENANT.id, AlertKind.FLOAT_LOW, key, f"trouble {key}", {"bound": "20000.00"})
    )


def told_of(desk: Desk, chat_id: int, word: str) -> int:
    """How often a chat was told of that."""
    return sum(text.count(word) for text in desk.api.texts(chat_id))


async def test_each_subscribed_chat_is_told_once_of_openings_and_closings(desk: Desk) -> None:
    await trouble(desk, "before")
    for chat_id in (TOPE, GROUP):
        said = await desk.api.asked(TOPE, "/subscribe", chat_id=chat_id)
        assert "1 are open now" in said.text
    assert "already" in (await desk.api.asked(TOPE, "/subscribe")).text

    await trouble(desk, "one")
    await until(lambda: told_of(desk, TOPE, "trouble one") and told_of(desk, GROUP, "trouble one"))
    desk.house.clock.advance(660)
    await desk.core.alerts.close(TENANT.id, "one")
    await until(lambda: told_of(desk, TOPE, "Over") and told_of(desk, GROUP, "Over"))
    await desk.api.asked(TOPE, "/unsubscribe", chat_id=GROUP)
    await trouble(desk, "two")
    await until(lambda: told_of(desk, TOPE, "trouble two"))

    assert told_of(desk, TOPE, "trouble before") == 0
    assert (told_of(desk, TOPE, "trouble one"), told_of(desk, GROUP, "trouble one")) == (2, 2)
    assert told_of(desk, GROUP, "trouble two") == 0
    [over] = [text for text in desk.api.texts(TOPE) if "Over" in text]
    assert "it lasted 11 min" in over
    assert "bound 20000.00" in next(text for text in desk.api.texts(TOPE) if "Float low" in text)


async def test_a_restart_misses_none_and_repeats_none(desk: Desk) -> None:
    await desk.api.asked(TOPE, "/subscribe")
    await trouble(desk, "one")
    await until(lambda: told_of(desk, TOPE, "trouble one"))
    await desk.stop()
    for number in range(60):
        await trouble(desk, f"while away {number};")
    desk.start()
    await until(lambda: told_of(desk, TOPE, "while away 59;"))
    await trouble(desk, "two")
    await until(lambda: told_of(desk, TOPE, "trouble two"))

    assert told_of(desk, TOPE, "trouble one") == 1
    assert told_of(desk, TOPE, "while away") == 60
    assert len(desk.api.texts(TOPE)) < 20  # many at once are few messages


async def test_killed_between_telling_and_noting_it_tells_that_one_again_and_no_other(
    desk: Desk,
) -> None:
    await desk.api.asked(TOPE, "/subscribe")
    for name in ("one", "two"):
        await trouble(desk, name)
        await until(lambda name=name: told_of(desk, TOPE, f"trouble {name}"))  # type: ignore[misc]
    await desk.stop()  # by then it is noted
    desk.start()
    with crash.watched(Bomb("operators.told", 1)):
        await trouble(desk, "three")
        with contextlib.suppress(Died):
            await desk.ended()
    desk.house.clock.advance(91)  # the lease of whoever died
    desk.start()
    await until(lambda: told_of(desk, TOPE, "trouble three") == 2)
    await trouble(desk, "four")
    await until(lambda: told_of(desk, TOPE, "trouble four"))

    assert [told_of(desk, TOPE, f"trouble {name}") for name in ("one", "two", "four")] == [1, 1, 1]


async def test_what_comes_to_light_late_is_told_too(desk: Desk, owner: asyncpg.Connection) -> None:
    """A lower number that is committed after a higher one."""
    told = Told(since=0, to=10, late=frozenset({9, 10})).and_now((14, 15), OVERLAP)
    assert (told.to, told.late) == (15, frozenset({9, 10, 14, 15}))
    assert Told(0, 200, frozenset({1, 199})).and_now((201,), OVERLAP).late == frozenset({199, 201})

    await desk.api.asked(TOPE, "/subscribe")
    await trouble(desk, "one")
    await trouble(desk, "two")
    await until(lambda: told_of(desk, TOPE, "trouble two"))
    [record] = [
        each for each in await desk.core.alerts.newer(TENANT.id, 0, 10) if each.key == "one"
    ]
    await desk.stop()
    await _forget(owner, record.change)
    desk.start()
    await until(lambda: told_of(desk, TOPE, "trouble one") == 2)

    assert told_of(desk, TOPE, "trouble two") == 1


async def _forget(owner: asyncpg.Connection, change: int) -> None:
    """As if that change had not come to light yet when higher ones were told."""
    await owner.execute("update operator_chats set told = array_remove(told, $1)", change)


async def test_it_starts_while_telegram_is_away(desk: Desk) -> None:
    await desk.api.asked(TOPE, "/subscribe")
    await desk.stop()
    desk.api.away = True
    desk.start()
    await trouble(desk, "one")
    await until(lambda: desk.api.calls.count("getMe") > 2)
    desk.api.writes(TOPE, "/status")
    desk.api.away = False

    await until(lambda: told_of(desk, TOPE, "trouble one"))
    await until(lambda: told_of(desk, TOPE, "database: well"))
    assert told_of(desk, TOPE, "trouble one") == 1


async def test_it_goes_on_after_telegram_was_away(desk: Desk) -> None:
    await desk.api.asked(TOPE, "/subscribe")
    desk.api.away = True
    await trouble(desk, "one")
    desk.api.writes(TOPE, "/status")
    await until(lambda: desk.api.calls.count("sendMessage") > 1)
    desk.api.away = False

    async with asyncio.timeout(20):
        while not (told_of(desk, TOPE, "trouble one") and told_of(desk, TOPE, "redis: well")):
            desk.house.clock.advance(5)  # a chat that could not be told is left alone for a moment
            await asyncio.sleep(0.2)


async def test_told_to_wait_it_waits_and_loses_nothing(desk: Desk) -> None:
    await desk.api.asked(TOPE, "/subscribe")
    await desk.api.asked(TOPE, "/subscribe", chat_id=GROUP)
    patience = {"description": "Too Many Requests", "parameters": {"retry_after": 10_000}}
    desk.api.refusals[GROUP] = [(429, patience)]
    await trouble(desk, "one")
    await until(lambda: told_of(desk, TOPE, "trouble one") and not desk.api.refusals[GROUP])
    await desk.stop()  # by then it is noted
    desk.start()
    desk.house.clock.advance(9_990)
    await trouble(desk, "two")
    await until(lambda: told_of(desk, TOPE, "trouble two"))
    assert told_of(desk, GROUP, "trouble") == 0

    desk.house.clock.advance(11)
    await until(lambda: told_of(desk, GROUP, "trouble two"))
    assert told_of(desk, GROUP, "trouble one") == 1


async def test_a_chat_that_is_gone_is_told_no_more(desk: Desk) -> None:
    await desk.api.asked(TOPE, "/subscribe", chat_id=GROUP)
    kicked = {"description": "Forbidden: bot was kicked from the supergroup chat"}
    desk.api.refusals[GROUP] = [(403, kicked)] * 3
    await trouble(desk, "one")
    await until(lambda: len(desk.api.refusals[GROUP]) == 2)
    await trouble(desk, "two")
    await asyncio.sleep(1.5)

    assert len(desk.api.refusals[GROUP]) == 2


async def test_a_group_that_becomes_another_is_told_there(desk: Desk) -> None:
    await desk.api.asked(TOPE, "/subscribe", chat_id=GROUP)
    moved = {"description": "group upgraded", "parameters": {"migrate_to_chat_id": -1007}}
    desk.api.refusals[GROUP] = [(400, moved)]
    await trouble(desk, "one")

    await until(lambda: told_of(desk, -1007, "trouble one"))


async def test_the_digest_comes_once_a_day_at_eight_where_the_tenant_is(desk: Desk) -> None:
    await desk.stop()
    desk.start()
    await desk.api.asked(TOPE, "/subscribe")
    await _jobs_ran(desk)
    assert told_of(desk, TOPE, "Money in:") == 0

    desk.house.clock.advance(2 * 3600 + 60)  # 08:01
    await desk.stop()
    desk.start()
    await until(lambda: told_of(desk, TOPE, "Money in:"))
    for _ in range(2):
        await desk.stop()
        desk.start()
        await _jobs_ran(desk)
    assert told_of(desk, TOPE, "Money in:") == 1

    desk.house.clock.advance(26 * 3600)  # the bot was away at eight the next day
    await desk.stop()
    desk.start()
    await until(lambda: told_of(desk, TOPE, "Money in:") == 2)


async def _jobs_ran(desk: Desk) -> None:
    """Jobs run as soon as the bot is up; what they would send is sent within this."""
    said = await desk.api.asked(TOPE, "/status")
    assert "database" in said.text
    await asyncio.sleep(0.5)


async def test_nothing_secret_is_logged(desk: Desk) -> None:
    written = io.StringIO()
    with contextlib.redirect_stderr(written):
        logging.configure(json=True, level="DEBUG")
    await desk.stop()
    desk.start(TOKEN)
    desk.api.writes(TOPE, "/order SOMEBODYS-SECRET-WORDS")
    desk.api.refusals[TOPE] = [(400, {"description": f"Bad Request: {TOKEN}"})]
    await desk.api.idle()
    desk.api.away = True
    desk.api.writes(UCHE, "SOMEBODYS-SECRET-WORDS")
    await until(lambda: desk.api.calls.count("getUpdates") > 3)
    await desk.stop()

    assert "operators." in written.getvalue()
    for secret in (TOKEN, TOKEN.split(":")[1], "SOMEBODYS-SECRET-WORDS"):
        assert secret not in written.getvalue()
