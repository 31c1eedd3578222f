"""How the bot says things. Pure. Operators read English, as they do on the command line."""

import datetime as dt
from collections.abc import Mapping, Sequence
from zoneinfo import ZoneInfo

from core.domain.digests import Digest, Sum
from core.domain.hotspot import NEAR, Router, RouterStatus, fullest
from core.domain.live_chat import CUSTOMER, Heard, LiveChat, LiveMessage, Parted, Post
from core.domain.orders import OrderState
from core.domain.payouts import PayoutState, PayoutView
from core.kit.counts import counted
from core.kit.errors import Problem
from core.kit.money import Money, show
from core.kit.msisdn import masked
from core.ports import EntryView, OrderDetail
from core.ports.desk import Case
from core.ports.health import AlertRecord

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400

REFUSALS: Mapping[str, str] = {
    "transaction.unknown": "There is no order of this reference.",
    "transaction.key_used": "This message was used for another action. Nothing was done.",
    "transaction.words_needed": "Say why, in a few characters at least.",
    "transaction.delivered": "It was delivered: only a reversal by the provider gives it back.",
    "transaction.never_sent": "No provider was asked for it yet: it can only be refunded.",
    "transaction.in_flight": "The request may be on its way at this moment. Try again in a moment.",
    "transaction.loss_booked": "Its late delivery is proven and booked as our loss.",
    "payout.unknown": "There is no payout of this reference.",
    "payout.not_waiting": "Only a payout that waits for a person can be settled by one.",
    "payout.settled_otherwise": "It was settled otherwise. Nothing was done.",
    "payout.evidence_needed": "Say how it is known: the bank's session id, a statement.",
    "request.expired": "Too late: nothing was done. Ask again.",
    "request.not_yours": "This button is not yours.",
    "request.may_not_confirm": "You may not confirm this.",
    "operator.bad_name": "A name has 1 to 40 letters, digits, spaces, dots and dashes.",
    "operator.name_taken": "Somebody of that name has joined already: remove them first.",
    "operator.unknown": "There is no operator of that name.",
    "chat.unknown": "There is no such chat.",
    "chat.closed": "That chat is over.",
    "chat.nothing_said": "There is nothing to say in that.",
}


def of_problem(problem: Problem) -> str:
    match problem.code:
        case "request.decided":
            facts = problem.facts
            return f"{facts['by']} has {facts['state']} it already."
        case "request.asker_gone":
            return f"{problem.facts['by']} is no operator any more. Ask for it yourself."
        case "chat.taken":
            return f"{problem.facts['by']} has it. /take CODE takes it over."
        case "chat.too_long":
            return f"At most {problem.facts['most']} letters at once."
        case code:
            return REFUSALS.get(code, f"This cannot be done ({code}).")


def money(minor: int, currency: str) -> str:
    return show(Money(minor, currency))


def lasting(seconds: float) -> str:
    """How long, to be read at a glance: `5 min`."""
    for size, name in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * size or (size == _MINUTE and seconds >= size):
            return f"{int(seconds // size)} {name}"
    return f"{int(max(seconds, 0))} s"


def clock_time(at: dt.datetime, time_zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(time_zone)):%d %b %H:%M}"


def of_alert(record: AlertRecord, time_zone: str) -> str:
    kind = record.kind.value.replace("_", " ")
    if record.closed_at is not None:
        lasted = lasting((record.closed_at - record.opened_at).total_seconds())
        return f"\U0001f7e2 Over, {kind}: {record.subject} (it lasted {lasted})"
    facts = "; ".join(f"{name.replace('_', ' ')} {value}" for name, value in record.facts.items())
    since = clock_time(record.opened_at, time_zone)
    return f"\U0001f534 {kind.capitalize()}: {record.subject} (since {since})" + (
        f"\n{facts}" if facts else ""
    )


WORST_FIRST = (
    RouterStatus.NEEDS_ATTENTION,
    RouterStatus.OFFLINE,
    RouterStatus.DEGRADED,
    RouterStatus.RECOVERING,
    RouterStatus.ONLINE,
)

_LIGHTS: Mapping[RouterStatus, str] = {
    RouterStatus.NEEDS_ATTENTION: "\U0001f6e0",
    RouterStatus.OFFLINE: "\U0001f534",
    RouterStatus.DEGRADED: "\U0001f7e1",
    RouterStatus.RECOVERING: "\U0001f7e1",
    RouterStatus.ONLINE: "\U0001f7e2",
}


def of_routers(
    routers: Sequence[Router],
    counts: Mapping[RouterStatus, int],
    alerts: Sequence[AlertRecord],
    now: dt.datetime,
    time_zone: str,
    search: str = "",
) -> str:
    """How routers are, the worst first; `counts` are of all of them that `search` finds."""
    if not any(counts.values()):
        return (
            f"No router is called {search!r}. /routers shows all of them."
            if search
            else "No routers are set up."
        )
    told = [f"{counts[status]} {_plain(status)}" for status in WORST_FIRST if counts[status]]
    lines = ["Routers: " + ", ".join(told)]
    lines += [_router(router, now) for router in routers]
    if more := sum(counts.values()) - len(routers):
        lines.append(f"... and {more} more: /routers NAME")
    return "\n".join([*lines, *(of_alert(record, time_zone) for record in alerts)])


def _router(router: Router, now: dt.datetime) -> str:
    since = router.status_since
    lasted = f" for {lasting((now - since).total_seconds())}" if since else ""
    place = f", {router.place.location}" if router.place.location else ""
    name, part = fullest(router.limits, router.load)
    full = f", {_plain(name)} {100 * part:.0f} %" if part >= NEAR else ""
    why = f" ({_plain(router.attention)})" if router.attention else ""
    off = "" if router.selling else ", NOT SELLING"
    return (
        f"{_LIGHTS[router.status]} {router.name}{place}: {_plain(router.status)}{lasted}{why}, "
        f"{router.load.active_users} online{full}{off}"
    )


def _plain(word: str) -> str:
    return word.replace("_", " ")


def of_cases(cases: Sequence[Case], total: int, now: dt.datetime) -> str:
    if not cases:
        return "No case is open."
    lines = [f"Open cases: {total}"]
    for case in cases:
        age = lasting((now - case.opened_at).total_seconds())
        lines.append(f"- {case.kind.replace('_', ' ')}: {case.subject}, for {age}")
    if total > len(cases):
        lines.append(f"... and {total - len(cases)} more")
    return "\n".join(lines)


def of_order(detail: OrderDetail, now: dt.datetime) -> str:
    order = detail.listed.order
    lines = [
        f"Order {order.reference}: {order.state.value.replace('_', ' ')}",
        f"{order.product.value} {order.network} to {masked(order.recipient)}, "
        f"{money(order.amount_minor, order.currency)}"
        + (f" + {money(order.fee_minor, order.currency)} fee" if order.fee_minor else ""),
        f"made {lasting((now - order.created_at).total_seconds())} ago",
        "",
        "Attempts:",
    ]
    for attempt in detail.attempts:
        said = f"{attempt.result}: {attempt.reason}" if attempt.result else "no answer yet"
        theirs = f", theirs {attempt.their_reference}" if attempt.their_reference else ""
        lines.append(
            f"{attempt.number}. {attempt.provider}, {attempt.state}, {said}, "
            f"asked {counted(attempt.checks, 'time')}, ours {attempt.provider_reference}{theirs}"
        )
    lines += ["", f"Money: hold {detail.held}"]
    lines += [f"- {_entry(entry, order.currency)}" for entry in detail.entries]
    return "\n".join([*lines, "", _order_ways(order.state, order.reference)])


def _entry(entry: EntryView, currency: str) -> str:
    sign = "+" if entry.amount_minor > 0 else "-"
    return f"{entry.code}: {entry.account_type} {sign}{money(abs(entry.amount_minor), currency)}"


def _order_ways(state: OrderState, reference: str) -> str:
    """What may be done about it."""
    match state:
        case OrderState.HELD | OrderState.IN_DOUBT:
            return f"You may: /refund {reference} REASON (at our risk where it was sent)"
        case OrderState.DELIVERED:
            return "Delivered: only a reversal by the provider, with evidence, gives it back."
        case OrderState.REFUNDED | OrderState.PAID_BACK:
            return "The customer has the money back: there is nothing to do."


def of_payout(payout: PayoutView, now: dt.datetime) -> str:
    amount, fee = (money(each, payout.currency) for each in (payout.amount_minor, payout.fee_minor))
    theirs = f", theirs {payout.their_reference}" if payout.their_reference else ""
    age = lasting((now - payout.created_at).total_seconds())
    last = f"{payout.result or 'no answer'}: {payout.reason or '-'}"
    lines = [
        f"Payout {payout.reference}: {payout.state.value.replace('_', ' ')}",
        f"{amount} + {fee} fee to {payout.bank_name} ..{payout.account_tail}",
        f"{payout.gateway}, ours {payout.gateway_reference}{theirs}",
        f"made {age} ago, asked {counted(payout.checks, 'time')}, last {last}",
        "",
    ]
    if payout.state is PayoutState.NEEDS_PERSON:
        lines.append(f"You may: /settle {payout.reference} paid|not-paid EVIDENCE")
    elif payout.state.final:
        lines.append("It is settled: there is nothing to do.")
    else:
        lines.append("It is under way: nothing may be done yet.")
    return "\n".join(lines)


def of_digest(digest: Digest, tenant: str, time_zone: str) -> str:
    since, until = (clock_time(at, time_zone) for at in (digest.since, digest.until))
    lines = [f"{tenant}: {since} to {until}", "", "Orders:", *_sums(digest.orders)]
    lines += ["Money in:", *_sums(digest.money_in), "Money out:", *_sums(digest.money_out)]
    lines.append("Success:")
    lines += [
        f"- {rate.product} at {rate.provider}: {100 * rate.delivered / rate.ended:.1f} % "
        f"of {rate.ended}"
        for rate in digest.rates
    ] or ["- nothing was sold"]
    lines.append("Floats:")
    lines += [
        f"- {one.provider}: {money(one.minor, one.currency)}"
        + (f" ({lasting((digest.until - one.at).total_seconds())} ago)" if one.at else "")
        for one in digest.floats
    ] or ["- not known"]
    open_cases = sum(count for _, count in digest.cases)
    lines.append(f"Open cases: {open_cases}")
    lines += [f"- {kind.replace('_', ' ')}: {count}" for kind, count in digest.cases]
    lines.append(f"Open alerts: {digest.alerts}")
    if digest.chats_waiting:
        lines.append(f"Customers waiting for a person: {digest.chats_waiting}")
    return "\n".join(lines)


def _sums(sums: Sequence[Sum]) -> list[str]:
    return [
        f"- {one.name.replace('_', ' ')}: {one.count}, {money(one.total_minor, one.currency)}"
        for one in sums
    ] or ["- none"]


def chat_head(chat: LiveChat) -> str:
    """The first line of whatever is said of a chat: a reply is understood by it."""
    return f"Chat {chat.code} - {masked(chat.msisdn)} on {chat.channel}"


def of_chat(chat: LiveChat, messages: Sequence[LiveMessage]) -> str:
    lines = [chat_head(chat), *(_said(message) for message in messages)]
    return "\n".join([*lines, f"Reply to this message, or: /reply {chat.code} WORDS"])


def of_chats(chats: Sequence[LiveChat], now: dt.datetime) -> str:
    if not chats:
        return "Nobody is waiting, and nobody is being talked to."
    lines = []
    for chat in chats:
        who = chat.taken_by or "nobody yet"
        quiet = lasting((now - chat.last_at).total_seconds())
        lines.append(f"{chat_head(chat)}: {who}, quiet for {quiet}")
    return "\n".join(lines)


def of_post(post: Post, messages: Sequence[LiveMessage]) -> str:
    """What a chat of the bot is told; `messages`: what was said before it was taken."""
    head, said = chat_head(post.chat), post.message.text if post.message else ""
    match post.kind:
        case "opened":
            lines = [head, "wants to talk to somebody.", *(_said(each) for each in messages)]
            return "\n".join(lines)
        case "message":
            return f"{head}\n{said}"
        case "taken":
            return f"{head}\n{post.chat.taken_by} has it now."
        case "failed":
            why = post.message.why if post.message else ""
            return f"{head}\nNot delivered ({why}): {said}"
        case _:
            return f"{head}\nIt is over: {ended(post.chat)}."


def ended(chat: LiveChat) -> str:
    """By whom, or why."""
    match chat.closed_by:
        case "customer":
            return "the customer went back to the menu"
        case "callbox":
            return "nobody wrote for long"
        case by if by in set(Parted):
            return Parted(by).told
        case by:
            return f"closed by {by}"


def _said(message: LiveMessage) -> str:
    who = "customer" if message.author == CUSTOMER else message.author
    failed = f" (not delivered: {message.why})" if message.state is Heard.FAILED else ""
    return f"{who}: {message.text}{failed}"
