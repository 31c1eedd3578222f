"""What sells: the providers, who is asked first, and what sees an order through."""

from dataclasses import dataclass

from core.app import rules
from core.app.ground import Ground
from core.app.outside import ALSO_CALLED, account_names, check_floats, keys_of
from core.app.stores import Stores
from core.app.watching import Watch, watch
from core.domain.circuits import CircuitRules
from core.domain.orders import DueOrder
from core.domain.providers import ProviderConfig
from core.domain.routing import RoutingRules
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.hand import Hand
from core.ports import Standings
from core.providers.addresses import Reach, objection
from core.providers.vtu import VTU_PROVIDERS
from core.providers.vtu.making import make
from core.services.live_provider import OwnedProvider
from core.services.order_actions import OrderActions
from core.services.outcomes import Outcomes
from core.services.provider_configs import Noting, ProviderSetup, Sources
from core.services.provider_registry import ProviderRegistry
from core.services.purchases import Purchases
from core.services.routing import Router
from core.services.shelf import Shelf
from core.services.vending import Vending
from core.store.circuits import RedisCircuits
from core.store.order_desk import PgOrderDesk
from core.store.orders import AtOnce
from core.store.provider_configs import PgProviderConfigs

# Nearly all of them wait for a provider: so many a second at a provider that takes one.
ORDERS_AT_ONCE = 2048


@dataclass(frozen=True, slots=True)
class Selling:
    """From a confirmed purchase to the end of its money."""

    shelf: Shelf
    watch: Watch
    setup: ProviderSetup
    circuits: RedisCircuits
    router: Router
    purchases: Purchases
    order_actions: OrderActions
    bell: Bell
    pump: Pump[DueOrder]


async def selling(ground: Ground, kept: Stores) -> Selling:
    settings, keyring, clock = ground.settings, ground.keyring, ground.clock
    orders, bell = kept.orders, Bell()
    shelf = Shelf(ground.outside.vtu, account_names(settings, ground.outside, keyring))
    watched = watch(ground, kept, shelf)
    setup = await _setup(ground, shelf, watched.checks)
    circuits = await _circuits(ground)
    router = await _router(ground, kept, shelf, circuits, watched.standings)
    outcomes = Outcomes(orders)
    vending = Vending(
        orders,
        outcomes,
        shelf,
        router,
        circuits,
        keyring,
        clock,
        rules.policy(settings),
        bell,
    )

    def in_flight_s() -> float:
        return settings.lease_margin_s + shelf.timeout_max_s

    hand = Hand[DueOrder]()
    orders.hand_over(AtOnce(hand, in_flight_s))
    order_desk = PgOrderDesk(
        ground.database, clock, in_flight_s=in_flight_s, check_in_s=settings.paid_back_every_s
    )
    order_actions = OrderActions(
        kept.backoffice,
        order_desk,
        vending,
        keyring,
        bell,
        answer_within_s=settings.reconcile_wait_s,
    )
    ground.stack.push_async_callback(order_actions.close)
    return Selling(
        shelf=shelf,
        watch=watched,
        setup=setup,
        circuits=circuits,
        router=router,
        purchases=Purchases(orders, outcomes, router, rules.terms(settings), clock, bell),
        order_actions=order_actions,
        bell=bell,
        pump=Pump(
            "orders",
            lambda count: orders.claim(count, in_flight_s()),
            vending.see_through,
            bell,
            at_once=ORDERS_AT_ONCE,
            hand=hand,
        ),
    )


async def _setup(ground: Ground, shelf: Shelf, noting: Noting) -> ProviderSetup:
    """The tenants' own providers on the shelf, kept as the database says."""
    settings = ground.settings
    configs = PgProviderConfigs(ground.database, ground.keyring)
    reach = Reach.PUBLIC_OR_HERE if settings.demo else Reach.PUBLIC

    def made(config: ProviderConfig) -> OwnedProvider:
        return make(config, reach=reach, beneath=keys_of(settings, config.key.provider))

    registry = ProviderRegistry(shelf, configs, made)
    ground.stack.push_async_callback(registry.aclose)
    await registry.refresh()
    check_floats(settings, {config.key.provider for config in await configs.all()})
    ground.follow(registry.follow(), "providers")
    sources = Sources(
        make=made,
        objection=lambda url: objection(url, reach),
        base_url=lambda name: (keys_of(settings, name) or {}).get("base_url"),
        also_called={name: own for name, own in ALSO_CALLED.items() if own in VTU_PROVIDERS},
        beside_sandbox=settings.with_sandbox,
    )
    return ProviderSetup(configs, registry, shelf, sources, ground.clock, noting)


async def _circuits(ground: Ground) -> RedisCircuits:
    """Circuits as all processes see them."""
    settings = ground.settings
    opening = CircuitRules(
        failures_to_open=settings.circuit_failures,
        open_s=settings.circuit_open_s,
        successes_to_close=settings.circuit_successes,
    )
    circuits = RedisCircuits(ground.line, opening, ground.clock)
    await circuits.refresh()
    ground.follow(circuits.follow(), "circuits")
    return circuits


async def _router(
    ground: Ground, kept: Stores, shelf: Shelf, circuits: RedisCircuits, standings: Standings
) -> Router:
    """A router that keeps up with how providers are doing."""
    settings = ground.settings
    routing = RoutingRules(
        attempts_max=settings.attempts_max,
        extra_cost_percent=settings.failover_extra_cost_percent,
        may_lose=settings.failover_may_lose,
    )
    router = Router(shelf, circuits, standings, kept.plans, routing, ground.clock)
    await router.refresh()
    ground.follow(router.follow(), "standings")
    return router
