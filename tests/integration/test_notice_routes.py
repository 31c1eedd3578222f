"""A notice goes where its matter began, and by the next way where that one fails."""

import re
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from msgspec.structs import replace

from core.domain.chat import Closed, Delivery, Later, Refused, Unreachable
from core.domain.orders import Verdict
from core.kit import crash, ids
from core.ports import AlertKind, Paging, SmsResult
from core.services.dead_letters import NotGivenUp
from tests.fakes.books import Books, open_books
from tests.fakes.post import FUNDED, Post, open_post
from tests.fakes.promises import Died

DAY_S = 86_400.0


@pytest.fixture
async def post(books: Books) -> Post:
    """Telegram, which may be written to at any time."""
    return await open_post(books)


@pytest.fixture
async def whatsapp(books: Books) -> Post:
    """WhatsApp, where the customer has just written."""
    opened = await open_post(books, "whatsapp")
    await opened.heard()
    return opened


async def row(owner: asyncpg.Connection, key: str = "one") -> dict[str, Any]:
    found = await owner.fetchrow("select * from notices where key = $1", key)
    assert found is not None
    return dict(found)


# Where it goes.


async def test_a_notice_goes_into_the_chat_it_began_in(
    post: Post, owner: asyncpg.Connection
) -> None:
    await post.leave()
    await post.work()

    assert (post.chatted, post.texted) == ([FUNDED], [])
    kept = await row(owner)
    assert (kept["state"], kept["route"], kept["sent_as"]) == ("sent", "chat", "1")
    assert (kept["route_tries"], kept["asked_at"]) == (1, None)


async def test_what_began_nowhere_goes_by_sms(post: Post) -> None:
    await post.leave(channel_id=None, identity="")
    await post.work()

    assert (post.chatted, post.texted) == ([], [(post.customer.msisdn, FUNDED)])


@pytest.mark.parametrize("chat", [True, False])
async def test_a_chat_shows_words_as_they_are_and_an_sms_what_every_handset_has(
    post: Post, chat: bool
) -> None:
    where: dict[str, Any] = {} if chat else {"channel_id": None, "identity": ""}
    said = {"amount": 500_00, "currency": "NGN", "reference": "\u1eccj\u00e0 \U0001f389 1"}
    await post.leave(facts=said, **where)
    await post.work()

    [words] = post.chatted or [text for _, text in post.texted]
    assert ("\u1eccj\u00e0 \U0001f389 1" if chat else "Oj\u00e0 1") in words


async def test_what_was_dialled_is_told_by_sms(post: Post) -> None:
    """Also to a customer who could be reached in a chat."""
    await post.leave(channel_id=post.books.channel.id, identity=post.customer.msisdn)
    await post.work()

    assert (post.chatted, len(post.texted)) == ([], 1)


async def test_a_code_goes_by_sms_alone(post: Post) -> None:
    code = {"code": "493021", "minutes": 10}
    await post.leave(text="notice.reset_code", facts=code, secret=True)
    await post.work()

    assert post.chatted == []
    assert "493021" in post.texted[0][1]


@pytest.mark.parametrize("wrong", ["blocked", "moved", "off", "unknown"])
async def test_who_cannot_be_reached_in_the_chat_gets_an_sms(
    post: Post, owner: asyncpg.Connection, wrong: str
) -> None:
    await post.leave()
    match wrong:
        case "blocked":
            await post.aftermath.reach(post.channel, post.identity, reachable=False, why="blocked")
        case "moved":
            other = await post.books.customer(900)
            await owner.execute(
                "update identities set customer_id = $1 where identity = $2",
                other.id,
                post.identity,
            )
        case "off":
            await owner.execute("update channels set active = false where id = $1", post.channel.id)
        case "unknown":
            await owner.execute("update notices set channel_id = $1", ids.uuid7())
    await post.work()

    assert (post.chatted, len(post.texted)) == ([], 1)


async def test_who_writes_again_can_be_told_again(post: Post, owner: asyncpg.Connection) -> None:
    await post.aftermath.reach(post.channel, post.identity, reachable=False, why="blocked")
    since = "select unreachable_since, unreachable_why from identities where identity = $1"
    blocked = await owner.fetchrow(since, post.identity)

    await post.heard()
    await post.leave()
    await post.work()

    assert blocked is not None
    assert (blocked[0] is not None, blocked[1]) == (True, "blocked")
    assert tuple(await owner.fetchrow(since, post.identity) or ()) == (None, None)
    assert post.chatted == [FUNDED]


async def test_the_end_of_an_order_is_told_where_it_was_placed(
    post: Post, owner: asyncpg.Connection
) -> None:
    """With a picture of it; the notice is written with the money, in one statement."""
    customer = await post.books.customer(int(post.customer.msisdn[-7:]), funds=1000)
    order = replace(post.books.order(customer), channel_id=post.channel.id, identity=post.identity)
    await post.books.orders.begin(order)
    await post.books.claimed(order)
    await post.books.rule(order, Verdict.CAPTURE)
    await post.work()
    early = list(post.chatted)
    await post.later(3)

    assert early == []  # the talk itself may be about to show it
    assert len(post.chatted) == 1
    assert order.reference in post.chatted[0]
    [(telling, template)] = post.notebook.tellings
    assert (telling.picture, template) == (b"PNG of " + order.reference.encode(), False)


async def test_what_was_seen_on_the_screen_is_not_told_again(
    post: Post, owner: asyncpg.Connection
) -> None:
    customer = await post.books.customer(int(post.customer.msisdn[-7:]), funds=1000)
    order = replace(post.books.order(customer), channel_id=post.channel.id, identity=post.identity)
    await post.books.orders.begin(order)
    await post.books.claimed(order)
    await post.books.rule(order, Verdict.CAPTURE)
    await post.work()
    now = post.books.clock.now()
    outbox, tenant = post.books.outbox, post.books.tenant.id
    elsewhere = await outbox.seen(tenant, order.reference, post.channel.id, "somebody", now)
    strange = await outbox.seen(ids.uuid7(), order.reference, post.channel.id, post.identity, now)
    seen = await outbox.seen(tenant, order.reference, post.channel.id, post.identity, now)
    again = await outbox.seen(tenant, order.reference, post.channel.id, post.identity, now)
    await post.later(3)

    assert (elsewhere, strange, seen, again) == (False, False, True, False)
    assert (post.chatted, post.texted) == ([], [])
    assert await owner.fetchval("select route from notices") == "screen"


# What follows when a way fails.


async def test_outside_the_day_it_goes_by_template(
    whatsapp: Post, owner: asyncpg.Connection
) -> None:
    whatsapp.books.clock.advance(DAY_S)
    await whatsapp.leave()
    await whatsapp.work()

    assert whatsapp.by_template == [True]
    assert whatsapp.notebook.tellings[0][0].template_facts == (FUNDED,)
    assert (await row(owner))["route"] == "template"


async def test_a_chat_that_says_it_is_closed_is_told_by_template(
    whatsapp: Post, owner: asyncpg.Connection
) -> None:
    whatsapp.notebook.answers_told = [Closed()]
    await whatsapp.leave()
    await whatsapp.work()

    assert (whatsapp.by_template, whatsapp.texted) == ([True], [])
    assert (await row(owner))["route"] == "template"


@pytest.mark.parametrize(
    "refusals",
    [
        pytest.param([Closed(), Closed()], id="no template either"),
        pytest.param([Closed(), Refused("template")], id="the template is refused"),
        pytest.param([Unreachable("not on WhatsApp")], id="not there"),
        pytest.param([Refused("wrong parameter")], id="our words are wrong"),
        pytest.param([Later(10_072.0, "flood")], id="too much patience"),
    ],
)
async def test_the_last_way_is_the_sms(
    whatsapp: Post, owner: asyncpg.Connection, refusals: list[Delivery]
) -> None:
    whatsapp.notebook.answers_told = refusals
    await whatsapp.leave()
    await whatsapp.work()

    assert (whatsapp.chatted, len(whatsapp.texted)) == ([], 1)
    kept = await row(owner)
    assert (kept["state"], kept["route"], kept["sent_as"]) == ("sent", "sms", None)


async def test_who_blocked_us_is_known_from_then_on(post: Post, owner: asyncpg.Connection) -> None:
    post.notebook.answers_told = [Unreachable("blocked")]
    await post.leave("one")
    await post.work()
    await post.leave("two")
    await post.work()

    assert (post.chatted, len(post.texted)) == ([], 2)
    why = await owner.fetchval(
        "select unreachable_why from identities where identity = $1", post.identity
    )
    assert why == "blocked"


async def test_patience_that_is_asked_for_is_had_and_not_slept(
    post: Post, owner: asyncpg.Connection
) -> None:
    post.notebook.answers_told = [Later(40.0, "flood control")]
    await post.leave()
    await post.work()
    kept = await row(owner)
    await post.later(39)
    early = list(post.chatted)
    await post.later(1)

    assert (kept["run_at"] - kept["created_at"]).total_seconds() == 40
    assert (kept["state"], kept["tries"], kept["asked_at"]) == ("waiting", 1, None)
    assert (early, post.chatted, post.texted) == ([], [FUNDED], [])


async def test_a_chat_that_fails_again_and_again_is_left(
    post: Post, owner: asyncpg.Connection
) -> None:
    """Somebody wants to know where their money is: five tries, some minutes, then an SMS."""
    post.notebook.answers_told = [Later(0.0, "no answer")] * 5
    await post.leave()
    for seconds in (0, 3, 10, 30, 120):
        assert post.texted == []
        await post.later(seconds)

    assert (post.chatted, len(post.texted)) == ([], 1)
    kept = await row(owner)
    assert (kept["route"], kept["tries"]) == ("sms", 5)


async def test_a_notice_never_goes_back_to_the_chat_it_left(post: Post) -> None:
    post.notebook.answers_told = [Refused("no")]
    post.letters.answers = [SmsResult.RETRY]
    await post.leave()
    await post.work()
    await post.later(5)

    assert (post.chatted, len(post.texted)) == ([], 1)


async def test_a_channel_that_refuses_everything_is_told_of(post: Post) -> None:
    post.notebook.answers_told = [Refused("the token is not known", stops=True)]
    await post.leave("one")
    await post.work()
    [opened] = await post.alerts.listed(post.books.tenant.id, "open", Paging(10))
    await post.leave("two")
    await post.work()

    assert opened.kind is AlertKind.CHANNEL
    assert (post.chatted, len(post.texted)) == ([FUNDED], 1)
    assert await post.alerts.count(post.books.tenant.id, "open") == 0  # it takes them again


# When no way is left.


async def test_a_dead_letter_is_counted_told_and_listed_without_a_word_of_it(post: Post) -> None:
    post.letters.answers = [SmsResult.REJECTED] * 2
    await post.leave("one", channel_id=None)
    await post.leave("two", channel_id=None)
    await post.work()

    assert await post.given_up() == ["rejected", "rejected"]
    [alert] = await post.alerts.listed(post.books.tenant.id, "open", Paging(10))
    assert (alert.kind, alert.facts["text"]) == (AlertKind.DEAD_LETTER, "notice.funded")
    told = str(alert) + str(await post.dead_letters.listed(post.books.tenant.id, "given_up", 9))
    assert post.customer.msisdn not in told
    assert "500" not in re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "", told)  # but for ids


async def test_an_operator_has_it_tried_again_by_every_way(
    post: Post, owner: asyncpg.Connection
) -> None:
    post.notebook.answers_told = [Refused("no")]
    post.letters.answers = [SmsResult.REJECTED]
    await post.leave()
    await post.work()
    [dead] = await post.dead_letters.listed(post.books.tenant.id, "given_up", 10)

    await post.dead_letters.again(post.books.tenant.id, dead.id, "cli:ada")
    await post.work()

    assert (post.chatted, post.texted) == ([FUNDED], [])
    assert await post.given_up() == []
    assert [
        alert.kind
        for alert in await post.alerts.listed(post.books.tenant.id, "open", Paging(10))
        if alert.kind is AlertKind.DEAD_LETTER
    ] == []
    event = await owner.fetchrow("select actor, kind from events where subject = $1", str(dead.id))
    assert event is not None
    assert tuple(event) == ("cli:ada", "notice.again")


async def test_only_what_was_given_up_is_tried_again(post: Post, owner: asyncpg.Connection) -> None:
    """A secret is not: nothing is left of it. Nor is another tenant's."""
    post.letters.answers = [SmsResult.REJECTED] * 2
    secret = {"code": "493021", "minutes": 10}
    await post.leave("secret", text="notice.reset_code", facts=secret, secret=True)
    await post.leave("plain", channel_id=None)
    await post.work()
    await post.leave("sent")
    await post.work()
    others = (await open_books(post.books.database, key="other")).tenant.id
    own = post.books.tenant.id

    async def is_refused(tenant: UUID, key: str) -> bool:
        notice_id = (await row(owner, key))["id"]
        try:
            await post.dead_letters.again(tenant, notice_id, "cli:ada")
        except NotGivenUp:
            return True
        return False

    assert await is_refused(own, "secret")
    assert await is_refused(own, "sent")
    assert await is_refused(others, "plain")
    assert not await is_refused(own, "plain")


# What a crash leaves behind.


@pytest.mark.parametrize("where", ["notice.begun", "notice.before_send", "notice.sent"])
async def test_a_crash_has_it_tried_again_where_it_was_tried(
    post: Post, owner: asyncpg.Connection, where: str
) -> None:
    """Never by another way: a second message in the chat costs nobody anything."""
    await post.leave()
    await died_at(post, where)
    asked = await row(owner)
    await post.later(91)

    assert (asked["state"], asked["route"]) == ("waiting", "chat")
    assert asked["asked_at"] is not None
    assert set(post.chatted) == {FUNDED}
    assert post.texted == []


async def test_a_crash_after_it_is_written_down_changes_nothing(post: Post) -> None:
    await post.leave()
    await died_at(post, "notice.marked")
    await post.later(91)

    assert (post.chatted, post.texted) == ([FUNDED], [])


@pytest.mark.parametrize("where", ["notice.before_send", "notice.sent", "notice.dead"])
async def test_a_crash_on_the_way_to_the_sms_does_not_turn_back_to_the_chat(
    post: Post, where: str
) -> None:
    post.notebook.answers_told = [Refused("no")]
    if where == "notice.dead":
        post.letters.answers = [SmsResult.REJECTED]
    await post.leave()
    await died_at(post, where, skip=0 if where == "notice.dead" else 1)
    await post.later(91)

    assert post.chatted == []
    assert len(post.texted) >= 1


async def died_at(post: Post, where: str, skip: int = 0) -> None:
    """The process dies there, after so many passes that it survived."""
    left = skip

    def bomb(name: str) -> None:
        nonlocal left
        if name == where:
            left -= 1
            if left < 0:
                raise Died(name)

    notice = await post.leased()
    with crash.watched(bomb), pytest.raises(Died):
        await post.sender.send(notice)


async def test_who_lost_the_lease_sends_nothing(post: Post) -> None:
    await post.leave()
    slow = await post.leased()
    post.books.clock.advance(91)
    await post.work()
    await post.sender.send(slow)

    assert post.chatted == [FUNDED]


async def test_two_tenants_do_not_meet(post: Post) -> None:
    """A notice that names another tenant's channel is told by SMS."""
    other = await open_post(await open_books(post.books.database, key="other"))
    await post.leave(channel_id=other.channel.id, identity=other.identity)
    await post.work()

    assert (other.chatted, post.chatted, len(post.texted)) == ([], [], 1)
