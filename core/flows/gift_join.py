"""Open a gift by its code: who gives it, the question where there is one, and what came of it."""

import math
from collections.abc import Mapping

from core.domain.gifts import AirtimeState, Claimed, Claiming, GiftKind, Room, RoomState
from core.engine.flow import Flow, Shortcut
from core.engine.kinds import COUNT, MONEY, MSISDN, Scalar
from core.engine.outcomes import Choice, Done
from core.engine.screens import Act, Ask, Call, End, Exit, Fact, Menu, Option, Pick
from core.flows.gift_kinds import CODE, GIVER, MESSAGE, QUESTION, SENTENCE, WHY
from core.flows.gift_parts import moment
from core.flows.pins import pin_is_set
from core.services.context import Context
from core.services.gift_sharing import DIALLED_AS, giver_of
from core.services.gifts import Guest, KeptOut, WrongCodes

_HOUR_S = 3600
_NO_ROOM = "none"


async def look(ctx: Context) -> Done:
    """What is behind the code for this person: the gift, or what became of it before."""
    room = await _room(ctx)
    if room is None:
        return Done(_NO_ROOM)
    before = await ctx.desk.gifts.standing(room, ctx.customer)
    if before is not None:
        told = _told(ctx, room, before)
        waits = told.exit == "reserved" and ctx.customer.pin_set
        return Done("fetch") if waits else told
    if (closed := _closed(room, ctx)) is not None:
        return Done(closed.value)
    keep = {
        "giver": giver_of(room),
        "message": room.message or ctx.texts.get(ctx.locale.language, "gift.no_message"),
        "question": room.question,
    }
    return Done("quiz" if room.kind is GiftKind.QUIZ else "gift", keep)


async def answers(ctx: Context) -> list[Choice]:
    room = await _room(ctx)
    return [
        Choice(str(number), answer, keep={"guess": number})
        for number, answer in enumerate(room.answers if room else (), start=1)
    ]


async def claim(ctx: Context) -> Done:
    room = await _room(ctx)
    if room is None:
        return Done(Claiming.OVER.value)
    guest = Guest(
        customer=ctx.customer,
        answer=int(ctx.answers.get("guess") or 0),
        channel_id=ctx.channel.id,
        identity=ctx.identity,
        device=_device(ctx),
    )
    try:
        return _told(ctx, room, await ctx.desk.gifts.claim(room, guest))
    except KeptOut as out:
        return Done("kept_out", {"why": await _why(ctx, room, out)})


async def balance(ctx: Context) -> Done:
    money = await ctx.desk.wallet.balance(ctx.tenant, ctx.customer)
    return Done("ok", {"available": max(0, money.available_minor)})


async def fetch(ctx: Context) -> Done:
    """They have a PIN by now. Setting it paid what waited; here it is made sure."""
    await ctx.desk.gifts.registered(ctx.customer)
    room = await _room(ctx)
    now = await ctx.desk.gifts.standing(room, ctx.customer) if room is not None else None
    if room is None or now is None:
        return Done("waits")
    keep = {"amount": now.amount_minor}
    match now.result:
        case Claiming.PAID:
            return Done("paid", keep)
        case Claiming.LAPSED:
            return Done("lapsed")
        case _ if room.state is RoomState.FROZEN:
            return Done("held", keep)
        case _:
            return Done("waits")


async def _room(ctx: Context) -> Room | None:
    return await ctx.desk.gifts.find(ctx.tenant.id, str(ctx.answers["code"]), ctx.customer)


def _closed(room: Room, ctx: Context) -> Claiming | None:
    """What anybody who comes now is told at once."""
    if room.creator_id == ctx.customer.id:
        return Claiming.OWN
    if room.state is RoomState.FROZEN:
        return Claiming.FROZEN
    if room.state.final:
        return Claiming.OVER
    if room.full:
        return Claiming.FULL
    return None


def _told(ctx: Context, room: Room, claimed: Claimed) -> Done:
    keep: dict[str, Scalar] = {"amount": claimed.amount_minor}
    match claimed.result:
        case Claiming.PAID if claimed.airtime is AirtimeState.HELD:
            return Done("held", keep)
        case Claiming.PAID if claimed.airtime is not None:
            return Done(f"airtime_{claimed.airtime}", {**keep, "own": ctx.customer.msisdn})
        case Claiming.RESERVED if room.state is RoomState.FROZEN:
            return Done("held" if ctx.customer.pin_set else "reserved_held", keep)
        case Claiming.RESERVED:
            until = claimed.reserved_until or ctx.desk.clock.now()
            left_s = (until - ctx.desk.clock.now()).total_seconds()
            return Done("reserved", {**keep, "hours": max(1, math.ceil(left_s / _HOUR_S))})
        case Claiming.JOINED:
            return Done("joined", {"ticket": claimed.ticket, "when": _when(ctx, room)})
        case Claiming.NO_ROOM:
            return Done(Claiming.OVER.value)
        case result:
            return Done(result.value, keep if result is Claiming.PAID else {})


def _when(ctx: Context, room: Room) -> str:
    """When lots are drawn."""
    language = ctx.locale.language
    if room.state is RoomState.FROZEN:
        return ctx.texts.get(language, "gift.drawn_later")
    at = moment(ctx, room.draw_at or room.expires_at)
    if room.seats:
        return ctx.texts.get(language, "gift.drawn_when_full", seats=room.seats, at=at)
    return ctx.texts.get(language, "gift.drawn_at", at=at)


async def _why(ctx: Context, room: Room, out: KeptOut) -> str:
    """Why they cannot open it now, and what they can do."""
    dial = await ctx.desk.sharing.dial(room.tenant_id, room.code)
    said = f"gift.kept_out.{out.told}"
    if not dial and ctx.texts.has(f"{said}.undialled"):
        said = f"{said}.undialled"
    return ctx.texts.get(ctx.locale.language, said, dial=dial)


def _device(ctx: Context) -> str:
    """The chat account, which may be linked to one number after the other; "" where one dials."""
    if ctx.channel.kind == "ussd":
        return ""
    return ctx.desk.gifts.device(ctx.channel.kind, ctx.identity)


_RESULTS: Mapping[str, str | Exit] = {
    "paid": Exit("balance", keeps={"amount": MONEY}),
    "airtime_under_way": Exit("won_airtime", keeps={"amount": MONEY, "own": MSISDN}),
    "airtime_arrived": Exit("airtime_arrived", keeps={"amount": MONEY, "own": MSISDN}),
    "airtime_kept": Exit("airtime_kept", keeps={"amount": MONEY}),
    "airtime_unsure": Exit("airtime_unsure", keeps={"amount": MONEY, "own": MSISDN}),
    "held": Exit("held", keeps={"amount": MONEY}),
    "reserved_held": Exit("reserved_held", keeps={"amount": MONEY}),
    "reserved": Exit("reserved", keeps={"amount": MONEY, "hours": COUNT}),
    "joined": Exit("joined", keeps={"ticket": COUNT, "when": SENTENCE}),
    "lost": "lost",
    "lapsed": "lapsed",
    "full": "full",
    "over": "over",
    "own": "own",
    WrongCodes.code: "wrong_codes",
}

GIFT_JOIN = Flow(
    name="gift_join",
    screens=(
        Ask("code", "gift.enter_code", CODE, keep="code", to="look"),
        Ask("none", "gift.no_such", CODE, keep="code", to="look"),
        Fact(
            "look",
            look,
            {
                **_RESULTS,
                "none": Exit("none", alone=True),
                WrongCodes.code: Exit("wrong_codes", alone=True),
                "fetch": "fetch",
                "frozen": "frozen",
                "gift": Exit("gift", keeps={"giver": GIVER, "message": MESSAGE}),
                "quiz": Exit(
                    "quiz", keeps={"giver": GIVER, "message": MESSAGE, "question": QUESTION}
                ),
            },
        ),
        Menu("gift", "gift.found", (Option("open", "gift.open", to="claim"),)),
        Menu("quiz", "gift.found", (Option("open", "gift.open", to="question"),)),
        Pick(
            "question",
            "gift.quiz_question",
            answers,
            keep="guess",
            kind=COUNT,
            to="claim",
            empty="over",
        ),
        Act(
            "claim",
            claim,
            {
                **_RESULTS,
                "frozen": "frozen",
                "unanswered": "look",
                "not_listed": "not_listed",
                "not_new": "not_new",
                "kept_out": Exit("kept_out", keeps={"why": WHY}),
            },
            pending="unsure",
            fault="unsure",
        ),
        Fact("balance", balance, {"ok": "won"}, keeps={"available": MONEY}),
        End("won", "gift.won"),
        End("won_airtime", "gift.won_airtime"),
        End("airtime_arrived", "gift.airtime_arrived"),
        End("airtime_kept", "gift.airtime_kept"),
        End("airtime_unsure", "gift.airtime_unsure"),
        End("held", "gift.held"),
        Menu(
            "reserved",
            "gift.reserved",
            (
                Option("pin", "gift.reserved.pin", to="has_pin", keywords=("pin", "yes")),
                Option("later", "gift.reserved.later", to="later", keywords=("no", "later")),
            ),
        ),
        Menu(
            "reserved_held",
            "gift.reserved_held",
            (
                Option("pin", "gift.reserved.pin", to="has_pin", keywords=("pin", "yes")),
                Option("later", "gift.reserved.later", to="later", keywords=("no", "later")),
            ),
        ),
        Fact("has_pin", pin_is_set, {"no": "choose", "yes": "fetch"}),
        Call("choose", "set_pin", to="fetch"),
        Act(
            "fetch",
            fetch,
            {
                "paid": Exit("balance", keeps={"amount": MONEY}),
                "held": Exit("held", keeps={"amount": MONEY}),
                "lapsed": "lapsed",
                "waits": "soon",
            },
            pending="soon",
            fault="soon",
        ),
        End("later", "gift.later"),
        End("soon", "gift.soon"),
        End("joined", "gift.joined"),
        End("lost", "gift.lost"),
        End("lapsed", "gift.lapsed_share"),
        End("full", "gift.full"),
        End("over", "gift.over"),
        End("frozen", "gift.frozen"),
        End("own", "gift.own"),
        End("not_listed", "gift.not_listed"),
        End("not_new", "gift.not_new"),
        End("kept_out", "gift.kept_out"),
        End("wrong_codes", "gift.wrong_codes"),
        End("unsure", "gift.claim_unsure"),
    ),
)

OPEN_GIFT = Shortcut(
    DIALLED_AS,
    flow="gift_join",
    node="look",
    name="gift",
    args=("code",),
    otherwise={"code": "code"},
    bare="gift.by_code",
)
