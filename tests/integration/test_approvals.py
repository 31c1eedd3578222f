"""What was confirmed is done once, whoever dies between deciding and doing."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest

from bots.operators import acting
from cli.demo import TENANT
from core.domain.operators import Role
from core.kit import crash
from core.kit.clock import SetClock
from core.store.database import Database
from core.store.embedded import ServiceUrls
from tests.fakes.books import open_books
from tests.fakes.operators import Desk, open_desk
from tests.fakes.promises import Bomb, Died
from tests.fakes.waiting import until

MORNING = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
TOPE = 501


@pytest.fixture
async def desk(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_desk(urls, tmp_path, SetClock(MORNING)) as opened:
        opened.start()
        await opened.joins(TOPE, "Tope", Role.APPROVER)
        yield opened


@pytest.fixture
async def order(desk: Desk, database: Database) -> str:
    """The reference of an order of which N500 is held."""
    opened = await open_books(database, key="other")
    books = replace(opened, tenant=TENANT, channel=await desk.house.channel())
    made = await books.begun(await books.customer(1, funds=1000_00), amount=500_00)
    await books.claimed(made)
    return made.reference


async def acts(owner: asyncpg.Connection) -> int:
    return int(await owner.fetchval("select count(*) from order_actions where action = 'refund'"))


@pytest.mark.parametrize("point", ["approval.decided", "approval.acted"])
async def test_a_bot_that_dies_in_between_finds_the_tap_again(
    desk: Desk, order: str, owner: asyncpg.Connection, point: str
) -> None:
    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    with crash.watched(Bomb(point, 1)):
        desk.api.taps(TOPE, asked, "Confirm")
        with contextlib.suppress(Died):
            await desk.ended()
    desk.start()
    await desk.api.idle()
    await until(lambda: "Tope has confirmed it" in asked.text)

    assert await acts(owner) == 1
    assert desk.api.answers == ["Confirmed."]


async def test_what_was_confirmed_and_never_done_is_done_without_a_tap(
    desk: Desk, order: str, owner: asyncpg.Connection
) -> None:
    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    operator = await desk.core.operations.desk.known(TOPE)
    assert operator is not None
    with crash.watched(Bomb("approval.decided", 1)), contextlib.suppress(Died):
        await acting.decide(desk.core, operator, asked.buttons["Confirm"])
    assert await acts(owner) == 0

    assert await desk.core.operations.approvals.see_through() == []  # somebody may be at it
    desk.house.clock.advance(61)
    [done] = await desk.core.operations.approvals.see_through()
    assert await desk.core.operations.approvals.see_through() == []

    assert (done.outcome, await acts(owner)) == ("paid_back", 1)


async def test_what_cannot_be_done_any_more_is_owned_up_to(desk: Desk, order: str) -> None:
    """The provider said that it was delivered, between asking and confirming."""
    from core.ports.desk import Learned

    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    desk.house.clock.advance(100)
    await desk.core.order_actions.resolve(
        TENANT.id, order, "test", learned=Learned.DELIVERED, evidence="their word"
    )

    answer = await desk.api.tapped(TOPE, asked, "Confirm")

    assert answer.startswith("It was delivered")


async def test_the_words_of_a_request_are_sealed(
    desk: Desk, order: str, owner: asyncpg.Connection
) -> None:
    await desk.api.asked(TOPE, f"/refund {order} it-never-came")

    kept = await owner.fetchval("select words from operator_requests")
    assert "never" not in kept
