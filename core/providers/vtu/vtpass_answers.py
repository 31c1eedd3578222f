"""What VTpass's answers prove.

Source: https://www.vtpass.com/documentation/response-codes/ and the pages of each product, read
November 2026; where tokens and PINs stand, from working integrations.

- The answer: `{code, response_description, requestId, content: {transactions: {status,
  transactionId, total_amount, ...}}}`. HTTP statuses are not documented; codes are.
- Anything that is not in its guide, and any timeout, is to be treated as pending and requeried,
  says the guide. So a code means only what is in the tables below, and a requery believes only
  codes that speak of the order: a refusal there (keys, address not whitelisted) is of the question.
- A token is in `token`, `Token`, `mainToken` or `purchased_code`, in groups or not, with "Token :"
  before it or not; units in `units`, `Units` or `mainTokenUnits`. PINs are in `cards` (a list of
  `{Serial, Pin}`, or that as text), in `tokens`, or in `purchased_code` as a sentence.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from core.domain.vending import Blame, Outcome, Result, Vend
from core.providers.http import NoReply, Reply
from core.providers.values import member, word
from core.providers.vtu.answers import (
    LETS_MONEY_GO,
    Meaning,
    cost_of,
    judged,
    refused,
    told,
    unheard,
    unknown,
    unreadable,
)
from core.providers.vtu.evidence import found_in

# What the code of a `/pay` answer says, 000 apart: that one leaves it to the status.
_PAY: Mapping[str, Meaning] = MappingProxyType(
    {
        "001": unknown("status_query"),
        "010": refused("variation_unknown", Blame.ORDER),
        "011": refused("arguments", Blame.ORDER, "wrong_number"),
        "012": refused("product_unknown", Blame.ORDER),
        "013": refused("amount_too_small", Blame.ORDER, "wrong_amount"),
        "014": unknown("reference_used"),
        "016": Meaning(Result.FAILED, "failed"),
        "017": refused("amount_too_large", Blame.ORDER, "wrong_amount"),
        "018": refused("float_low"),
        "019": refused("duplicate", Blame.ORDER, "duplicate"),
        "020": Meaning(Result.FAILED, "biller_confirmed"),  # only a verification says it rightly
        "021": refused("account_locked"),
        "022": refused("account_suspended"),
        "023": refused("access_off"),
        "024": refused("account_inactive"),
        "025": refused("bank_transfer_only"),
        "026": refused("bank_transfer_only"),
        "027": refused("address_not_allowed"),
        "028": refused("product_not_allowed"),
        "030": refused("biller_unreachable"),
        "031": refused("quantity_too_small", Blame.ORDER),
        "032": refused("quantity_too_large", Blame.ORDER),
        "034": refused("service_suspended"),
        "035": refused("service_off"),
        "040": Meaning(Result.REVERSED, "reversed"),
        "044": unknown("ask_a_person"),  # "resolved": how, they tell by mail
        "083": unknown("system_error"),
        "085": refused("reference_malformed"),
        "087": refused("credentials"),
        "089": Meaning(Result.ACCEPTED, "still_processing"),
        "091": refused("not_processed"),
        "099": Meaning(Result.ACCEPTED, "processing"),
    }
)
_REQUERY: Mapping[str, Meaning] = MappingProxyType(
    {
        "015": Meaning(Result.NOT_FOUND, "no_such_order"),
        **{code: _PAY[code] for code in ("016", "040", "044", "089", "099")},
    }
)
_STATUS: Mapping[str, Meaning] = MappingProxyType(
    {
        "delivered": Meaning(Result.DELIVERED, "delivered"),
        "initiated": Meaning(Result.ACCEPTED, "initiated"),
        "pending": Meaning(Result.ACCEPTED, "pending"),
        "failed": Meaning(Result.FAILED, "failed"),
        "reversed": Meaning(Result.REVERSED, "reversed"),
    }
)
_STILL_THERE = frozenset({"delivered", "initiated", "pending"})


def read_answer(answer: Reply | NoReply, vend: Vend, *, requery: bool) -> Outcome:
    """What an answer to `/pay` or `/requery` proves about the order. Never raises; pure."""
    if isinstance(answer, NoReply):
        return unheard(answer, requery=requery)
    document = told(answer)
    if document is None:
        return unreadable(answer)
    if document.get("requestId") not in (None, "", vend.reference):
        return Outcome(Result.UNKNOWN, "other_reference")
    meaning, code = _meaning(document, _REQUERY if requery else _PAY)
    transaction = member(document, "content", "transactions")
    return judged(
        vend,
        meaning,
        code=code,
        provider_reference=_provider_reference(document),
        cost=cost_of(member(transaction, "total_amount"), vend.amount),
        evidence=_evidence(vend, document),
    )


def _meaning(document: object, codes: Mapping[str, Meaning]) -> tuple[Meaning, str]:
    code = member(document, "code")
    status = (word(member(document, "content", "transactions", "status")) or "").lower()
    if not (isinstance(code, str) and re.fullmatch(r"\d{3}", code, re.ASCII)):
        return unknown("code_missing"), ""
    if code == "000":
        return _STATUS.get(status, unknown("status_unknown")), code
    meaning = codes.get(code, unknown("not_promised"))
    if meaning.result in LETS_MONEY_GO and status in _STILL_THERE:
        meaning = unknown("contradiction")
    return meaning, code


def _evidence(vend: Vend, document: object) -> dict[str, str]:
    content = member(document, "content")
    places = [document, content]
    for place in (document, content):
        places += [member(place, name) for name in ("cards", "tokens", "purchased_code")]
    return found_in(vend, *places)


def _provider_reference(document: object) -> str | None:
    nested = word(member(document, "content", "transactions", "transactionId"))
    return nested or word(member(document, "transactionId"))
