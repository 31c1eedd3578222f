"""What gateways' answers about transfers prove, in the same way for each. Pure.

An adapter has its own table from statuses to meanings; what keeps money safe whatever a table says
is here, once.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import NamedTuple

from core.domain.payouts import AccountName, Bank, Payout
from core.domain.vending import Blame, Outcome, Result
from core.kit.money import Money
from core.providers.http import NoReply, Reply
from core.providers.values import member, word

_BANK_NAME_CHARS = 60
_NAME_CHARS = 100


class Refusal(NamedTuple):
    """Words of a refusal that proves that nothing was placed, and what it is called."""

    says: str
    reason: str
    blame: Blame = Blame.OURS


def unknown(reason: str) -> Outcome:
    return Outcome(Result.UNKNOWN, reason)


def never_sent(reason: str, *, blame: Blame = Blame.OURS, hint: str | None = None) -> Outcome:
    """Refused before the transfer itself was asked for."""
    return Outcome(Result.REFUSED, reason, blame=blame, hint=hint, never_sent=True)


def unheard(answer: NoReply, *, sending: bool) -> Outcome:
    """No answer came. Only a transfer that never left is refused for that."""
    if answer.never_sent and sending:
        return never_sent("not_sent")
    return unknown(answer.reason)


def turned_away(reply: Reply, refusals: Iterable[Refusal]) -> Outcome:
    """What an answer to `send` that is no success proves: usually nothing.

    401 and 403 with a JSON object turn the caller away before they look at the transfer.
    """
    document = reply.json()
    if not isinstance(document, dict) or reply.status // 100 != 4:  # noqa: PLR2004 - refused
        return unknown(f"http_{reply.status}")
    if reply.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
        return Outcome(Result.REFUSED, "credentials", blame=Blame.OURS)
    said = message(document)
    for refusal in refusals:
        if refusal.says in said:
            return Outcome(Result.REFUSED, refusal.reason, blame=refusal.blame)
    return unknown("duplicate" if "duplicate" in said else f"http_{reply.status}")


def judged(
    payout: Payout,
    status: str,
    table: Mapping[str, Result],
    *,
    amount: Money | None,
    their_reference: str | None,
    fee: Money | None,
) -> Outcome:
    """The outcome that a status gives for this transfer.

    One of another amount under our reference is not ours to judge: UNKNOWN.
    """
    if amount != payout.amount:
        return unknown("other_amount")
    result = table.get(status, Result.UNKNOWN)
    return Outcome(
        result,
        status if result is not Result.UNKNOWN else "unknown_status",
        provider_reference=their_reference,
        cost=fee if result is Result.DELIVERED else None,
    )


def message(document: object) -> str:
    return (word(member(document, "message")) or "").lower()


def read_name(value: object) -> AccountName | None:
    name = word(value)
    return AccountName(" ".join(name.split())[:_NAME_CHARS]) if name else None


def read_banks(listed: object) -> list[Bank]:
    """Banks with a code and a name; what has none, or was closed, is left out."""
    found = []
    for each in listed if isinstance(listed, list) else ():
        code, name = word(member(each, "code")), word(member(each, "name"))
        open_ = member(each, "active") is not False and member(each, "is_deleted") is not True
        if code and name and open_:
            found.append(Bank(code, " ".join(name.split())[:_BANK_NAME_CHARS]))
    return found
