"""The main menu: a line for each flow that has one."""

import datetime as dt
from collections.abc import Mapping, Sequence

from core.domain.orders import OrderState
from core.engine.flow import Flow
from core.engine.screens import Jump, Menu, Option
from core.flows.hotspot_kinds import PLAN_CHARS, short
from core.kit.money import Money, show
from core.kit.msisdn import local
from core.services.context import Context
from core.services.conversations import News
from core.services.wallet import Line

_NEWS_FOR = dt.timedelta(minutes=15)


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


async def announce_latest(ctx: Context) -> News | None:
    """One line on what was bought or paid in a moment ago, for somebody who dials again."""
    lines = await ctx.desk.wallet.statement(ctx.tenant, ctx.customer, 1)
    if not lines or ctx.desk.clock.now() - lines[0].at > _NEWS_FOR:
        return None
    latest = lines[0]
    what, facts = await _about(ctx, latest)
    key = f"home.last.{what}"
    if latest.moved and not ctx.texts.has(key):
        return None
    return News(
        f"{latest.reference}.{latest.state}", ctx.texts.fill(ctx.locale.language, key, facts)
    )


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
