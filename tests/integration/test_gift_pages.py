"""The public page of a gift, as everybody sees it: before, as it goes, and after the end."""

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from sqlalchemy import make_url

from bots.gifts.app import BODY_BYTES_MAX
from bots.gifts.live import LiveRules
from cli.processes import _web_app
from core.domain import chance
from core.domain.gifts import GiftKind, PayOut, Room, RoomState
from core.jobs.gifts import GiftDraws
from core.ports import Event
from core.services.cases import NoAlerts
from core.services.gift_wishes import LASTS_MAX
from core.store.embedded import ServiceUrls
from tests.fakes.database import copied
from tests.fakes.gift_site import QUICK, GiftSiteFake, open_gift_site
from tests.fakes.serving import serve

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
async def site(
    services: ServiceUrls, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GiftSiteFake]:
    """One for all: each test has its own gifts and its own people."""
    async for url in copied(services, make_url(database_template).database or ""):
        urls = ServiceUrls(url, services.redis_url)
        async with open_gift_site(urls, Path(tmp_path_factory.mktemp("gifts"))) as opened:
            yield opened


async def cancelled(site: GiftSiteFake, room: Room) -> Room:
    desk = site.house.core.gift_desk
    return await desk.cancel(room.tenant_id, room.id, reason="a test", actor="test")


async def test_everybody_sees_who_gives_and_how_to_open_it(site: GiftSiteFake) -> None:
    room = await site.gives(5000, 10, message="Enjoy <b>it</b>!")

    page = await site.look(room)

    assert page.status_code == 200
    for words in ("Emeka has a gift for you", "N5,000", "to share among 10 people"):
        assert words in page.text
    assert "Enjoy &lt;b&gt;it&lt;/b&gt;!" in page.text
    assert "0 of 10 won" in page.text
    assert f"*347*100*9*{room.code}#" in page.text
    assert f'href="tel:*347*100*9*{room.code}%23"' in page.text
    assert f"https://t.me/callbox_demo_bot?start=gift-{room.code}" in page.text
    assert "https://wa.me/?text=" in page.text
    assert f"https://wa.me/15550000001?text=gift%20{room.code}" in page.text
    assert room.commitment in page.text


async def test_emoji_and_other_letters_are_shown_as_they_were_typed(site: GiftSiteFake) -> None:
    words = "Happy day \U0001f389 \u1eb8 k\u00fa"
    room = await site.gives(5000, 10, message=words)

    assert words in (await site.look(room)).text


async def test_the_page_is_small_and_asks_nobody_else(site: GiftSiteFake) -> None:
    room = await site.gives()
    parts = [await site.look(room)]
    parts += [await site.http.get(f"/gift/{name}") for name in ("icon.svg", "style.css", "live.js")]

    assert sum(len(part.content) for part in parts) < 30_000
    linked = re.findall(r'(?:src|<link[^>]*href)="([^"]+)"', parts[0].text)
    assert linked == ["icon.svg", "style.css", "live.js"]
    headers = parts[0].headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "=>" not in parts[3].text
    assert not re.search(r"\b(let|const|async)\b|`", parts[3].text)


async def test_the_cookie_tells_devices_apart_and_nothing_else(site: GiftSiteFake) -> None:
    room = await site.gives()
    site.http.cookies.clear()

    given = (await site.look(room)).headers["set-cookie"]

    assert re.match(r"callbox_device=[\w-]{22}; HttpOnly; .*Path=/gift; SameSite=lax", given)
    assert "set-cookie" not in (await site.look(room)).headers


async def test_previews_get_a_title_and_a_picture(site: GiftSiteFake) -> None:
    room = await site.gives(shares=1)
    page = (await site.look(room)).text
    told = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', page))

    assert told["title"] == "Emeka has a gift for you"
    assert told["description"] == "N1,000 for one person. Open it before it is gone!"
    assert told["image"].endswith(f"/gift/{room.token}/picture.png")
    picture = await site.http.get(httpx.URL(told["image"]).path)
    assert picture.headers["content-type"] == "image/png"
    assert picture.headers["cache-control"] == "public, max-age=300"
    known = {"if-none-match": picture.headers["etag"]}
    assert (await site.http.get(f"/gift/{room.token}/picture.png", headers=known)).content == b""


@pytest.mark.parametrize("token", ["x", "A" * 22, "%00" * 22, "é" * 11, "." * 22])
async def test_an_unknown_gift_is_told_kindly(site: GiftSiteFake, token: str) -> None:
    for path in (f"/gift/{token}", f"/gift/{token}/picture.png", f"/gift/{token}/events"):
        assert (await site.http.get(path)).status_code == 404
    page = await site.http.get(f"/gift/{token}")
    assert "There is no gift here" in page.text
    posted = await site.http.post(f"/gift/{token}", data={"state": "x"})
    assert posted.status_code == 404


async def test_a_gift_that_stops_meanwhile_says_so(site: GiftSiteFake) -> None:
    room, number = await site.gives(), site.number()
    asked = await site.posts(room, await site.look(room), number=number)
    desk = site.house.core.gift_desk
    await desk.freeze(room.tenant_id, room.id, frozen=True, reason="a test", actor="test")

    assert "Please come back later" in (await site.look(room)).text
    told = await site.posts(room, asked, code=await site.code(number))
    assert "is being looked at" in told.text
    await desk.freeze(room.tenant_id, room.id, frozen=False, reason="a test", actor="test")
    assert "You won" in (await site.proves(room, number)).text


async def test_a_failure_of_ours_tells_nothing_of_its_cause(
    site: GiftSiteFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await site.gives()

    async def fail(*_: object) -> None:
        raise RuntimeError("postgresql://callbox:hunter2@db")

    monkeypatch.setattr(site.house.core.gift_rooms, "by_token", fail)

    page = await site.look(room)
    assert page.status_code == 503
    assert "Something went wrong on our side" in page.text
    assert "hunter2" not in page.text
    for beside in ("events", "picture.png", "result.png"):
        answer = await site.http.get(f"/gift/{room.token}/{beside}")
        assert (answer.status_code, answer.content) == (503, b"")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        pytest.param({"content-type": "application/json"}, b"{}", 415, id="json"),
        pytest.param(FORM | {"origin": "https://evil.example"}, b"state=x", 403, id="foreign"),
        pytest.param(FORM | {"sec-fetch-site": "cross-site"}, b"state=x", 403, id="cross-site"),
        pytest.param(FORM, b"state=" + b"x" * BODY_BYTES_MAX, 413, id="too long"),
        pytest.param(FORM, b"\xff\xfe", 400, id="bytes"),
        pytest.param(FORM, b"&".join(b"a=1" for _ in range(20)), 400, id="many fields"),
        pytest.param(FORM, b"", 200, id="nothing"),
    ],
)
async def test_what_is_no_form_of_ours_is_refused_in_words(
    site: GiftSiteFake, headers: dict[str, str], body: bytes, status: int
) -> None:
    room = await site.gives()

    page = await site.http.post(f"/gift/{room.token}", content=body, headers=headers)

    assert page.status_code == status
    assert "</html>" in page.text


async def test_after_the_end_winners_are_masked_and_chance_is_opened(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 3), await site.registered()
    await site.proves(room, number)
    assert (await site.http.get(f"/gift/{room.token}/result.png")).status_code == 404
    open_page = (await site.look(room)).text

    over = await cancelled(site, room)
    page = (await site.look(room)).text

    assert "This gift was ended early" in page
    assert "The giver has ended" not in page  # an operator did
    assert "1 of 3 won. 1 took part." in page
    assert f"{number[:4]}****{number[-3:]}" in page
    assert number not in page
    assert "went back to the giver." in page
    assert 'name="number"' not in page
    assert hashlib.sha256(bytes.fromhex(over.seed)).hexdigest() == room.commitment
    assert over.seed in page
    assert over.seed not in open_page
    picture = await site.http.get(f"/gift/{room.token}/result.png")
    assert picture.content.startswith(b"\x89PNG")


async def test_winners_who_have_not_fetched_theirs_hear_how(site: GiftSiteFake) -> None:
    room = await site.gives(1000, 2)
    await site.proves(room, site.number())
    await cancelled(site, room)

    page = (await site.look(room)).text

    assert "waits</span>" in page
    assert re.search(r"N[\d,.]+ waits for winners to choose a PIN", page)
    assert "Choose a PIN in time and it is paid." in page
    assert f"*347*100*9*{room.code}#" in page


async def test_airtime_is_shown_as_it_stands(site: GiftSiteFake) -> None:
    """To everybody after the end, and to its winner who comes back."""
    room, number = await site.gives(1000, 2, pay_out=PayOut.AIRTIME), site.number()
    rooms = site.house.core.gift_rooms
    await site.proves(room, number)
    await cancelled(site, room)
    assert "airtime, on its way</span>" in (await site.look(room)).text

    [due] = [each for each in await rooms.due_airtime(99, 60) if each.room_id == room.id]
    await rooms.airtime_ordered(due, "")

    page = (await site.look(room)).text
    assert "as wallet money</span>" in page
    assert "on its way" not in page


async def test_chance_is_done_again_from_the_page_alone(site: GiftSiteFake) -> None:
    """Of airtime as well, whose shares are whole in naira and hold a least."""
    room = await site.gives(1000, 2, pay_out=PayOut.AIRTIME, kind=GiftKind.DRAW, seats=2)
    core = site.house.core
    for _ in range(2):
        await site.proves(room, site.number())
    draws = GiftDraws(core.gift_rooms, core.keyring, NoAlerts(), core.clock, lease_s=60)
    for due in await draws.due(99):
        await draws.draw(due)

    page = (await site.look(room)).text

    [said] = re.findall(r"callbox gifts verify (--seed [^<]+)", page)
    given = dict(zip(said.split()[::2], said.split()[1::2], strict=True))
    told = chance.split(
        int(given["--total"]),
        int(given["--shares"]),
        bytes.fromhex(given["--seed"]),
        floor=int(given["--floor"]),
        unit=int(given["--unit"]),
    )
    tickets = chance.draw(bytes.fromhex(given["--seed"]), int(given["--tickets"]), 2)
    won = await core.gift_rooms.winners(room.tenant_id, room.id, 9)
    assert {each.ticket: each.amount_minor for each in won} == dict(zip(tickets, told, strict=True))


async def test_a_winner_of_airtime_that_could_not_be_sent_is_told_so(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 2, pay_out=PayOut.AIRTIME), site.number()
    rooms = site.house.core.gift_rooms
    first = await site.proves(room, number)
    assert "Dial this for your wallet" not in first.text
    [due] = [each for each in await rooms.due_airtime(99, 60) if each.room_id == room.id]
    await rooms.airtime_ordered(due, "")

    again = await site.proves(room, number)

    assert "the money went to your wallet" in again.text
    assert "Dial this for your wallet" in again.text
    assert "on its way" not in again.text


async def test_a_winner_of_a_frozen_gift_is_told_that_it_waits(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 2), site.number()
    asked = await site.posts(room, await site.look(room), number=number)
    code = await site.code(number)
    await site.posts(room, asked, code=code)
    event = Event(str(room.id), "gift.frozen", "operator", {})
    await site.house.core.gift_rooms.freeze(room.tenant_id, room.id, frozen=True, event=event)

    again = await site.posts(room, asked, code=code)

    assert "it waits for" in again.text
    assert "Choose a PIN by then" not in again.text
    assert "Open until" not in again.text
    assert "being looked at, and goes on after that" in (await site.look(room)).text


async def test_the_web_process_serves_it(site: GiftSiteFake) -> None:
    room = await site.gives()
    async with (
        serve(_web_app(site.house.core, site.live)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        pages = [await http.get(f"/gift/{part}") for part in (room.token, "style.css", "x")]

    assert [page.status_code for page in pages] == [200, 200, 404]


async def test_progress_is_told_as_it_happens_until_the_end(site: GiftSiteFake) -> None:
    room = await site.gives(1000, 2)
    said: list[str] = []
    async with site.http.stream("GET", f"/gift/{room.token}/events") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        async for line in events.aiter_lines():
            if not line.startswith("data: "):
                continue
            said.append(line)
            if len(said) == 1:
                await site.proves(room, site.number())
            elif len(said) == 2:
                await cancelled(site, room)

    assert '"said": "0 of 2 won"' in said[0]
    assert '"percent": 50' in said[1]
    assert '"over": true' in said[-1]
    assert site.live.viewers == 0


@pytest.mark.parametrize(("address", "of_address"), [("elsewhere", 64), ("127.0.0.1", 3)])
async def test_viewers_are_bounded_and_others_ask_now_and_then(
    site: GiftSiteFake, address: str, of_address: int
) -> None:
    room = await site.gives()
    rules = LiveRules(viewers_max=3 if of_address > 3 else 64, of_address_max=of_address)
    site.live._rules = rules
    places = [site.live.stream(room, lambda room: "", address) for _ in range(3)]

    refused = await site.http.get(f"/gift/{room.token}/events")
    now = await site.http.get(f"/gift/{room.token}/now")

    assert refused.status_code == 503
    assert (now.status_code, now.json()["said"]) == (200, "0 of 2 won")
    assert now.headers["cache-control"] == "no-store"
    assert (await site.look(room)).status_code == 200
    for place in places:
        assert place is not None
        site.live.leave(place._watch, address)
    assert site.live.viewers == 0
    site.live._rules = QUICK


async def test_an_expired_gift_is_over_before_anybody_ended_it(site: GiftSiteFake) -> None:
    room = await site.gives()
    assert (await site.stands(room)).state is RoomState.OPEN
    frozen = await site.gives()
    desk = site.house.core.gift_desk
    await desk.freeze(frozen.tenant_id, frozen.id, frozen=True, reason="a test", actor="test")
    drawn = await site.gives(kind=GiftKind.DRAW)
    site.house.clock.advance(LASTS_MAX.total_seconds())

    assert "This gift is over" in (await site.look(room)).text
    assert "Please come back later" in (await site.look(frozen)).text
    assert "Lots are being drawn" in (await site.look(drawn)).text
