"""WhatsApp: what Meta knows of our number.

Source: https://developers.facebook.com/docs/whatsapp/business-management-api/manage-phone-numbers
(November 2026): `GET /{version}/{phone_number_id}` answers `display_phone_number`, `verified_name`,
`quality_rating`, and changes nothing. Partners whose paths have no number offer nothing like it.
"""

from core.domain.turns import Channel
from core.ports.tenancy import Probed
from core.providers.http import NoReply, client, send
from core.providers.values import member, whole, word

_API_URL = "https://graph.facebook.com"
_VERSION = "v26.0"
_ASK_S = 8.0
_FIELDS = "display_phone_number,verified_name,quality_rating"
_SUCCESS = 200


class WhatsAppTest:
    """Keeps `core.ports.tenancy.ChannelTest`."""

    def __init__(self, outside_url: str) -> None:
        self._outside_url = outside_url
        self._http = client(timeout_s=_ASK_S)

    async def probe(self, channel: Channel) -> Probed:
        settings = channel.settings
        version = str(settings.get("api_version", _VERSION))
        number = str(settings.get("phone_number_id") or "")
        webhook: dict[str, str | int | bool] = {"webhook": f"{self._outside_url}/whatsapp/{{key}}"}
        if not version or not number:
            return Probed(
                ok=True, why="this partner has nothing that could be asked", facts=webhook
            )
        base = str(settings.get("api_base_url") or _API_URL).rstrip("/")
        request = self._http.build_request(
            "GET", f"{base}/{version}/{number}", params={"fields": _FIELDS}, headers=_auth(channel)
        )
        answer = await send(self._http, request, act="whatsapp.number", within_s=_ASK_S)
        if isinstance(answer, NoReply):
            return Probed(ok=False, why=f"no answer: {answer.reason}", facts=webhook)
        document = answer.json()
        if answer.status != _SUCCESS or not word(member(document, "display_phone_number")):
            code = whole(member(document, "error", "code"))
            why = f"refused: {answer.status}" + (f", code {code}" if code is not None else "")
            return Probed(ok=False, why=why, facts=webhook)
        told = {
            name: found
            for name in ("display_phone_number", "verified_name", "quality_rating")
            if (found := word(member(document, name)))
        }
        return Probed(ok=True, facts={**webhook, **told})

    async def aclose(self) -> None:
        await self._http.aclose()


def _auth(channel: Channel) -> dict[str, str]:
    header = str(channel.settings.get("auth_header") or "Authorization")
    token = channel.credentials.get("access_token", "")
    return {header: f"Bearer {token}" if header.lower() == "authorization" else token}
