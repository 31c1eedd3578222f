"""The few calls of the Bot API that a process makes when nobody has written yet, as plain HTTP.

Source: https://core.telegram.org/bots/api#making-requests (November 2026): parameters as JSON;
`{"ok": true, "result": ...}`, or `{"ok": false, "error_code", "description", "parameters"}`.

Updates are read bare: by type, one of a kind that is not known yet would hold up all that come with
it.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import httpx
import structlog

from core.domain.chat import Later, Refused
from core.domain.turns import Channel
from core.providers.http import NoReply, Reply, client, send
from core.providers.values import member, whole

log = structlog.get_logger()

API_URL = "https://api.telegram.org"
TOKEN_UNKNOWN = "the bot's token is not known to Telegram"  # noqa: S105 - words about it
NO_ADDRESS = "the address of its Bot API is none"
WAIT_S_MAX = 3600
"""Who asks for more patience is asked again after so long: a tenant may have named who answers."""

_TOKEN = re.compile(r"\d+:[\w-]+", re.ASCII)
_READ_S = 60.0  # `within_s` of each call is what bounds it
_AGAIN_S = 3.0


@dataclass(frozen=True, slots=True)
class Told:
    """What the Bot API answered."""

    result: object


class BotApi:
    """Asks the Bot API, as the bot of a channel. Made inside `addresses.reaching`, no further."""

    def __init__(self) -> None:
        self._http = client(timeout_s=_READ_S)
        self._away: set[UUID] = set()

    async def ask(
        self,
        channel: Channel,
        method: str,
        parameters: Mapping[str, object] | None = None,
        *,
        within_s: float = 10.0,
    ) -> Told | Later | Refused:
        """Do it once. Raises for nothing outside."""
        if (url := url_of(channel, method)) is None:
            return Refused(TOKEN_UNKNOWN, stops=True)
        try:
            request = self._http.build_request("POST", url, json=dict(parameters or {}))
        except (httpx.InvalidURL, ValueError):
            return Refused(NO_ADDRESS, stops=True)
        answer = await send(
            self._http, request, act=f"telegram.{method}", within_s=within_s, silence_told=False
        )
        self._note(channel, method, answer)
        return Later(_AGAIN_S, answer.reason) if isinstance(answer, NoReply) else _read(answer)

    def _note(self, channel: Channel, method: str, answer: Reply | NoReply) -> None:
        """Tell that a bot's API is away, and that it is back: once each, however often we ask."""
        bot = channel.settings.get("username")
        if isinstance(answer, NoReply):
            if channel.id not in self._away:
                self._away.add(channel.id)
                log.warning(
                    "telegram.away",
                    channel=str(channel.id),
                    bot=bot,
                    asked=method,
                    reason=answer.reason,
                )
        elif channel.id in self._away:
            self._away.discard(channel.id)
            log.info("telegram.back", channel=str(channel.id), bot=bot)

    async def aclose(self) -> None:
        await self._http.aclose()


def url_of(channel: Channel, method: str) -> str | None:
    """Where a call of a channel's bot goes, or None where its token is none."""
    token = token_of(channel)
    return f"{base_of(channel)}/bot{token}/{method}" if _TOKEN.fullmatch(token) else None


def base_of(channel: Channel) -> str:
    """Where the Bot API is, without a slash at the end."""
    return str(channel.settings.get("api_base_url") or API_URL).rstrip("/")


def token_of(channel: Channel) -> str:
    return channel.credentials.get("token", "")


def name_of(channel: Channel) -> str:
    """A name for the bot at its API that does not tell its token."""
    return hashlib.sha256(f"{base_of(channel)}\n{token_of(channel)}".encode()).hexdigest()[:32]


def _read(reply: Reply) -> Told | Later | Refused:
    document = reply.json()
    match reply.status:
        case 200 if member(document, "ok") is True:
            return Told(member(document, "result"))
        case 429:
            wait_s = whole(member(document, "parameters", "retry_after"))
            return Later(float(min(wait_s or _AGAIN_S, WAIT_S_MAX)), "flood control")
        case 409:
            return Later(_AGAIN_S, "conflict")
        case 401 | 404:
            return Refused(TOKEN_UNKNOWN, stops=True)
        case 400 | 403 | 413:
            return Refused("Telegram does not take it as it is")
        case status:
            return Later(_AGAIN_S, f"status {status}")
