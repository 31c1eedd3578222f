"""Hotspot plans, and the routers that they are sold on: frozen values and what follows from them.

Sizes are in bytes, rates in bits a second, durations in whole seconds; 0 is without limit. Times
are by our own clock, never by a router's.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from uuid import UUID

from core.domain.routers import RouterAccess, UserProfile

MIB = 1024**2
GIB = 1024**3
HOUR_S = 3600
DAY_S = 24 * HOUR_S

_PLAN_CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{0,31}")
_GROUP = re.compile(r"[\w .-]{0,64}")
_ROUNDS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))


class CodeStyle(StrEnum):
    """What codes look like. Guessing is fought by their length alone: RouterOS has no lockout."""

    STANDARD = "standard"  # 10 letters and digits, 49 bits
    SHORT = "short"  # 8 of them, 39 bits: for plans of an hour, few of them out at once
    DIGITS = "digits"  # 12 digits, 40 bits: typed on a telephone's keys


@dataclass(frozen=True, slots=True)
class Terms:
    """What a voucher is good for. A voucher keeps those it was made with, whatever comes later.

    Attributes:
        data_bytes: Both ways together, over all sessions.
        online_s: Time online, over all sessions.
        validity_s: From the first login on, online or not.
        ends_at: The moment it ends whatever was used.
        down_bps, up_bps: As the customer sees it.
        shared_users: Devices at once.
    """

    data_bytes: int = 0
    online_s: int = 0
    validity_s: int = 0
    ends_at: dt.datetime | None = None
    down_bps: int = 0
    up_bps: int = 0
    shared_users: int = 1

    @property
    def profile(self) -> UserProfile:
        """The profile that a router needs for it; equal speed and sharing, the same profile."""
        rate = (
            ""
            if not (self.up_bps or self.down_bps)
            else f"{_bps(self.up_bps)}/{_bps(self.down_bps)}"
        )
        name = f"callbox-{rate.replace('/', '-') or 'full'}-{self.shared_users}"
        return UserProfile(name, shared_users=self.shared_users, rate_limit=rate)

    @property
    def wrong(self) -> str | None:
        """What is wrong with them, in words, or None."""
        for name, most in _MOST.items():
            if not 0 <= getattr(self, name) <= most:
                return f"{name}: should be 0 to {most}"
        if not 1 <= self.shared_users <= _SHARED_MAX:
            return f"shared_users: should be 1 to {_SHARED_MAX}"
        if self.ends_at is not None and self.ends_at >= _LAST_END:
            return f"ends_at: should be before {_LAST_END:%Y}"
        if not (self.data_bytes or self.online_s or self.validity_s or self.ends_at):
            return "data, online time, validity or an end date: one is required"
        return None

    def kept(self) -> dict[str, int | str]:
        """As the store keeps them: only what is not the default."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value.isoformat() if isinstance(value, dt.datetime) else value
            for name, value in told.items()
            if value != _DEFAULTS[name]
        }

    @classmethod
    def of(cls, kept: Mapping[str, object]) -> "Terms":
        """Those that were kept."""
        told = {name: kept[name] for name in cls.__slots__ if name in kept}
        if "ends_at" in told:
            told["ends_at"] = dt.datetime.fromisoformat(str(told["ends_at"]))
        return cls(**told)  # type: ignore[arg-type]  # what `kept` wrote


_SHARED_MAX = 50
_LONGEST_S = 10 * 366 * DAY_S
_MOST: Mapping[str, int] = MappingProxyType(
    {
        "data_bytes": 1024 * 1024 * GIB,
        "online_s": _LONGEST_S,
        "validity_s": _LONGEST_S,
        "down_bps": 10**12,
        "up_bps": 10**12,
    }
)
"""More than anybody sells, and less than what routers, databases and calendars can count."""
_LAST_END = dt.datetime(2100, 1, 1, tzinfo=dt.UTC)
_DEFAULTS: Mapping[str, object] = {name: getattr(Terms(), name) for name in Terms.__slots__}


def _bps(rate: int) -> str:
    """A rate as RouterOS writes it: 2M, 512k."""
    for unit, letter in _ROUNDS:
        if rate and rate % unit == 0:
            return f"{rate // unit}{letter}"
    return str(rate)


@dataclass(frozen=True, slots=True)
class HotspotPlan:
    """What can be bought at a hotspot.

    Attributes:
        code: The tenant's own name of it: `1GB-DAILY`.
        price_minor: What the customer pays; 0 is not sold to customers, for operators' batches.
        router_id, group: Where it is sold: at one router, in a group, or everywhere.
        pooled: Whether routers are given a few vouchers before anybody buys them, so that they
            work at once even while a router cannot be reached. A stolen router has them too.
        version: Counts changes of what is sold; vouchers of an earlier one are not sold any more.
    """

    id: UUID
    tenant_id: UUID
    code: str
    name: str
    terms: Terms
    price_minor: int
    currency: str
    router_id: UUID | None = None
    group: str = ""
    code_style: CodeStyle = CodeStyle.STANDARD
    pooled: bool = True
    active: bool = True
    version: int = 1

    @property
    def wrong(self) -> str | None:
        """What is wrong with it, in words, or None."""
        if not _PLAN_CODE.fullmatch(self.code):
            return "code: should be capital letters, digits and '-', like 1GB-DAILY"
        if not self.name.strip():
            return "name: is required"
        if self.price_minor < 0:
            return "price: should not be below zero"
        if self.router_id is not None and self.group:
            return "router, group: one of them"
        return self.terms.wrong

    def sold_at(self, router: "Router") -> bool:
        if self.router_id is not None:
            return self.router_id == router.id
        return self.group in ("", router.group)


@dataclass(frozen=True, slots=True)
class StandardProfile:
    name: str
    terms: Terms


STANDARD_PROFILES: Mapping[str, StandardProfile] = MappingProxyType(
    {
        "1GB-DAILY": StandardProfile("1 GB, 1 day", Terms(GIB, validity_s=DAY_S)),
        "5GB-WEEKLY": StandardProfile("5 GB, 7 days", Terms(5 * GIB, validity_s=7 * DAY_S)),
        "20GB-MONTHLY": StandardProfile("20 GB, 30 days", Terms(20 * GIB, validity_s=30 * DAY_S)),
        "UNLIMITED-DAILY": StandardProfile("Unlimited, 1 day", Terms(validity_s=DAY_S)),
        "UNLIMITED-WEEKLY": StandardProfile("Unlimited, 7 days", Terms(validity_s=7 * DAY_S)),
        "UNLIMITED-MONTHLY": StandardProfile("Unlimited, 30 days", Terms(validity_s=30 * DAY_S)),
    }
)
"""What every tenant can sell once it has set a price."""


class RouterStatus(StrEnum):
    """How a router fares, as monitoring last found it."""

    ONLINE = "online"
    DEGRADED = "degraded"  # it missed one look
    OFFLINE = "offline"  # it missed three
    RECOVERING = "recovering"  # it answers again, and is being compared with our books
    NEEDS_ATTENTION = "needs_attention"  # only a person can put it right: reset, locked, refused

    @property
    def reachable(self) -> bool:
        return self in {RouterStatus.ONLINE, RouterStatus.DEGRADED, RouterStatus.RECOVERING}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a router stands. Coordinates in degrees (WGS 84), both or neither."""

    location: str = ""
    latitude: float | None = None
    longitude: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a router takes; None is any number. Selling stops near them."""

    active_users_max: int | None = None
    bandwidth_max_bps: int | None = None
    addresses_used_max_percent: int = 95


@dataclass(frozen=True, slots=True)
class Load:
    """What monitoring last measured. `addresses_total` 0: it was not told."""

    active_users: int = 0
    bandwidth_bps: int = 0
    addresses_used: int = 0
    addresses_total: int = 0
    at: dt.datetime | None = None


NEAR = 0.9
"""From this part of a limit on, a router is full for who has not bought yet."""


def fullest(limits: Limits, load: Load) -> tuple[str, float]:
    """The limit that is nearest, by name, and how much of it is taken (1.0 is all)."""
    parts = {
        "active_users": _part(load.active_users, limits.active_users_max),
        "bandwidth": _part(load.bandwidth_bps, limits.bandwidth_max_bps),
        "addresses": _part(
            load.addresses_used, load.addresses_total * limits.addresses_used_max_percent / 100
        ),
    }
    name = max(parts, key=lambda each: parts[each])
    return name, parts[name]


def _part(taken: float, most: float | None) -> float:
    return taken / most if most else 0.0


@dataclass(frozen=True, slots=True)
class Router:
    """A router of a tenant, and the hotspot on it.

    Attributes:
        server: The hotspot server that vouchers are made for; one, always the same.
        login_url: The page where customers log in, like `http://wifi.lan/login`; "" is unknown.
        group: Routers that sell for each other, by a name; "" is none.
        selling: Whether operators let it sell.
        status_since: When the status became what it is.
        seen_at: When it last answered.
        serial: Of the box that was there last; another one is another box.
        attention: Why it needs a person, a short stable word; "" when it does not.
    """

    id: UUID
    tenant_id: UUID
    name: str
    access: RouterAccess
    server: str = "hotspot1"
    login_url: str = ""
    place: Place = field(default_factory=Place)
    group: str = ""
    limits: Limits = field(default_factory=Limits)
    selling: bool = True
    status: RouterStatus = RouterStatus.OFFLINE
    status_since: dt.datetime | None = None
    seen_at: dt.datetime | None = None
    load: Load = field(default_factory=Load)
    serial: str = ""
    attention: str = ""

    @property
    def proven(self) -> bool:
        """It was reached once at least, so that what is set of it has worked."""
        return self.seen_at is not None or self.status.reachable

    @property
    def full(self) -> bool:
        return fullest(self.limits, self.load)[1] >= NEAR

    @property
    def wrong(self) -> str | None:
        """What is wrong with it, in words, or None."""
        if not self.name.strip():
            return "name: is required"
        if not self.access.host:
            return "host: is required"
        if not self.server or self.server == "all":
            return "server: should be one hotspot server by its name"
        if not _GROUP.fullmatch(self.group):
            return "group: should be letters, digits, spaces, '.', '_' and '-', at most 64"
        if (self.place.latitude is None) != (self.place.longitude is None):
            return "latitude, longitude: both or neither"
        return None
