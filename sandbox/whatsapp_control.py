"""What people do in WhatsApp, and what their phones show: the calls under `/control/whatsapp`.

`{user}` is a number in any form, a business-scoped user id like `NG.123`, or `@name` for somebody
who shows only a username. All bodies may say the `name` that the person goes by.

    POST {user}/say      {"text", "reply_to"?}
    POST {user}/press    {"id", "message_id"?, "anyway"?}   a button or a row of a list
    POST {user}/contact  {"phone_number"?, "own"?, "card_name"?, "asked"?}
    POST {user}/image    {"caption"?}
    POST {user}/other    {"type"?, "content"?}              unsupported unless it says otherwise
    POST {user}/read     they look at their phone
    POST {user}/again    the webhook of what they did last, once more
    GET  {user}/messages GET {user}/calls GET calls GET media/{id}
    GET  webhook         what was not taken yet
    POST webhook         {"payload" or "raw", "signature"?} one delivery now, of anything
    POST verify          {"url"?, "verify_token"?}          the subscription challenge
    POST release         what scenarios hold goes on its way

Each `POST` about a person answers at once with `{"message_id"}`; webhooks travel in the background.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.ids import uuid7
from sandbox.database import stamp
from sandbox.telegram_updates import OF_THIS_MACHINE, host_of
from sandbox.whatsapp_hooks import Hooks, wrong_signature
from sandbox.whatsapp_people import ACTIONS, Actor, Deed, NotNow
from sandbox.whatsapp_state import WINDOW, Memory, shown
from sandbox.wire import SIMULATED, Json, read_as, wrong
from sandbox.world import World


class Delivery(msgspec.Struct, forbid_unknown_fields=True):
    """`POST webhook`: `signature` is `right`, `wrong`, `none`, or the header's text itself."""

    payload: dict[str, Any] | None = None
    raw: str = ""
    signature: str = "right"


class Challenge(msgspec.Struct, forbid_unknown_fields=True):
    """`POST verify`."""

    url: str = ""
    verify_token: str | None = None


class WhatsAppControl:
    """The routes under `/control/whatsapp`."""

    def __init__(self, world: World, memory: Memory, hooks: Hooks) -> None:
        self._world = world
        self._memory = memory
        self._hooks = hooks

    def routes(self) -> list[Route]:
        return [
            Route("/webhook", self._waiting, methods=["GET"]),
            Route("/webhook", self._deliver, methods=["POST"]),
            Route("/verify", self._verify, methods=["POST"]),
            Route("/release", self._release, methods=["POST"]),
            Route("/calls", self._calls),
            Route("/media/{media_id}", self._media),
            Route("/{user}/messages", self._messages),
            Route("/{user}/calls", self._calls),
            Route("/{user}/{action}", self._act, methods=["POST"]),
        ]

    async def _act(self, request: Request) -> Response:
        act = ACTIONS.get(request.path_params["action"])
        if act is None:
            return wrong(f"unknown action; there are {', '.join(ACTIONS)}", 404)
        shape, do = act
        try:
            deed: Deed = read_as(await request.body() or b"{}", shape)
        except ValueError as error:
            return wrong(str(error))
        person = self._memory.person(request.path_params["user"])
        if deed.name is not None:
            person.name = deed.name
        try:
            made = await do(Actor(self._hooks, person), deed)
        except NotNow as reason:
            return wrong(str(reason), 409)
        return Json(made | {"user_id": person.user_id, "wa_id": person.wa_id})

    async def _messages(self, request: Request) -> Response:
        person = self._memory.person(request.path_params["user"])
        until = person.last_said_at and person.last_said_at + WINDOW
        return Json(
            {
                "user": {
                    "wa_id": person.wa_id,
                    "user_id": person.user_id,
                    "username": person.username,
                    "name": person.as_contact()["profile"]["name"],
                },
                "window_open": person.is_open(self._world.clock.now()),
                "window_until": until and stamp(until),
                "typing": person.typing,
                "messages": [shown(message) for message in person.messages.values()],
            }
        )

    async def _calls(self, request: Request) -> Response:
        who = request.path_params.get("user")
        person = self._memory.find(who) if who else None
        return Json(
            [
                call
                for call in self._memory.calls
                if who is None or (person and call["user_id"] == person.user_id)
            ]
        )

    async def _media(self, request: Request) -> Response:
        media = self._memory.media.get(request.path_params["media_id"])
        if not media:
            return wrong("no such media", 404)
        return Response(media.content, media_type=media.mime_type, headers=SIMULATED)

    async def _waiting(self, _: Request) -> Response:
        return Json(self._hooks.waiting())

    async def _deliver(self, request: Request) -> Response:
        try:
            order = read_as(await request.body(), Delivery)
        except ValueError as error:
            return wrong(str(error))
        body = order.raw.encode() if order.payload is None else msgspec.json.encode(order.payload)
        chosen = {"right": self._hooks.signed(body), "wrong": wrong_signature(), "none": ""}
        signature = chosen.get(order.signature, order.signature)
        answer = await self._hooks.carrier.post(self._hooks.address(body, signature))
        return Json({"status": answer.status, "body": answer.body})

    async def _verify(self, request: Request) -> Response:
        try:
            order = read_as(await request.body() or b"{}", Challenge)
        except ValueError as error:
            return wrong(str(error))
        settings = self._world.settings
        url = order.url or settings.whatsapp_webhook_url
        if order.url and host_of(order.url) not in OF_THIS_MACHINE:
            return wrong("the sandbox calls only this machine")
        token = settings.whatsapp_verify_token if order.verify_token is None else order.verify_token
        challenge = str(uuid7().int % 10**10)
        query = {
            "hub.mode": "subscribe",
            "hub.verify_token": token,
            "hub.challenge": challenge,
        }
        answer = await self._hooks.carrier.get(url, query)
        accepted = answer.taken and answer.body == challenge
        return Json(
            {
                "status": answer.status,
                "body": answer.body,
                "challenge": challenge,
                "accepted": accepted,
            }
        )

    async def _release(self, _: Request) -> Response:
        return Json({"released": self._hooks.release()})
