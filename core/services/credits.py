"""Money that an operator gives a customer by hand: from outside into the wallet, once per key."""

from dataclasses import dataclass
from uuid import UUID

import structlog

from core.domain.customers import Customer
from core.domain.ledger import AccountKey, AccountType, Balance, Posting, Transfer
from core.kit import ids
from core.kit.errors import Fault, Problem
from core.kit.money import Money
from core.ports import Adjustments, Event, Ledger, Tenants

log = structlog.get_logger()

_CODE = "credit"


class WrongCurrency(Problem):
    """The fact `currency` is the one of the customer's wallet."""

    code = "credit.currency"


class KeyUsed(Problem):
    """This idempotency key was used before, for something else. Nothing was done."""

    code = "credit.key_used"


class WalletClosed(Problem):
    code = "wallet.closed"


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit that is in the wallet. `repeated`: it was there before this call."""

    transfer_id: UUID
    amount: Money
    repeated: bool


class Credits:
    def __init__(self, adjustments: Adjustments, ledger: Ledger, tenants: Tenants) -> None:
        self._adjustments = adjustments
        self._ledger = ledger
        self._tenants = tenants

    async def wallet(self, customer: Customer) -> Balance:
        return await self._ledger.balance(await self._account(customer, AccountType.WALLET))

    async def give(
        self, customer: Customer, amount: Money, *, reason: str, key: str, actor: str
    ) -> Credit:
        """Credit the wallet. The same key with the same content again changes nothing.

        Raises:
            WrongCurrency: the wallet is of another one.
            KeyUsed: the key stands for another customer, amount or reason.
            WalletClosed: it takes no more money.
        """
        wallet = await self._account(customer, AccountType.WALLET)
        if amount.currency != wallet.currency:
            raise WrongCurrency(currency=wallet.currency)
        tenant = str(customer.tenant_id)
        transfer = Transfer(
            id=ids.derived(_CODE, tenant, key),
            tenant_id=customer.tenant_id,
            debit=await self._account(customer, AccountType.WORLD),
            credit=wallet,
            amount_minor=amount.minor,
            code=_CODE,
            # Another reason under the same key is another content.
            event_id=ids.derived("credit event", tenant, str(customer.id), key, reason),
        )
        event = Event(
            subject=f"customer/{customer.id}",
            kind="wallet.credited",
            actor=actor,
            facts={
                "transfer": str(transfer.id),
                "amount_minor": amount.minor,
                "currency": amount.currency,
                "reason": reason,
            },
        )
        return self._credit(transfer, amount, await self._adjustments.adjust(transfer, event))

    def _credit(self, transfer: Transfer, amount: Money, posting: Posting) -> Credit:
        log.info("wallet.credited", transfer=str(transfer.id), posting=posting.value)
        match posting:
            case Posting.POSTED | Posting.DUPLICATE:
                return Credit(transfer.id, amount, posting is Posting.DUPLICATE)
            case Posting.CONFLICT:
                raise KeyUsed
            case Posting.CLOSED:
                raise WalletClosed
            case Posting.INSUFFICIENT | Posting.FOREIGN:
                raise Fault(f"a credit from outside was {posting.value}")

    async def _account(self, customer: Customer, kind: AccountType) -> AccountKey:
        tenant = await self._tenants.get(customer.tenant_id)
        owner = str(customer.id) if kind is AccountType.WALLET else ""
        return AccountKey(tenant.id, kind, owner, tenant.currency)
