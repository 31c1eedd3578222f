"""Who sells, product by product: `/providers`."""

import datetime as dt
from collections.abc import Mapping
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.admin.auth import Access, needing
from api.admin.configuration import ProviderName
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, major
from api.admin.resource import resource
from core.domain.circuits import CircuitKey, CircuitState
from core.domain.vending import Product
from core.kit.clock import utc_now
from core.kit.money import Money
from core.ports.health import Known
from core.services.provider_configs import Listed, Tested


class Health(Answer):
    """How a provider did: vends of the last hour, unless set otherwise, and checks of a day.

    Attributes:
        success_rate: Delivered, of the vends that ended or are in doubt; null where there were
            none. Customers' own mistakes do not count.
        p50_ms, p95_ms, p99_ms: From sending a vend to the first answer.
        errors: How often each `result:reason` was the first answer.
        uptime: The share of checks that went well.
    """

    success_rate: float | None
    vends: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    errors: Mapping[str, int]
    uptime: float | None
    checked_at: dt.datetime | None
    check_ok: bool | None
    check_ms: int | None


class Provider(Answer):
    """A provider of one service, best first within the service.

    `float_balance` is what it said at `float_at`, `float_age_s` seconds ago, null where it never
    did. `float_error` says why it did not when it was asked last. `rank` is its place by score
    among all that sell the service. `health`, `score` and `rank` are null until something is known.
    """

    provider: str
    service: Product
    is_active: bool
    priority: int
    configured: bool
    base_url: str | None
    timeout: float
    retry_attempts: int
    float_balance: str | None
    currency: str | None
    float_error: str | None
    float_at: dt.datetime | None
    float_age_s: int | None
    health: Health | None = None
    score: float | None = None
    rank: int | None = None
    circuit: CircuitState | None = None


class Circuit(Answer):
    """Whether orders go through to a provider: all, none, or one at a time."""

    provider: str
    service: Product
    circuit: CircuitState


class ProviderTest(Answer):
    provider: str
    service: Product
    ok: bool
    elapsed_ms: int
    float_balance: str | None
    currency: str | None
    error: str | None


def router(core: AdminCore) -> APIRouter:
    routes = resource("/providers", "providers")

    @routes.get("")
    async def listed(
        access: Annotated[Access, Depends(needing(core, "configuration:read"))],
        service: Product | None = None,
        *,
        fresh: Annotated[
            bool, Query(description="Ask each for our float now; else it is as last checked.")
        ] = False,
    ) -> Envelope[list[Provider]]:
        """All providers that sell to this tenant, with our float at each and how each does.

        One that was never checked as it is set now is asked.
        """
        found = [
            one
            for one in await core.setup.listed(access.tenant_id)
            if service in {None, one.service}
        ]
        known = await core.standings.known(access.tenant_id)
        unknown = [one for one in found if fresh or _known(known, one, access.tenant_id) is None]
        if unknown:
            await core.setup.floats(access.tenant_id, unknown)
            known = await core.standings.known(access.tenant_id)
        views = await core.controls.circuits(access.tenant_id, service=service)
        circuits = {(view.service, view.provider): view.state for view in views}
        return Envelope(
            data=[
                _shown(
                    one,
                    _known(known, one, access.tenant_id),
                    _base_url(core, one),
                    circuits.get((one.service, one.offer.provider.name)),
                )
                for one in found
            ]
        )

    @routes.post("/{provider}/test")
    async def test(
        provider: ProviderName,
        access: Annotated[Access, Depends(needing(core, "configuration:write"))],
        service: Product | None = None,
    ) -> Envelope[list[ProviderTest]]:
        """Ask a provider for our float, which proves address and credentials and buys nothing."""
        results = await core.setup.test(access.tenant_id, provider, service)
        return Envelope(data=[_test(provider, each, tested) for each, tested in results])

    @routes.post("/{provider}/circuit/reset")
    async def reset_circuit(
        provider: ProviderName,
        access: Annotated[Access, Depends(needing(core, "configuration:write"))],
        service: Product | None = None,
    ) -> Envelope[list[Circuit]]:
        """Let orders through to a provider again at once, of one service or of all."""
        views = await core.controls.reset(access.tenant_id, provider, service, access.actor)
        return Envelope(
            data=[
                Circuit(provider=view.provider, service=view.service, circuit=view.state)
                for view in views
            ]
        )

    return routes


def _base_url(core: AdminCore, one: Listed) -> str | None:
    return one.config.base_url if one.config else core.setup.base_url(one.offer.provider.name)


def _known(known: Mapping[CircuitKey, Known], one: Listed, tenant_id: UUID) -> Known | None:
    """What is known of the account that is bought through now."""
    found = known.get(CircuitKey(tenant_id, one.service, one.offer.provider.name))
    checked = found is not None and found.checked_at is not None and found.via == one.offer.via
    return found if checked else None


def _shown(
    one: Listed, known: Known | None, base_url: str | None, circuit: CircuitState | None
) -> Provider:
    amount, currency = _money(known.float_balance if known else None)
    float_at = known.float_at if known else None
    return Provider(
        provider=one.offer.provider.name,
        service=one.service,
        is_active=one.offer.active,
        priority=one.offer.priority,
        configured=one.offer.configured,
        base_url=base_url,
        timeout=one.offer.provider.timeout_s,
        retry_attempts=one.offer.retry_attempts,
        float_balance=amount,
        currency=currency,
        float_error=known.check_why if known else None,
        float_at=float_at,
        float_age_s=round((utc_now() - float_at).total_seconds()) if float_at else None,
        health=_health(known) if known else None,
        score=round(known.score, 4) if known and known.score is not None else None,
        rank=known.place if known else None,
        circuit=circuit,
    )


def _health(known: Known) -> Health:
    ended = known.delivered + known.failed
    return Health(
        success_rate=round(known.delivered / ended, 4) if ended else None,
        vends=known.vends,
        p50_ms=known.p50_ms,
        p95_ms=known.p95_ms,
        p99_ms=known.p99_ms,
        errors=known.errors,
        uptime=round(known.uptime, 4) if known.uptime is not None else None,
        checked_at=known.checked_at,
        check_ok=known.check_ok,
        check_ms=known.check_ms,
    )


def _test(provider: str, service: Product, tested: Tested) -> ProviderTest:
    amount, currency = _money(tested.float_balance)
    return ProviderTest(
        provider=provider,
        service=service,
        ok=tested.ok,
        elapsed_ms=tested.elapsed_ms,
        float_balance=amount,
        currency=currency,
        error=tested.why,
    )


def _money(money: Money | None) -> tuple[str | None, str | None]:
    return (major(money.minor, money.currency), money.currency) if money else (None, None)
