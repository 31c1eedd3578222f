"""Hotspot routers: what vouchers, monitoring and operators need of one, and what its word proves.

The shape, for those who build on it:

- `HotspotRouters.of(router_id, access)` gives the `HotspotRouter` of a router, the same one until
  its access changes. It opens nothing by itself. Requests a minute are counted for all processes
  together (`RouterRequests`); connections are not, and a router takes twenty in all: one process
  at a time should work on a router, by a lease.
- Every question and every order answers an `Outcome`: `Done(value)`, `Refused(reason)` which
  proves that nothing happened, or `Unknown(reason)`. Nothing is raised for what a router does.
  A timeout is UNKNOWN: whoever added a user then looks for it, or adds it again and meets EXISTS.
- Nothing takes longer than some twenty seconds, lists of all users and exports than 75: waiting
  for a request to be free is counted in.
- `Lane` says for whom it is: paid work finds requests and a connection left when all else waits.
- `last_...` are reads of at most 30 seconds ago, shared by all who ask; while the router is away
  the last ones known are served with their age. All else asks the router now.
- Users are named by `UserRef`, never by the router's ids: those change when it is reset. Nobody's
  user is changed or removed whose comment does not begin with the mark.

Two rules of the trade are kept here and nowhere else: a connection on which anything but a whole,
well-formed reply came is closed; and only what is safe to repeat is repeated, by itself.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeAlias, TypeVar
from uuid import UUID

from core.domain.circuits import CircuitState
from core.domain.routers import (
    ActiveSession,
    AddressPool,
    DeviceMode,
    HotspotServer,
    HotspotUser,
    Identity,
    Interface,
    LogLine,
    NewUser,
    RouterAccess,
    RouterClock,
    Statistics,
    StoredFile,
    Traffic,
    UserChange,
    UserProfile,
    UserRef,
)

T = TypeVar("T")


class Lane(StrEnum):
    """For whom a router is asked; the first one goes before all others."""

    PAID = "paid"  # a customer's voucher
    MANAGE = "manage"  # somebody waits: an operator, a customer's diagnosis
    MONITOR = "monitor"
    BULK = "bulk"  # batches, refills, reconciling: they can wait


class Refusal(StrEnum):
    """Why nothing happened."""

    AWAY = "away"  # not reached, or gone before the order left
    RESTING = "resting"  # it kept failing and is left alone for a while
    BUSY = "busy"  # its requests of this minute, or its connections, are taken
    CREDENTIALS = "credentials"  # it does not know the account or the password
    UNTRUSTED = "untrusted"  # its certificate is not the one that it should be
    PERMISSION = "permission"  # the account may not do this
    DEVICE_MODE = "device_mode"  # its device-mode forbids this until somebody presses its button
    EXISTS = "exists"  # a user of that name is there already
    MISSING = "missing"  # there is no such item
    FOREIGN = "foreign"  # there is one, and it is not ours
    NO_MATCH = "no_match"  # the profile, server or interface that was named is not there
    INVALID = "invalid"  # a value that it does not take
    UNSUPPORTED = "unsupported"  # its version has no such command

    @property
    def passes(self) -> bool:
        """The same order may go through later with nobody's help."""
        return self in {Refusal.AWAY, Refusal.RESTING, Refusal.BUSY}


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    """It happened, or here is what was asked for."""

    value: T


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing happened, provably.

    Attributes:
        words: The router's own, for operators; never a code or password.
        retry_after_s: When the same order may be taken, where that is known.
    """

    reason: Refusal
    words: str = ""
    retry_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """It may have happened, all or a part of it; or, of a question: it was not answered.

    Attributes:
        reason: A short stable word: `timeout`, `closed`, `garbled`, `too_large`, `partly`, `trap`.
    """

    reason: str
    words: str = ""


Outcome: TypeAlias = Done[T] | Refused | Unknown


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """What was read a moment ago, or while the router was still there.

    Attributes:
        at: When it was read, by our clock.
        missed: Why it is not fresher; None while it is fresh.
    """

    value: T
    at: dt.datetime
    missed: Refused | Unknown | None = None


@dataclass(frozen=True, slots=True)
class Removal:
    """What became of users that were to go. Those that were not there are `gone` as well.

    Attributes:
        foreign: Names that somebody else's user bears; nothing was done to them.
    """

    gone: tuple[str, ...] = field(repr=False)
    foreign: tuple[str, ...] = field(default=(), repr=False)


class Step(StrEnum):
    """The steps of an examination, in their order."""

    NETWORK = "network"
    HANDSHAKE = "handshake"
    LOGIN = "login"
    PERMISSIONS = "permissions"
    SYSTEM = "system"
    DEVICE_MODE = "device_mode"
    HOTSPOT = "hotspot"
    CLOCK = "clock"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How one step went.

    Attributes:
        cause: A short stable word for what is wrong, which names the words of its remedy; empty
            when nothing is. Those of each step stand in the adapter that finds them.
        facts: What was found, for those words.
    """

    step: Step
    well: bool
    cause: str = ""
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Examination:
    """Every step up to the first of the first five that failed; the last three fail alone."""

    steps: tuple[StepResult, ...]

    @property
    def well(self) -> bool:
        return all(step.well for step in self.steps)


class HotspotRouter(Protocol):
    """One router. See the top of this file for what its answers prove."""

    @property
    def circuit(self) -> CircuitState:
        """Whether it is left alone for having failed. Asks nobody."""
        ...

    # Vouchers.

    async def add_user(self, user: NewUser, lane: Lane = Lane.PAID) -> Outcome[str]:
        """Make a hotspot user; its id. Never repeated by itself.

        EXISTS: somebody has the name; `find_users` tells whether it is ours.
        """
        ...

    async def find_users(
        self, names: Sequence[str], lane: Lane = Lane.PAID
    ) -> Outcome[tuple[HotspotUser, ...]]:
        """Those of these names, on whatever server; one request for fifty names."""
        ...

    async def users(self, lane: Lane = Lane.BULK) -> Outcome[tuple[HotspotUser, ...]]:
        """All of them, in one request."""
        ...

    async def change_user(
        self, user: UserRef, change: UserChange, lane: Lane = Lane.PAID
    ) -> Outcome[HotspotUser]:
        """Change one; as it was found. MISSING and FOREIGN where it is not there or not ours.

        Safe to repeat. After a lost reply it may be found as it is to be.
        """
        ...

    async def remove_users(
        self, users: Sequence[UserRef], lane: Lane = Lane.PAID
    ) -> Outcome[Removal]:
        """Remove them, end their sessions and forget their cookies. Safe to repeat."""
        ...

    async def sessions(
        self, user: str | None = None, lane: Lane = Lane.MANAGE
    ) -> Outcome[tuple[ActiveSession, ...]]:
        """Who is online: all, or one user's devices."""
        ...

    async def kick(self, user: str, lane: Lane = Lane.MANAGE) -> Outcome[int]:
        """End a user's sessions and forget its cookies; how many there were. Safe to repeat."""
        ...

    async def profiles(self, lane: Lane = Lane.MANAGE) -> Outcome[tuple[UserProfile, ...]]: ...

    async def ensure_profile(self, profile: UserProfile, lane: Lane = Lane.PAID) -> Outcome[None]:
        """Make it, or make the one of that name like it."""
        ...

    async def servers(self, lane: Lane = Lane.MANAGE) -> Outcome[tuple[HotspotServer, ...]]: ...

    async def pools(self, lane: Lane = Lane.MONITOR) -> Outcome[tuple[AddressPool, ...]]: ...

    # Monitoring.

    async def statistics(self, lane: Lane = Lane.MONITOR) -> Outcome[Statistics]: ...

    async def log(self, lane: Lane = Lane.MONITOR) -> Outcome[tuple[LogLine, ...]]:
        """What its memory holds, the oldest first."""
        ...

    async def identity(self, lane: Lane = Lane.MONITOR) -> Outcome[Identity]: ...

    async def device_mode(self, lane: Lane = Lane.MONITOR) -> Outcome[DeviceMode]: ...

    async def clock(self, lane: Lane = Lane.MONITOR) -> Outcome[RouterClock]: ...

    async def last_statistics(self) -> Outcome[Seen[Statistics]]: ...

    async def last_interfaces(self) -> Outcome[Seen[tuple[Interface, ...]]]: ...

    async def last_users(self) -> Outcome[Seen[tuple[HotspotUser, ...]]]: ...

    # Operators.

    async def examine(self) -> Examination:
        """Look at everything that selling there needs, step by step, on a connection of its own.

        It is asked even while the circuit is open.
        """
        ...

    async def policies(self) -> Outcome[frozenset[str]]:
        """What our account may."""
        ...

    async def traffic(self, interfaces: Sequence[str]) -> Outcome[tuple[Traffic, ...]]: ...

    async def management_path(self) -> Outcome[frozenset[str]]:
        """The interfaces that we reach it through; disabling one would lock us out."""
        ...

    async def switch_interface(
        self, name: str, *, enabled: bool, force: bool = False
    ) -> Outcome[None]:
        """Enable or disable one. FOREIGN, unless `force`, where that would lock us out."""
        ...

    async def save_backup(self, name: str, password: str) -> Outcome[StoredFile]:
        """Write a whole backup on the router, encrypted; the file once it is written."""
        ...

    async def export(self, name: str) -> Outcome[str]:
        """The configuration as commands, without secrets; its file on the router is removed."""
        ...

    async def files(self) -> Outcome[tuple[StoredFile, ...]]: ...

    async def remove_file(self, name: str) -> Outcome[None]: ...

    async def restore_backup(self, name: str, password: str) -> Outcome[None]:
        """Go back to a backup. The router restarts, so the best answer may be UNKNOWN `closed`."""
        ...


class RouterRequests(Protocol):
    """How often a router was asked lately, by all processes together."""

    async def take(self, router: str, most: int, window_s: float) -> float:
        """Count one request where fewer than `most` left in the last `window_s`, and answer 0.

        Else, in how many seconds there may be room. While nobody can be asked, 0.
        """
        ...


class HotspotRouters(Protocol):
    """All routers that this process works on."""

    def of(self, router_id: UUID, access: RouterAccess) -> HotspotRouter:
        """The router under this id. With another access than before, the old connections end."""
        ...

    async def forbids(self, access: RouterAccess) -> bool:
        """Whether its host leads to an address that we must not reach. Nobody is called."""
        ...

    async def forget(self, router_id: UUID) -> None:
        """Close its connections and forget what was seen of it."""
        ...

    async def aclose(self) -> None: ...
