"""What a channel of each kind may look like, before anybody is asked."""

import ipaddress
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from core.domain.turns import Channel

KINDS = ("ussd", "telegram", "whatsapp", "callback")
"""Every kind that can be opened. A chat channel's gateway is called as its kind."""

CHATS = frozenset({"telegram", "whatsapp"})

BASE_URL = "api_base_url"

_SERVICE_CODE = re.compile(r"[*#][0-9*]{1,30}#")
_URL = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(/[!-~]*)?")
_SETTINGS_BYTES_MAX = 20_000
_CREDENTIAL_CHARS_MAX = 4096

Check = Callable[[object], str | None]
"""What is wrong with a value, in words that do not quote it; None when it will do."""


def _matching(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern, re.ASCII)

    def check(value: object) -> str | None:
        fits = isinstance(value, str) and compiled.fullmatch(value)
        return None if fits else f"should be {what}"

    return check


def _secret(least: int, most: int) -> Check:
    """Signs without spaces; what is wrong is said one by one."""

    def check(value: object) -> str | None:
        if not isinstance(value, str) or not re.fullmatch(r"[!-~]*", value):
            return "should have no spaces, and no signs but letters, digits and punctuation"
        if len(value) < least:
            return f"is too short: it has {least} characters or more"
        return f"is too long: it has {most} characters at most" if len(value) > most else None

    return check


def _flag(value: object) -> str | None:
    return None if isinstance(value, bool) else "should be true or false"


def _one_of(*words: str) -> Check:
    return lambda value: None if value in words else f"should be one of {', '.join(words)}"


def _addresses(value: object) -> str | None:
    try:
        if not isinstance(value, list) or not value:
            raise ValueError
        for each in value:
            ipaddress.ip_network(each, strict=False)
    except ValueError:
        return "should be a list of addresses and networks, like 203.0.113.0/24"
    return None


def _template(value: object) -> str | None:
    known = isinstance(value, dict) and value.keys() <= {"name", "language"}
    name = value.get("name") if isinstance(value, dict) else None
    language = value.get("language", "en") if isinstance(value, dict) else None
    good = (
        known
        and isinstance(name, str)
        and re.fullmatch(r"[a-z0-9_]{1,512}", name)
        and isinstance(language, str)
        and re.fullmatch(r"[a-zA-Z_]{2,12}", language)
    )
    return None if good else 'should be like {"name": "callbox_notice", "language": "en"}'


_CHAT_LINK = _matching(r"https?://[!-~]{1,500}", "where customers find the chat, like https://...")
_LANGUAGE = _matching(r"[a-z]{2,3}", "a language like en")


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a kind knows. `needed` are credentials without which nothing works."""

    settings: Mapping[str, Check] = field(default_factory=dict)
    credentials: Mapping[str, Check] = field(default_factory=dict)
    needed: frozenset[str] = frozenset()


_RULES: Mapping[str, _Kind] = {
    "ussd": _Kind(settings={"allowed_ips": _addresses, "language": _LANGUAGE}),
    "callback": _Kind(),
    "telegram": _Kind(
        settings={
            "polling": _flag,
            "typed_pin": _flag,
            "username": _matching(r"\w{5,32}", "the bot's name, 5 signs or more, without @"),
            "chat_link": _CHAT_LINK,
        },
        credentials={
            "token": _matching(
                r"\d{5,20}:[\w-]{10,100}",
                "a bot's token, like 110201543:AAHdq...",
            ),
            "webhook_secret": _matching(r"[\w-]{8,256}", "8 to 256 letters, digits, _ and -"),
        },
        needed=frozenset({"token", "webhook_secret"}),
    ),
    "whatsapp": _Kind(
        settings={
            "phone_number_id": _matching(r"\d{1,32}", "digits, as Meta shows it"),
            "api_version": _matching(r"(v\d{1,3}\.\d{1,2})?", "like v26.0, or empty"),
            "auth_header": _matching(r"[A-Za-z0-9-]{1,64}", "the name of a header, like X-Api-Key"),
            "verifier": _one_of("signature", "path"),
            "template": _template,
            "number": _matching(
                r"\+?\d{7,15}", "the number customers write to, like +2348031234567"
            ),
            "chat_link": _CHAT_LINK,
        },
        credentials={
            "access_token": _secret(8, 4096),
            "app_secret": _secret(8, 4096),
            "verify_token": _secret(8, 256),
        },
        needed=frozenset({"access_token"}),
    ),
}


def faults(channel: Channel, gateways: Mapping[str, Iterable[str]]) -> Iterable[tuple[str, str]]:
    """Each field that is wrong, and why; no value is quoted. The address is judged elsewhere."""
    if channel.kind not in KINDS or channel.kind not in gateways:
        known = ", ".join(kind for kind in KINDS if kind in gateways)
        yield "kind", f"should be one of {known}"
        return
    known_gateways = tuple(gateways[channel.kind])
    if channel.gateway not in known_gateways:
        yield "gateway", f"should be one of {', '.join(known_gateways)}"
    yield from _of_service_code(channel)
    yield from _of_settings(channel)
    yield from _of_credentials(channel)


def _of_service_code(channel: Channel) -> Iterable[tuple[str, str]]:
    if channel.kind == "ussd" and not _SERVICE_CODE.fullmatch(channel.service_code):
        yield "service_code", "should be what customers dial, like *347*100#"
    if channel.kind != "ussd" and channel.service_code:
        yield "service_code", "is for ussd only"


def _of_settings(channel: Channel) -> Iterable[tuple[str, str]]:
    rules = _RULES[channel.kind]
    for name, value in channel.settings.items():
        if name == BASE_URL:
            yield from _of_base_url(channel, value)
        elif name not in rules.settings:
            yield f"settings.{name}", f"is no setting of a {channel.kind} channel"
        elif wrong := rules.settings[name](value):
            yield f"settings.{name}", wrong
    if not _storable(channel.settings):
        yield "settings", "is too long, or holds characters that no text has"
    elif channel.kind == "whatsapp" and _needs_number(channel.settings):
        yield "settings.phone_number_id", "is required"


def _of_base_url(channel: Channel, value: object) -> Iterable[tuple[str, str]]:
    if channel.kind not in CHATS:
        yield BASE_URL, "is for chat channels only"
    elif not isinstance(value, str) or not _URL.fullmatch(value) or {"?", "#"} & {*value}:
        yield BASE_URL, "should be like https://host/path, without a password or a query"


def _of_credentials(channel: Channel) -> Iterable[tuple[str, str]]:
    rules = _RULES[channel.kind]
    for name, value in channel.credentials.items():
        if name not in rules.credentials:
            yield f"credentials.{name}", f"is no credential of a {channel.kind} channel"
        elif len(value) > _CREDENTIAL_CHARS_MAX or rules.credentials[name](value):
            wrong = rules.credentials[name](value) or "is too long"
            yield f"credentials.{name}", wrong
    for name in sorted(_needed(channel) - channel.credentials.keys()):
        yield f"credentials.{name}", "is required"


def _needed(channel: Channel) -> frozenset[str]:
    needed = _RULES[channel.kind].needed
    if channel.kind == "telegram" and channel.settings.get("polling") is True:
        return needed - {"webhook_secret"}
    if channel.kind == "whatsapp" and channel.settings.get("verifier") != "path":
        return needed | {"app_secret", "verify_token"}
    return needed


def _needs_number(settings: Mapping[str, object]) -> bool:
    if "phone_number_id" in settings:
        return False
    return settings.get("api_version") != "" or settings.get("verifier") != "path"


def _storable(settings: Mapping[str, object]) -> bool:
    """Whether the database takes it: no NUL, no half of a character."""
    try:
        written = json.dumps(dict(settings), ensure_ascii=False, allow_nan=False)
        size = len(written.encode())
    except (TypeError, ValueError):
        return False
    return size <= _SETTINGS_BYTES_MAX and "\\u0000" not in written
