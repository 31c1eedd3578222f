"""Putting money in: by a payment link, or by transfer into a bank account of the customer's."""

from core.engine.flow import Flow, Shortcut
from core.engine.kinds import MONEY, text
from core.engine.outcomes import Done
from core.engine.screens import Act, Ask, Confirm, End, Fact, Menu, Option
from core.flows import shared
from core.flows.kinds import REFERENCE
from core.kit.errors import Problem
from core.kit.money import Money
from core.ports import IdentityNeeded
from core.services.context import Context
from core.services.funding import Link, TooManyLinks
from core.services.virtual_accounts import Place

# What a screen has room for; the SMS has it all.
_NAME_CHARS = 26
_NUBAN = text(10)
_NAME = text(_NAME_CHARS)


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


async def ways(ctx: Context) -> str:
    return "both" if ctx.desk.accounts.offered else "link"


async def account(ctx: Context) -> Done:
    shown = await ctx.desk.accounts.show(ctx.customer, ctx.locale.currency, until=ctx.until)
    if shown.place is Place.COMING:
        return Done(Place.COMING.value)
    kept = shown.account
    names = {"bank": kept.bank, "holder": kept.name}
    keep = {each: shared.short(name, _NAME_CHARS) for each, name in names.items()}
    return Done(Place.READY.value, {"number": kept.number, **keep})


FUND = Flow(
    name="fund",
    keywords=("fund",),
    screens=(
        Fact("bounds", bounds, {"ok": "amount"}, keeps={"least": MONEY, "most": MONEY}),
        Ask("amount", "fund.amount", MONEY, keep="amount", to="ways", check=payable),
        Fact("ways", ways, {"both": "choose", "link": "confirm"}),
        Menu(
            "choose",
            "fund.choose",
            (
                Option("link", "fund.by_link", to="start", keywords=("link", "card")),
                Option("transfer", "fund.by_transfer", to="account", keywords=("transfer", "bank")),
                Option("cancel", "fund.cancel", to="cancelled", keywords=("no", "cancel")),
            ),
            review=True,
        ),
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
        Act(
            "account",
            account,
            {
                Place.READY.value: "transfer",
                Place.COMING.value: "account_coming",
                IdentityNeeded.code: "identity_needed",
            },
            pending="no_account",
            fault="no_account",
            keeps={"number": _NUBAN, "bank": _NAME, "holder": _NAME},
            bare=(Place.COMING.value, IdentityNeeded.code),
        ),
        End("transfer", "fund.transfer"),
        End("account_coming", "fund.account_coming"),
        End("identity_needed", "fund.identity_needed"),
        End("no_account", "fund.no_account"),
        # Entered by its name with the amount given.
        Fact("dialled", dialled_amount, {"ok": "ways", "other_amount": "bounds"}),
    ),
)

FUND_AT_ONCE = Shortcut(
    "",
    flow="fund",
    node="dialled",
    name="fund",
    args=("amount",),
    otherwise={"amount": "bounds"},
)
