"""Africa's Talking: text messages.

Source: https://developers.africastalking.com/docs/sms/sending/bulk. The ranges of status codes are
as public integrations read them (November 2026); the single codes were not confirmed.

- `POST /version1/messaging` as a form: `username`, `to` (`+234...`), `message`, `from` where a
  sender id is registered, `bulkSMSMode=1` (we pay); header `apiKey`. The test host knows the user
  `sandbox`.
- The answer, HTTP 201: `{SMSMessageData: {Message, Recipients: [{statusCode, status, number, cost,
  messageId}]}}`. The HTTP status says nothing of a recipient; its `statusCode` does: 100 to 102
  taken, 4xx turned away, 5xx their trouble. 405 is our balance, which a person fills.
- No key makes a repeated send the same send: a lost answer may mean the text goes twice.
"""

from pydantic_settings import BaseSettings, SettingsConfigDict

from core.ports import Sms, SmsResult
from core.providers.http import NoReply, Reply, client, send
from core.providers.values import BaseUrl, Credential, TimeoutS, member, whole

_BALANCE_LOW = 405


class Settings(BaseSettings):
    """From `AFRICASTALKING_*`, or given. `sender` is the registered sender id or short code."""

    model_config = SettingsConfigDict(
        env_prefix="AFRICASTALKING_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl = "https://api.africastalking.com"
    username: str
    api_key: Credential
    sender: str | None = None
    timeout_s: TimeoutS = 20.0


class AfricasTalking:
    """Sends through Africa's Talking. Keeps `core.ports.SmsSender`."""

    name = "africastalking"

    def __init__(self, settings: Settings) -> None:
        self._username = settings.username
        self._sender = settings.sender
        self._timeout_s = settings.timeout_s
        self._http = client(
            base_url=settings.base_url,
            timeout_s=settings.timeout_s,
            headers={"apiKey": settings.api_key.get_secret_value()},
        )

    async def send(self, sms: Sms) -> SmsResult:
        form = {
            "username": self._username,
            "to": f"+{sms.to}",
            "message": sms.text,
            "bulkSMSMode": "1",
        }
        if sender := sms.sender or self._sender:
            form["from"] = sender
        request = self._http.build_request("POST", "/version1/messaging", data=form)
        return read_result(
            await send(self._http, request, act="africastalking.send", within_s=self._timeout_s)
        )

    async def aclose(self) -> None:
        await self._http.aclose()


def read_result(answer: Reply | NoReply) -> SmsResult:
    """What an answer says of its one recipient. Pure; what is not promised is RETRY."""
    if isinstance(answer, NoReply) or answer.status // 100 != 2:  # noqa: PLR2004 - success
        return SmsResult.RETRY
    recipients = member(answer.json(), "SMSMessageData", "Recipients")
    if not isinstance(recipients, list) or len(recipients) != 1:
        return SmsResult.RETRY
    code = whole(member(recipients[0], "statusCode"))
    if code in {100, 101, 102}:
        return SmsResult.ACCEPTED
    if code is not None and code // 100 == 4 and code != _BALANCE_LOW:  # noqa: PLR2004 - 4xx
        return SmsResult.REJECTED
    return SmsResult.RETRY
