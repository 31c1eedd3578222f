"""Buy a WiFi voucher for oneself or for another number: where, which, and how it ended."""

import re
from collections.abc import Sequence
from uuid import UUID

from core.domain.display import Tells
from core.domain.hotspot import Router
from core.domain.voucher_codes import login_link
from core.domain.vouchers import SaleState, Selling
from core.engine.flow import Flow, Shortcut
from core.engine.kinds import COUNT, FLAG, MONEY, MSISDN, OPAQUE, TEXT, Scalar, text
from core.engine.outcomes import Choice, Done
from core.engine.screens import (
    Act,
    Ask,
    Call,
    End,
    Exit,
    Fact,
    Jump,
    Menu,
    Option,
    Pick,
)
from core.flows.hotspot_kinds import (
    CODE,
    LOGIN_LINK,
    MOMENT,
    PLACE,
    PLACE_CHARS,
    PLAN,
    PLAN_CHARS,
    can_be_texted,
    moment,
    short,
)
from core.flows.kinds import REFERENCE
from core.kit.money import Money, show
from core.kit.msisdn import Msisdn, is_of
from core.services.context import Context
from core.services.purchases import InsufficientFunds
from core.services.vouchers import NotSoldHere, Offer, Purchase, SiteAway, SiteFull

_SIZE = text(30)


async def own_number(ctx: Context) -> Done:
    return Done("ok", {"msisdn": ctx.customer.msisdn})


async def texted(ctx: Context) -> None:
    await can_be_texted(ctx, "msisdn")


async def where(ctx: Context) -> Done:
    """The one place that there is, or a choice."""
    places = await ctx.desk.vouchers.places(ctx.tenant.id)
    if len(places) == 1:
        return Done("one", _place(places[0]))
    return Done("many" if places else "none")


async def places(ctx: Context) -> list[Choice]:
    return _listed(await ctx.desk.vouchers.places_for(ctx.customer))


async def places_found(ctx: Context) -> list[Choice]:
    words = str(ctx.answers["words"]).casefold()
    found = await ctx.desk.vouchers.places(ctx.tenant.id)
    return _listed(
        [each for each in found if words in f"{each.name} {each.place.location}".casefold()]
    )


def _listed(found: Sequence[Router]) -> list[Choice]:
    return [Choice(str(each.id), each.name, each.place.location, _place(each)) for each in found]


def _place(router: Router) -> dict[str, Scalar]:
    return {"router": str(router.id), "place": short(router.name, PLACE_CHARS)}


async def plans(ctx: Context) -> list[Choice]:
    """What is sold there now, cheapest first."""
    return [
        Choice(str(offer.plan.id), f"{_plan_name(offer)} {show(_price(offer))}")
        for offer in await _offers(ctx)
        if offer.selling.sells
    ]


async def why_nothing(ctx: Context) -> str:
    full = any(offer.selling is Selling.FULL for offer in await _offers(ctx))
    return "full" if full else "shut"


async def _offers(ctx: Context) -> Sequence[Offer]:
    router_id = UUID(str(ctx.answers["router"]))
    there = await ctx.desk.vouchers.places(ctx.tenant.id)
    router = next((each for each in there if each.id == router_id), None)
    return [] if router is None else await ctx.desk.vouchers.offers(ctx.tenant.id, router)


async def offered(ctx: Context) -> Done:
    """What is about to be bought, and how that place stands now."""
    plan = await ctx.desk.vouchers.plan(ctx.tenant.id, UUID(str(ctx.answers["plan"])))
    offer = await ctx.desk.vouchers.offer(plan, UUID(str(ctx.answers["router"])))
    if not (offer.plan.active and offer.selling.sells):
        raise SiteFull if offer.selling is Selling.FULL else NotSoldHere
    away = offer.selling is Selling.CONSENT
    keep = {
        **_place(offer.router),
        "plan_name": _plan_name(offer),
        "total": plan.price_minor,
        "version": plan.version,
        "away": away,
        "since": moment(ctx, offer.router.status_since),
        "minutes": max(1, round(ctx.desk.vouchers.refund_after_s / 60)),
    }
    if away:
        return Done("away", keep)
    return Done("ready" if offer.selling is Selling.READY else "soon", keep)


def _plan_name(offer: Offer) -> str:
    return short(offer.plan.name, PLAN_CHARS)


def _price(offer: Offer) -> Money:
    return Money(offer.plan.price_minor, offer.plan.currency)


async def affordable(ctx: Context) -> Done:
    balance = await ctx.desk.wallet.balance(ctx.tenant, ctx.customer)
    enough = balance.available_minor >= int(ctx.answers["total"] or 0)
    keep = {"available": max(0, balance.available_minor)}
    return Done("enough" if enough else "short", keep)


async def pay(ctx: Context) -> Done:
    """Take it from stock or have it made, and wait a moment for the router to confirm it."""
    vouchers = ctx.desk.vouchers
    bought = await vouchers.made(
        key=ctx.key, tenant=ctx.tenant, customer=ctx.customer, until=ctx.until
    )
    if bought is None:
        if ctx.lapsed:
            return Done("lapsed")
        bought = await _bought(ctx)
    return _ended(ctx, bought)


async def _bought(ctx: Context) -> Purchase:
    vouchers = ctx.desk.vouchers
    plan = await vouchers.plan(ctx.tenant.id, UUID(str(ctx.answers["plan"])))
    if plan.version != ctx.answers["version"]:
        raise NotSoldHere  # its price or its terms are not those that were confirmed
    # A code works at one place alone: at the one that was confirmed, or it is not bought.
    offer = await vouchers.offer(plan, UUID(str(ctx.answers["router"])), exactly=True)
    return await vouchers.buy(
        offer,
        key=ctx.key,
        tenant=ctx.tenant,
        customer=ctx.customer,
        channel_id=ctx.channel.id,
        identity=ctx.identity,
        until=ctx.until,
        recipient=Msisdn(str(ctx.answers["msisdn"])),
        agreed=bool(ctx.answers["away"]),
    )


def _ended(ctx: Context, bought: Purchase) -> Done:
    """Whose it is is told the code; who paid for another number sees that it was sent there."""
    voucher, keep = bought.voucher, {"reference": bought.reference}
    if voucher.sale_state in (SaleState.REFUND_DUE, SaleState.REFUNDED):
        return Done("refunded", keep)
    works = voucher.sale_state is not SaleState.SOLD
    if voucher.owner_id != ctx.customer.id:
        return Done("sent" if works else "sent_activating", keep)
    assert voucher.code is not None
    keep["code"] = voucher.code
    if not works:
        return Done("activating", keep)
    link = login_link(bought.router.login_url, voucher.code) if bought.router else ""
    if ctx.channel.kind == "ussd" or not link:
        return Done("works", keep)
    return Done("works_by_link", {**keep, "link": link})


async def said(ctx: Context) -> Done:
    """What was asked for in free words: the plan that they fit, or a choice."""
    number = Msisdn(str(ctx.answers.get("msisdn") or ctx.customer.msisdn))
    if not is_of(number, ctx.locale.country):
        return Done("no_number")
    keep: dict[str, Scalar] = {"msisdn": number}
    found = await ctx.desk.vouchers.places(ctx.tenant.id)
    words = {*str(ctx.answers.get("size") or "").casefold().split()}
    if len(found) != 1 or not words:
        return Done("nothing", keep)
    offers = await ctx.desk.vouchers.offers(ctx.tenant.id, found[0])
    fitting = [offer for offer in offers if offer.selling.sells and words <= _says(offer)]
    if len(fitting) != 1:
        return Done("nothing", keep)
    return Done("all", {**keep, **_place(found[0]), "plan": str(fitting[0].plan.id)})


def _says(offer: Offer) -> set[str]:
    """The words by which it is asked for: `1GB-DAILY` is 1gb and daily, and those of its name."""
    written = f"{offer.plan.code} {offer.plan.name}".casefold()
    return {*re.findall(r"[a-z0-9.]+", written)}


WIFI = Flow(
    name="wifi",
    menu="wifi.menu",
    keywords=("wifi", "wi-fi", "hotspot", "voucher", "vouchers"),
    screens=(
        Menu(
            "what",
            "wifi.title",
            (
                Option("me", "wifi.what.me", to="own", keywords=("me", "buy")),
                Option("other", "wifi.what.other", to="number"),
                Option("mine", "wifi.what.mine", to="mine", keywords=("mine",)),
                Option("trouble", "wifi.what.trouble", to="trouble", keywords=("problem",)),
            ),
        ),
        Jump("mine", "my_wifi"),
        Jump("trouble", "wifi_check"),
        Fact("own", own_number, {"ok": "where"}, keeps={"msisdn": MSISDN}),
        Ask("number", "wifi.number", MSISDN, keep="msisdn", to="where", check=texted),
        Fact(
            "where",
            where,
            {"one": "plan", "many": "place", "none": "nowhere"},
            keeps={"router": OPAQUE, "place": PLACE},
            bare=("many", "none"),
        ),
        Pick(
            "place",
            "wifi.place",
            places,
            keep="router",
            kind=OPAQUE,
            keeps={"place": PLACE},
            to="plan",
            empty="nowhere",
            also=(Option("find", "wifi.place.find", to="find"),),
        ),
        Ask("find", "wifi.find", TEXT, keep="words", to="found"),
        Pick(
            "found",
            "wifi.place",
            places_found,
            keep="router",
            kind=OPAQUE,
            keeps={"place": PLACE},
            to="plan",
            empty="not_found",
        ),
        Menu(
            "not_found",
            "wifi.not_found",
            (
                Option("find", "wifi.not_found.again", to="find"),
                Option("list", "wifi.not_found.list", to="place"),
            ),
        ),
        Menu("nowhere", "wifi.nowhere"),
        Pick("plan", "wifi.plan", plans, keep="plan", kind=OPAQUE, to="offer", empty="why"),
        Fact("why", why_nothing, {"full": "full", "shut": "shut"}),
        Menu("full", "wifi.full"),
        Menu("shut", "wifi.shut"),
        Fact(
            "offer",
            offered,
            {
                "ready": "review",
                "soon": "review_soon",
                "away": "review_away",
                NotSoldHere.code: "changed",
                SiteFull.code: "full",
            },
            keeps={
                "router": OPAQUE,
                "place": PLACE,
                "plan_name": PLAN,
                "total": MONEY,
                "version": COUNT,
                "away": FLAG,
                "since": MOMENT,
                "minutes": COUNT,
            },
        ),
        *(
            Menu(
                name,
                f"wifi.{name}",
                (
                    Option("pay", "wifi.review.pay", to="afford", keywords=("yes", "ok")),
                    Option("cancel", "wifi.review.cancel", to="cancelled", keywords=("no",)),
                ),
                review=True,
            )
            for name in ("review", "review_soon", "review_away")
        ),
        Fact("afford", affordable, {"enough": "pin", "short": "short"}, keeps={"available": MONEY}),
        Call("pin", "ask_pin", to="pay", about="wifi.pin"),
        Act(
            "pay",
            pay,
            {
                "works": Exit("done", keeps={"code": CODE}),
                "works_by_link": Exit("done_by_link", keeps={"code": CODE, "link": LOGIN_LINK}),
                "activating": Exit("activating", keeps={"code": CODE}),
                "sent": "sent",
                "sent_activating": "sent_activating",
                "refunded": "refunded",
                "lapsed": "lapsed",
                InsufficientFunds.code: "short",
                NotSoldHere.code: "changed",
                SiteFull.code: "offer",
                SiteAway.code: "offer",
            },
            pending="unsure",
            fault="unsure",
            keeps={"reference": REFERENCE},
            bare=("lapsed",),
        ),
        Menu(
            "short",
            "wifi.short",
            (
                Option("fund", "wifi.short.fund", to="fund"),
                Option("plan", "wifi.review.plan", to="plan"),
            ),
        ),
        Jump("fund", "fund"),
        Menu("changed", "wifi.changed", (Option("plan", "wifi.changed.plan", to="plan"),)),
        End("done", "wifi.done", receipt="reference"),
        End("done_by_link", "wifi.done_by_link", receipt="reference"),
        End("activating", "wifi.activating", receipt="reference", tells=Tells.WAITS),
        End("sent", "wifi.sent", receipt="reference", tells=Tells.SENT),
        End("sent_activating", "wifi.sent_activating"),
        End("refunded", "wifi.refunded"),
        End("unsure", "wifi.unsure"),
        End("lapsed", "wifi.lapsed"),
        End("cancelled", "wifi.cancelled"),
        # Entered by free words.
        Fact(
            "said",
            said,
            {
                "all": Exit("offer", keeps={"router": OPAQUE, "place": PLACE, "plan": OPAQUE}),
                "nothing": "where",
                "no_number": "number",
            },
            keeps={"msisdn": MSISDN},
            bare=("no_number",),
        ),
        Ask("size", "wifi.size", _SIZE, keep="size", to="said"),
    ),
)

WIFI_FOR_ME = Shortcut("", flow="wifi", node="own", name="wifi_for_me")

SAY_WIFI = Shortcut(
    "",
    flow="wifi",
    node="said",
    name="say_wifi",
    optional=("size", "msisdn"),
    otherwise={"size": "size", "msisdn": "number"},
)
