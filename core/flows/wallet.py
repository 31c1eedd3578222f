"""The wallet: what is in it, putting money in, and what became of the last transactions."""

from zoneinfo import ZoneInfo

from babel.dates import format_date

from core.engine.flow import Flow, Shortcut
from core.engine.kinds import MONEY
from core.engine.outcomes import Done
from core.engine.screens import Act, Ask, Confirm, End, Fact, Jump, Menu, Option
from core.flows import shared
from core.flows.kinds import REFERENCE, STATEMENT
from core.kit.errors import Problem
from core.kit.money import Money, show
from core.kit.msisdn import Msisdn, local
from core.services.context import Context
from core.services.funding import Link, TooManyLinks
from core.services.wallet import Line

# As many as one screen always holds: a page that ends within a line is no pleasure to read.
_LINES_SHOWN = 3


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
    return ctx.texts.get(
        ctx.locale.language,
        f"wallet.line.{line.what}.{line.state}",
        date=format_date(day, "d MMM", locale=ctx.locale.language),
        amount=show(line.amount),
        msisdn=local(Msisdn(line.about)) if line.about else "",
    )


async def bounds(ctx: Context) -> Done:
    rules = ctx.desk.funding.rules
    return Done("ok", {"least": rules.amount_min_minor, "most": rules.amount_max_minor})


async def payable(ctx: Context) -> None:
    rules = ctx.desk.funding.rules
    shared.check_bounds(ctx, "amount", rules.amount_min_minor, rules.amount_max_minor)


async def dialled_amount(ctx: Context) -> str:
    try:
        await payable(ctx)
    except Problem:
        return "other_amount"
    return "ok"


async def start(ctx: Context) -> Done:
    amount = Money(int(ctx.answers["amount"] or 0), ctx.locale.currency)
    asked = await ctx.desk.funding.start(
        ctx.customer,
        amount,
        key=ctx.key,
        channel_id=ctx.channel.id,
        identity=ctx.identity,
        until=ctx.until,
    )
    return Done(asked.link.value, {"reference": asked.reference})


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

FUND = Flow(
    name="fund",
    keywords=("fund",),
    screens=(
        Fact("bounds", bounds, {"ok": "amount"}, keeps={"least": MONEY, "most": MONEY}),
        Ask("amount", "fund.amount", MONEY, keep="amount", to="confirm", check=payable),
        Confirm("confirm", "fund.confirm", yes="start", no="cancelled"),
        Act(
            "start",
            start,
            {
                Link.SENT.value: "sent",
                Link.SENT_BEFORE.value: "sent_before",
                Link.COMING.value: "coming",
                TooManyLinks.code: "too_many",
            },
            pending="failed",
            fault="failed",
            keeps={"reference": REFERENCE},
            bare=(TooManyLinks.code,),
        ),
        End("sent", "fund.sent"),
        End("sent_before", "fund.sent_before"),
        End("coming", "fund.coming"),
        End("too_many", "fund.too_many_links"),
        End("failed", "fund.failed"),
        End("cancelled", "fund.cancelled"),
        # Entered by a deep dial with the amount given.
        Fact("dialled", dialled_amount, {"ok": "confirm", "other_amount": "bounds"}),
    ),
)

DIAL_FUND = Shortcut(
    "2", flow="fund", node="dialled", args=("amount",), otherwise={"amount": "bounds"}
)
