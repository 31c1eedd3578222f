"""What people do in Telegram, and what their phones show: the calls under `/control/telegram`.

`{chat}` is a user's id, which is also their private chat, or a negative number for a group. All
bodies may name a `bot` by its username (default: the customers' one), and who acts: `first_name`,
`last_name`, `username`, `language_code`, which are remembered, and in a group `user_id`.

    POST {chat}/say      {"text"}
    POST {chat}/start    {"payload"?}                   unblocks the bot first
    POST {chat}/press    {"message_id", "data", "anyway"?}
    POST {chat}/contact  {"phone_number"?, "own"?, "user_id_in_card"?, "forwarded"?}
    POST {chat}/edit     {"message_id", "text"}
    POST {chat}/photo    {"caption"?}
    POST {chat}/inline   {"query"}                      the answer is `offered` in messages
    POST {chat}/choose   {"result_id", "to"?}           pass on what was offered
    POST {chat}/block    POST {chat}/unblock
    POST {chat}/again                                   the last update once more
    POST {chat}/update   {"kind", "content"}            any other kind of update, even unknown ones
    GET  {chat}/messages GET {chat}/calls GET calls GET files/{file_id}
    GET  updates         what was not taken yet
    POST updates         {"update" or "raw", "secret"?} one delivery now, of anything
    POST release         what scenarios hold goes on its way

Each `POST` about a person makes real updates, which travel in the background, and answers at once
with `{"update_ids", "message_id", "callback_query_id"}`.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.carrier import Address
from sandbox.telegram_files import Files
from sandbox.telegram_people import ACTIONS, Actor, Deed, NotNow
from sandbox.telegram_state import DEMO, Bot, Person, shown
from sandbox.telegram_updates import SECRET_HEADER, WRONG_SECRET
from sandbox.wire import SIMULATED, Json, read_as, wrong
from sandbox.world import World


class Delivery(msgspec.Struct, forbid_unknown_fields=True):
    """`POST updates`: `secret` is `right`, `wrong`, `none`, or the header's text itself."""

    update: dict[str, Any] | None = None
    raw: str = ""
    secret: str = "right"  # noqa: S105 - a choice
    bot: str = DEMO


class TelegramControl:
    """The routes under `/control/telegram`."""

    def __init__(
        self, world: World, bots: Mapping[str, Bot], people: dict[int, Person], files: Files
    ) -> None:
        self._world = world
        self._bots = bots
        self._people = people
        self._files = files

    def routes(self) -> list[Route]:
        return [
            Route("/updates", self._waiting, methods=["GET"]),
            Route("/updates", self._deliver, methods=["POST"]),
            Route("/release", self._release, methods=["POST"]),
            Route("/calls", self._calls),
            Route("/files/{file_id}", self._file),
            Route("/{chat}/messages", self._messages),
            Route("/{chat}/calls", self._calls),
            Route("/{chat}/{action}", self._act, methods=["POST"]),
        ]

    async def _act(self, request: Request) -> Response:
        act = ACTIONS.get(request.path_params["action"])
        if act is None:
            return wrong(f"unknown action; there are {', '.join(ACTIONS)}", 404)
        shape, do = act
        try:
            deed: Deed = read_as(await request.body() or b"{}", shape)
            chat_id = _chat_id(request)
            bot = self._bots[deed.bot]
            actor = Actor(self._world, bot, self._person(chat_id, deed), bot.chat(chat_id))
        except KeyError:
            return wrong(f"unknown bot; there are {', '.join(self._bots)}")
        except ValueError as error:
            return wrong(str(error))
        try:
            made = await do(actor, deed)
        except NotNow as reason:
            return wrong(str(reason), 409)
        return Json(made)

    def _person(self, chat_id: int, deed: Deed) -> Person:
        """Who acts, with what is new about them.

        Raises:
            ValueError: in a group nobody is said to act.
        """
        user_id = chat_id if chat_id > 0 else deed.user_id
        if user_id is None or user_id <= 0:
            raise ValueError("in a group say who acts: user_id")
        person = self._people.setdefault(user_id, Person(user_id))
        for name in ("first_name", "last_name", "username", "language_code"):
            value = getattr(deed, name)
            if value is not None:
                setattr(person, name, value or None)
        person.first_name = person.first_name or ""
        return person

    async def _messages(self, request: Request) -> Response:
        try:
            chat_id, bot = _chat_id(request), self._asked(request)
        except ValueError as error:
            return wrong(str(error))
        chat = bot.chats.get(chat_id)
        commands = bot.commands.get(("[('type', 'default')]", ""), [])
        return Json(
            {
                "chat_id": chat_id,
                "blocked": bool(chat and chat.blocked),
                "typing": chat.typing if chat else None,
                "keyboard": chat.keyboard if chat else None,
                "commands": commands,
                "answers": list(chat.answers) if chat else [],
                "offered": chat.offered if chat else None,
                "messages": [shown(each) for each in chat.messages.values()] if chat else [],
            }
        )

    async def _calls(self, request: Request) -> Response:
        try:
            bot = self._asked(request)
            chat_id = _chat_id(request) if "chat" in request.path_params else None
        except ValueError as error:
            return wrong(str(error))
        return Json([call for call in bot.calls if chat_id in (None, call["chat_id"])])

    async def _file(self, request: Request) -> Response:
        file = self._files.find(request.path_params["file_id"])
        if not file:
            return wrong("no such file", 404)
        return Response(file.content, media_type=file.mime_type, headers=SIMULATED)

    async def _waiting(self, request: Request) -> Response:
        try:
            bot = self._asked(request)
        except ValueError as error:
            return wrong(str(error))
        return Json(
            [
                {
                    "update_id": parcel.content["update_id"],
                    "kind": next(key for key in parcel.content if key != "update_id"),
                    "chat_id": int(parcel.lane.partition(" ")[0]),
                    "state": parcel.state,
                    "tries": parcel.tries,
                }
                for parcel in bot.carrier.waiting()
            ]
        )

    async def _deliver(self, request: Request) -> Response:
        try:
            order = read_as(await request.body(), Delivery)
        except ValueError as error:
            return wrong(str(error))
        bot = self._bots.get(order.bot)
        if not bot or not bot.webhook:
            return wrong("this bot has no webhook", 409)
        chosen = {"right": bot.webhook.secret, "wrong": WRONG_SECRET, "none": ""}
        secret = chosen.get(order.secret, order.secret)
        body = order.raw.encode() if order.update is None else msgspec.json.encode(order.update)
        headers = {SECRET_HEADER: secret} if secret else {}
        answer = await bot.carrier.post(Address(bot.webhook.url, headers, body))
        return Json({"status": answer.status, "body": answer.body})

    async def _release(self, _: Request) -> Response:
        return Json({"released": sum(bot.carrier.release() for bot in self._bots.values())})

    def _asked(self, request: Request) -> Bot:
        bot = self._bots.get(request.query_params.get("bot") or DEMO)
        if not bot:
            raise ValueError(f"unknown bot; there are {', '.join(self._bots)}")
        return bot


def _chat_id(request: Request) -> int:
    text = str(request.path_params["chat"])
    if not text.removeprefix("-").isdigit() or int(text) == 0:
        raise ValueError("a chat is a number: positive for a person, negative for a group")
    return int(text)
