"""Choosing the provider of an order, and the one after it where that may be."""

import asyncio
import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

import structlog
from msgspec import Struct
from msgspec.structs import replace

from core.domain.circuits import CircuitKey, CircuitState
from core.domain.orders import DueOrder
from core.domain.routing import Again, Candidate, PlanOffer, RoutingRules, Sought, choose
from core.domain.vending import Product
from core.kit.clock import Clock
from core.ports import Circuits, Plans, Probe, Standing, Standings
from core.services.shelf import NotSold, Offer, Shelf

log = structlog.get_logger()

LOOKS_EVERY_S = 1.0
FLOAT_FRESH_S = 900.0
"""A float read longer ago than this, three health checks, is not known any more."""

# How long after choosing, past the provider's own timeout, an order may take to be sent and booked.
_PROBE_GRACE_S = 15.0


class Paused(NotSold):
    """The sale of this is paused: nobody could deliver it for too long."""

    code = "product.paused"


class NoStandings:
    """Nothing is known of any provider, and nothing is paused. See `core.ports.Standings`."""

    async def all(self) -> Sequence[Standing]:
        return ()

    async def paused(self) -> Collection[tuple[UUID, Product]]:
        return ()


class Choice(Struct, frozen=True, gc=False):
    """Where an order goes.

    Attributes:
        plan: The provider's own code of the order's plan, or empty.
        probe: Leave to go through a half-open circuit. Whoever does not use it gives it back.
    """

    offer: Offer
    plan: str = ""
    probe: Probe | None = None


class _Known(Struct, frozen=True, gc=False):
    """Who sells something, as far as that changes only as often as we look.

    Attributes:
        ranked: What the shelf said: once it says otherwise this is out of date.
        offers: By the name of the provider.
        candidates: As they are while all circuits are closed, for an order without a plan.
    """

    ranked: tuple[Offer, ...]
    offers: Mapping[str, Offer]
    candidates: tuple[tuple[CircuitKey, Candidate], ...]


class Router:
    """Chooses by `core.domain.routing`, with what this process knows, a second or so old.

    Choosing for a product without plans asks nobody, unless a circuit is half-open.
    """

    def __init__(
        self,
        shelf: Shelf,
        circuits: Circuits,
        standings: Standings,
        plans: Plans,
        rules: RoutingRules,
        clock: Clock,
    ) -> None:
        self._shelf = shelf
        self._circuits = circuits
        self._source = standings
        self._plans = plans
        self._rules = rules
        self._clock = clock
        self._standings: Mapping[CircuitKey, Standing] = {}
        self._paused: frozenset[tuple[UUID, Product]] = frozenset()
        self._known: dict[tuple[UUID, Product, str], _Known] = {}  # by tenant, product and currency

    async def follow(self) -> None:
        """Keep up with how providers are doing, until cancelled."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            try:
                await self.refresh()
            except Exception:
                log.exception("standings.not_refreshed")

    async def refresh(self) -> None:
        """Read how providers are doing now."""
        self._known.clear()  # also where nothing can be read: what is known grows old
        self._standings = {
            CircuitKey(each.tenant_id, each.product, each.provider): each
            for each in await self._source.all()
        }
        self._known.clear()
        self._paused = frozenset(await self._source.paused())

    def paused(self, tenant_id: UUID, product: Product) -> bool:
        """Whether the sale of this is paused."""
        return (tenant_id, product) in self._paused

    async def first(
        self, tenant_id: UUID, product: Product, amount_minor: int, currency: str, plan: str = ""
    ) -> Choice:
        """Where a new order goes.

        Raises:
            Paused: the sale of this product is paused.
            NotSold: nobody can take the order now.
        """
        if self.paused(tenant_id, product):
            raise Paused
        sought = Sought(amount_minor, plan)
        if (choice := await self._choice(tenant_id, product, sought, currency)) is None:
            raise NotSold
        return choice

    async def next(self, due: DueOrder, again: Again) -> Choice | None:
        """Whom to ask now that this attempt is proven not to have happened; None: nobody.

        Not paused by a pause: the order was taken before it.
        """
        sought = Sought(due.amount_minor, due.plan, due.tried or (due.provider,), again)
        try:
            return await self._choice(due.tenant_id, due.product, sought, due.currency)
        except Exception:
            # The money goes back, which is always right once nothing was delivered.
            log.exception("routing.no_next", reference=due.reference)
            return None

    async def unused(self, choice: Choice) -> None:
        """No order came of it."""
        if choice.probe is not None:
            await self._circuits.give_back(choice.probe)

    async def _choice(
        self, tenant_id: UUID, product: Product, sought: Sought, currency: str
    ) -> Choice | None:
        sold = await self._plans.offers(tenant_id, sought.plan) if sought.plan else {}
        known = self._sellers(tenant_id, product, currency)
        candidates = [
            self._as_it_is(key, candidate, sold.get(key.provider))
            for key, candidate in known.candidates
        ]
        for one in choose(candidates, sought, self._rules):
            choice = Choice(known.offers[one.provider], one.plan.code if one.plan else "")
            if one.circuit is not CircuitState.HALF_OPEN:
                return choice
            key = CircuitKey(tenant_id, product, one.provider)
            wait_s = choice.offer.provider.timeout_s + _PROBE_GRACE_S
            if probe := await self._circuits.probe(key, wait_s):
                return replace(choice, probe=probe)
        return None

    def _sellers(self, tenant_id: UUID, product: Product, currency: str) -> _Known:
        ranked = self._shelf.offers(tenant_id, product)
        known = self._known.get((tenant_id, product, currency))
        if known is None or known.ranked is not ranked:
            offers = {offer.provider.name: offer for offer in ranked}
            keys = [CircuitKey(tenant_id, product, name) for name in offers]
            candidates = [
                (key, self._candidate(key, offers[key.provider], currency)) for key in keys
            ]
            known = _Known(ranked, offers, tuple(candidates))
            self._known[tenant_id, product, currency] = known
        return known

    def _as_it_is(self, key: CircuitKey, one: Candidate, plan: PlanOffer | None) -> Candidate:
        circuit = self._circuits.state(key)
        if circuit is CircuitState.CLOSED and plan is None:
            return one
        return replace(one, circuit=circuit, plan=plan)

    def _candidate(self, key: CircuitKey, offer: Offer, currency: str) -> Candidate:
        standing = self._standings.get(key)
        return Candidate(
            provider=key.provider,
            capabilities=offer.provider.capabilities,
            priority=offer.priority,
            active=offer.active,
            retry_attempts=offer.retry_attempts,
            score=standing.score if standing else None,
            float_minor=self._float(standing, currency) if standing else None,
        )

    def _float(self, standing: Standing, currency: str) -> int | None:
        """Our money there, where it is known in this currency and of late."""
        if standing.float_currency != currency or standing.float_at is None:
            return None
        fresh = self._clock.now() - standing.float_at <= dt.timedelta(seconds=FLOAT_FRESH_S)
        return standing.float_minor if fresh else None
