"""The queue of what only a person can settle: what comes into it by itself, and how it is read."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.vending import Capabilities, Product
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Alert, AlertKind, Alerts, NewCase, Paging
from core.ports.desk import Case, CaseBook, CaseQuery, Doubt

log = structlog.get_logger()

_FIRST = UUID(int=0)
_PAGE = 500
# Long enough for any process to have told of it, however long it stood still.
_COUNTED_FOR = dt.timedelta(days=1)
# Whoever finds these raises an alarm of its own.
_TOLD_OTHERWISE = frozenset({"statement_difference"})
# Words of `core.services.vending`: who could tell is not there to be asked.
_NOBODY_TO_ASK = frozenset({"no_seller", "other_account"})
_EVIDENCE_MISSING = "evidence_missing"  # word of `core.providers.vtu.answers`


class UnknownCase(Problem):
    """This tenant has no case of this id."""

    code = "case.unknown"


class CaseClosed(Problem):
    """It was closed before, with other words."""

    code = "case.closed"


class ResolutionNeeded(Problem):
    code = "case.resolution_needed"


class CaseDesk:
    """Reading and closing cases. Closing one moves no money: `OrderActions` does."""

    def __init__(self, cases: CaseBook) -> None:
        self._cases = cases

    async def listed(self, tenant_id: UUID, query: CaseQuery, paging: Paging) -> Sequence[Case]:
        return await self._cases.listed(tenant_id, query, paging)

    async def count(self, tenant_id: UUID, query: CaseQuery) -> int:
        return await self._cases.count(tenant_id, query)

    async def show(self, tenant_id: UUID, case_id: UUID) -> Case:
        """Raises `UnknownCase`."""
        found = await self._cases.find(tenant_id, case_id)
        if found is None:
            raise UnknownCase
        return found

    async def close(self, tenant_id: UUID, case_id: UUID, resolution: str, actor: str) -> Case:
        """Close it in words. Closing it again in the same words changes nothing.

        Raises:
            UnknownCase: there is none.
            CaseClosed: it is closed with another resolution.
            ResolutionNeeded: there are no words.
        """
        words = resolution.strip()
        if not words:
            raise ResolutionNeeded
        found = await self._cases.close(tenant_id, case_id, words, actor)
        if found is None:
            raise UnknownCase
        if found.resolution != words:
            raise CaseClosed
        return found


@dataclass(frozen=True, slots=True)
class CaseRules:
    """When waiting ends and a person is called, in seconds since the request left."""

    in_doubt_after_s: float = 3600.0
    evidence_after_s: float = 900.0


class Able(Protocol):
    """As much of a provider as decides whether it can be asked."""

    @property
    def capabilities(self) -> Capabilities: ...


class OwnSeller(Protocol):
    """As much of `core.services.shelf.Seller` as that takes."""

    @property
    def own(self) -> Able | None: ...


class Sellers(Protocol):
    """Who can be asked about an attempt (`core.services.shelf.Shelf`)."""

    async def seller(self, tenant_id: UUID, product: Product, name: str, via: str) -> OwnSeller: ...


class CaseSweep:
    """Opens cases for doubts that asking cannot end, closes settled ones, and keeps the alarm.

    Safe any number of times and for several processes at once: cases and alarms have keys.
    """

    def __init__(
        self, cases: CaseBook, alerts: Alerts, sellers: Sellers, clock: Clock, rules: CaseRules
    ) -> None:
        self._cases = cases
        self._alerts = alerts
        self._sellers = sellers
        self._clock = clock
        self._rules = rules

    async def run(self) -> None:
        await self._cases.settle()
        await self._open_doubts()
        await self._tell()

    async def _open_doubts(self) -> None:
        soonest_s = min(self._rules.in_doubt_after_s, self._rules.evidence_after_s)
        before = self._clock.now() - dt.timedelta(seconds=soonest_s)
        after = _FIRST
        while page := await self._cases.doubts(before, after, _PAGE):
            for doubt in page:
                if (case := await self._case_of(doubt)) is not None and await self._cases.open(
                    case
                ):
                    log.warning("case.opened", kind=case.kind, reference=case.subject)
            after = page[-1].order_id

    async def _case_of(self, doubt: Doubt) -> NewCase | None:
        """The case, or None while asking may still bring an answer."""
        age_s = (self._clock.now() - doubt.sent_at).total_seconds()
        if doubt.reason == _EVIDENCE_MISSING:
            late = age_s >= self._rules.evidence_after_s
            return (
                _case(doubt, "order_evidence_missing", "evidence", doubt.reason) if late else None
            )
        if age_s < self._rules.in_doubt_after_s:
            return None
        why = await self._why_nobody_can_say(doubt)
        return _case(doubt, "order_in_doubt", "doubt", why) if why else None

    async def _why_nobody_can_say(self, doubt: Doubt) -> str | None:
        if doubt.reason in _NOBODY_TO_ASK:
            return doubt.reason
        seller = await self._sellers.seller(
            doubt.tenant_id, doubt.product, doubt.provider, doubt.via
        )
        if seller.own is not None and not seller.own.capabilities.requery_by_reference:
            return "cannot_be_asked"
        return None

    async def _tell(self) -> None:
        """One alarm for each kind and tenant while any of it is open: a hundred are one trouble."""
        for count in await self._cases.counts(self._clock.now() - _COUNTED_FOR):
            if count.kind in _TOLD_OTHERWISE:
                continue
            key = f"cases/{count.kind}"
            if not count.open:
                await self._alerts.close(count.tenant_id, key)
                continue
            await self._alerts.open(
                Alert(
                    tenant_id=count.tenant_id,
                    kind=AlertKind.STUCK,
                    key=key,
                    subject=f"cases of {count.kind.replace('_', ' ')}",
                    facts={"open": count.open},
                )
            )


class NoAlerts:
    """In place of `core.ports.Alerts` where nobody follows them: they are logged."""

    async def open(self, alert: Alert) -> bool:
        log.warning("alert.unheard", kind=alert.kind.value, key=alert.key, **alert.facts)
        return False

    async def close(self, tenant_id: UUID, key: str) -> bool:
        log.info("alert.over", tenant=str(tenant_id), key=key)
        return False


def _case(doubt: Doubt, kind: str, matter: str, why: str) -> NewCase:
    return NewCase(
        tenant_id=doubt.tenant_id,
        kind=kind,
        key=f"order/{doubt.order_id}/{matter}",
        subject=doubt.reference,
        facts={
            "order_id": str(doubt.order_id),
            "provider": doubt.provider,
            "provider_reference": doubt.provider_reference,
            "attempt": doubt.attempt,
            "why": why,
            "checks": doubt.checks,
            "sent_at": doubt.sent_at.isoformat(),
        },
    )
