"""What a customer has, and what became of it."""

import asyncio
import datetime as dt
from dataclasses import dataclass

from core.domain.customers import Customer, Tenant
from core.domain.ledger import AccountKey, AccountType, Balance
from core.domain.orders import OrderState
from core.kit.money import Money
from core.ports import Intents, Ledger, OrderBook
from core.ports.payouts import PayoutBook
from core.ports.vouchers import VoucherBook


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement, with its true state: a text of that name says it in words."""

    what: str  # airtime | fund | withdraw | wifi
    state: str
    amount: Money
    at: dt.datetime
    reference: str
    about: str = ""  # the number it was for, the bank, or the plan


class Wallet:
    def __init__(
        self,
        ledger: Ledger,
        orders: OrderBook,
        intents: Intents,
        payouts: PayoutBook,
        vouchers: VoucherBook,
    ) -> None:
        self._ledger = ledger
        self._orders = orders
        self._intents = intents
        self._payouts = payouts
        self._vouchers = vouchers

    async def balance(self, tenant: Tenant, customer: Customer) -> Balance:
        key = AccountKey(tenant.id, AccountType.WALLET, str(customer.id), tenant.currency)
        return await self._ledger.balance(key)

    async def statement(self, tenant: Tenant, customer: Customer, count: int = 5) -> list[Line]:
        """The latest purchases, payments in and payouts, newest first."""
        orders, arrivals, payouts, vouchers = await asyncio.gather(
            self._orders.latest(tenant.id, customer.id, count),
            self._intents.latest(customer, count),
            self._payouts.latest(customer, count),
            self._vouchers.sales_of(tenant.id, customer.id, count),
        )
        lines = [
            Line(
                what=order.product.value,
                state=_order_words(order.state),
                amount=Money(order.amount_minor + order.fee_minor, order.currency),
                at=order.created_at,
                reference=order.reference,
                about=order.recipient,
            )
            for order in orders
        ] + [
            Line(
                what="fund",
                state=arrival.state,
                amount=arrival.amount,
                at=arrival.at,
                reference=arrival.reference,
            )
            for arrival in arrivals
        ]
        lines += [
            Line(
                what="withdraw",
                state=payout.state.value if payout.state.final else "pending",
                amount=Money(payout.amount_minor + payout.fee_minor, payout.currency),
                at=payout.created_at,
                reference=payout.reference,
                about=payout.bank_name,
            )
            for payout in payouts
        ]
        lines += [
            Line(
                what="wifi",
                state=_SALE_WORDS[sale.state],
                amount=Money(sale.amount_minor, sale.currency),
                at=sale.created_at,
                reference=sale.reference,
                about=plan_name,
            )
            for sale, plan_name in vouchers
        ]
        return sorted(lines, key=lambda line: line.at, reverse=True)[:count]


_SALE_WORDS = {"held": "pending", "captured": "delivered", "refunded": "refunded"}


def _order_words(state: OrderState) -> str:
    """Held and in doubt are one thing to a customer: on its way, money set aside."""
    if state in {OrderState.HELD, OrderState.IN_DOUBT}:
        return "pending"
    return "refunded" if state is OrderState.PAID_BACK else state.value
