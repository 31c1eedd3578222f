"""What a provider's configuration may look like, before anybody is asked."""

import json
import re
from collections.abc import Iterable, Mapping
from urllib.parse import urlsplit

from core.domain.providers import (
    CREDENTIALS,
    PRIORITY_MAX,
    RETRY_ATTEMPTS_MAX,
    TIMEOUT_S,
    ProviderConfig,
)

_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")
_URL = re.compile(r"https?://[A-Za-z0-9._:\[\]-]+(/[!-~]*)?")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,64}")
_VALUE_CHARS_MAX = 4096
_HEADERS_MAX = 20
_ENDPOINTS_BYTES_MAX = 20_000
# What the connection itself says; set by hand, it would break requests apart.
_NOT_OURS_TO_SET = frozenset(
    {"host", "connection", "content-length", "transfer-encoding", "te", "upgrade", "trailer"}
)
_HERE = frozenset({"localhost", "127.0.0.1", "::1"})


def check_fields(config: ProviderConfig) -> Iterable[tuple[str, str]]:
    """Each field that is wrong and why, in words that quote no value."""
    if not _NAME.fullmatch(config.key.provider):
        yield "provider", "should be small letters, digits and _, beginning with a letter"
    if not config.base_url:
        yield "base_url", "is required"
    elif not _URL.fullmatch(config.base_url) or {"?", "#"} & {*config.base_url}:
        yield "base_url", "should be like https://host/path, without a password or a query"
    low, high = TIMEOUT_S
    if not low <= config.timeout_s <= high:
        yield "timeout", f"should be {low} to {high} seconds"
    if not 0 <= config.retry_attempts <= RETRY_ATTEMPTS_MAX:
        yield "retry_attempts", f"should be 0 to {RETRY_ATTEMPTS_MAX}"
    if not 0 <= config.priority <= PRIORITY_MAX:
        yield "priority", f"should be 0 to {PRIORITY_MAX}"
    if not _storable(config.endpoints):
        yield "endpoints", "is too long, or holds characters that no text has"
    yield from _check_credentials(config.credentials)
    yield from _check_headers(config.headers)


def _check_credentials(credentials: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    for name, value in credentials.items():
        if name not in CREDENTIALS:
            yield name, "is no credential"
        elif not _sendable(value):
            yield name, "holds characters that no credential has"


def _check_headers(headers: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    if len(headers) > _HEADERS_MAX:
        yield "headers", f"should be at most {_HEADERS_MAX}"
    for name, value in headers.items():
        if not _HEADER.fullmatch(name) or name.lower() in _NOT_OURS_TO_SET:
            yield "headers", "holds a name that is no header to set"
        elif not _sendable(value):
            yield f"headers.{name}", "holds characters that no header has"


def _sendable(value: str) -> bool:
    return value.isascii() and value.isprintable() and len(value) <= _VALUE_CHARS_MAX


def _storable(endpoints: Mapping[str, object]) -> bool:
    """Whether the database takes it: no NUL, no half of a character."""
    written = json.dumps(endpoints, ensure_ascii=False)
    try:
        size = len(written.encode())
    except UnicodeEncodeError:
        return False
    return size <= _ENDPOINTS_BYTES_MAX and "\\u0000" not in written


def places(config: ProviderConfig) -> Mapping[str, str]:
    """Where it has us call: each address by the field that it stands in."""
    found = {"base_url": config.base_url}
    _collect(config.endpoints, "endpoints", found)
    return found


def new_places(before: ProviderConfig, after: ProviderConfig) -> bool:
    """Whether `after` has us call a host that `before` did not."""
    known = {host_of(url) for url in places(before).values()}
    return any(host_of(url) not in known for url in places(after).values())


def host_of(url: str) -> str:
    """The host of an address; all names of this machine are one."""
    host = urlsplit(url).hostname or ""
    return "localhost" if host in _HERE else host


def _collect(value: object, place: str, found: dict[str, str]) -> None:
    if isinstance(value, str) and "://" in value:
        found[place] = value
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            _collect(inner, f"{place}.{name}", found)
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _collect(inner, f"{place}.{number}", found)
