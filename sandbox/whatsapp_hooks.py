"""How WhatsApp tells Callbox: signed webhooks with messages and statuses, one or several."""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sandbox.carrier import Address, Carrier, Parcel, delivery_scenarios
from sandbox.scenarios import Scenario, Script
from sandbox.whatsapp_state import Message, Person
from sandbox.world import World

NAME = "whatsapp"
SIGNATURE_HEADER = "X-Hub-Signature-256"
WABA_ID = "100000000000002"
DISPLAY_PHONE_NUMBER = "15550000001"

# Played on what people send, and on statuses.
WEBHOOKS: Mapping[str, Scenario] = {
    **delivery_scenarios("webhook"),
    "webhook_batch": Scenario("so many (the code) come in one call, or when released", code="3"),
    "statuses_never": Scenario("no status is ever told"),
    "statuses_out_of_order": Scenario("`delivered` is told before `sent`"),
}
_CONTENT = "value"
_PER_CHANGE = 2
_CHANGES_PER_ENTRY = 2


@dataclass(slots=True)
class Hooks:
    """Packs, signs and carries them."""

    world: World
    carrier: Carrier = field(init=False)
    _batch: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        settings = self.world.settings
        self.carrier = Carrier(self._seal, settings.chat_backoff_s, settings.webhook_timeout_s)

    async def script(self, person: Person, among: Collection[str] = tuple(WEBHOOKS)) -> Script:
        async with self.world.database.transaction() as tx:
            return await self.world.scenarios.choose(
                tx, NAME, [person.key, person.user_id], among=among
            )

    async def message(self, person: Person, message: Message) -> None:
        """Tell of what somebody sent."""
        told: dict[str, Any] = {
            "from_user_id": person.user_id,
            "id": message.id,
            "timestamp": str(int(message.at.timestamp())),
            "type": message.kind,
            **message.content,
        }
        if person.wa_id:
            told["from"] = person.wa_id
        if message.reply_to:
            told["context"] = {"from": DISPLAY_PHONE_NUMBER, "id": message.reply_to}
        value = {"contacts": [person.as_contact()], "messages": [told]}
        self._tell(person.user_id, value, await self.script(person))

    async def statuses(self, person: Person, *told: Mapping[str, Any]) -> None:
        """Tell what became of a message to somebody, a call for each step."""
        script = await self.script(person)
        if script.name == "statuses_never":
            return
        if script.name == "statuses_out_of_order":
            told, script = told[::-1], Script()
        for status in told:
            self._tell(f"{person.user_id} statuses", {"statuses": [status]}, script)

    def release(self) -> int:
        gathered = len(self._batch)
        self._flush("batch")
        return self.carrier.release() + gathered

    def waiting(self) -> list[dict[str, Any]]:
        told = [
            {"kind": _kind(parcel.content), "state": parcel.state, "tries": parcel.tries}
            for parcel in self.carrier.waiting()
        ]
        return told + [{"kind": _kind(value), "state": "held", "tries": 0} for value in self._batch]

    async def forget(self) -> None:
        self._batch.clear()
        await self.carrier.forget()

    def signed(self, body: bytes) -> str:
        secret = self.world.settings.whatsapp_app_secret.encode()
        return "sha256=" + hmac.new(secret, body, hashlib.sha256).hexdigest()

    def address(self, body: bytes, signature: str) -> Address:
        headers = {SIGNATURE_HEADER: signature} if signature else {}
        return Address(self.world.settings.whatsapp_webhook_url, headers, body)

    def _tell(self, lane: str, value: dict[str, Any], script: Script) -> None:
        if script.name == "webhook_batch":
            self._batch.append(value)
            if len(self._batch) >= int(script.code if script.code.isdigit() else 1):
                self._flush(lane)
            return
        self.carrier.dispatch(Parcel(lane, {_CONTENT: [value]}), script)

    def _flush(self, lane: str) -> None:
        batch, self._batch = self._batch, []
        if batch:
            self.carrier.put(Parcel(lane, {_CONTENT: batch}))

    def _seal(self, parcel: Parcel) -> Address:
        body = msgspec.json.encode(self._packed(parcel.content[_CONTENT]))
        return self.address(body, wrong_signature() if parcel.forged else self.signed(body))

    def _packed(self, values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Several in one call are spread over messages, changes and entries."""
        about = {
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": DISPLAY_PHONE_NUMBER,
                "phone_number_id": self.world.settings.whatsapp_phone_number_id,
            },
        }
        changes = [
            {"field": "messages", "value": about | _merged(group)}
            for group in _groups(values, _PER_CHANGE)
        ]
        return {
            "object": "whatsapp_business_account",
            "entry": [
                {"id": WABA_ID, "changes": list(group)}
                for group in _groups(changes, _CHANGES_PER_ENTRY)
            ],
        }


def wrong_signature() -> str:
    return "sha256=" + hashlib.sha256(b"SIM not signed by anybody").hexdigest()


def _groups(values: Sequence[Any], size: int) -> list[Sequence[Any]]:
    return [values[at : at + size] for at in range(0, len(values), size)]


def _merged(values: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for value in values:
        for name, members in value.items():
            there = merged.setdefault(name, [])
            there += [member for member in members if member not in there]
    return merged


def _kind(content: Mapping[str, Any]) -> str:
    values = content.get(_CONTENT, [content])
    return "+".join("status" if "statuses" in value else "message" for value in values)
