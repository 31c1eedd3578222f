"""Monitoring: every router is looked at every half minute, and operators are told what changes.

A look asks four things, and who is online where somebody is; every tenth asks for the log, the
address pools and the device-mode too.
Looks are leased one by one, so any number of workers share them, and a router that does not answer
delays no other.
"""

import datetime as dt
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.hotspot import Load, Router, RouterStatus
from core.domain.router_watch import (
    Rates,
    Standing,
    Telling,
    Trouble,
    after_answer,
    after_miss,
    drift_s,
    rates,
    restarted,
    to_tell,
    troubles,
)
from core.domain.routers import Statistics
from core.kit import ids
from core.kit.clock import Clock
from core.ports import Alert, AlertKind, Alerts, Event
from core.ports.hotspot import Done, HotspotRouter, HotspotRouters, Lane, Refusal, Refused, Unknown
from core.ports.hotspot_books import RouterBook
from core.ports.router_history import LOG_KEPT, LastLook, Look, RouterHistory, Watched
from core.services.router_desk import alert_key, subject
from core.services.router_log import mark_of, readable, since, warns
from core.services.router_words import ATTENTION

log = structlog.get_logger()

ACTOR = "monitoring"
_MORE_EVERY = 10
_JITTER = 0.1
_SHORTLY_S = 0.1
_ADDRESSES_MAX = 2**31 - 1
_NOISE = random.SystemRandom()
_PRUNED_AT_ONCE = 20_000
_PRUNE_EVERY_S = 600.0

_NEED_PERSON = {
    Refusal.CREDENTIALS: "credentials",
    Refusal.UNTRUSTED: "untrusted",
    Refusal.PERMISSION: "permission",
}
_DEVICE_MODE = "device_mode"
_HEALS = frozenset({*_NEED_PERSON.values(), _DEVICE_MODE})
"""What is over as soon as a look finds it over; anything else is over when a person says so."""


@dataclass(frozen=True, slots=True)
class WatchRules:
    """How routers are watched (seconds), and how long what was seen is kept (days).

    Attributes:
        lease_s: Within this a look is made and kept, or another worker makes it.
        stray_s: So late may a look be before another worker than the last one makes it.
    """

    every_s: float = 30.0
    lease_s: float = 90.0
    stray_s: float = 15.0
    looks_kept_days: float = 7.0
    hours_kept_days: float = 400.0


class Delivery(Protocol):
    """Who is told what a look means for vouchers. See `core.ports.router_ops.RouterOps`."""

    async def wake(self, tenant_id: UUID, router_id: UUID) -> None: ...

    async def online(self, tenant_id: UUID, router_id: UUID, users: Sequence[str]) -> None: ...


class RouterWatch:
    """Leases looks that are due, and looks. See `core.jobs.workers.Pump`."""

    def __init__(
        self,
        book: RouterBook,
        history: RouterHistory,
        routers: HotspotRouters,
        alerts: Alerts,
        delivery: Delivery,
        clock: Clock,
        rules: WatchRules,
    ) -> None:
        self._book = book
        self._history = history
        self._routers = routers
        self._alerts = alerts
        self._delivery = delivery
        self._online: dict[UUID, frozenset[str]] = {}
        self._clock = clock
        self._rules = rules
        self._holder = ids.uuid7().hex
        self._prune_at = clock.now()

    async def due(self, count: int) -> Sequence[Watched]:
        await self._prune()
        rules = self._rules
        return await self._history.claim(self._holder, count, rules.lease_s, stray_s=rules.stray_s)

    async def look(self, watched: Watched) -> None:
        """Ask, judge, tell, keep."""
        router = watched.router
        asked = self._routers.of(router.id, router.access)
        begun = self._clock.now()
        outcome = await asked.statistics()
        now = self._clock.now()
        match outcome:
            case Done(value=statistics):
                took_ms = round((now - begun).total_seconds() * 1000)
                await self._answered(watched, asked, statistics, took_ms, now)
            case Refused(reason=Refusal.BUSY):
                # Nobody asked it: that says nothing of how it is.
                pause_s = min(outcome.retry_after_s or 1.0, self._rules.every_s)
                again_at = now + dt.timedelta(seconds=pause_s + _SHORTLY_S)
                await self._history.look_at(router.tenant_id, router.id, again_at)
            case Refused(reason=reason) if attention := _NEED_PERSON.get(reason):
                standing = Standing(RouterStatus.NEEDS_ATTENTION, watched.misses + 1, attention)
                await self._missed(watched, standing, reason.value, now)
            case Refused(reason=reason):
                await self._missed(watched, after_miss(_standing(watched)), reason.value, now)
            case Unknown(reason=word):
                await self._missed(watched, after_miss(_standing(watched)), word, now)

    async def _answered(
        self,
        watched: Watched,
        asked: HotspotRouter,
        statistics: Statistics,
        took_ms: int,
        now: dt.datetime,
    ) -> None:
        router, before = watched.router, watched.last
        elapsed_s = (now - before.at).total_seconds() if before.at else 0.0
        last = replace(
            before,
            at=now,
            took_ms=took_ms,
            resource=statistics.resource,
            drift_s=drift_s(statistics, now),
            active_users=statistics.active_users,
            interfaces=statistics.interfaces,
            looks=before.looks + 1,
        )
        carried = _rates(before, last, elapsed_s)
        last = replace(last, rx_bps=carried.rx_bps, tx_bps=carried.tx_bps)
        attention, warnings = "", 0
        if before.looks % _MORE_EVERY == 0 or not router.status.reachable:
            attention, last, warnings = await self._more(asked, router, last)
        standing = after_answer(_standing(watched), attention)
        load = Load(
            last.active_users,
            carried.bandwidth_bps,
            last.addresses_used,
            last.addresses_total,
            now,
        )
        standing = await self._settle(router, standing, now)
        await self._book.measured(router, load)
        if before.resource is not None and restarted(
            before.resource.uptime_s,
            statistics.resource.uptime_s,
            elapsed_s,
            (before.took_ms + took_ms) / 1000,
        ):
            log.info("router.restarted", router=str(router.id))
            await self._delivery.wake(router.tenant_id, router.id)
        await self._see_who_is_online(asked, router, statistics.active_users)
        found = troubles(standing, router.limits, load, last.drift_s, watched.told)
        told = await self._tell(watched, found, now)
        seen = replace(watched, misses=0, missed="", last=last, told=told)
        await self._history.keep(Look(seen, now, True, warnings, self._next(now)))  # noqa: FBT003

    async def _see_who_is_online(self, asked: HotspotRouter, router: Router, count: int) -> None:
        """Tell of those that were not there at the look before: a login begins a voucher's time."""
        outcome = await asked.sessions(lane=Lane.MONITOR) if count else Done(())
        if not isinstance(outcome, Done):
            return  # they are seen at the next look, or when the router is compared
        users = frozenset(session.user for session in outcome.value)
        if new := users - self._online.get(router.id, frozenset()):
            await self._delivery.online(router.tenant_id, router.id, sorted(new))
        self._online[router.id] = users

    async def _more(
        self, asked: HotspotRouter, router: Router, last: LastLook
    ) -> tuple[str, LastLook, int]:
        """What is asked for now and then. What is not answered stays as it was."""
        attention, warnings = "", 0
        mode = await asked.device_mode()
        if isinstance(mode, Done):
            attention = "" if mode.value.hotspot else _DEVICE_MODE
        elif router.attention == _DEVICE_MODE:
            attention = _DEVICE_MODE
        servers = await asked.servers(Lane.MONITOR)
        pools = await asked.pools()
        if isinstance(pools, Done):
            names = {
                each.pool
                for each in (servers.value if isinstance(servers, Done) else ())
                if each.name == router.server
            }
            ours = [pool for pool in pools.value if pool.name in names] or pools.value
            last = replace(
                last,
                addresses_used=min(sum(pool.used for pool in ours), _ADDRESSES_MAX),
                addresses_total=min(sum(pool.size for pool in ours), _ADDRESSES_MAX),
            )
        lines = await asked.log()
        if isinstance(lines, Done) and lines.value:
            warned = [line for line in since(lines.value, last.log_mark) if warns(line)]
            # Of a log that is read for the first time, what is old is shown but not counted.
            warnings = len(warned) if last.log_mark else 0
            kept = (*last.warnings, *map(readable, warned))[-LOG_KEPT:]
            last = replace(last, warnings=kept, log_mark=mark_of(lines.value[-1]))
        return attention, last, warnings

    async def _missed(
        self, watched: Watched, standing: Standing, why: str, now: dt.datetime
    ) -> None:
        router = watched.router
        settled = await self._settle(router, standing, now)
        found = troubles(settled, router.limits, router.load, None, watched.told)
        told = await self._tell(watched, found, now)
        seen = replace(watched, misses=standing.misses, missed=why, told=told)
        await self._history.keep(Look(seen, now, False, 0, self._next(now)))  # noqa: FBT003

    async def _settle(self, router: Router, standing: Standing, now: dt.datetime) -> Standing:
        """Write the status down; as it is then. What takes a person waits for one."""
        if router.status is RouterStatus.NEEDS_ATTENTION and router.attention:
            if standing.status is RouterStatus.NEEDS_ATTENTION:
                return replace(standing, attention=router.attention)
            if router.attention not in _HEALS:
                return Standing(router.status, standing.misses, router.attention)
            facts: dict[str, object] = {"was": router.attention}
            event = Event(subject(router.id), "router.attended", ACTOR, facts)
            await self._book.attended(router, event, now)
            return Standing(RouterStatus.RECOVERING)
        if await self._book.found(router, standing.status, now, attention=standing.attention):
            log.info(
                "router.status",
                router=str(router.id),
                status=standing.status.value,
                before=router.status.value,
                why=standing.attention,
            )
        return standing

    async def _tell(
        self, watched: Watched, found: Sequence[Trouble], now: dt.datetime
    ) -> Mapping[str, Telling]:
        router = watched.router
        change = to_tell(watched.told, found, now)
        for trouble in change.opened:
            await self._alerts.open(_alert(router, trouble, watched))
        for kind in change.closed:
            await self._alerts.close(router.tenant_id, alert_key(router.id, kind))
        return change.told

    def _next(self, now: dt.datetime) -> dt.datetime:
        every_s = self._rules.every_s * (1 + _NOISE.uniform(-_JITTER, _JITTER))
        return now + dt.timedelta(seconds=every_s)

    async def _prune(self) -> None:
        now = self._clock.now()
        if now < self._prune_at:
            return
        self._prune_at = now + dt.timedelta(seconds=_PRUNE_EVERY_S)
        await self._history.prune(
            now - dt.timedelta(days=self._rules.looks_kept_days),
            now - dt.timedelta(days=self._rules.hours_kept_days),
            _PRUNED_AT_ONCE,
        )


def _standing(watched: Watched) -> Standing:
    return Standing(watched.router.status, watched.misses, watched.router.attention)


def _rates(before: LastLook, now: LastLook, elapsed_s: float) -> Rates:
    counters = {each.name: (each.rx_bytes, each.tx_bytes) for each in before.interfaces}
    return rates(counters, now.interfaces, elapsed_s)


def _alert(router: Router, trouble: Trouble, watched: Watched) -> Alert:
    facts = dict(trouble.facts)
    kind = AlertKind(trouble.kind)
    if kind is AlertKind.ROUTER_OFFLINE:
        facts["why"] = watched.missed or "no answer"
        if router.seen_at is not None:
            facts["last_seen"] = router.seen_at.isoformat(timespec="seconds")
    if kind is AlertKind.ROUTER_ATTENTION:
        facts["do"] = ATTENTION.get(str(facts["why"]), "")
    where = f" at {router.place.location}" if router.place.location else ""
    return Alert(
        router.tenant_id, kind, alert_key(router.id, trouble.kind), router.name + where, facts
    )
