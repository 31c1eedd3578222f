"""How routers are written in requests and answers."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal, cast
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from api.admin.envelope import NO_NUL, Answer, Words
from core.domain.hotspot import Router, RouterStatus, fullest
from core.services.router_desk import RouterFields, Tested
from core.services.router_import import LineStatus, LineTold
from core.services.router_words import ATTENTION, StepTold, examined

_Pem = Annotated[str, StringConstraints(max_length=20_000, pattern=NO_NUL)]


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

    name: Annotated[str, StringConstraints(max_length=80, pattern=NO_NUL)] | None = None
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


class LetGo(BaseModel):
    """`users`: at most so many, as the alert told. `confirm` is the router's name, typed."""

    model_config = ConfigDict(extra="forbid")

    users: int = Field(gt=0, le=1_000_000)
    confirm: Words


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
    sells_nothing: str
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


def shown(router: Router, why_nothing: str) -> RouterShown:
    """`why_nothing`: see `core.services.vouchers.Vouchers.why_nothing`."""
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
        sells_nothing=why_nothing,
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
