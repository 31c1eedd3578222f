"""Making tenants: whose country, money and clock everything of theirs goes by."""

import re
import zoneinfo
from collections.abc import Collection, Iterable, Mapping, Sequence

import phonenumbers
from babel.core import get_global

from core.domain.customers import Tenant
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Event, TenantBook

_KEY = re.compile(r"[a-z][a-z0-9-]{1,30}")
_NAME_CHARS_MAX = 80


class BadTenant(Problem):
    """What is wrong with a tenant, by field."""

    code = "tenant.invalid"

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(fields=fields)
        self.fields = fields

    def __str__(self) -> str:
        return "; ".join(f"{field}: {what}" for field, what in self.fields.items())


class TenantDesk:
    """Makes and lists tenants. `languages`: those that every screen is written in."""

    def __init__(self, tenants: TenantBook, languages: Collection[str], clock: Clock) -> None:
        self._tenants = tenants
        self._languages = languages
        self._clock = clock

    async def create(
        self,
        key: str,
        name: str,
        *,
        country: str,
        currency: str,
        time_zone: str,
        language: str,
        actor: str,
    ) -> Tenant:
        """A new tenant, with nobody and nothing in it.

        `key` is what commands and the admin API call it; numbers are read as `country` (ISO 3166,
        two letters) writes them; wallets hold `currency` (ISO 4217). All three are for good.

        Raises:
            BadTenant: a field is wrong, or the key is taken; nothing was made.
        """
        tenant = Tenant(
            id=ids.uuid7(),
            key=key,
            name=name.strip(),
            country=country.upper(),
            currency=currency.upper(),
            time_zone=time_zone,
            language=language,
        )
        if wrong := dict(self._faults(tenant)):
            raise BadTenant(wrong)
        facts = {
            "key": tenant.key,
            "country": tenant.country,
            "currency": tenant.currency,
            "time_zone": tenant.time_zone,
        }
        event = Event(f"tenant/{tenant.id}", "tenant.created", actor, facts)
        if not await self._tenants.create(tenant, event, self._clock.now()):
            raise BadTenant({"key": "is taken"})
        return tenant

    async def all(self) -> Sequence[Tenant]:
        """The oldest first."""
        return [await self._tenants.get(each) for each in (await self._tenants.keys()).values()]

    def _faults(self, tenant: Tenant) -> Iterable[tuple[str, str]]:
        if not _KEY.fullmatch(tenant.key):
            yield "key", "should be small letters, digits and -, beginning with a letter"
        if not tenant.name.isprintable() or not 1 <= len(tenant.name) <= _NAME_CHARS_MAX:
            yield "name", f"should be 1 to {_NAME_CHARS_MAX} printable characters"
        if tenant.country not in phonenumbers.SUPPORTED_REGIONS:
            yield "country", "should be a country in two letters, like NG"
        if tenant.currency not in get_global("all_currencies"):
            yield "currency", "should be a currency in three letters, like NGN"
        if tenant.time_zone not in zoneinfo.available_timezones():
            yield "time_zone", "should be a time zone like Africa/Lagos"
        if tenant.language not in self._languages:
            yield "language", f"should be one of {', '.join(sorted(self._languages))}"
