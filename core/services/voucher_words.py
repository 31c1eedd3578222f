"""What a voucher is good for, in the customer's words."""

from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_datetime

from core.domain.customers import Tenant
from core.domain.hotspot import DAY_S, GIB, HOUR_S, MIB, Terms
from core.kit.texts import Texts

_DATE = "d MMM yyyy, HH:mm"
_MINUTE_S = 60


def good_for(texts: Texts, tenant: Tenant, terms: Terms) -> tuple[str, ...]:
    """Two lines at most: how much there is, then how long."""

    def word(key: str, **facts: object) -> str:
        return texts.get(tenant.language, f"sheet.{key}", **facts)

    def span(seconds: int) -> str:
        for unit, key in ((DAY_S, "day"), (HOUR_S, "hour")):
            if seconds >= unit and seconds % unit == 0:
                count = seconds // unit
                return word(key) if count == 1 else word(f"{key}s", count=count)
        return word("minutes", count=max(1, seconds // _MINUTE_S))

    much = [word("data", amount=data_size(terms.data_bytes))] if terms.data_bytes else []
    if terms.online_s:
        much.append(word("online", time=span(terms.online_s)))
    long = [word("validity", time=span(terms.validity_s))] if terms.validity_s else []
    if terms.ends_at is not None:
        at = terms.ends_at.astimezone(ZoneInfo(tenant.time_zone))
        date = format_datetime(at, _DATE, locale=_locale(tenant.language))
        long.append(word("until", date=date))
    lines = (", ".join(much or [word("unlimited")]), ", ".join(long))
    return tuple(line for line in lines if line)


def data_size(size: int) -> str:
    """Bytes as people say them: `1 GB`, `1.5 GB`, `500 MB`."""
    unit, name = (GIB, "GB") if size >= GIB else (MIB, "MB")
    return f"{round(size / unit, 2):g} {name}"


def _locale(language: str) -> Locale:
    try:
        return Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return Locale.parse("en")
