"""Hotspot users, their sessions and cookies, and user profiles: each order on one line.

Source: MikroTik's manual of the hotspot. Removing a user ends no session of it, and a cookie would
let its phone in again where the name comes back: all three go.
"""

import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

from core.domain.routers import (
    ActiveSession,
    HotspotUser,
    NewUser,
    UserChange,
    UserProfile,
    UserRef,
)
from core.ports.hotspot import Refusal, Removal
from core.providers.hotspot import words
from core.providers.hotspot.asking import Talk, Told
from core.providers.hotspot.replies import Garbled, Row

_Item = TypeVar("_Item")

_USERS = "/ip/hotspot/user"
_PROFILES = "/ip/hotspot/user/profile"
_ACTIVE = "/ip/hotspot/active"
_COOKIES = "/ip/hotspot/cookie"
_USER_WORDS = (
    "=.proplist=.id,name,server,profile,comment,disabled,limit-uptime,limit-bytes-total,uptime,"
    "bytes-in,bytes-out"
)
_PROFILE_WORDS = (
    "=.proplist=.id,name,shared-users,rate-limit,session-timeout,keepalive-timeout,add-mac-cookie"
)
_ACTIVE_WORDS = (
    "=.proplist=.id,user,server,address,mac-address,login-by,uptime,session-time-left,bytes-in,"
    "bytes-out"
)
_NAMES_AT_ONCE = 50
_ID = re.compile(r"\*[0-9A-Fa-f]{1,16}", re.ASCII)


async def add(talk: Talk, user: NewUser) -> str:
    """Its id. Raises `Garbled` where the router tells none: then nothing is proven."""
    told = await talk.change(
        f"{_USERS}/add",
        f"=name={user.name}",
        f"=server={user.server}",
        f"=profile={user.profile}",
        *([f"=password={user.password}"] if user.password else []),
        *([f"=comment={user.comment}"] if user.comment else []),
        *([f"=limit-uptime={user.uptime_limit_s}s"] if user.uptime_limit_s else []),
        *([f"=limit-bytes-total={user.bytes_limit}"] if user.bytes_limit else []),
        *(["=disabled=yes"] if user.disabled else []),
    )
    if told is None or not _ID.fullmatch(told):
        raise Garbled("id")
    return told


async def find(talk: Talk, names: Sequence[str]) -> tuple[HotspotUser, ...]:
    found: list[HotspotUser] = []
    for some in _in_parts(names):
        rows = await talk.read(f"{_USERS}/print", _USER_WORDS, *_any_of("name", some))
        wanted = set(some)
        found += (user for user in map(_user, rows) if user.name in wanted)
    return tuple(found)


async def everyone(talk: Talk) -> tuple[HotspotUser, ...]:
    rows = await talk.read(f"{_USERS}/print", _USER_WORDS, large=True)
    return tuple(_user(row) for row in rows)


async def change(talk: Talk, ref: UserRef, different: UserChange) -> HotspotUser:
    named = [user for user in await find(talk, [ref.name]) if user.server == ref.server]
    if not named:
        raise Told(Refusal.MISSING)
    if len(named) > 1:
        raise Garbled("two of one name")
    [user] = named
    if not user.bears(ref.mark):
        raise Told(Refusal.FOREIGN)
    if told := list(_told(different)):
        await talk.change(f"{_USERS}/set", f"=.id={user.id}", *told)
    return user


async def remove(talk: Talk, refs: Sequence[UserRef]) -> Removal:
    """Users first: then no session can begin anew that is ended after."""
    gone: list[str] = []
    foreign: list[str] = []
    for some in _in_parts(refs):
        there = await find(talk, [ref.name for ref in some])
        ours: list[str] = []
        for ref in some:
            meant = [user for user in there if _is_of(user, ref)]
            ours += [user.id for user in meant if user.bears(ref.mark)]
            strange = any(not user.bears(ref.mark) for user in meant)
            (foreign if strange else gone).append(ref.name)
        await _drop(talk, _USERS, ours)
        await _put_out(talk, [ref.name for ref in some if ref.name not in foreign])
    return Removal(tuple(gone), tuple(foreign))


def _is_of(user: HotspotUser, ref: UserRef) -> bool:
    return user.name == ref.name and ref.server in ("", user.server)


async def sessions(talk: Talk, user: str | None) -> tuple[ActiveSession, ...]:
    which = [] if user is None else [f"?user={user}"]
    rows = await talk.read(f"{_ACTIVE}/print", _ACTIVE_WORDS, *which, large=user is None)
    return tuple(_session(row) for row in rows if user is None or row.get("user") == user)


async def kick(talk: Talk, user: str) -> int:
    return await _put_out(talk, [user])


async def profiles(talk: Talk) -> tuple[UserProfile, ...]:
    return tuple(_profile(row) for row in await talk.read(f"{_PROFILES}/print", _PROFILE_WORDS))


async def ensure_profile(talk: Talk, profile: UserProfile) -> None:
    """`set` leaves alone what we know nothing of."""
    asked = await talk.read(f"{_PROFILES}/print", _PROFILE_WORDS, f"?name={profile.name}")
    rows = [row for row in asked if row.get("name") == profile.name]
    told = (
        f"=shared-users={'unlimited' if profile.shared_users is None else profile.shared_users}",
        f"=rate-limit={profile.rate_limit}",
        f"=session-timeout={profile.session_timeout_s}s",
        f"=keepalive-timeout={profile.keepalive_timeout_s}s",
        f"=add-mac-cookie={words.yes(profile.mac_cookie)}",
    )
    if not rows:
        await talk.change(f"{_PROFILES}/add", f"=name={profile.name}", *told)
    elif _profile(rows[0]) != profile:
        await talk.change(f"{_PROFILES}/set", f"=.id={_id(rows[0])}", *told)


async def _put_out(talk: Talk, names: Sequence[str]) -> int:
    """End the sessions of these users and forget their cookies; how many sessions there were."""
    ended = await _drop_of(talk, _ACTIVE, names)
    await _drop_of(talk, _COOKIES, names)
    return ended


async def _drop_of(talk: Talk, path: str, names: Sequence[str]) -> int:
    if not names:
        return 0
    rows = await talk.read(f"{path}/print", "=.proplist=.id,user", *_any_of("user", names))
    wanted = set(names)
    ids = [_id(row) for row in rows if row.get("user") in wanted]
    await _drop(talk, path, ids)
    return len(ids)


async def _drop(talk: Talk, path: str, ids: Sequence[str]) -> None:
    for some in _in_parts(ids):
        await talk.change(f"{path}/remove", f"=.id={','.join(some)}", several=len(some) > 1)


def _any_of(name: str, values: Sequence[str]) -> Iterator[str]:
    """Query words for rows where `name` is one of `values`."""
    yield from (f"?{name}={value}" for value in values)
    if len(values) > 1:
        yield "?#" + "|" * (len(values) - 1)


def _in_parts(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), _NAMES_AT_ONCE):
        yield items[start : start + _NAMES_AT_ONCE]


def _told(different: UserChange) -> Iterator[str]:
    if different.password is not None:
        yield f"=password={different.password}"
    if different.profile is not None:
        yield f"=profile={different.profile}"
    if different.comment is not None:
        yield f"=comment={different.comment}"
    if different.uptime_limit_s is not None:
        yield f"=limit-uptime={different.uptime_limit_s}s"
    if different.bytes_limit is not None:
        yield f"=limit-bytes-total={different.bytes_limit}"
    if different.disabled is not None:
        yield f"=disabled={words.yes(different.disabled)}"


def _id(row: Row) -> str:
    found = row.get(".id", "")
    if not _ID.fullmatch(found):
        raise Garbled("id")
    return found


def _user(row: Row) -> HotspotUser:
    return HotspotUser(
        id=_id(row),
        name=words.needed(row, "name"),
        server=words.text(row, "server") or "all",
        profile=words.text(row, "profile"),
        comment=words.text(row, "comment"),
        disabled=words.truth(row, "disabled"),
        uptime_limit_s=words.seconds(row, "limit-uptime"),
        bytes_limit=words.count(row, "limit-bytes-total"),
        uptime_s=words.seconds(row, "uptime"),
        bytes_in=words.count(row, "bytes-in"),
        bytes_out=words.count(row, "bytes-out"),
    )


def _session(row: Row) -> ActiveSession:
    return ActiveSession(
        id=_id(row),
        user=words.needed(row, "user"),
        server=words.text(row, "server"),
        address=words.text(row, "address"),
        mac=words.text(row, "mac-address"),
        login_by=words.text(row, "login-by"),
        uptime_s=words.seconds(row, "uptime"),
        time_left_s=words.seconds(row, "session-time-left") if "session-time-left" in row else None,
        bytes_in=words.count(row, "bytes-in"),
        bytes_out=words.count(row, "bytes-out"),
    )


def _profile(row: Row) -> UserProfile:
    shared = row.get("shared-users", "1")
    return UserProfile(
        name=words.needed(row, "name"),
        shared_users=None if shared == "unlimited" else words.count(row, "shared-users"),
        rate_limit=words.text(row, "rate-limit"),
        session_timeout_s=words.seconds(row, "session-timeout"),
        keepalive_timeout_s=words.seconds(row, "keepalive-timeout"),
        mac_cookie=words.truth(row, "add-mac-cookie"),
    )
