"""A gift opened on its page, once, by whoever proves a number."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url
from structlog.testing import capture_logs

from core.domain.gifts import Claimed, Door, GiftKind, PayOut, Room
from core.kit.crypto import Keyring
from core.kit.msisdn import Msisdn
from core.ports import AlertKind, Busy, Paging
from core.ports.health import AlertRecord
from core.services.gift_pages import GOOD_FOR, PageRules
from core.services.gifts import Guest
from core.store.embedded import ServiceUrls
from tests.fakes.chat import PIN_HASH
from tests.fakes.database import copied
from tests.fakes.gift_site import EVERYBODY, GiftSiteFake, open_gift_site

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


async def test_another_code_is_told_of(site: GiftSiteFake) -> None:
    room, number = await site.gives(), site.number()
    asked = await site.posts(room, await site.look(room), number=number)

    again = await site.posts(room, asked, again="1")

    words = f"We sent another code to {number}"
    assert (words in asked.text, words in again.text) == (False, True)
    assert words not in (await site.posts(room, again, code="")).text
    assert len(await site.texts(number)) == 2


@pytest.mark.parametrize("ends", ["late", "wrong"])
async def test_the_page_sent_again_once_its_code_is_over_sends_another(
    site: GiftSiteFake, ends: str
) -> None:
    """What the page says is true: a code left, and the one that is over stays so."""
    room, number = await site.gives(1000, 3), await site.registered()
    site.http.cookies.clear()
    page = await site.look(room)
    asked = await site.posts(room, page, number=number)
    old = await site.code(number)
    match ends:
        case "late":
            site.house.clock.advance(11 * 60)
        case "wrong":
            for wrong in ("000001", "000002", "000003"):
                await site.posts(room, asked, code=wrong)

    again = await site.posts(room, page, number=number)
    sent = await site.texts(number)
    refused = await site.posts(room, again, code=old)
    won = await site.posts(room, again, code=await site.code(number))

    assert len(sent) == 2
    assert "You won" not in refused.text
    assert "You won" in won.text


async def test_a_stranger_who_types_the_number_ends_nobodys_code(site: GiftSiteFake) -> None:
    room, number = await site.gives(1000, 3), await site.registered()
    site.http.cookies.clear()
    mine = await site.posts(room, await site.look(room), number=number)
    code, cookies = await site.code(number), dict(site.http.cookies)

    site.http.cookies.clear()
    for _ in range(3):
        theirs = await site.posts(room, await site.look(room), number=number)
        for wrong in (code, "000001", "000002"):
            assert "You won" not in (await site.posts(room, theirs, code=wrong)).text

    site.http.cookies.clear()
    site.http.cookies.update(cookies)
    assert "You won" in (await site.posts(room, mine, code=code)).text


async def test_who_may_have_no_more_codes_can_still_type_one(site: GiftSiteFake) -> None:
    """Also after the page was opened anew, as old browsers do that are short of memory."""
    room, number = await site.gives(), site.number()
    asked = await site.posts(room, await site.look(room), number=number)
    for _ in range(2):
        asked = await site.posts(room, asked, again="1")
    code = await site.code(number)

    for stuck in (
        await site.posts(room, asked, again="1"),
        await site.posts(room, await site.look(room), number=number),
    ):
        assert stuck.status_code == 429
        assert 'name="code"' in stuck.text
        assert "Too many codes were asked for" in stuck.text
        assert "another code to" not in stuck.text
        assert 'name="again"' not in stuck.text
        assert "You won" in (await site.posts(room, stuck, code=code)).text


async def test_a_code_that_was_right_proves_its_own_number_alone(site: GiftSiteFake) -> None:
    room, mine, theirs = await site.gives(), site.number(), site.number()
    page = await site.look(room)
    first = await site.posts(room, page, number=mine)
    other = await site.posts(room, page, number=theirs)
    code = await site.code(mine)
    assert "You won" in (await site.posts(room, first, code=code)).text

    assert "That code is wrong" in (await site.posts(room, other, code=code)).text
    assert (await site.stands(room)).taken == 1


async def test_a_code_is_good_in_the_browser_that_asked_for_it(site: GiftSiteFake) -> None:
    room, number = await site.gives(), site.number()
    await site.posts(room, await site.look(room), number=number)
    theirs = await site.code(number)
    site.http.cookies.clear()
    mine = await site.posts(room, await site.look(room), number=number)

    assert "That code is wrong" in (await site.posts(room, mine, code=theirs)).text
    assert (await site.stands(room)).taken == 0


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


async def unopened(site: GiftSiteFake, room: Room) -> list[AlertRecord]:
    """What operators are told of gifts that no key opens."""
    alerts = await site.house.core.alerts.listed(room.tenant_id, "open", Paging(50))
    return [alert for alert in alerts if alert.kind is AlertKind.GIFT_SEED]


async def test_a_quiz_whose_answer_no_key_opens_is_told_and_tried_later(site: GiftSiteFake) -> None:
    """Nothing is done by it: once the key is back, the same answer wins."""
    room, number = await site.gives(1000, 1, **QUIZ), site.number()
    core = site.house.core
    asked = await site.proves(room, number)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.gift_rooms, "_keyring", Keyring("another key than it was opened under"))
        tries = [await site.posts(room, asked, answer="2") for _ in range(2)]
    [alert] = await unopened(site, room)
    won = await site.posts(room, asked, answer="2")

    for each in tries:
        assert "Please come back later" in each.text
    assert alert.facts["code"] == room.code
    assert "You won N1,000!" in won.text
    assert await unopened(site, room) == []


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
