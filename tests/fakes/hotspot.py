"""The real adapter in front of simulated routers, quick to give up."""

import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from core.domain.circuits import CircuitRules
from core.domain.routers import NewUser, RouterAccess, UserRef
from core.kit.clock import Clock, SystemClock
from core.ports.hotspot import Lane
from core.providers.addresses import Reach
from core.providers.hotspot.budget import BudgetRules, OnlyHere
from core.providers.hotspot.replies import SMALL
from core.providers.hotspot.routeros import RouterOs, RouterOsFleet, Settings
from core.providers.hotspot.rules import Rules
from sandbox.routeros.fleet import Router
from sandbox.routeros.plan import ACCOUNT, PASSWORD

MARK = "hb1:0123456789ab"
ROUTER = UUID(int=1)
PLENTY = BudgetRules(ceilings=dict.fromkeys(Lane, 10**6))
# What does not come at all is given up soon; nothing that comes is given up for being slow.
IMPATIENT = dataclasses.replace(SMALL, seconds=0.3)
QUICK = Rules(
    backoff_s=0.005,
    budget=PLENTY,
    circuit=CircuitRules(failures_to_open=10**6, open_s=30, successes_to_close=1),
)


def access(of: Router, **different: Any) -> RouterAccess:
    told = RouterAccess("127.0.0.1", ACCOUNT, PASSWORD, of.port)
    return dataclasses.replace(told, **different)


@asynccontextmanager
async def hotspot(
    of: Router, *, clock: Clock | None = None, reached: RouterAccess | None = None, **rules: Any
) -> AsyncIterator[RouterOs]:
    """The adapter in front of this router; `rules` are those of QUICK that differ."""
    fleet = RouterOsFleet(
        Settings(),
        OnlyHere(),
        clock or SystemClock(),
        Reach.ANYWHERE,
        dataclasses.replace(QUICK, **rules),
    )
    try:
        yield fleet.of(uuid4(), reached or access(of))
    finally:
        await fleet.aclose()


def voucher(name: str, **different: Any) -> NewUser:
    told = NewUser(name, name, "hotspot1", "1h", comment=MARK, uptime_limit_s=3600)
    return dataclasses.replace(told, **different)


def ref(name: str, mark: str = MARK) -> UserRef:
    return UserRef(name, "hotspot1", mark)
