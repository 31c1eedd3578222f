"""Callbox and its outside in one process, on one clock, to be killed and made again at will."""

import asyncio
import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
from pydantic import SecretStr

from cli import demo
from core.app import Core, build
from core.app.outside import Outside
from core.domain.customers import Customer
from core.domain.turns import Channel
from core.kit import crash
from core.kit.clock import SetClock
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.payouts import PAYOUT_GATEWAYS
from core.providers.sms import SMS_SENDERS
from core.providers.vtu import clubkonnect, vtpass
from core.services.payouts import Destination
from core.services.purchases import Airtime, Purchase
from core.settings import Settings
from core.store.embedded import ServiceUrls
from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from sandbox.transfers import names_of
from tests.fakes.serving import serve

SECRET = "a key for tests and nothing else"
MORNING = dt.datetime(2026, 3, 2, 9, 0, tzinfo=dt.UTC)
PROVIDER_TIMEOUT_S = 0.4
"""Real seconds: what a held reply of the simulator is measured against."""

_ROUNDS_MAX = 500


class Died(BaseException):
    """The process was killed here. No `except Exception` sees it, as nothing sees a SIGKILL."""


class Bomb:
    """Kills at the nth passing of a crash point, then is spent."""

    def __init__(self, point: str, nth: int) -> None:
        self.point = point
        self.left = nth
        self.went_off = False

    def __call__(self, name: str) -> None:
        if self.went_off:
            raise Died(name)  # the dead do nothing more
        if name == self.point:
            self.left -= 1
            if self.left == 0:
                self.went_off = True
                raise Died(name)


class Kingdom:
    """One Callbox, the sandbox beside it, and the clock that both live by."""

    def __init__(self, urls: ServiceUrls, home: Path, sandbox_url: str, clock: SetClock) -> None:
        self.clock = clock
        self.control = httpx.AsyncClient(base_url=sandbox_url, timeout=20, trust_env=False)
        self._urls = urls
        self._home = home
        self._sandbox_url = sandbox_url
        self._life: contextlib.AsyncExitStack | None = None
        self._core: Core | None = None
        self.bomb: Bomb | None = None

    @property
    def core(self) -> Core:
        assert self._core is not None
        return self._core

    async def rise(self) -> None:
        """A process over what the last one left."""
        self._life = contextlib.AsyncExitStack()
        outside = self._outside(self._life)
        settings = Settings(
            home=self._home,
            sandbox_port=httpx.URL(self._sandbox_url).port or 0,
            send_within_s=30,
            turn_wait_s=0,
            database_connections=4,
        )
        self._core = await self._life.enter_async_context(
            build(settings, self._urls, SECRET, outside, self.clock)
        )
        await demo.seed(self._core)

    async def fall(self) -> None:
        """What is left of a process that died is swept away; nothing more is done for anybody."""
        self.bomb = None
        if self._life is not None:
            with contextlib.suppress(Exception):
                await self._life.aclose()
        self._life = self._core = None

    async def live(self, step: Any) -> Any:
        """Await a step, under the bomb if one is laid; None where the process died of it."""
        bomb = self.bomb
        if bomb is None:
            return await step
        answer = None
        with crash.watched(bomb), contextlib.suppress(Died):
            answer = await step
        if bomb.went_off:
            await self.fall()
            await self.rise()
        return answer

    # What people do.

    async def channel(self) -> Channel:
        found = await self.core.channels.find("africastalking", "demo")
        assert found is not None
        return found

    async def customer(self, msisdn: str) -> Customer:
        return await self.core.customers.at(await self.channel(), msisdn, Msisdn(msisdn))

    async def buy(self, customer: Customer, key: str, naira: int) -> Purchase:
        channel = await self.channel()
        return await self.core.conversations._desk.purchases.buy(
            Airtime("mtn", customer.msisdn, Money(naira * 100, "NGN"), Money(0, "NGN")),
            key=key,
            tenant=await self.core.tenants.get(customer.tenant_id),
            customer=customer,
            channel_id=channel.id,
            identity=customer.msisdn,
            until=time.monotonic(),
        )

    async def ask_to_fund(self, customer: Customer, key: str, naira: int) -> str:
        channel = await self.channel()
        asked = await self.core.conversations._desk.funding.start(
            customer,
            Money(naira * 100, "NGN"),
            key=key,
            channel_id=channel.id,
            identity=customer.msisdn,
            until=time.monotonic() + 5,
        )
        return asked.reference

    async def withdraw(self, customer: Customer, key: str, naira: int, account: str) -> None:
        channel = await self.channel()
        await self.core.conversations._desk.payouts.withdraw(
            Money(naira * 100, "NGN"),
            Money(0, "NGN"),
            Destination("paystack:058", "Guaranty Trust Bank", account, names_of(account)[0]),
            key=key,
            tenant=await self.core.tenants.get(customer.tenant_id),
            customer=customer,
            channel_id=channel.id,
            identity=customer.msisdn,
            until=time.monotonic(),
        )

    # What time and workers do.

    async def work(self) -> int:
        """Every pump leases what is due and sees it through, once; how many items that were."""
        done = 0
        for pump in self.core.pumps:
            items = await pump.lease(20)
            done += len(items)
            await asyncio.gather(*(pump.handle(item) for item in items))
        return done

    async def until_quiet(self, days: float) -> None:
        """Let time pass, with workers at work, until nothing is due that far ahead."""
        end = self.clock.now() + dt.timedelta(days=days)
        for _ in range(_ROUNDS_MAX):
            if not await self.work():
                if self.clock.now() >= end:
                    return
                self.clock.advance(3600)
        raise AssertionError("there is no end of work")

    def _outside(self, life: contextlib.AsyncExitStack) -> Outside:
        """The real adapters, the sellers with less patience than may be set."""
        url = self._sandbox_url
        first = vtpass.VtPass(
            vtpass.Settings.model_construct(
                base_url=f"{url}/vtpass/api",
                api_key=SecretStr("SIM-vtpass-key"),
                public_key=SecretStr("PK_SIM"),
                secret_key=SecretStr("SK_SIM"),
                timeout_s=PROVIDER_TIMEOUT_S,
            )
        )
        second = clubkonnect.ClubKonnect(
            clubkonnect.Settings.model_construct(
                base_url=f"{url}/clubkonnect",
                user_id=SecretStr("SIM-clubkonnect-user"),
                api_key=SecretStr("SIM-clubkonnect-key"),
                callback_url="",
                timeout_s=PROVIDER_TIMEOUT_S,
            )
        )
        gateway = PAYMENT_GATEWAYS["paystack"](
            {"base_url": f"{url}/paystack", "secret_key": "sk_test_SIM"}
        )
        sms = SMS_SENDERS["africastalking"](
            {
                "base_url": f"{url}/africastalking",
                "api_key": "SIM-at-key",
                "username": "sandbox",
            }
        )
        bank = PAYOUT_GATEWAYS["paystack"](
            {"base_url": f"{url}/paystack_transfers", "secret_key": "sk_test_SIM"}
        )
        for owned in (first, second, gateway, sms, bank):
            life.push_async_callback(owned.aclose)
        return Outside(
            {"vtpass": first, "clubkonnect": second},
            {"paystack": gateway},
            sms,
            {"paystack": bank},
        )


@contextlib.asynccontextmanager
async def kingdom(urls: ServiceUrls, home: Path) -> AsyncIterator[Kingdom]:
    clock = SetClock(MORNING)
    sandbox = create_app(
        SandboxSettings(callbox_url="http://127.0.0.1:9", duplicate_window_s=0, tick_s=0.05), clock
    )
    async with serve(sandbox) as url:
        made = Kingdom(urls, home, url, clock)
        await made.rise()
        try:
            yield made
        finally:
            await made.fall()
            await made.control.aclose()
