"""Callbox killed between any two writes: the money is right when it is back, and nobody paid twice.

In each story Callbox dies once, at a named point, and is started again. The customer knows nothing
of that: they dial until the phone tells them what became of their wish.
"""

import asyncio
import contextlib
import random
import signal
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import pytest

from tests.e2e.books import books_of, judge, settled
from tests.e2e.customer import Customer
from tests.e2e.program import World, home_folder, running
from tests.e2e.secrecy import leaks
from tests.e2e.together import Together, together

_WORLDS = 4


@dataclass(frozen=True)
class Row:
    """Where it dies, and what the one order comes to.

    Attributes:
        point: A crash point, with the count of its passing.
        scenario: The part that the provider plays.
        sms_max: How often the customer may read the end of their order.
    """

    point: str
    end: str = "delivered"
    scenario: str = "ok"
    sms_max: int = 1


# A link is asked for in two turns and airtime bought in four; the first effect that changes
# something is the link, the second the purchase; notices are of the link, the money, the airtime.
ROWS = {
    "never sent, as far as anybody can tell": Row("vend.before_send", "refunded"),
    "before a provider's refusal is booked": Row("vend.answered", "refunded", "refused"),
    "before doubt is booked": Row("vend.answered", "delivered", "delivered_but_reply_lost"),
    "after doubt is booked": Row("vend.booked", "delivered", "delivered_but_reply_lost"),
    "while the answer to a requery is not booked": Row(
        "vend.answered:2", "delivered", "delivered_but_reply_lost"
    ),
    "before a delivery is booked": Row("vend.answered"),
    "after a delivery is booked": Row("vend.booked"),
    "before an SMS is sent": Row("notice.before_send:3"),
    "before an SMS is known to be sent": Row("notice.sent:3", sms_max=2),
    "before the link is sent": Row("notice.before_send"),
    "before the link is known to be sent": Row("notice.sent"),
    "when asking for a link begins": Row("turn.acting"),
    "before the first screen is kept": Row("turn.before_save"),
    "when paying begins": Row("turn.acting:2"),
    "before money is held": Row("purchase.before_begin"),
    "after money is held and the order is taken in hand": Row("order.in_hand", "refunded"),
    "before the last screen is kept": Row("turn.before_save:6"),
    "before the last screen is sent": Row("turn.saved:6"),
    "before the payment page is asked for": Row("funding.intent_written"),
    "before the payment page is noted": Row("funding.initialized"),
    "before a payment is credited": Row("funding.before_credit"),
    "after a payment is credited": Row("funding.credited"),
}


async def _story(row: Row, free: asyncio.Queue[World]) -> None:
    world = await free.get()
    try:
        await world.restart(CALLBOX_CRASH_AT=row.point)
        await _bought_through_a_crash(world, row)
    finally:
        free.put_nowait(world)


async def _bought_through_a_crash(world: World, row: Row) -> None:
    mending = asyncio.create_task(_mended(world))
    try:
        customer = Customer(world)
        await customer.pay(await customer.insist_on_link())
        await customer.is_credited(60)
        await world.scenario(row.scenario, customer.msisdn)
        await customer.insist_on_airtime()
        async with asyncio.timeout(20):
            await mending
    finally:
        mending.cancel()
    await settled(world, [customer])
    await judge(world, [customer], sms_max=row.sms_max)
    async with books_of(world) as books:
        assert [order.state for order in await books.orders(customer.msisdn)] == [row.end]


async def _mended(world: World) -> None:
    """Callbox died at the point that was named, and is started again as an operator would."""
    assert await world.callbox.ended(60) == -signal.SIGKILL
    await world.callbox.start()
    await world.ready()


@contextlib.asynccontextmanager
async def _world() -> AsyncIterator[World]:
    with home_folder() as home:
        async with running(home) as world:
            yield world
        assert leaks(home) == []


@pytest.fixture(scope="module")
async def stories() -> AsyncIterator[Together[None]]:
    """As many at once as there are worlds to die in; most of a story is waiting."""
    free: asyncio.Queue[World] = asyncio.Queue()
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(_WORLDS):
            free.put_nowait(await stack.enter_async_context(_world()))
        yield await stack.enter_async_context(
            together(
                {name: lambda row=row: _story(row, free) for name, row in ROWS.items()},  # type: ignore[misc]  # mypy cannot infer a lambda's default
                at_once=_WORLDS,
            )
        )


@pytest.mark.parametrize("name", ROWS)
async def test_a_crash_loses_nothing_and_doubles_nothing(
    stories: Together[None], name: str
) -> None:
    await stories.end_of(name)


_BUYERS = 30
_KILLS = 6
_PARTS = (
    "ok",
    "ok",
    "delivered_but_reply_lost",
    "refused",
    "refused_html_503",
    "reply_500_with_order",
    "garbage_json",
)


async def test_thirty_buyers_and_a_process_that_is_killed_at_any_moment() -> None:
    chance = random.Random(20261121)
    async with _world() as world:
        customers = [Customer(world) for _ in range(_BUYERS)]
        await asyncio.gather(*(customer.fund() for customer in customers))
        for customer in customers:
            await world.scenario(chance.choice(_PARTS), customer.msisdn)

        await _all_buy_under_fire(world, customers, chance)

        await settled(world, customers)
        await judge(world, customers, sms_max=1 + _KILLS)
        async with books_of(world) as books:
            for customer in customers:
                assert len(await books.orders(customer.msisdn)) == 1


async def _all_buy_under_fire(
    world: World, customers: Sequence[Customer], chance: random.Random
) -> None:
    """They come within some seconds, and each goes on until the phone tells of their order."""

    async def come_and_buy(customer: Customer, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await customer.insist_on_airtime()

    async with asyncio.TaskGroup() as group:
        for customer in customers:
            group.create_task(come_and_buy(customer, chance.uniform(0, 8)))
        for _ in range(_KILLS):
            await asyncio.sleep(chance.uniform(0.1, 1.5))
            await world.restart()
