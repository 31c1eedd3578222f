"""A day of payments: what a gateway collected for us by its own word, and what our books say."""

from collections.abc import Sequence

from core.domain.ledger import AccountKey, AccountType
from core.domain.reconciliation import (
    Comparison,
    Difference,
    LineState,
    OurRecord,
    Period,
    Side,
    StatementLine,
    compare,
    unknown_to_us,
)
from core.ports.statements import DayRun, Settlements, Statements, Unread
from core.services.reconciliation_parts import MARGIN, Compared, Surroundings


class PaymentDays:
    def __init__(self, reach: Surroundings) -> None:
        self._reach = reach

    async def compare(self, run: DayRun) -> Compared:
        """One day of one gateway.

        Raises:
            Unread: its records could not be read whole, or it is not set up here.
        """
        book, gateway = self._reach.book, run.party.name
        adapter: object = self._reach.gateways.get(gateway)
        if not isinstance(adapter, Statements):
            raise Unread(f"{gateway} is not set up, or lists nothing")
        period = await self._reach.period(run.tenant_id, run.day)
        wide = period.with_margin(MARGIN)
        lines = await adapter.statement(wide.since, wide.until)
        ours = await book.payments(run.tenant_id, gateway, wide.since, wide.until)
        found = compare(Side.PAYMENTS, ours, lines, period)
        strange = await self._strange_payments(run, found)
        owned = await self._owned_lines(run, lines, ours)
        totals = _payment_totals(ours, owned, period)
        settled, why = await self._settled(run, period)
        return Compared(
            lines=found.lines,
            matched=found.matched,
            differences=[*found.differences, *strange],
            totals=totals | settled,
            why=why,
        )

    async def _strange_payments(self, run: DayRun, found: Comparison) -> list[Difference]:
        """Payments that we have not booked. Those for an intent or account of ours will be."""
        if not found.strangers:
            return []
        book, mine = self._reach.book, run.tenant_id
        transactions = [line.their_reference for line in found.strangers]
        booked = await book.payments_named(mine, run.party.name, transactions)
        known = {record.their_reference for record in booked}
        owners = await book.owners(run.party, _names(found.strangers))
        answers = await self._reach.answers_for_strangers(run)
        differences = []
        for line in found.strangers:
            whose = {owners[name] for name in _names([line]) if name in owners}
            if line.their_reference in known or whose - {mine} or not (whose or answers):
                continue
            differences.append(unknown_to_us(line, mends_itself=bool(whose)))
        return differences

    async def _owned_lines(
        self, run: DayRun, lines: Sequence[StatementLine], ours: Sequence[OurRecord]
    ) -> list[StatementLine]:
        """The lines of this tenant alone, for its totals."""
        booked = {record.their_reference for record in ours}
        rest = [line for line in lines if line.their_reference not in booked]
        owners = await self._reach.book.owners(run.party, _names(rest))
        return [
            line
            for line in lines
            if line.their_reference in booked
            or any(owners.get(name) == run.tenant_id for name in _names([line]))
        ]

    async def _settled(self, run: DayRun, period: Period) -> tuple[dict[str, object], str | None]:
        """What our books say that the gateway still holds, and what it paid out that day.

        Beside it why the latter could not be read, where it could not.
        """
        gateway = run.party.name
        tenant = await self._reach.tenants.get(run.tenant_id)
        account = AccountKey(tenant.id, AccountType.CLEARING, gateway, tenant.currency)
        held = -(await self._reach.ledger.balance(account)).posted_minor
        totals: dict[str, object] = {"clearing_minor": held}
        adapter = self._reach.gateways[gateway]
        if not isinstance(adapter, Settlements):
            return totals, None
        try:
            listed = await adapter.settlements(period.since, period.until)
        except Unread as fault:
            return totals, str(fault)
        paid_out = [
            each
            for each in listed
            if each.net.currency == tenant.currency and period.holds(each.at)
        ]
        totals["settlements"] = len(paid_out)
        totals["settled_gross_minor"] = sum(each.gross.minor for each in paid_out)
        totals["settled_fee_minor"] = sum(each.fee.minor for each in paid_out)
        totals["settled_net_minor"] = sum(each.net.minor for each in paid_out)
        return totals, None


def _names(lines: Sequence[StatementLine]) -> list[str]:
    """Every name by which an owner of these payments could be found."""
    return [
        name
        for line in lines
        for name in (line.our_reference, line.account, line.their_reference)
        if name
    ]


def _payment_totals(
    ours: Sequence[OurRecord], lines: Sequence[StatementLine], period: Period
) -> dict[str, object]:
    booked = [record for record in ours if period.holds(record.at)]
    paid = [line for line in lines if line.state is LineState.DONE and period.holds(line.at)]
    return {
        "read_by": "statement",
        "payments": len(booked),
        "our_paid_minor": sum(record.amount.minor for record in booked if record.amount),
        "their_paid_minor": sum(line.amount.minor for line in paid if line.amount),
        "our_fee_minor": sum(record.fee.minor for record in booked if record.fee),
        "their_fee_minor": sum(line.fee.minor for line in paid if line.fee),
    }
