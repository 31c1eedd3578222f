"""A hotspot router as we see it: what is kept on it, and how it fares. Frozen values.

Sizes are in bytes, rates in bits a second, durations in whole seconds; 0 as a limit is none. The
router's own clock is never trusted: no value here but `RouterClock` comes from it.
"""

import datetime as dt
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class RouterAccess:
    """How a router's API is reached.

    Attributes:
        tls: The api-ssl service.
        certificate: PEM that the router's certificate must come from: its own or a private
            authority's. Empty trusts the public authorities, and checks the host's name.
    """

    host: str
    username: str
    password: str = field(repr=False)
    port: int = 8728
    tls: bool = False
    certificate: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class NewUser:
    """A hotspot user to be made. `server` is one of the router's: the same always.

    Names are unique per name and server, so a code under `all` and under a server would be two.
    """

    name: str = field(repr=False)
    password: str = field(repr=False)
    server: str
    profile: str
    comment: str = ""
    uptime_limit_s: int = 0
    bytes_limit: int = 0
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class UserRef:
    """A hotspot user by its name, and proof that it is meant: its comment begins with `mark`.

    An empty mark means whoever has that name: for an operator who names it, never for a job. An
    empty server, for who is to go, means whichever it is on.
    """

    name: str = field(repr=False)
    server: str
    mark: str


@dataclass(frozen=True, slots=True)
class UserChange:
    """What is to be different; None leaves a thing as it is."""

    password: str | None = field(default=None, repr=False)
    profile: str | None = None
    comment: str | None = None
    uptime_limit_s: int | None = None
    bytes_limit: int | None = None
    disabled: bool | None = None


@dataclass(frozen=True, slots=True)
class HotspotUser:
    """A hotspot user as the router has it. What it used is told without its running sessions.

    Attributes:
        id: The router's own, good for as long as nobody resets the router; never kept.
    """

    id: str
    name: str = field(repr=False)
    server: str
    profile: str
    comment: str
    disabled: bool
    uptime_limit_s: int
    bytes_limit: int
    uptime_s: int
    bytes_in: int
    bytes_out: int

    def bears(self, mark: str) -> bool:
        return self.comment.startswith(mark)


@dataclass(frozen=True, slots=True)
class UserProfile:
    """A hotspot user profile: speed, sharing, timeouts.

    Attributes:
        rate_limit: RouterOS's own words, `rx/tx` as the router sees it: the customer's upload
            first. Empty is as fast as it goes.
        shared_users: Sessions at once; None is any number.
        session_timeout_s: Of one session.
    """

    name: str
    shared_users: int | None = 1
    rate_limit: str = ""
    session_timeout_s: int = 0
    keepalive_timeout_s: int = 120
    mac_cookie: bool = True


@dataclass(frozen=True, slots=True)
class ActiveSession:
    """Somebody who is online. `time_left_s` is None where only the customer ends it."""

    id: str
    user: str = field(repr=False)
    server: str
    address: str
    mac: str
    login_by: str
    uptime_s: int
    time_left_s: int | None
    bytes_in: int
    bytes_out: int


@dataclass(frozen=True, slots=True)
class HotspotServer:
    """A hotspot, and the page where customers log in.

    Attributes:
        usable: Enabled, and not held back by the router itself (device-mode, a lost interface).
        login_by: How it lets log in: `http-pap` is needed for a link that holds the code.
    """

    name: str
    interface: str
    pool: str
    usable: bool
    dns_name: str
    address: str
    login_by: frozenset[str]
    uses_radius: bool


@dataclass(frozen=True, slots=True)
class AddressPool:
    name: str
    size: int
    used: int


@dataclass(frozen=True, slots=True)
class Interface:
    """Counters are since the router started."""

    id: str
    name: str
    kind: str
    running: bool
    disabled: bool
    mac: str
    rx_bytes: int
    tx_bytes: int
    comment: str


@dataclass(frozen=True, slots=True)
class Traffic:
    """What goes through an interface this second."""

    interface: str
    rx_bps: int
    tx_bps: int


@dataclass(frozen=True, slots=True)
class Resource:
    """`version` is as printed, like `7.18.2 (stable)`; `cpu_load` in percent."""

    uptime_s: int
    version: str
    board: str
    architecture: str
    cpu_load: int
    cpu_count: int
    memory_free: int
    memory_total: int
    disk_free: int
    disk_total: int


@dataclass(frozen=True, slots=True)
class Identity:
    """`serial` tells one box from another; empty where there is none, as on a virtual one."""

    name: str
    serial: str
    model: str


@dataclass(frozen=True, slots=True)
class RouterClock:
    """The router's own time, aware, and its zone. What it is off by is ours to tell."""

    at: dt.datetime
    zone: str


@dataclass(frozen=True, slots=True)
class DeviceMode:
    """What the device-mode allows. Routers without one allow all, under the mode `none`."""

    mode: str
    hotspot: bool
    scheduler: bool
    fetch: bool


@dataclass(frozen=True, slots=True)
class LogLine:
    """`time` is the router's own word for it. `message` may hold the code of whoever logged in."""

    time: str
    topics: tuple[str, ...]
    message: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Statistics:
    """How a router fares, read in one go."""

    resource: Resource
    clock: RouterClock
    active_users: int
    interfaces: tuple[Interface, ...]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on the router: kind `backup` or `script` for those that we make."""

    name: str
    kind: str
    size: int
    created: str
