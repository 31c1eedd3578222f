"""Receipts: what stands on them, and how the picture comes out."""

import dataclasses
import datetime as dt
import io
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from core.domain.customers import Tenant
from core.domain.orders import OrderState, OrderView
from core.domain.vending import Product
from core.kit import ids
from core.kit.msisdn import Msisdn
from core.kit.texts import Texts
from core.ports.pictures import Receipt
from core.providers.pictures.receipts import DrawnReceipts
from core.services.receipts import Receipts
from tests.fakes.stores import TENANT, People, customer

TEXTS = Texts.load(Path(__file__).parents[2] / "core" / "texts")
ADA = customer()
AT = dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC)
ORDER = OrderView(
    id=ids.uuid7(),
    tenant_id=TENANT.id,
    customer_id=ADA.id,
    reference="K7M2QX4P9T",
    product=Product.AIRTIME,
    network="mtn",
    recipient=Msisdn("2348031234567"),
    amount_minor=1500_00,
    fee_minor=50_00,
    currency="NGN",
    state=OrderState.DELIVERED,
    hint=None,
    created_at=AT,
    settled_at=AT,
)
PLAIN = Receipt(
    "Callbox demo",
    "Delivered",
    "\u20a61,550",
    (("Product", "Airtime"), ("Network", "MTN"), ("Fee", "\u20a650"), ("Reference", "K7M2QX4P9T")),
    "Thank you",
)


class Orders:
    """One order, of one tenant."""

    def __init__(self, order: OrderView | None) -> None:
        self._order = order

    async def find(self, tenant_id: UUID, reference: str) -> OrderView | None:
        order = self._order
        known = order is not None and (order.tenant_id, order.reference) == (tenant_id, reference)
        return order if known else None


class House:
    async def get(self, tenant_id: UUID) -> Tenant:
        return TENANT


class Sketch:
    """Keeps what it is to draw."""

    def __init__(self) -> None:
        self.asked: list[Receipt] = []

    def receipt(self, receipt: Receipt) -> bytes:
        self.asked.append(receipt)
        return b"PNG"


class Broken:
    def receipt(self, receipt: Receipt) -> bytes:
        raise OSError("no font")


async def drawn(order: OrderView | None, drawing: Any, reference: str = ORDER.reference) -> Any:
    people = People()
    await people.at(None, "", ADA.msisdn)  # type: ignore[arg-type]  # this fake asks for none
    await people.pin(ADA)
    orders: Any = Orders(order)
    receipts = Receipts(orders, House(), people, TEXTS, drawing)
    return await receipts.receipt(TENANT.id, reference)


async def test_it_says_what_was_delivered_to_whom_and_when() -> None:
    sketch = Sketch()
    assert await drawn(ORDER, sketch) == b"PNG"

    [receipt] = sketch.asked
    assert (receipt.shop, receipt.title, receipt.amount) == ("Demo", "Delivered", "\u20a61,550")
    assert receipt.lines == (
        ("Product", "Airtime"),
        ("Network", "MTN"),
        ("Recipient", "08031234567"),
        ("Amount", "\u20a61,500"),
        ("Fee", "\u20a650"),
        ("Date", "3 Mar 2026, 00:30"),  # in Lagos it is tomorrow
        ("Reference", "K7M2QX4P9T"),
    )


async def test_nobody_is_thanked_for_buying_what_they_won() -> None:
    sketch = Sketch()
    await drawn(ORDER, sketch)
    await drawn(dataclasses.replace(ORDER, gift_room_id=ids.uuid7()), sketch)

    bought, won = (receipt.footer for receipt in sketch.asked)
    assert bought == "Thank you for buying from Demo"
    assert won == "Won in a gift at Demo"


async def test_a_number_from_abroad_keeps_its_country() -> None:
    sketch = Sketch()
    await drawn(dataclasses.replace(ORDER, recipient=Msisdn("233241234567")), sketch)

    assert dict(sketch.asked[0].lines)["Recipient"] == "+233241234567"


@pytest.mark.parametrize("product", list(Product))
async def test_every_product_has_its_word(product: Product) -> None:
    sketch = Sketch()
    await drawn(dataclasses.replace(ORDER, product=product, network="dstv"), sketch)

    assert dict(sketch.asked[0].lines)["Network"] == "DSTV"


@pytest.mark.parametrize("state", [s for s in OrderState if s is not OrderState.DELIVERED])
async def test_only_what_was_delivered_has_a_receipt(state: OrderState) -> None:
    assert await drawn(dataclasses.replace(ORDER, state=state), Sketch()) is None


async def test_what_is_unknown_or_cannot_be_drawn_is_no_picture_and_no_error() -> None:
    assert await drawn(None, Sketch()) is None
    assert await drawn(ORDER, Sketch(), reference="OTHER") is None
    assert await drawn(ORDER, Broken()) is None
    assert await drawn(dataclasses.replace(ORDER, tenant_id=ids.uuid7()), Sketch()) is None


@pytest.mark.parametrize(
    "receipt",
    [
        pytest.param(PLAIN, id="an ordinary one"),
        pytest.param(
            dataclasses.replace(
                PLAIN,
                shop="\u1eccl\u00e1 & Sons Communications and General Enterprises " * 3,
                amount="\u20a699,999,999.99",
                lines=(("A label that is much too long for its column", "x" * 200),) * 12,
                footer="\u8c22\u8c22 \U0001f600 \u0301\n",
            ),
            id="everything too long, in any letters",
        ),
        pytest.param(Receipt("", "", "", (("", ""),), ""), id="nothing"),
    ],
)
def test_a_picture_is_small_and_as_wide_as_a_phone(receipt: Receipt) -> None:
    png = DrawnReceipts().receipt(receipt)
    picture = Image.open(io.BytesIO(png))

    assert (picture.format, picture.width) == ("PNG", 720)
    assert len(png) < 60_000
    assert picture.height < 1500


def test_what_stands_on_it_is_seen() -> None:
    """Another word is another picture, and a naira sign is no N."""
    other = dataclasses.replace(PLAIN, shop="Callbox demq")
    plain_n = dataclasses.replace(PLAIN, amount="N1,550")
    draw = DrawnReceipts().receipt

    assert draw(PLAIN) == draw(PLAIN)
    assert len({draw(PLAIN), draw(other), draw(plain_n)}) == 3


def test_letters_that_the_font_has_not_are_written_with_those_it_has() -> None:
    draw = DrawnReceipts().receipt
    dotted = dataclasses.replace(PLAIN, shop="\u1eccl\u00e1")

    assert draw(dotted) == draw(dataclasses.replace(PLAIN, shop="Ol\u00e1"))
