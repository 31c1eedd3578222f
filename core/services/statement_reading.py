"""The other side of a day: a party's statement, or its answers about one attempt after another."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from core.domain.reconciliation import LineState, OurRecord, Period, StatementLine
from core.domain.vending import Outcome, Product, Result
from core.ports import VtuProvider
from core.ports.statements import AskedAttempt, NoStatement, Statements
from core.services.shelf import Shelf

_TRIES = 2
_STATES: Mapping[Result, LineState] = MappingProxyType(
    {
        Result.DELIVERED: LineState.DONE,
        Result.ACCEPTED: LineState.OPEN,
        Result.REFUSED: LineState.FAILED,
        Result.FAILED: LineState.FAILED,
        Result.REVERSED: LineState.REVERSED,
    }
)


@dataclass(frozen=True, slots=True)
class TheirSide:
    """What a provider told of a period.

    Attributes:
        ours: The records of ours that it was asked about, or that its statement covers.
        listed: Whether any of it is a statement, which also shows what we know nothing of.
        unasked: How many attempts it could not tell about.
    """

    lines: Sequence[StatementLine]
    ours: Sequence[OurRecord]
    listed: bool
    unasked: int


class StatementReading:
    """Reads providers, each in the way that it offers."""

    def __init__(self, shelf: Shelf, pause_s: float) -> None:
        """`pause_s` lies between two questions about single attempts: a requery is not free."""
        self._shelf = shelf
        self._pause_s = pause_s

    async def read(
        self,
        tenant_id: UUID,
        provider: str,
        attempts: Sequence[AskedAttempt],
        period: Period,
        wide: Period,
        alive: Callable[[], Awaitable[None]],
    ) -> TheirSide:
        """What the provider says of this period, and of `wide` around it where it lists that.

        `alive` is called between questions. Attempts through an account whose statement was read
        are covered by it; the others of the period are asked about.

        Raises:
            Unread: there is a statement, and it could not be read whole.
        """
        lines: list[StatementLine] = []
        covered: set[str] = set()
        for via, adapter in self._accounts(tenant_id, provider):
            statement = await _statement(adapter, wide)
            if statement is not None:
                covered.add(via)
                lines += statement
        ours = [each.record for each in attempts if each.via in covered]
        unasked = 0
        for attempt in attempts:
            if attempt.via in covered or not period.holds(attempt.record.at):
                continue
            await alive()
            outcome = await self._asked(tenant_id, provider, attempt)
            if outcome.result is Result.UNKNOWN:
                unasked += 1
                continue
            ours.append(attempt.record)
            lines += _lines_of(attempt.record, outcome)
        return TheirSide(lines, ours, listed=bool(covered), unasked=unasked)

    def _accounts(self, tenant_id: UUID, provider: str) -> list[tuple[str, VtuProvider]]:
        """Our accounts there as they are now, each once."""
        found = {
            offer.via: offer.provider
            for product in Product
            for offer in self._shelf.offers(tenant_id, product)
            if offer.provider.name == provider
        }
        return list(found.items())

    async def _asked(self, tenant_id: UUID, provider: str, attempt: AskedAttempt) -> Outcome:
        seller = await self._shelf.seller(tenant_id, attempt.product, provider, attempt.via)
        if seller.own is None:
            return Outcome(Result.UNKNOWN, "no_seller")
        outcome = await seller.own.requery(attempt.vend)
        for _ in range(1, _TRIES):
            if outcome.result is not Result.UNKNOWN:
                break
            await asyncio.sleep(self._pause_s)
            outcome = await seller.own.requery(attempt.vend)
        await asyncio.sleep(self._pause_s)
        return outcome


async def _statement(adapter: VtuProvider, wide: Period) -> Sequence[StatementLine] | None:
    """The statement of one account, or None where it lists nothing."""
    if not isinstance(adapter, Statements):
        return None
    try:
        return await adapter.statement(wide.since, wide.until)
    except NoStatement:
        return None


def _lines_of(record: OurRecord, outcome: Outcome) -> list[StatementLine]:
    """An answer about one attempt, as a statement would have it: none where it knows of none."""
    if outcome.result is Result.NOT_FOUND:
        return []
    theirs = outcome.provider_reference or record.their_reference or record.reference
    return [
        StatementLine(
            their_reference=theirs,
            our_reference=record.reference,
            state=_STATES[outcome.result],
            amount=outcome.cost,
            at=record.at,
        )
    ]
