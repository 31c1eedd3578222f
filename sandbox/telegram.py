"""Telegram's Bot API, simulated: two bots, their chats, webhooks and getUpdates.

Mounted at `/telegram`, so that this is a client's base URL: `/bot<token>/<method>` by GET or POST
with JSON, a form or multipart, and `/file/bot<token>/<path>`. Answers have the real shape, refusals
the real words. People do things through the control calls of `sandbox.telegram_control`.

As new, the demo bot has its webhook set to the demo channel of Callbox; the operators'
bot has none. State is in memory and bounded (`sandbox.telegram_state`).
"""

import math
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox import telegram_updates
from sandbox.carrier import Carrier, delivery_scenarios
from sandbox.database import stamp
from sandbox.limits import Bucket
from sandbox.scenarios import Scenario, Script
from sandbox.telegram_control import TelegramControl
from sandbox.telegram_files import Files
from sandbox.telegram_methods import Method, Methods
from sandbox.telegram_params import Params, read_params
from sandbox.telegram_state import DEMO, OPERATORS, Bot, Refusal, Webhook
from sandbox.wire import SIMULATED, GarbledJson, Json, Severed, hold, html_503
from sandbox.world import World

NAME = "telegram"

# Played on calls that change what a phone shows: send..., edit..., deleteMessage.
CALLS: Mapping[str, Scenario] = {
    "flood": Scenario("429, nothing is done; may be tried again after the seconds", 3),
    "blocked": Scenario("403, as if the user had blocked the bot"),
    "error_500": Scenario("HTTP 500, nothing is done"),
    "html_503": Scenario("a web page instead of an answer, nothing is done"),
    "lost_before": Scenario("the connection drops, nothing is done"),
    "lost_after": Scenario("it is done, the connection drops before the answer"),
    "taken_late": Scenario("it is done, the answer comes too late", 90),
    "slow": Scenario("it is done and answered after the seconds", 2),
    "garbled": Scenario("it is done, the answer breaks off halfway"),
    "real_limits": Scenario("one message a second per chat, thirty over all; 429 beyond"),
}
# Played on every call.
DOWN: Mapping[str, Scenario] = {"down": Scenario("every call of every bot answers HTTP 502")}
UPDATES = delivery_scenarios("update")

_BURST_PER_CHAT = 5
_SENDS = ("sendmessage", "sendphoto", "senddocument")


class Telegram:
    """Keeps `sandbox.world.LiveSimulator`."""

    scenarios: Mapping[str, Scenario] = {
        "ok": Scenario("taken and shown at once, updates come once and in order"),
        **CALLS,
        **DOWN,
        **UPDATES,
    }

    def __init__(self, world: World) -> None:
        self._world = world
        self._files = Files()
        settings = world.settings
        tokens = {DEMO: settings.telegram_token, OPERATORS: settings.telegram_operators_token}
        self._bots = {name: self._bot(name, token) for name, token in tokens.items()}
        self._methods = Methods(world.clock, self._files)
        self._about_messages = self._methods.about_messages()
        self._others: Mapping[str, Method] = {
            **self._methods.others(),
            **telegram_updates.methods(),
        }
        self._per_chat = Bucket(every_s=1, burst=_BURST_PER_CHAT)
        self._over_all = Bucket(every_s=1 / 30, burst=30)
        self._control = TelegramControl(world, self._bots, self._methods.people, self._files)
        self._as_new()

    def routes(self) -> list[Route]:
        return [
            Route("/bot{token}/{method}", self._call, methods=["GET", "POST"]),
            Route("/file/bot{token}/{path:path}", self._file),
        ]

    def control_routes(self) -> list[Route]:
        return self._control.routes()

    async def open(self) -> None:
        for bot in self._bots.values():
            await bot.carrier.open()

    async def close(self) -> None:
        for bot in self._bots.values():
            await bot.carrier.close()

    async def forget(self) -> None:
        for bot in self._bots.values():
            await bot.forget()
        self._methods.people.clear()
        self._files.forget()
        self._per_chat.forget()
        self._over_all.forget()
        self._as_new()

    def _bot(self, username: str, token: str) -> Bot:
        settings = self._world.settings
        bot = Bot(
            token,
            username,
            "SIM " + username.removesuffix("_bot").replace("_", " "),
            Carrier(
                lambda parcel: telegram_updates.seal(bot, parcel),
                settings.chat_backoff_s,
                settings.webhook_timeout_s,
            ),
        )
        return bot

    def _as_new(self) -> None:
        settings = self._world.settings
        self._bots[DEMO].webhook = Webhook(
            settings.telegram_webhook_url, settings.telegram_webhook_secret
        )
        self._bots[OPERATORS].webhook = None

    async def _file(self, request: Request) -> Response:
        file = self._files.at(request.path_params["path"])
        if not file or self._known(request.path_params["token"]) is None:
            return _refused(Refusal(404, "Not Found"))
        return Response(file.content, media_type=file.mime_type, headers=SIMULATED)

    async def _call(self, request: Request) -> Response:
        name = request.path_params["method"].lower()
        bot = self._known(request.path_params["token"])
        if bot is None:
            return _refused(Refusal(401, "Unauthorized"))
        try:
            params = await read_params(request)
        except Refusal as refusal:
            return _refused(refusal)
        method = self._about_messages.get(name) or self._others.get(name)
        if method is None:
            return _refused(Refusal(404, "Not Found: method not found"))
        script = await self._script(name, params)

        async def answer() -> Json:
            return await self._answer(bot, request.path_params["method"], params, method)

        return await self._played(script, request, bot, params, answer)

    async def _script(self, name: str, params: Params) -> Script:
        fits = DOWN.keys() | (CALLS.keys() if name in self._about_messages else set())
        async with self._world.database.transaction() as tx:
            return await self._world.scenarios.choose(
                tx, NAME, [params.text("chat_id")], among=fits
            )

    async def _played(
        self,
        script: Script,
        request: Request,
        bot: Bot,
        params: Params,
        answer: Callable[[], Awaitable[Json]],
    ) -> Response:
        """The answer as the scenario has it; what is refused by it is in the log of calls too."""
        name = request.path_params["method"]
        refusal = self._refusal(script, name, params)
        if refusal:
            self._note(bot, name, params, refusal.code, refusal.description)
            return _refused(refusal)
        match script.name:
            case "html_503" | "lost_before":
                self._note(bot, name, params, 0, script.name)
                return html_503() if script.name == "html_503" else Severed()
            case "lost_after":
                await answer()
                return Severed()
            case "taken_late":
                late = await answer()
                await hold(request.receive, script.seconds)
                return late
            case "slow":
                await hold(request.receive, script.seconds)
                return await answer()
            case "garbled":
                return GarbledJson(msgspec.json.decode((await answer()).body))
        return await answer()

    def _refusal(self, script: Script, name: str, params: Params) -> Refusal | None:
        match script.name:
            case "flood":
                return _too_many(script.seconds)
            case "blocked":
                return Refusal(403, "Forbidden: bot was blocked by the user")
            case "error_500":
                return Refusal(500, "Internal Server Error")
            case "down":
                return Refusal(502, "Bad Gateway")
            case "real_limits" if name.lower() in _SENDS:
                now = self._world.clock.now().timestamp()
                early = self._per_chat.wait(params.text("chat_id"), now) or self._over_all.wait(
                    "", now
                )
                return _too_many(early) if early else None
        return None

    async def _answer(self, bot: Bot, name: str, params: Params, method: Method) -> Json:
        try:
            result = await method(bot, params)
        except Refusal as refusal:
            self._note(bot, name, params, refusal.code, refusal.description)
            return _refused(refusal)
        if name.lower() != "getupdates":
            self._note(bot, name, params, 200, None)
        return Json({"ok": True, "result": result})

    def _note(
        self, bot: Bot, name: str, params: Params, status: int, description: str | None
    ) -> None:
        bot.calls.append(
            {
                "method": name,
                "chat_id": _chat_of(bot, params),
                "params": dict(params.values),
                "files": sorted(params.uploads),
                "status": status,
                "description": description,
                "at": stamp(self._world.clock.now()),
            }
        )

    def _known(self, token: str) -> Bot | None:
        return next((bot for bot in self._bots.values() if bot.token == token), None)


def _chat_of(bot: Bot, params: Params) -> int | None:
    """The chat that a call is about, by itself or by the press that it answers."""
    query = bot.queries.get(params.text("callback_query_id") or params.text("inline_query_id"))
    return query.chat.id if query else params.number("chat_id")


def _too_many(seconds: float) -> Refusal:
    wait = max(math.ceil(seconds), 1)
    return Refusal(429, f"Too Many Requests: retry after {wait}", retry_after=wait)


def _refused(refusal: Refusal) -> Json:
    told: dict[str, Any] = {
        "ok": False,
        "error_code": refusal.code,
        "description": refusal.description,
    }
    if refusal.parameters:
        told["parameters"] = refusal.parameters
    return Json(told, refusal.code)
