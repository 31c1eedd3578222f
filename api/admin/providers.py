"""Who sells, product by product: `/providers`."""

from typing import Annotated

from fastapi import APIRouter, Depends

from api.admin.auth import Access, needing
from api.admin.configuration import ProviderName
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, major
from core.domain.vending import Product
from core.services.provider_configs import Listed, Tested


class Provider(Answer):
    """A provider of one service, best first within the service.

    `float_balance` is what it says now, null where it does not say; then `float_error` says why.
    `health`, `score` and `circuit` are null until something is known.
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
    health: dict[str, object] | None = None
    score: float | None = None
    circuit: str | None = None


class ProviderTest(Answer):
    provider: str
    service: Product
    ok: bool
    elapsed_ms: int
    float_balance: str | None
    currency: str | None
    error: str | None


def router(core: AdminCore) -> APIRouter:
    routes = APIRouter(prefix="/providers", tags=["providers"])

    @routes.get("")
    async def listed(
        access: Annotated[Access, Depends(needing(core, "configuration:read"))],
        service: Product | None = None,
    ) -> Envelope[list[Provider]]:
        """All providers that sell to this tenant, with our float at each."""
        found = [
            one
            for one in await core.setup.listed(access.tenant_id)
            if service in {None, one.service}
        ]
        floats = await core.setup.floats([one.offer.provider for one in found])
        return Envelope(
            data=[
                _shown(one, floats[id(one.offer.provider)], _base_url(core, one)) for one in found
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

    return routes


def _base_url(core: AdminCore, one: Listed) -> str | None:
    return one.config.base_url if one.config else core.setup.base_url(one.offer.provider.name)


def _shown(one: Listed, tested: Tested, base_url: str | None) -> Provider:
    amount, currency = _float(tested)
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
        float_error=tested.why,
    )


def _test(provider: str, service: Product, tested: Tested) -> ProviderTest:
    amount, currency = _float(tested)
    return ProviderTest(
        provider=provider,
        service=service,
        ok=tested.ok,
        elapsed_ms=tested.elapsed_ms,
        float_balance=amount,
        currency=currency,
        error=tested.why,
    )


def _float(tested: Tested) -> tuple[str | None, str | None]:
    money = tested.float_balance
    return (major(money.minor, money.currency), money.currency) if money else (None, None)
