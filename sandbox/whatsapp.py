"""WhatsApp's Cloud API, simulated: messages, media, read receipts, and the number itself.

Mounted at `/whatsapp`, so that this is a client's base URL: `POST /{version}/{number}/messages` and
`/media`, `GET /{version}/{number or media}`; `/messages` alone is 360dialog's path. Credentials are
`Authorization: Bearer <token>` or `D360-API-KEY: <token>`. Errors have Graph's shape and statuses.

Without a scenario, nothing but a template goes to somebody who has not written for a day (131047),
and it is sent and delivered at once; it is read when the person does something. State is in memory
and bounded (`sandbox.whatsapp_state`).
"""

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.database import stamp
from sandbox.scenarios import Scenario, Script
from sandbox.whatsapp_control import WhatsAppControl
from sandbox.whatsapp_errors import GraphError, missing
from sandbox.whatsapp_hooks import DISPLAY_PHONE_NUMBER, NAME, WEBHOOKS, Hooks
from sandbox.whatsapp_sending import Sending
from sandbox.whatsapp_state import Memory
from sandbox.wire import SIMULATED, GarbledJson, Json, Severed, hold, html_503
from sandbox.world import World

# Played on messages to a person.
CALLS: Mapping[str, Scenario] = {
    "throughput": Scenario("130429: too many messages from this number"),
    "pair_limit": Scenario("131056: too many messages to this person"),
    "window_closed": Scenario("131047: as if more than a day had passed"),
    "undeliverable": Scenario("131026: this person cannot be reached"),
    "something_wrong": Scenario("131000, HTTP 500"),
    "token_expired": Scenario("190, HTTP 401"),
    "bsuid_refused": Scenario("131062 for a recipient without number"),
    "refused": Scenario("refused with the code", code="131049"),
    "failed_later": Scenario("accepted; a status tells later that it failed", code="131026"),
    "refusals_later": Scenario(
        "what the recipient is refused for is told by a status, not at once"
    ),
    "real_limits": Scenario(
        "eighty a second over all, one in six seconds per person, bursts of 45"
    ),
    "error_500": Scenario("HTTP 500 with nothing that says why, nothing is sent"),
    "html_503": Scenario("a web page instead of an answer, nothing is sent"),
    "lost_before": Scenario("the connection drops, nothing is sent"),
    "lost_after": Scenario("it is sent, the connection drops before the answer"),
    "taken_late": Scenario("it is sent, the answer comes too late", 90),
    "slow": Scenario("it is sent and answered after the seconds", 2),
    "garbled": Scenario("it is sent, the answer breaks off halfway"),
}

_IMAGE_BYTES_MAX = 5_000_000
_FILE_BYTES_MAX = 100_000_000
_IMAGES = {"image/jpeg", "image/png"}
_FILES = {"application/pdf", "text/plain"}


class WhatsApp:
    """Keeps `sandbox.world.LiveSimulator`."""

    scenarios: Mapping[str, Scenario] = {
        "ok": Scenario("sent and delivered at once, webhooks come once and in order"),
        **CALLS,
        **WEBHOOKS,
    }

    def __init__(self, world: World) -> None:
        self._world = world
        self._memory = Memory()
        self._hooks = Hooks(world)
        self._sending = Sending(self._memory, self._hooks)
        self._control = WhatsAppControl(world, self._memory, self._hooks)

    def routes(self) -> list[Route]:
        return [
            Route("/messages", self._messages, methods=["POST"]),
            Route("/media", self._upload, methods=["POST"]),
            Route("/download/{media_id}", self._download),
            Route("/{version}/{number}/messages", self._messages, methods=["POST"]),
            Route("/{version}/{number}/media", self._upload, methods=["POST"]),
            Route("/{version}/{number}", self._node),
        ]

    def control_routes(self) -> list[Route]:
        return self._control.routes()

    async def open(self) -> None:
        await self._hooks.carrier.open()

    async def close(self) -> None:
        await self._sending.forget()
        await self._hooks.carrier.close()

    async def forget(self) -> None:
        await self._sending.forget()
        await self._hooks.forget()
        self._memory.forget()

    async def _messages(self, request: Request) -> Response:
        try:
            self._check_caller(request)
            fields = await _fields(request)
        except GraphError as error:
            return _refused(error)
        script = await self._script(fields)
        match script.name:
            case "error_500":
                self._note(fields, 500, None)
                return Response(b"", 500, SIMULATED)
            case "html_503" | "lost_before":
                self._note(fields, 0, None)
                return html_503() if script.name == "html_503" else Severed()
            case "slow":
                await hold(request.receive, script.seconds)
        answer = await self._answer(fields, script)
        match script.name:
            case "lost_after":
                return Severed()
            case "taken_late":
                await hold(request.receive, script.seconds)
            case "garbled":
                return GarbledJson(msgspec.json.decode(answer.body))
        return answer

    async def _answer(self, fields: dict[str, Any], script: Script) -> Json:
        try:
            answer = await self._sending.take(fields, script)
        except GraphError as error:
            self._note(fields, error.status, error.code)
            return _refused(error)
        self._note(fields, 200, None)
        return Json(answer)

    async def _script(self, fields: Mapping[str, Any]) -> Script:
        """Read receipts play no part: they are for nobody's phone."""
        if fields.get("status") == "read":
            return Script()
        found = self._memory.find(str(fields.get("recipient") or fields.get("to") or "."))
        names = {str(fields.get(name)) for name in ("to", "recipient") if fields.get(name)}
        if found:
            names |= {found.key, found.user_id}
        async with self._world.database.transaction() as tx:
            return await self._world.scenarios.choose(tx, NAME, names, among=CALLS)

    async def _upload(self, request: Request) -> Response:
        try:
            self._check_caller(request)
            async with request.form() as form:
                file, product = form.get("file"), form.get("messaging_product")
                if product != "whatsapp":
                    raise missing("messaging_product")
                if not isinstance(file, UploadFile):
                    raise missing("file")
                content = await file.read()
                kind = str(form.get("type") or file.content_type)
            if kind not in _IMAGES | _FILES:
                raise GraphError(
                    100, f"Param file must be a file with one of the types; got {kind}"
                )
            if len(content) > (_IMAGE_BYTES_MAX if kind in _IMAGES else _FILE_BYTES_MAX):
                raise GraphError(131053, "File is too large")
        except GraphError as error:
            return _refused(error)
        return Json({"id": self._memory.keep_media(kind, content).id})

    async def _node(self, request: Request) -> Response:
        node = request.path_params["number"]
        try:
            self._check_token(request)
        except GraphError as error:
            return _refused(error)
        if node == self._world.settings.whatsapp_phone_number_id:
            return Json(
                {
                    "id": node,
                    "verified_name": "SIM Callbox",
                    "display_phone_number": f"+{DISPLAY_PHONE_NUMBER}",
                    "quality_rating": "GREEN",
                }
            )
        media = self._memory.media.get(node)
        if not media:
            return _refused(_unknown_object(node))
        return Json(
            {
                "id": media.id,
                "messaging_product": "whatsapp",
                "url": str(request.url.replace(path=f"/whatsapp/download/{media.id}", query="")),
                "mime_type": media.mime_type,
                "sha256": hashlib.sha256(media.content).hexdigest(),
                "file_size": len(media.content),
            }
        )

    async def _download(self, request: Request) -> Response:
        try:
            self._check_token(request)
        except GraphError as error:
            return _refused(error)
        media = self._memory.media.get(request.path_params["media_id"])
        if not media:
            return _refused(_unknown_object(request.path_params["media_id"]))
        return Response(media.content, media_type=media.mime_type, headers=SIMULATED)

    def _check_caller(self, request: Request) -> None:
        self._check_token(request)
        settings = self._world.settings
        number = request.path_params.get("number", settings.whatsapp_phone_number_id)
        if number != settings.whatsapp_phone_number_id:
            raise _unknown_object(number)

    def _check_token(self, request: Request) -> None:
        scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
        given = bearer if scheme.lower() == "bearer" else request.headers.get("d360-api-key", "")
        known = self._world.settings.whatsapp_access_token
        if not secrets.compare_digest(given.encode(), known.encode()):
            raise GraphError(
                190, "Cannot parse access token", title="Invalid OAuth access token", status=401
            )

    def _note(self, fields: dict[str, Any], status: int, code: int | None) -> None:
        person = self._memory.find(str(fields.get("to") or fields.get("recipient") or "."))
        said = self._memory.said(str(fields.get("message_id") or ""))
        who = person or (said[0] if said else None)
        self._memory.calls.append(
            {
                "user_id": who.user_id if who else None,
                "body": fields,
                "status": status,
                "error": code,
                "at": stamp(self._world.clock.now()),
            }
        )


async def _fields(request: Request) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(await request.body())
    except (msgspec.DecodeError, UnicodeDecodeError):
        fields = None
    if not isinstance(fields, dict):
        raise GraphError(100, "The request body must be a JSON object")
    return fields


def _unknown_object(node: str) -> GraphError:
    return GraphError(100, title=f"Unsupported request. Object with ID '{node}' does not exist")


def _refused(error: GraphError) -> Json:
    return Json(error.as_answer(), error.status)
