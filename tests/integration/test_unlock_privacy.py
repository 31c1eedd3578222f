"""The page where a PIN is given: small, private, and nothing of a PIN kept anywhere."""

import contextlib
import io
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
import redis.asyncio as redis
import structlog

from core.domain.turns import Channel
from core.kit import crash, ids, logging
from core.services.unlocking import Tries, chat_link
from core.store.embedded import ServiceUrls
from tests.fakes.chat import PIN, Person
from tests.fakes.unlocking import WRONG, Site, asked, next_link, open_site
from tests.fakes.valkey import own_valkey


@pytest.fixture
async def site(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[Site]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_site(urls, tmp_path) as opened:
        opened.house.core.unlocking._tries = Tries(by_address=10**6)
        yield opened


@pytest.fixture
async def ada(site: Site) -> Person:
    return await site.house.person("2348031234567", naira=1000)


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
