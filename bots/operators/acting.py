"""Commands that move money, in two steps: somebody asks, and somebody confirms."""

from uuid import UUID

from bots.operators import words
from bots.operators.asking import Ask, Button, Say
from bots.operators.core import OperatorCore
from core.domain.operators import Asking, Operator, Request, RequestState
from core.kit import ids
from core.kit.errors import Problem
from core.kit.masking import text as without_secrets
from core.kit.money import Money, show
from core.kit.msisdn import masked
from core.services.approvals import AlreadyPaidBack, MayNotConfirm, NotYours, RequestDecided

YES, NO = "y", "n"
_ASKED = {
    Asking.REFUND: "give the money of order {} back",
    Asking.PAID: "book payout {} as paid",
    Asking.UNPAID: "book payout {} as not paid, and give the money back",
}
_OUTCOMES = {"paid": Asking.PAID, "not-paid": Asking.UNPAID, "unpaid": Asking.UNPAID}
"""By the word of `callbox payouts settle`; the last one is as people write it."""
_REFUND_WORDS, _SETTLE_WORDS = 2, 3


async def refund(core: OperatorCore, ask: Ask) -> Say:
    """Ask for an order's money to be given back."""
    if len(ask.words) < _REFUND_WORDS:
        return Say("Say which, and why: /refund REFERENCE REASON")
    try:
        return await _ask(core, ask, Asking.REFUND, ask.rest(1))
    except AlreadyPaidBack as paid:
        tenant = await core.tenants.get(ask.operator.tenant_id)
        at = words.clock_time(paid.at, tenant.time_zone)
        return Say(f"The customer has the money back since {at}: there is nothing to do.")


async def settle(core: OperatorCore, ask: Ask) -> Say:
    """Ask for a payout to be ended by a person's word."""
    outcome = _OUTCOMES.get(ask.words[1].lower()) if len(ask.words) >= _SETTLE_WORDS else None
    if outcome is None:
        return Say("Say which, how, and how it is known: /settle REFERENCE paid|not-paid EVIDENCE")
    return await _ask(core, ask, outcome, ask.rest(2))


async def _ask(core: OperatorCore, ask: Ask, asking: Asking, why: str) -> Say:
    operator = ask.operator
    request_id = ids.derived("operator request", str(operator.id), ask.key)
    asked = await core.operations.approvals.ask(
        request_id, operator, asking, ask.words[0], why, ask.chat_id
    )
    request = asked.request
    if request.state is not RequestState.WAITING:
        return Say(_decided(request))
    what = f"{_what(request)}\n{await _about(core, request)}\nBecause: {without_secrets(why)}"
    within = int((request.expires_at - request.asked_at).total_seconds())
    if [one.id for one in asked.deciders] == [operator.id]:
        text = f"Shall I {what}\nConfirm within {within} s."
        return Say(text, _buttons(core, request.id, operator))
    others = tuple(
        (
            one.telegram_id,
            Say(
                f"{operator.name} asks to {what}\nConfirm within {within} s.",
                _buttons(core, request.id, one),
            ),
        )
        for one in asked.deciders
        if one.telegram_id is not None
    )
    if not others:
        return Say("Nobody who may confirm this has joined the bot. Nothing was done.")
    names = ", ".join(one.name for one in asked.deciders)
    return Say(f"Asked to {_what(request)}. It needs one of: {names}.", others=others)


async def decide(core: OperatorCore, operator: Operator, data: str) -> tuple[str, Say]:
    """What a tap on one of those buttons does: its answer, and what stands there from now on.

    What is over is said in the place of the buttons, whether or not it could be done; who asked,
    and reads elsewhere, is told in `others`.

    Raises `Problem` where the tap was not this operator's to make, and `ValueError`.
    """
    word, request_id, nonce = read(data)
    approvals = core.operations.approvals
    try:
        request = await approvals.decide(request_id, operator, nonce, confirm=word == YES)
    except (NotYours, MayNotConfirm):
        raise
    except Problem as problem:
        why, known = words.of_problem(problem), await approvals.known(operator, request_id)
        if known is None:
            raise
        if isinstance(problem, RequestDecided):  # by another, who had it told
            return why, Say(_decided(known))
        return why, _told(operator, known, _over(known, why))
    return request.state.value.capitalize() + ".", _told(operator, request, _decided(request))


def _told(operator: Operator, request: Request, text: str) -> Say:
    elsewhere = request.chat_id != operator.telegram_id
    return Say(text, others=((request.chat_id, Say(text)),) if elsewhere else ())


def _over(request: Request, why: str) -> str:
    """What is said of a request that came to nothing: it was too late, or could not be done."""
    if request.state is RequestState.WAITING:
        return f"Asked to {_what(request)}. {why}"
    return _decided(request)


def read(data: str) -> tuple[str, UUID, str]:
    """A button's word, request and nonce. Raises `ValueError`."""
    word, name, nonce = data.split(":", 2)
    if word not in (YES, NO):
        raise ValueError("no button of ours")
    return word, UUID(hex=name), nonce


def _buttons(core: OperatorCore, request_id: UUID, operator: Operator) -> tuple[Button, ...]:
    nonce = core.operations.approvals.nonce(request_id, operator)
    return tuple(
        (label, f"{word}:{request_id.hex}:{nonce}")
        for label, word in (("Confirm", YES), ("Reject", NO))
    )


def outcome(request: Request) -> Say:
    """What is told where it was asked, once it is known."""
    return Say(_decided(request))


def _decided(request: Request) -> str:
    what = _what(request)
    match request.state:
        case RequestState.WAITING:
            return f"Asked to {what}: not decided yet."
        case RequestState.REJECTED:
            return f"{request.decided_by} has rejected it: {what}. Nothing was done."
        case RequestState.CONFIRMED:
            done = request.outcome or "under way"
            return f"{request.decided_by} has confirmed it: {what}. Now: {_plain(done)}."


def _plain(done: str) -> str:
    refused = done.removeprefix("refused: ")
    if refused != done:
        return words.REFUSALS.get(refused, f"it could not be done ({refused})").rstrip(".")
    return done.replace("_", " ")


def _what(request: Request) -> str:
    return _ASKED[request.asking].format(request.reference)


async def _about(core: OperatorCore, request: Request) -> str:
    if request.asking is Asking.REFUND:
        detail = await core.order_actions.show(request.tenant_id, request.reference)
        order = detail.listed.order
        paid = show(Money(order.amount_minor + order.fee_minor, order.currency))
        return (
            f"{order.product.value} {order.network} to {masked(order.recipient)}, {paid}, "
            f"now {order.state.value.replace('_', ' ')}"
        )
    payout = await core.payouts.show(request.tenant_id, request.reference)
    amount = show(Money(payout.amount_minor, payout.currency))
    return f"{amount} to {payout.bank_name} ..{payout.account_tail}"
