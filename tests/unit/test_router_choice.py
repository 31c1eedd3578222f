"""Whom a new order goes to follows what changes, though most of it is looked up once a second."""

import datetime as dt
from collections.abc import Collection, Sequence
from typing import cast
from uuid import UUID

import pytest

from core.domain.circuits import CircuitKey, CircuitState
from core.domain.providers import ConfigKey
from core.domain.routing import RoutingRules
from core.domain.vending import Product
from core.kit.clock import SetClock
from core.ports import Circuits, Plans, Standing, VtuProvider
from core.services.routing import FLOAT_FRESH_S, Router
from core.services.shelf import Offer, Shelf
from tests.fakes.sellers import Seller

TENANT = UUID(int=7)
NOON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


class Circuiting:
    """Circuits that are closed unless they are named here."""

    def __init__(self) -> None:
        self.open: set[str] = set()

    def state(self, key: CircuitKey) -> CircuitState:
        return CircuitState.OPEN if key.provider in self.open else CircuitState.CLOSED


class Told:
    """Standings as a test sets them; None stands for a database that is away."""

    def __init__(self) -> None:
        self.standings: list[Standing] | None = []

    async def all(self) -> Sequence[Standing]:
        if self.standings is None:
            raise ConnectionError
        return self.standings

    async def paused(self) -> Collection[tuple[UUID, Product]]:
        return ()


class World:
    def __init__(self) -> None:
        self.shelf = Shelf({})
        self.circuits = Circuiting()
        self.told = Told()
        self.clock = SetClock(NOON)
        self.router = Router(
            self.shelf,
            cast("Circuits", self.circuits),
            self.told,
            cast("Plans", None),
            RoutingRules(),
            self.clock,
        )
        self.sells("a", "b")

    def sells(self, *names: str) -> None:
        """The first of them is asked first."""
        self.shelf.restock(
            {
                ConfigKey(TENANT, Product.AIRTIME, name): Offer(
                    cast("VtuProvider", Seller(name)), priority=place
                )
                for place, name in enumerate(names)
            }
        )

    async def first(self) -> str:
        choice = await self.router.first(TENANT, Product.AIRTIME, 100, "NGN")
        return choice.offer.provider.name


async def test_a_shelf_that_was_restocked_is_seen_at_once() -> None:
    world = World()
    assert await world.first() == "a"

    world.sells("b", "a")

    assert await world.first() == "b"


async def test_a_circuit_that_opens_and_closes_is_seen_at_once() -> None:
    world = World()
    assert await world.first() == "a"

    world.circuits.open.add("a")
    assert await world.first() == "b"
    world.circuits.open.clear()

    assert await world.first() == "a"


async def test_how_a_provider_is_doing_is_seen_with_the_next_look() -> None:
    world = World()
    assert await world.first() == "a"

    world.told.standings = [Standing(TENANT, Product.AIRTIME, "a", 0.9, 99, "NGN", NOON)]
    await world.router.refresh()

    assert await world.first() == "b"


async def test_a_float_read_long_ago_counts_no_more_though_no_look_succeeds() -> None:
    world = World()
    world.told.standings = [Standing(TENANT, Product.AIRTIME, "a", 0.9, 99, "NGN", NOON)]
    await world.router.refresh()
    assert await world.first() == "b"

    world.told.standings = None
    world.clock.advance(FLOAT_FRESH_S + 1)
    with pytest.raises(ConnectionError):
        await world.router.refresh()

    assert await world.first() == "a"
