"""The hotspot itself: devices log in with a code, use it up, and are put out.

Limits are those of the manual: `limit-uptime` and `limit-bytes-*` count over all sessions of a
user, a profile's `session-timeout` counts in one. What a session used reaches its user when it
ends. The words of a refusal are those of the login page.
"""

from dataclasses import dataclass
from typing import Any

from sandbox.routeros.box import Box
from sandbox.routeros.schema import ACTIVE, COOKIES, PROFILES, SERVERS, USERS
from sandbox.routeros.tables import Row

_COUNTERS = ("bytes-in", "bytes-out", "packets-in", "packets-out")
_ADDRESSES = 253
_PACKET = 1200

CROWD_MAX = 200
"""Addresses are left for who comes with a code."""


class NotLetIn(Exception):
    """The login page says why."""


@dataclass(frozen=True, slots=True)
class Device:
    """A phone that tries: with a code, or by its address alone where it left a cookie."""

    mac: str
    code: str = ""
    password: str | None = None  # None: the code, as voucher pages send it
    server: str = "hotspot1"


def log_in(box: Box, device: Device) -> Row:
    """The new session; raises `NotLetIn`."""
    catch_up(box)
    server = box[SERVERS].named(device.server)
    if server is None or server.values["disabled"] or not box.hotspot_allowed:
        raise NotLetIn("no hotspot here")
    user, by = _recognised(box, device)
    profile = box[PROFILES].named(user.values["profile"])
    if profile is None:
        raise NotLetIn("unknown user profile")
    if reason := _used_up(user, []):
        raise NotLetIn(f"user {user.values['name']} {reason}")
    _end(box, [row for row in box[ACTIVE] if row.values["mac-address"] == device.mac])
    sharing = _sessions(box, user)
    shared = profile.values["shared-users"]
    if shared != "unlimited" and len(sharing) >= int(shared):
        raise NotLetIn(f"no more sessions are allowed for user {user.values['name']}")
    return _begin(box, device, user, profile, by)


def use(box: Box, code: str, *, bytes_in: int = 0, bytes_out: int = 0) -> None:
    """The sessions of a code carry so much; who has no more is put out."""
    catch_up(box)
    for session in [row for row in box[ACTIVE] if row.values["user"] == code]:
        for name, count in (("bytes-in", bytes_in), ("bytes-out", bytes_out)):
            session.values[name] += count
            session.values[name.replace("bytes", "packets")] += count // _PACKET
    catch_up(box)


def log_out(box: Box, code: str) -> int:
    """They leave by themselves; answers how many."""
    catch_up(box)
    sessions = [row for row in box[ACTIVE] if row.values["user"] == code]
    _end(box, sessions)
    return len(sessions)


def crowd(box: Box, users: int) -> None:
    """So many others are on it, none by a code: on trial, as who the router names by address."""
    _end(box, [row for row in box[ACTIVE] if row.values["login-by"] == "trial"])
    for number in range(users):
        mac = f"02:CC:00:00:00:{number:02X}"
        _open(box, Device(mac), f"T-{mac}", "trial")


def kick(box: Box, sessions: list[Row]) -> None:
    """The operator puts them out."""
    _end(box, sessions)


def flush(box: Box) -> None:
    """All sessions end well: before a clean restart."""
    catch_up(box)
    _end(box, list(box[ACTIVE]))


def catch_up(box: Box) -> None:
    """Whatever time has done to sessions until now."""
    over = []
    for session in box[ACTIVE]:
        spent = box.now_s() - session.born_s
        left = _time_left(box, session)
        session.values["uptime"] = int(spent if left is None else min(spent, left))
        session.values["session-time-left"] = None if left is None else max(0, int(left - spent))
        user = _user(box, session)
        if (left is not None and spent >= left) or (user and _used_up(user, [session])):
            over.append(session)
    _end(box, over)


def _recognised(box: Box, device: Device) -> tuple[Row, str]:
    if not device.code:
        cookie = next(
            (row for row in box[COOKIES] if row.values["mac-address"] == device.mac), None
        )
        user = box[USERS].named(cookie.values["user"]) if cookie else None
        if user is None or user.values["disabled"]:
            raise NotLetIn("no cookie")
        return user, "mac-cookie"
    user = box[USERS].keyed(device.code, device.server) or box[USERS].keyed(device.code, "all")
    password = device.code if device.password is None else device.password
    if user is None or user.values["disabled"] or user.values["password"] not in {"", password}:
        raise NotLetIn("invalid username or password")
    if user.values["mac-address"] not in {None, "", device.mac}:
        raise NotLetIn("mac address of the user does not match")
    return user, "http-pap"


def _begin(box: Box, device: Device, user: Row, profile: Row, by: str) -> Row:
    session = _open(
        box,
        device,
        user.values["name"],
        by,
        keepalive_timeout=profile.values["keepalive-timeout"],
        limit_bytes_total=user.values["limit-bytes-total"] or None,
    )
    if profile.values["add-mac-cookie"] and by != "mac-cookie":
        box[COOKIES].put(
            box.now_s(),
            user=user.values["name"],
            mac_address=device.mac,
            expires_in=profile.values["mac-cookie-timeout"],
            mac_cookie=True,
        )
    catch_up(box)
    return session


def _open(box: Box, device: Device, name: str, by: str, **values: Any) -> Row:
    """With the first address that is free."""
    taken = {row.values["address"] for row in box[ACTIVE]}
    free = (f"10.5.50.{last}" for last in range(2, 2 + _ADDRESSES))
    address = next((address for address in free if address not in taken), None)
    if address is None:
        raise NotLetIn("no address from the pool")
    box["/ip/pool/used"].put(
        box.now_s(), pool="hs-pool", address=address, owner="Hotspot", info=device.mac
    )
    box.log("hotspot,info,debug", f"{name} ({address}): logged in")
    return box[ACTIVE].put(
        box.now_s(),
        server=device.server,
        user=name,
        address=address,
        mac_address=device.mac,
        login_by=by,
        **values,
    )


def _end(box: Box, sessions: list[Row]) -> None:
    for session in sessions:
        if user := _user(box, session):
            user.values["uptime"] += session.values["uptime"]
            for name in _COUNTERS:
                user.values[name] += session.values[name]
        used = box["/ip/pool/used"]
        for row in [row for row in used if row.values["address"] == session.values["address"]]:
            used.drop(row)
        box[ACTIVE].drop(session)
        box.log("hotspot,info,debug", f"{session.values['user']}: logged out")


def _user(box: Box, session: Row) -> Row | None:
    name, server = session.values["user"], session.values["server"]
    return box[USERS].keyed(name, server) or box[USERS].keyed(name, "all")


def _sessions(box: Box, user: Row) -> list[Row]:
    return [row for row in box[ACTIVE] if _user(box, row) is user]


def _time_left(box: Box, session: Row) -> float | None:
    """How long this session may last in all, or None for as long as it likes."""
    user = _user(box, session)
    limits = []
    if user and user.values["limit-uptime"]:
        limits.append(max(0, user.values["limit-uptime"] - user.values["uptime"]))
    profile = box[PROFILES].named(user.values["profile"]) if user else None
    if profile and profile.values["session-timeout"]:
        limits.append(profile.values["session-timeout"])
    return min(limits) if limits else None


def _used_up(user: Row, sessions: list[Row]) -> str | None:
    def used(name: str) -> int:
        return int(user.values[name] + sum(session.values[name] for session in sessions))

    limit = user.values["limit-uptime"]
    if limit and not sessions and user.values["uptime"] >= limit:
        return "has reached uptime limit"
    sums = {
        "limit-bytes-in": used("bytes-in"),
        "limit-bytes-out": used("bytes-out"),
        "limit-bytes-total": used("bytes-in") + used("bytes-out"),
    }
    if any(user.values[name] and count >= user.values[name] for name, count in sums.items()):
        return "has reached traffic limit"
    return None
