"""A day of vends: what a provider sold us by its own word, and what our books say."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

import structlog

from core.domain.reconciliation import (
    Comparison,
    Difference,
    FloatEquation,
    LineState,
    OurState,
    Period,
    Side,
    compare,
    unknown_to_us,
)
from core.kit.counts import counted
from core.kit.errors import Fault
from core.ports.statements import DayRun, FloatReading
from core.services.reconciliation_parts import MARGIN, Compared, Surroundings
from core.services.statement_reading import StatementReading, TheirSide

log = structlog.get_logger()


class VendDays:
    def __init__(self, reach: Surroundings, reading: StatementReading) -> None:
        self._reach = reach
        self._reading = reading

    async def compare(self, run: DayRun, alive: Callable[[], Awaitable[None]]) -> Compared:
        """One day of one provider. `alive` is called now and then while it is read.

        Raises:
            Unread: there is a statement, and it could not be read whole.
        """
        book, provider = self._reach.book, run.party.name
        period = await self._reach.period(run.tenant_id, run.day)
        wide = period.with_margin(MARGIN)
        attempts = await book.attempts(run.tenant_id, provider, wide.since, wide.until)

        theirs = await self._reading.read(run.tenant_id, provider, attempts, period, wide, alive)
        found = compare(Side.VENDS, theirs.ours, theirs.lines, period)
        differences = [*found.differences, *await self._strange_vends(run, found)]
        equation = await self._float_equation(run, period)
        if equation and (gap := equation.difference(provider)):
            differences.append(gap)
        return Compared(
            lines=found.lines,
            matched=found.matched,
            differences=differences,
            totals=_vend_totals(theirs, equation, period),
            why=f"{counted(theirs.unasked, 'attempt')} could not be asked about"
            if theirs.unasked
            else None,
        )

    async def _strange_vends(self, run: DayRun, found: Comparison) -> list[Difference]:
        """Lines that are nobody's: not of an attempt of another day, nor of another tenant's."""
        if not found.strangers or not await self._reach.answers_for_strangers(run):
            return []
        named = [line.our_reference for line in found.strangers if line.our_reference]
        known = await self._reach.book.attempts_named(run.tenant_id, run.party.name, named)
        ours = {attempt.record.reference for attempt in known}
        owners = await self._reach.book.owners(run.party, named)
        return [
            unknown_to_us(line)
            for line in found.strangers
            if line.our_reference not in ours
            and owners.get(line.our_reference or "", run.tenant_id) == run.tenant_id
        ]

    async def _float_equation(self, run: DayRun, period: Period) -> FloatEquation | None:
        """Opening and closing by the first readings after each end of the day.

        None where one is missing, or where several tenants draw on the same float.
        """
        book, provider = self._reach.book, run.party.name
        await self._read_float(run, period)
        opening = await book.reading_from(run.tenant_id, provider, period.since)
        closing = await book.reading_from(run.tenant_id, provider, period.until)
        if opening is None or closing is None or opening.at >= period.until:
            return None
        if opening.balance.currency != closing.balance.currency or await self._reach.is_shared(run):
            return None
        return await book.float_moved(run.tenant_id, opening, closing)

    async def _read_float(self, run: DayRun, period: Period) -> None:
        """Take the reading that closes the day, unless there is one."""
        book, provider = self._reach.book, run.party.name
        adapter = self._reach.shelf.named(run.tenant_id, provider)
        if adapter is None or await book.reading_from(run.tenant_id, provider, period.until):
            return
        try:
            told = await adapter.float_balance()
        except Fault as fault:
            log.warning("reconciliation.float_unread", provider=provider, why=str(fault))
            return
        reading = FloatReading(provider, self._reach.clock.now(), told)
        await book.add_reading(run.tenant_id, reading)


def _vend_totals(
    theirs: TheirSide, equation: FloatEquation | None, period: Period
) -> dict[str, object]:
    today = [record for record in theirs.ours if period.holds(record.at)]
    delivered = [record for record in today if record.state is OurState.DONE]
    charged = [
        line for line in theirs.lines if line.state is LineState.DONE and period.holds(line.at)
    ]
    balance = None
    if equation:
        balance = asdict(equation) | {"expected": equation.expected, "gap": equation.gap}
    return {
        "read_by": "statement" if theirs.listed else "requery",
        "attempts": len(today),
        "delivered": len(delivered),
        "our_cost_minor": sum(record.amount.minor for record in delivered if record.amount),
        "their_cost_minor": sum(line.amount.minor for line in charged if line.amount),
        "unasked": theirs.unasked,
        "float": balance,
    }
