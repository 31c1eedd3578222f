"""SMEPlug: an order whose answer was lost is looked for in a list that comes in pages."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import SecretStr

from core.domain.vending import Outcome, Result, Vend
from core.kit.ids import uuid7
from core.providers.vtu import smeplug
from sandbox import smeplug as smeplug_there
from tests.fakes.outside import NOON, Outside, outside
from tests.fakes.vtu import AIRTIME, REFERENCE, make_smeplug, said
from tests.fakes.wire import Behaviour, hangs_up, says, stays_silent, wire

OURS = {"reference": "S-1", "customer_reference": REFERENCE, "status": "success", "price": "485"}


def page(number: int) -> dict[str, Any]:
    """Orders of others that stand on no other page."""
    row = {"status": "success", "price": "485"}
    rows = [{**row, "reference": f"T-{number}-{each}", "customer_reference": f"O{number}{each}"}
            for each in range(3)]  # fmt: skip
    return {"status": True, "transactions": rows}


async def searched(*pages: object) -> tuple[Outcome, list[str]]:
    """What these pages prove of our order, and which were asked for; the last again and again."""
    outcome, asked = await said(make_smeplug, lambda it: it.requery(AIRTIME), *pages)
    assert {request.path for request in asked} == {"/api/v1/transactions"}
    return outcome, [request.query["page"] for request in asked]


async def test_it_is_found_on_a_later_page_and_no_further_one_is_asked_for() -> None:
    found = {"transactions": [*page(3)["transactions"], OURS]}
    outcome, asked = await searched(page(1), page(2), found, page(4))
    assert (outcome.result, outcome.provider_reference) == (Result.DELIVERED, "S-1")
    assert asked == ["1", "2", "3"]


async def test_it_looks_from_the_day_before_the_order() -> None:
    """In their time zone, which nobody told, it may be of that day."""
    _, asked = await said(make_smeplug, lambda it: it.requery(AIRTIME), page(1), {"data": []})
    assert [request.query["start_date"] for request in asked] == ["2026-11-20"] * 2


@pytest.mark.parametrize(
    ("last", "pages"),
    [
        pytest.param({"transactions": []}, 3, id="an empty one"),
        pytest.param({"transactions": {"data": []}}, 3, id="an empty one, deeper"),
        pytest.param({"status": True}, 3, id="none at all"),
        pytest.param(page(2), 3, id="the same again: pages are not heeded"),
        pytest.param(page(1), 3, id="an earlier one again"),
    ],
)
async def test_where_the_pages_end_nothing_is_proven(last: object, pages: int) -> None:
    outcome, asked = await searched(page(1), page(2), last)
    assert (outcome.result, outcome.reason) == (Result.UNKNOWN, "not_listed")
    assert len(asked) == pages


async def test_a_list_without_end_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smeplug, "_PAGES_MAX", 3)
    outcome, asked = await searched(*map(page, range(1, 9)))
    assert (outcome.result, outcome.reason) == (Result.UNKNOWN, "not_listed")
    assert asked == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        pytest.param(says("<html></html>", 503), "http_503", id="503"),
        pytest.param(says("<html>Log in</html>"), "http_200", id="HTML"),
        pytest.param(says('{"transactions": []}', 429), "http_429", id="too many questions"),
        pytest.param(hangs_up, "connection_lost", id="no answer"),
        pytest.param(stays_silent, "timeout", id="silence"),
    ],
)
async def test_a_page_that_fails_says_why_and_ends_it(behaviour: Behaviour, reason: str) -> None:
    async with wire(says(json.dumps(page(1))), behaviour) as server:
        provider = make_smeplug(server.base_url, 0.6 if behaviour is stays_silent else 5.0)
        outcome = await provider.requery(AIRTIME)
        await provider.aclose()
    assert (outcome.result, outcome.reason) == (Result.UNKNOWN, reason)
    assert not outcome.never_sent
    assert len(server.requests) == 2


async def test_all_pages_together_take_no_longer_than_one_answer_may() -> None:
    """Whoever waits for the adapter waits only a little longer than that."""

    def late(number: int) -> Behaviour:
        async def behave(writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.25)
            await says(json.dumps(page(number)))(writer)

        return behave

    async with wire(*map(late, range(1, 9))) as server:
        provider = make_smeplug(server.base_url, 0.6)
        outcome = await provider.requery(AIRTIME)
        await provider.aclose()
    assert (outcome.result, outcome.reason) == (Result.UNKNOWN, "timeout")
    assert len(server.requests) < 8


# Beside the simulator.


class Street:
    """A shop that sells through the simulated SMEPlug."""

    def __init__(self, world: Outside, provider: smeplug.SmePlug) -> None:
        self.world = world
        self.provider = provider

    async def sold(self, count: int) -> None:
        for _ in range(count):
            self.world.clock.advance(1)
            outcome = await self.provider.vend(self.order())
            assert outcome.result is Result.DELIVERED

    async def lost(self) -> Vend:
        """An order that was delivered, and the answer did not come."""
        await self.world.play("smeplug", "delivered_but_reply_lost", next=1)
        vend = self.order()
        assert (await self.provider.vend(vend)).result is Result.UNKNOWN
        return vend

    def order(self) -> Vend:
        reference = self.provider.new_reference(uuid7(), NOON)
        return replace(AIRTIME, reference=reference, created_at=self.world.clock.now())

    async def lists(self, play: str, page: int = 0) -> None:
        document = {"provider": "smeplug", "play": play, "page": page}
        (await self.world.http.post("/control/statements", json=document)).raise_for_status()


@asynccontextmanager
async def street() -> AsyncIterator[Street]:
    async with outside() as world:
        settings = smeplug.Settings(
            base_url=f"{str(world.http.base_url).rstrip('/')}/smeplug/api/v1",
            secret_key=SecretStr(smeplug_there.SECRET_KEY),
        )
        async with aclosing(smeplug.SmePlug(settings)) as provider:
            yield Street(world, provider)


async def test_an_order_far_down_the_list_is_found() -> None:
    async with street() as shop:
        vend = await shop.lost()
        await shop.sold(7)
        await shop.lists("short", 2)
        outcome = await shop.provider.requery(vend)
        by_theirs = await shop.provider.requery(
            replace(vend, provider_reference=outcome.provider_reference or "")
        )
    assert outcome.result is Result.DELIVERED
    assert by_theirs.provider_reference == outcome.provider_reference


async def test_an_order_of_an_earlier_day_is_found() -> None:
    async with street() as shop:
        vend = await shop.lost()
        shop.world.clock.advance(3 * 86_400)
        await shop.sold(1)
        outcome = await shop.provider.requery(vend)
    assert outcome.result is Result.DELIVERED


async def test_the_list_begins_where_it_is_asked_to() -> None:
    async with street() as shop:
        vend = await shop.lost()
        later = replace(vend, created_at=vend.created_at + dt.timedelta(days=2))
        outcome = await shop.provider.requery(later)
    assert (outcome.result, outcome.reason) == (Result.UNKNOWN, "not_listed")


async def test_where_pages_are_not_heeded_it_stays_in_doubt() -> None:
    async with street() as shop:
        vend = await shop.lost()
        await shop.sold(3)
        await shop.lists("short", 2)
        await shop.lists("unheeded")
        outcome = await shop.provider.requery(vend)
    assert (outcome.result, outcome.reason) == (Result.UNKNOWN, "not_listed")


async def test_a_page_that_is_down_leaves_it_in_doubt() -> None:
    async with street() as shop:
        vend = await shop.lost()
        await shop.sold(3)
        await shop.lists("short", 2)
        await shop.lists("fails", 2)
        outcome = await shop.provider.requery(vend)
    assert (outcome.result, outcome.reason) == (Result.UNKNOWN, "http_503")


async def test_silence_about_an_order_on_the_way_is_silence_for_a_while() -> None:
    async with street() as shop:
        vend = await shop.lost()
        await shop.world.play("smeplug", "requery_down", next=1)
        await shop.provider.vend(shop.order())
        silent = await shop.provider.requery(vend)
        shop.world.clock.advance(60)
        later = await shop.provider.requery(vend)
    assert (silent.result, silent.reason) == (Result.UNKNOWN, "http_503")
    assert later.result is Result.DELIVERED
