"""How things stand across all processes, read when Prometheus asks.

Tenants are not told apart: of each provider the worst that any of them sees is shown.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from core.domain.circuits import CircuitKey, CircuitState
from core.domain.hotspot import RouterStatus
from core.ports.health import Known
from core.services.meters import provider_label

Labels = tuple[str, ...]

_OPENNESS = {CircuitState.CLOSED: 0, CircuitState.HALF_OPEN: 1, CircuitState.OPEN: 2}
_VOUCHERS_WAIT = ("activation", "refund")
_LEDGER_EVERY_S = 300.0


@dataclass(frozen=True, slots=True)
class Gauge:
    """One family: `values` by the values of `labels`, in their order."""

    name: str
    about: str
    labels: Labels
    values: Mapping[Labels, float]


@dataclass(frozen=True, slots=True)
class Sources:
    """Whom to ask. What they raise, `Gauges.read` raises."""

    standings: Callable[[], Awaitable[Sequence[Known]]]
    circuit: Callable[[CircuitKey], CircuitState]
    alerts: Callable[[], Awaitable[Mapping[str, int]]]
    paused: Callable[[], Awaitable[Iterable[tuple[object, str]]]]
    order_lag_s: Callable[[], Awaitable[float]]
    notice_lag_s: Callable[[], Awaitable[float]]
    ledger_sums: Callable[[], Awaitable[Mapping[str, int]]]
    routers: Callable[[], Awaitable[Mapping[str, int]]]
    vouchers: Callable[[], Awaitable[Mapping[str, int]]]
    waiting: Callable[[], Mapping[str, int]]


class Gauges:
    def __init__(self, sources: Sources) -> None:
        self._from = sources
        self._sums: Mapping[str, int] = {}
        self._sums_until = 0.0

    async def read(self) -> Sequence[Gauge]:
        """All of them as they stand now. The books are summed every five minutes at most."""
        known = await self._from.standings()
        paused = [product for _, product in await self._from.paused()]
        return (
            *self._providers(known),
            Gauge(
                "callbox_alerts_open",
                "Open alerts, by kind.",
                ("kind",),
                {(kind,): count for kind, count in (await self._from.alerts()).items()},
            ),
            Gauge(
                "callbox_sales_paused",
                "Tenants for whom the sale of a product is paused.",
                ("product",),
                {(product,): paused.count(product) for product in set(paused)},
            ),
            _one(
                "callbox_order_lag_seconds",
                "How long the oldest due order has waited for a worker.",
                await self._from.order_lag_s(),
            ),
            _one(
                "callbox_notice_lag_seconds",
                "How long the oldest due notice has waited to be sent.",
                await self._from.notice_lag_s(),
            ),
            Gauge(
                "callbox_routers",
                "Hotspot routers, by how they are.",
                ("status",),
                _counted(RouterStatus, await self._from.routers()),
            ),
            Gauge(
                "callbox_vouchers_waiting",
                "Paid vouchers that do not work yet, or that wait to be paid back.",
                ("for",),
                _counted(_VOUCHERS_WAIT, await self._from.vouchers()),
            ),
            Gauge(
                "callbox_batch_waiting",
                "Items of this process that wait for the next commit.",
                ("batch",),
                {(name,): count for name, count in self._from.waiting().items()},
            ),
            Gauge(
                "callbox_ledger_sum_minor",
                "All posted money of a currency: anything but zero is wrong books.",
                ("currency",),
                {(currency,): total for currency, total in (await self._ledger()).items()},
            ),
        )

    def _providers(self, known: Sequence[Known]) -> Iterable[Gauge]:
        scores: dict[Labels, float] = {}
        well: dict[Labels, float] = {}
        floats: dict[Labels, float] = {}
        circuits: dict[Labels, float] = {}
        for each in known:
            provider = provider_label(each.key.provider)
            place = (each.key.product.value, provider)
            _keep(scores, place, each.score, min)
            _keep(well, place, None if each.check_ok is None else float(each.check_ok), min)
            _keep(circuits, place, _OPENNESS[self._from.circuit(each.key)], max)
            if (money := each.float_balance) is not None:
                _keep(floats, (provider, money.currency), money.minor, min)
        by_product = ("product", "provider")
        yield Gauge("callbox_provider_score", "Score, 0 to 1.", by_product, scores)
        yield Gauge("callbox_provider_up", "Whether the last check went well.", by_product, well)
        yield Gauge("callbox_circuit_state", "0 closed, 1 half-open, 2 open.", by_product, circuits)
        yield Gauge(
            "callbox_provider_float_minor",
            "Our float as last told, in minor units.",
            ("provider", "currency"),
            floats,
        )

    async def _ledger(self) -> Mapping[str, int]:
        if time.monotonic() >= self._sums_until:
            self._sums = await self._from.ledger_sums()
            self._sums_until = time.monotonic() + _LEDGER_EVERY_S
        return self._sums


def _one(name: str, about: str, value: float) -> Gauge:
    return Gauge(name, about, (), {(): value})


def _counted(known: Iterable[str], found: Mapping[str, int]) -> dict[Labels, float]:
    """Also what there is none of now, so that it goes back to zero."""
    return {(each,): found.get(each, 0) for each in map(str, known)}


def _keep(
    kept: dict[Labels, float],
    place: Labels,
    value: float | None,
    worse: Callable[[float, float], float],
) -> None:
    if value is not None:
        kept[place] = worse(kept[place], value) if place in kept else value
