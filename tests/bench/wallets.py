"""Customers with money in their wallets, put there through the ledger as an adjustment would be."""

from core.app import Core
from core.domain.customers import Customer, Tenant
from core.domain.ledger import AccountKey, AccountType, Posting, Transfer
from core.domain.turns import Channel
from core.kit import ids
from core.kit.msisdn import Msisdn


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
    world = AccountKey(tenant.id, AccountType.WORLD, "", tenant.currency)
    wallet = AccountKey(tenant.id, AccountType.WALLET, str(customer.id), tenant.currency)
    posting = await core.ledger.post(
        Transfer(ids.uuid7(), tenant.id, world, wallet, amount_minor, "bench", ids.uuid7())
    )
    assert posting is Posting.POSTED, posting
    return customer
