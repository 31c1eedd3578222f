"""The parts that a VTpass order can play: what becomes of it, and how the reply travels."""

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
    ERROR_500 = auto()
    GARBLED = auto()
    CODE = auto()  # nothing but the scenario's code
    OLD_SHAPE = auto()  # as years ago, without `content`


@dataclass(frozen=True, slots=True, kw_only=True)
class Play(Scenario):
    """A scenario as this provider plays it.

    Attributes:
        state: What the order is at once; None when none is placed.
        then: What it becomes after the scenario's seconds.
        answer: How the reply travels.
        evidence_late: Tokens and PINs are told only after the scenario's seconds.
        dearer: It costs a tenth more than the list says.
    """

    state: State | None = State.DELIVERED
    then: State | None = None
    answer: Answer = Answer.PLAIN
    evidence_late: bool = False
    dearer: bool = False


# The long numbers are the magic values of VTpass's own sandbox.
PLAYS: Mapping[str, Play] = {
    "ok": Play(summary="delivered at once", recipients=("08011111111",)),
    "ok_slow": Play(
        summary="delivered after a while, and answered only then",
        seconds=5,
        recipients=("08030000001",),
        state=State.PENDING,
        then=State.DELIVERED,
        answer=Answer.HELD,
    ),
    "accepted_then_ok": Play(
        summary="accepted, delivered later",
        seconds=10,
        recipients=("08030000002",),
        state=State.PENDING,
        then=State.DELIVERED,
    ),
    "accepted_then_fail": Play(
        summary="accepted, fails later and is not charged",
        seconds=10,
        recipients=("08030000003",),
        state=State.PENDING,
        then=State.FAILED,
    ),
    "stuck_pending": Play(
        summary="accepted, never final",
        recipients=("08030000004", "201000000000"),
        state=State.PENDING,
    ),
    "refused": Play(
        summary="refused with a code, nothing is placed (016 and 040: placed and undone)",
        code="091",
        recipients=("08030000005",),
        state=None,
        answer=Answer.CODE,
    ),
    "refused_html_503": Play(
        summary="an HTML page with status 503, nothing is placed",
        recipients=("08030000006",),
        state=None,
        answer=Answer.HTML_503,
    ),
    "lost_before_order": Play(
        summary="the connection drops and nothing was placed",
        recipients=("08030000007",),
        state=None,
        answer=Answer.SEVERED,
    ),
    "delivered_but_reply_lost": Play(
        summary="delivered, the connection drops before the reply",
        recipients=("08030000008", "400000000000"),
        answer=Answer.SEVERED,
    ),
    "delivered_after_timeout": Play(
        summary="delivered at once, the reply comes after everybody stopped waiting",
        seconds=90,
        recipients=("08030000009", "300000000000"),
        answer=Answer.HELD,
    ),
    "arrives_late": Play(
        summary="the connection drops; the order arrives later, until then requery says 015",
        seconds=30,
        recipients=("08030000010",),
        state=State.UNSEEN,
        then=State.DELIVERED,
        answer=Answer.SEVERED,
    ),
    "reply_500_no_order": Play(
        summary="HTTP 500 with code 083, nothing is placed",
        recipients=("08030000011",),
        state=None,
        answer=Answer.ERROR_500,
    ),
    "reply_500_with_order": Play(
        summary="HTTP 500 with code 083, delivered all the same",
        recipients=("08030000012",),
        answer=Answer.ERROR_500,
    ),
    "garbage_json": Play(
        summary="delivered, half of the reply arrives",
        recipients=("08030000013",),
        answer=Answer.GARBLED,
    ),
    "unexpected_code": Play(
        summary="delivered, the reply carries a code that nobody documented",
        code="999",
        recipients=("08030000014", "500000000000"),
        answer=Answer.CODE,
    ),
    "duplicate_ref": Play(
        summary="delivered, and the reply says 014: the request came twice on its way",
        code="014",
        recipients=("08030000015",),
        answer=Answer.CODE,
    ),
    "wrong_network": Play(
        summary="fails: the number is on another network",
        recipients=("08030000016",),
        state=State.FAILED,
    ),
    "low_float": Play(
        summary="refused with 018: the float is empty",
        code="018",
        recipients=("08030000017",),
        state=None,
        answer=Answer.CODE,
    ),
    "requery_down": Play(
        summary="delivered, the reply says processing; requery answers 503 from its first call on",
        seconds=20,
        code="099",
        recipients=("08030000018",),
        answer=Answer.CODE,
    ),
    "reversed_after_delivered": Play(
        summary="delivered, taken back later with a webhook",
        seconds=10,
        recipients=("08030000019",),
        then=State.REVERSED,
    ),
    "variant_shapes": Play(
        summary="delivered; the reply lacks `content`, requery has other types",
        recipients=("08030000020",),
        answer=Answer.OLD_SHAPE,
    ),
    "webhook_duplicate": Play(
        summary="accepted, delivered later, told twice by webhook",
        seconds=10,
        recipients=("08030000021",),
        state=State.PENDING,
        then=State.DELIVERED,
    ),
    "webhook_late": Play(
        summary="accepted, delivered later, told by webhook as much later again",
        seconds=10,
        recipients=("08030000022",),
        state=State.PENDING,
        then=State.DELIVERED,
    ),
    "webhook_forged": Play(
        summary="accepted, a false webhook says delivered; the order fails later",
        seconds=10,
        recipients=("08030000023",),
        state=State.PENDING,
        then=State.FAILED,
    ),
    "webhook_before_reply": Play(
        summary="delivered, told by webhook before the reply",
        seconds=2,
        recipients=("08030000026",),
        answer=Answer.HELD,
    ),
    "missing_token_then_token": Play(
        summary="called delivered with no token; it is told only later",
        seconds=10,
        recipients=("08030000024",),
        evidence_late=True,
    ),
    "pin_order_id_only_then_pins": Play(
        summary="called delivered with no PINs; they are told only later",
        seconds=10,
        recipients=("08030000025",),
        evidence_late=True,
    ),
    "price_changed": Play(
        summary="delivered, a tenth dearer than the list said; the list too, if set for all orders",
        recipients=("08030000027",),
        dearer=True,
    ),
    "catalogue_changed": Play(
        summary="refused with 010, told by webhook; the first plan of each list is gone, if set"
        " for all orders",
        code="010",
        recipients=("08030000028",),
        state=None,
        answer=Answer.CODE,
    ),
}
