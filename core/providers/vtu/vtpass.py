"""VTpass: all that it sells, from the naira float that we keep with it.

Sources: https://www.vtpass.com/documentation/ (authentication, buying-services, the page of each
product, re-query-services, response-codes, callback-api-integration), read November 2026. Several
generations of the same page are about; `core.providers.vtu.vtpass_answers` takes all their shapes.

- `POST /pay {request_id, serviceID, amount, phone, ...}` (`core.providers.vtu.vtpass_orders`) and
  `POST /requery {request_id}` with headers `api-key` and `secret-key`; `GET /balance` with
  `api-key` and `public-key`. Amounts are naira, numbers are local (0803...).
- A `request_id` begins with the minute in Lagos, `YYYYMMDDHHmm`, and is refused (085) on any other
  day than that one. Used again, it is refused (014).
- A callback comes for orders that staff resolve later, unsigned: a hint to requery. It wants
  `{"response": "success"}`, else it is repeated up to five times.
"""

import datetime as dt
import re
from collections.abc import Mapping
from uuid import UUID

from pydantic_settings import BaseSettings, SettingsConfigDict

from core.domain.vending import Capabilities, Outcome, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.ports import BadCallback
from core.providers.values import BaseUrl, Credential, TimeoutS, major, member, whole, word
from core.providers.vtu.base import HttpVtu, callback_fields, letters
from core.providers.vtu.vtpass_answers import read_answer
from core.providers.vtu.vtpass_orders import PRODUCTS, obstacle, written

# Nigeria keeps one offset all year.
_LAGOS = dt.timezone(dt.timedelta(hours=1))
_REFERENCE = re.compile(r"\d{12}[0-9A-Za-z]{1,64}", re.ASCII)
_BALANCE_READ = 1


class Settings(BaseSettings):
    """From `VTPASS_*`, or given. `base_url` ends in `/api`."""

    model_config = SettingsConfigDict(
        env_prefix="VTPASS_", frozen=True, extra="ignore", hide_input_in_errors=True
    )

    base_url: BaseUrl
    api_key: Credential
    public_key: Credential
    secret_key: Credential
    timeout_s: TimeoutS = 60.0


class VtPass(HttpVtu):
    """Sells through VTpass. Keeps `core.ports.VtuProvider`."""

    name = "vtpass"
    capabilities = Capabilities(
        products=frozenset(PRODUCTS),
        requery_by_reference=True,
        enforces_unique=True,
        processing_max_s=60.0,
        failover_target=True,
    )

    def __init__(self, settings: Settings) -> None:
        api_key = {"api-key": settings.api_key.get_secret_value()}
        super().__init__(settings.base_url, settings.timeout_s, api_key)
        self._post_key = {"secret-key": settings.secret_key.get_secret_value()}
        self._get_key = {"public-key": settings.public_key.get_secret_value()}

    def new_reference(self, attempt_id: UUID, at: dt.datetime) -> str:
        """The minute in Lagos, then the attempt id in letters and digits."""
        return f"{at.astimezone(_LAGOS):%Y%m%d%H%M}{letters(attempt_id)}"

    def may_send(self, reference: str, at: dt.datetime) -> bool:
        return reference[:8] == f"{at.astimezone(_LAGOS):%Y%m%d}"

    async def vend(self, vend: Vend) -> Outcome:
        if found := obstacle(vend):
            return found
        answer = await self._post("pay", "/pay", written(vend), headers=self._post_key)
        return read_answer(answer, vend, requery=False)

    async def requery(self, vend: Vend) -> Outcome:
        question = {"request_id": vend.reference}
        answer = await self._post("requery", "/requery", question, headers=self._post_key)
        return read_answer(answer, vend, requery=True)

    async def float_balance(self) -> Money:
        reply = await self._get("balance", "/balance", headers=self._get_key)
        document = self._read(reply, "the float balance")
        balance = major(member(document, "contents", "balance"), "NGN")
        if balance is None or whole(document.get("code")) != _BALANCE_READ:
            raise Fault("VTpass did not tell the float balance")
        return balance

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:  # noqa: ARG002 - unsigned
        document = callback_fields(self.name, body)
        if document.get("type") != "transaction-update":
            return ()  # A change of its price list, or news we do not know.
        reference = word(member(document, "data", "requestId"))
        if reference is None or not _REFERENCE.fullmatch(reference):
            raise BadCallback("VTpass: names no order")
        return (reference,)

    def callback_answer(self) -> tuple[int, str, str]:
        return 200, "application/json", '{"response":"success"}'
