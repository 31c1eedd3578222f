"""Linking a chat identity to the one customer of a number, after proof of the number.

The proof is the channel's own word for it, a one-time code by SMS, or a link that was asked for on
another channel. What else is asked for:

- Where another account of the same kind is linked already, or the channel told that somebody left
  the number, it may have changed hands: the PIN is asked for, and the other account makes way and
  is told. Without a PIN a person must help.
- The same for an account that was taken off on purpose and comes back.
- Where a PIN is set and the proof is weaker than that of what is linked already (a code can be
  talked out of people, what a network says cannot), the PIN is asked for too.

Nobody inherits a wallet with a SIM card: a forgotten PIN is no matter for an SMS here, nor anywhere
else for some days after somebody new turned up at a number (`LinkRules.reset_after`).
"""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.customers import Customer
from core.domain.linking import Proof, Unlinkable, Wish
from core.domain.turns import Channel
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.kit.msisdn import Msisdn
from core.ports import Cases, Customers, NewCase
from core.ports.identities import Identities
from core.services.identities import IdentityDesk
from core.services.pins import Checked, Pins, TooManyCodes

log = structlog.get_logger()

_PURPOSE = "link"
_WITHIN_S = 3600


class Standing(StrEnum):
    """How a number that was proven stands to whoever proved it."""

    FREE = "free"
    TAKEN = "taken"  # somebody else may use it, and their PIN would show who this is
    HELD = "held"  # the same, and there is no PIN to ask for


class TakenMeanwhile(Problem):
    """The number or the identity has just become another's."""

    code = "link.taken"


class Counter(Protocol):
    async def count(self, what: str, whose: str, within_s: int) -> int:
        """Count one more, and how many that makes within so many seconds."""
        ...


@dataclass(frozen=True, slots=True)
class LinkRules:
    """How much is too much.

    Attributes:
        codes_of_one: Codes that one stranger may ask for in an hour, whatever the number. For one
            number they get three in half an hour, and all strangers together nine.
        codes_of_all: Codes that strangers of one tenant may ask for in an hour, all together.
        reset_after: How long after somebody new turned up at a number its PIN is not set anew by
            SMS alone.
    """

    codes_of_one: int = 6
    codes_of_all: int = 1000
    reset_after: dt.timedelta = dt.timedelta(days=7)


class Linking:
    def __init__(
        self,
        customers: Customers,
        identities: Identities,
        desk: IdentityDesk,
        pins: Pins,
        counter: Counter,
        cases: Cases,
        clock: Clock,
        rules: LinkRules,
    ) -> None:
        self._customers = customers
        self._identities = identities
        self._desk = desk
        self._pins = pins
        self._counter = counter
        self._cases = cases
        self._clock = clock
        self._rules = rules

    async def send_code(
        self, channel: Channel, identity: str, msisdn: Msisdn, key: str, language: str
    ) -> None:
        """Send a code to that number, which only this identity can use. Once per `key`.

        Nothing that is seen tells whether anybody here has that number.

        Raises:
            TooManyCodes: too many were asked for lately: by this identity, for that number, or by
                all strangers of this tenant.
        """
        whose = f"{channel.id}:{identity}"
        if await self._counter.count("link", whose, _WITHIN_S) > self._rules.codes_of_one:
            raise TooManyCodes
        tenant = str(channel.tenant_id)
        if await self._counter.count("links", tenant, _WITHIN_S) > self._rules.codes_of_all:
            log.warning("link.codes_exhausted", tenant=tenant)
            raise TooManyCodes
        customer = await self._customers.of_number(channel.tenant_id, msisdn, language)
        await self._pins.send_code(customer, _PURPOSE, key, "notice.link_code", to=whose)

    async def use_code(self, channel: Channel, identity: str, msisdn: Msisdn, code: str) -> bool:
        customer = await self._customers.of_number(channel.tenant_id, msisdn)
        return await self._pins.use_code(customer, _PURPOSE, code, to=f"{channel.id}:{identity}")

    async def standing(
        self, channel: Channel, identity: str, msisdn: Msisdn, proof: Proof, language: str = ""
    ) -> Standing:
        """What else must be asked, now that the number is proven."""
        customer = await self._customers.of_number(channel.tenant_id, msisdn, language)
        known = await self._identities.of(customer)
        others = [
            each
            for each in known
            if each.kind == channel.kind and each.name not in (identity, customer.msisdn)
        ]
        if others:
            await self._identities.changed(customer, self._clock.now())
        doubtful = bool(others) or await self._left(customer, channel.kind, identity)
        weak = any(proof.weaker_than(each.proof) for each in known if each.name != identity)
        if await self._pins.is_set(customer):
            return Standing.TAKEN if doubtful or weak else Standing.FREE
        return Standing.HELD if doubtful else Standing.FREE

    async def _left(self, customer: Customer, kind: str, identity: str) -> bool:
        """This account was taken off before, or the one that went by the number."""
        names = (identity, customer.msisdn)
        return any([await self._identities.taken_off(customer, kind, name) for name in names])

    async def check_pin(self, tenant_id: UUID, msisdn: Msisdn, pin: str, key: str) -> Checked:
        """The PIN of whoever has that number. Wrong tries count as anywhere else."""
        customer = await self._customers.of_number(tenant_id, msisdn)
        return await self._pins.check(customer, pin, key)

    async def join(
        self,
        channel: Channel,
        identity: str,
        msisdn: Msisdn,
        proof: Proof,
        *,
        over: bool,
        called: str = "",
    ) -> Customer:
        """Make this identity the customer's of that number. The caller has seen the proof.

        With `over` the PIN was given: another account of that kind makes way. `called` is what the
        person calls themselves there.

        Raises:
            TakenMeanwhile: it is another customer's, or the number another account's.
        """
        customer = await self._customers.of_number(channel.tenant_id, msisdn)
        wish = Wish(channel.kind, identity, proof, replacing=over, called=called)
        return await self._link(customer, wish)

    async def join_by_link(
        self, channel: Channel, identity: str, customer: Customer, called: str = ""
    ) -> Customer:
        """The same, for whoever was sent a link by this customer, who gave the PIN for it.

        Raises:
            TakenMeanwhile: the identity is another customer's.
        """
        wish = Wish(channel.kind, identity, Proof.TOKEN, replacing=True, called=called)
        return await self._link(customer, wish)

    async def ask_for_help(self, channel: Channel, identity: str, msisdn: Msisdn) -> None:
        """Have a person look at who has that number now. Once for each account that asks."""
        customer = await self._customers.of_number(channel.tenant_id, msisdn)
        case = NewCase(
            tenant_id=channel.tenant_id,
            kind="number_changed_hands",
            key=f"link/{customer.id}/{channel.kind}/{identity}",
            subject=f"customer/{customer.id}",
            facts={"kind": channel.kind},
        )
        await self._cases.open(case)

    async def may_reset(self, customer: Customer) -> bool:
        """Whether a code by SMS is enough for a new PIN: not while the number may be another's."""
        changed_at = await self._identities.changed_at(customer)
        return changed_at is None or self._clock.now() - changed_at >= self._rules.reset_after

    async def _link(self, customer: Customer, wish: Wish) -> Customer:
        now = self._clock.now()
        linked = await self._identities.link(customer, wish, now)
        if isinstance(linked, Unlinkable):
            raise TakenMeanwhile
        log.info("identity.linked", kind=wish.kind, replaced=len(linked.replaced))
        if linked.replaced:
            await self._desk.parted(customer, linked.replaced, "identity.replaced")
        return customer
