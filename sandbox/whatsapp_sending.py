"""Messages from the business on their way to a phone, and what statuses tell of them."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import Any

from sandbox.limits import Bucket
from sandbox.scenarios import Script
from sandbox.whatsapp_checks import check
from sandbox.whatsapp_errors import OF_THE_RECIPIENT, GraphError, invalid, missing
from sandbox.whatsapp_hooks import Hooks
from sandbox.whatsapp_state import Memory, Message, Person, new_id

# What was approved, by name and language; the demo's own notice is one.
TEMPLATES = {("callbox_notice", "en"), ("hello_world", "en_US")}

_TELL_AFTER_S = 0.02  # the answer to the call is usually first
_AS_CODE = {
    "throughput": 130429,
    "pair_limit": 131056,
    "window_closed": 131047,
    "undeliverable": 131026,
    "something_wrong": 131000,
    "token_expired": 190,
}


class Sending:
    """`POST .../messages`, once the caller is known."""

    def __init__(self, memory: Memory, hooks: Hooks) -> None:
        self._memory = memory
        self._hooks = hooks
        self._per_pair = Bucket(every_s=6, burst=45)
        self._over_all = Bucket(every_s=1 / 80, burst=80)
        self._telling: set[asyncio.Task[None]] = set()

    async def take(self, fields: Mapping[str, Any], script: Script) -> dict[str, Any]:
        """The answer.

        Raises:
            GraphError: it is refused.
        """
        if fields.get("messaging_product") != "whatsapp":
            raise GraphError(100, "The parameter messaging_product is required.")
        if fields.get("status") == "read":
            return self._read(fields)
        person, asked_as = self._recipient(fields)
        kind = str(fields.get("type") or "text")
        check(kind, fields, lambda media_id: media_id in self._memory.media)
        later = self._refused(person, kind, fields, script)
        message = Message(
            new_id(),
            True,  # noqa: FBT003 - from the business
            self._hooks.world.clock.now(),
            kind,
            {kind: fields[kind]},
            _replied_to(fields),
            "accepted",
            tracker=fields.get("biz_opaque_callback_data"),
        )
        person.keep(message)
        person.typing = False
        self._tell(person, message, later)
        return _accepted(person, message, asked_as)

    async def forget(self) -> None:
        tasks = list(self._telling)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._per_pair.forget()
        self._over_all.forget()

    def _read(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """What a person sent is read, and with an indicator somebody seems to be typing."""
        found = self._memory.said(str(fields.get("message_id") or ""))
        if not found:
            raise invalid("Message id is not valid")
        person, message = found
        message.status = "read"
        indicator = fields.get("typing_indicator")
        if indicator is not None:
            if not isinstance(indicator, dict) or indicator.get("type") != "text":
                raise invalid("Typing indicator type must be text")
            person.typing = True
        return {"success": True}

    def _recipient(self, fields: Mapping[str, Any]) -> tuple[Person, str]:
        """By number in `to`, else by business-scoped user id in `recipient`."""
        number, user_id = fields.get("to"), fields.get("recipient")
        if number:
            digits = str(number).removeprefix("+").replace(" ", "")
            if not digits.isascii() or not digits.isdigit():
                raise invalid("Recipient phone number not valid")
            return self._memory.person(digits), str(number)
        if not user_id:
            raise missing("to")
        person = self._memory.find(str(user_id)) if "." in str(user_id) else None
        if person is None:
            raise GraphError(131026)
        return person, str(user_id)

    def _refused(
        self, person: Person, kind: str, fields: Mapping[str, Any], script: Script
    ) -> GraphError | None:
        """What is told later by a status; raises what is told at once."""
        error = self._error(person, kind, fields, script)
        by_status = script.name == "failed_later" or (
            script.name == "refusals_later" and error and error.code in OF_THE_RECIPIENT
        )
        if error and not by_status:
            raise error
        return error

    def _error(
        self, person: Person, kind: str, fields: Mapping[str, Any], script: Script
    ) -> GraphError | None:
        if script.name in ("refused", "failed_later"):
            return GraphError(int(script.code))
        if script.name in _AS_CODE:
            return GraphError(_AS_CODE[script.name])
        if script.name == "bsuid_refused" and not fields.get("to"):
            return GraphError(131062)
        now = self._hooks.world.clock.now()
        if script.name == "real_limits":
            if self._over_all.wait("", now.timestamp()):
                return GraphError(130429)
            if self._per_pair.wait(person.user_id, now.timestamp()):
                return GraphError(131056)
        if kind == "template":
            template = fields["template"]
            if (template["name"], template["language"]["code"]) not in TEMPLATES:
                return GraphError(132001, f"template name ({template['name']}) does not exist")
        elif not person.is_open(now):
            return GraphError(131047)
        return None

    def _tell(self, person: Person, message: Message, error: GraphError | None) -> None:
        task = asyncio.create_task(self._become(person, message, error))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _become(self, person: Person, message: Message, error: GraphError | None) -> None:
        """Sent and delivered at once, or failed; read when the person looks at it."""
        await asyncio.sleep(_TELL_AFTER_S)
        now = self._hooks.world.clock.now()
        if error:
            message.status, message.error = "failed", error.code
            told = statuses_of(person, message, now, "failed", error=error)
        else:
            message.status = "delivered"
            told = statuses_of(person, message, now, "sent", "delivered")
        await self._hooks.statuses(person, *told)


def statuses_of(
    person: Person,
    message: Message,
    at: dt.datetime,
    *names: str,
    error: GraphError | None = None,
) -> list[dict[str, Any]]:
    """The statuses of those names, as webhooks tell them."""
    told: list[dict[str, Any]] = []
    for name in names:
        status: dict[str, Any] = {
            "id": message.id,
            "status": name,
            "timestamp": str(int(at.timestamp())),
            "recipient_user_id": person.user_id,
        }
        if person.wa_id:
            status["recipient_id"] = person.wa_id
        if message.tracker:
            status["biz_opaque_callback_data"] = message.tracker
        if name in ("sent", "delivered"):
            paid = message.kind == "template" and not person.is_open(at)
            status["pricing"] = {
                "billable": paid,
                "pricing_model": "PMP",
                "category": "utility" if message.kind == "template" else "service",
                "type": "regular" if paid else "free_customer_service",
            }
        if error:
            status["errors"] = [error.as_status_error()]
        told.append(status)
    return told


def _replied_to(fields: Mapping[str, Any]) -> str | None:
    context = fields.get("context")
    return (
        str(context["message_id"])
        if isinstance(context, dict) and "message_id" in context
        else None
    )


def _accepted(person: Person, message: Message, asked_as: str) -> dict[str, Any]:
    contact = {"input": asked_as}
    if person.wa_id and "." not in asked_as:
        contact["wa_id"] = person.wa_id
    else:
        contact["user_id"] = person.user_id
    told = {"id": message.id}
    if message.kind == "template":
        told["message_status"] = "accepted"
    return {"messaging_product": "whatsapp", "contacts": [contact], "messages": [told]}
