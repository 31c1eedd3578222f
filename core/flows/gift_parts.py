"""What the flows of gift rooms say in the same way."""

import datetime as dt
from collections.abc import Mapping
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from core.domain.gifts import Room
from core.engine.kinds import Kind, Scalar
from core.flows.gift_kinds import (
    CODE,
    DIAL,
    GIVER_MAX,
    LINK,
    SENTENCE,
)
from core.kit import gsm7
from core.services.context import Context

SHARED: Mapping[str, Kind] = {
    "code": CODE,
    "how": SENTENCE,
    "page": LINK,
    "whatsapp": LINK,
    "inline": DIAL,
}
"""How a room is passed on; `inline` is what our bot is asked in the chat of a friend, or ""."""


async def shared_by(ctx: Context, room: Room, *, texted: bool = False) -> dict[str, Scalar]:
    """The answers of `SHARED`. `texted`: the link is sent by SMS as well."""
    sharing = await ctx.desk.sharing.of(room, ctx.locale.language)
    how = "gift.how" if sharing.dial else "gift.how.undialled"
    if ctx.channel.kind == "ussd":
        how = "gift.how.texted" if texted else "gift.how.ussd"
    return {
        "code": room.code,
        "how": ctx.texts.get(ctx.locale.language, how, dial=sharing.dial),
        "page": sharing.page,
        "whatsapp": sharing.whatsapp,
        "inline": room.code if sharing.telegram else "",
    }


def giver_name(name: str) -> str:
    """What somebody goes by in a chat, in letters that every handset has; "" for nothing."""
    return gsm7.plain(" ".join(name.split()))[:GIVER_MAX].strip()


def moment(ctx: Context, at: dt.datetime) -> str:
    """`21 Nov 14:00`, by the tenant's clock."""
    there = at.astimezone(ZoneInfo(ctx.locale.time_zone))
    return format_datetime(there, "d MMM HH:mm", locale=ctx.locale.language)
