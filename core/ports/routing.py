"""What choosing a provider needs: circuits that all processes share, and plans that many sell."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from core.domain.circuits import Circuit, CircuitKey, CircuitState
from core.domain.plans import PlanListing
from core.domain.routing import PlanOffer
from core.domain.vending import Product
from core.ports.administration import Event


@dataclass(frozen=True, slots=True)
class Probe:
    """Leave to send one order through a half-open circuit. It ends by itself."""

    key: CircuitKey
    until_ms: int


class Circuits(Protocol):
    """One circuit per tenant, product and provider, the same in every process.

    Nothing is raised where the shared store is away: each process counts alone then.
    """

    def state(self, key: CircuitKey) -> CircuitState:
        """How it stands, as far as this process knows: at most a second or so old. Asks nobody."""
        ...

    async def probe(self, key: CircuitKey, wait_s: float) -> Probe | None:
        """Leave for one order through a half-open circuit, or None: another is under way.

        The next gets leave when the outcome is known, or after `wait_s`.
        """
        ...

    async def give_back(self, probe: Probe) -> None:
        """The order was never made."""
        ...

    async def record(self, key: CircuitKey, *, well: bool, sent_at: dt.datetime) -> None:
        """An order sent at that time went well or not."""
        ...

    async def reset(self, key: CircuitKey) -> CircuitState:
        """Close it and forget what was held against it; answers how it stood."""
        ...

    async def all(self) -> Mapping[CircuitKey, Circuit]:
        """Those that something is held against, as they stand now."""
        ...


class Plans(Protocol):
    """Data bundles and the like: ours, and what each provider calls and charges for them."""

    async def offers(self, tenant_id: UUID, plan: str) -> Mapping[str, PlanOffer]:
        """Who sells this plan, by provider; nobody, where the plan is not sold any more."""
        ...

    async def listed(self, tenant_id: UUID) -> Sequence[PlanListing]:
        """All plans of a tenant, by network and size, with their offers."""
        ...

    async def save(
        self, tenant_id: UUID, listings: Sequence[PlanListing], event: Event, at: dt.datetime
    ) -> None:
        """Write these plans and offers over those of the same names, in one commit."""
        ...


class Attempts(Protocol):
    async def open_at(self, tenant_id: UUID, provider: str, product: Product | None) -> int:
        """How many attempts at a provider are not settled yet, of one product or of all."""
        ...
