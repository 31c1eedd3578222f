"""What no present key opens is owned up to, and holds nothing else up."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from cli.demo import TENANT
from core.domain.gifts import Claiming, GiftKind, seed_alert
from core.domain.live_chat import Heard
from core.domain.operators import Asking, NewRequest, RequestState, Role
from core.domain.payouts import PayoutState
from core.kit import ids
from core.kit.clock import SetClock
from core.kit.crypto import Keyring
from core.kit.money import Money
from core.ports import AlertKind, NewNotice, Paging
from core.services.gift_giving import Giver
from core.services.gift_wishes import GiftWish
from core.services.gifts import Guest
from core.store.embedded import ServiceUrls
from core.store.operators import PgOperators
from core.store.outbox import PgOutbox
from core.store.requests import PgRequests
from tests.fakes.books import Books
from tests.fakes.chat import House, open_house
from tests.fakes.payouts import payout_world
from tests.fakes.post import FUNDED, open_post
from tests.integration.test_live_chat import DESK_CHAT, MORNING, asked_for, operator_of

LOST = Keyring("a key that was taken out")


@pytest.fixture
async def house(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(MORNING)) as opened:
        yield opened


async def test_a_notice_is_a_dead_letter_and_the_others_are_told(books: Books) -> None:
    post = await open_post(books)
    code = NewNotice(
        key="code",
        tenant_id=books.tenant.id,
        customer_id=post.customer.id,
        text="notice.reset_code",
        facts={"code": "493021", "minutes": 10},
        secret=True,
    )
    await PgOutbox(books.database, LOST, books.clock).add(code, books.clock.now())
    await post.leave("one")
    await post.work()

    assert post.chatted == [FUNDED]
    assert await post.given_up() == ["no present key opens it"]
    [alert] = await post.alerts.listed(books.tenant.id, "open", Paging(10))
    assert (alert.kind, alert.facts["text"]) == (AlertKind.DEAD_LETTER, "notice.reset_code")


async def test_an_answer_of_an_operator_fails_and_is_not_made_up(
    house: House, owner: asyncpg.Connection
) -> None:
    ada = await house.person("2348031234567")
    tope = await operator_of(house, "Tope", Role.SUPPORT, DESK_CHAT)
    chat = await asked_for(ada)
    await house.core.live_chats.take(chat, tope.actor, DESK_CHAT)
    await house.core.live_chats.say(chat, tope.actor, "what nobody can read", key="1")
    await owner.execute("update live_messages set content = $1", LOST.encrypt("lost"))
    await house.core.live_chats.say(chat, tope.actor, "and what they can", key="2")
    await house.work()

    assert house.notebook.told == [(ada.identity, "and what they can")]
    _, said = await house.core.live_chats.show(TENANT.id, chat.id)
    assert [message.state for message in said] == [Heard.FAILED, Heard.SENT]


async def test_a_request_is_found_all_the_same(books: Books) -> None:
    readable = PgRequests(books.database, Keyring("a test"), books.clock)
    book, until = PgOperators(books.database, books.clock), books.clock.now().replace(year=2030)
    await book.add(
        books.tenant.id, "Tope", Role.APPROVER, code_hash="tope", code_until=until, actor="test"
    )
    assert await book.join("tope", 1)
    tope = await book.by_telegram(1)
    assert tope is not None
    made = [
        await requests.ask(
            NewRequest(
                id=ids.uuid7(),
                operator=tope,
                asking=Asking.REFUND,
                reference="R1",
                words="it never came",
                chat_id=1,
                asked_at=books.clock.now(),
                expires_at=until,
            )
        )
        for requests in (PgRequests(books.database, LOST, books.clock), readable)
    ]

    found = [await readable.find(books.tenant.id, each.id) for each in made]

    assert [each and (each.state, each.words) for each in found] == [
        (RequestState.WAITING, "[cannot be read with the present key]"),
        (RequestState.WAITING, "it never came"),
    ]


async def seed_alerts(house: House) -> list[str]:
    """Those of gifts that no key opens and that are open, by what they are of."""
    found = await house.core.alerts.listed(TENANT.id, "open", Paging(50))
    return [each.subject for each in found if each.kind is AlertKind.GIFT_SEED]


async def looked_over(house: House) -> None:
    """Rooms are ended whose time is over, and then it is looked whether all is well."""
    pumps = {pump.name: pump for pump in house.core.pumps}
    for pump in (pumps["gift ends"], pumps["review"]):
        for item in await pump.lease(10):
            await pump.handle(item)


async def test_a_quiz_that_nobody_could_open_is_nobodys_concern_once_it_is_over(
    house: House,
) -> None:
    ada, bayo = await house.person("2348031234567", naira=1000), await house.person("2348031234568")
    core, channel = house.core, await house.channel()
    quiz = GiftWish(
        Money(500_00, "NGN"),
        1,
        kind=GiftKind.QUIZ,
        question="Where was I born?",
        answers=("Aba", "Jos"),
        answer=2,
        lasts=dt.timedelta(hours=2),
    )
    giver = Giver(TENANT, ada.customer, channel.id, ada.identity, "Ada")
    room = await core.gifts.open(quiz, giver, "quiz")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(core.gift_rooms, "_keyring", LOST)
        told = await core.gifts.claim(room, Guest(bayo.customer, answer=2))
    assert told.result is Claiming.FROZEN

    house.clock.advance(3_600)
    await looked_over(house)
    assert len(await seed_alerts(house)) == 1  # it may still be opened
    house.clock.advance(3_601)
    await looked_over(house)

    assert await seed_alerts(house) == []
    closed = await core.alerts.listed(TENANT.id, "closed", Paging(50))
    assert [each.key for each in closed] == [seed_alert(room)]


async def test_a_withdrawal_that_nobody_can_send_is_given_back(
    books: Books, owner: asyncpg.Connection
) -> None:
    async with payout_world(books) as world:
        customer = await books.customer(funds=1000_00)
        await world.withdraw(customer, "0123456789")
        await owner.execute("update payouts set account_sealed = $1", LOST.encrypt("0123456789"))

        ended = await world.until_ended(customer)

        assert ended.state is PayoutState.REFUNDED
        assert await world.paid_out("0123456789") == []
        assert await books.money(customer) == (1000_00, 0)
