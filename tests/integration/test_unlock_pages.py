"""A PIN given on a page of its own: taken once, shown in the chat, and kept nowhere."""

import asyncio
import contextlib
import datetime as dt
import io
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg
import httpx
import pytest
import redis.asyncio as redis
import structlog
from starlette.applications import Starlette

from bots.links import BODY_BYTES_MAX, Slowness, routes
from core.domain.turns import Channel
from core.kit import crash, ids, logging
from core.kit.clock import SetClock
from core.services.unlocking import GOOD_FOR_S, Tries, chat_link
from core.store.embedded import ServiceUrls
from tests.fakes.chat import PIN, House, Person, open_house
from tests.fakes.promises import Died
from tests.fakes.serving import serve
from tests.fakes.valkey import own_valkey

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
WRONG = "2847"
FORM = {"content-type": "application/x-www-form-urlencoded"}
AT_ONCE = Slowness(0.0, 0.0)


@dataclass
class Site:
    """The web application's pages, a way there, and the people of a house."""

    house: House
    http: httpx.AsyncClient

    async def give(self, path: str, pin: str) -> httpx.Response:
        return await self.http.post(path, data={"pin": pin})

    async def settle(self) -> None:
        self.house.clock.advance(2)
        await self.house.work()


@contextlib.asynccontextmanager
async def open_site(urls: ServiceUrls, home: Path) -> AsyncIterator[Site]:
    async with open_house(urls, home, SetClock(MORNING)) as house:
        pages = routes(
            house.core.unlocking,
            house.core.texts,
            outside_url=house.core.settings.outside_url,
            slowness=AT_ONCE,
        )
        async with (
            serve(Starlette(routes=pages)) as url,
            httpx.AsyncClient(base_url=url, timeout=20, trust_env=False) as http,
        ):
            yield Site(house, http)


@pytest.fixture
async def site(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_site(urls, tmp_path) as opened:
        opened.house.core.unlocking._tries = Tries(by_address=10**6)
        yield opened


@pytest.fixture
async def ada(site: Site) -> Person:
    return await site.house.person("2348031234567", naira=1000)


def link_of(person: Person) -> str:
    """The path of the link that the person was sent last."""
    mine = [each for each in person.house.notebook.shown if each.identity == person.identity]
    return urlsplit(mine[-1].moment.unlock_url).path


async def asked(person: Person) -> str:
    """On to where the PIN is asked for N500 of airtime; the path of the link."""
    await person.starts("say_airtime")
    await person.says("1")
    await person.says("500")
    await person.presses("pay")
    assert person.screen.out_of_sight
    return link_of(person)


def next_link(page: httpx.Response) -> str:
    found = re.search('action="([^"]+)"', page.text)
    assert found, page.text
    return f"/p/{found[1]}"


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
        assert "Enter your PIN:" in page.text

    assert (await site.give(path, PIN)).status_code == 200
    await site.settle()
    assert len(site.house.seller.delivered) == 1


async def test_a_wrong_pin_gets_another_try_on_the_same_page(site: Site, ada: Person) -> None:
    path = await asked(ada)

    page = await site.give(path, WRONG)

    assert page.status_code == 200
    assert "Wrong PIN. Tries left: 2" in page.text
    assert next_link(page) != path
    assert WRONG not in page.text
    assert (await site.give(path, PIN)).status_code == 410
    await site.house.work()
    assert "Tries left: 2" in ada.screen.body
    assert "Go back to your chat" in (await site.give(next_link(page), PIN)).text
    await site.settle()
    assert len(site.house.seller.delivered) == 1


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
    assert "Please enter digits only, 3 to 8 of them." in page.text
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


async def test_the_page_is_small_and_needs_nothing_from_elsewhere(site: Site, ada: Person) -> None:
    """No script, no address of another site, nothing that browsers of 2011 do not know."""
    path = await asked(ada)
    wrong = await site.give(path, WRONG)
    style = await site.http.get("/p/style.css")
    assert style.headers["content-type"].startswith("text/css")

    for page in (wrong, await site.http.get(next_link(wrong))):
        assert len(page.content) + len(style.content) < 6000
        assert "<script" not in page.text
        assert "javascript:" not in page.text
        assert not re.search(r"(?:https?:)?//", page.text)
        assert 'inputmode="numeric"' in page.text
        assert 'type="password"' in page.text
        assert 'pattern="[0-9]*"' in page.text
    assert not re.search(r"flex|grid|var\(|url\(|@import|https?:", style.text)


async def test_every_answer_is_private(site: Site, ada: Person) -> None:
    path = await asked(ada)
    answers = [
        await site.http.get(path),
        await site.http.get("/p/nothing"),
        await site.give(path, "x"),
        await site.http.post(path, content=b"{}"),
        await site.give(path, PIN),
        await site.give(path, PIN),
    ]

    assert [page.status_code for page in answers] == [200, 404, 200, 415, 200, 410]
    for page in answers:
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'self';")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-frame-options"] == "DENY"
        assert "noindex" in page.headers["x-robots-tag"]


async def test_words_are_escaped(site: Site, ada: Person) -> None:
    path = await asked(ada)
    texts = site.house.core.texts
    kept = texts._texts["en"]["pin.enter"]
    try:
        evil = "<b onload=x>&"
        texts._texts["en"]["pin.enter"] = replace(kept, source=evil, parts=((evil, None),))
        page = await site.http.get(path)
    finally:
        texts._texts["en"]["pin.enter"] = kept

    assert "&lt;b onload=x&gt;&amp;" in page.text


async def test_no_pin_and_no_token_is_kept_or_logged(
    services: ServiceUrls, database_url: str, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    """Through a wrong PIN, a fault of ours with the secret in hand, and the right one."""
    written = io.StringIO()
    config = structlog.get_config()
    async with own_valkey() as server:
        with contextlib.redirect_stderr(written):
            logging.configure(json=True, level="DEBUG")
            structlog.configure(cache_logger_on_first_use=False)
            try:
                async with open_site(ServiceUrls(database_url, server.url), tmp_path) as site:
                    tokens = await _a_bad_day(site)
            finally:
                structlog.configure(**config)
        async with redis.Redis.from_url(server.url) as client:
            kept = b""
            async for key in client.scan_iter():
                value = await client.get(key)
                kept += key + b"=" + (value or b"") + b"\n"
    inbox = str(await owner.fetch("select * from inbox"))

    assert "unlock.page_failed" in written.getvalue()
    assert b"callbox:unlock:" in kept
    for secret in ("61 94", "6194", WRONG, *tokens):
        assert secret not in written.getvalue()
        assert secret not in inbox
        assert not re.search(rf"(?<![0-9A-Za-z.]){secret}(?![0-9A-Za-z])".encode(), kept)


async def _a_bad_day(site: Site) -> list[str]:
    ada = await site.house.person("2348031234567", naira=1000)
    paths = [await asked(ada)]
    paths.append(next_link(await site.give(paths[-1], WRONG)))

    def bomb(name: str) -> None:
        if name == "unlock.taken":
            raise RuntimeError("a fault of ours")

    with crash.watched(bomb):
        page = await site.give(paths[-1], PIN)
    assert page.status_code == 503
    assert "You will not pay twice" in page.text
    await site.settle()
    assert len(site.house.seller.delivered) == 1
    return [path.removeprefix("/p/") for path in paths]


async def test_while_redis_is_away_the_page_says_so(
    services: ServiceUrls, database_url: str, tmp_path: Path
) -> None:
    async with (
        own_valkey() as server,
        open_site(ServiceUrls(database_url, server.url), tmp_path) as site,
    ):
        path = await asked(await site.house.person("2348031234567", naira=1000))
        server.stop()

        page = await site.give(path, PIN)

        assert page.status_code == 503
        assert "Sorry" in page.text
        await server.start()
    assert site.house.seller.delivered == {}


@pytest.mark.parametrize(
    ("kind", "settings", "link"),
    [
        ("telegram", {"username": "callbox_demo_bot"}, "https://t.me/callbox_demo_bot"),
        ("telegram", {}, ""),
        ("telegram", {"username": "a/../b"}, "https://t.me/a%2F..%2Fb"),
        ("whatsapp", {"number": "+234 803 123 4567"}, "https://wa.me/2348031234567"),
        ("whatsapp", {"username": "x"}, ""),
        ("whatsapp", {"chat_link": "http://127.0.0.1:8001/phone"}, "http://127.0.0.1:8001/phone"),
        ("telegram", {"chat_link": "javascript:alert(1)"}, ""),
    ],
)
def test_the_way_back_to_the_chat(kind: str, settings: dict[str, object], link: str) -> None:
    channel = Channel(ids.uuid7(), ids.uuid7(), kind, kind, "demo", settings=settings)

    assert chat_link(channel) == link
