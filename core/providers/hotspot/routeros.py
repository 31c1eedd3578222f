"""RouterOS 6.40 to 7.x over its API. Keeps `core.ports.hotspot.HotspotRouter`.

Each order is a function on one line (`users`, `system`, `path`, `files`); `asking` finds the line
and tells what its end proves. What is repeated by itself after an unknown end says so here.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

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
from core.kit.clock import Clock
from core.ports.hotspot import Examination, Lane, Outcome, Removal, RouterRequests, Seen
from core.providers import addresses
from core.providers.addresses import Network, Reach
from core.providers.hotspot import files, path, system, users
from core.providers.hotspot.asking import Asker, Talk
from core.providers.hotspot.budget import Budget
from core.providers.hotspot.examining import Dial, Examiner
from core.providers.hotspot.kept import Kept
from core.providers.hotspot.line import Line, NotAllowed, NotReached, Unresolvable, connect
from core.providers.hotspot.pool import Pool
from core.providers.hotspot.rules import Rules, circuit_of

T = TypeVar("T")
Order = Callable[[Talk], Awaitable[T]]


class Settings(BaseSettings):
    """From `ROUTEROS_*`, or given.

    Attributes:
        networks: Private networks that routers may be reached in, beside public addresses: those
            of the tunnels that lead to them, like `10.8.0.0/16,10.9.0.0/16`. Whoever adds a router
            names an address; it must not lead anywhere else of our own.
        connections: To one router at most, one of them for paid work alone.
        circuit_open_s: How long a router that failed five times in a row is left alone.
    """

    model_config = SettingsConfigDict(
        env_prefix="ROUTEROS_", frozen=True, extra="ignore", env_ignore_empty=True
    )

    networks: Annotated[tuple[Network, ...], NoDecode] = ()
    connections: int = Field(10, ge=2, le=10)
    circuit_open_s: float = Field(30.0, ge=1, le=3600)

    @field_validator("networks", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]


class RouterOs:
    """One router. `name` is what logs call it."""

    def __init__(
        self,
        name: str,
        access: RouterAccess,
        dial: Dial,
        rules: Rules,
        requests: RouterRequests,
        clock: Clock,
    ) -> None:
        self.access = access
        self._dial = dial
        self._rules = rules
        self._clock = clock
        self._budget = Budget(name, rules.budget, requests)
        self._pool = Pool(access, dial, self._budget, rules)
        self._asker = Asker(name, self._pool, self._budget, rules)
        self._statistics = Kept(self.statistics, rules.keep_s, clock)
        self._interfaces = Kept(self._read_interfaces, rules.keep_s, clock)
        self._users = Kept(self._read_users, rules.keep_s, clock)

    @property
    def circuit(self) -> CircuitState:
        return self._asker.circuit

    # Vouchers.

    async def add_user(self, user: NewUser, lane: Lane = Lane.PAID) -> Outcome[str]:
        return await self._once("user.add", lane, partial(users.add, user=user))

    async def find_users(
        self, names: Sequence[str], lane: Lane = Lane.PAID
    ) -> Outcome[tuple[HotspotUser, ...]]:
        return await self._read("user.find", lane, partial(users.find, names=names))

    async def users(self, lane: Lane = Lane.BULK) -> Outcome[tuple[HotspotUser, ...]]:
        return await self._read("user.list", lane, users.everyone, large=True)

    async def change_user(
        self, user: UserRef, change: UserChange, lane: Lane = Lane.PAID
    ) -> Outcome[HotspotUser]:
        order = partial(users.change, ref=user, different=change)
        return await self._again("user.change", lane, order)

    async def remove_users(
        self, users_: Sequence[UserRef], lane: Lane = Lane.PAID
    ) -> Outcome[Removal]:
        return await self._again("user.remove", lane, partial(users.remove, refs=users_))

    async def sessions(
        self, user: str | None = None, lane: Lane = Lane.MANAGE
    ) -> Outcome[tuple[ActiveSession, ...]]:
        return await self._read("session.list", lane, partial(users.sessions, user=user))

    async def kick(self, user: str, lane: Lane = Lane.MANAGE) -> Outcome[int]:
        return await self._again("session.kick", lane, partial(users.kick, user=user))

    async def profiles(self, lane: Lane = Lane.MANAGE) -> Outcome[tuple[UserProfile, ...]]:
        return await self._read("profile.list", lane, users.profiles)

    async def ensure_profile(self, profile: UserProfile, lane: Lane = Lane.PAID) -> Outcome[None]:
        order = partial(users.ensure_profile, profile=profile)
        return await self._again("profile.ensure", lane, order)

    async def servers(self, lane: Lane = Lane.MANAGE) -> Outcome[tuple[HotspotServer, ...]]:
        return await self._read("server.list", lane, system.servers)

    async def pools(self, lane: Lane = Lane.MONITOR) -> Outcome[tuple[AddressPool, ...]]:
        return await self._read("pool.list", lane, system.pools)

    # Monitoring.

    async def statistics(self, lane: Lane = Lane.MONITOR) -> Outcome[Statistics]:
        return await self._read("statistics", lane, system.statistics)

    async def log(self, lane: Lane = Lane.MONITOR) -> Outcome[tuple[LogLine, ...]]:
        return await self._read("log", lane, system.log)

    async def identity(self, lane: Lane = Lane.MONITOR) -> Outcome[Identity]:
        return await self._read("identity", lane, system.identity)

    async def device_mode(self, lane: Lane = Lane.MONITOR) -> Outcome[DeviceMode]:
        return await self._read("device_mode", lane, system.device_mode)

    async def clock(self, lane: Lane = Lane.MONITOR) -> Outcome[RouterClock]:
        return await self._read("clock", lane, system.clock)

    async def last_statistics(self) -> Outcome[Seen[Statistics]]:
        return await self._statistics.get()

    async def last_interfaces(self) -> Outcome[Seen[tuple[Interface, ...]]]:
        return await self._interfaces.get()

    async def last_users(self) -> Outcome[Seen[tuple[HotspotUser, ...]]]:
        return await self._users.get()

    # Operators.

    async def examine(self) -> Examination:
        examiner = Examiner(self.access, self._dial, self._budget, self._rules, self._clock)
        return await examiner.run()

    async def policies(self) -> Outcome[frozenset[str]]:
        order = partial(system.policies, account=self.access.username)
        return await self._read("policies", Lane.MANAGE, order)

    async def traffic(self, interfaces: Sequence[str]) -> Outcome[tuple[Traffic, ...]]:
        return await self._read("traffic", Lane.MANAGE, partial(system.traffic, names=interfaces))

    async def management_path(self) -> Outcome[frozenset[str]]:
        order = partial(path.management, account=self.access.username)
        return await self._read("path", Lane.MANAGE, order)

    async def switch_interface(
        self, name: str, *, enabled: bool, force: bool = False
    ) -> Outcome[None]:
        order = partial(
            path.switch, account=self.access.username, name=name, enabled=enabled, force=force
        )
        return await self._again("interface.switch", Lane.MANAGE, order)

    async def save_backup(self, name: str, password: str) -> Outcome[StoredFile]:
        order = partial(files.save_backup, name=name, password=password)
        return await self._once("backup.save", Lane.MANAGE, order)

    async def export(self, name: str) -> Outcome[str]:
        order = partial(files.export, name=name)
        return await self._once("export", Lane.MANAGE, order, large=True)

    async def files(self) -> Outcome[tuple[StoredFile, ...]]:
        return await self._read("file.list", Lane.MANAGE, files.stored)

    async def remove_file(self, name: str) -> Outcome[None]:
        return await self._once("file.remove", Lane.MANAGE, partial(files.remove, name=name))

    async def restore_backup(self, name: str, password: str) -> Outcome[None]:
        order = partial(files.restore_backup, name=name, password=password)
        return await self._once("backup.restore", Lane.MANAGE, order)

    async def aclose(self) -> None:
        for kept in (self._statistics, self._interfaces, self._users):
            await kept.aclose()
        await self._pool.aclose()

    async def _read_interfaces(self) -> Outcome[tuple[Interface, ...]]:
        return await self._read("interface.list", Lane.MANAGE, system.interfaces)

    async def _read_users(self) -> Outcome[tuple[HotspotUser, ...]]:
        return await self.users(Lane.MANAGE)

    async def _read(
        self, act: str, lane: Lane, order: Order[T], *, large: bool = False
    ) -> Outcome[T]:
        """A question: it may be asked again."""
        return await self._asker.run(act, order, lane=lane, changes=False, repeat=True, large=large)

    async def _again(self, act: str, lane: Lane, order: Order[T]) -> Outcome[T]:
        """Done twice it is done once."""
        return await self._asker.run(act, order, lane=lane, changes=True, repeat=True)

    async def _once(
        self, act: str, lane: Lane, order: Order[T], *, large: bool = False
    ) -> Outcome[T]:
        """Never done again where it may have happened."""
        return await self._asker.run(act, order, lane=lane, changes=True, repeat=False, large=large)


class RouterOsFleet:
    """The routers that this process works on. Keeps `core.ports.hotspot.HotspotRouters`.

    `reach`: how far an address that somebody set may lead, beside the networks of the settings.
    """

    def __init__(
        self,
        settings: Settings,
        requests: RouterRequests,
        clock: Clock,
        reach: Reach,
        rules: Rules | None = None,
    ) -> None:
        self._requests = requests
        self._networks = settings.networks
        self._clock = clock
        self._reach = reach
        self._rules = rules or Rules(
            connections_max=settings.connections, circuit=circuit_of(settings.circuit_open_s)
        )
        self._routers: dict[UUID, RouterOs] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def of(self, router_id: UUID, access: RouterAccess) -> RouterOs:
        known = self._routers.get(router_id)
        if known is not None and known.access == access:
            return known
        if known is not None:
            self._end(known)
        made = RouterOs(
            str(router_id),
            access,
            partial(self._dial, access),
            self._rules,
            self._requests,
            self._clock,
        )
        self._routers[router_id] = made
        return made

    async def forbids(self, access: RouterAccess) -> bool:
        with contextlib.suppress(OSError, TimeoutError, ValueError):
            return await self._places(access) is None
        return False

    async def forget(self, router_id: UUID) -> None:
        if router := self._routers.pop(router_id, None):
            await router.aclose()

    async def aclose(self) -> None:
        for router_id in list(self._routers):
            await self.forget(router_id)
        await asyncio.gather(*self._ending)

    def _end(self, router: RouterOs) -> None:
        task = asyncio.get_running_loop().create_task(router.aclose())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    async def _places(self, access: RouterAccess) -> list[str] | None:
        return await addresses.places(access.host, access.port, self._reach, self._networks)

    async def _dial(self, access: RouterAccess) -> Line:
        """A connection to one of the addresses that the host has now."""
        deadline_s = time.monotonic() + self._rules.connect_s
        try:
            found = await self._places(access)
        except (OSError, TimeoutError, ValueError):
            raise Unresolvable("unresolvable") from None
        if found is None:
            raise NotAllowed("not_allowed")
        for address in found[:-1]:
            with contextlib.suppress(NotReached):
                return await connect(address, access, (deadline_s - time.monotonic()) / 2)
        return await connect(found[-1], access, max(0.1, deadline_s - time.monotonic()))
