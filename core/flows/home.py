"""The main menu: a line for each flow that has one."""

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import takewhile

from core.domain.orders import OrderState
from core.engine.flow import Flow
from core.engine.screens import Jump, Menu, Option
from core.flows.hotspot_kinds import PLAN_CHARS, short
from core.kit.money import Money, show
from core.kit.msisdn import local
from core.services.context import Context
from core.services.conversations import News
from core.services.wallet import TOLD_BY_THEMSELVES, Line

_NEWS_FOR = dt.timedelta(minutes=15)
# More than so many are not told together: there may be others yet.
_LINES_MAX = 10


def home_of(flows: Sequence[Flow]) -> Flow:
    listed = [flow for flow in flows if flow.menu]
    options = tuple(
        Option(flow.name, flow.menu or "", to=flow.name, keywords=flow.keywords) for flow in listed
    )
    return Flow(
        name="home",
        screens=(
            Menu("menu", "home.title", options),
            *(Jump(flow.name, flow.name) for flow in listed),
        ),
    )


async def announce_latest(ctx: Context, told: str) -> News | None:
    """One line on what was bought or paid in a moment ago, for somebody who dials again.

    Where money came in several times since the line that was told last, it tells all of it.
    """
    lines = await _fresh(ctx, told)
    if not lines:
        return None
    latest, came = lines[0], [line for line in lines if _came(line)]
    if len(came) > 1 and latest in came and len(lines) < _LINES_MAX:
        total = sum(line.amount.minor for line in came)
        facts = {"amount": show(Money(total, latest.amount.currency)), "count": str(len(came))}
        return News(_key(latest), ctx.texts.fill(ctx.locale.language, "home.last.several", facts))
    what, known = await _about(ctx, latest)
    key = f"home.last.{what}"
    if latest.moved and not ctx.texts.has(key):
        return None
    return News(_key(latest), ctx.texts.fill(ctx.locale.language, key, known))


async def _fresh(ctx: Context, told: str) -> Sequence[Line]:
    """What is newer than what was told last and no more than a moment old, the latest first."""
    since = ctx.desk.clock.now() - _NEWS_FOR
    lines = await ctx.desk.wallet.statement(ctx.tenant, ctx.customer, _LINES_MAX)
    return list(takewhile(lambda line: line.at >= since and _key(line) != told, lines))


def _key(line: Line) -> str:
    return f"{line.reference}.{line.state}"


def _came(line: Line) -> bool:
    """It is in the wallet, and a line of its own would have said so."""
    moved = line.what in TOLD_BY_THEMSELVES and line.state == "in"
    return moved or (line.what, line.state) == ("fund", "paid")


async def _about(ctx: Context, latest: Line) -> tuple[str, Mapping[str, str]]:
    """Which text tells of it, and the facts in that."""
    what = f"{latest.what}.{latest.state}"
    facts = {"amount": show(latest.amount), "reference": latest.reference}
    if latest.what == "fund" or latest.moved:
        return what, facts
    if latest.what == "withdraw":
        return what, facts | {"bank": latest.about}
    if latest.what == "wifi":
        return what, facts | {"plan": short(latest.about, PLAN_CHARS)}
    [order] = await ctx.desk.purchases.latest(ctx.tenant.id, ctx.customer.id)
    if order.gift_room_id is not None:
        unsure = order.state is OrderState.PAID_BACK
        what = "gift.unsure" if unsure else f"gift.{latest.state}"
    return what, {
        "amount": show(Money(order.amount_minor, order.currency)),
        "msisdn": local(order.recipient),
        "reference": order.reference,
    }
