"""The wallet: what is in it, and what became of the last transactions."""

from zoneinfo import ZoneInfo

from babel.dates import format_date

from core.engine.flow import Flow
from core.engine.kinds import MONEY
from core.engine.outcomes import Done
from core.engine.screens import Fact, Jump, Menu, Option
from core.flows.hotspot_kinds import short
from core.flows.kinds import STATEMENT
from core.kit.money import show
from core.kit.msisdn import Msisdn, local
from core.services.context import Context
from core.services.wallet import Line

# As many as one screen always holds: a page that ends within a line is no pleasure to read.
_LINES_SHOWN = 3
_PLAN_CHARS = 12


async def balance(ctx: Context) -> Done:
    money = await ctx.desk.wallet.balance(ctx.tenant, ctx.customer)
    keep = {"available": max(0, money.available_minor), "held": money.held_minor}
    return Done("held" if money.held_minor else "free", keep)


async def statement(ctx: Context) -> Done:
    lines = await ctx.desk.wallet.statement(ctx.tenant, ctx.customer, _LINES_SHOWN)
    if not lines:
        return Done("none")
    return Done("some", {"lines": "\n".join(_line(ctx, line) for line in lines)})


def _line(ctx: Context, line: Line) -> str:
    day = line.at.astimezone(ZoneInfo(ctx.locale.time_zone))
    about = line.about
    if line.what == "airtime":
        about = local(Msisdn(about))
    elif line.what == "wifi":
        about = short(about, _PLAN_CHARS)
    return ctx.texts.get(
        ctx.locale.language,
        f"wallet.line.{line.what}.{line.state}",
        date=format_date(day, "d MMM", locale=ctx.locale.language),
        amount=show(line.amount),
        msisdn=about,
    )


WALLET = Flow(
    name="wallet",
    menu="wallet.menu",
    keywords=("wallet", "balance"),
    screens=(
        Menu(
            "what",
            "wallet.title",
            (
                Option("balance", "wallet.balance", to="balance", keywords=("bal",)),
                Option("fund", "wallet.fund", to="fund", keywords=("deposit",)),
                Option(
                    "statement",
                    "wallet.statement",
                    to="statement",
                    keywords=("history", "statement"),
                ),
                Option("withdraw", "wallet.withdraw", to="withdraw", keywords=("cash out",)),
            ),
        ),
        Fact(
            "balance",
            balance,
            {"free": "shown", "held": "shown_held"},
            keeps={"available": MONEY, "held": MONEY},
        ),
        Menu("shown", "wallet.shown"),
        Menu("shown_held", "wallet.shown_held"),
        Jump("fund", "fund"),
        Jump("withdraw", "withdraw"),
        Fact(
            "statement",
            statement,
            {"some": "lines", "none": "no_lines"},
            keeps={"lines": STATEMENT},
            bare=("none",),
        ),
        Menu("lines", "wallet.lines"),
        Menu("no_lines", "wallet.no_lines"),
    ),
)
