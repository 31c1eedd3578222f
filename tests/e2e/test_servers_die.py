"""Redis or Postgres killed under a running Callbox: it starts them again, money is right."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import httpx
import pytest

from tests.e2e.books import books_of, judge, settled
from tests.e2e.customer import PIN, Customer
from tests.e2e.program import World, eventually, home_folder, running
from tests.e2e.secrecy import leaks

_BUYERS = 12
_RUDE = ("Traceback", "Error", "Internal", "exception")


@pytest.fixture(scope="module")
async def standing() -> AsyncIterator[World]:
    with home_folder() as home:
        async with running(home) as world:
            yield world
        assert leaks(home) == []


async def _kill(world: World, server: str) -> None:
    """Kill one, and wait until another of its kind has its place."""
    before = world.server_pid(server)
    os.kill(before, signal.SIGKILL)

    async def again() -> bool:
        try:
            return world.server_pid(server) != before
        except (FileNotFoundError, IndexError):
            return False

    await eventually(again)

    async def well() -> bool:
        return (await world.http.get("/status")).status_code == 200

    await eventually(well)


@pytest.mark.parametrize("server", ["valkey", "postgres"])
async def test_a_customer_in_the_middle_is_answered_politely(standing: World, server: str) -> None:
    """At the last question, with the server just gone: a screen, and no order twice."""
    customer = Customer(standing)
    await customer.fund()
    await customer.to_the_pin()

    dying = asyncio.create_task(_kill(standing, server))
    await asyncio.sleep(0)
    shown = await customer.phone.enter(PIN)
    assert not any(word in shown for word in _RUDE)
    await dying

    await customer.insist_on_airtime()
    await settled(standing, [customer])
    await judge(standing, [customer])


@pytest.mark.parametrize("server", ["valkey", "postgres"])
async def test_many_buy_while_it_dies(standing: World, server: str) -> None:
    """Each insists until the phone tells of their order; each has one order, and one only."""
    customers = [Customer(standing) for _ in range(_BUYERS)]
    await asyncio.gather(*(customer.fund() for customer in customers))

    async def buy(place: int, customer: Customer) -> None:
        await asyncio.sleep(place * 0.15)
        await customer.insist_on_airtime()

    async with asyncio.TaskGroup() as group:
        for place, customer in enumerate(customers):
            group.create_task(buy(place, customer))
        await asyncio.sleep(0.4)
        await _kill(standing, server)

    await settled(standing, customers)
    await judge(standing, customers)
    async with books_of(standing) as books:
        for customer in customers:
            assert len(await books.orders(customer.msisdn)) == 1


async def test_conversations_that_are_lost_begin_again(standing: World) -> None:
    """Redis lost with all that was in it: the next keypress starts politely, and moves no money."""
    customer = Customer(standing)
    await customer.fund()
    await customer.to_the_pin()
    os.kill(standing.server_pid("valkey"), signal.SIGKILL)
    for kept in (standing.home / "services" / "valkey").glob("appendonlydir/*"):
        kept.unlink()

    async def well() -> bool:
        return (await standing.http.get("/status")).status_code == 200

    await eventually(well)
    shown = await customer.phone.enter(PIN)

    assert not any(word in shown for word in _RUDE)
    async with books_of(standing) as books:
        assert await books.orders(customer.msisdn) == []
    assert await customer.balance() == (1000_00, 0)
    await customer.buy()
    await settled(standing, [customer])
    await judge(standing, [customer])


async def test_the_health_page_answers_while_the_database_is_away(standing: World) -> None:
    """No process is restarted for its database's sake; the status page tells of each part."""
    postgres = standing.server_pid("postgres")
    os.kill(postgres, signal.SIGSTOP)
    try:
        assert (await standing.http.get("/health")).status_code == 200
        status = await standing.http.get("/status", timeout=httpx.Timeout(15))
    finally:
        os.kill(postgres, signal.SIGCONT)
    # A stopped postmaster still leaves its sessions running, so the page may say either.
    assert status.status_code in {200, 503}
    assert set(status.json()["parts"]) == {"database", "redis", "worker"}
