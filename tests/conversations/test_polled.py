"""A bot on a machine that Telegram cannot reach: it is asked for what people write."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from bots.telegram.following import BotFollower
from cli.demo import TENANT
from core.domain.turns import Channel
from core.kit import ids
from core.ports import Event
from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.fakes.serving import serve
from tests.fakes.telegram import TelegramPhone
from tests.fakes.telegram_api import TOKEN
from tests.fakes.world import PIN_HASH, World


@pytest.fixture
async def bots(world: World) -> AsyncIterator[httpx.AsyncClient]:
    """A Bot API of its own, whose bot Callbox polls in two processes; its control calls."""
    cores = (world.main.core, world.twin.core)
    now = cores[0].clock.now()
    async with (
        serve(create_app(SandboxSettings(tick_s=0.05))) as url,
        httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as control,
    ):
        channel = Channel(
            id=ids.uuid7(),
            tenant_id=TENANT.id,
            kind="telegram",
            gateway="telegram",
            key=f"polled-{ids.uuid7()}",
            settings={"polling": True, "api_base_url": f"{url}/telegram"},
            credentials={"token": TOKEN},
        )
        polling = [
            asyncio.create_task(
                BotFollower(
                    core.channels, core.leases, core.chat_ingest, core.aftermath, core.texts
                ).run()
            )
            for core in cores
        ]
        await cores[0].channels.ensure(channel, now)  # while they run, as an operator does
        yield control
        for task in polling:
            task.cancel()
        await asyncio.gather(*polling, return_exceptions=True)
        off = Event(f"channel/{channel.id}", "channel.disabled", "test", {})
        await cores[0].channels.disable(TENANT.id, channel.id, off, now)
        # Ends the wait for updates that nobody listens to any more.
        elsewhere = {"url": "http://127.0.0.1:9/nobody"}
        (await control.post(f"/telegram/bot{TOKEN}/setWebhook", json=elsewhere)).raise_for_status()


async def test_a_polled_bot_talks_like_any_other(world: World, bots: httpx.AsyncClient) -> None:
    msisdn = world.number()
    customer = await world.customer(msisdn)
    await world.give(customer, 1250)
    await world.main.core.customers.set_pin(customer, PIN_HASH, world.main.core.clock.now())
    phone = TelegramPhone(bots)

    await phone.start()
    phone.sees("phone number")
    await phone.share_contact(msisdn)
    await phone.press("Wallet")
    await phone.press("Balance")
    phone.sees("N1,250")
    await phone.say("/status")
    phone.sees("+N1,250")


async def test_the_keyboard_for_a_number_is_gone_when_it_was_given(
    world: World, bots: httpx.AsyncClient
) -> None:
    phone = TelegramPhone(bots)
    await phone.start()
    assert (await phone.look())["keyboard"]
    await phone.share_contact(world.number())
    assert phone.buttons
    await phone.keyboard_gone()
    assert [each["text"] for each in (await phone.look())["messages"] if each["deleted"]] == ["…"]
