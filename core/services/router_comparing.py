"""A leased router beside our books: read, compared, booked, and told about."""

import datetime as dt
import random
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar
from uuid import UUID

import structlog

from core.domain.vouchers import Desired, SyncState
from core.kit import crash
from core.kit.clock import Clock
from core.kit.errors import Fault
from core.ports import Alert, AlertKind, Alerts
from core.ports.hotspot import Done, HotspotRouter, Lane, Outcome, Refusal, Refused
from core.ports.router_ops import Compared, Expected, RouterLease, RouterOps
from core.ports.voucher_backend import VoucherBackend
from core.services.router_compare import Comparison, OnTheRouter, compare, misplaced, unexpected
from core.services.voucher_keeping import counted, login_of

log = structlog.get_logger()
_Read = TypeVar("_Read")
Facts = dict[str, str | int | float]

_UNREAD = 2  # how patient a comparison is that could not be made
_BACKOFF_MAX_S = 300.0


class RouterAlerts:
    """What operators are told of one router by whoever works on it."""

    def __init__(self, alerts: Alerts, tenant_id: UUID, router_id: UUID, name: str) -> None:
        self._alerts = alerts
        self._tenant_id = tenant_id
        self._router_id = router_id
        self._name = name

    async def tell(self, what: str, facts: Facts, *, stands: bool = True) -> None:
        key = f"router:{self._router_id}:{what}"
        if not stands:
            await self._alerts.close(self._tenant_id, key)
            return
        subject = f"router {self._name}: {what}"
        await self._alerts.open(Alert(self._tenant_id, AlertKind.ROUTER, key, subject, facts))


class Comparing:
    """The comparisons of one lease. With a `keeper`, vouchers are there and not on the router.

    `went_away` is told why a router could not be read; `met_refusal` tells whether it has refused
    anything under this lease.
    """

    def __init__(
        self,
        ops: RouterOps,
        router: HotspotRouter,
        lease: RouterLease,
        alerts: RouterAlerts,
        clock: Clock,
        every_s: float,
        keeper: VoucherBackend | None,
        went_away: Callable[[Refused], Awaitable[None]],
        met_refusal: Callable[[], bool],
    ) -> None:
        self._ops = ops
        self._router = router
        self._lease = lease
        self._alerts = alerts
        self._clock = clock
        self._every_s = every_s
        self._keeper = keeper
        self._went_away = went_away
        self._met_refusal = met_refusal
        self._away = False

    async def run(self) -> None:
        """Compare once."""
        if self._keeper is None:
            expected = await self._compare()
        else:
            expected = await self._count(self._keeper)
        if expected is None:
            return
        # It was read: what was told of being locked out, or refused, is over.
        await self._alerts.tell("locked", {}, stands=False)
        blocked = (one.sync_state is SyncState.BLOCKED for one in expected)
        if not (self._met_refusal() or any(blocked)):
            await self._alerts.tell("blocked", {}, stands=False)

    async def _count(self, keeper: VoucherBackend) -> Sequence[Expected] | None:
        """Read what was used from who keeps the vouchers, and book it."""
        started_at = self._clock.now()
        expected = await self._ops.expected(self._lease)
        wanted = [one for one in expected if one.desired is not Desired.ABSENT]
        codes = [(one, self._code(one)) for one in wanted]
        logins = [login_of(self._lease, one, code) for one, code in codes if code is not None]
        found = await self._read(await keeper.usage(logins))
        if found is None:
            booked, wait_s = Compared(started_at), backoff_s(_UNREAD)
        else:
            booked, wait_s = counted(wanted, found, started_at), self._every_s
        next_at = started_at + dt.timedelta(seconds=wait_s)
        await self._ops.compared(self._lease, booked, next_at)
        return None if found is None else expected

    async def _compare(self) -> Sequence[Expected] | None:
        """Read all that is on the router, once, and book what differs from our books."""
        started_at = self._clock.now()
        found = await self._found(started_at)
        if found is None or not await self._has_our_server(found):
            if not self._away:
                next_at = self._clock.now() + dt.timedelta(seconds=backoff_s(_UNREAD))
                await self._ops.compared(self._lease, Compared(started_at), next_at)
            return None
        expected = list(await self._ops.expected(self._lease))
        if others := unexpected(found.users, expected):
            expected += await self._ops.gone(self._lease, others)
        lease, may_go = self._lease, await self._ops.may_let_go(self._lease)
        compared = compare(expected, found, lease.server, lease.serial, self._code, may_go)
        crash.point("router.compared")
        next_at = started_at + dt.timedelta(seconds=self._every_s)
        await self._ops.compared(self._lease, compared.booked, next_at)
        await self._tell(compared)
        if compared.copies:
            await self._router.remove_users(compared.copies, Lane.BULK)  # or after the next one
        return expected

    def _code(self, one: Expected) -> str | None:
        """None where no key opens it: one of them keeps nobody from comparing the others."""
        try:
            return self._ops.code(one)
        except Fault:
            log.warning("router.unreadable", router=self._lease.name, voucher=str(one.voucher_id))
            return None

    async def _found(self, started_at: dt.datetime) -> OnTheRouter | None:
        """What is on it; None where it could not be read."""
        identity = await self._read(await self._router.identity(Lane.BULK))
        if identity is None:
            return None
        users = await self._read(await self._router.users())
        if users is None:
            return None
        sessions = await self._read(await self._router.sessions(lane=Lane.BULK))
        if sessions is None:
            return None
        return OnTheRouter(started_at, identity.serial, users, sessions)

    async def _has_our_server(self, found: OnTheRouter) -> bool:
        """Vouchers move to another hotspot server only where that is there."""
        server = self._lease.server
        if not misplaced(found.users, server):
            return True
        servers = await self._read(await self._router.servers(Lane.BULK))
        there = servers is not None and server in {each.name for each in servers}
        if servers is not None and not there:
            await self._alerts.tell("blocked", {"reason": "no_server", "server": server})
        return there

    async def _read(self, outcome: Outcome[_Read]) -> _Read | None:
        if isinstance(outcome, Done):
            return outcome.value
        if isinstance(outcome, Refused) and outcome.reason is not Refusal.BUSY:
            self._away = True
            await self._went_away(outcome)
        log.warning("router.unread", router=self._lease.name, outcome=type(outcome).__name__)
        return None

    async def _tell(self, compared: Comparison) -> None:
        booked = compared.booked
        log.info(
            "router.compared",
            router=self._lease.name,
            missing=len(booked.missing),
            differing=len(booked.differing),
            extra=len(booked.extra),
            used=len(booked.used),
            copies=len(compared.copies),
            foreign=compared.foreign,
            strays=compared.strays,
            rolled_back=compared.rolled_back,
        )
        await self._alerts.tell("reset", {"missing": len(booked.missing)}, stands=booked.reset)
        held_back = compared.held_back
        await self._alerts.tell("mass_removal", {"users": held_back}, stands=bool(held_back))


def backoff_s(failures: int) -> float:
    """2, 4, 8, ... 300 seconds, give or take a fifth."""
    spread = random.uniform(0.8, 1.2)  # noqa: S311 - no secret
    return float(min(_BACKOFF_MAX_S, 2.0 ** min(failures, 9)) * spread)
