"""A request that comes more than once: from a gateway that repeats itself, or from a thumb."""

import asyncio

import httpx

from tests.e2e.books import books_of, judge, settled
from tests.e2e.customer import PIN, Customer
from tests.e2e.program import World

_FORM = {"content-type": "application/x-www-form-urlencoded"}


async def _typed(customer: Customer, answer: str) -> bytes:
    """The request that carries one more answer, not yet sent."""
    customer.phone.text += f"*{answer}"
    return customer.phone.body()


async def _post(world: World, body: bytes) -> bytes:
    reply = await world.http.post("/ussd/africastalking/demo", content=body, headers=_FORM)
    assert reply.status_code == 200
    return reply.content


async def _funded(world: World) -> Customer:
    customer = Customer(world)
    await customer.fund()
    return customer


async def _bought_once(world: World, customer: Customer) -> None:
    await settled(world, [customer])
    async with books_of(world) as books:
        assert len(await books.orders(customer.msisdn)) == 1
    assert len(await world.deliveries(customer.msisdn)) == 1
    await judge(world, [customer])


async def test_a_payment_repeated_later_gets_the_first_reply_again(world: World) -> None:
    customer = await _funded(world)
    await customer.to_the_pin()
    paying = await _typed(customer, PIN)

    first = await _post(world, paying)
    second = await _post(world, paying)

    assert first.startswith(b"END Done. ")
    assert second == first
    await _bought_once(world, customer)


async def test_a_payment_sent_ten_times_at_once_is_one_payment(world: World) -> None:
    customer = await _funded(world)
    await customer.to_the_pin()
    paying = await _typed(customer, PIN)

    replies = await asyncio.gather(*(_post(world, paying) for _ in range(10)))

    assert replies[0].startswith(b"END Done. ")
    assert set(replies) == {replies[0]}
    await _bought_once(world, customer)


async def test_a_payment_sent_ten_times_at_once_to_a_slow_provider_is_one_payment(
    world: World,
) -> None:
    """All ten wait for the first, and read that the result comes by SMS."""
    customer = await _funded(world)
    await world.scenario("ok_slow", customer.msisdn, figures={"seconds": 3})
    await customer.to_the_pin()
    paying = await _typed(customer, PIN)

    replies = await asyncio.gather(*(_post(world, paying) for _ in range(10)))

    assert b"An SMS will tell you the result" in replies[0]
    assert set(replies) == {replies[0]}
    await _bought_once(world, customer)


async def test_a_dial_sent_ten_times_at_once_is_one_session(world: World) -> None:
    customer = Customer(world)
    customer.phone.session = "ATUid_" + "0a1b2c3d" * 4
    dialling = customer.phone.body()

    replies = await asyncio.gather(*(_post(world, dialling) for _ in range(10)))

    assert set(replies) == {replies[0]}
    assert await customer.balance() == (0, 0)


async def test_a_wish_to_fund_sent_ten_times_at_once_is_one_link(world: World) -> None:
    customer = Customer(world)
    await customer.phone.dial("2*2*700")
    wishing = await _typed(customer, "1")

    replies = await asyncio.gather(*(_post(world, wishing) for _ in range(10)))

    assert set(replies) == {replies[0]}
    customer.phone.show(replies[0].decode())
    await customer.pay(customer.reference())
    await customer.is_credited()
    assert sum(text.startswith("Pay N700") for text in await customer.sms()) == 1
    assert await customer.balance() == (700_00, 0)


async def test_two_handsets_of_one_wallet_cannot_spend_the_same_money(world: World) -> None:
    """Two sessions of one number both stand before the last question: one of them is too late."""
    customer = await _funded(world)
    other = Customer(world)
    other.phone.msisdn = other.msisdn = customer.msisdn
    await customer.to_the_pin(600)
    paying = await _typed(customer, PIN)
    await other.to_the_pin(700)
    also_paying = await _typed(other, PIN)

    await asyncio.gather(_post(world, paying), _post(world, also_paying))

    await settled(world, [customer])
    async with books_of(world) as books:
        assert len(await books.orders(customer.msisdn)) == 1
    await judge(world, [customer])


async def test_a_gateway_that_hangs_up_early_changes_nothing(world: World) -> None:
    """The connection is closed while the payment is under way: it comes to its end all the same."""
    customer = await _funded(world)
    await world.scenario("ok_slow", customer.msisdn, figures={"seconds": 3})
    await customer.to_the_pin()
    paying = await _typed(customer, PIN)

    impatient = httpx.Timeout(10, read=0.5)
    async with httpx.AsyncClient(base_url=world.http.base_url, timeout=impatient) as hasty:
        try:
            await hasty.post("/ussd/africastalking/demo", content=paying, headers=_FORM)
        except httpx.ReadTimeout:
            pass
        else:
            raise AssertionError("it answered too soon for this test")

    await _bought_once(world, customer)
