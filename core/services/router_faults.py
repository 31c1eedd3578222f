"""What is wrong with a router's record, field by field, whether it came from a form or a file."""

import re
from urllib.parse import urlsplit

from core.domain.hotspot import Router

_HOST = re.compile(r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9.:-]*[A-Za-z0-9])?", re.ASCII)
_PORT_MAX = 65_535
_LATITUDE_MAX, _LONGITUDE_MAX = 90, 180
_USERS_MAX, _BPS_MAX = 10**6, 10**12
_NAME_MAX, _WORDS_MAX, _URL_MAX = 80, 200, 120


def faults(router: Router) -> dict[str, str]:
    access, wrong = router.access, _overlong(router)
    if not router.name.strip():
        wrong["name"] = "is required"
    if not _HOST.fullmatch(access.host):
        wrong["host"] = "should be a name or an address, without a port"
    if not 1 <= access.port <= _PORT_MAX:
        wrong["port"] = f"should be 1 to {_PORT_MAX}"
    if not access.username:
        wrong["username"] = "is required"
    if access.certificate and "-----BEGIN CERTIFICATE-----" not in access.certificate:
        wrong["certificate"] = "should be PEM"
    if router.login_url and not _is_page(router.login_url):
        wrong["login_url"] = "should be a page like http://wifi.lan/login, and no more"
    wrong |= _out_of_bounds(router)
    if not wrong and (said := router.wrong):
        names, _, what = said.partition(": ")
        wrong = dict.fromkeys(names.split(", "), what)
    return wrong


def _overlong(router: Router) -> dict[str, str]:
    """Names and places stand in messages to customers and operators: one line each."""
    texts = {
        "name": (router.name, _NAME_MAX),
        "location": (router.place.location, _WORDS_MAX),
        "login_url": (router.login_url, _URL_MAX),
        "server": (router.server, _WORDS_MAX),
        "username": (router.access.username, _WORDS_MAX),
        "password": (router.access.password, _WORDS_MAX),
    }
    return {
        name: f"should be one line of at most {most} letters"
        for name, (text, most) in texts.items()
        if len(text) > most or not (text.isprintable() or name == "password")
    }


def _is_page(url: str) -> bool:
    """Where a code can be put behind a `?`."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    plain = not (set("?#@ ") & set(url))
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and plain


def _out_of_bounds(router: Router) -> dict[str, str]:
    place, limits, wrong = router.place, router.limits, {}
    for name, value, most in (
        ("latitude", place.latitude, _LATITUDE_MAX),
        ("longitude", place.longitude, _LONGITUDE_MAX),
    ):
        if value is not None and not -most <= value <= most:
            wrong[name] = f"should be -{most} to {most}"
    for name, limit, most in (
        ("active_users_max", limits.active_users_max, _USERS_MAX),
        ("bandwidth_max_bps", limits.bandwidth_max_bps, _BPS_MAX),
    ):
        if limit is not None and not 1 <= limit <= most:
            wrong[name] = f"should be 1 to {most}, or nothing for no limit"
    if not 1 <= limits.addresses_used_max_percent <= 100:  # noqa: PLR2004 - percent
        wrong["addresses_used_max_percent"] = "should be 1 to 100"
    return wrong
