"""Calls of the Bot API, each ended as a `Delivery`. The one module that imports aiogram."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
import msgspec
import structlog
from aiogram import Bot
from aiogram.client.default import Default
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod
from aiogram.types import BufferedInputFile, InputFile
from aiogram.utils.token import TokenValidationError
from aiohttp.abc import AbstractResolver
from pydantic import ValidationError

from bots.telegram.api import TOKEN_UNKNOWN, base_of, token_of
from core.domain.chat import Delivery, Later, Refused, Sent, Unreachable
from core.domain.turns import Channel
from core.providers.http import read_json
from core.providers.values import member, whole

log = structlog.get_logger()

_TIMEOUT_S = 15
_OK = 200
_JSON = {"content-type": "application/json"}
_ENCODER = msgspec.json.Encoder()
_AGAIN_S = 3.0
_NOT_MODIFIED = "message is not modified"
_CANNOT_EDIT = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "no text in the message to edit",  # a receipt, which is a picture
)
_TROUBLE = (TelegramServerError, TelegramNetworkError, TelegramConflictError)
_GONE = ("chat not found", "user is deactivated", "bot was blocked", "peer_id_invalid")


class Bots:
    """One bot for each token and address, made when it is first needed.

    `lookup`: what resolves names for their connections, or None for the usual way.
    """

    def __init__(self, lookup: AbstractResolver | None = None) -> None:
        self._lookup = lookup
        self._bots: dict[tuple[str, str], Bot] = {}

    async def call(self, channel: Channel, method: str, **arguments: Any) -> Delivery:
        """Do it once. Raises for nothing outside."""
        try:
            bot = self._of(channel)
            if isinstance(photo := arguments.get("photo"), bytes):
                arguments["photo"] = BufferedInputFile(photo, "receipt.png")
            done = await getattr(bot, method)(**arguments, request_timeout=_TIMEOUT_S)
        except Exception as error:  # noqa: BLE001 - the token may stand in it: only its kind is told
            return _ended(method, error)
        number = getattr(done, "message_id", None)
        return Sent("" if number is None else str(number))

    async def edit(
        self, channel: Channel, chat_id: str, message_id: str, content: Mapping[str, Any]
    ) -> Delivery | None:
        """Put this in the place of that message. None where it can be changed no more."""
        try:
            await self._of(channel).edit_message_text(
                chat_id=chat_id,
                message_id=message_id,  # type: ignore[arg-type]  # digits will do
                link_preview_options={"is_disabled": True},  # type: ignore[arg-type]
                request_timeout=_TIMEOUT_S,
                **content,
            )
        except TelegramBadRequest as error:
            words = error.message.lower()
            if _NOT_MODIFIED in words:
                return Sent(message_id)
            if any(each in words for each in _CANNOT_EDIT):
                return None
            return _ended("edit_message_text", error)
        except Exception as error:  # noqa: BLE001 - as above
            return _ended("edit_message_text", error)
        return Sent(message_id)

    async def aclose(self) -> None:
        for bot in self._bots.values():
            await bot.session.close()

    def _of(self, channel: Channel) -> Bot:
        token, base = token_of(channel), base_of(channel)
        if (token, base) not in self._bots:
            self._bots[token, base] = Bot(token, session=_Session(base, self._lookup))
        return self._bots[token, base]


class _Session(AiohttpSession):
    """aiogram's own, but that it goes where it was sent and nowhere else: a redirect is no answer.

    Tenants name the address, and must not have us call what only we can reach.
    """

    def __init__(self, base: str, lookup: AbstractResolver | None) -> None:
        super().__init__(api=TelegramAPIServer.from_base(base))
        self._connector_init["resolver"] = lookup

    async def make_request(
        self, bot: Bot, method: TelegramMethod[Any], timeout: int | None = None
    ) -> Any:
        """As JSON, and of what was done only its name is read: a message's id.

        aiogram's own way reads a whole message by type, of which nothing is used here, and takes
        three times as long. Files, and answers that are no success, go that way.
        """
        parameters = _plain(method.model_dump(warnings=False))
        if any(isinstance(each, InputFile) for each in parameters.values()):
            return await super().make_request(bot, method, timeout)
        session = await self.create_session()
        url = self.api.api_url(token=bot.token, method=method.__api_method__)
        try:
            async with session.post(
                url,
                data=_ENCODER.encode(parameters),
                headers=_JSON,
                timeout=aiohttp.ClientTimeout(total=timeout or self.timeout),
            ) as reply:
                body = await reply.read()
        except TimeoutError as error:
            raise TelegramNetworkError(method, "no answer in time") from error
        except aiohttp.ClientError as error:
            raise TelegramNetworkError(method, type(error).__name__) from error
        document = read_json(body)
        if reply.status == _OK and member(document, "ok") is True:
            return _Done(whole(member(document, "result", "message_id")))
        return self.check_response(bot, method, reply.status, body.decode(errors="replace")).result

    async def create_session(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(**self._connector_init),
                cookie_jar=aiohttp.DummyCookieJar(),
                middlewares=(_no_further,),
                headers={"user-agent": "callbox"},
            )
        return self._session


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of a call. `message_id`: None where it is about no message."""

    message_id: int | None


def _plain(value: Any) -> Any:
    """Without what was left open: the defaults of a bot that has none."""
    if isinstance(value, dict):
        return {
            name: _plain(each)
            for name, each in value.items()
            if each is not None and not isinstance(each, Default)
        }
    return [_plain(each) for each in value] if isinstance(value, list) else value


async def _no_further(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    reply = await handler(request)
    if aiohttp.hdrs.LOCATION in reply.headers:
        reply.close()
        raise aiohttp.ClientPayloadError("a redirect")
    return reply


def _ended(method: str, error: Exception) -> Delivery:
    """What becomes of it, also in the log, by the error's kind alone."""
    delivery = delivery_of(error)
    log.info(
        "telegram.refused",
        method=method,
        delivery=type(delivery).__name__,
        error=type(error).__name__,
    )
    return delivery


def delivery_of(error: Exception) -> Delivery:
    """What is to be done about an error. Nothing of it is told: a token may stand in it."""
    match error:
        case TelegramRetryAfter():
            return Later(float(error.retry_after), "flood control", spares="channel")
        case TelegramForbiddenError():
            return Unreachable("blocked")
        case TelegramUnauthorizedError() | TelegramNotFound() | TokenValidationError():
            return Refused(TOKEN_UNKNOWN, stops=True)
        case TelegramBadRequest() if any(each in error.message.lower() for each in _GONE):
            return Unreachable("chat not found")
        case TelegramBadRequest() | TelegramEntityTooLarge() | ValidationError():
            return Refused("Telegram does not take it as it is")
        case TelegramAPIError() if isinstance(error, _TROUBLE) or type(error) is TelegramAPIError:
            return Later(_AGAIN_S, type(error).__name__)
        # The last two: answers that break aiogram's reader of answers.
        case ClientDecodeError() | UnicodeError() | TypeError():
            return Later(_AGAIN_S, type(error).__name__)
        case _:
            return Refused("Telegram refused it")
