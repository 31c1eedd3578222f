"""One's own gift rooms: how they stand, who won, sharing them once more, ending one early."""

from core.domain.gifts import Claim, ClaimState, Room
from core.engine.flow import Flow
from core.engine.kinds import COUNT, MONEY
from core.engine.outcomes import Choice, Done
from core.engine.screens import (
    Act,
    Confirm,
    End,
    Exit,
    Fact,
    Jump,
    Link,
    Menu,
    Option,
    Pick,
)
from core.flows.gift_kinds import CODE, SENTENCE, WHO, WHO_LINES
from core.flows.gift_parts import SHARED, moment, shared_by
from core.kit.errors import Problem
from core.kit.money import Money, show
from core.kit.msisdn import local, masked
from core.services.context import Context

_ROOMS_SHOWN = 20


async def mine(ctx: Context) -> list[Choice]:
    rooms = await ctx.desk.gifts.mine(ctx.customer, _ROOMS_SHOWN)
    return [Choice(room.code, f"{show(room.total)} {_short(ctx, room)}") for room in rooms]


def _short(ctx: Context, room: Room) -> str:
    if room.state.final:
        return ctx.texts.get(ctx.locale.language, f"gift.short_state.{room.state}")
    return f"{room.taken}/{room.shares}"


async def room_of(ctx: Context) -> Done:
    room = await _room(ctx)
    waits = ".waits" if room.state.final and room.reserved_minor else ""
    about = ctx.texts.get(
        ctx.locale.language,
        f"gift.state.{room.state}{waits}",
        taken=room.taken,
        shares=room.shares,
        joined=room.joined,
        until=moment(ctx, room.ended_at or room.expires_at),
        returned=show(Money(room.returned_minor, room.total.currency)),
        reserved=show(Money(room.reserved_minor, room.total.currency)),
    )
    how = "all_won" if room.full else "open"
    return Done("ended" if room.state.final else how, {"about": about})


async def who(ctx: Context) -> Done:
    """The next lines about people, after so many."""
    after = int(ctx.answers.get("after") or 0)
    claims = await ctx.desk.gifts.claims(await _room(ctx), WHO_LINES + 1, after)
    if not claims:
        return Done("nobody")
    lines = "\n".join(_line(ctx, each) for each in claims[:WHO_LINES])
    more = len(claims) > WHO_LINES
    return Done("more" if more else "all", {"lines": lines, "after": after + WHO_LINES})


def _line(ctx: Context, claim: Claim) -> str:
    won = claim.state in (ClaimState.PAID, ClaimState.RESERVED, ClaimState.LAPSED)
    return ctx.texts.get(
        ctx.locale.language,
        f"gift.line.airtime.{claim.airtime}" if claim.airtime else f"gift.line.{claim.state}",
        msisdn=masked(local(claim.msisdn)),
        amount=show(Money(claim.amount_minor, ctx.locale.currency)) if won else "",
    )


async def share(ctx: Context) -> Done:
    return Done("ok", await shared_by(ctx, await _room(ctx)))


async def cancel(ctx: Context) -> Done:
    room = await ctx.desk.gifts.cancel(ctx.customer, str(ctx.answers["code"]), ctx.key)
    if room is None:
        raise Problem("gift.not_yours")
    keep = {"returned": room.returned_minor}
    if room.reserved_minor:
        return Done("ended_waits", {**keep, "reserved": room.reserved_minor})
    return Done("ended", keep)


async def _room(ctx: Context) -> Room:
    room = await ctx.desk.gifts.own(ctx.customer, str(ctx.answers["code"]))
    if room is None:
        raise Problem("gift.not_yours")
    return room


_SHARE = Option("share", "gift.room.share", to="share", keywords=("share",))
_WHO = Option("who", "gift.room.who", to="who", keywords=("who",))

GIFT_ROOMS = Flow(
    name="gift_rooms",
    screens=(
        Pick("mine", "gift.rooms", mine, keep="code", kind=CODE, to="room", empty="none"),
        Menu("none", "gift.rooms.none", (Option("give", "gifts.give", to="give"),)),
        Jump("give", "gift_create"),
        Fact(
            "room",
            room_of,
            {"open": "open", "all_won": "all_won", "ended": "ended"},
            keeps={"about": SENTENCE},
        ),
        Menu(
            "open",
            "gift.room",
            (_WHO, _SHARE, Option("cancel", "gift.room.cancel", to="sure", keywords=("cancel",))),
        ),
        Menu("all_won", "gift.room", (_WHO, _SHARE)),
        Menu("ended", "gift.room", (_WHO,)),
        Fact(
            "who",
            who,
            {"all": "lines", "more": "lines_more", "nobody": "nobody"},
            keeps={"lines": WHO, "after": COUNT},
            bare=("nobody",),
        ),
        Menu("lines", "gift.lines"),
        Menu("lines_more", "gift.lines", (Option("next", "gift.lines.next", to="who"),)),
        Menu("nobody", "gift.nobody"),
        Act(
            "share",
            share,
            {"ok": "shared"},
            pending="not_shared",
            fault="not_shared",
            keeps=SHARED,
            commits=False,
        ),
        Menu(
            "shared",
            "gift.share",
            links=(
                Link("gift.share.whatsapp", "whatsapp"),
                Link("gift.share.telegram", "inline", inline=True),
                Link("gift.share.page", "page"),
            ),
        ),
        Menu("not_shared", "gift.not_shared"),
        Confirm("sure", "gift.sure", yes="cancel", no="open"),
        Act(
            "cancel",
            cancel,
            {
                "ended": "cancelled",
                "ended_waits": Exit("cancelled_waits", keeps={"reserved": MONEY}),
            },
            pending="unsure",
            fault="unsure",
            keeps={"returned": MONEY},
        ),
        End("cancelled", "gift.ended"),
        End("cancelled_waits", "gift.ended.waits"),
        End("unsure", "gift.end_unsure"),
    ),
)
