"""Our records of a day against theirs: what does not agree, and what that means.

Pure. A party's statement and our books are taken at different moments, so they are matched over a
wider time than the day: a transaction of a second before midnight is no difference.
"""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from core.kit.money import Money


class Side(StrEnum):
    """What is compared with a party."""

    VENDS = "vends"  # what a provider sold us
    PAYMENTS = "payments"  # what a gateway collected for us


class LineState(StrEnum):
    """What a party says became of a transaction."""

    DONE = "done"  # value was delivered, or money was paid in
    OPEN = "open"
    FAILED = "failed"  # nothing came of it, nobody was charged
    REVERSED = "reversed"  # it was done, and taken back
    UNKNOWN = "unknown"  # a word that was never promised


class OurState(StrEnum):
    """What our books say became of it."""

    DONE = "done"  # captured, or credited
    OPEN = "open"  # in doubt
    UNDONE = "undone"  # not delivered, and the customer has the money


class DifferenceKind(StrEnum):
    DEBIT_WITHOUT_DELIVERY = "debit_without_delivery"  # they charged, we gave the money back
    DELIVERY_WITHOUT_DEBIT = "delivery_without_debit"  # we captured, they say that it never was
    AMOUNT_DIFFERS = "amount_differs"
    STATE_DIFFERS = "state_differs"  # one side has an end that the other has not
    UNKNOWN_TO_US = "unknown_to_us"
    UNKNOWN_TO_THEM = "unknown_to_them"
    DUPLICATE = "duplicate"  # they have it several times
    FLOAT_DIFFERS = "float_differs"  # the float moved otherwise than our books


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One transaction as a party lists it.

    Attributes:
        their_reference: The party's own name of it, unique there.
        our_reference: Ours, where the line has it.
        amount: What it took from our float, or what a customer paid; None where it is not told.
        account: What a customer's bank account there is known by, where money came into one.
    """

    their_reference: str
    our_reference: str | None
    state: LineState
    amount: Money | None = None
    fee: Money | None = None
    at: dt.datetime | None = None
    account: str | None = None


@dataclass(frozen=True, slots=True)
class OurRecord:
    """One transaction as our books have it.

    Attributes:
        reference: Ours, as the party knows it.
        subject: Ours, as people here know it: the order's reference.
        amount: What it cost, or what was paid, where that was told us.
    """

    reference: str
    subject: str
    state: OurState
    at: dt.datetime
    their_reference: str | None = None
    amount: Money | None = None
    fee: Money | None = None


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` until before `until`: one day of a tenant."""

    since: dt.datetime
    until: dt.datetime

    def holds(self, at: dt.datetime | None) -> bool:
        """A line that has no time was listed for this time."""
        return at is None or self.since <= at < self.until

    def with_margin(self, margin: dt.timedelta) -> "Period":
        return Period(self.since - margin, self.until + margin)


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that does not agree. `kind`, `subject` and `our_reference` name it together.

    Attributes:
        mends_itself: The normal path books the truth once it asks again: order in doubt, payment
            for an intent of ours.
    """

    kind: DifferenceKind
    subject: str
    our_reference: str | None = None
    their_reference: str | None = None
    ours: Money | None = None
    theirs: Money | None = None
    facts: Mapping[str, object] = field(default_factory=dict)
    mends_itself: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """`lines` and `matched` count what is of the day; `strangers` are lines that met no record."""

    lines: int
    matched: int
    differences: tuple[Difference, ...]
    strangers: tuple[StatementLine, ...]


def compare(
    side: Side, ours: Sequence[OurRecord], theirs: Sequence[StatementLine], period: Period
) -> Comparison:
    """Match both sides and say what differs of this day.

    Both may hold more than the day. `strangers` are not differences yet: whose they are is for who
    knows every tenant's references (`unknown_to_us`).
    """
    lines = _each_once(theirs)
    matches, strangers = _matched(side, ours, lines)
    today = [record for record in ours if period.holds(record.at)]
    judged = [list(_judge(side, record, matches.get(_key(record), []))) for record in today]
    differences = [found for each in judged for found in each]
    return Comparison(
        lines=sum(period.holds(line.at) for line in lines),
        matched=sum(not each for each in judged),
        differences=tuple(differences),
        strangers=tuple(line for line in strangers if period.holds(line.at) and _moves(side, line)),
    )


def unknown_to_us(line: StatementLine, *, mends_itself: bool = False) -> Difference:
    """A transaction of theirs that we have no record of."""
    return Difference(
        kind=DifferenceKind.UNKNOWN_TO_US,
        subject=line.their_reference,
        our_reference=line.our_reference,
        their_reference=line.their_reference,
        theirs=line.amount,
        facts={"theirs": line.state.value} | ({"account": line.account} if line.account else {}),
        mends_itself=mends_itself,
    )


def day_of(at: dt.datetime, zone: dt.tzinfo) -> dt.date:
    return at.astimezone(zone).date()


def period_of(day: dt.date, zone: dt.tzinfo) -> Period:
    """A day of a time zone; one on which clocks change is longer or shorter than others."""
    since = dt.datetime.combine(day, dt.time(), tzinfo=zone)
    until = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=zone)
    return Period(since.astimezone(dt.UTC), until.astimezone(dt.UTC))


@dataclass(frozen=True, slots=True)
class FloatEquation:
    """opening + funding - spent + reversed = closing, or what is missing. Minor units.

    Attributes:
        opening, closing: What the provider said at the beginning and at the end.
        funding, spent, given_back: What our books say happened between both.
        in_flight: What orders may have cost that were not settled at one of the readings.
    """

    opening: int
    closing: int
    funding: int
    spent: int
    given_back: int
    in_flight: int
    currency: str

    @property
    def expected(self) -> int:
        return self.opening + self.funding - self.spent + self.given_back

    @property
    def gap(self) -> int:
        """What the provider has more of our money than our books say."""
        return self.closing - self.expected

    @property
    def holds(self) -> bool:
        """A gap no wider than what was under way proves nothing."""
        return abs(self.gap) <= self.in_flight

    def difference(self, provider: str) -> Difference | None:
        if self.holds:
            return None
        return Difference(
            kind=DifferenceKind.FLOAT_DIFFERS,
            subject=provider,
            ours=Money(self.expected, self.currency),
            theirs=Money(self.closing, self.currency),
            facts={"gap_minor": self.gap, "in_flight_minor": self.in_flight},
        )


def _each_once(lines: Iterable[StatementLine]) -> list[StatementLine]:
    """A line that pages show twice, because something came in between, is one line."""
    return list({line.their_reference: line for line in lines}.values())


def _key(record: OurRecord) -> tuple[str, str | None]:
    return record.reference, record.their_reference


def _matched(
    side: Side, ours: Sequence[OurRecord], lines: Sequence[StatementLine]
) -> tuple[dict[tuple[str, str | None], list[StatementLine]], list[StatementLine]]:
    """Lines by the record that they are about, and those about none.

    A payment is its gateway's transaction: several may come under one reference. A vend is our
    reference; where a line has none, theirs.
    """
    by_ours = {} if side is Side.PAYMENTS else {record.reference: record for record in ours}
    by_theirs = {record.their_reference: record for record in ours if record.their_reference}
    matches: dict[tuple[str, str | None], list[StatementLine]] = {}
    strangers = []
    for line in lines:
        record = by_ours.get(line.our_reference or "")
        if record is None and (side is Side.PAYMENTS or not line.our_reference):
            record = by_theirs.get(line.their_reference)
        if record is None:
            strangers.append(line)
        else:
            matches.setdefault(_key(record), []).append(line)
    return matches, strangers


def _moves(side: Side, line: StatementLine) -> bool:
    """Whether a line that we know nothing of is about money; a try that came to nothing is not."""
    if side is Side.PAYMENTS:
        return line.state is LineState.DONE
    return line.state in {LineState.DONE, LineState.OPEN, LineState.UNKNOWN}


def _judge(side: Side, record: OurRecord, lines: Sequence[StatementLine]) -> Iterator[Difference]:
    """What differs about one record of ours."""
    done = [line for line in lines if line.state is LineState.DONE]
    if len(done) > 1:
        yield _about(
            record,
            DifferenceKind.DUPLICATE,
            done[-1],
            {"theirs": [line.their_reference for line in done]},
        )
    line = done[0] if done else lines[-1] if lines else None
    if kind := _contradiction(side, record, line):
        mends = kind is DifferenceKind.STATE_DIFFERS and record.state is OurState.OPEN
        yield _about(record, kind, line, mends_itself=mends)
    elif line is not None and record.state is OurState.DONE and _amounts_differ(record, line):
        yield _about(record, DifferenceKind.AMOUNT_DIFFERS, line, _fees(record, line))


def _contradiction(
    side: Side, record: OurRecord, line: StatementLine | None
) -> DifferenceKind | None:
    if line is None:
        return _unlisted(side, record)
    return (_PAYMENTS if side is Side.PAYMENTS else _VENDS).get((record.state, line.state))


def _unlisted(side: Side, record: OurRecord) -> DifferenceKind | None:
    if record.state is OurState.UNDONE:
        return None
    if record.state is OurState.DONE and side is Side.VENDS:
        return DifferenceKind.DELIVERY_WITHOUT_DEBIT
    return DifferenceKind.UNKNOWN_TO_THEM


_DEBIT = DifferenceKind.DEBIT_WITHOUT_DELIVERY
_DELIVERY = DifferenceKind.DELIVERY_WITHOUT_DEBIT
_STATE = DifferenceKind.STATE_DIFFERS

# What is not here agrees, or is open on both sides.
_VENDS: Mapping[tuple[OurState, LineState], DifferenceKind] = {
    (OurState.DONE, LineState.OPEN): _STATE,
    (OurState.DONE, LineState.UNKNOWN): _STATE,
    (OurState.DONE, LineState.FAILED): _DELIVERY,
    (OurState.DONE, LineState.REVERSED): _DELIVERY,
    (OurState.UNDONE, LineState.DONE): _DEBIT,
    (OurState.UNDONE, LineState.OPEN): _STATE,
    (OurState.UNDONE, LineState.UNKNOWN): _STATE,
    (OurState.OPEN, LineState.DONE): _STATE,
    (OurState.OPEN, LineState.FAILED): _STATE,
    (OurState.OPEN, LineState.REVERSED): _STATE,
}
_PAYMENTS: Mapping[tuple[OurState, LineState], DifferenceKind] = {
    (OurState.DONE, state): _STATE for state in LineState if state is not LineState.DONE
}


def _amounts_differ(record: OurRecord, line: StatementLine) -> bool:
    """Only what both sides told is compared."""
    pairs = ((record.amount, line.amount), (record.fee, line.fee))
    return any(ours and theirs and ours != theirs for ours, theirs in pairs)


def _fees(record: OurRecord, line: StatementLine) -> Mapping[str, object]:
    if record.fee == line.fee or record.fee is None or line.fee is None:
        return {}
    return {"our_fee_minor": record.fee.minor, "their_fee_minor": line.fee.minor}


def _about(
    record: OurRecord,
    kind: DifferenceKind,
    line: StatementLine | None,
    facts: Mapping[str, object] | None = None,
    *,
    mends_itself: bool = False,
) -> Difference:
    theirs = line.state.value if line else "none"
    return Difference(
        kind=kind,
        subject=record.subject,
        our_reference=record.reference,
        their_reference=line.their_reference if line else record.their_reference,
        ours=record.amount,
        theirs=line.amount if line else None,
        facts={"ours": record.state.value, "theirs": theirs, **(facts or {})},
        mends_itself=mends_itself,
    )
