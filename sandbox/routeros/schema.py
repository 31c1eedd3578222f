"""The tables that a router keeps, and what a new one holds."""

from collections.abc import Mapping

from sandbox.routeros.plan import ACCOUNT, POLICIES, Plan
from sandbox.routeros.refusals import ALREADY, DUPLICATE
from sandbox.routeros.tables import Field, Kind, Table

USERS = "/ip/hotspot/user"
PROFILES = "/ip/hotspot/user/profile"
SERVERS = "/ip/hotspot"
ACTIVE = "/ip/hotspot/active"
COOKIES = "/ip/hotspot/cookie"
INTERFACES = "/interface"
ACCOUNTS = "/user"
GROUPS = "/user/group"
LOG = "/log"
FILES = "/file"
OUR_GROUP = "hotspot-sales"

_TEXT = Field()
_FIXED = Field(fixed=True)
_SECRET = Field(Kind.SECRET, "")
_DISABLED = Field(Kind.FLAG, default=False)
_FLAG = Field(Kind.FLAG, default=False, fixed=True)
_COUNT = Field(Kind.SIZE, 0, fixed=True)
_SPENT = Field(Kind.TIME, 0, fixed=True)
_SIZE = Field(Kind.SIZE, 0)
_TIME = Field(Kind.TIME, 0)

_TRAFFIC = dict.fromkeys(("bytes-in", "bytes-out", "packets-in", "packets-out"), _COUNT)

_FIELDS: Mapping[str, Mapping[str, Field]] = {
    USERS: {
        "server": Field(default="all", of=SERVERS, also=("all",)),
        "name": _TEXT,
        "password": _SECRET,
        "profile": Field(default="default", of=PROFILES),
        "limit-uptime": _TIME,
        "limit-bytes-in": _SIZE,
        "limit-bytes-out": _SIZE,
        "limit-bytes-total": _SIZE,
        "mac-address": _TEXT,
        "address": _TEXT,
        "email": _TEXT,
        "comment": _TEXT,
        "routes": _TEXT,
        "uptime": _SPENT,
        **_TRAFFIC,
        "default": _FLAG,
        "dynamic": _FLAG,
        "disabled": _DISABLED,
    },
    PROFILES: {
        "name": _TEXT,
        "shared-users": Field(default="1"),
        "rate-limit": _TEXT,
        "session-timeout": Field(Kind.TIME),
        "idle-timeout": _TEXT,
        "keepalive-timeout": Field(Kind.TIME, 120),
        "status-autorefresh": Field(Kind.TIME, 60),
        "add-mac-cookie": Field(Kind.TRUTH, default=True),
        "mac-cookie-timeout": Field(Kind.TIME, 259_200),
        "address-pool": _TEXT,
        "address-list": _TEXT,
        "parent-queue": _TEXT,
        "on-login": _TEXT,
        "on-logout": _TEXT,
        "default": _FLAG,
    },
    SERVERS: {
        "name": _TEXT,
        "interface": Field(of=INTERFACES),
        "address-pool": _TEXT,
        "profile": _TEXT,
        "idle-timeout": Field(Kind.TIME, 300),
        "invalid": _FLAG,
        "disabled": _DISABLED,
        "comment": _TEXT,
    },
    "/ip/hotspot/profile": {
        "name": _TEXT,
        "hotspot-address": _TEXT,
        "dns-name": _TEXT,
        "login-by": Field(default="cookie,http-chap,http-pap"),
        "use-radius": Field(Kind.TRUTH, default=False),
        "default": _FLAG,
    },
    ACTIVE: {
        "server": _FIXED,
        "user": _FIXED,
        "address": _FIXED,
        "mac-address": _FIXED,
        "login-by": _FIXED,
        "uptime": _SPENT,
        "session-time-left": Field(Kind.TIME, fixed=True),
        "idle-time": _SPENT,
        "keepalive-timeout": Field(Kind.TIME, fixed=True),
        "limit-bytes-total": Field(Kind.SIZE, fixed=True),
        **_TRAFFIC,
    },
    COOKIES: {
        "user": _FIXED,
        "mac-address": _FIXED,
        "expires-in": Field(Kind.TIME, fixed=True),
        "mac-cookie": _FLAG,
    },
    INTERFACES: {
        "name": _TEXT,
        "type": _FIXED,
        "mtu": Field(default="1500"),
        "mac-address": _FIXED,
        "rx-byte": _COUNT,
        "tx-byte": _COUNT,
        "running": Field(Kind.FLAG, default=True, fixed=True),
        "disabled": _DISABLED,
        "comment": _TEXT,
    },
    "/interface/bridge/port": {
        "interface": _TEXT,
        "bridge": _TEXT,
        "disabled": _DISABLED,
    },
    "/interface/vlan": {"name": _TEXT, "interface": _TEXT, "vlan-id": _TEXT},
    "/ip/address": {
        "address": _TEXT,
        "network": _TEXT,
        "interface": Field(of=INTERFACES),
        "disabled": _DISABLED,
    },
    "/ip/route": {
        "dst-address": _TEXT,
        "gateway": _TEXT,
        "immediate-gw": _FIXED,
        "active": Field(Kind.FLAG, default=True, fixed=True),
        "disabled": _DISABLED,
    },
    "/ip/pool": {"name": _TEXT, "ranges": _TEXT},
    "/ip/pool/used": {"pool": _FIXED, "address": _FIXED, "owner": _FIXED, "info": _FIXED},
    "/ip/service": {
        "name": _TEXT,
        "port": _TEXT,
        "address": _TEXT,
        "max-sessions": Field(default="20"),
        "disabled": _DISABLED,
    },
    ACCOUNTS: {
        "name": _TEXT,
        "group": Field(default="read", of=GROUPS),
        "password": _SECRET,
        "address": _TEXT,
        "disabled": _DISABLED,
    },
    GROUPS: {"name": _TEXT, "policy": _TEXT},
    "/user/active": {"name": _FIXED, "address": _FIXED, "via": _FIXED, "group": _FIXED},
    "/system/package": {"name": _FIXED, "version": _FIXED, "disabled": _DISABLED},
    LOG: {"time": _FIXED, "topics": _FIXED, "message": _FIXED},
    FILES: {"name": _FIXED, "type": _FIXED, "size": _COUNT, "creation-time": _FIXED},
}
_UNIQUE: Mapping[str, tuple[str, ...]] = {
    USERS: ("name", "server"),
    ACTIVE: (),
    COOKIES: (),
    "/interface/bridge/port": ("interface",),
    "/ip/address": ("address", "interface"),
    "/ip/route": (),
    "/ip/pool/used": (),
    "/user/active": (),
    LOG: (),
}
_REQUIRED: Mapping[str, tuple[str, ...]] = {
    SERVERS: ("name", "interface"),
    "/ip/address": ("address", "interface"),
}
# What is the router's own state and not configuration: a reboot ends it, a backup leaves it out.
PASSING = frozenset({ACTIVE, "/ip/pool/used", "/user/active"})


def tables() -> dict[str, Table]:
    """All of them, empty."""
    return {
        path: Table(
            path,
            fields,
            unique=_UNIQUE.get(path, ("name",)),
            required=_REQUIRED.get(path, ("name",)),
            duplicate=DUPLICATE if path == USERS else ALREADY,
        )
        for path, fields in _FIELDS.items()
    }


def factory(found: Mapping[str, Table], plan: Plan) -> None:
    """As it leaves the factory: no hotspot, `admin` without a password."""
    for name in ("ether1", "ether2", "ether3", "wlan1"):
        kind = "wlan" if name.startswith("wlan") else "ether"
        mac = f"02:00:00:00:00:{len(found[INTERFACES].rows) + 1:02X}"
        found[INTERFACES].put(0, name=name, type=kind, mac_address=mac)
    found[GROUPS].put(0, name="full", policy=",".join(POLICIES))
    found[GROUPS].put(0, name="read", policy=policy({"api", "read", "test"}))
    found[ACCOUNTS].put(0, name="admin", group="full", password="")
    found[PROFILES].put(0, name="default", default=True)
    found["/ip/hotspot/profile"].put(0, name="default", default=True)
    found[USERS].put(0, name="default-trial", default=True, comment="counters and limits")
    found["/system/package"].put(0, name="routeros", version=plan.version.split()[0])
    for name, port in (("api", "8728"), ("api-ssl", "8729"), ("winbox", "8291")):
        found["/ip/service"].put(0, name=name, port=port, max_sessions=str(plan.sessions_max))


def set_up(found: Mapping[str, Table], plan: Plan) -> None:
    """As the operator set it up: our account, a tunnel, a bridge with a hotspot on it."""
    found[GROUPS].put(0, name=OUR_GROUP, policy=policy(plan.policies))
    found[ACCOUNTS].put(0, name=ACCOUNT, group=OUR_GROUP, password=plan.password)
    found[INTERFACES].put(0, name="bridge1", type="bridge", mac_address="02:00:00:00:00:10")
    found[INTERFACES].put(0, name="tunnel1", type="wg", mac_address="")
    for port in ("ether2", "ether3", "wlan1"):
        found["/interface/bridge/port"].put(0, interface=port, bridge="bridge1")
    for address, network, interface in (
        ("10.5.50.1/24", "10.5.50.0", "bridge1"),
        ("10.8.0.2/24", "10.8.0.0", "tunnel1"),
        ("192.0.2.10/24", "192.0.2.0", "ether1"),
    ):
        found["/ip/address"].put(0, address=address, network=network, interface=interface)
        connected = f"{network}/24"
        found["/ip/route"].put(0, dst_address=connected, gateway=interface, immediate_gw=interface)
    found["/ip/route"].put(
        0, dst_address="0.0.0.0/0", gateway="192.0.2.1", immediate_gw="192.0.2.1%ether1"
    )
    found["/ip/pool"].put(0, name="hs-pool", ranges="10.5.50.2-10.5.50.254")
    found["/ip/hotspot/profile"].put(
        0, name="hsprof1", hotspot_address="10.5.50.1", dns_name="login.wifi"
    )
    for name in plan.servers:
        found[SERVERS].put(
            0, name=name, interface="bridge1", address_pool="hs-pool", profile="hsprof1"
        )
    for name, told in plan.profiles.items():
        found[PROFILES].add({"name": name, **told}, found.__getitem__, 0)


def policy(granted: frozenset[str] | set[str]) -> str:
    """As a group prints it: what it lacks is listed with `!`."""
    return ",".join(name if name in granted else f"!{name}" for name in POLICIES)
