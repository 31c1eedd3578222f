"""The parts that an order for value can play with any simulated VTU provider."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
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


class News(Enum):
    """What a provider that posts tells of an order, and when."""

    ONCE = auto()  # when the order changed after its reply
    TWICE = auto()
    LATE = auto()  # after the scenario's seconds once more
    EARLY = auto()  # before the reply
    FALSE = auto()  # at once, that it is delivered, in a stranger's hand; nothing later


@dataclass(frozen=True, slots=True, kw_only=True)
class Part(Scenario):
    """A scenario as a seller of value plays it.

    Attributes:
        state: What the order is at once; None when none is placed.
        then: What it becomes after the scenario's seconds.
        answer: How the reply travels.
        evidence_late: Tokens and PINs are told only after the scenario's seconds.
        dearer: It costs a tenth more than was asked.
        news: What is posted, where the provider posts anything.
    """

    state: State | None = State.DELIVERED
    then: State | None = None
    answer: Answer = Answer.PLAIN
    evidence_late: bool = False
    dearer: bool = False
    news: News = News.ONCE


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
}
"""What every seller plays. A seller adds its own worst days."""

_TOKENS: Mapping[str, Part] = {
    "missing_token_then_token": Part(
        summary="delivered; its token is told only later",
        seconds=10,
        recipients=("08030000024",),
        evidence_late=True,
    ),
}
_PINS: Mapping[str, Part] = {
    "pin_order_id_only_then_pins": Part(
        summary="delivered; the PINs are told only later",
        seconds=10,
        recipients=("08030000025",),
        evidence_late=True,
    ),
}
_PLANS: Mapping[str, Part] = {
    "price_changed": Part(
        summary="delivered, a tenth dearer than it was", recipients=("08030000027",), dearer=True
    ),
    "catalogue_changed": nothing(
        "refused: what was asked for is sold no more", Answer.REFUSAL, "08030000028", "refused"
    ),
}
_POSTS: Mapping[str, Part] = {
    "webhook_duplicate": replace(
        later("accepted, delivered later, told twice", State.DELIVERED, "08030000021"),
        news=News.TWICE,
    ),
    "webhook_late": replace(
        later(
            "accepted, delivered later, told as much later again", State.DELIVERED, "08030000022"
        ),
        news=News.LATE,
    ),
    "webhook_forged": replace(
        later("accepted, fails later; somebody else says delivered", State.FAILED, "08030000023"),
        news=News.FALSE,
    ),
    "webhook_before_reply": Part(
        summary="delivered, told before the reply",
        seconds=2,
        recipients=("08030000026",),
        answer=Answer.HELD,
        news=News.EARLY,
    ),
}


def parts(
    *,
    tokens: bool = False,
    pins: bool = False,
    plans: bool = True,
    posts: bool = False,
    without: Collection[str] = (),
) -> dict[str, Part]:
    """What a seller plays that sells these and, with `posts`, tells of its orders by itself."""
    groups = ((True, PARTS), (tokens, _TOKENS), (pins, _PINS), (plans, _PLANS), (posts, _POSTS))
    return {
        name: part
        for chosen, group in groups
        for name, part in group.items()
        if chosen and name not in without
    }
