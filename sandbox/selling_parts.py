"""The parts that an order for value can play with any simulated VTU provider."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from sandbox.orders import State
from sandbox.scenarios import Scenario


class Answer(Enum):
    """How the reply to a purchase travels, whatever became of the order."""

    PLAIN = auto()
    HELD = auto()  # after the scenario's seconds
    SEVERED = auto()  # never: the connection is reset
    HTML_503 = auto()
    HTML_200 = auto()  # a login page where JSON should be
    ERROR_500 = auto()
    GARBLED = auto()
    REFUSAL = auto()  # the provider's words for the scenario's code


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Scenario):
    """A scenario as a seller of value plays it.

    Attributes:
        state: What the order is at once; None when none is placed.
        then: What it becomes after the scenario's seconds.
        answer: How the reply travels.
        evidence_late: Tokens and PINs are told only after the scenario's seconds.
    """

    state: State | None = State.DELIVERED
    then: State | None = None
    answer: Answer = Answer.PLAIN
    evidence_late: bool = False


def later(summary: str, then: State, magic: str, *, answer: Answer = Answer.PLAIN) -> Part:
    """Accepted now, something else after ten seconds."""
    return Part(
        summary=summary,
        seconds=10,
        recipients=(magic,),
        state=State.PENDING,
        then=then,
        answer=answer,
    )


def nothing(summary: str, answer: Answer, magic: str, code: str = "") -> Part:
    """Answered in this way, with no order behind it."""
    return Part(summary=summary, code=code, recipients=(magic,), state=None, answer=answer)


def delivered(summary: str, answer: Answer, magic: str, seconds: float = 0, code: str = "") -> Part:
    """Delivered at once, whatever is answered."""
    return Part(summary=summary, seconds=seconds, code=code, recipients=(magic,), answer=answer)


PARTS: Mapping[str, Part] = {
    "ok": Part(summary="delivered at once", recipients=("08011111111",)),
    "ok_slow": Part(
        summary="delivered after a while, and answered only then",
        seconds=5,
        recipients=("08030000001",),
        state=State.PENDING,
        then=State.DELIVERED,
        answer=Answer.HELD,
    ),
    "accepted_then_ok": later("accepted, delivered later", State.DELIVERED, "08030000002"),
    "accepted_then_fail": later("accepted, fails later", State.FAILED, "08030000003"),
    "stuck_pending": Part(
        summary="accepted, never final", recipients=("08030000004",), state=State.PENDING
    ),
    "refused": nothing("refused, nothing is placed", Answer.REFUSAL, "08030000005", "refused"),
    "refused_html_503": nothing(
        "an HTML page with status 503, nothing is placed", Answer.HTML_503, "08030000006"
    ),
    "lost_before_order": nothing(
        "the connection drops and nothing was placed", Answer.SEVERED, "08030000007"
    ),
    "delivered_but_reply_lost": delivered(
        "delivered, the connection drops before the reply", Answer.SEVERED, "08030000008"
    ),
    "delivered_after_timeout": delivered(
        "delivered at once, the reply comes too late", Answer.HELD, "08030000009", seconds=90
    ),
    "arrives_late": Part(
        summary="the connection drops; the order arrives later, until then nobody knows of it",
        seconds=30,
        recipients=("08030000010",),
        state=State.UNSEEN,
        then=State.DELIVERED,
        answer=Answer.SEVERED,
    ),
    "reply_500_no_order": nothing("HTTP 500, nothing is placed", Answer.ERROR_500, "08030000011"),
    "reply_500_with_order": delivered(
        "HTTP 500, delivered all the same", Answer.ERROR_500, "08030000012"
    ),
    "garbage_json": delivered(
        "delivered, half of the reply arrives", Answer.GARBLED, "08030000013"
    ),
    "duplicate_ref": delivered(
        "delivered, and the reply says that the reference was used: it came twice on its way",
        Answer.REFUSAL,
        "08030000015",
        code="duplicate",
    ),
    "wrong_network": later("fails: the number is on another network", State.FAILED, "08030000016"),
    "low_float": nothing("refused: the float is empty", Answer.REFUSAL, "08030000017", "low_float"),
    "requery_down": Part(
        summary="delivered later; questions are answered 503 from the first one on",
        seconds=20,
        recipients=("08030000018",),
        state=State.PENDING,
        then=State.DELIVERED,
    ),
    "reversed_after_delivered": Part(
        summary="delivered, taken back later",
        seconds=10,
        recipients=("08030000019",),
        then=State.REVERSED,
    ),
    "evidence_late": Part(
        summary="delivered; its token or PINs are told only later",
        seconds=10,
        recipients=("08030000024",),
        evidence_late=True,
    ),
}
"""What every seller plays. A seller adds its own worst days."""
