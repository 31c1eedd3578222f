"""The main menu: a line for each flow that has one."""

import datetime as dt
from collections.abc import Sequence

from core.domain.orders import OrderState
from core.engine.flow import Flow
from core.engine.screens import Jump, Menu, Option
from core.kit.money import Money, show
from core.kit.msisdn import local
from core.services.context import Context

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


async def announce_latest(ctx: Context) -> str | None:
    """One line on what was bought or paid in a moment ago, for somebody who dials again."""
    lines = await ctx.desk.wallet.statement(ctx.tenant, ctx.customer, 1)
    if not lines or ctx.desk.clock.now() - lines[0].at > _NEWS_FOR:
        return None
    latest = lines[0]
    if latest.what == "fund":
        key = f"home.last.fund.{latest.state}"
        return ctx.texts.get(ctx.locale.language, key, amount=show(latest.amount))
    if latest.what == "withdraw":
        key = f"home.last.withdraw.{latest.state}"
        return ctx.texts.get(
            ctx.locale.language,
            key,
            amount=show(latest.amount),
            bank=latest.about,
            reference=latest.reference,
        )
    [order] = await ctx.desk.purchases.latest(ctx.tenant.id, ctx.customer.id)
    what, state = latest.what, latest.state
    if order.gift_room_id is not None:
        what = "gift"
        state = "unsure" if order.state is OrderState.PAID_BACK else state
    return ctx.texts.get(
        ctx.locale.language,
        f"home.last.{what}.{state}",
        amount=show(Money(order.amount_minor, order.currency)),
        msisdn=local(order.recipient),
        reference=order.reference,
    )
