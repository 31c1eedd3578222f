"""Checking providers: a harmless question to each, every few minutes and whenever somebody asks."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.circuits import CircuitKey
from core.domain.vending import Product
from core.kit.clock import Clock
from core.ports import VtuProvider
from core.ports.health import CheckBook, CheckMade
from core.services.provider_configs import Tested, ask
from core.services.shelf import Offer, Shelf

log = structlog.get_logger()

LEASE_S = 60.0
"""Within this a check is made and noted, or another process makes it."""

_AGAIN_AFTER_FAILURE_S = 60.0


class TenantKeys(Protocol):
    async def keys(self) -> Mapping[str, UUID]: ...


@dataclass(frozen=True, slots=True)
class Account:
    """An account at a provider, and all that is bought through it."""

    provider: VtuProvider
    via: str
    keys: tuple[CircuitKey, ...]


class HealthChecks:
    """Leases what is due to be checked, asks, and notes the answers. See `core.jobs.workers.Pump`.

    What takes no orders is not checked, unless somebody asks for it.
    """

    def __init__(
        self, shelf: Shelf, tenants: TenantKeys, book: CheckBook, clock: Clock, *, every_s: float
    ) -> None:
        self._shelf = shelf
        self._tenants = tenants
        self._book = book
        self._clock = clock
        self._every_s = every_s

    async def due(self, _count: int) -> Sequence[Account]:
        """Accounts to be asked, each leased to the caller for whatever is bought through it."""
        offers = {
            CircuitKey(tenant_id, product, offer.provider.name): offer
            for tenant_id in (await self._tenants.keys()).values()
            for product in Product
            for offer in self._shelf.offers(tenant_id, product)
            if offer.active
        }
        accounts = {key: offer.via for key, offer in offers.items()}
        leased = await self._book.claim(accounts, LEASE_S) if accounts else ()
        return _by_account({key: offers[key] for key in leased})

    async def check(self, account: Account) -> None:
        """Ask once and note the answer."""
        await self.note(account.keys, account.via, await ask(account.provider))

    async def note(self, keys: Sequence[CircuitKey], via: str, tested: Tested) -> None:
        """Keep an answer, whoever asked. One who has no way to tell our float proves nothing."""
        if not tested.askable or not keys:
            return
        now = self._clock.now()
        again_s = self._every_s if tested.ok else min(self._every_s, _AGAIN_AFTER_FAILURE_S)
        check = CheckMade(
            keys=keys,
            via=via,
            ok=tested.ok,
            took_ms=tested.elapsed_ms,
            why=tested.why,
            float_balance=tested.float_balance,
            at=now,
            next_at=now + dt.timedelta(seconds=again_s),
        )
        await self._book.note(check)
        log.info(
            "provider.checked",
            provider=keys[0].provider,
            products=sorted({key.product.value for key in keys}),
            ok=tested.ok,
            elapsed_ms=tested.elapsed_ms,
        )


def _by_account(offers: Mapping[CircuitKey, Offer]) -> list[Account]:
    together: dict[int, list[CircuitKey]] = {}
    for key, offer in offers.items():
        together.setdefault(id(offer.provider), []).append(key)
    return [
        Account(offers[keys[0]].provider, offers[keys[0]].via, tuple(keys))
        for keys in together.values()
    ]
