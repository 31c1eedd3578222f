"""How a bot gets its updates: by webhook, or by asking for them."""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from sandbox.carrier import Address, Parcel
from sandbox.telegram_methods import Method
from sandbox.telegram_params import Params
from sandbox.telegram_state import Bot, Refusal, Webhook, bad

WRONG_SECRET = "SIM-wrong-secret"  # noqa: S105 - everybody may know it
SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105 - a header's name

_LIMIT_MAX = 100
_WAIT_MAX_S = 50
_LOOK_EVERY_S = 1.0  # for updates that come due meanwhile
OF_THIS_MACHINE = {"127.0.0.1", "localhost", "::1"}
_SECRET_LETTERS = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
_SECRET_MAX = 256
_SENT_UNASKED = ("chat_member", "message_reaction", "message_reaction_count")


def methods() -> Mapping[str, Method]:
    return {
        "getupdates": get_updates,
        "setwebhook": set_webhook,
        "deletewebhook": delete_webhook,
        "getwebhookinfo": get_webhook_info,
    }


def seal(bot: Bot, parcel: Parcel) -> Address | None:
    """The update as it is posted; None while the bot has no webhook."""
    if not bot.webhook:
        return None
    secret = WRONG_SECRET if parcel.forged else bot.webhook.secret
    headers = {SECRET_HEADER: secret} if secret else {}
    return Address(bot.webhook.url, headers, msgspec.json.encode(parcel.content))


def host_of(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


def is_wanted(bot: Bot, kind: str) -> bool:
    return kind in bot.allowed if bot.allowed else kind not in _SENT_UNASKED


async def get_updates(bot: Bot, params: Params) -> list[dict[str, Any]]:
    """Waits up to `timeout` for the first one. Of two that ask at once the earlier is sent away."""
    if bot.webhook:
        raise Refusal(
            409,
            "Conflict: can't use getUpdates method while webhook is active; "
            "use deleteWebhook to delete the webhook first",
        )
    _note_allowed(bot, params)
    bot.polls += 1
    turn = bot.polls
    bot.carrier.changed()
    _confirm(bot, params.number("offset") or 0)
    limit = min(max(params.number("limit") or _LIMIT_MAX, 1), _LIMIT_MAX)
    wait = _Wait(min(params.number("timeout") or 0, _WAIT_MAX_S))
    while True:
        if bot.polls != turn:
            raise Refusal(
                409,
                "Conflict: terminated by other getUpdates request; "
                "make sure that only one bot instance is running",
            )
        if bot.webhook:
            raise Refusal(409, "Conflict: terminated by setWebhook request")
        if (parcels := bot.waiting()) or wait.is_over:
            return [parcel.content for parcel in parcels[:limit]]
        await bot.carrier.change(min(wait.left_s, _LOOK_EVERY_S))


async def set_webhook(bot: Bot, params: Params) -> bool:
    url = params.text("url")
    if not url:
        return await delete_webhook(bot, params)
    if host_of(url) not in OF_THIS_MACHINE:
        raise bad("bad webhook: the sandbox calls only this machine")
    secret = params.text("secret_token")
    if len(secret) > _SECRET_MAX or set(secret) - _SECRET_LETTERS:
        raise bad("secret token contains unallowed characters")
    _note_allowed(bot, params)
    _drop(bot, params)
    bot.webhook = Webhook(url, secret, params.number("max_connections") or 40)
    bot.carrier.changed()
    return True


async def delete_webhook(bot: Bot, params: Params) -> bool:
    _drop(bot, params)
    bot.webhook = None
    bot.carrier.changed()
    return True


async def get_webhook_info(bot: Bot, _: Params) -> dict[str, Any]:
    waiting = {parcel.content["update_id"] for parcel in bot.carrier.waiting()}
    told: dict[str, Any] = {
        "url": bot.webhook.url if bot.webhook else "",
        "has_custom_certificate": False,
        "pending_update_count": len(waiting),
    }
    if bot.webhook:
        told["max_connections"] = bot.webhook.max_connections
    if bot.allowed:
        told["allowed_updates"] = bot.allowed
    if bot.carrier.last_error:
        told["last_error_message"] = bot.carrier.last_error
    return told


class _Wait:
    """Time left, on the machine's clock: a test's stopped clock must not hold a poll for ever."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    @property
    def left_s(self) -> float:
        return max(self._until - time.monotonic(), 0.0)

    @property
    def is_over(self) -> bool:
        return self.left_s <= 0


def _confirm(bot: Bot, offset: int) -> None:
    """Updates before the offset were taken; a negative one keeps so many of the last."""
    waiting = bot.waiting()
    if offset < 0:
        kept = {parcel.content["update_id"] for parcel in waiting[offset:]}
        offset = min(kept, default=0)
    bot.carrier.drop(
        parcel
        for parcel in bot.carrier.waiting()
        if parcel.content["update_id"] < offset and not parcel.held
    )


def _note_allowed(bot: Bot, params: Params) -> None:
    """An empty list means all but a few, none given means as before."""
    allowed = params.structure("allowed_updates")
    if isinstance(allowed, list):
        bot.allowed = [str(kind) for kind in allowed] or None


def _drop(bot: Bot, params: Params) -> None:
    if params.flag("drop_pending_updates"):
        bot.carrier.drop(bot.carrier.waiting())
