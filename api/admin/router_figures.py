"""How a router's figures are written: what was measured, the history, and what may run out."""

import datetime as dt

from api.admin.envelope import Answer
from core.domain.capacity import Outlook
from core.domain.hotspot import RouterStatus
from core.ports.router_history import HistoryPoint, Watched
from core.services.router_figures import Room
from core.services.router_words import of_miss


class System(Answer):
    """Of the router itself. Sizes in bytes, shares in percent."""

    version: str
    board: str
    architecture: str
    uptime_s: int
    cpu_percent: int
    cpu_count: int
    memory_used_percent: int
    memory_total: int
    disk_free: int
    disk_total: int
    clock_ahead_s: int | None


class Figures(Answer):
    """What monitoring read last, `age_s` ago. `missed` says why it is not fresher."""

    status: RouterStatus
    measured_at: dt.datetime | None
    age_s: int | None
    missed: str | None
    misses: int
    answered_in_ms: int | None
    system: System | None
    active_users: int
    rx_bps: int
    tx_bps: int
    addresses_used: int
    addresses_total: int


def figures(watched: Watched, age_s: int | None) -> Figures:
    last = watched.last
    return Figures(
        status=watched.router.status,
        measured_at=last.at,
        age_s=age_s,
        missed=of_miss(watched.missed) if watched.missed else None,
        misses=watched.misses,
        answered_in_ms=last.took_ms if last.at else None,
        system=_system(watched),
        active_users=last.active_users,
        rx_bps=last.rx_bps,
        tx_bps=last.tx_bps,
        addresses_used=last.addresses_used,
        addresses_total=last.addresses_total,
    )


def _system(watched: Watched) -> System | None:
    last, resource = watched.last, watched.last.resource
    if resource is None:
        return None
    return System(
        version=resource.version,
        board=resource.board,
        architecture=resource.architecture,
        uptime_s=resource.uptime_s,
        cpu_percent=resource.cpu_load,
        cpu_count=resource.cpu_count,
        memory_used_percent=last.memory_used_percent,
        memory_total=resource.memory_total,
        disk_free=resource.disk_free,
        disk_total=resource.disk_total,
        clock_ahead_s=last.drift_s,
    )


class Point(Answer):
    """One look, or an hour of them: the highest figures. `answered` of `looks` were answered."""

    at: dt.datetime
    looks: int
    answered: int
    active_users: int
    rx_bps: int
    tx_bps: int
    cpu_mean: float
    cpu_max: int
    memory_used_percent: int
    addresses_used: int
    warnings: int


class Statistics(Figures):
    """With the history: `history_by` is `look` for up to two days, else `hour`."""

    history_by: str
    history: list[Point]


def point(found: HistoryPoint) -> Point:
    return Point(
        at=found.at,
        looks=found.looks,
        answered=found.answered,
        active_users=found.active_users_max,
        rx_bps=found.rx_bps_max,
        tx_bps=found.tx_bps_max,
        cpu_mean=found.cpu_mean,
        cpu_max=found.cpu_max,
        memory_used_percent=found.memory_used_max,
        addresses_used=found.addresses_used_max,
        warnings=found.warnings,
    )


class Capacity(Answer):
    """One thing that may run out, and when by a straight line; `forecast` says it in words."""

    name: str
    taken: int
    limit: int | None
    percent: int
    near: bool
    outlook: Outlook
    grows_a_day: float
    days_left: float | None
    full_on: dt.date | None
    fit: float
    days_seen: int
    forecast: str


def room(found: Room) -> Capacity:
    told = found.forecast
    return Capacity(
        name=found.name,
        taken=found.taken,
        limit=found.most,
        percent=round(100 * found.part),
        near=found.near,
        outlook=told.outlook,
        grows_a_day=told.a_day,
        days_left=told.days_left,
        full_on=told.on,
        fit=told.fit,
        days_seen=told.days_seen,
        forecast=found.words,
    )


class LogShown(Answer):
    """`time` is the router's own. Names of who logged in are left out: they may be codes."""

    time: str
    topics: list[str]
    message: str


class Logs(Answer):
    """`live` is false while the router is away: then these are the last warnings that were kept."""

    live: bool
    lines: list[LogShown]
