"""The public page of a gift: seen by everybody, opened once by whoever proves a number."""

import hashlib
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from bots.gifts.app import BODY_BYTES_MAX
from cli.processes import _web_app
from core.domain.gifts import Claimed, Door, GiftKind, PayOut, Room, RoomState
from core.kit.msisdn import Msisdn
from core.ports import Busy
from core.services.gift_pages import GOOD_FOR, PageRules
from core.services.gift_wishes import LASTS_MAX
from core.services.gifts import Guest
from core.store.embedded import ServiceUrls
from tests.fakes.chat import PIN_HASH
from tests.fakes.database import copied
from tests.fakes.gift_site import EVERYBODY, GiftSiteFake, open_gift_site
from tests.fakes.serving import serve

FORM = {"content-type": "application/x-www-form-urlencoded"}
QUIZ: dict[str, Any] = {
    "kind": GiftKind.QUIZ,
    "question": "Where was I born?",
    "answers": ("Aba", "Jos", "Kano"),
    "answer": 2,
}


@pytest.fixture(scope="module")
async def site(
    services: ServiceUrls, database_template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[GiftSiteFake]:
    """One for all: each test has its own gifts and its own people."""
    async for url in copied(services, make_url(database_template).database or ""):
        urls = ServiceUrls(url, services.redis_url)
        async with open_gift_site(urls, Path(tmp_path_factory.mktemp("gifts"))) as opened:
            yield opened


async def available(site: GiftSiteFake, number: str) -> int:
    customer = await site.customer(number)
    return (await site.house.core.credits.wallet(customer)).available_minor


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
    assert room.commitment in page.text


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


async def test_somebody_new_wins_and_fetches_it_with_a_pin(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 1), site.number()

    won = await site.proves(room, number)

    assert "You won N1,000!" in won.text
    assert f"It waits for {number} until Wed 4 Mar, 09:00." in won.text
    assert f"*347*100*9*{room.code}#" in won.text
    assert "code to open a gift" in (await site.texts(number))[0]
    core, customer = site.house.core, await site.customer(number)
    assert await available(site, number) == 0
    await core.customers.set_pin(customer, PIN_HASH, core.clock.now())
    await core.gifts.registered(customer)
    assert await available(site, number) == 1000_00


async def test_who_has_a_pin_is_paid_at_once(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 2, message=""), await site.registered()

    won = await site.proves(room, number)

    assert f"It is in your wallet, for {number}." in won.text
    assert "Dial this for your wallet:" in won.text
    claim = await site.house.core.gift_rooms.mine_in(
        room.tenant_id, room.id, (await site.customer(number)).id
    )
    assert claim is not None
    assert await available(site, number) == claim.amount_minor


async def test_airtime_is_on_its_way_without_a_pin(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 1, pay_out=PayOut.AIRTIME), site.number()

    won = await site.proves(room, number)

    assert "You won N1,000!" in won.text
    assert f"The airtime is on its way to {number}." in won.text


async def test_a_page_sent_twice_does_everything_once(site: GiftSiteFake) -> None:
    room, number = await site.gives(), site.number()
    page = await site.look(room)
    first = await site.posts(room, page, number=number)
    await site.posts(room, page, number=number)
    assert len(await site.texts(number)) == 1

    code = await site.code(number)
    won, again = [await site.posts(room, first, code=code) for _ in range(2)]

    amount = re.findall(r"You won (N[\d,.]+)!", won.text + again.text)
    assert len(amount) == 2
    assert amount[0] == amount[1]
    assert "when you came before" in again.text
    assert (await site.stands(room)).taken == 1


async def test_who_comes_back_another_day_sees_what_they_got(site: GiftSiteFake) -> None:
    room, number = await site.gives(), site.number()
    won = await site.proves(room, number)
    again = await site.proves(room, number)

    assert re.findall(r"You won [^!]*!", won.text) == re.findall(r"You won [^!]*!", again.text)
    assert "when you came before" in again.text


async def test_a_wrong_code_is_told_and_five_of_them_end_it(site: GiftSiteFake) -> None:
    room, number = await site.gives(), site.number()
    asked = await site.posts(room, await site.look(room), number=number)
    code = await site.code(number)
    wrong = f"{(int(code) + 1) % 10**6:06d}"

    page = asked
    for typed in ("", "12", "abcdef", wrong, wrong, wrong, wrong, wrong):
        page = await site.posts(room, asked, code=typed)
        assert "That code is wrong, or too late." in page.text
        assert number in page.text
    assert "That code is wrong" in (await site.posts(room, asked, code=code)).text

    fresh = await site.posts(room, page, again="1")
    assert "You won" in (await site.posts(room, fresh, code=await site.code(number))).text


async def test_a_code_is_good_for_the_form_that_asked_for_it(site: GiftSiteFake) -> None:
    """A code that was talked out of somebody is no good on another page."""
    room, number = await site.gives(), site.number()
    await site.posts(room, await site.look(room), number=number)
    theirs = await site.code(number)
    page = await site.look(room)
    mine = await site.posts(room, page, number=site.number())
    stolen = await site.posts(room, mine, code=theirs)

    assert "That code is wrong" in stolen.text
    assert (await site.stands(room)).taken == 0


async def test_a_late_code_is_refused(site: GiftSiteFake) -> None:
    room, number = await site.gives(), site.number()
    asked = await site.posts(room, await site.look(room), number=number)
    code = await site.code(number)
    site.house.clock.advance(11 * 60)

    assert "That code is wrong, or too late." in (await site.posts(room, asked, code=code)).text


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ("", "Please enter a mobile number"),
        ("12", "Please enter a mobile number"),
        ("0803 123 45x7", "Please enter a mobile number"),
        ("9" * 40, "Please enter a mobile number"),
        ("+447911123456", "numbers of its own country only"),
    ],
)
async def test_what_is_no_number_of_here_gets_no_code(
    site: GiftSiteFake, number: str, words: str
) -> None:
    room = await site.gives()
    before = len(site.house.letters.sent)

    page = await site.posts(room, await site.look(room), number=number)

    assert words in page.text
    await site.house.work()
    assert len(site.house.letters.sent) == before


async def test_a_form_that_is_late_forged_or_of_another_gift_begins_anew(
    site: GiftSiteFake,
) -> None:
    room, other, number = await site.gives(), await site.gives(), site.number()
    asked = await site.posts(other, await site.look(other), number=number)
    code = await site.code(number)
    words = "This page was open for too long."

    assert words in (await site.posts(room, asked, code=code)).text
    forged = await site.http.post(f"/gift/{room.token}", data={"state": "gAAAA", "code": code})
    assert words in forged.text
    page = await site.look(room)
    site.house.clock.advance(GOOD_FOR.total_seconds())
    assert words in (await site.posts(room, page, number=number)).text
    assert (await site.stands(room)).joined == 0


async def test_a_quiz_is_asked_once_the_number_is_proven(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 1, **QUIZ), site.number()
    assert "Aba" not in (await site.look(room)).text

    asked = await site.proves(room, number)
    assert "Where was I born?" in asked.text
    assert all(answer in asked.text for answer in ("Aba", "Jos", "Kano"))
    for typed in ("", "0", "4", "9", "x"):
        assert (
            "Please choose one of the answers."
            in (await site.posts(room, asked, answer=typed)).text
        )

    assert "You won N1,000!" in (await site.posts(room, asked, answer="2")).text


async def test_a_wrong_answer_is_final(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 1, **QUIZ), site.number()
    asked = await site.proves(room, number)

    assert "No luck this time" in (await site.posts(room, asked, answer="1")).text
    again = await site.posts(room, asked, answer="2")
    assert "No luck this time" in again.text
    assert "when you came before" in again.text


async def test_what_is_typed_is_in_no_url_and_no_log(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 1, **QUIZ), site.number()
    with capture_logs() as logs:
        asked = await site.proves(room, number)
        code = await site.code(number)
        told = await site.posts(room, asked, answer="2")

    assert not told.history
    assert str(told.url).endswith(room.token)
    said = repr(logs)
    assert code not in said
    assert number[1:] not in said
    assert room.token not in said
    assert "'answer'" not in said


async def test_a_draw_gives_a_ticket(site: GiftSiteFake) -> None:
    room = await site.gives(1000, 1, kind=GiftKind.DRAW, seats=2)

    told = await site.proves(room, site.number())

    assert "You are in! Ticket number 1" in told.text
    assert "Lots are drawn when 2 took part, or on Tue 3 Mar" in told.text
    assert "Tickets taken: 1" in told.text
    await site.proves(room, site.number())
    full = await site.look(room)
    assert "All tickets are taken" in full.text
    assert 'name="number"' not in full.text


async def test_a_full_gift_sends_no_code(site: GiftSiteFake) -> None:
    room, late = await site.gives(1000, 1), site.number()
    page = await site.look(room)
    waits = await site.posts(room, await site.look(room), number=site.number())
    await site.proves(room, site.number())

    told = await site.posts(room, page, number=late)

    assert "All shares are won" in told.text
    assert await site.texts(late) == []
    assert 'name="number"' not in (await site.look(room)).text
    assert waits.status_code == 200


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


async def test_the_giver_and_whom_it_is_not_for_are_told(site: GiftSiteFake) -> None:
    invited = site.number()
    listed = (Msisdn("234" + invited[1:]),)
    own = await site.gives()
    closed = await site.gives(door=Door.LISTED, listed=listed)
    fresh = await site.gives(door=Door.NEW)
    before = site.number()
    await site.proves(await site.gives(), before)

    assert "This is your own gift" in (await site.proves(own, "08030000001")).text
    assert "This gift is for other numbers" in (await site.proves(closed, site.number())).text
    assert "You won" in (await site.proves(closed, invited)).text
    assert "This gift is for new people" in (await site.proves(fresh, before)).text


async def test_codes_are_bounded_by_number_address_and_gift(site: GiftSiteFake) -> None:
    room, number, pages = await site.gives(), site.number(), site.house.core.gift_front.pages
    asked = await site.posts(room, await site.look(room), number=number)
    for _ in range(2):
        asked = await site.posts(room, asked, again="1")
    told = await site.posts(room, asked, again="1")
    assert told.status_code == 429
    assert "Too many codes were asked for" in told.text
    assert f"*347*100*9*{room.code}#" in told.text
    try:
        for rules in (
            PageRules(of_address=0, of_room=10**6, of_all=10**6),
            PageRules(of_address=10**6, of_room=0, of_all=10**6),
            PageRules(of_address=10**6, of_room=10**6, of_all=0),
        ):
            pages._rules = rules
            other = site.number()
            told = await site.posts(room, await site.look(room), number=other)
            assert told.status_code == 429
            assert await site.texts(other) == []
    finally:
        pages._rules = EVERYBODY


async def test_one_device_for_many_people_is_kept_out_without_blame(site: GiftSiteFake) -> None:
    room = await site.gives(1000, 9)
    told = await site.look(room)
    for _ in range(4):
        number = site.number()
        asked = await site.posts(room, await site.look(room), number=number)
        told = await site.posts(room, asked, code=await site.code(number))

    assert told.status_code == 429
    assert "we have to slow down" in told.text
    assert (await site.stands(room)).taken == 3
    [refusal] = await site.house.core.gift_rooms.refusals(room.tenant_id, room.id, 9)
    assert refusal.why == "device_room"


async def test_where_too_many_come_the_same_form_is_good_again(
    site: GiftSiteFake, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, number = await site.gives(), site.number()
    gifts = site.house.core.gift_front.pages._gifts
    real = gifts.claim

    async def busy(room: Room, guest: Guest) -> Claimed:
        raise Busy

    monkeypatch.setattr(gifts, "claim", busy)
    told = await site.proves(room, number)
    assert told.status_code == 503
    assert "nothing is lost" in told.text

    monkeypatch.setattr(gifts, "claim", real)
    assert "You won" in (await site.posts(room, told)).text


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

    assert "The giver has ended this gift" in page
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
    assert "Choose a PIN in time and it is paid." in page
    assert f"*347*100*9*{room.code}#" in page


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


async def test_viewers_are_bounded(site: GiftSiteFake) -> None:
    room = await site.gives()
    places = [site.live.stream(room, lambda room: "") for _ in range(3)]

    refused = await site.http.get(f"/gift/{room.token}/events")

    assert refused.status_code == 503
    assert (await site.look(room)).status_code == 200
    for place in places:
        assert place is not None
        site.live.leave(place._watch)
    assert site.live.viewers == 0


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
