"""Money out: who transfers it to banks for us, and what is kept of each transfer."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from core.domain.customers import Customer
from core.domain.payouts import (
    AccountName,
    Bank,
    DuePayout,
    NewPayout,
    Payout,
    PayoutBegun,
    PayoutCapabilities,
    PayoutRuling,
    PayoutState,
    PayoutView,
    Settlement,
)
from core.domain.vending import Outcome
from core.kit.errors import Fault


class CannotAsk(Fault):
    """A gateway could not say who holds an account, or which banks there are. Ask later."""


class PayoutGateway(Protocol):
    """Transfers from the money that it holds for us to customers' bank accounts.

    Every reply and every failure of `send` and `requery` becomes an `Outcome` of the same seven
    classes as a vend; nothing is raised for what the gateway does. A timeout after the request
    left is UNKNOWN: the money may be on its way. All that its contract does not promise is too.
    """

    @property
    def name(self) -> str:
        """As its callbacks and its clearing account are called: `paystack`."""
        ...

    @property
    def capabilities(self) -> PayoutCapabilities: ...

    @property
    def timeout_s(self) -> float:
        """How long `send` may take, all of its calls together. Leases last longer than this."""
        ...

    def new_reference(self, payout_id: UUID) -> str:
        """The reference this gateway will know a payout by: the same for the same id."""
        ...

    async def banks(self) -> Sequence[Bank]:
        """Where it can pay to. Raises `CannotAsk`."""
        ...

    async def resolve(self, bank_code: str, account_number: str) -> AccountName | None:
        """Who holds that account; None: the bank has no such account. Raises `CannotAsk`."""
        ...

    async def send(self, payout: Payout) -> Outcome:
        """Ask for the transfer, once. The caller never repeats a reference."""
        ...

    async def requery(self, payout: Payout) -> Outcome:
        """What became of an earlier `send`? Safe any number of times."""
        ...

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        """Our references that a webhook speaks of: a hint to requery, never evidence.

        Raises:
            BadCallback: no or a wrong signature, or not readable.
        """
        ...


class PayoutBook(Protocol):
    """Payouts and their answers, each step one commit, safe to repeat after a lost connection."""

    async def begin(self, payout: NewPayout) -> PayoutBegun:
        """Hold amount and fee and write the payout, due at once, all or nothing, once per id."""
        ...

    async def claim(self, count: int, lease_s: float) -> Sequence[DuePayout]:
        """Lease payouts that are due, of all tenants, and commit "about to send" for those unsent.

        A lease is the due time pushed forward: a dead worker's payouts come due again.
        """
        ...

    async def rule(self, ruling: PayoutRuling) -> PayoutState:
        """Apply a ruling if the payout still stands where it was ruled upon; its state now.

        Money, state, next look and the customer's notice change in one commit.
        """
        ...

    async def settle(self, settlement: Settlement) -> str:
        """A person's word: `settled`, `again`, `conflict`, `not_waiting` or `unknown`."""
        ...

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        """Make these be asked about now, final ones too; answers how many are known."""
        ...

    async def states(self, payout_ids: Sequence[UUID]) -> Mapping[UUID, PayoutState]: ...

    async def get(self, tenant_id: UUID, payout_id: UUID) -> PayoutView | None: ...

    async def find(self, tenant_id: UUID, reference: str) -> PayoutView | None: ...

    async def latest(self, customer: Customer, count: int) -> Sequence[PayoutView]: ...

    async def of_tenant(
        self, tenant_id: UUID, *, state: PayoutState | None = None, count: int = 20
    ) -> Sequence[PayoutView]:
        """A tenant's latest payouts, of one state or of all: for operators."""
        ...
