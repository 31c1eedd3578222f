"""What a tenant can buy of whom, and adapters that change under those who call them."""

import asyncio
import datetime as dt
from collections.abc import Mapping
from typing import cast
from uuid import UUID

from core.domain.providers import ConfigKey, ProviderConfig
from core.domain.vending import Capabilities, Product
from core.kit.money import Money
from core.ports import ProviderConfigs, VtuProvider
from core.services.live_provider import LiveProvider, OwnedProvider
from core.services.provider_registry import ProviderRegistry
from core.services.shelf import Offer, Seller, Shelf

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


def sold_by(shelf: Shelf, product: Product) -> VtuProvider:
    offer = shelf.offer(US, product, "first")
    assert offer is not None
    return offer.provider


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
    assert sold_by(ours, AIRTIME) is mine
    assert sold_by(ours, DATA) is not mine


def test_one_that_cannot_be_built_is_not_replaced_by_ours() -> None:
    """Orders would go through an account that the tenant did not choose."""
    assert names(shelf({ConfigKey(US, AIRTIME, "first"): None})) == ["second"]


def test_one_that_is_switched_off_is_still_there_for_its_old_orders() -> None:
    off = Offer(provider("first"), priority=1, active=False)
    ours = shelf({ConfigKey(US, AIRTIME, "first"): off})

    assert names(ours) == ["first", "second"]
    assert [offer.active for offer in ours.offers(US, AIRTIME)] == [False, True]
    assert sold_by(ours, AIRTIME) is off.provider


def test_what_nobody_sells_is_not_sold() -> None:
    assert names(shelf({}), product=Product.EXAM) == []
    assert shelf({}).offer(US, AIRTIME, "gone") is None


def test_leases_outlast_the_slowest_of_all() -> None:
    slow = Offer(provider("third", timeout_s=120.0), active=False)

    assert shelf({ConfigKey(THEM, DATA, "third"): slow}).timeout_max_s == 120.0


async def test_an_adapter_that_was_let_go_ends_its_calls_and_is_closed_then() -> None:
    adapter = Adapter("vtpass")
    live = LiveProvider("vtpass", owned(adapter))
    calls = [asyncio.create_task(live.float_balance()) for _ in range(2)]
    await asyncio.sleep(0)

    await live.aclose()
    still_open = not adapter.closed
    adapter.free.set()
    await asyncio.gather(*calls)

    assert still_open
    assert adapter.closed


async def test_an_adapter_that_nobody_calls_is_closed_at_once() -> None:
    adapter = Adapter("vtpass")

    await LiveProvider("vtpass", owned(adapter)).aclose()

    assert adapter.closed


class Kept:
    """Configurations as a database keeps them."""

    def __init__(self, *configs: ProviderConfig) -> None:
        self.configs = list(configs)
        self.past: set[int] = set()

    async def version(self) -> int:
        return sum(config.version for config in self.configs)

    async def all(self) -> list[ProviderConfig]:
        return self.configs

    async def as_of(self, key: ConfigKey, version: int) -> ProviderConfig | None:
        return config(version) if version in self.past else None


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


async def test_an_order_is_asked_about_where_it_was_sent_whatever_changed_since() -> None:
    """In this process, and in one that never saw the earlier version."""
    kept = Kept(config(version=1))
    built: list[int] = []

    def make(config: ProviderConfig) -> OwnedProvider:
        built.append(config.version)
        return owned(Adapter("vtpass"))

    ours = Shelf({})
    registry = ProviderRegistry(ours, cast("ProviderConfigs", kept), make)
    await registry.refresh()
    sent = ours.offers(US, AIRTIME)[0]
    kept.configs, kept.past = [config(version=7)], {3}
    await registry.refresh()

    now = ours.offers(US, AIRTIME)[0].provider
    assert await ours.seller(US, AIRTIME, "vtpass", sent.via) == Seller(sent.provider, now)
    assert await ours.seller(US, AIRTIME, "vtpass", "v7") == Seller(now)
    unseen = await ours.seller(US, AIRTIME, "vtpass", "v3")
    assert unseen == await ours.seller(US, AIRTIME, "vtpass", "v3")
    assert unseen.own not in {None, now, sent.provider}
    assert built == [1, 7, 3]
    for unknown in ("v9", "s-of-other-settings", ""):
        assert await ours.seller(US, AIRTIME, "vtpass", unknown) == Seller(None, now)
    await registry.aclose()


async def test_our_own_account_is_asked_though_a_configuration_stands_in_its_place() -> None:
    ours = Shelf({"first": provider("first")}, {"first": "s1"})
    before = ours.offers(US, AIRTIME)[0]
    mine = Offer(provider("first"), via="v1")
    ours.restock({ConfigKey(US, AIRTIME, "first"): mine})

    assert before.via == "s1"
    assert await ours.seller(US, AIRTIME, "first", "s1") == Seller(before.provider)
