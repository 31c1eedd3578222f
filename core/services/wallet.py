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

_TOLD_BY_THEIR_BOOKS = frozenset(
    {
        *("sale", "margin", "pay_back", "undo_sale", "undo_margin"),
        *("payout", "payout_fee", "undo_payout", "undo_payout_fee"),
        *("voucher", "undo_voucher"),
        "fund",
    }
)
"""Transfers that are a part of an order, a payout, a voucher or a payment: its line tells it."""

TOLD_BY_THEMSELVES = frozenset({"gift", "gift_fee", "gift_won", "gift_back", "credit"})
"""Transfers with words of their own, `wallet.line.<code>.in` or `.out`; others are `other`."""

TOLD = _TOLD_BY_THEIR_BOOKS | TOLD_BY_THEMSELVES
"""Every kind of transfer that touches a wallet."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a statement, with its true state: a text of that name says it in words."""

    what: str  # airtime | fund | withdraw | wifi, or the code of a transfer
    state: str  # of a transfer: in | out
    amount: Money
    at: dt.datetime
    reference: str
    about: str = ""  # the number it was for, the bank, or the plan
    moved: bool = False  # a transfer itself


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
        return await self._ledger.balance(_wallet(tenant, customer))

    async def statement(self, tenant: Tenant, customer: Customer, count: int = 5) -> list[Line]:
        """The latest of all that touched the wallet or is to, newest first."""
        orders, arrivals, payouts, vouchers = await asyncio.gather(
            self._orders.latest(tenant.id, customer.id, count),
            self._intents.latest(customer, count),
            self._payouts.latest(customer, count),
            self._vouchers.sales_of(tenant.id, customer.id, count),
        )
        lines = await self._movements(tenant, customer, count)
        lines += [
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

    async def _movements(self, tenant: Tenant, customer: Customer, count: int) -> list[Line]:
        """What moved, and that no book but the ledger itself tells of."""
        latest = await self._ledger.latest(
            _wallet(tenant, customer), count, apart_from=_TOLD_BY_THEIR_BOOKS
        )
        return [
            Line(
                what=each.code if each.code in TOLD_BY_THEMSELVES else "other",
                state="in" if each.amount_minor > 0 else "out",
                amount=Money(abs(each.amount_minor), tenant.currency),
                at=each.at,
                reference=str(each.transfer_id),
                moved=True,
            )
            for each in latest
        ]


def _wallet(tenant: Tenant, customer: Customer) -> AccountKey:
    return AccountKey(tenant.id, AccountType.WALLET, str(customer.id), tenant.currency)


_SALE_WORDS = {"held": "pending", "captured": "delivered", "refunded": "refunded"}


def _order_words(state: OrderState) -> str:
    """Held and in doubt are one thing to a customer: on its way, money set aside."""
    if state in {OrderState.HELD, OrderState.IN_DOUBT}:
        return "pending"
    return "refunded" if state is OrderState.PAID_BACK else state.value
