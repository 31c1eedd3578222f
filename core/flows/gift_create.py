"""Give: an amount, for so many people, and then a review in which all else can be changed."""

from dataclasses import replace

from core.domain.gifts import Door, GiftKind, PayOut, Split
from core.engine.flow import Flow
from core.engine.kinds import COUNT, MONEY, named
from core.engine.outcomes import Choice, Done
from core.engine.screens import (
    Act,
    Ask,
    Call,
    End,
    Exit,
    Fact,
    Jump,
    Link,
    Menu,
    Option,
    Pick,
)
from core.flows import shared
from core.flows.gift_kinds import (
    ANSWER,
    ANSWERS,
    CHOICES,
    GIVER,
    HOURS,
    LISTED_MAX,
    MESSAGE,
    NUMBERS,
    QUESTION,
    WHAT,
    joined,
    several,
)
from core.flows.gift_parts import SHARED, giver_name, shared_by
from core.flows.gift_wish import USUAL, asked, in_words, wish_of
from core.kit.errors import Problem
from core.services.context import Context
from core.services.gift_giving import Giver, OverGiftLimit
from core.services.gift_wishes import BadGift, FeeChanged, GiftsOff, fee_of
from core.services.purchases import InsufficientFunds

_KIND = named("gift kind", {each.value: each.value for each in GiftKind})
_SPLIT = named("gift split", {each.value: each.value for each in Split})
_PAY_OUT = named("gift pay-out", {each.value: each.value for each in PayOut})
_DOOR = named("gift door", {each.value: each.value for each in Door})


async def on_offer(ctx: Context) -> Done:
    terms = await ctx.desk.gifts.terms(ctx.tenant.id)
    if not terms.on:
        return Done("off")
    keep = {"least": terms.total_min_minor, "most": terms.total_max_minor, "many": terms.shares_max}
    return Done("on", {**USUAL, **keep})


async def amount_fits(ctx: Context) -> None:
    terms = await ctx.desk.gifts.terms(ctx.tenant.id)
    shared.check_bounds(ctx, "amount", terms.total_min_minor, terms.total_max_minor)


async def shares_fit(ctx: Context) -> None:
    """Alone: what was chosen in the review before is looked at there again."""
    most = min(int(ctx.answers["many"] or 1), int(ctx.answers["amount"] or 0))
    if not 1 <= int(ctx.answers["shares"] or 0) <= most:
        raise Problem("count.out_of_range", min=1, max=most)


async def draw_fits(ctx: Context) -> None:
    if int(ctx.answers["draw_hours"] or 0) > int(ctx.answers["hours"] or 0):
        raise BadGift("gift.draw_late")


async def seats_fit(ctx: Context) -> None:
    shares = int(ctx.answers["shares"] or 0)
    if int(ctx.answers["seats"] or 0) < shares:
        raise BadGift("gift.few_seats", min=shares)


async def right_one(ctx: Context) -> list[Choice]:
    return [
        Choice(str(number), answer, keep={"right": number})
        for number, answer in enumerate(several(ctx.answers["answers"]), start=1)
    ]


async def numbers_fit(ctx: Context) -> None:
    if len(_together(ctx).split()) > LISTED_MAX:
        raise Problem("gift.numbers_many", max=LISTED_MAX)


async def numbers_together(ctx: Context) -> Done:
    return Done("ok", {"listed": _together(ctx)})


def _together(ctx: Context) -> str:
    return joined([*str(ctx.answers["listed"] or "").split(), *str(ctx.answers["typed"]).split()])


async def quoted(ctx: Context) -> Done:
    """What it costs and what it is, in words; a `Problem` where it cannot be given like that."""
    terms = await ctx.desk.gifts.check(ctx.tenant.id, wish_of(ctx))
    amount = int(ctx.answers["amount"] or 0)
    fee = fee_of(terms, amount)
    # Known while they write, and not on the page where they give their PIN.
    giver = str(ctx.answers.get("giver") or "") or await _named(ctx)
    what = in_words(ctx, giver)
    return Done("ok", {"fee": fee, "total": amount + fee, "what": what, "giver": giver})


async def _named(ctx: Context) -> str:
    """What they go by: what they went by before, on whichever channel, or what this one knows."""
    return await ctx.desk.gifts.name_of(ctx.customer) or giver_name(ctx.name)


async def affordable(ctx: Context) -> Done:
    balance = await ctx.desk.wallet.balance(ctx.tenant, ctx.customer)
    enough = balance.available_minor >= int(ctx.answers["total"] or 0)
    return Done("enough" if enough else "short", {"available": max(0, balance.available_minor)})


async def open_room(ctx: Context) -> Done:
    """Fund the room and say how it is shared."""
    gifts = ctx.desk.gifts
    if ctx.lapsed:
        room = await gifts.made(ctx.tenant, ctx.customer, ctx.key)
        if room is None:
            return Done("lapsed")
    else:
        name = str(ctx.answers["giver"] or "")
        giver = Giver(ctx.tenant, ctx.customer, ctx.channel.id, ctx.identity, name)
        wish = replace(wish_of(ctx), fee_minor=int(ctx.answers["fee"] or 0))
        room = await gifts.open(wish, giver, ctx.key)
    return Done("opened", await shared_by(ctx, room))


GIFT_CREATE = Flow(
    name="gift_create",
    screens=(
        Fact(
            "offer",
            on_offer,
            {"on": "amount", "off": "off"},
            keeps={
                "least": MONEY,
                "most": MONEY,
                "many": COUNT,
                "kind": _KIND,
                "split": _SPLIT,
                "pay_out": _PAY_OUT,
                "door": _DOOR,
                "hours": HOURS,
                "message": MESSAGE,
                "question": QUESTION,
                "answers": ANSWERS,
                "right": COUNT,
                "draw_hours": HOURS,
                "seats": COUNT,
                "listed": NUMBERS,
                "giver": GIVER,
            },
            bare=("off",),
        ),
        Ask("amount", "gift.amount", MONEY, keep="amount", to="shares", check=amount_fits),
        Ask("shares", "gift.shares", COUNT, keep="shares", to="quote", check=shares_fit),
        Fact(
            "quote",
            quoted,
            {"ok": "review"},
            keeps={"fee": MONEY, "total": MONEY, "what": WHAT, "giver": GIVER},
        ),
        Menu(
            "review",
            "gift.review",
            (
                Option("pay", "gift.review.pay", to="asked", keywords=("yes", "ok", "pay")),
                Option("change", "gift.review.change", to="change"),
                Option("cancel", "gift.review.cancel", to="cancelled", keywords=("no",)),
            ),
            review=True,
        ),
        Fact(
            "asked",
            asked,
            {
                "quiz": Exit("review_quiz", keeps={"choices": CHOICES, "right_answer": ANSWER}),
                "nothing": "afford",
            },
        ),
        Menu(
            "review_quiz",
            "gift.review_quiz",
            (
                Option("pay", "gift.review.pay", to="afford", keywords=("yes", "ok", "pay")),
                Option("question", "gift.review.question", to="question"),
                Option("cancel", "gift.review.cancel", to="cancelled", keywords=("no",)),
            ),
            review=True,
        ),
        Menu(
            "change",
            "gift.change",
            (
                Option("amount", "gift.change.amount", to="amount"),
                Option("kind", "gift.change.kind", to="kind"),
                Option("split", "gift.change.split", to="split"),
                Option("pay_out", "gift.change.pay_out", to="pay_out"),
                Option("door", "gift.change.door", to="door"),
                Option("message", "gift.change.message", to="message"),
                Option("time", "gift.change.time", to="time"),
                Option("name", "gift.change.name", to="name"),
            ),
        ),
        Menu(
            "kind",
            "gift.choose_kind",
            (
                Option("race", "gift.pick.race", to="quote", keep={"kind": "race"}),
                Option("draw", "gift.pick.draw", to="draw", keep={"kind": "draw"}),
                Option("quiz", "gift.pick.quiz", to="question", keep={"kind": "quiz"}),
            ),
        ),
        Menu(
            "draw",
            "gift.draw_when",
            (
                Option("end", "gift.draw.end", to="quote", keep={"draw_hours": 0, "seats": 0}),
                Option("time", "gift.draw.time", to="draw_time", keep={"seats": 0}),
                Option("full", "gift.draw.full", to="seats", keep={"draw_hours": 0}),
            ),
        ),
        Ask("draw_time", "gift.draw_time", HOURS, keep="draw_hours", to="quote", check=draw_fits),
        Ask("seats", "gift.seats", COUNT, keep="seats", to="quote", check=seats_fit),
        Ask("question", "gift.question", QUESTION, keep="question", to="answers"),
        Ask("answers", "gift.answers", ANSWERS, keep="answers", to="right"),
        Pick(
            "right",
            "gift.right",
            right_one,
            keep="right",
            kind=COUNT,
            to="quote",
            empty="answers",
        ),
        Menu(
            "split",
            "gift.choose_split",
            (
                Option("random", "gift.pick.random", to="quote", keep={"split": "random"}),
                Option("equal", "gift.pick.equal", to="quote", keep={"split": "equal"}),
            ),
        ),
        Menu(
            "pay_out",
            "gift.choose_pay_out",
            (
                Option(
                    "wallet",
                    "gift.pick.wallet",
                    to="quote",
                    keep={"pay_out": "wallet"},
                    keywords=("wallet", "money"),
                ),
                Option("airtime", "gift.pick.airtime", to="quote", keep={"pay_out": "airtime"}),
            ),
        ),
        Menu(
            "door",
            "gift.choose_door",
            (
                Option("anyone", "gift.pick.anyone", to="quote", keep={"door": "anyone"}),
                Option("listed", "gift.pick.listed", to="numbers"),
                Option("new", "gift.pick.new", to="quote", keep={"door": "new"}),
            ),
        ),
        Ask("numbers", "gift.numbers", NUMBERS, keep="typed", to="together", check=numbers_fit),
        Fact("together", numbers_together, {"ok": "listed"}, keeps={"listed": NUMBERS}),
        Menu(
            "listed",
            "gift.listed",
            (
                Option("done", "gift.listed.done", to="quote", keep={"door": "listed"}),
                Option("more", "gift.listed.more", to="numbers"),
            ),
        ),
        Ask("message", "gift.message", MESSAGE, keep="message", to="quote"),
        Ask("name", "gift.name", GIVER, keep="giver", to="quote"),
        Ask("time", "gift.time", HOURS, keep="hours", to="quote", check=draw_fits),
        Fact("afford", affordable, {"enough": "pin", "short": "short"}, keeps={"available": MONEY}),
        Call("pin", "ask_pin", to="open", about="gift.pin"),
        Act(
            "open",
            open_room,
            {
                "opened": "done",
                "lapsed": "lapsed",
                InsufficientFunds.code: "short",
                OverGiftLimit.code: "over_limit",
                GiftsOff.code: "off",
                FeeChanged.code: "quote",
            },
            pending="unsure",
            fault="unsure",
            keeps=SHARED,
            bare=("lapsed",),
        ),
        End(
            "done",
            "gift.done",
            links=(
                Link("gift.share.whatsapp", "whatsapp"),
                Link("gift.share.telegram", "inline", inline=True),
                Link("gift.share.page", "page"),
            ),
        ),
        Menu(
            "short",
            "gift.short",
            (
                Option("fund", "gift.short.fund", to="fund"),
                Option("amount", "gift.short.amount", to="amount"),
            ),
        ),
        Jump("fund", "fund"),
        End("off", "gift.off"),
        End("over_limit", "gift.over_limit"),
        End("unsure", "gift.unsure"),
        End("lapsed", "gift.lapsed"),
        End("cancelled", "gift.cancelled"),
    ),
)
