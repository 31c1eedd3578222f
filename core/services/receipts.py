"""Receipts as pictures: what was delivered, for whom, and our reference of it."""

import asyncio
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from babel.core import Locale, UnknownLocaleError
from babel.dates import format_datetime

from core.domain.customers import Tenant
from core.domain.orders import OrderState, OrderView
from core.kit.money import Money, show
from core.kit.msisdn import is_of, local
from core.kit.texts import Texts
from core.ports import Customers, OrderBook, Tenants
from core.ports.pictures import Drawing, Receipt

log = structlog.get_logger()

# Screens are written in letters that every handset has; a picture is not.
_NAIRA, _WRITTEN = "\u20a6", "N"
_DATE = "d MMM yyyy, HH:mm"


class Receipts:
    """See `core.ports.chat.Picturing`."""

    def __init__(
        self,
        orders: OrderBook,
        tenants: Tenants,
        customers: Customers,
        texts: Texts,
        drawing: Drawing,
    ) -> None:
        self._orders = orders
        self._tenants = tenants
        self._customers = customers
        self._texts = texts
        self._drawing = drawing

    async def receipt(self, tenant_id: UUID, reference: str) -> bytes | None:
        try:
            order = await self._orders.find(tenant_id, reference)
            if order is None or order.state is not OrderState.DELIVERED:
                return None
            tenant = await self._tenants.get(tenant_id)
            customer = await self._customers.get(tenant_id, order.customer_id)
            told = self._told(order, tenant, customer.language)
            return await asyncio.to_thread(self._drawing.receipt, told)
        except Exception:
            log.exception("receipts.not_drawn", reference=reference)
            return None

    def _told(self, order: OrderView, tenant: Tenant, language: str) -> Receipt:
        def word(key: str) -> str:
            return self._texts.get(language, key)

        amount = Money(order.amount_minor, order.currency)
        fee = Money(order.fee_minor, order.currency)
        here = is_of(order.recipient, tenant.country)
        network = f"network.{order.network}"
        footer = "receipt.footer" if order.gift_room_id is None else "receipt.footer.gift"
        lines = (
            (word("receipt.product"), word(f"receipt.{order.product.value}")),
            (
                word("receipt.network"),
                word(network) if self._texts.has(network) else order.network.upper(),
            ),
            (word("receipt.recipient"), local(order.recipient) if here else f"+{order.recipient}"),
            (word("receipt.amount"), printed(amount)),
            (word("receipt.fee"), printed(fee)),
            (word("receipt.date"), _date(order, tenant, language)),
            (word("receipt.reference"), order.reference),
        )
        return Receipt(
            shop=tenant.name,
            title=word("receipt.done"),
            amount=printed(Money(amount.minor + fee.minor, order.currency)),
            lines=lines,
            footer=self._texts.get(language, footer, shop=tenant.name),
        )


def printed(amount: Money) -> str:
    """An amount as it stands in a picture or on paper: with the sign that screens go without."""
    written = show(amount)
    if amount.currency == "NGN" and written.startswith(_WRITTEN):
        return _NAIRA + written.removeprefix(_WRITTEN)
    return written


def _date(order: OrderView, tenant: Tenant, language: str) -> str:
    """When it was delivered, by the clock where the shop is."""
    at = (order.settled_at or order.created_at).astimezone(ZoneInfo(tenant.time_zone))
    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        locale = Locale.parse("en")
    return format_datetime(at, _DATE, locale=locale)
