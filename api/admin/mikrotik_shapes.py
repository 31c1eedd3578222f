"""How what is on a router is written in requests and answers."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from api.admin.envelope import Answer, Words
from core.kit.expected import shaped
from core.ports.router_upkeep import Bulk, BulkKind, BulkUser
from core.services.router_bulks import USERS_MAX
from core.services.router_control import ShownSession, ShownUser

_LINE = shaped(r"^[^\x00-\x1f]+$", "should be one line, like ada")
Name = Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=_LINE)]
_Limit = Annotated[int, Field(ge=0)]


class InterfaceShown(Answer):
    """Bytes are since the router started."""

    name: str
    kind: str
    running: bool
    disabled: bool
    mac: str
    rx_bytes: int
    tx_bytes: int
    comment: str


class Interfaces(Answer):
    measured_at: dt.datetime | None
    age_s: int | None
    interfaces: list[InterfaceShown]


class TrafficShown(Answer):
    interface: str
    rx_bps: int
    tx_bps: int


class UserBody(BaseModel):
    """A hotspot user made by hand; limits of 0 are none."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    name: Name
    password: SecretStr = Field(SecretStr(""), max_length=64)
    profile: Name = "default"
    comment: Words = ""
    uptime_limit_s: _Limit = 0
    bytes_limit: _Limit = 0
    disabled: bool = False

    def bulk(self) -> BulkUser:
        return BulkUser(
            self.name,
            self.password.get_secret_value(),
            self.profile,
            self.comment,
            self.uptime_limit_s,
            self.bytes_limit,
            self.disabled,
        )


class UserChangeBody(BaseModel):
    """What to set. What is left out stays as it is."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    password: SecretStr | None = Field(None, max_length=64)
    profile: Name | None = None
    comment: Words | None = None
    uptime_limit_s: _Limit | None = None
    bytes_limit: _Limit | None = None
    disabled: bool | None = None


class BulkBody(BaseModel):
    """What to do to many: `create` takes `users`, the others take `names`."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    action: BulkKind
    users: list[UserBody] = Field([], max_length=USERS_MAX)
    names: list[Name] = Field([], max_length=USERS_MAX)


class UserShown(Answer):
    """`is_voucher`: one of ours, by the beginning of its code; it is changed as a voucher."""

    name: str
    is_voucher: bool
    server: str
    profile: str
    comment: str
    disabled: bool
    uptime_limit_s: int
    bytes_limit: int
    uptime_s: int
    bytes_used: int


class Users(Answer):
    """`stale` is true while the router is away: then this is what it last had."""

    read_at: dt.datetime
    stale: bool
    total: int
    users: list[UserShown]


class SessionShown(Answer):
    """`id` is good for as long as the session lasts."""

    id: str
    user: str
    server: str
    address: str
    mac: str
    login_by: str
    uptime_s: int
    time_left_s: int | None
    bytes_in: int
    bytes_out: int


class Kicked(Answer):
    sessions: int


class BulkShown(Answer):
    """How far it is: `done` of `total`; `failed` says why by the place in the list, from 1."""

    id: UUID
    action: BulkKind
    status: str
    total: int
    done: int
    failed: dict[int, str]
    created_at: dt.datetime
    created_by: str
    ended_at: dt.datetime | None


def user_shown(shown: ShownUser) -> UserShown:
    user = shown.user
    return UserShown(
        name=shown.name,
        is_voucher=shown.voucher,
        server=user.server,
        profile=user.profile,
        comment=user.comment,
        disabled=user.disabled,
        uptime_limit_s=user.uptime_limit_s,
        bytes_limit=user.bytes_limit,
        uptime_s=user.uptime_s,
        bytes_used=user.bytes_in + user.bytes_out,
    )


def session_shown(shown: ShownSession) -> SessionShown:
    session = shown.session
    fields = {name: getattr(session, name) for name in SessionShown.model_fields if name != "user"}
    return SessionShown(**fields, user=shown.user)


def bulk_shown(bulk: Bulk) -> BulkShown:
    return BulkShown(
        id=bulk.id,
        action=bulk.kind,
        status=bulk.state,
        total=bulk.total,
        done=bulk.done,
        failed=dict(bulk.failed),
        created_at=bulk.created_at,
        created_by=bulk.created_by,
        ended_at=bulk.ended_at,
    )
