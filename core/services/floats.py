"""Our money at providers: what they say, what our books say, and money that we send there."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from core.domain.ledger import AccountKey, AccountType, Posting, Transfer
from core.domain.providers import UnknownProvider
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Fault, Problem
from core.kit.money import Money
from core.ports import Adjustments, Event, Ledger, Tenants, VtuProvider
from core.ports.statements import FloatReading, ReconciliationBook
from core.services.shelf import Shelf

log = structlog.get_logger()

FLOAT_FUND = "float_fund"
"""The code of transfers that bring money to a provider."""


class ReferenceUsed(Problem):
    """This reference stands for another payment to the provider. Nothing was done."""

    code = "float.reference_used"


class WrongFloatCurrency(Problem):
    """The fact `currency` is the one that this tenant's books are kept in."""

    code = "float.currency"


@dataclass(frozen=True, slots=True)
class FloatFunding:
    """Money that is booked as sent. `repeated`: it was booked before this call."""

    transfer_id: UUID
    amount: Money
    repeated: bool


@dataclass(frozen=True, slots=True)
class FloatStanding:
    """Our float at a provider by our books and, unless `why` it does not say, by its own word."""

    provider: str
    booked: Money
    told: Money | None
    why: str | None


class Floats:
    """See the module. A float is an asset: in the ledger it grows by debits, as clearing does."""

    def __init__(
        self,
        adjustments: Adjustments,
        ledger: Ledger,
        tenants: Tenants,
        shelf: Shelf,
        book: ReconciliationBook,
        clock: Clock,
    ) -> None:
        self._adjustments = adjustments
        self._ledger = ledger
        self._tenants = tenants
        self._shelf = shelf
        self._book = book
        self._clock = clock

    async def fund(
        self, tenant_id: UUID, provider: str, amount: Money, *, reference: str, actor: str
    ) -> FloatFunding:
        """Book money that was paid to a provider, once per reference of that payment.

        Raises:
            UnknownProvider: nothing is bought there.
            WrongFloatCurrency: the books are kept in another one.
            ReferenceUsed: it stands for another amount.
        """
        self._adapter(tenant_id, provider)
        account = await self._account(tenant_id, AccountType.FLOAT, provider)
        if amount.currency != account.currency:
            raise WrongFloatCurrency(currency=account.currency)
        transfer = Transfer(
            id=ids.derived(FLOAT_FUND, str(tenant_id), provider, reference),
            tenant_id=tenant_id,
            debit=account,
            credit=await self._account(tenant_id, AccountType.WORLD, ""),
            amount_minor=amount.minor,
            code=FLOAT_FUND,
            event_id=ids.derived(FLOAT_FUND, "event", str(tenant_id), provider, reference),
        )
        event = Event(
            subject=f"float/{provider}",
            kind="float.funded",
            actor=actor,
            facts={
                "transfer": str(transfer.id),
                "amount_minor": amount.minor,
                "currency": amount.currency,
                "reference": reference,
            },
        )
        posting = await self._adjustments.adjust(transfer, event)
        log.info("float.funded", provider=provider, posting=posting.value)
        if posting is Posting.CONFLICT:
            raise ReferenceUsed
        if posting not in {Posting.POSTED, Posting.DUPLICATE}:
            raise Fault(f"money for a float was {posting.value}")
        return FloatFunding(transfer.id, amount, posting is Posting.DUPLICATE)

    async def show(self, tenant_id: UUID, provider: str) -> FloatStanding:
        """Raises `UnknownProvider`."""
        adapter = self._adapter(tenant_id, provider)
        balance = await self._ledger.balance(
            await self._account(tenant_id, AccountType.FLOAT, provider)
        )
        booked = Money(-balance.posted_minor, balance.currency)
        try:
            told = await adapter.float_balance()
        except Fault as fault:
            return FloatStanding(provider, booked, None, str(fault))
        await self._book.add_reading(tenant_id, FloatReading(provider, self._clock.now(), told))
        return FloatStanding(provider, booked, told, None)

    def _adapter(self, tenant_id: UUID, provider: str) -> VtuProvider:
        adapter = self._shelf.named(tenant_id, provider)
        if adapter is None:
            raise UnknownProvider
        return adapter

    async def _account(self, tenant_id: UUID, kind: AccountType, owner: str) -> AccountKey:
        tenant = await self._tenants.get(tenant_id)
        return AccountKey(tenant_id, kind, owner, tenant.currency)
