"""A message in a chat as a turn of the conversation."""

import datetime as dt
from dataclasses import dataclass

from core.domain.chat import Address, ChatMessage, Doing
from core.domain.turns import Advance, Inbound, Press, Progress, Said, Shared
from core.kit.errors import Problem
from core.kit.msisdn import Msisdn, from_network

_MENU = "menu"


@dataclass(frozen=True, slots=True)
class MessageCursor:
    """Tells a message from the one before it by the name that its channel gave it."""

    message: ChatMessage

    def advance(self, mark: str | None) -> Advance:
        message = self.message
        if mark == message.external_id:
            return Advance(Progress.REPEAT, (), message.external_id)
        match message.doing:
            case Doing.START | Doing.COMMAND:
                begins = message.text and message.text != _MENU
                inputs: tuple[Said, ...] = (message.text,) if begins else ()
                return Advance(Progress.BEGIN, inputs, message.external_id)
            case Doing.TEXT:
                return self._new(message.text)
            case Doing.PRESS:
                return self._new(Press(message.key, message.turn, message.talk))
            case Doing.CONTACT if message.own:
                return self._new(_vouched(message.msisdn))
            case Doing.CONTACT:
                return self._new(message.msisdn)
            case _:
                return Advance(Progress.STALE, (), mark or "")

    def _new(self, said: Said) -> Advance:
        return Advance(Progress.NEW, (said,), self.message.external_id)


def inbound_of(to: Address, message: ChatMessage, now: dt.datetime) -> Inbound:
    return Inbound(
        channel=to.channel,
        identity=to.identity,
        session_id="",
        cursor=MessageCursor(message),
        received_at=now,
        msisdn=_vouched_for(message),
        name=message.name,
        language_hint=message.language,
        also=message.also,
    )


def _vouched_for(message: ChatMessage) -> Msisdn | None:
    """The number that the channel itself knows the person by; a shared contact is for the flow."""
    if not message.own or not message.msisdn or message.doing is Doing.CONTACT:
        return None
    try:
        return from_network(message.msisdn)
    except Problem:
        return None


def _vouched(written: str) -> Said:
    """A person's own card. A number that is not international is no more than what they say."""
    try:
        return Shared(from_network(written))
    except Problem:
        return written
