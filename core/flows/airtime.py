"""Buy airtime for oneself or for somebody else, paid from the wallet."""

from core.domain.networks import networks, suggested
from core.domain.orders import OrderState
from core.domain.vending import Product
from core.engine.flow import Flow, Shortcut
from core.engine.kinds import MONEY, MSISDN
from core.engine.outcomes import Choice, Done
from core.engine.screens import Act, Ask, Call, Confirm, End, Exit, Fact, Jump, Menu, Option, Pick
from core.flows import shared
from core.flows.kinds import NETWORK, REFERENCE
from core.kit.errors import Problem
from core.kit.money import Money
from core.kit.msisdn import Msisdn, is_of, local
from core.services.context import Context
from core.services.purchases import Airtime, Purchase
from core.services.routing import Paused

_SAVED_SHOWN = 5


async def on_sale(ctx: Context) -> Done:
    """Before anything is asked: whether airtime can be had at all now."""
    if await ctx.desk.sales.on_sale(ctx.tenant, ctx.customer, Product.AIRTIME):
        return Done("ok")
    return Done("paused")


async def on_offer(ctx: Context) -> Done:
    """The same, and whether there are numbers to choose from."""
    found = await on_sale(ctx)
    if found.exit != "ok":
        return found
    return Done("known" if await ctx.desk.customers.saved_numbers(ctx.customer, 1) else "ok")


async def own_number(ctx: Context) -> Done:
    own = ctx.customer.msisdn
    return Done("ok", {"msisdn": own}) if is_of(own, ctx.locale.country) else Done("foreign")


async def sold_here(ctx: Context) -> None:
    """Airtime of another country is another provider's: sent here it would reach a stranger."""
    if not is_of(Msisdn(str(ctx.answers["msisdn"])), ctx.locale.country):
        raise Problem("msisdn.not_sold_here")


async def saved_numbers(ctx: Context) -> list[Choice]:
    saved = await ctx.desk.customers.saved_numbers(ctx.customer, _SAVED_SHOWN)
    return [
        Choice(
            msisdn,
            f"{local(msisdn)} {NETWORK.show(network, ctx.locale)}",
            keep={"network": network},
        )
        for msisdn, network in saved
    ]


async def network_of(ctx: Context) -> Done:
    """Suggest, from the gateway's word for one's own number, else from the prefix."""
    msisdn = Msisdn(str(ctx.answers["msisdn"]))
    sold = networks(ctx.locale.country)
    own = msisdn == ctx.customer.msisdn
    network = ctx.network_hint if own and ctx.network_hint in sold else suggested(msisdn)
    if network in sold:
        return Done("known", {"network": network})
    return Done("unknown")


async def list_networks(ctx: Context) -> list[Choice]:
    return [
        Choice(network, NETWORK.show(network, ctx.locale))
        for network in networks(ctx.locale.country)
    ]


async def sellable(ctx: Context) -> None:
    terms = ctx.desk.purchases.terms
    shared.check_bounds(ctx, "amount", terms.amount_min_minor, terms.amount_max_minor)


async def quoted(ctx: Context) -> Done:
    """Bring the amount asked for and its fee together, and the bounds for the question."""
    terms = ctx.desk.purchases.terms
    amount = int(ctx.answers["amount"] or 0)
    return Done("ok", {"fee": terms.fee_minor, "total": amount + terms.fee_minor})


async def bounds(ctx: Context) -> Done:
    terms = ctx.desk.purchases.terms
    return Done("ok", {"least": terms.amount_min_minor, "most": terms.amount_max_minor})


async def deep_dialled(ctx: Context) -> Done:
    """`*code*1*500#` is for oneself, `*code*1*500*0803...#` for that number."""
    msisdn = Msisdn(str(ctx.answers.get("msisdn") or ctx.customer.msisdn))
    if not is_of(msisdn, ctx.locale.country):
        return Done("other_number")
    keep = {"msisdn": msisdn}
    try:
        await sellable(ctx)
    except Problem:
        return Done("other_amount", keep)
    return Done("ok", keep)


async def said(ctx: Context) -> Done:
    """What was asked for in free words: as much of it as holds, and the rest is asked for."""
    amount, msisdn = ctx.answers.get("amount"), ctx.answers.get("msisdn")
    here = msisdn is not None and is_of(Msisdn(str(msisdn)), ctx.locale.country)
    keep = {"msisdn": msisdn} if here else {}
    if amount is None:
        return Done("no_amount", keep) if here else Done("nothing")
    try:
        await sellable(ctx)
    except Problem:
        return Done("no_amount", keep) if here else Done("nothing")
    return Done("all", {**keep, "amount": amount}) if here else Done("no_number")


async def network_said(ctx: Context) -> Done:
    """The network that was named, where it is one; else as it is suggested."""
    network = ctx.answers.get("network")
    if network in networks(ctx.locale.country):
        return Done("known", {"network": network})
    return await network_of(ctx)


async def affordable(ctx: Context) -> Done:
    balance = await ctx.desk.wallet.balance(ctx.tenant, ctx.customer)
    keep = {"available": max(0, balance.available_minor)}
    enough = balance.available_minor >= int(ctx.answers["total"] or 0)
    return Done("enough" if enough else "short", keep)


async def day_limit(ctx: Context) -> Done:
    return Done("ok", {"limit": ctx.desk.purchases.terms.day_limit_minor})


async def bought_lately(ctx: Context) -> str:
    order = await ctx.desk.purchases.bought_lately(ctx.tenant.id, ctx.customer.id, _airtime(ctx))
    return "again" if order else "fresh"


async def pay(ctx: Context) -> Done:
    """Hold the money, leave the order with the workers, and wait a moment for the end of it."""
    if ctx.lapsed:
        purchase = await ctx.desk.purchases.made(
            key=ctx.key, tenant=ctx.tenant, customer=ctx.customer, until=ctx.until
        )
        if purchase is None:
            return Done("lapsed")
    else:
        purchase = await _bought(ctx)
    keep = {"reference": purchase.reference}
    if purchase.state is OrderState.DELIVERED:
        return Done("delivered", keep)
    return Done("refunded" if purchase.state.final else "slow", keep)


async def _bought(ctx: Context) -> Purchase:
    try:
        return await ctx.desk.purchases.buy(
            _airtime(ctx),
            key=ctx.key,
            tenant=ctx.tenant,
            customer=ctx.customer,
            channel_id=ctx.channel.id,
            identity=ctx.identity,
            until=ctx.until,
        )
    except Paused:
        await ctx.desk.sales.turned_away(ctx.tenant, ctx.customer, Product.AIRTIME)
        raise


def _airtime(ctx: Context) -> Airtime:
    currency = ctx.locale.currency
    return Airtime(
        network=str(ctx.answers["network"]),
        recipient=Msisdn(str(ctx.answers["msisdn"])),
        amount=Money(int(ctx.answers["amount"] or 0), currency),
        fee=Money(int(ctx.answers["fee"] or 0), currency),
    )


_WHO = (
    Option("me", "airtime.who.me", to="own", keywords=("me", "self")),
    Option("other", "airtime.who.other", to="number"),
)

AIRTIME = Flow(
    name="airtime",
    menu="airtime.menu",
    keywords=("airtime", "recharge", "card", "top up"),
    screens=(
        Fact("open", on_offer, {"ok": "who", "known": "who_known", "paused": "paused"}),
        Menu("who", "airtime.who", _WHO),
        Menu(
            "who_known",
            "airtime.who",
            (*_WHO, Option("saved", "airtime.who.saved", to="saved")),
        ),
        Fact(
            "own",
            own_number,
            {"ok": "guess", "foreign": "number"},
            keeps={"msisdn": MSISDN},
            bare=("foreign",),
        ),
        Pick(
            "saved",
            "airtime.saved",
            saved_numbers,
            keep="msisdn",
            kind=MSISDN,
            keeps={"network": NETWORK},
            to="bounds",
            empty="number",
            also=(Option("other", "airtime.who.other", to="number"),),
        ),
        Ask("number", "airtime.number", MSISDN, keep="msisdn", to="guess", check=sold_here),
        Fact(
            "guess",
            network_of,
            {"known": "bounds", "unknown": "network"},
            keeps={"network": NETWORK},
            bare=("unknown",),
        ),
        Pick(
            "network",
            "airtime.network",
            list_networks,
            keep="network",
            kind=NETWORK,
            to="bounds",
            empty="unavailable",
        ),
        Fact("bounds", bounds, {"ok": "amount"}, keeps={"least": MONEY, "most": MONEY}),
        Ask("amount", "airtime.amount", MONEY, keep="amount", to="quote", check=sellable),
        Fact("quote", quoted, {"ok": "review"}, keeps={"fee": MONEY, "total": MONEY}),
        Menu(
            "review",
            "airtime.review",
            (
                Option("pay", "airtime.review.pay", to="afford", keywords=("yes", "ok")),
                Option("network", "airtime.review.network", to="other_network"),
                Option("amount", "airtime.review.amount", to="bounds"),
                Option("cancel", "airtime.review.cancel", to="cancelled", keywords=("no",)),
            ),
            review=True,
        ),
        Pick(
            "other_network",
            "airtime.network",
            list_networks,
            keep="network",
            kind=NETWORK,
            to="quote",
            empty="unavailable",
        ),
        Fact(
            "afford", affordable, {"enough": "lately", "short": "short"}, keeps={"available": MONEY}
        ),
        Fact("lately", bought_lately, {"fresh": "pin", "again": "again"}),
        Confirm(
            "again",
            "airtime.again",
            yes="pin",
            no="cancelled",
            yes_text="airtime.again.yes",
            no_text="airtime.again.no",
        ),
        Call("pin", "ask_pin", to="pay", about="airtime.pin"),
        Act(
            "pay",
            pay,
            {
                "delivered": "done",
                "refunded": "refunded",
                "slow": "slow",
                "lapsed": "lapsed",
                "wallet.insufficient": "afford",  # spent meanwhile, from elsewhere
                "limit.day": "limit",
                "product.unavailable": "unavailable",
                "product.paused": "paused",
            },
            pending="unsure",
            fault="unsure",
            keeps={"reference": REFERENCE},
            bare=("lapsed",),
        ),
        Menu(
            "short",
            "airtime.short",
            (
                Option("fund", "airtime.short.fund", to="fund"),
                Option("amount", "airtime.short.amount", to="bounds"),
            ),
        ),
        Jump("fund", "fund"),
        End("done", "airtime.done", receipt="reference"),
        End("slow", "airtime.slow"),
        End("refunded", "airtime.refunded"),
        Fact("limit", day_limit, {"ok": "over_limit"}, keeps={"limit": MONEY}),
        End("over_limit", "airtime.over_limit"),
        End("unavailable", "airtime.unavailable"),
        End("paused", "airtime.paused"),
        End("unsure", "airtime.unsure"),
        End("lapsed", "airtime.lapsed"),
        End("cancelled", "airtime.cancelled"),
        Ask(
            "dialled_number",
            "airtime.number",
            MSISDN,
            keep="msisdn",
            to="dialled",
            check=sold_here,
        ),
        Fact("open_own", on_sale, {"ok": "own", "paused": "paused"}),
        Fact("open_number", on_sale, {"ok": "dialled_number", "paused": "paused"}),
        Fact("open_dialled", on_sale, {"ok": "dialled", "paused": "paused"}),
        # Entered by a deep dial, with the amount given and the number too, perhaps.
        Fact(
            "dialled",
            deep_dialled,
            {"ok": "dialled_guess", "other_amount": "guess", "other_number": "dialled_number"},
            keeps={"msisdn": MSISDN},
            bare=("other_number",),
        ),
        # Entered by free words.
        Fact("open_said", on_sale, {"ok": "said", "paused": "paused"}),
        Fact("open_other", on_sale, {"ok": "said_other", "paused": "paused"}),
        Ask("said_other", "airtime.number", MSISDN, keep="msisdn", to="said", check=sold_here),
        Fact(
            "said",
            said,
            {
                "all": Exit("said_all", keeps={"msisdn": MSISDN, "amount": MONEY}),
                "no_amount": Exit("said_number", keeps={"msisdn": MSISDN}),
                "no_number": "who",
                "nothing": "who",
            },
        ),
        Fact(
            "said_all",
            network_said,
            {"known": "quote", "unknown": "other_network"},
            keeps={"network": NETWORK},
            bare=("unknown",),
        ),
        Fact(
            "said_number",
            network_said,
            {"known": "bounds", "unknown": "network"},
            keeps={"network": NETWORK},
            bare=("unknown",),
        ),
        Fact(
            "dialled_guess",
            network_of,
            {"known": "quote", "unknown": "other_network"},
            keeps={"network": NETWORK},
            bare=("unknown",),
        ),
    ),
)

SAY_AIRTIME = Shortcut(
    "",
    flow="airtime",
    node="open_said",
    name="say_airtime",
    optional=("amount", "network", "msisdn"),
    otherwise={"amount": "open_said", "network": "open_said", "msisdn": "open_other"},
)

DIAL_AIRTIME = Shortcut(
    "1",
    flow="airtime",
    node="open_dialled",
    args=("amount",),
    optional=("msisdn",),
    otherwise={"amount": "open_own", "msisdn": "open_number"},
)
