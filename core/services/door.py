"""What strangers go through in a chat until they are let in, and where they are led then."""

from core.domain.turns import Said
from core.engine.kinds import Locale
from core.engine.machine import Machine, Step
from core.engine.paging import Capability
from core.kit import ids
from core.ports.chat import Assistant, Proposal
from core.services.record import Record


class Door:
    """The door of one channel. A record's `wanted` is what lies behind it for that person."""

    def __init__(
        self, machine: Machine, capability: Capability, assistant: Assistant | None
    ) -> None:
        self._machine = machine
        self._capability = capability
        self._assistant = assistant

    def before(self, conversation_id: str, locale: Locale, *, notice: str = "") -> Step:
        """The stranger stands before it."""
        door = self._machine.door
        return self._machine.start(
            conversation_id, locale, self._capability, flow=door, notice=notice
        )

    def keeps_out(self, locale: Locale, record: Record, step: Step) -> Step:
        """A stranger comes no further than the door, whatever they typed."""
        if record.customer is not None or step.conversation.flow == self._machine.door:
            return step
        return self.before(ids.timed_key(), locale)

    def keeps_for_later(self, locale: Locale, record: Record, said: Said) -> bool:
        """Whether a stranger asked for what a customer would be led to: they will be, let in."""
        if record.customer is not None or self._capability.sessions or not isinstance(said, str):
            return False
        if (found := self._machine.bare(said, locale, self._capability)) is not None:
            record.wanted, record.given = found[0], dict(found[1])
            return True
        wanted = self._assistant.for_later(said) if self._assistant else None
        if wanted is None:
            return False
        record.wanted, record.given = wanted.shortcut, dict(wanted.given)
        return True

    def led(self, locale: Locale, record: Record, wanted: Proposal) -> Step:
        """Where a link leads, or the beginning with a word about it."""
        if record.customer is not None and wanted.shortcut:
            return self._machine.propose(
                record.conversation,
                wanted.shortcut,
                wanted.given,
                locale,
                self._capability,
                notice=wanted.notice,
            )
        record.wanted, record.given = wanted.shortcut, dict(wanted.given)
        if record.customer is None:
            return self.before(record.conversation.id, locale, notice=wanted.notice)
        return self._machine.start(
            record.conversation.id, locale, self._capability, notice=wanted.notice
        )

    def let_in(self, locale: Locale, record: Record, step: Step) -> Step | None:
        """Whoever was just let in goes on to where a link or their words had led them."""
        if not record.wanted or record.customer is None:
            return None
        shortcut, given = record.wanted, record.given
        record.wanted, record.given = "", {}
        return self._machine.propose(step.conversation, shortcut, given, locale, self._capability)
