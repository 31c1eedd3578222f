"""One day of one party: read its side, hold ours against it, keep what differs, tell who must know.

Nothing is booked from a statement. What the normal path can book is only asked about at once.
"""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from core.domain.reconciliation import (
    Difference,
    Side,
    day_of,
)
from core.domain.vending import Product
from core.kit.errors import Problem
from core.ports import Alert, AlertKind, NewCase
from core.ports.statements import (
    DayRun,
    FoundDifference,
    Party,
    Unread,
)
from core.services.payment_days import PaymentDays
from core.services.reconciliation_parts import MARGIN, Compared, Surroundings
from core.services.statement_reading import StatementReading
from core.services.vend_days import VendDays

log = structlog.get_logger()

_CASE_KIND = "statement_difference"


class DayNotOver(Problem):
    """Only a day that is over has a statement."""

    code = "reconciliation.day_not_over"


class UnknownRun(Problem):
    """No day was reconciled under that id."""

    code = "reconciliation.unknown"


class UnknownParty(Problem):
    """We deal with nobody of that name."""

    code = "reconciliation.unknown_party"


class Reconciliation:
    def __init__(
        self, reach: Surroundings, *, pause_s: float = 0.2, lease_s: float = 900.0
    ) -> None:
        """`lease_s` is the longest that a statement may take to read."""
        self._reach = reach
        self._vends = VendDays(reach, StatementReading(reach.shelf, pause_s))
        self._payments = PaymentDays(reach)
        self._lease_s = lease_s

    async def parties(self, tenant_id: UUID, day: dt.date) -> list[Party]:
        """Whom this tenant deals with, and dealt with on that day."""
        reach = self._reach
        period = (await self._reach.period(tenant_id, day)).with_margin(MARGIN)
        sellers = {
            offer.provider.name
            for product in Product
            for offer in reach.shelf.offers(tenant_id, product)
        }
        found = {Party(Side.VENDS, name) for name in sellers}
        found |= {Party(Side.PAYMENTS, name) for name in reach.gateways}
        found |= set(await reach.book.parties_of(tenant_id, period.since, period.until))
        return sorted(found, key=lambda party: (party.side, party.name))

    async def run_day(
        self, tenant_id: UUID, day: dt.date, party: str | None = None
    ) -> list[DayRun]:
        """Every party of a day, or one; without those that somebody else is at just now.

        Raises:
            DayNotOver: it is today, or later.
            UnknownParty: none of that name.
        """
        tenant = await self._reach.tenants.get(tenant_id)
        if day >= day_of(self._reach.clock.now(), ZoneInfo(tenant.time_zone)):
            raise DayNotOver
        parties = await self.parties(tenant_id, day)
        chosen = [each for each in parties if party in {None, each.name}]
        if not chosen:
            raise UnknownParty
        runs = [await self.run(tenant_id, each, day) for each in chosen]
        return [run for run in runs if run is not None]

    async def run(self, tenant_id: UUID, party: Party, day: dt.date) -> DayRun | None:
        """One party of a day; None when somebody else is at it, or took over."""
        run = await self._reach.book.lease(tenant_id, party, day, self._lease_s)
        return None if run is None else await self.work_off(run)

    async def work_off(self, run: DayRun) -> DayRun | None:
        """Do what a lease is for."""
        try:
            compared = await self._compared(run)
        except Unread as fault:
            compared = Compared(0, 0, (), {}, why=str(fault))
        ended = await self._reach.book.finish(
            run,
            state="unread" if compared.why else "done",
            why=compared.why,
            lines=compared.lines,
            matched=compared.matched,
            totals=compared.totals,
            differences=compared.differences,
        )
        if ended is not None:
            log.info(
                "reconciliation.ended",
                party=run.party.name,
                day=run.day.isoformat(),
                state=ended.state,
                lines=ended.lines,
                differences=ended.differences,
            )
            await self._tell(ended, compared.differences)
        return ended

    async def _compared(self, run: DayRun) -> Compared:
        if run.party.side is Side.PAYMENTS:
            return await self._payments.compare(run)

        async def alive() -> None:
            if await self._reach.book.keep_lease(run, self._lease_s) is None:
                raise Unread("somebody else took over")

        return await self._vends.compare(run, alive)

    # Telling.

    async def _tell(self, run: DayRun, differences: Sequence[Difference]) -> None:
        """Ask again about what may mend, open cases for the rest, sound or end the alarm.

        What was to mend itself and is still there in a later run is a person's matter too.
        """
        reach = self._reach
        hurried = sorted({name for each in differences for name in _hurried(run.party, each)})
        if hurried:
            await reach.hints.take(run.tenant_id, run.party.name, hurried)
        mending = {
            (each.kind, each.subject, each.our_reference)
            for each in differences
            if each.mends_itself
        }
        open_ones = [each for each in run.found if each.state == "open"]
        for each in open_ones:
            if (each.kind, each.subject, each.our_reference) not in mending or each.seen > 1:
                await reach.cases.open(_case(run, each))
        key = f"statement/{run.party.side.value}/{run.party.name}/{run.day.isoformat()}"
        if open_ones:
            await reach.alerts.open(
                Alert(
                    tenant_id=run.tenant_id,
                    kind=AlertKind.MISMATCH,
                    key=key,
                    subject=f"statement of {run.party.name} for {run.day.isoformat()}",
                    facts={"open": len(open_ones)},
                )
            )
        elif run.state == "done":
            await reach.alerts.close(run.tenant_id, key)


def _hurried(party: Party, difference: Difference) -> list[str]:
    """By which of our references the normal path is asked to look again."""
    if party.side is Side.VENDS:
        return [difference.our_reference] if difference.our_reference else []
    account = difference.facts.get("account")
    names = [difference.our_reference, account if isinstance(account, str) else None]
    return [name for name in names if name] if difference.mends_itself else []


def _case(run: DayRun, found: FoundDifference) -> NewCase:
    """The same difference is the same case, on whichever day it is found."""
    party = run.party
    name = f"{found.kind.value}/{found.subject}/{found.our_reference or ''}"
    day = f"/{run.day.isoformat()}" if found.subject == party.name else ""
    return NewCase(
        tenant_id=run.tenant_id,
        kind=_CASE_KIND,
        key=f"statement/{party.side.value}/{party.name}/{name}{day}",
        subject=found.subject,
        facts={
            "party": party.name,
            "day": run.day.isoformat(),
            "difference": found.kind.value,
            "our_reference": found.our_reference,
            "their_reference": found.their_reference,
            "ours_minor": found.ours_minor,
            "theirs_minor": found.theirs_minor,
            "currency": found.currency,
            **found.facts,
        },
    )
