"""The page of a gift before farms of accounts, and before who sends a page twice at once."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from core.store.embedded import ServiceUrls
from tests.fakes.database import copied
from tests.fakes.gift_site import GiftSiteFake, open_gift_site


@pytest.fixture(scope="module")
async def site(
    services: ServiceUrls, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GiftSiteFake]:
    """One for all: each test has its own gifts and its own people."""
    async for url in copied(services, make_url(database_template).database or ""):
        urls = ServiceUrls(url, services.redis_url)
        async with open_gift_site(urls, Path(tmp_path_factory.mktemp("gifts"))) as opened:
            yield opened


async def test_one_device_for_many_people_is_kept_out_without_blame(site: GiftSiteFake) -> None:
    room = await site.gives(1000, 9)
    told = await site.look(room)
    for _ in range(4):
        number = site.number()
        asked = await site.posts(room, await site.look(room), number=number)
        told = await site.posts(room, asked, code=await site.code(number))

    assert told.status_code == 429
    assert "As many people as may have opened gifts from this phone or browser" in told.text
    assert "your own phone" in told.text
    assert f"*347*100*9*{room.code}#" in told.text
    assert (await site.stands(room)).taken == 3
    [refusal] = await site.house.core.gift_rooms.refusals(room.tenant_id, room.id, 9)
    assert refusal.why == "device_room"


async def test_browsers_that_keep_no_cookie_are_counted_by_their_address(
    site: GiftSiteFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    guard = site.house.core.gifts._guard
    rules = dataclasses.replace(guard._rules, people_of_address_a_room=2)
    monkeypatch.setattr(guard, "_rules", rules)
    room = await site.gives(1000, 9)
    page = told = await site.look(room)
    for _ in range(3):
        number = site.number()
        site.http.cookies.clear()
        asked = await site.posts(room, page, number=number)
        told = await site.posts(room, asked, code=await site.code(number))

    assert told.status_code == 429
    assert "Allow cookies for this page" in told.text
    assert f"*347*100*9*{room.code}#" in told.text
    assert (await site.stands(room)).taken == 2
    [refusal] = await site.house.core.gift_rooms.refusals(room.tenant_id, room.id, 9)
    assert (refusal.why, refusal.facts) == ("address_room", {"count": 3, "most": 2})
    assert "You won" in (await site.proves(room, site.number())).text  # with a cookie


async def test_a_right_code_that_is_sent_twice_at_once_is_right_both_times(
    site: GiftSiteFake,
) -> None:
    room = await site.gives(1000, 9)
    for _ in range(3):
        number = site.number()
        site.http.cookies.clear()
        asked = await site.posts(room, await site.look(room), number=number)
        code = await site.code(number)

        told = await asyncio.gather(*(site.posts(room, asked, code=code) for _ in range(3)))

        assert ["You won" in each.text for each in told] == [True] * 3
    assert (await site.stands(room)).taken == 3
