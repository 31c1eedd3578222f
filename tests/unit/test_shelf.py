"""What a tenant can buy of whom, and adapters that change under those who call them."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import cast
from uuid import UUID

import pytest

from core.domain.providers import ConfigKey, ProviderConfig
from core.domain.vending import Capabilities, Product
from core.kit.money import Money
from core.ports import ProviderConfigs, VtuProvider
from core.services.live_provider import LiveProvider, OwnedProvider
from core.services.provider_registry import ProviderRegistry
from core.services.shelf import NotSold, Offer, Shelf, UnknownSeller

US, THEM = UUID(int=1), UUID(int=2)
AIRTIME, DATA = Product.AIRTIME, Product.DATA
NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)


class Adapter:
    """Tells its float when it is let, and fails once it is closed."""

    def __init__(self, name: str, timeout_s: float = 30.0) -> None:
        self.name = name
        self.timeout_s = timeout_s
        self.capabilities = Capabilities(
            frozenset({AIRTIME, DATA}), requery_by_reference=True, enforces_unique=True
        )
        self.free = asyncio.Event()
        self.closed = False

    async def float_balance(self) -> Money:
        await self.free.wait()
        assert not self.closed
        return Money(1, "NGN")

    async def aclose(self) -> None:
        self.closed = True


def provider(name: str, timeout_s: float = 30.0) -> VtuProvider:
    return cast("VtuProvider", Adapter(name, timeout_s))


def owned(adapter: Adapter) -> OwnedProvider:
    return cast("OwnedProvider", adapter)


def names(shelf: Shelf, tenant: UUID = US, product: Product = AIRTIME) -> list[str]:
    return [offer.provider.name for offer in shelf.offers(tenant, product)]


def shelf(configured: Mapping[ConfigKey, Offer | None]) -> Shelf:
    """Our own `first` and `second`, and what is configured."""
    made = Shelf({"first": provider("first"), "second": provider("second")})
    made.restock(configured)
    return made


def test_our_own_providers_sell_to_every_tenant_in_their_order() -> None:
    assert names(shelf({})) == names(shelf({}), THEM) == ["first", "second"]


def test_a_configuration_counts_for_its_tenant_and_product_alone() -> None:
    ours = shelf({ConfigKey(US, AIRTIME, "third"): Offer(provider("third"), priority=1)})

    assert names(ours) == ["third", "first", "second"]
    assert names(ours, THEM) == names(ours, product=DATA) == ["first", "second"]


def test_a_configuration_stands_in_place_of_ours_of_that_name() -> None:
    mine = provider("first")
    ours = shelf({ConfigKey(US, AIRTIME, "first"): Offer(mine, priority=200)})

    assert names(ours) == ["second", "first"]
    assert ours.seller(US, AIRTIME, "first") is mine
    assert ours.seller(US, DATA, "first") is not mine


def test_one_that_cannot_be_built_is_not_replaced_by_ours() -> None:
    """Orders would go through an account that the tenant did not choose."""
    assert names(shelf({ConfigKey(US, AIRTIME, "first"): None})) == ["second"]


def test_the_best_is_the_first_that_is_switched_on() -> None:
    off = Offer(provider("first"), priority=1, active=False)
    ours = shelf({ConfigKey(US, AIRTIME, "first"): off})

    assert ours.best(US, AIRTIME).name == "second"
    assert ours.seller(US, AIRTIME, "first") is off.provider


def test_what_nobody_sells_is_not_sold() -> None:
    with pytest.raises(NotSold):
        shelf({}).best(US, Product.EXAM)
    with pytest.raises(UnknownSeller):
        shelf({}).seller(US, AIRTIME, "gone")


def test_leases_outlast_the_slowest_of_all() -> None:
    slow = Offer(provider("third", timeout_s=120.0), active=False)

    assert shelf({ConfigKey(THEM, DATA, "third"): slow}).timeout_max_s == 120.0


async def test_a_call_ends_with_the_adapter_it_began_with_which_is_then_closed() -> None:
    before, after = Adapter("vtpass"), Adapter("vtpass")
    live = LiveProvider("vtpass", owned(before))
    calls = [asyncio.create_task(live.float_balance()) for _ in range(2)]
    await asyncio.sleep(0)

    await live.change(owned(after))
    still_open = not before.closed
    before.free.set()
    await asyncio.gather(*calls)

    assert still_open
    assert before.closed
    after.free.set()
    assert await live.float_balance() == Money(1, "NGN")


async def test_an_adapter_that_nobody_calls_is_closed_at_once() -> None:
    before, after = Adapter("vtpass"), Adapter("vtpass")
    live = LiveProvider("vtpass", owned(before))

    await live.change(owned(after))

    assert (before.closed, after.closed) == (True, False)


class Kept:
    """Configurations as a database keeps them."""

    def __init__(self, *configs: ProviderConfig) -> None:
        self.configs = list(configs)

    async def version(self) -> int:
        return sum(config.version for config in self.configs)

    async def all(self) -> list[ProviderConfig]:
        return self.configs


def config(version: int = 1) -> ProviderConfig:
    key = ConfigKey(US, AIRTIME, "vtpass")
    return ProviderConfig(key, "https://x.test", 30, 0, 5, True, NOON, "test", version)


async def test_a_configuration_that_cannot_be_built_leaves_the_one_before_in_place() -> None:
    good, kept, broken = Adapter("vtpass"), Kept(config()), False

    def make(_: ProviderConfig) -> OwnedProvider:
        if broken:
            raise ValueError("no such adapter")
        return owned(good)

    ours = Shelf({})
    registry = ProviderRegistry(ours, cast("ProviderConfigs", kept), make)
    await registry.refresh()
    broken, kept.configs = True, [config(version=2)]
    await registry.refresh()

    assert names(ours) == ["vtpass"]
    assert not good.closed
    await registry.aclose()
    assert good.closed


async def test_what_did_not_change_is_not_built_again() -> None:
    built: list[int] = []

    def make(config: ProviderConfig) -> OwnedProvider:
        built.append(config.version)
        return owned(Adapter("vtpass"))

    kept = Kept(config())
    registry = ProviderRegistry(Shelf({}), cast("ProviderConfigs", kept), make)
    for _ in range(3):
        await registry.refresh()
    other = ConfigKey(THEM, DATA, "vtpass")
    kept.configs.append(ProviderConfig(other, "https://x.test", 30, 0, 5, True, NOON, "test"))
    await registry.refresh()

    assert built == [1, 1]
    await registry.aclose()
