"""A whole core whose first provider is out of reach, before the outside world of the sandbox."""

import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
from pydantic import SecretStr

from cli import demo
from core.app import Core, build
from core.app.outside import Outside
from core.domain.customers import Customer
from core.domain.ledger import AccountKey, AccountType, Transfer
from core.domain.orders import OrderState
from core.domain.providers import ConfigKey
from core.domain.turns import Channel
from core.domain.vending import Product
from core.kit import ids
from core.kit.clock import SystemClock
from core.kit.money import Money
from core.kit.msisdn import Msisdn, local
from core.ports import VtuProvider
from core.providers.sms.africastalking import AfricasTalking
from core.providers.sms.africastalking import Settings as SmsSettings
from core.providers.vtu import clubkonnect, vtpass
from core.services.purchases import Airtime
from core.services.shelf import Offer
from core.settings import Settings
from core.store.embedded import ServiceUrls
from sandbox.app import create_app
from sandbox.clubkonnect import API_KEY, USER_ID
from sandbox.settings import SandboxSettings
from tests.fakes.kiosk_core import working
from tests.fakes.outside import Calls, client, settled
from tests.fakes.serving import serve

NOBODY_THERE = "http://127.0.0.1:1/api"


@dataclass(frozen=True)
class Till:
    """A core at work, and the outside world it sells from."""

    core: Core
    outside: Calls
    channel: Channel

    async def customer(self, number: int) -> Customer:
        msisdn = Msisdn(f"23480355{number:05d}")
        customer = await self.core.customers.at(self.channel, msisdn, msisdn)
        world = AccountKey(demo.TENANT.id, AccountType.WORLD, "", "NGN")
        wallet = AccountKey(demo.TENANT.id, AccountType.WALLET, str(customer.id), "NGN")
        await self.core.ledger.post(
            Transfer(ids.uuid7(), demo.TENANT.id, world, wallet, 1000_00, "test", ids.uuid7())
        )
        return customer

    async def buy(self, customer: Customer) -> OrderState:
        purchase = await self.core.purchases.buy(
            Airtime("mtn", customer.msisdn, Money(100_00, "NGN"), Money(0, "NGN")),
            key=ids.uuid7().hex,
            tenant=demo.TENANT,
            customer=customer,
            channel_id=self.channel.id,
            identity=customer.msisdn,
            until=time.monotonic() + 20,
        )
        return purchase.state


@asynccontextmanager
async def till(urls: ServiceUrls, home: Path) -> AsyncIterator[Till]:
    """Vtpass first, where nobody answers; clubkonnect after it, in the sandbox."""
    sandbox = SandboxSettings(duplicate_window_s=0.0, tick_s=0.05)
    key = SecretStr("a key")
    async with serve(create_app(sandbox)) as url, client(url) as control:
        dead = vtpass.VtPass(
            vtpass.Settings.model_construct(
                base_url=NOBODY_THERE,
                api_key=key,
                public_key=key,
                secret_key=key,
                timeout_s=5.0,
            )
        )
        alive = clubkonnect.ClubKonnect(
            clubkonnect.Settings.model_construct(
                base_url=f"{url}/clubkonnect",
                user_id=SecretStr(USER_ID),
                api_key=SecretStr(API_KEY),
                callback_url="",
                timeout_s=5.0,
            )
        )
        sms = AfricasTalking(
            SmsSettings.model_validate(
                {
                    "base_url": f"{url}/africastalking",
                    "api_key": "SIM-at-key",
                    "username": "sandbox",
                }
            )
        )
        sellers: dict[str, VtuProvider] = {"clubkonnect": alive}
        settings = Settings(home=home, requery_after_s=(0.3,))
        async with (
            aclosing(dead),
            aclosing(alive),
            aclosing(sms),
            build(settings, urls, "a test", Outside(sellers, {}, sms)) as core,
        ):
            await demo.seed(core)
            channel = await core.channels.find("africastalking", "demo")
            assert channel is not None
            first = ConfigKey(demo.TENANT.id, Product.AIRTIME, "vtpass")
            core.shelf.restock({first: Offer(dead, "dead", priority=1, configured=True)})
            async with working(core):
                yield Till(core, Calls(control, SystemClock()), channel)


async def test_when_the_first_provider_is_gone_the_next_delivers_and_it_is_told_once(
    services: ServiceUrls, database_url: str, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    """And once that was found five times, nobody calls there any more."""
    async with till(ServiceUrls(database_url, services.redis_url), tmp_path) as shop:
        await shop.core.controls.reset(demo.TENANT.id, "vtpass", None, "test")
        for number in range(1, 8):
            customer = await shop.customer(number)
            assert await shop.buy(customer) is OrderState.DELIVERED
            [delivery] = await shop.outside.deliveries(local(customer.msisdn))
            assert delivery["provider"] == "clubkonnect"
        while await owner.fetchval("select count(*) from notices where state = 'waiting'"):
            await settled()
        await settled()

        assert len(await shop.outside.messages("2348035500001")) == 1
        assert await owner.fetchval("select count(*) from attempts where provider = 'vtpass'") == 5
        await shop.core.controls.reset(demo.TENANT.id, "vtpass", None, "test")
