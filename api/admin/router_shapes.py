"""How routers are written in requests and answers."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from api.admin.envelope import Answer, Words
from core.domain.capacity import Outlook
from core.domain.hotspot import Router, RouterStatus, fullest
from core.ports.router_history import HistoryPoint, Watched
from core.services.router_desk import RouterFields, Tested
from core.services.router_figures import Room
from core.services.router_import import LineStatus, LineTold
from core.services.router_words import ATTENTION, StepTold, examined, of_miss

_Pem = Annotated[str, StringConstraints(max_length=20_000, pattern=r"^[^\x00]*$")]


class AccessBody(BaseModel):
    """How a router's API is reached. Without a port it is 8728, or 8729 with `tls`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    host: Words | None = None
    port: int | None = None
    username: Words | None = None
    password: SecretStr | None = Field(None, max_length=200)
    tls: bool | None = None
    certificate: _Pem | None = Field(None, description="PEM that its certificate comes from.")

    def fields(self) -> RouterFields:
        """What was given; null counts as not given, but where it takes something away."""
        given = self.model_dump(exclude_unset=True)
        password = given.pop("password", None)
        kept = {
            name: value for name, value in given.items() if value is not None or name in _CLEARED
        }
        if password is not None:
            kept["password"] = password.get_secret_value()
        return cast("RouterFields", kept)


_CLEARED = frozenset({"latitude", "longitude", "active_users_max", "bandwidth_max_bps"})


class RouterBody(AccessBody):
    """What to set. What is left out stays as it is; null takes a limit or coordinates away.

    `group`: routers of one group sell for each other. `bandwidth_max_bps` is in bits a second, one
    way. `login_url` is the hotspot's page, like `http://wifi.lan/login`.
    """

    name: Annotated[str, StringConstraints(max_length=80, pattern=r"^[^\x00]*$")] | None = None
    server: Words | None = None
    login_url: Words | None = None
    location: Words | None = None
    latitude: float | None = None
    longitude: float | None = None
    group: Words | None = None
    active_users_max: int | None = None
    bandwidth_max_bps: int | None = None
    addresses_used_max_percent: int | None = None
    selling: bool | None = Field(None, alias="is_selling")


class RouterShown(Answer):
    """A router without its secrets.

    `attention` is why it needs a person, `remedy` what to do. `fullest` names the limit that is
    nearest, `full_percent` how much of it is taken.
    """

    id: UUID
    name: str
    host: str
    port: int
    username: str
    tls: bool
    has_certificate: bool
    server: str
    login_url: str
    location: str
    latitude: float | None
    longitude: float | None
    group: str
    active_users_max: int | None
    bandwidth_max_bps: int | None
    addresses_used_max_percent: int
    is_selling: bool
    status: RouterStatus
    status_since: dt.datetime | None
    seen_at: dt.datetime | None
    attention: str
    remedy: str
    serial: str
    active_users: int
    bandwidth_bps: int
    addresses_used: int
    addresses_total: int
    fullest: str
    full_percent: int


def shown(router: Router) -> RouterShown:
    access, place, limits, load = router.access, router.place, router.limits, router.load
    name, part = fullest(limits, load)
    return RouterShown(
        id=router.id,
        name=router.name,
        host=access.host,
        port=access.port,
        username=access.username,
        tls=access.tls,
        has_certificate=bool(access.certificate),
        server=router.server,
        login_url=router.login_url,
        location=place.location,
        latitude=place.latitude,
        longitude=place.longitude,
        group=router.group,
        active_users_max=limits.active_users_max,
        bandwidth_max_bps=limits.bandwidth_max_bps,
        addresses_used_max_percent=limits.addresses_used_max_percent,
        is_selling=router.selling,
        status=router.status,
        status_since=router.status_since,
        seen_at=router.seen_at,
        attention=router.attention,
        remedy=ATTENTION.get(router.attention, ""),
        serial=router.serial,
        active_users=load.active_users,
        bandwidth_bps=load.bandwidth_bps,
        addresses_used=load.addresses_used,
        addresses_total=load.addresses_total,
        fullest=name,
        full_percent=round(100 * part),
    )


class StepShown(Answer):
    step: str
    about: str
    status: Literal["passed", "failed", "not_reached"]
    cause: str | None
    remedy: str | None
    facts: Mapping[str, str]


class RouterTest(Answer):
    """Every step; the first five stop at the first that fails, the last three fail alone."""

    ok: bool
    elapsed_ms: int
    steps: list[StepShown]


def tested(found: Tested) -> RouterTest:
    steps = [_step(step) for step in examined(found.examination)]
    return RouterTest(ok=found.examination.well, elapsed_ms=found.elapsed_ms, steps=steps)


def _step(told: StepTold) -> StepShown:
    return StepShown(
        step=told.name,
        about=told.about,
        status=cast("Literal['passed', 'failed', 'not_reached']", told.status),
        cause=told.cause or None,
        remedy=told.remedy or None,
        facts=told.facts,
    )


class ImportLine(Answer):
    """One line of the file; `errors` by column."""

    line: int
    name: str
    status: LineStatus
    router_id: UUID | None
    errors: Mapping[str, str]


class ImportReport(Answer):
    added: int
    exists: int
    wrong: int
    lines: list[ImportLine]


def reported(lines: Sequence[LineTold]) -> ImportReport:
    def count(*statuses: LineStatus) -> int:
        return sum(line.status in statuses for line in lines)

    return ImportReport(
        added=count(LineStatus.ADDED),
        exists=count(LineStatus.EXISTS),
        wrong=count(LineStatus.WRONG),
        lines=[
            ImportLine(
                line=each.line,
                name=each.name,
                status=each.status,
                router_id=each.router_id,
                errors=each.wrong,
            )
            for each in lines
        ],
    )


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
