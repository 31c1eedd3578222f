"""Looking over how providers do: scores, alerts, and pauses of what nobody can deliver."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.circuits import CircuitKey, CircuitState
from core.domain.health import Seller, able
from core.domain.scoring import Samples, ranked, score, uptime
from core.domain.vending import Product
from core.kit.clock import Clock
from core.kit.money import Money, to_major
from core.ports import Alert, AlertKind, Circuits
from core.ports.health import Figures, Known, ReviewBook, Reviewed, SaleBook
from core.services.alerts import AlertDesk
from core.services.shelf import Offer, Shelf
from core.services.suspicions import DAY_S

log = structlog.get_logger()

STUCK_KEY = "stuck/orders"
_WATCHED = (
    AlertKind.FLOAT_LOW,
    AlertKind.PROVIDER_DOWN,
    AlertKind.BREAKER_OPEN,
    AlertKind.OUTAGE,
)
_NO_FIGURES = Figures()
_PRUNED_AT_ONCE = 1000
_TENANTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class HealthRules:
    """When what is looked at, and what is too little or too long. Money is in minor units.

    Attributes:
        window_s: Vends of this long are counted.
        uptime_s: Checks of this long are.
        outage_s: So long nobody can deliver a product before its sale pauses. It is also how far
            back "lately" goes.
        float_low_minor: Below this an operator is told; `float_low_of` has other bounds, by
            provider.
        least_minor: A float under this sells nothing at all.
        lag_max_s: So long an order may wait for a worker.
        kept_s: Checks are kept this long.
    """

    review_every_s: float = 30.0
    window_s: float = 3600.0
    uptime_s: float = 86_400.0
    outage_s: float = 600.0
    float_low_minor: int = 20_000_00
    float_low_of: Mapping[str, int] = field(default_factory=dict)
    least_minor: int = 50_00
    lag_max_s: float = 60.0
    kept_s: float = 30 * 86_400.0


@dataclass(frozen=True, slots=True)
class _Looked:
    """One provider of one product of the tenant that is looked over."""

    key: CircuitKey
    offer: Offer
    circuit: CircuitState
    figures: Figures
    known: Known | None


class Passing(Protocol):
    """Alerts that pass with what they are of (`core.services.gift_answers.SeedAlerts`)."""

    async def let_go(self, tenant_id: UUID) -> None: ...


class Review:
    """Leases tenants and looks each over. All that it opens it closes itself, by looking again."""

    def __init__(
        self,
        shelf: Shelf,
        circuits: Circuits,
        book: ReviewBook,
        sales: SaleBook,
        alerts: AlertDesk,
        passing: Passing,
        clock: Clock,
        rules: HealthRules,
    ) -> None:
        self._shelf = shelf
        self._circuits = circuits
        self._book = book
        self._sales = sales
        self._alerts = alerts
        self._passing = passing
        self._clock = clock
        self._rules = rules

    async def due(self, _count: int) -> Sequence[tuple[UUID, ...]]:
        """Tenants whose turn it is, together: their figures are read in one go."""
        tenants = await self._book.turn(_TENANTS_AT_ONCE, self._rules.review_every_s)
        return [tuple(tenants)] if tenants else []

    async def look_over(self, tenants: tuple[UUID, ...]) -> None:
        now = self._clock.now()
        figures = await self._book.figures(
            tenants, _before(now, self._rules.window_s), _before(now, self._rules.outage_s)
        )
        checks = await self._book.uptimes(tenants, _before(now, self._rules.uptime_s))
        for tenant_id in tenants:
            await self._one(tenant_id, figures, checks)
        await self.look_for_stuck(tenants)
        await self._book.prune(_before(now, self._rules.kept_s), _PRUNED_AT_ONCE)

    async def look_for_stuck(self, tenants: Sequence[UUID] | None = None) -> None:
        """Tell of orders that wait too long for a worker; of these tenants also when they do not.

        Also asked by those who see from outside that no worker is there to do it.
        """
        before = _before(self._clock.now(), self._rules.lag_max_s)
        stuck = set(await self._book.backlog(before))
        for tenant_id in stuck:
            await self._alerts.open(
                Alert(tenant_id, AlertKind.STUCK, STUCK_KEY, "orders wait for a worker")
            )
        for tenant_id in set(tenants or ()) - stuck:
            await self._alerts.close(tenant_id, STUCK_KEY)

    async def _one(
        self,
        tenant_id: UUID,
        figures: Mapping[CircuitKey, Figures],
        checks: Mapping[CircuitKey, tuple[int, int]],
    ) -> None:
        known = await self._book.known(tenant_id)
        standing: list[Alert] = []
        reviewed: list[Reviewed] = []
        for product in Product:
            looked = self._looked(tenant_id, product, figures, known)
            reviewed += _scored(looked, checks)
            standing += self._float_alerts(looked)
            standing += _down_alerts(looked)
            standing += _circuit_alerts(looked)
            standing += await self._outage(tenant_id, product, looked)
        if reviewed:
            await self._book.reviewed(reviewed)
        await self._alerts.settle(tenant_id, _WATCHED, standing)
        await self._alerts.let_go(
            tenant_id, AlertKind.SUSPICIOUS, _before(self._clock.now(), DAY_S)
        )
        await self._passing.let_go(tenant_id)

    def _looked(
        self,
        tenant_id: UUID,
        product: Product,
        figures: Mapping[CircuitKey, Figures],
        known: Mapping[CircuitKey, Known],
    ) -> list[_Looked]:
        looked = []
        for offer in self._shelf.offers(tenant_id, product):
            key = CircuitKey(tenant_id, product, offer.provider.name)
            circuit = self._circuits.state(key)
            there = known.get(key)
            # What was checked is another account by now: nothing is known of this one yet.
            there = there if there is not None and there.via == offer.via else None
            looked.append(_Looked(key, offer, circuit, figures.get(key, _NO_FIGURES), there))
        return looked

    async def _outage(
        self, tenant_id: UUID, product: Product, looked: Sequence[_Looked]
    ) -> list[Alert]:
        """The alert of a pause, if there is one now; sees to the pause itself."""
        sellers = [_seller(one) for one in looked if one.offer.active]
        if not sellers or any(able(seller, self._rules.least_minor) for seller in sellers):
            told = await self._sales.well(tenant_id, product)
            if told:
                log.info("sale.resumed", tenant=str(tenant_id), product=product.value, told=told)
            return []
        if not await self._sales.trouble(tenant_id, product, self._rules.outage_s):
            return []
        subject = f"{product.value}: nobody can deliver it, its sale is paused"
        facts = {"providers": ", ".join(sorted(seller.provider for seller in sellers))}
        return [Alert(tenant_id, AlertKind.OUTAGE, f"outage/{product.value}", subject, facts)]

    def _float_alerts(self, looked: Iterable[_Looked]) -> list[Alert]:
        """One per account, however much is bought through it."""
        found = []
        for one in looked:
            told = one.known.float_balance if one.known else None
            bound = self._rules.float_low_of.get(one.key.provider, self._rules.float_low_minor)
            low = told is not None and told.minor < bound
            if one.offer.active and (low or one.figures.recent_float_low):
                found.append(_float_low(one, told, bound))
        return found


def _float_low(one: _Looked, told: Money | None, bound: int) -> Alert:
    provider = one.key.provider
    facts: dict[str, str | int | float] = {"refused_lately": one.figures.recent_float_low}
    if told is not None:
        facts |= {
            "float_balance": to_major(told),
            "currency": told.currency,
            "bound": to_major(Money(bound, told.currency)),
        }
    subject = f"our float at {provider} is low"
    key = f"float_low/{_account(one)}"
    return Alert(one.key.tenant_id, AlertKind.FLOAT_LOW, key, subject, facts)


def _account(one: _Looked) -> str:
    provider = one.key.provider
    return f"{provider}/{one.key.product.value}" if one.offer.configured else provider


def _down_alerts(looked: Iterable[_Looked]) -> list[Alert]:
    """One per account: its last check failed, and no vend of the last minutes says otherwise."""
    return [
        Alert(
            one.key.tenant_id,
            AlertKind.PROVIDER_DOWN,
            f"provider_down/{_account(one)}",
            f"{one.key.provider} does not answer",
        )
        for one in looked
        if one.offer.active
        and one.known is not None
        and one.known.check_ok is False
        and not one.figures.recent_well
    ]


def _circuit_alerts(looked: Iterable[_Looked]) -> list[Alert]:
    """An open circuit is told of until it has closed: half-open is not well yet."""
    return [
        Alert(
            one.key.tenant_id,
            AlertKind.BREAKER_OPEN,
            f"breaker_open/{one.key.provider}/{one.key.product.value}",
            f"{one.key.product.value} of {one.key.provider} keeps failing: no new orders go there",
        )
        for one in looked
        if one.offer.active and one.circuit is not CircuitState.CLOSED
    ]


def _seller(one: _Looked) -> Seller:
    known = one.known
    told = known.float_balance if known else None
    return Seller(
        provider=one.key.provider,
        circuit=one.circuit,
        check_well=known.check_ok if known else None,
        recent_well=one.figures.recent_well,
        recent_failed=one.figures.recent_failed,
        float_minor=told.minor if told else None,
    )


def _scored(
    looked: Sequence[_Looked], checks: Mapping[CircuitKey, tuple[int, int]]
) -> list[Reviewed]:
    samples = {one.key: _samples(one.figures, checks.get(one.key, (0, 0))) for one in looked}
    scores = {key: score(each) for key, each in samples.items()}
    places = ranked((key.provider, each) for key, each in scores.items())
    return [
        Reviewed(
            one.key,
            one.figures,
            uptime(samples[one.key]),
            scores[one.key],
            places[one.key.provider],
        )
        for one in looked
    ]


def _samples(figures: Figures, checks: tuple[int, int]) -> Samples:
    return Samples(
        vends=figures.vends,
        delivered=figures.delivered,
        failed=figures.failed,
        unreadable=figures.unreadable,
        p95_ms=figures.p95_ms,
        checks=checks[0],
        checks_well=checks[1],
    )


def _before(now: dt.datetime, seconds: float) -> dt.datetime:
    return now - dt.timedelta(seconds=seconds)
