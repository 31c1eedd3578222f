"""What the core keeps, in memory: for tests of services alone."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from core.domain.customers import CodeAsked, Customer, PinState, Tenant
from core.domain.display import Tells
from core.domain.notices import Route
from core.domain.turns import Channel
from core.kit.ids import derived
from core.kit.msisdn import Msisdn
from core.ports import Failed, NewNotice, Notice

TENANT = Tenant(derived("tenant"), "demo", "Demo", "NG", "NGN", "Africa/Lagos")
AT = dt.datetime(2026, 3, 1, 12, 0, tzinfo=dt.UTC)
_CODES_MAX, _CODES_WITHIN = 3, dt.timedelta(minutes=30)
_CODE_TRIES = 3


def customer(msisdn: str = "2348031234567") -> Customer:
    return Customer(
        id=derived("customer", msisdn),
        tenant_id=TENANT.id,
        msisdn=Msisdn(msisdn),
        language="en",
        status="active",
        pin_set=False,
        created_at=AT,
    )


@dataclass
class _Code:
    made_at: dt.datetime
    expires_at: dt.datetime
    code_hash: str
    tries: int = 0
    used: bool = False

    def is_good(self, at: dt.datetime) -> bool:
        return not self.used and self.tries < _CODE_TRIES and self.expires_at > at


@dataclass
class _Person:
    customer: Customer
    pin: PinState = field(default_factory=lambda: PinState(None, 0, 0, None))
    guesses: dict[str, PinState] = field(default_factory=dict)
    codes: dict[tuple[str, str], list[_Code]] = field(default_factory=dict)
    saved: list[tuple[Msisdn, str]] = field(default_factory=list)
    called_back_on: dt.date | None = None


class People:
    """The `Customers` port. Everybody is known from the first sight on."""

    def __init__(self, tenant: Tenant = TENANT) -> None:
        self._tenant = tenant
        self._people: dict[UUID, _Person] = {}

    async def tenant(self, tenant_id: UUID) -> Tenant:
        if tenant_id != self._tenant.id:
            raise LookupError(tenant_id)
        return self._tenant

    async def of_number(self, tenant_id: UUID, msisdn: Msisdn, language: str = "") -> Customer:
        return self._person(customer(msisdn)).customer

    async def set_language(self, customer: Customer, language: str) -> None:
        person = self._person(customer)
        person.customer = replace(person.customer, language=language)

    async def set_reach(
        self, channel: Channel, identity: str, why: str | None, at: dt.datetime
    ) -> None:
        return

    async def linked(self, channel: Channel, identity: str) -> Customer | None:
        found = (each.customer for each in self._people.values())
        return next((each for each in found if each.msisdn == identity), None)

    async def at(
        self, channel: Channel, identity: str, msisdn: Msisdn, language: str = ""
    ) -> Customer:
        return self._person(customer(msisdn)).customer

    async def get(self, tenant_id: UUID, customer_id: UUID) -> Customer:
        return self._people[customer_id].customer

    async def pin(self, customer: Customer) -> PinState:
        return self._person(customer).pin

    async def take_pin_try(
        self,
        customer: Customer,
        key: str,
        *,
        tries_max: int,
        lock_s: Sequence[int],
        at: dt.datetime,
    ) -> PinState:
        person = self._person(customer)
        if earlier := person.guesses.get(key):
            return replace(earlier, hash=person.pin.hash)
        before = person.pin
        if before.locked_until is not None and before.locked_until > at:
            counted = replace(before, tries=tries_max + 1)
        else:
            tries = before.tries % tries_max + 1
            counted = replace(before, tries=tries, locked_until=None)
            if tries == tries_max:
                wait_s = lock_s[min(before.locks, len(lock_s) - 1)]
                until = at + dt.timedelta(seconds=wait_s)
                counted = replace(counted, locks=before.locks + 1, locked_until=until)
            person.pin = counted
        person.guesses[key] = counted
        return counted

    async def clear_pin_tries(self, customer: Customer) -> None:
        person = self._person(customer)
        person.pin = PinState(person.pin.hash, 0, 0, None)
        person.guesses.clear()

    async def set_pin(
        self, customer: Customer, pin_hash: str, at: dt.datetime, *, first: bool = False
    ) -> bool:
        person = self._person(customer)
        if first and person.pin.hash is not None:
            return False
        person.pin = PinState(pin_hash, 0, 0, None)
        person.guesses.clear()
        person.customer = replace(person.customer, pin_set=True)
        return True

    async def saved_numbers(self, customer: Customer, count: int) -> Sequence[tuple[Msisdn, str]]:
        return self._person(customer).saved[:count]

    async def make_code(
        self,
        customer: Customer,
        purpose: str,
        code_hash: str,
        expires_at: dt.datetime,
        at: dt.datetime,
        *,
        asked_by: str = "",
    ) -> CodeAsked:
        codes = self._person(customer).codes.setdefault((purpose, asked_by), [])
        if codes and codes[-1].code_hash == code_hash and codes[-1].is_good(at):
            return CodeAsked.KNOWN
        if any(code.code_hash == code_hash for code in codes):
            return CodeAsked.OVER
        lately = [code for code in codes if at - code.made_at < _CODES_WITHIN]
        if len(lately) >= _CODES_MAX:
            return CodeAsked.TOO_MANY
        codes.append(_Code(at, expires_at, code_hash))
        return CodeAsked.NEW

    async def use_code(
        self,
        customer: Customer,
        purpose: str,
        code_hash: str,
        at: dt.datetime,
        *,
        asked_by: str = "",
    ) -> bool:
        codes = self._person(customer).codes.get((purpose, asked_by))
        if not codes:
            return False
        code = codes[-1]
        if not code.is_good(at):
            return False
        code.tries += 1
        code.used = code.code_hash == code_hash
        return code.used

    async def ask_to_be_called(self, customer: Customer, key: str, at: dt.datetime) -> bool:
        person = self._person(customer)
        first = person.called_back_on != at.date()
        person.called_back_on = at.date()
        return first

    def _person(self, customer: Customer) -> _Person:
        return self._people.setdefault(customer.id, _Person(customer))


class Letterbox:
    """The `Outbox` port: `notices` are what was put in, once per key."""

    def __init__(self) -> None:
        self.notices: dict[str, NewNotice] = {}

    async def add(self, notice: NewNotice, at: dt.datetime) -> None:
        self.notices.setdefault(notice.key, notice)

    async def due(self, count: int, lease_s: float) -> Sequence[Notice]:
        return ()

    async def begin(self, notice: Notice, route: Route, at: dt.datetime) -> Notice | None:
        return None

    async def sent(
        self, notice: Notice, at: dt.datetime, *, route: Route = Route.SMS, sent_as: str = ""
    ) -> Failed | None:
        return None

    async def retry(self, notice: Notice, at: dt.datetime) -> None: ...

    async def put_off(self, notice: Notice, at: dt.datetime) -> None: ...

    async def give_up(self, notice: Notice, why: str, at: dt.datetime) -> None: ...

    async def seen(
        self,
        tenant_id: UUID,
        reference: str,
        channel_id: UUID,
        identity: str,
        at: dt.datetime,
        tells: Tells = Tells.DONE,
    ) -> bool:
        return False
