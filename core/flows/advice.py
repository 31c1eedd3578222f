"""Which data plan would fit: an answer to whoever asks for data."""

from core.engine.flow import Flow, Shortcut
from core.engine.kinds import MONEY, Scalar, count, text
from core.engine.outcomes import Done
from core.engine.screens import Fact, Menu
from core.flows.kinds import NETWORK
from core.services.context import Context

_SIZE = text(8)
_DAYS = count(1, 365)


async def advise(ctx: Context) -> Done:
    found = await ctx.desk.advice.best(ctx.tenant, ctx.customer)
    if found is None:
        return Done("none")
    keep: dict[str, Scalar] = {
        "network": found.plan.network,
        "size": found.size,
        "days": found.plan.validity_days,
        "price": found.plan.price_minor,
        "used": found.used,
    }
    return Done("used" if found.used else "fresh", keep)


DATA_ADVICE = Flow(
    name="data_advice",
    keywords=("data", "bundle", "mb", "gb"),
    screens=(
        Fact(
            "advise",
            advise,
            {"used": "used", "fresh": "fresh", "none": "none"},
            keeps={
                "network": NETWORK,
                "size": _SIZE,
                "days": _DAYS,
                "price": MONEY,
                "used": _SIZE,
            },
            bare=("none",),
        ),
        Menu("used", "advice.used"),
        Menu("fresh", "advice.fresh"),
        Menu("none", "advice.none"),
    ),
)

SAY_DATA = Shortcut("", flow="data_advice", node="advise", name="data_advice")
