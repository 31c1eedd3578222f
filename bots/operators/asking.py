"""What an operator typed, and what is said to it."""

from dataclasses import dataclass, field

from core.domain.operators import Operator

Button = tuple[str, str]
"""Its label, and what a tap brings back: at most 64 bytes."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One message of an operator.

    Attributes:
        words: What stands behind the command.
        message_id: Names the message in its chat: the same message again is the same ask.
        private: Nobody else reads in this chat.
    """

    operator: Operator
    words: tuple[str, ...]
    chat_id: int
    message_id: int
    private: bool

    def rest(self, after: int) -> str:
        """All words after so many, as one text."""
        return " ".join(self.words[after:])

    @property
    def key(self) -> str:
        return f"telegram:{self.chat_id}:{self.message_id}"


@dataclass(frozen=True, slots=True)
class Say:
    """What is said, with buttons under it; and what is said to others, by chat."""

    text: str
    buttons: tuple[Button, ...] = ()
    others: tuple[tuple[int, "Say"], ...] = field(default=())
