"""Customers with money in their wallets, put there through the ledger as an adjustment would be."""

import asyncio
from collections.abc import Sequence

from core.app import Core
from core.domain.customers import Customer, Tenant
from core.domain.ledger import AccountKey, AccountType, Posting, Transfer
from core.domain.turns import Channel
from core.kit import ids
from core.kit.msisdn import Msisdn
from tests.fakes.database import connect

_FUNDED_AT_ONCE = 2_000


async def channel_of(core: Core) -> Channel:
    """The demo's USSD channel."""
    channel = await core.channels.find("africastalking", "demo")
    assert channel is not None
    return channel


async def funded(
    core: Core, tenant: Tenant, channel: Channel, msisdn: Msisdn, amount_minor: int
) -> Customer:
    """A customer of that number, with so much in the wallet."""
    customer = await core.customers.at(channel, msisdn, msisdn)
    await _fund(core, tenant, customer, amount_minor)
    return customer


async def crowd(
    core: Core, database_url: str, tenant: Tenant, count: int, amount_minor: int
) -> Sequence[Customer]:
    """So many customers with so much each, as a business has them: none buys all day long."""
    now = core.clock.now()
    customers = [
        Customer(
            id=ids.uuid7(),
            tenant_id=tenant.id,
            msisdn=Msisdn(f"2348031{number:06d}"),
            language=tenant.language,
            status="active",
            pin_set=False,
            created_at=now,
        )
        for number in range(count)
    ]
    owner = await connect(database_url)
    await owner.execute(
        "insert into customers (id, tenant_id, msisdn, language, created_at)"
        " select id, $3, msisdn, 'en', $4 from unnest($1::uuid[], $2::text[]) as c (id, msisdn)",
        [customer.id for customer in customers],
        [customer.msisdn for customer in customers],
        tenant.id,
        now,
    )
    await owner.close()
    for begun in range(0, count if amount_minor else 0, _FUNDED_AT_ONCE):
        some = customers[begun : begun + _FUNDED_AT_ONCE]
        await asyncio.gather(*(_fund(core, tenant, customer, amount_minor) for customer in some))
    return customers


def wallet_of(customer: Customer, currency: str) -> AccountKey:
    return AccountKey(customer.tenant_id, AccountType.WALLET, str(customer.id), currency)


async def _fund(core: Core, tenant: Tenant, customer: Customer, amount_minor: int) -> None:
    world = AccountKey(tenant.id, AccountType.WORLD, "", tenant.currency)
    wallet = wallet_of(customer, tenant.currency)
    posting = await core.ledger.post(
        Transfer(ids.uuid7(), tenant.id, world, wallet, amount_minor, "bench", ids.uuid7())
    )
    assert posting is Posting.POSTED, posting
