"""What an answer proves: the parts of that judgement that every VTU provider shares.

An adapter writes its own table from codes to meanings; the rules that keep money safe whatever a
table says are here, once.
"""

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple

from core.domain.vending import Blame, Outcome, Result, Vend
from core.kit.money import Money
from core.providers.http import NoReply, Reply
from core.providers.values import major
from core.providers.vtu import evidence as proofs

LETS_MONEY_GO = frozenset({Result.REFUSED, Result.FAILED, Result.REVERSED, Result.NOT_FOUND})
ASK_A_PERSON = "ask_a_person"
"""Nothing more can be learnt by asking: somebody must look at the provider's own records."""


class Meaning(NamedTuple):
    """What a code, status or word of a provider stands for.

    `word` is the reason that logs and operators read; `hint` names a text for the customer.
    """

    result: Result
    word: str
    blame: Blame = Blame.NONE
    hint: str | None = None


def unknown(word: str) -> Meaning:
    return Meaning(Result.UNKNOWN, word)


def refused(word: str, blame: Blame = Blame.OURS, hint: str | None = None) -> Meaning:
    return Meaning(Result.REFUSED, word, blame, hint)


def judged(
    vend: Vend,
    meaning: Meaning,
    *,
    code: str = "",
    provider_reference: str | None = None,
    cost: Money | None = None,
    evidence: Mapping[str, str] | None = None,
    check_after_s: float | None = None,
) -> Outcome:
    """The outcome that a meaning gives for this order.

    A delivery that lacks what its product is made of (a token, PINs) is ACCEPTED: to be asked about
    until it comes.
    """
    found = evidence or {}
    if meaning.result is Result.DELIVERED and proofs.lacking(vend, found):
        meaning = Meaning(Result.ACCEPTED, "evidence_missing")
    delivered = meaning.result is Result.DELIVERED
    return Outcome(
        meaning.result,
        f"{code}:{meaning.word}" if code else meaning.word,
        provider_reference=provider_reference,
        blame=meaning.blame,
        hint=meaning.hint,
        cost=cost if delivered else None,
        evidence=found if delivered else {},
        check_after_s=check_after_s if meaning.result is Result.ACCEPTED else None,
    )


def not_sent(reason: str, blame: Blame = Blame.OURS, hint: str | None = None) -> Outcome:
    """Refused by us, before anything left this machine."""
    return Outcome(Result.REFUSED, reason, blame=blame, hint=hint, never_sent=True)


def unheard(answer: NoReply, *, requery: bool) -> Outcome:
    """No answer came. Only a vend that never left is refused for that.

    That a question could not be asked says nothing of what it asks about.
    """
    if answer.never_sent and not requery:
        return not_sent("not_sent")
    return Outcome(Result.UNKNOWN, answer.reason)


def told(reply: Reply) -> dict[str, object] | None:
    """The JSON object of an answer that may speak, or None.

    A 5xx or a redirect is no answer, whatever stands in it.
    """
    if reply.status // 100 not in {2, 4}:
        return None
    document = reply.json()
    return document if isinstance(document, dict) else None


def unreadable(reply: Reply) -> Outcome:
    return Outcome(Result.UNKNOWN, f"http_{reply.status}")


def refused_status(status: int) -> Meaning | None:
    """What an HTTP status alone proves of a vend, where a JSON error came with it; usually nothing.

    401 and 403 turn the caller away before they look at the order.
    """
    if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return refused("credentials")
    return None


def cost_of(value: object, face: Money) -> Money | None:
    """What the float paid. More than twice the face value is a misreading, not a price."""
    cost = major(value, face.currency)
    return cost if cost is not None and 0 < cost.minor <= 2 * face.minor else None
