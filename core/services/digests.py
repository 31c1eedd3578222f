"""What a day came to, for those who run the shop."""

import datetime as dt
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from core.domain.digests import Digest, Float, Rate, Sum
from core.domain.live_chat import LiveState
from core.kit.clock import Clock
from core.ports.health import AlertBook, ReviewBook
from core.ports.live_chat import LiveBook

A_DAY = dt.timedelta(days=1)


class DayBook(Protocol):
    """What of a day is counted in the books."""

    async def orders(self, tenant_id: UUID, since: dt.datetime) -> Sequence[Sum]:
        """Those made since then, by state."""
        ...

    async def money_in(self, tenant_id: UUID, since: dt.datetime) -> Sequence[Sum]: ...

    async def money_out(self, tenant_id: UUID, since: dt.datetime) -> Sequence[Sum]: ...

    async def cases(self, tenant_id: UUID) -> Sequence[tuple[str, int]]:
        """Open ones, by kind."""
        ...


class Digests:
    """The last twenty-four hours of a tenant, whenever it is asked for."""

    def __init__(
        self,
        book: DayBook,
        standings: ReviewBook,
        alerts: AlertBook,
        live: LiveBook,
        clock: Clock,
    ) -> None:
        self._book = book
        self._standings = standings
        self._alerts = alerts
        self._live = live
        self._clock = clock

    async def of(self, tenant_id: UUID) -> Digest:
        now = self._clock.now()
        since = now - A_DAY
        return Digest(
            since=since,
            until=now,
            orders=await self._book.orders(tenant_id, since),
            money_in=await self._book.money_in(tenant_id, since),
            money_out=await self._book.money_out(tenant_id, since),
            rates=await self._rates(tenant_id, since),
            floats=await self._floats(tenant_id),
            cases=await self._book.cases(tenant_id),
            alerts=await self._alerts.count(tenant_id, "open"),
            chats_waiting=await self._live.count(tenant_id, [LiveState.WAITING]),
        )

    async def _rates(self, tenant_id: UUID, since: dt.datetime) -> Sequence[Rate]:
        figures = await self._standings.figures([tenant_id], since, since)
        return sorted(
            (
                Rate(key.provider, key.product.value, each.delivered, each.delivered + each.failed)
                for key, each in figures.items()
                if key.tenant_id == tenant_id and each.delivered + each.failed
            ),
            key=lambda rate: (rate.product, rate.provider),
        )

    async def _floats(self, tenant_id: UUID) -> Sequence[Float]:
        """One of each account, however much is bought through it."""
        known = await self._standings.known(tenant_id)
        found: dict[tuple[str, str | None], Float] = {}
        for key, each in known.items():
            told = each.float_balance
            if told is not None:
                account = (key.provider, each.via)
                found[account] = Float(key.provider, told.minor, told.currency, each.float_at)
        return sorted(found.values(), key=lambda one: one.provider)
