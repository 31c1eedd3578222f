"""The operators' bot as a process of its own: it goes on when the web process is dead."""

import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from core.store.embedded import ServiceUrls
from sandbox.telegram_state import OPERATORS
from tests.e2e.customer import Customer
from tests.e2e.program import Process, World, _answers, eventually, home_folder
from tests.e2e.secrecy import leaks
from tests.fakes.database import database_url
from tests.fakes.telegram import TelegramPhone

__all__ = ["database_url"]


@contextlib.asynccontextmanager
async def apart(home: Path, urls: ServiceUrls) -> AsyncIterator[tuple[World, Process, Process]]:
    """Web, worker and bot, each its own process on servers that none of them started."""
    world = World(home)
    world.callbox.command = "web"
    world.callbox.env |= {"DATABASE_URL": urls.database_url, "REDIS_URL": urls.redis_url}
    world.callbox.env |= {"CALLBOX_HEALTH_REVIEW_EVERY_S": "1", "CALLBOX_HEALTH_CHECK_EVERY_S": "5"}
    del world.callbox.env["CALLBOX_SANDBOX"]
    worker, bot = (
        Process(command, world.callbox.env, home / f"{command}.log")
        for command in ("worker", "operator-bot")
    )
    try:
        await world.sandbox.start()
        await world.callbox.start()
        await _answers(world.control, "/control/scenarios", world.sandbox, 30)
        await world.ready()
        await worker.start()
        await bot.start()
        yield world, worker, bot
    finally:
        await world.http.aclose()
        await world.control.aclose()
        for process in (bot, worker, world.callbox, world.sandbox):
            await process.stop()


async def code_for(world: World, role: str) -> str:
    """Of the very command that a shop uses."""
    said = Process(
        f"operators add Tope --role {role}", world.callbox.env, world.home / "operators.log"
    )
    await said.start()
    assert await said.ended(60) == 0, said.log.read_text()
    found = re.search(r"/join (\w+)", said.log.read_text())
    assert found is not None
    return found.group(1)


async def test_it_looks_tells_and_refunds_while_the_web_process_is_dead(
    services: ServiceUrls, database_url: str
) -> None:
    urls = ServiceUrls(database_url, services.redis_url)
    with home_folder() as home:
        async with apart(home, urls) as (world, worker, bot):
            await world.sells_alone("vtpass")
            customer = Customer(world)
            await customer.fund(1000)
            local = "0" + customer.msisdn[3:]
            await world.scenario("stuck_pending", local)
            await customer.buy(500)
            found = re.search(r"Ref (\w{10})\b", customer.phone.screen)
            assert found is not None, customer.phone.screen
            order = found[1]
            tope = TelegramPhone(world.control, bot=OPERATORS)
            await tope.say(f"/join {await code_for(world, 'approver')}")
            tope.sees("Welcome, Tope")
            await tope.say("/subscribe")

            await world.callbox.kill()
            with pytest.raises(httpx.TransportError):
                await world.http.get("/health")

            await tope.say("/status")
            tope.sees("database: well", "worker: well")
            await tope.say(f"/order {order}")
            tope.sees(order, "N500")
            await tope.say(f"/refund {order} it never came")
            tope.sees("Because: it never came")
            await tope.press("Confirm")
            await tope.receives("has confirmed it")
            await tope.say(f"/order {order}")
            tope.sees("paid back")

            # What nobody asked for is told as well.
            await worker.kill()
            await worker.start(CALLBOX_FLOAT_LOW_OF="vtpass=999999999999")

            async def told() -> bool:
                return any("Float low" in str(each["text"]) for each in await tope.messages())

            await eventually(told)

            assert bot.running
            assert not world.callbox.running
            await world.callbox.start()
            await world.ready()
            assert await customer.balance() == (1000_00, 0)
        assert leaks(home) == []
