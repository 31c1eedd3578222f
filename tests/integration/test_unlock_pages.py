"""A PIN given on a page of its own: taken once, and shown in the chat."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from unittest.mock import AsyncMock

import httpx
import pytest
import redis.asyncio as redis
from markupsafe import escape
from starlette.applications import Starlette

from bots.links import BODY_BYTES_MAX, Slowness, routes
from core.domain.unlocking import Asking
from core.kit import crash
from core.services.unlocking import GOOD_FOR_S, Tries
from core.store.embedded import ServiceUrls
from tests.fakes.chat import PIN, Person
from tests.fakes.promises import Died
from tests.fakes.serving import serve
from tests.fakes.unlocking import FORM, WRONG, Site, asked, link_of, next_link, open_site


@pytest.fixture
async def site(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_site(urls, tmp_path) as opened:
        opened.house.core.unlocking._tries = Tries(by_address=10**6)
        yield opened


@pytest.fixture
async def ada(site: Site) -> Person:
    return await site.house.person("2348031234567", naira=1000)


async def test_the_right_pin_pays_and_the_chat_shows_it_at_once(site: Site, ada: Person) -> None:
    path = await asked(ada)

    page = await site.give(path, PIN)

    assert page.status_code == 200
    assert "Go back to your chat" in page.text
    before = len(ada.screens)
    await site.house.work()
    assert len(ada.screens) == before + 1
    assert not ada.screen.secret
    await site.settle()
    assert [vend.amount.minor for vend in site.house.seller.delivered.values()] == [500_00]
    assert await ada.money() == (500, 0)


async def test_looking_uses_nothing_up(site: Site, ada: Person) -> None:
    path = await asked(ada)
    for _ in range(3):
        assert (await site.http.head(path)).status_code == 200
        page = await site.http.get(path)
        assert "N500 MTN airtime for 08031234567. You pay N500.\nEnter your PIN:" in page.text

    assert (await site.give(path, PIN)).status_code == 200
    await site.settle()
    assert len(site.house.seller.delivered) == 1


async def test_a_wrong_pin_gets_another_try_on_the_same_page(site: Site, ada: Person) -> None:
    path = await asked(ada)

    page = await site.give(path, WRONG)

    assert page.status_code == 200
    assert "You pay N500.\nWrong PIN. Tries left: 2" in page.text
    assert next_link(page) != path
    assert WRONG not in page.text
    assert (await site.give(path, PIN)).status_code == 410
    await site.house.work()
    assert "Tries left: 2" in ada.screen.body
    assert "Go back to your chat" in (await site.give(next_link(page), PIN)).text
    await site.settle()
    assert len(site.house.seller.delivered) == 1


async def test_what_is_paid_is_words_on_the_page_whoever_wrote_them(
    site: Site, ada: Person
) -> None:
    name = '<b>"Cafe" & Co</b>'
    shown = f"{name} airtime. You pay N500.\nEnter your PIN:"
    asking = Asking("t", "en", "", shown, (4, 4))
    site.house.core.unlocking.look = AsyncMock(return_value=asking)  # type: ignore[method-assign]

    page = await site.http.get(await asked(ada))

    assert escape(shown) in page.text
    assert name not in page.text


async def test_three_wrong_pins_lock_and_lead_back_to_the_chat(site: Site, ada: Person) -> None:
    path = await asked(ada)
    for _ in range(2):
        path = next_link(await site.give(path, WRONG))

    page = await site.give(path, WRONG)

    assert "Go back to your chat" in page.text
    await site.house.work()
    assert "Too many wrong PINs" in ada.screen.body
    assert site.house.seller.delivered == {}


async def test_a_new_pin_is_chosen_and_repeated_on_the_page(site: Site, ada: Person) -> None:
    await ada.starts()
    await ada.says("pin")
    await ada.says("1")
    page = await site.give(link_of(ada), PIN)
    assert "Choose a PIN of 4 digits" in page.text
    page = await site.give(next_link(page), "7391")
    assert "once more" in page.text

    page = await site.give(next_link(page), "7391")

    assert "Go back to your chat" in page.text
    await site.house.work()
    assert "Your PIN is set" in ada.screen.body


async def test_of_many_answers_at_once_one_is_taken(site: Site, ada: Person) -> None:
    path = await asked(ada)

    pages = await asyncio.gather(*(site.give(path, PIN) for _ in range(8)))

    assert sorted(page.status_code for page in pages) == [200] + [410] * 7
    await site.settle()
    assert len(site.house.seller.delivered) == 1
    assert await ada.money() == (500, 0)


async def test_of_two_links_to_one_screen_one_is_good(site: Site, ada: Person) -> None:
    """The chat showed the screen twice: whichever button was used, the other is over."""
    first = await asked(ada)
    await ada.nudged()
    second = link_of(ada)
    assert second != first

    await site.give(second, PIN)

    assert (await site.http.get(first)).status_code == 410
    assert (await site.give(first, PIN)).status_code == 410
    await site.settle()
    assert len(site.house.seller.delivered) == 1


async def test_a_link_that_is_late_says_so_kindly(site: Site, ada: Person) -> None:
    path = await asked(ada)
    site.house.clock.advance(GOOD_FOR_S - 1)
    assert (await site.http.get(path)).status_code == 200
    site.house.clock.advance(1)

    for page in (await site.http.get(path), await site.give(path, PIN)):
        assert page.status_code == 410
        assert "Go back to your chat for a new one." in page.text
    assert site.house.seller.delivered == {}


async def test_a_screen_that_moved_on_is_not_answered(site: Site, ada: Person) -> None:
    path = await asked(ada)
    await ada.starts()

    for page in (await site.http.get(path), await site.give(path, PIN)):
        assert page.status_code == 410
        assert "answered already" in page.text
    assert site.house.seller.delivered == {}


@pytest.mark.parametrize(
    "typed",
    ["", "   ", "12", "123456789", "12a4", "-194", "٦١٩٤", "6" * 900],
)
async def test_what_can_be_no_pin_uses_nothing_up(site: Site, ada: Person, typed: str) -> None:
    path = await asked(ada)

    page = await site.give(path, typed)

    assert page.status_code == 200
    assert "Please enter digits only, 4 of them." in page.text
    assert next_link(page) == path
    assert (await site.give(path, f" {PIN[:2]} {PIN[2:]} ")).status_code == 200
    await site.settle()
    assert len(site.house.seller.delivered) == 1


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        pytest.param({"content-type": "application/json"}, b'{"pin":"6194"}', 415, id="json"),
        pytest.param({}, b"pin=6194", 415, id="no content type"),
        pytest.param(FORM | {"origin": "https://evil.example"}, b"pin=6194", 403, id="foreign"),
        pytest.param(FORM | {"sec-fetch-site": "cross-site"}, b"pin=6194", 403, id="cross-site"),
        pytest.param(FORM, b"pin=" + b"6" * BODY_BYTES_MAX, 413, id="too long"),
        pytest.param(FORM, b"\xff\xfe=%&&&&&&", 200, id="bytes"),
        pytest.param(FORM, b"a=1&b=2&c=3&d=4&e=5&pin=6194", 200, id="many fields"),
    ],
)
async def test_what_is_not_from_the_page_is_refused_in_words(
    site: Site, ada: Person, headers: dict[str, str], body: bytes, status: int
) -> None:
    path = await asked(ada)

    page = await site.http.post(path, content=body, headers=headers)

    assert page.status_code == status
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "</html>" in page.text
    assert (await site.http.get(path)).status_code == 200
    assert site.house.seller.delivered == {}


@pytest.mark.parametrize("origin", ["null", "", "http://127.0.0.1:8000"])
async def test_our_own_page_is_heard_whatever_origin_it_tells(
    site: Site, ada: Person, origin: str
) -> None:
    """Under `no-referrer` a browser tells none."""
    path = await asked(ada)
    headers = FORM | ({"origin": origin} if origin else {})

    page = await site.http.post(path, content=f"pin={PIN}", headers=headers)

    assert page.status_code == 200
    assert "Done" in page.text


async def test_who_tries_tokens_is_slowed_and_customers_are_not(
    site: Site, ada: Person, services: ServiceUrls
) -> None:
    async with redis.Redis.from_url(services.redis_url) as client:
        async for key in client.scan_iter(match="callbox:tries:*"):
            await client.delete(key)
    site.house.core.unlocking._tries = Tries(by_address=5)
    path = await asked(ada)

    tried = [await site.http.get(f"/p/{n:032d}") for n in range(7)]
    odd = await site.http.get("/p/x")

    assert [page.status_code for page in tried] == [404] * 5 + [429] * 2
    assert odd.status_code == 429
    assert (await site.http.get(path)).status_code == 200


async def test_a_404_takes_the_longer_the_more_often_it_is_asked_for(site: Site) -> None:
    pages = routes(
        site.house.core.unlocking, site.house.core.texts, outside_url="", slowness=Slowness(0.05, 9)
    )
    loop = asyncio.get_running_loop()
    async with (
        serve(Starlette(routes=pages)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        await http.get("/p/first")
        await http.get("/p/second")
        began = loop.time()
        await http.get("/p/third")

    assert loop.time() - began >= 0.15


async def test_a_link_and_a_person_have_so_many_tries(site: Site, ada: Person) -> None:
    path = await asked(ada)
    site.house.core.unlocking._tries = Tries(by_token=2)
    looks = [(await site.http.get(path)).status_code for _ in range(3)]
    assert looks == [200, 200, 429]

    site.house.core.unlocking._tries = Tries(by_person=1)
    page = await site.give(await asked(ada), WRONG)
    assert (await site.give(next_link(page), PIN)).status_code == 429
    assert site.house.seller.delivered == {}


@pytest.mark.parametrize("point", ["unlock.nudged", "turn.saved", "unlock.taken"])
async def test_whatever_dies_the_chat_shows_where_the_person_stands(
    site: Site, ada: Person, point: str
) -> None:
    path = await asked(ada)
    before = len(ada.screens)

    def bomb(name: str) -> None:
        if name == point:
            raise Died(name)

    with crash.watched(bomb), contextlib.suppress(httpx.HTTPError):
        await site.give(path, PIN)
    await site.house.work()
    site.house.clock.advance(11)
    await site.house.work()

    assert len(ada.screens) == before + 1
    if ada.screen.out_of_sight:
        await site.give(link_of(ada), PIN)
    await site.settle()
    assert len(site.house.seller.delivered) == 1
    assert await ada.money() == (500, 0)
