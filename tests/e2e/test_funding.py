"""Money in: whatever a payment gateway tells, or fails to tell, what was paid is credited once."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.e2e.books import Books, books_of
from tests.e2e.customer import Customer
from tests.e2e.program import World, eventually
from tests.e2e.together import Together, together

_KEY = b"sk_test_SIM"


async def _tell(world: World, event: dict[str, object], *, key: bytes = _KEY) -> int:
    """Post a webhook as the payment gateway would, or as somebody who pretends to be it."""
    body = json.dumps(event).encode()
    signature = hmac.new(key, body, hashlib.sha512).hexdigest()
    reply = await world.http.post(
        "/callbacks/paystack/demo", content=body, headers={"x-paystack-signature": signature}
    )
    return reply.status_code


def _paid(reference: str, naira: int = 1000, currency: str = "NGN") -> dict[str, object]:
    data = {
        "id": 4099260516,
        "status": "success",
        "reference": reference,
        "amount": naira * 100,
        "currency": currency,
    }
    return {"event": "charge.success", "data": data}


async def _awaiting(world: World, scenario: str = "ok", **figures: object) -> tuple[Customer, str]:
    """A customer who asked for a link of N1,000, and the reference of the payment."""
    customer = Customer(world)
    reference = await customer.ask_for_link()
    await world.scenario(scenario, reference, provider="paystack", figures=figures)
    return customer, reference


async def forged(world: World) -> Customer:
    """A webhook without the key's signature is refused, and nothing is believed of it."""
    customer, reference = await _awaiting(world)
    assert await _tell(world, _paid(reference), key=b"a guess") == 401
    return customer


async def forged_by_the_gateways_own_machine(world: World) -> Customer:
    """The simulator's own false webhook, and a payer who never paid."""
    customer, reference = await _awaiting(world, "webhook_forged")
    await customer.pay(reference)
    return customer


async def signed_but_not_paid(world: World) -> Customer:
    """Even a true signature is no evidence: the gateway, asked, knows of no payment."""
    customer, reference = await _awaiting(world)
    assert await _tell(world, _paid(reference)) == 200
    return customer


async def replayed(world: World) -> Customer:
    """Three times by the gateway, and three times by somebody who overheard it."""
    customer, reference = await _awaiting(world, "webhook_duplicate")
    await customer.pay(reference)
    await customer.is_credited()
    for _ in range(3):
        assert await _tell(world, _paid(reference)) == 200
    return customer


async def half_paid(world: World) -> Customer:
    customer, reference = await _awaiting(world, "underpay")
    await customer.pay(reference)
    await customer.is_credited()
    assert customer.paid_minor == 500_00
    return customer


async def paid_double(world: World) -> Customer:
    customer, reference = await _awaiting(world, "overpay")
    await customer.pay(reference)
    await customer.is_credited()
    assert customer.paid_minor == 2000_00
    return customer


async def told_of_more_than_was_paid(world: World) -> Customer:
    customer, reference = await _awaiting(world)
    await customer.pay(reference)
    assert await _tell(world, _paid(reference, naira=90_000)) == 200
    await customer.is_credited()
    return customer


async def paid_in_another_currency(world: World) -> Customer:
    """1,000 cedis are not 1,000 naira: nothing is credited, and a person looks at it."""
    customer, reference = await _awaiting(world, "other_currency")
    await customer.pay(reference)
    async with books_of(world) as books:

        async def noted() -> bool:
            return await books.payment_states(reference) == ["mismatch"]

        await eventually(noted)
    return customer


async def told_of_another_customers_reference(world: World) -> Customer:
    """One pays; a webhook of that payment that names another's reference credits neither twice."""
    payer, paid_reference = await _awaiting(world)
    other, other_reference = await _awaiting(world)
    await payer.pay(paid_reference)
    await payer.is_credited()
    assert await _tell(world, _paid(other_reference)) == 200
    await _judge(world, payer)
    return other


async def told_before_the_reply(world: World) -> Customer:
    """The payment and its webhook are there before the gateway has answered our first call."""
    customer = Customer(world)
    await _played_next(world, "webhook_before_reply", customer)
    customer.paid_minor = 1000_00
    await customer.is_credited()
    return customer


async def reply_to_the_first_call_lost(world: World) -> Customer:
    """The page is open and its address is lost: what is paid there still counts."""
    customer = Customer(world)
    reference = await _played_next(world, "initialize_lost", customer)
    await customer.pay(reference)
    await customer.is_credited()
    return customer


async def first_call_failed(world: World) -> Customer:
    """The worker opens a page at the next gateway; its SMS names the reference to pay under."""
    customer = Customer(world)
    await _played_next(world, "initialize_500", customer)
    links: list[str] = []

    async def linked() -> bool:
        links[:] = [text for text in await customer.sms() if text.startswith("Pay N1,000")]
        return bool(links)

    await eventually(linked)
    await customer.pay(links[0].rpartition(" ")[2])
    await customer.is_credited()
    return customer


async def never_told(world: World) -> Customer:
    """No webhook at all: the sweeper asks."""
    customer, reference = await _awaiting(world, "webhook_never")
    await customer.pay(reference)
    await customer.is_credited()
    return customer


async def verify_down(world: World) -> Customer:
    customer, reference = await _awaiting(world, "verify_down", seconds=4)
    await customer.pay(reference)
    await customer.is_credited()
    return customer


async def paid_twice(world: World) -> Customer:
    """A second payment under one reference is the customer's money as well."""
    customer, reference = await _awaiting(world)
    await customer.pay(reference)
    await customer.is_credited()
    await customer.pay(reference, again=True)
    assert customer.paid_minor == 2000_00
    return customer


async def abandoned(world: World) -> Customer:
    customer, reference = await _awaiting(world, "abandoned")
    await customer.pay(reference)
    return customer


STORIES: dict[str, Callable[[World], Awaitable[Customer]]] = {
    story.__name__: story
    for story in (
        forged,
        forged_by_the_gateways_own_machine,
        signed_but_not_paid,
        replayed,
        half_paid,
        paid_double,
        told_of_more_than_was_paid,
        paid_in_another_currency,
        told_of_another_customers_reference,
        never_told,
        verify_down,
        paid_twice,
        abandoned,
    )
}
# These play a part that only the next first call can be given, so they come one after the other.
FIRST_CALLS = (told_before_the_reply, reply_to_the_first_call_lost, first_call_failed)


async def _played_next(world: World, scenario: str, customer: Customer) -> str:
    """Ask for a link while the gateway plays a part at its next first call."""
    order = {"provider": "paystack", "scenario": scenario, "next": 1}
    reply = await world.control.post("/control/scenarios", json=order)
    assert reply.status_code == 200
    return await customer.ask_for_link()


async def _judge(world: World, customer: Customer) -> None:
    """Credited is what was paid, and each arrival was told once."""

    async def credited() -> bool:
        assert await customer.balance() == (customer.paid_minor, 0)
        return True

    await eventually(credited)
    async with books_of(world) as books:
        assert await books.wrong() == []
        arrivals = await books.arrivals(customer.msisdn)

    async def told() -> bool:
        inbox = await customer.sms()
        return sum("has arrived in your" in text for text in inbox) == arrivals

    await eventually(told)


@pytest.fixture(scope="module")
async def stories(world: World) -> AsyncIterator[Together[Customer]]:
    async with together(
        {name: lambda story=story: story(world) for name, story in STORIES.items()},  # type: ignore[misc]  # mypy cannot infer a lambda's default
        at_once=len(STORIES),
    ) as under_way:
        yield under_way


@pytest.mark.parametrize("name", STORIES)
async def test_what_was_paid_is_credited_once(
    world: World, stories: Together[Customer], name: str
) -> None:
    await _judge(world, await stories.end_of(name))


@pytest.mark.parametrize("story", FIRST_CALLS, ids=lambda story: story.__name__)
async def test_what_was_paid_is_credited_once_after_trouble_with_the_first_call(
    world: World, story: Callable[[World], Awaitable[Customer]]
) -> None:
    await _judge(world, await story(world))


async def test_nothing_more_is_credited_later(world: World, stories: Together[Customer]) -> None:
    """The sweeper has asked about all of them by now, also about those that were never paid."""
    for name in STORIES:
        customer = await stories.end_of(name)
        async with books_of(world) as books:

            async def asked(books: Books = books, customer: Customer = customer) -> bool:
                return await books.intents_never_asked_about(customer.msisdn) == 0

            await eventually(asked)
        await _judge(world, customer)
