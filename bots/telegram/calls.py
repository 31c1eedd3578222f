"""Calls of the Bot API, each ended as a `Delivery`. The one module that imports aiogram."""

from collections.abc import Mapping
from typing import Any

import structlog
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.types import BufferedInputFile
from aiogram.utils.token import TokenValidationError
from pydantic import ValidationError

from core.domain.chat import Delivery, Later, Refused, Sent, Unreachable
from core.domain.turns import Channel

log = structlog.get_logger()

API_URL = "https://api.telegram.org"
_TIMEOUT_S = 15
_AGAIN_S = 3.0
_NOT_MODIFIED = "message is not modified"
_CANNOT_EDIT = (
    "message to edit not found",
    "message can't be edited",
    "message_id_invalid",
    "no text in the message to edit",  # a receipt, which is a picture
)
_GONE = ("chat not found", "user is deactivated", "bot was blocked", "peer_id_invalid")


class Bots:
    """One bot for each token and address, made when it is first needed."""

    def __init__(self) -> None:
        self._bots: dict[tuple[str, str], Bot] = {}

    async def call(self, channel: Channel, method: str, **arguments: Any) -> Delivery:
        """Do it once. Raises for nothing outside."""
        try:
            bot = self._of(channel)
            if isinstance(photo := arguments.get("photo"), bytes):
                arguments["photo"] = BufferedInputFile(photo, "receipt.png")
            done = await getattr(bot, method)(**arguments, request_timeout=_TIMEOUT_S)
        except (
            TelegramAPIError,
            ClientDecodeError,
            TokenValidationError,
            ValidationError,
        ) as error:
            delivery = delivery_of(error)
            log.info("telegram.refused", method=method, delivery=type(delivery).__name__)
            return delivery
        return Sent(str(getattr(done, "message_id", "")))

    async def edit(
        self, channel: Channel, chat_id: int, message_id: int, content: Mapping[str, Any]
    ) -> Delivery | None:
        """Put this in the place of that message. None where it can be changed no more."""
        try:
            await self._of(channel).edit_message_text(
                chat_id=chat_id,
                message_id=message_id,
                link_preview_options={"is_disabled": True},  # type: ignore[arg-type]
                request_timeout=_TIMEOUT_S,
                **content,
            )
        except TelegramBadRequest as error:
            words = error.message.lower()
            if _NOT_MODIFIED in words:
                return Sent(str(message_id))
            return None if any(each in words for each in _CANNOT_EDIT) else delivery_of(error)
        except (
            TelegramAPIError,
            ClientDecodeError,
            TokenValidationError,
            ValidationError,
        ) as error:
            return delivery_of(error)
        return Sent(str(message_id))

    async def aclose(self) -> None:
        for bot in self._bots.values():
            await bot.session.close()

    def _of(self, channel: Channel) -> Bot:
        token = channel.credentials.get("token", "")
        base = str(channel.settings.get("api_base_url") or API_URL).rstrip("/")
        if (token, base) not in self._bots:
            session = AiohttpSession(api=TelegramAPIServer.from_base(base))
            self._bots[token, base] = Bot(token, session=session)
        return self._bots[token, base]


def delivery_of(error: Exception) -> Delivery:
    """What is to be done about an error. Nothing of it is told: a token may stand in it."""
    match error:
        case TelegramRetryAfter():
            return Later(float(error.retry_after), "flood control", spares="channel")
        case TelegramForbiddenError():
            return Unreachable("blocked")
        case TelegramUnauthorizedError() | TelegramNotFound() | TokenValidationError():
            return Refused("the bot's token is not known to Telegram", stops=True)
        case TelegramBadRequest() if any(each in error.message.lower() for each in _GONE):
            return Unreachable("chat not found")
        case TelegramBadRequest() | ValidationError():
            return Refused("Telegram does not take it as it is")
        case TelegramServerError() | TelegramNetworkError() | ClientDecodeError():
            return Later(_AGAIN_S, type(error).__name__)
        case _:
            return Refused("Telegram refused it")
