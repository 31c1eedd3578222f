"""Calls of the Bot API, each ended as a `Delivery`.

Source: https://core.telegram.org/bots/api#making-requests (November 2026): parameters as JSON, or
as a form where a file is among them; `{"ok": true, "result": ...}`, or `{"ok": false,
"error_code", "description", "parameters"}`. What a description says is known from the field.

aiogram would make these calls as well, and know each by type. It takes two seconds and 120 MB of
every process for types of which ten are used, so it stands in the tests instead: they hold each
call against its types.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, TypeAlias

import aiohttp
import msgspec
import structlog
from aiohttp.abc import AbstractResolver

from bots.telegram.api import NO_ADDRESS, TOKEN_UNKNOWN, WAIT_S_MAX, url_of
from core.domain.chat import Later, Refused, Sent, Unreachable
from core.domain.turns import Channel
from core.providers.http import NoReply, Reply, bounded, session
from core.providers.values import member, whole

log = structlog.get_logger()

Ended: TypeAlias = Sent | Later | Unreachable | Refused
Headers: TypeAlias = Mapping[str, str]

_TIMEOUT = aiohttp.ClientTimeout(total=15)
_TO_ONE_HOST_MAX = 256
_NAMES_KEPT_S = 3600  # a bot is idle for minutes, and its next customer should not wait for a name
_JSON = {"content-type": "application/json", "user-agent": "callbox"}
_FORM = {"user-agent": "callbox"}
_ENCODER = msgspec.json.Encoder()
_AGAIN_S = 3.0
_NOT_MODIFIED = "message is not modified"
_CANNOT_EDIT = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "no text in the message to edit",  # a receipt, which is a picture
)
_NOT_TAKEN = Refused("Telegram does not take it as it is")
_GONE = ("chat not found", "user is deactivated", "bot was blocked", "peer_id_invalid")


class Calls:
    """What is done in chats, as the bot of whichever channel.

    `lookup`: what resolves names for their connections, or None for the usual way.
    """

    def __init__(self, lookup: AbstractResolver | None = None) -> None:
        self._lookup = lookup
        self._session: aiohttp.ClientSession | None = None

    async def call(self, channel: Channel, method: str, **parameters: Any) -> Ended:
        """Do it once. Raises for nothing outside.

        Of the parameters None is left out, and bytes are a picture.
        """
        return _ended(method, await self._asked(channel, method, parameters))

    async def edit(
        self, channel: Channel, chat_id: str, message_id: str, content: Mapping[str, Any]
    ) -> Ended | None:
        """Put this in the place of that message. None where it can be changed no more."""
        parameters = {
            "chat_id": chat_id,
            "message_id": number_of(message_id),
            "link_preview_options": {"is_disabled": True},
            **content,
        }
        answer = await self._asked(channel, "editMessageText", parameters)
        if isinstance(answer, Reply) and answer.status == HTTPStatus.BAD_REQUEST:
            words = _words(answer.json())
            if _NOT_MODIFIED in words:
                return Sent(message_id)
            if any(each in words for each in _CANNOT_EDIT):
                return None
        ended = _ended("editMessageText", answer)
        return Sent(message_id) if isinstance(ended, Sent) else ended

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _asked(
        self, channel: Channel, method: str, parameters: Mapping[str, Any]
    ) -> Reply | NoReply | Refused:
        if (url := url_of(channel, method)) is None:
            return Refused(TOKEN_UNKNOWN, stops=True)
        if self._session is None:
            self._session = session(
                self._lookup, to_one_host_max=_TO_ONE_HOST_MAX, names_kept_s=_NAMES_KEPT_S
            )
        try:
            body, headers = _written(parameters)
            async with self._session.post(
                url,
                data=body,
                headers=headers,
                timeout=_TIMEOUT,
                allow_redirects=False,  # a tenant names the address, and no other is called
            ) as reply:
                return Reply(reply.status, await bounded(reply.content.iter_any()))
        except aiohttp.InvalidURL:
            return Refused(NO_ADDRESS, stops=True)
        except (aiohttp.ClientError, OSError, RuntimeError) as error:  # the last: we are closing
            return NoReply(type(error).__name__)
        except Exception as error:  # noqa: BLE001 - the token may stand in it: only its kind is told
            log.error("telegram.not_written", method=method, error=type(error).__name__)  # noqa: TRY400
            return _NOT_TAKEN


def number_of(message_id: str) -> int | str:
    """A message's id as Telegram has it."""
    return int(message_id) if message_id.isdecimal() else message_id


def _written(parameters: Mapping[str, Any]) -> tuple[bytes | aiohttp.FormData, Headers]:
    """The body, and the headers that go with it."""
    given = {name: each for name, each in parameters.items() if each is not None}
    if not any(isinstance(each, bytes) for each in given.values()):
        return _ENCODER.encode(given), _JSON
    form = aiohttp.FormData()
    for name, each in given.items():
        match each:
            case bytes():
                form.add_field(name, each, filename="receipt.png", content_type="image/png")
            case str():
                form.add_field(name, each)
            case _:
                form.add_field(name, _ENCODER.encode(each).decode())
    return form, _FORM


def _ended(method: str, answer: Reply | NoReply | Refused) -> Ended:
    """What becomes of it, also in the log, where nothing of the answer stands."""
    delivery = answer if isinstance(answer, Refused) else delivery_of(answer)
    if not isinstance(delivery, Sent):
        log.info(
            "telegram.refused",
            method=method,
            delivery=type(delivery).__name__,
            answer=answer.status if isinstance(answer, Reply) else type(answer).__name__,
            why=delivery.why,
        )
    return delivery


def delivery_of(answer: Reply | NoReply) -> Ended:
    """What is to be done about an answer. Nothing of its words is told: a token may stand in it."""
    if isinstance(answer, NoReply):
        return Later(_AGAIN_S, answer.reason)
    document = answer.json()
    match member(document, "ok"):
        case True if answer.status == HTTPStatus.OK:
            number = whole(member(document, "result", "message_id"))
            return Sent("" if number is None else str(number))
        case False:
            return _refusal_of(answer.status, document)
        case _:  # of a proxy before it, or broken
            return Later(_AGAIN_S, f"status {answer.status}, and no answer of the Bot API")


def _refusal_of(status: int, document: object) -> Later | Unreachable | Refused:
    words = _words(document)
    if wait_s := whole(member(document, "parameters", "retry_after")):
        return Later(float(min(wait_s, WAIT_S_MAX)), "flood control", spares="channel")
    if member(document, "parameters", "migrate_to_chat_id") is not None:
        return Refused("the group has another id now")
    match status:
        case 403:
            return Unreachable("blocked")
        case 401 | 404:
            return Refused(TOKEN_UNKNOWN, stops=True)
        case 400 if any(each in words for each in _GONE):
            return Unreachable("chat not found")
        case 400 | 413:
            return _NOT_TAKEN
        case 429:
            return Later(_AGAIN_S, "flood control", spares="channel")
        case _:
            return Later(_AGAIN_S, f"status {status}")


def _words(document: object) -> str:
    words = member(document, "description")
    return words.lower() if isinstance(words, str) else ""
