"""While nobody can deliver airtime: customers hear it before any question, and its end."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from cli.demo import TENANT
from core.domain.vending import Product
from core.engine.outcomes import Done
from core.store.health import PgSales
from tests.fakes.paths import giving
from tests.fakes.world import PIN, World

WORDS = "Airtime is not available for now. Your money is safe."
BACK = "available again"


@asynccontextmanager
async def paused(world: World) -> AsyncIterator[None]:
    """Airtime is not sold meanwhile, by any process."""
    sales = PgSales(world.main.core.database, world.main.core.clock)
    assert await sales.trouble(TENANT.id, Product.AIRTIME, 0)
    await _noticed(world)
    try:
        yield
    finally:
        await sales.well(TENANT.id, Product.AIRTIME)
        await _noticed(world)


async def _noticed(world: World) -> None:
    for kiosk in (world.main, world.twin):
        await kiosk.core.router.refresh()


async def test_the_pause_is_told_before_anything_is_asked(world: World) -> None:
    """And once it is over, by one SMS, however often the customer tried."""
    caller = await world.caller(1000)

    async with paused(world):
        for _ in range(2):
            await caller.dial()
            await caller.enter("1")
            caller.sees(WORDS)
            assert not caller.open

    await caller.sms(BACK)
    await caller.dial()
    await caller.enter("1", "1", "200", "1", PIN)
    caller.sees("Done.")
    told = [str(message["text"]) for message in await world.outside.messages(caller.msisdn)]
    assert sum(BACK in text for text in told) == 1


async def test_every_way_of_dialling_airtime_along_meets_the_pause(world: World) -> None:
    caller = await world.caller(1000)

    async with paused(world):
        said = ("say_airtime*200", "say_airtime*200*mtn*12", "airtime")
        for dialled in ("1*200", "1*200*0" + world.number()[3:], "1*abc", "1*200*12", *said):
            await caller.dial(dialled)
            caller.sees(WORDS)
            assert not caller.open

    for dialled in ("1*abc", "1*200*12"):
        await caller.dial(dialled)
        assert WORDS not in caller.screen


@pytest.mark.parametrize(
    ("dialled", "node"),
    [("1*200", "open_dialled"), ("1*abc", "open_own"), ("1*200*12", "open_number")],
)
async def test_a_pause_that_begins_between_two_steps_is_met_at_the_next(
    world: World, dialled: str, node: str
) -> None:
    caller = await world.caller(1000)

    with world.paths.instead_of("airtime", node, giving(Done("paused"))):
        await caller.dial(dialled)

    caller.sees(WORDS)
    assert not caller.open


async def test_a_purchase_begun_before_the_pause_is_refused_with_the_same_words(
    world: World,
) -> None:
    """Nothing is charged, and this customer hears of the end of it as well."""
    caller = await world.caller(1000)
    await caller.dial()
    await caller.enter("1", "1", "300", "1")

    async with paused(world):
        await caller.enter(PIN)
        caller.sees(WORDS)

    assert await caller.money() == (1000, 0)
    assert await caller.orders() == []
    assert await world.delivered(caller.msisdn) == []
    await caller.sms(BACK)


async def test_who_was_not_turned_away_is_not_told(world: World) -> None:
    bystander, caller = await world.caller(), await world.caller()

    async with paused(world):
        await caller.dial()
        await caller.enter("1")

    await caller.sms(BACK)
    assert await world.outside.messages(bystander.msisdn) == []
