"""Payouts as operators see and settle them."""

from collections.abc import Sequence
from uuid import UUID

import structlog

from core.domain.payouts import PayoutState, PayoutView, Settlement
from core.kit import ids
from core.kit.crypto import Keyring
from core.kit.errors import Problem
from core.ports.payouts import PayoutBook

log = structlog.get_logger()


class UnknownPayout(Problem):
    """This tenant has no payout of this reference."""

    code = "payout.unknown"


class NotWaiting(Problem):
    """Only a payout that waits for a person may be settled by one."""

    code = "payout.not_waiting"


class AlreadySettled(Problem):
    """The same key settled it otherwise."""

    code = "payout.settled_otherwise"


class EvidenceNeeded(Problem):
    code = "payout.evidence_needed"


class PayoutDesk:
    def __init__(self, book: PayoutBook, keyring: Keyring) -> None:
        self._book = book
        self._keyring = keyring

    async def listed(
        self, tenant_id: UUID, *, state: PayoutState | None = None, count: int = 20
    ) -> Sequence[PayoutView]:
        return await self._book.of_tenant(tenant_id, state=state, count=count)

    async def show(self, tenant_id: UUID, reference: str) -> PayoutView:
        """Raises `UnknownPayout`."""
        found = await self._book.find(tenant_id, reference.strip().upper())
        if found is None:
            raise UnknownPayout
        return found

    async def settle(
        self,
        tenant_id: UUID,
        reference: str,
        *,
        paid: bool,
        evidence: str,
        actor: str,
        key: str | None = None,
    ) -> PayoutView:
        """End a payout that waits for a person by that person's word; the end is audited.

        Paid takes the held money, not paid gives it back. The same key again is the same
        settlement; without one, the same word on the same payout is. A bank that says otherwise
        later is still believed. `evidence` says how it is known: the bank's session id, the
        gateway's statement. It is kept encrypted.

        Raises:
            UnknownPayout, NotWaiting, AlreadySettled, EvidenceNeeded: nothing was done.
        """
        if not evidence.strip():
            raise EvidenceNeeded
        found = await self.show(tenant_id, reference)
        word = "paid" if paid else "not paid"
        settlement = Settlement(
            id=found.id,
            tenant_id=tenant_id,
            paid=paid,
            evidence=self._keyring.encrypt(evidence.strip()),
            actor=actor,
            key=key or str(ids.derived("settle payout", str(found.id), word)),
        )
        match await self._book.settle(settlement):
            case "unknown":
                raise UnknownPayout
            case "not_waiting":
                raise NotWaiting
            case "conflict":
                raise AlreadySettled
            case answer:
                log.info("payout.settled", reference=found.reference, paid=paid, answer=answer)
        return await self.show(tenant_id, reference)
