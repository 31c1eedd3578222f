"""What looks like somebody trying their luck: operators are told, in facts that name nobody."""

import datetime as dt
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

import structlog

from core.domain.customers import Customer
from core.kit.msisdn import masked
from core.ports import Alert, AlertKind, Alerts

log = structlog.get_logger()

DAY_S = 86_400
LOCKS_MAX = 1
"""A PIN may be locked so often in a day before somebody is told."""


class Counter(Protocol):
    async def count(self, what: str, whose: str, within_s: int) -> int:
        """Count one more, and how many that makes within so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class SuspicionRules:
    """How many wrong one-time codes of a customer a day are nothing to speak of."""

    codes_max: int = 6


class Suspicions:
    """Counts what may be done wrong now and then, and alerts when it is done too often.

    Raises for nothing: whoever is told of here goes on as before.
    """

    def __init__(self, counter: Counter, alerts: Alerts, rules: SuspicionRules) -> None:
        self._counter = counter
        self._alerts = alerts
        self._rules = rules

    async def pin_locked(self, customer: Customer, until: dt.datetime | None) -> None:
        """Wrong PINs have locked it until then. The same lock is counted once."""
        await self._quietly(self._locked(customer, f"{customer.id} {until}"))

    async def code_refused(self, customer: Customer) -> None:
        """A one-time code was wrong, or late."""
        most = self._rules.codes_max
        await self._quietly(self._count(customer, "code", most, "{times} one-time codes refused"))

    async def _locked(self, customer: Customer, lock: str) -> None:
        if await self._counter.count("suspicious_lock", lock, DAY_S) == 1:
            await self._count(customer, "pin", LOCKS_MAX, "PIN locked {times} times")

    async def _count(self, customer: Customer, what: str, most: int, words: str) -> None:
        times = await self._counter.count(f"suspicious_{what}", str(customer.id), DAY_S)
        if times <= most:
            return
        number = masked(customer.msisdn)
        await self._alerts.open(
            Alert(
                tenant_id=customer.tenant_id,
                kind=AlertKind.SUSPICIOUS,
                key=f"suspicious/{what}/{customer.id}",
                subject=f"{number}: {words.format(times=times)} within a day",
                facts={"number": number, "times": times},
            )
        )

    async def _quietly(self, counting: Awaitable[None]) -> None:
        try:
            await counting
        except Exception as error:  # noqa: BLE001 - a customer's PIN does not hang on it
            log.warning("suspicion.uncounted", error=type(error).__name__)
