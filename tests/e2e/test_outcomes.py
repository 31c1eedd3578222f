"""Every way an order can go at the provider, from the keypress to the SMS, in the real program."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from tests.e2e.books import books_of, judge, settled
from tests.e2e.customer import Customer
from tests.e2e.program import World, eventually
from tests.e2e.together import Together, together


@dataclass(frozen=True)
class Row:
    """A part that the provider plays.

    Attributes:
        end: The state of the order when all is over.
        delivered: How often value reached the handset.
        shown: What the paying customer reads before they hang up.
    """

    scenario: str
    end: str
    delivered: int
    shown: str
    figures: dict[str, object] = field(default_factory=dict)


DONE, BACK, LATER = "Done. ", "is back in your wallet", "An SMS will tell you the result"

ROWS = {
    # What cannot be known for long begins first, and the others end meanwhile.
    "nobody can say until the deadline": Row("stuck_pending", "paid_back", 0, LATER),
    "delivered after it was paid back": Row(
        "accepted_then_ok", "paid_back", 1, LATER, {"seconds": 23}
    ),
    "delivered at once": Row("ok", "delivered", 1, DONE),
    "delivered slowly": Row("ok_slow", "delivered", 1, LATER, {"seconds": 3}),
    "refused with a code": Row("refused", "refunded", 0, BACK, {"code": "091"}),
    "refused, placed and undone": Row("refused", "refunded", 0, BACK, {"code": "016"}),
    "reversed at once": Row("refused", "refunded", 0, BACK, {"code": "040"}),
    "wrong network": Row("wrong_network", "refunded", 0, BACK),
    "our float is empty": Row("low_float", "refunded", 0, BACK),
    "reply lost after delivery": Row("delivered_but_reply_lost", "delivered", 1, DONE),
    "delivered after the timeout": Row(
        "delivered_after_timeout", "delivered", 1, LATER, {"seconds": 8}
    ),
    "request lost on its way": Row("lost_before_order", "refunded", 0, LATER),
    "arrives late": Row("arrives_late", "delivered", 1, LATER, {"seconds": 4}),
    "HTML with status 503": Row("refused_html_503", "refunded", 0, LATER),
    "status 500 and no order": Row("reply_500_no_order", "refunded", 0, LATER),
    "status 500 and an order": Row("reply_500_with_order", "delivered", 1, DONE),
    "half of the reply": Row("garbage_json", "delivered", 1, DONE),
    "a code nobody documented": Row("unexpected_code", "delivered", 1, DONE),
    "a reply of another shape": Row("variant_shapes", "delivered", 1, DONE),
    "told that the reference was used": Row("duplicate_ref", "delivered", 1, DONE),
    "accepted, then delivered": Row("accepted_then_ok", "delivered", 1, LATER, {"seconds": 3}),
    "accepted, then failed": Row("accepted_then_fail", "refunded", 0, LATER, {"seconds": 3}),
    "requery down for a while": Row("requery_down", "delivered", 1, LATER, {"seconds": 6}),
    "told twice by webhook": Row("webhook_duplicate", "delivered", 1, LATER, {"seconds": 2}),
    "told late by webhook": Row("webhook_late", "delivered", 1, LATER, {"seconds": 2}),
    "a false webhook": Row("webhook_forged", "refunded", 0, LATER, {"seconds": 3}),
    "taken back after delivery": Row(
        "reversed_after_delivered", "refunded", 1, DONE, {"seconds": 2}
    ),
}


@dataclass(frozen=True)
class Bought:
    customer: Customer
    shown: str


async def _bought(world: World, row: Row) -> Bought:
    """A customer with money in their wallet buys, and it goes as the row says."""
    customer = Customer(world)
    await customer.fund()
    await world.scenario(row.scenario, customer.msisdn, figures=row.figures)
    shown = await customer.buy()

    async def over() -> bool:
        async with books_of(world) as books:
            [order] = await books.orders(customer.msisdn)
        assert order.state == row.end, order
        return True

    await eventually(over, 60, every_s=0.5)
    return Bought(customer, shown)


@pytest.fixture(scope="module")
async def stories(world: World) -> AsyncIterator[Together[Bought]]:
    async with together(
        {name: lambda row=row: _bought(world, row) for name, row in ROWS.items()},  # type: ignore[misc]  # mypy cannot infer a lambda's default
        at_once=len(ROWS),
    ) as under_way:
        yield under_way


@pytest.mark.parametrize("name", ROWS)
async def test_an_order_is_delivered_once_or_refunded(
    world: World, stories: Together[Bought], name: str
) -> None:
    """Money is taken if and only if value arrived, and the customer is told once what is true."""
    row = ROWS[name]
    bought = await stories.end_of(name)
    assert row.shown in bought.shown

    await settled(world, [bought.customer])

    async def delivered() -> bool:
        return len(await world.deliveries(bought.customer.msisdn)) == row.delivered

    await eventually(delivered)
    if row.end == "paid_back":
        await _judge_paid_back(world, bought.customer, row)
    else:
        await judge(world, [bought.customer])


async def _judge_paid_back(world: World, customer: Customer, row: Row) -> None:
    """The customer has their money again; what arrives after that is our loss, not theirs."""
    assert await customer.balance() == (customer.paid_minor, 0)
    told = [text for text in await customer.sms() if "we paid you back" in text]
    assert len(told) == 1
    async with books_of(world) as books:

        async def balanced() -> bool:
            assert await books.wrong() == []
            return await books.losses_minor(customer.msisdn) == row.delivered * 500_00

        await eventually(balanced)


async def test_a_taken_back_delivery_is_told_in_both_its_turns(stories: Together[Bought]) -> None:
    """First that it arrived, then that the network took it back: one SMS each."""
    bought = await stories.end_of("taken back after delivery")

    async def told() -> bool:
        inbox = await bought.customer.sms()
        assert sum(text.startswith("Done: ") for text in inbox) == 1, inbox
        return sum(text.startswith("The network took back") for text in inbox) == 1

    await eventually(told)
