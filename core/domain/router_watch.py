"""How looks at a router make its status, and what operators are told of it. Pure.

A look is one round of questions. One miss is DEGRADED, three in a row OFFLINE; the first answer
after that is RECOVERING, the next one ONLINE. What only a person can put right needs attention at
once, and for as long as it lasts.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.domain.hotspot import NEAR, Limits, Load, RouterStatus, fullest
from core.domain.routers import Interface, Statistics

MISSES_OFFLINE = 3
DRIFT_MAX_S = 60
"""A router's clock may be so far from ours; more, and what it does by the hour is wrong."""

CLEAR = 0.85
"""A router that was near a limit is so until it is below this part of it."""

TOLD_EVERY_S = 900.0
"""The same trouble of a router that comes and goes is told so often at most."""

RESET = "reset"
"""The attention that a router needs which lost its users, or is another box."""

_BPS_MAX = 10**15  # a counter that says more is wrong
_REBOOT_SLACK_S = 2.0
_CLOCKS_DIFFER = 0.001  # more than two clocks that run can come apart


@dataclass(frozen=True, slots=True)
class Standing:
    """How a router stands: what a look changes."""

    status: RouterStatus
    misses: int = 0
    attention: str = ""


def after_answer(before: Standing, attention: str = "") -> Standing:
    """It answered. `attention`: what is wrong with it all the same, or ""."""
    if attention:
        return Standing(RouterStatus.NEEDS_ATTENTION, 0, attention)
    match before.status:
        case RouterStatus.OFFLINE | RouterStatus.NEEDS_ATTENTION:
            return Standing(RouterStatus.RECOVERING)
        case _:
            return Standing(RouterStatus.ONLINE)


def after_miss(before: Standing) -> Standing:
    """It did not answer. What needs a person needs one still."""
    misses = before.misses + 1
    if before.status is RouterStatus.NEEDS_ATTENTION:
        return replace(before, misses=misses)
    if misses >= MISSES_OFFLINE or before.status is RouterStatus.OFFLINE:
        return Standing(RouterStatus.OFFLINE, misses)
    return Standing(RouterStatus.DEGRADED, misses)


@dataclass(frozen=True, slots=True)
class Rates:
    """Bits a second since the look before, of the interface that carries most."""

    rx_bps: int = 0
    tx_bps: int = 0

    @property
    def bandwidth_bps(self) -> int:
        """The fuller of its two directions: what a link is full by."""
        return max(self.rx_bps, self.tx_bps)


def rates(
    before: Mapping[str, tuple[int, int]], now: Sequence[Interface], elapsed_s: float
) -> Rates:
    """How busy the busiest interface was.

    Interfaces whose counters went back (the router restarted) or that are new tell nothing yet.

    Args:
        before: Bytes received and sent, by the interface's name.
        now: As they are now.
        elapsed_s: Between the two.
    """
    if elapsed_s <= 0:
        return Rates()
    busiest = Rates()
    for interface in now:
        if interface.name not in before:
            continue
        rx, tx = before[interface.name]
        if interface.rx_bytes < rx or interface.tx_bytes < tx:
            continue
        found = Rates(
            min(round((interface.rx_bytes - rx) * 8 / elapsed_s), _BPS_MAX),
            min(round((interface.tx_bytes - tx) * 8 / elapsed_s), _BPS_MAX),
        )
        busiest = max(busiest, found, key=lambda each: each.bandwidth_bps)
    return busiest


def restarted(
    uptime_before_s: int, uptime_s: int, elapsed_s: float, looks_took_s: float = 0.0
) -> bool:
    """Whether the router has begun anew since the look before.

    It was up less long than it should be by now. `looks_took_s`: how long the answers of both
    looks took together, as each was true at some moment of it.
    """
    slack_s = _REBOOT_SLACK_S + looks_took_s + elapsed_s * _CLOCKS_DIFFER
    return uptime_s < uptime_before_s or uptime_s + slack_s < uptime_before_s + elapsed_s


def drift_s(statistics: Statistics, now: dt.datetime) -> int:
    """How far the router's clock is ahead of ours, in whole seconds."""
    return round((statistics.clock.at - now).total_seconds())


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that operators are told of: `kind` is an alert's."""

    kind: str
    facts: Mapping[str, str | int | float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Telling:
    """When operators were last told of a kind of trouble, and whether it stands open."""

    at: dt.datetime
    open: bool


OFFLINE, ATTENTION, FULL, CLOCK = (
    "router_offline",
    "router_attention",
    "router_full",
    "router_clock",
)
KINDS = (OFFLINE, ATTENTION, FULL, CLOCK)


def troubles(
    standing: Standing,
    limits: Limits,
    load: Load,
    drift: int | None,
    told: Mapping[str, Telling],
) -> list[Trouble]:
    """What is wrong now. `drift` is None where the clock was not read: then as it was told."""
    found = []
    if standing.status is RouterStatus.OFFLINE:
        found.append(Trouble(OFFLINE))
    # Who compares the vouchers tells of a reset itself.
    if standing.status is RouterStatus.NEEDS_ATTENTION and standing.attention != RESET:
        found.append(Trouble(ATTENTION, {"why": standing.attention}))
    name, part = fullest(limits, load)
    was_full = FULL in told and told[FULL].open
    if part >= (CLEAR if was_full else NEAR):
        found.append(Trouble(FULL, {"limit": name, "percent": round(100 * part)}))
    if drift is None:
        if CLOCK in told and told[CLOCK].open:
            found.append(Trouble(CLOCK))
    elif abs(drift) > DRIFT_MAX_S:
        found.append(Trouble(CLOCK, {"ahead_s": drift}))
    return found


@dataclass(frozen=True, slots=True)
class ToTell:
    """What changes for operators: what to open, what to close, and what they were told then."""

    opened: tuple[Trouble, ...]
    closed: tuple[str, ...]
    told: Mapping[str, Telling]


def to_tell(told: Mapping[str, Telling], found: Sequence[Trouble], now: dt.datetime) -> ToTell:
    """Told on transitions only; trouble that comes and goes waits until its time has passed."""
    standing = {trouble.kind: trouble for trouble in found}
    after = dict(told)
    opened = []
    for kind, trouble in standing.items():
        before = told.get(kind)
        if before is not None and before.open:
            continue
        if before is not None and (now - before.at).total_seconds() < TOLD_EVERY_S:
            continue
        opened.append(trouble)
        after[kind] = Telling(now, open=True)
    closed = tuple(kind for kind, was in told.items() if was.open and kind not in standing)
    for kind in closed:
        after[kind] = Telling(told[kind].at, open=False)
    return ToTell(tuple(opened), closed, after)
