"""WhatsApp's way in: Meta's challenge and signature, and webhooks.

Source: https://developers.facebook.com/docs/graph-api/webhooks/getting-started

- `GET ?hub.mode=subscribe&hub.verify_token=...&hub.challenge=...` is answered with the challenge.
- `POST` bears `X-Hub-Signature-256: sha256=<HMAC of the raw body under the app secret>`. Meta signs
  the body as it is sent, with its escaped slashes and letters: no parsed and rewritten one will do.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

from bots.edge import Heard, Malformed
from bots.whatsapp import hearing
from bots.whatsapp.settings import settings_of
from core.domain.turns import Channel
from core.providers.http import read_json

_SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})", re.ASCII)
_CHALLENGE = re.compile(r"[\w-]{1,256}", re.ASCII)


class WhatsAppEdge:
    """Keeps `bots.edge.Edge`."""

    kind = "whatsapp"
    body_bytes_max = 3 * 1024 * 1024

    def challenge(self, channel: Channel, query: Mapping[str, str]) -> str | None:
        """Meta's own echoed back to it, if it knows the verify token."""
        known = channel.credentials.get("verify_token", "")
        right = _same(query.get("hub.verify_token", ""), known)
        challenge = query.get("hub.challenge", "")
        asked = query.get("hub.mode") == "subscribe" and _CHALLENGE.fullmatch(challenge)
        return challenge if known and right and asked else None

    def admitted(self, channel: Channel, headers: Mapping[str, str]) -> bool:
        """Nobody, where signatures are wanted and there is no secret to check them with."""
        settings = settings_of(channel)
        if settings is None:
            return False
        if settings.verifier == "path":
            return True
        return bool(channel.credentials.get("app_secret")) and _signature(headers) is not None

    def authentic(self, channel: Channel, headers: Mapping[str, str], body: bytes) -> bool:
        settings = settings_of(channel)
        if settings is None:
            return False
        if settings.verifier == "path":
            return True
        secret, told = channel.credentials.get("app_secret", ""), _signature(headers)
        if not secret or told is None:
            return False
        return _same(told, hmac.new(secret.encode(), body, hashlib.sha256).hexdigest())

    def heard(self, channel: Channel, body: bytes) -> Heard:
        """Everything in it that is about the number of this channel, in order.

        Raises:
            Malformed: it is no webhook of WhatsApp's.
        """
        settings = settings_of(channel)
        if settings is None:
            raise Malformed("the channel's settings will not do")
        return hearing.heard(read_json(body), settings.phone_number_id)


def _signature(headers: Mapping[str, str]) -> str | None:
    found = _SIGNATURE.fullmatch(headers.get("x-hub-signature-256", ""))
    return found.group(1).lower() if found else None


def _same(given: str, known: str) -> bool:
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), known.encode("utf-8", "surrogatepass")
    )
