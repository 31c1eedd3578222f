"""Telegram: who the bot is, and where it delivers.

Source: https://core.telegram.org/bots/api#getme, #getwebhookinfo (November 2026): both change
nothing. `{"ok": true, "result": {"id", "username", ...}}`; `WebhookInfo` has `url`,
`pending_update_count`, `last_error_date`.
"""

from core.domain.turns import Channel
from core.ports.tenancy import Probed
from core.providers.http import NoReply, client, send
from core.providers.values import member, whole, word

_API_URL = "https://api.telegram.org"
_ASK_S = 8.0
_UNAUTHORIZED = frozenset({401, 404})


class TelegramTest:
    """Keeps `core.ports.tenancy.ChannelTest`."""

    def __init__(self, outside_url: str) -> None:
        self._outside_url = outside_url
        self._http = client(timeout_s=_ASK_S)

    async def probe(self, channel: Channel) -> Probed:
        bot = await self._ask(channel, "getMe")
        if isinstance(bot, str):
            return Probed(ok=False, why=bot)
        webhook = await self._ask(channel, "getWebhookInfo")
        if isinstance(webhook, str):
            return Probed(ok=False, why=webhook)
        return self._judged(channel, word(member(bot, "username")) or "", webhook)

    async def aclose(self) -> None:
        await self._http.aclose()

    def _judged(self, channel: Channel, username: str, webhook: object) -> Probed:
        """Whether what Telegram says of the bot is what the channel needs."""
        url = word(member(webhook, "url")) or ""
        ours = url == f"{self._outside_url}/telegram/{channel.key}"
        polls = channel.settings.get("polling") is True
        facts: dict[str, str | int | bool] = {
            "username": username,
            "webhook_is_ours": ours,
            "pending": whole(member(webhook, "pending_update_count")) or 0,
            "failed_lately": whole(member(webhook, "last_error_date")) is not None,
        }
        why = ""
        if polls and url:
            why = "it is to be polled, and has a webhook: Telegram will refuse"
        elif not polls and not ours:
            why = "its webhook leads elsewhere" if url else "it has no webhook yet"
        known = channel.settings.get("username")
        if not why and known and known != username:
            why = "the setting username names another bot: links would lead there"
        return Probed(ok=not why, why=why, facts=facts)

    async def _ask(self, channel: Channel, method: str) -> object:
        """What it answered; or, as a text, why there is no answer."""
        base = str(channel.settings.get("api_base_url") or _API_URL).rstrip("/")
        url = f"{base}/bot{channel.credentials.get('token', '')}/{method}"
        request = self._http.build_request("GET", url)
        answer = await send(self._http, request, act=f"telegram.{method}", within_s=_ASK_S)
        if isinstance(answer, NoReply):
            return f"no answer: {answer.reason}"
        if answer.status in _UNAUTHORIZED:
            return "the bot's token is not known there"
        result = member(answer.json(), "result")
        return (
            result
            if isinstance(result, dict)
            else f"an answer that makes no sense ({answer.status})"
        )
