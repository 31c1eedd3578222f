"""Take money out of the wallet to a bank account, whose holder's name is shown first."""

from core.domain.payouts import PayoutState, nuban_fits
from core.engine.flow import Flow
from core.engine.kinds import MONEY, OPAQUE, TEXT, digits, text
from core.engine.outcomes import Choice, Done
from core.engine.screens import Act, Ask, Call, Confirm, End, Fact, Jump, Menu, Option, Pick
from core.flows import shared
from core.flows.kinds import REFERENCE
from core.kit.money import Money
from core.services.context import Context
from core.services.payouts import Destination, NameUnknown, NotOffered, OverWithdrawLimit
from core.services.purchases import InsufficientFunds

_BANK_CHARS = 30
_HOLDER_CHARS = 26
BANK_NAME = text(_BANK_CHARS)
HOLDER = text(_HOLDER_CHARS)
ACCOUNT = digits(10, 10)


async def terms(ctx: Context) -> Done:
    if not ctx.desk.payouts.offered:
        return Done("off")
    offered = ctx.desk.payouts.terms
    return Done("ok", {"least": offered.amount_min_minor, "most": offered.amount_max_minor})


async def allowed(ctx: Context) -> None:
    offered = ctx.desk.payouts.terms
    shared.check_bounds(ctx, "amount", offered.amount_min_minor, offered.amount_max_minor)


async def quoted(ctx: Context) -> Done:
    fee = ctx.desk.payouts.terms.fee_minor
    total = int(ctx.answers["amount"] or 0) + fee
    balance = await ctx.desk.wallet.balance(ctx.tenant, ctx.customer)
    keep = {"fee": fee, "total": total, "available": max(0, balance.available_minor)}
    return Done("enough" if balance.available_minor >= total else "short", keep)


async def popular_banks(ctx: Context) -> list[Choice]:
    return [_bank(bank.code, bank.name) for bank in await ctx.desk.payouts.popular_banks(ctx.until)]


async def banks_found(ctx: Context) -> list[Choice]:
    words = str(ctx.answers["words"])
    found = await ctx.desk.payouts.banks_like(words, ctx.until)
    return [_bank(bank.code, bank.name) for bank in found]


def _bank(code: str, name: str) -> Choice:
    keep = {"bank_shown": shared.short(name, _BANK_CHARS), "bank_whole": name}
    return Choice(code, name, keep=keep)


async def digits_fit(ctx: Context) -> str:
    """Whether the number could be one of that bank; a slip of a digit is what it tells."""
    code = str(ctx.answers["bank"]).rpartition(":")[2]
    return "yes" if nuban_fits(code, str(ctx.answers["account"])) else "odd"


async def name_check(ctx: Context) -> Done:
    holder = await ctx.desk.payouts.holder_of(
        str(ctx.answers["bank"]), str(ctx.answers["account"]), ctx.until
    )
    if holder is None:
        return Done("unknown")
    return Done(
        "named",
        {
            "holder": shared.short(holder.name, _HOLDER_CHARS) or "?",
            "holder_whole": holder.name,
        },
    )


async def send(ctx: Context) -> Done:
    """Hold the money, leave the payout with the workers, and wait a moment for the end of it."""
    payouts, currency = ctx.desk.payouts, ctx.locale.currency
    if ctx.lapsed:
        made = await payouts.made(
            key=ctx.key, tenant=ctx.tenant, customer=ctx.customer, until=ctx.until
        )
        if made is None:
            return Done("lapsed")
    else:
        made = await payouts.withdraw(
            Money(int(ctx.answers["amount"] or 0), currency),
            Money(int(ctx.answers["fee"] or 0), currency),
            Destination(
                bank=str(ctx.answers["bank"]),
                bank_name=str(ctx.answers["bank_whole"]),
                account_number=str(ctx.answers["account"]),
                account_name=str(ctx.answers["holder_whole"]),
            ),
            key=ctx.key,
            tenant=ctx.tenant,
            customer=ctx.customer,
            channel_id=ctx.channel.id,
            identity=ctx.identity,
            until=ctx.until,
        )
    keep = {"reference": made.reference}
    if made.state is PayoutState.PAID:
        return Done("paid", keep)
    return Done("refunded" if made.state is PayoutState.REFUNDED else "slow", keep)


async def day_limit(ctx: Context) -> Done:
    return Done("ok", {"limit": ctx.desk.payouts.terms.day_limit_minor})


WITHDRAW = Flow(
    name="withdraw",
    keywords=("withdraw", "cash out"),
    screens=(
        Fact(
            "terms",
            terms,
            {"ok": "amount", "off": "off"},
            keeps={"least": MONEY, "most": MONEY},
            bare=("off",),
        ),
        Ask("amount", "withdraw.amount", MONEY, keep="amount", to="quote", check=allowed),
        Fact(
            "quote",
            quoted,
            {"enough": "bank", "short": "short"},
            keeps={"fee": MONEY, "total": MONEY, "available": MONEY},
        ),
        Menu(
            "short",
            "withdraw.short",
            (
                Option("fund", "withdraw.short.fund", to="fund"),
                Option("amount", "withdraw.short.amount", to="terms"),
            ),
        ),
        Jump("fund", "fund"),
        Pick(
            "bank",
            "withdraw.bank",
            popular_banks,
            keep="bank",
            kind=OPAQUE,
            keeps={"bank_shown": BANK_NAME, "bank_whole": OPAQUE},
            to="account",
            empty="later",
            also=(Option("other", "withdraw.bank.other", to="search"),),
        ),
        Ask("search", "withdraw.search", TEXT, keep="words", to="found"),
        Pick(
            "found",
            "withdraw.found",
            banks_found,
            keep="bank",
            kind=OPAQUE,
            keeps={"bank_shown": BANK_NAME, "bank_whole": OPAQUE},
            to="account",
            empty="no_bank",
            also=(Option("other", "withdraw.bank.other", to="search"),),
        ),
        Menu(
            "no_bank",
            "withdraw.no_bank",
            (
                Option("search", "withdraw.no_bank.search", to="search"),
                Option("list", "withdraw.no_bank.list", to="bank"),
            ),
        ),
        Ask("account", "withdraw.account", ACCOUNT, keep="account", to="fits"),
        Fact("fits", digits_fit, {"yes": "check", "odd": "odd"}),
        Confirm(
            "odd",
            "withdraw.odd",
            yes="check",
            no="account",
            yes_text="withdraw.odd.yes",
            no_text="withdraw.odd.no",
        ),
        Act(
            "check",
            name_check,
            {
                "named": "review",
                "unknown": "unknown",
                NotOffered.code: "off",
                NameUnknown.code: "later",
            },
            pending="later",
            fault="later",
            keeps={"holder": HOLDER, "holder_whole": OPAQUE},
            bare=("unknown",),
            commits=False,
        ),
        Menu(
            "unknown",
            "withdraw.unknown",
            (
                Option("account", "withdraw.unknown.account", to="account"),
                Option("bank", "withdraw.unknown.bank", to="bank"),
            ),
        ),
        Menu(
            "review",
            "withdraw.review",
            (
                Option("send", "withdraw.review.send", to="pin", keywords=("yes", "ok")),
                Option("account", "withdraw.review.account", to="account"),
                Option("cancel", "withdraw.review.cancel", to="cancelled", keywords=("no",)),
            ),
            review=True,
        ),
        Call("pin", "ask_pin", to="send", about="withdraw.pin"),
        Act(
            "send",
            send,
            {
                "paid": "done",
                "refunded": "refunded",
                "slow": "slow",
                "lapsed": "lapsed",
                InsufficientFunds.code: "quote",  # spent meanwhile, from elsewhere
                OverWithdrawLimit.code: "limit",
                NotOffered.code: "off",
            },
            pending="unsure",
            fault="unsure",
            keeps={"reference": REFERENCE},
            bare=("lapsed",),
        ),
        End("done", "withdraw.done"),
        End("slow", "withdraw.slow"),
        End("refunded", "withdraw.refunded"),
        Fact("limit", day_limit, {"ok": "over_limit"}, keeps={"limit": MONEY}),
        End("over_limit", "withdraw.over_limit"),
        End("unsure", "withdraw.unsure"),
        End("lapsed", "withdraw.lapsed"),
        End("cancelled", "withdraw.cancelled"),
        End("later", "withdraw.later"),
        End("off", "withdraw.off"),
    ),
)
