"""Telegram's way in: `POST /telegram/{key}` with the secret token that was set with the webhook.

Source: https://core.telegram.org/bots/api#setwebhook (November 2026): the header
`X-Telegram-Bot-Api-Secret-Token` proves that the request comes from the webhook that we set.
"""

import hmac
from collections.abc import Mapping

from bots.edge import Heard
from bots.telegram import hearing
from core.domain.turns import Channel
from core.providers.http import read_json

_SECRET = "x-telegram-bot-api-secret-token"  # noqa: S105 - the header's name


class TelegramEdge:
    """Keeps `bots.edge.Edge`."""

    kind = "telegram"
    body_bytes_max = 1024 * 1024

    def challenge(self, channel: Channel, query: Mapping[str, str]) -> str | None:
        """Telegram challenges nobody."""
        del channel, query
        return None

    def admitted(self, channel: Channel, headers: Mapping[str, str]) -> bool:
        """Nobody, where no secret was set."""
        known = channel.credentials.get("webhook_secret", "")
        given = headers.get(_SECRET, "")
        same = hmac.compare_digest(
            given.encode("utf-8", "surrogatepass"), known.encode("utf-8", "surrogatepass")
        )
        return bool(known) and same

    def authentic(self, channel: Channel, headers: Mapping[str, str], body: bytes) -> bool:
        """The secret in the head is all that there is."""
        del body
        return self.admitted(channel, headers)

    def heard(self, channel: Channel, body: bytes) -> Heard:
        """Read one update. Raises `Malformed` for what is none."""
        del channel
        return hearing.heard(read_json(body))
