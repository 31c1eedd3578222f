"""What Telegram is told of bots, over real sockets: webhooks and commands."""

from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response

from bots.telegram.announcing import COMMANDS, Announcer
from bots.telegram.api import BotApi
from core.app import TEXTS
from core.domain.chat import Later, Refused
from core.flows import all_flows
from core.kit.texts import Texts
from tests.fakes.telegram_api import TOKEN, SmallBotApi, refusal, small_bot_api

PUBLIC = "https://callbox.example"


@pytest.fixture
async def api() -> AsyncIterator[SmallBotApi]:
    async with small_bot_api() as served:
        yield served


@pytest.fixture
async def announcer() -> AsyncIterator[Announcer]:
    bare = BotApi()
    yield Announcer(bare, Texts.load(TEXTS))
    await bare.aclose()


async def test_a_webhook_is_set_with_its_secret(api: SmallBotApi, announcer: Announcer) -> None:
    for _ in range(2):
        assert await announcer.announce(api.channel(), f"{PUBLIC}/") is None
    first, again = api.of("setWebhook")
    assert first == again
    assert first == {
        "url": "https://callbox.example/telegram/k3y",
        "secret_token": "SIM-secret_1",
        "allowed_updates": ["message", "callback_query", "inline_query", "my_chat_member"],
        "max_connections": 40,
    }
    assert "drop_pending_updates" not in first


async def test_commands_are_told_and_each_is_one_that_works(
    api: SmallBotApi, announcer: Announcer
) -> None:
    assert await announcer.announce(api.channel(), "") is None
    assert "setWebhook" not in api.methods
    told = api.of("setMyCommands")
    [everybody] = [each for each in told if "language_code" not in each]
    names = [each["command"] for each in everybody["commands"]]
    assert names == ["start", "menu", "balance", "gifts", "status", "help", "language"]
    assert all(1 <= len(each["description"]) <= 256 for each in everybody["commands"])
    flows = all_flows()
    ours = {"balance", "gifts", "status", "help"}
    assert all(flows.shortcut(name) for name in ours)


async def test_each_language_has_its_own_commands(api: SmallBotApi) -> None:
    english = {f"command.{name}": name for name in COMMANDS}
    bare = BotApi()
    texts = Texts({"en": english, "yo": {"command.help": "Iranlowo"}, "pcm": {}})
    assert await Announcer(bare, texts).announce(api.channel(), "") is None
    await bare.aclose()
    told = {each.get("language_code"): each["commands"] for each in api.of("setMyCommands")}
    assert set(told) == {None, "yo"}
    assert "Iranlowo" in str(told["yo"])


async def test_a_bot_without_a_secret_gets_no_webhook(
    api: SmallBotApi, announcer: Announcer
) -> None:
    bare = api.channel(credentials={"token": TOKEN})
    assert isinstance(await announcer.announce(bare, PUBLIC), Refused)
    assert api.asked == []


@pytest.mark.parametrize("method", ["setWebhook", "setMyCommands"])
@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (refusal(429, "Too Many Requests", retry_after=7), Later(7, "flood control")),
        (refusal(502, "Bad Gateway"), Later(3, "status 502")),
        (refusal(400, "Bad Request: bad webhook"), Refused("Telegram does not take it as it is")),
        (
            refusal(401, "Unauthorized"),
            Refused("the bot's token is not known to Telegram", stops=True),
        ),
    ],
)
async def test_what_is_not_taken_is_told(
    api: SmallBotApi, announcer: Announcer, method: str, answer: Response, outcome: object
) -> None:
    api.next(method, answer)
    assert await announcer.announce(api.channel(), PUBLIC) == outcome


@pytest.mark.parametrize(
    "credentials", [{}, {"token": ""}, {"token": "a b\n:/"}, {"token": "\u00e9" * 40}]
)
async def test_odd_tokens_and_addresses_are_told(
    api: SmallBotApi, announcer: Announcer, credentials: dict[str, str]
) -> None:
    assert isinstance(await announcer.announce(api.channel(credentials=credentials), ""), Refused)
    for base in ("nonsense", "http://[::1", "ftp://127.0.0.1"):
        channel = api.channel(settings={"api_base_url": base}, credentials=credentials)
        assert isinstance(await announcer.announce(channel, ""), Later | Refused)
