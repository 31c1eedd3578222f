"""Bots asked for their updates, and followed as channels come and go, over real sockets."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import httpx
import pytest
from starlette.responses import PlainTextResponse, Response
from structlog.testing import capture_logs

from bots.telegram.announcing import COMMANDS, UPDATES
from bots.telegram.api import BotApi
from bots.telegram.following import BotFollower, pause_s
from core.app import TEXTS
from core.domain.chat import (
    Address,
    ChatMessage,
    Delivery,
    Fate,
    InlineQuery,
    Later,
    Moved,
    Refused,
)
from core.domain.turns import Channel
from core.kit.errors import Fault
from core.kit.texts import Texts
from core.ports import Unavailable
from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.fakes.serving import serve
from tests.fakes.telegram_api import TOKEN, SmallBotApi, refusal, small_bot_api
from tests.fakes.waiting import until

PUBLIC = "https://callbox.example"
POLLED = {"polling": True}


class Leases:
    """Of all processes of a test; each lasts as long as it was taken for."""

    def __init__(self) -> None:
        self.taken = 0
        self.held: dict[str, tuple[str, float]] = {}
        self.away = False

    async def take(self, what: str, holder: str, for_s: float) -> bool:
        self._ask()
        self.taken += 1
        now = time.monotonic()
        if what in self.held and self.held[what][0] != holder and self.held[what][1] > now:
            return False
        self.held[what] = holder, now + for_s
        return True

    async def give_back(self, what: str, holder: str) -> None:
        self._ask()
        if self.held.get(what, ("", 0.0))[0] == holder:
            del self.held[what]

    def _ask(self) -> None:
        if self.away:
            raise Unavailable("Redis: gone")


@dataclass
class House:
    """One process's listeners; the roster and the leases are everybody's."""

    roster: list[Channel] = field(default_factory=list)
    leases: Leases = field(default_factory=Leases)
    taken: list[ChatMessage] = field(default_factory=list)
    reached: list[tuple[str, bool]] = field(default_factory=list)
    refusals: list[Delivery] = field(default_factory=list)
    well: list[Channel] = field(default_factory=list)
    error: Exception | None = None
    refused_words: str | None = None

    async def of_kind(self, kind: str) -> Sequence[Channel]:
        assert kind == "telegram"
        return list(self.roster)

    async def take(self, channel: Channel, messages: Sequence[ChatMessage]) -> None:
        if self.error is not None:
            raise self.error
        if self.refused_words in [each.text for each in messages]:
            raise Fault("not that one")
        self.taken += messages

    async def fates(self, channel: Channel, fates: Sequence[Fate]) -> None:
        raise AssertionError("Telegram tells of none")

    async def reach(self, channel: Channel, identity: str, *, reachable: bool, why: str) -> None:
        self.reached.append((identity, reachable))

    async def moved(self, channel: Channel, moved: Moved) -> None:
        raise AssertionError("a Telegram id is never given to somebody else")

    async def asked(self, channel: Channel, query: InlineQuery) -> None:
        raise AssertionError("nobody asked")

    async def failed(self, to: Address, delivery: Delivery) -> None:
        self.refusals.append(delivery)

    @property
    def texts(self) -> list[str]:
        return [each.text for each in self.taken]


class _Listeners:
    """What the follower tells, written down in a house."""

    def __init__(self, house: House) -> None:
        self._house = house
        self.fates, self.reach = house.fates, house.reach
        self.moved, self.failed, self.asked = house.moved, house.failed, house.asked

    async def well(self, channel: Channel) -> None:
        self._house.well.append(channel)


@asynccontextmanager
async def following(house: House, public_url: str = "") -> AsyncIterator[None]:
    follower = BotFollower(
        house,
        house.leases,
        house,
        _Listeners(house),
        Texts.load(TEXTS),
        public_url=public_url,
        looks_every_s=0.05,
    )
    running = asyncio.create_task(follower.run())
    try:
        yield
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def api() -> AsyncIterator[SmallBotApi]:
    async with small_bot_api() as served:
        yield served


def says(text: str, number: int) -> dict[str, Any]:
    person = {"id": 42, "is_bot": False, "first_name": "Ada"}
    chat = {"id": 42, "type": "private"}
    message = {"message_id": number, "date": 1, "chat": chat, "from": person, "text": text}
    return {"update_id": number, "message": message}


# Polling.


async def test_updates_are_kept_in_order_and_then_confirmed(api: SmallBotApi) -> None:
    house = House([api.channel(settings=POLLED)])
    api.updates += [says("one", 100), {"update_id": 101, "new_thing": {}}, says("two", 102)]
    async with following(house):
        await until(lambda: not api.updates)
        api.updates.append(says("three", 103))
        await until(lambda: len(house.taken) == 3)
    assert house.texts == ["one", "two", "three"]
    assert [each.external_id for each in house.taken] == ["update:100", "update:102", "update:103"]
    polls = api.of("getUpdates")
    assert api.methods.index("deleteWebhook") < api.methods.index("getUpdates")
    assert "offset" not in polls[0]
    assert polls[1]["offset"] == 103
    assert polls[0]["allowed_updates"] == list(UPDATES)
    assert "setWebhook" not in api.methods


async def test_a_number_is_not_carried_over_a_pause(api: SmallBotApi) -> None:
    """After a quiet week Telegram may go on with a lower one."""
    house = House([api.channel(settings=POLLED)])
    api.updates.append(says("high", 900_000_000))
    async with following(house):
        await until(lambda: len(api.of("getUpdates")) >= 3)
        api.updates.append(says("low", 5))
        await until(lambda: house.texts == ["high", "low"])


async def test_what_is_not_kept_is_told_again(api: SmallBotApi) -> None:
    house = House([api.channel(settings=POLLED)], error=Fault("the store is down"))
    api.updates += [says("one", 100), says("two", 101)]
    with capture_logs() as logs:
        async with following(house):
            await until(lambda: len(api.of("getUpdates")) >= 2)
            assert len(api.updates) == 2
            house.error = None
            await until(lambda: not api.updates)
    assert house.texts == ["one", "two"]
    assert all("offset" not in each for each in api.of("getUpdates")[:2])
    assert "one" not in [each.get("text") for each in logs]
    assert TOKEN not in str(logs)


async def test_one_that_cannot_be_kept_holds_up_none_before_it(api: SmallBotApi) -> None:
    house = House([api.channel(settings=POLLED)], refused_words="two")
    api.updates += [says("one", 100), says("two", 101)]
    async with following(house):
        await until(lambda: [each["update_id"] for each in api.updates] == [101])
    assert house.texts == ["one"]


async def test_who_blocked_the_bot_is_noted(api: SmallBotApi) -> None:
    person, chat = {"id": 42}, {"id": 42, "type": "private"}
    change = {"chat": chat, "from": person, "new_chat_member": {"status": "kicked"}}
    house = House([api.channel(settings=POLLED)])
    api.updates.append({"update_id": 1, "my_chat_member": change})
    async with following(house):
        await until(lambda: house.reached == [("42", False)])


@pytest.mark.parametrize(
    "trouble",
    [
        refusal(500, "Internal Server Error"),
        refusal(409, "Conflict: terminated by other getUpdates request"),
        PlainTextResponse("<html>"),
        PlainTextResponse('{"ok": true, "result": "' + "x" * 1_100_000 + '"}'),
        refusal(429, "Too Many Requests", retry_after=1),
    ],
)
async def test_trouble_is_waited_out(api: SmallBotApi, trouble: Response) -> None:
    house = House([api.channel(settings=POLLED)])
    api.next("getUpdates", trouble)
    api.updates.append(says("one", 1))
    async with following(house):
        await until(lambda: house.texts == ["one"])
    assert api.of("getUpdates")[1]["limit"] == 1
    assert api.methods.count("deleteWebhook") == 2  # it may be one that somebody has set
    assert house.refusals == []


async def test_an_api_that_is_away_is_waited_for_and_a_token_that_is_none_is_told(
    api: SmallBotApi,
) -> None:
    away = api.channel(settings={**POLLED, "api_base_url": "http://127.0.0.1:9"})
    wrong = api.channel(settings=POLLED, credentials={"token": "1:wrong-SIM"})
    house = House([away, wrong])
    with capture_logs() as logs:
        async with following(house):
            await until(lambda: len(house.refusals) >= 2)
    assert all(isinstance(each, Refused) and each.stops for each in house.refusals)
    assert "SIM" not in str(house.refusals)
    assert "SIM" not in str(logs)
    assert house.well == []


async def test_an_api_that_is_away_is_told_once_with_the_channel(api: SmallBotApi) -> None:
    settings = {**POLLED, "username": "shop_bot", "api_base_url": "http://127.0.0.1:9"}
    away = api.channel(settings=settings)
    house = House([away])
    with capture_logs() as logs:
        async with following(house):
            await until(lambda: house.leases.taken >= 3)
        bare = BotApi()
        for channel in (away, away, api.channel(id=away.id), api.channel(id=away.id), away):
            await bare.ask(channel, "getMe")
        await bare.aclose()
    told = [each for each in logs if each["event"] in {"telegram.away", "telegram.back"}]
    assert {each["channel"] for each in told} == {str(away.id)}
    assert told[0]["bot"] == "shop_bot"
    assert [each["event"].removeprefix("telegram.") for each in told] == [
        "away",
        *("away", "back", "away"),
    ]
    assert "outside.silent" not in [each["event"] for each in logs]


def test_who_is_away_is_asked_less_and_less_often_but_for_ever() -> None:
    pauses = [pause_s(tries, Later(3, "connection refused")) for tries in range(9)]

    assert pauses == [3, 6, 15, 30, 60, 60, 60, 60, 60]
    assert pause_s(0, Later(300, "flood control")) == 300


async def test_a_bot_that_is_well_is_told_once(api: SmallBotApi) -> None:
    house = House([api.channel(settings=POLLED)])
    async with following(house):
        await until(lambda: len(api.of("getUpdates")) >= 3)
    assert len(house.well) == 1


async def test_one_process_polls_a_bot_and_another_goes_on_when_it_ends(api: SmallBotApi) -> None:
    first = House([api.channel(settings=POLLED)])
    second = House(first.roster, first.leases)
    async with following(second):
        async with following(first):
            await until(lambda: api.of("getUpdates"))
            await asyncio.sleep(0.3)
            api.updates.append(says("one", 1))
            await until(lambda: first.taken or second.taken)
            assert [first.texts, second.texts].count(["one"]) == 1
        api.updates.append(says("two", 2))
        await until(lambda: "two" in second.texts)
    assert first.leases.held == {}


async def test_while_leases_cannot_be_had_nobody_polls(api: SmallBotApi) -> None:
    house = House([api.channel(settings=POLLED)])
    house.leases.away = True
    api.updates.append(says("one", 1))
    async with following(house):
        await asyncio.sleep(0.2)
        assert "getUpdates" not in api.methods
        house.leases.away = False
        await until(lambda: house.texts == ["one"])


async def test_channels_come_change_and_go(api: SmallBotApi) -> None:
    house = House()
    polled = api.channel(settings=POLLED)
    async with following(house, PUBLIC):
        await asyncio.sleep(0.1)
        assert api.asked == []
        house.roster.append(polled)
        await until(lambda: len(api.of("getUpdates")) > 1)
        house.roster[:] = [replace(polled, settings={"api_base_url": api.url})]
        await until(lambda: api.of("setWebhook"))
        assert house.leases.held == {}
        polls = len(api.of("getUpdates"))
        house.roster[:] = [polled]
        await until(lambda: len(api.of("getUpdates")) > polls)
        house.roster.clear()
        await until(lambda: house.leases.held == {})
        polls = len(api.of("getUpdates"))
        await asyncio.sleep(0.5)
        assert len(api.of("getUpdates")) == polls


async def test_the_simulated_bot_is_taken_over_from_its_webhook() -> None:
    """Updates that waited for the webhook are fetched."""
    async with (
        serve(create_app(SandboxSettings(tick_s=0.05))) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as control,
    ):
        channel = replace(
            SmallBotApi().channel(), settings={**POLLED, "api_base_url": f"{url}/telegram"}
        )
        house = House([channel])
        (await control.post("/control/telegram/42/start", json={})).raise_for_status()
        async with following(house):
            await until(lambda: len(house.taken) == 1)
            said = await control.post("/control/telegram/42/say", json={"text": "hi\nthere"})
            said.raise_for_status()
            await until(lambda: house.texts == ["", "hi\nthere"])
        shown = (await control.get("/control/telegram/42/messages")).json()
    assert [each["command"] for each in shown["commands"]] == list(COMMANDS)


async def test_a_webhook_is_set_once_telegram_is_there_and_refusals_are_heard_of(
    api: SmallBotApi,
) -> None:
    house = House([api.channel()])
    api.next("setWebhook", refusal(429, "Too Many Requests", retry_after=1))
    async with following(house, PUBLIC):
        await until(lambda: api.of("setMyCommands"))
        await asyncio.sleep(0.3)
    assert len(api.of("setWebhook")) == 2
    assert house.refusals == []
    api.next("setWebhook", refusal(400, "Bad Request: bad webhook: HTTPS url must be provided"))
    async with following(house, PUBLIC):
        await until(lambda: house.refusals)
