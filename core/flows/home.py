"""The main menu: a line for each flow that has one."""

from collections.abc import Sequence

from core.domain.orders import OrderState
from core.engine.flow import Flow
from core.engine.screens import Jump, Menu, Option
from core.kit.money import Money, show
from core.kit.msisdn import local
from core.services.context import Context


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


async def announce_last_order(ctx: Context) -> str | None:
    """One line on the order that was just paid for, for somebody who dials again soon after."""
    orders = await ctx.desk.purchases.latest(ctx.tenant.id, ctx.customer.id)
    if not orders:
        return None
    order = orders[0]
    state = {OrderState.DELIVERED: "delivered"}.get(
        order.state, "refunded" if order.state.final else "pending"
    )
    return ctx.texts.get(
        ctx.locale.language,
        f"home.last.{state}",
        amount=show(Money(order.amount_minor, order.currency)),
        msisdn=local(order.recipient),
        reference=order.reference,
    )
