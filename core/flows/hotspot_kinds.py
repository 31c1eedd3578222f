"""Kinds of answer about hotspots, and how a voucher is put in words."""

import datetime as dt
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from core.domain.hotspot import DAY_S, HOUR_S
from core.domain.vouchers import Voucher
from core.engine.kinds import Kind, Locale, Scalar, text
from core.kit.errors import Problem
from core.kit.letters import cut, one_line
from core.kit.msisdn import Msisdn, is_of
from core.services.context import Context
from core.services.voucher_words import data_size

PLACE_CHARS, PLAN_CHARS, LEFT_CHARS = 20, 24, 48
_MINUTE_S = 60
_SHORT, _TIME = "d MMM, HH:mm", "HH:mm"

PLACE = text(PLACE_CHARS)
PLAN = text(PLAN_CHARS)
MOMENT = text(16)
LEFT = text(LEFT_CHARS)


def _as_it_is(value: Scalar, _: Locale) -> str:
    return str(value)


def _not_typed(_: str, __: Locale) -> Scalar:
    raise TypeError("made by a service, never typed")


CODE = Kind(
    name="voucher code",
    parse=_not_typed,
    show=_as_it_is,
    longest="W" * 24,
    sample="K7QM2XV9TA",
)
"""In groups, as people read it."""

LOGIN_LINK = Kind(
    name="login link",
    parse=_not_typed,
    show=_as_it_is,
    longest="http://" + "m" * 40 + "/login?username=" + "W" * 24 + "&password=" + "W" * 24,
    sample="http://wifi.lan/login?username=K7QM2XV9TA&password=K7QM2XV9TA",
)
"""Logs in by itself, on that hotspot's network."""


def short(name: str, chars: int) -> str:
    """As much of a name of an operator's choice as there is room for; never nothing."""
    return cut(one_line(name), chars) or "?"


def moment(ctx: Context, at: dt.datetime | None) -> str:
    """When it is where the tenant is: `14:02` of today, else `14 Nov, 14:02`."""
    if at is None:
        return "?"
    zone = ZoneInfo(ctx.locale.time_zone)
    there, now = at.astimezone(zone), ctx.desk.clock.now().astimezone(zone)
    form = _TIME if there.date() == now.date() else _SHORT
    return short(format_datetime(there, form, locale=ctx.locale.language), 16)


def left_of(ctx: Context, voucher: Voucher) -> str:
    """What is left of a voucher: `512 MB, 5 h, until 14 Nov, 14:02`."""

    def word(key: str, **facts: object) -> str:
        return ctx.texts.get(ctx.locale.language, f"wifi.left.{key}", **facts)

    terms, left, parts = voucher.terms, voucher.left, []
    if terms.data_bytes:
        parts.append(data_size(left.data_bytes))
    if terms.online_s:
        parts.append(word("online", span=_span(ctx, left.online_s)))
    if voucher.expires_at is not None:
        parts.append(word("until", date=moment(ctx, voucher.expires_at)))
    elif terms.validity_s:
        parts.append(word("from_login", span=_span(ctx, terms.validity_s)))
    return short(", ".join(parts), LEFT_CHARS)


def _span(ctx: Context, seconds: int) -> str:
    for unit, key in ((DAY_S, "days"), (HOUR_S, "hours")):
        if (seconds >= unit and seconds % unit == 0) or seconds >= 2 * unit:
            return ctx.texts.get(ctx.locale.language, f"wifi.span.{key}", count=seconds // unit)
    return ctx.texts.get(ctx.locale.language, "wifi.span.minutes", count=seconds // _MINUTE_S)


async def can_be_texted(ctx: Context, name: str) -> None:
    """Raises `Problem` for a number of another country: no SMS of ours reaches it for sure."""
    if not is_of(Msisdn(str(ctx.answers[name])), ctx.locale.country):
        raise Problem("wifi.number_abroad")
