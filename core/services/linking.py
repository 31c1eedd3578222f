"""Linking a chat identity to the one customer of a number, after proof of the number.

The proof is the channel's own word for it, or a one-time code by SMS. Where the number is in use by
somebody of another name on the same kind of channel it may have changed hands: then the PIN is
needed too, and without one a person must help. Nobody inherits a wallet with a SIM card.
"""

from enum import StrEnum
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.customers import Customer
from core.domain.turns import Channel
from core.kit.errors import Problem
from core.kit.msisdn import Msisdn
from core.ports import Customers
from core.services.pins import Checked, Pins, TooManyCodes

log = structlog.get_logger()

_PURPOSE = "link"
_CODES_OF_ONE_MAX, _WITHIN_S = 6, 3600


class Standing(StrEnum):
    """How a number that was proven stands to whoever proved it."""

    FREE = "free"
    TAKEN = "taken"  # somebody of another name uses it, and their PIN would show who this is
    HELD = "held"  # the same, and there is no PIN to ask for


class TakenMeanwhile(Problem):
    """The identity has just become another customer's."""

    code = "link.taken"


class Counter(Protocol):
    async def count(self, what: str, whose: str, within_s: int) -> int:
        """Count one more, and how many that makes within so many seconds."""
        ...


class Linking:
    def __init__(self, customers: Customers, pins: Pins, counter: Counter) -> None:
        self._customers = customers
        self._pins = pins
        self._counter = counter

    async def send_code(self, channel: Channel, identity: str, msisdn: Msisdn, key: str) -> None:
        """Send a code to that number, which only this identity can use.

        Raises:
            TooManyCodes: too many were asked for lately, for that number or by this identity.
        """
        whose = f"{channel.id}:{identity}"
        if await self._counter.count("link", whose, _WITHIN_S) > _CODES_OF_ONE_MAX:
            raise TooManyCodes
        customer = await self._customers.of_number(channel.tenant_id, msisdn)
        await self._pins.send_code(customer, _PURPOSE, key, "notice.link_code", to=whose)

    async def use_code(self, channel: Channel, identity: str, msisdn: Msisdn, code: str) -> bool:
        customer = await self._customers.of_number(channel.tenant_id, msisdn)
        return await self._pins.use_code(customer, _PURPOSE, code, to=f"{channel.id}:{identity}")

    async def standing(self, channel: Channel, identity: str, msisdn: Msisdn) -> Standing:
        customer = await self._customers.of_number(channel.tenant_id, msisdn)
        if not await others(self._customers, channel, identity, customer):
            return Standing.FREE
        return Standing.TAKEN if await self._pins.is_set(customer) else Standing.HELD

    async def check_pin(self, tenant_id: UUID, msisdn: Msisdn, pin: str, key: str) -> Checked:
        """The PIN of whoever has that number. Wrong tries count as anywhere else."""
        customer = await self._customers.of_number(tenant_id, msisdn)
        return await self._pins.check(customer, pin, key)

    async def join(self, channel: Channel, identity: str, msisdn: Msisdn) -> Customer:
        """Make this identity the customer's of that number. The caller has seen the proof.

        Raises:
            TakenMeanwhile: it is another customer's.
        """
        customer = await self._customers.of_number(channel.tenant_id, msisdn)
        if not await self._customers.link(channel, identity, customer):
            raise TakenMeanwhile
        log.info("identity.linked", kind=channel.kind, customer=str(customer.id))
        return customer


async def others(
    customers: Customers, channel: Channel, identity: str, customer: Customer
) -> list[str]:
    """Other names by which this customer is known on that kind of channel.

    The number itself is no other: that is how people were known before channels named them.
    """
    known = await customers.identities(customer, channel.kind)
    return [name for name in known if name not in (identity, customer.msisdn)]
