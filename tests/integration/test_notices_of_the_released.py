"""A number that was given free: whoever has it next is told nothing of the one before."""

from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from sqlalchemy import update

from core.domain.chat import Fate, Unreachable
from core.ports import Event, SmsResult
from core.store.identities import PgIdentities
from core.store.tables import notices
from tests.fakes.books import Books
from tests.fakes.post import FUNDED, Post, open_post


@pytest.fixture
async def post(books: Books) -> Post:
    return await open_post(books, "whatsapp")


async def released(post: Post) -> None:
    event = Event(f"customer/{post.customer.id}", "customer.released", "test", {"reason": "sold"})
    gone = await PgIdentities(post.books.database).release(
        post.customer, event, post.books.clock.now()
    )
    assert gone is not None


async def waits_again(post: Post, facts: dict[str, object]) -> None:
    books = post.books
    anew = update(notices).values(state="waiting", facts=facts)
    await books.database.in_tenant(books.tenant.id, lambda tenant: tenant.execute(anew))


async def failed_late(post: Post) -> None:
    """It went into the chat; that it did not arrive is told after the release."""
    await post.heard()
    await post.leave()
    await post.work()
    assert post.chatted == [FUNDED]
    await released(post)
    await post.fates(Fate("1", "failed", Unreachable("not on WhatsApp")))


async def failed_before_its_name(post: Post) -> None:
    await post.heard()
    await post.leave()
    notice = await post.leased()
    await released(post)
    await post.fates(Fate("1", "failed", Unreachable("not on WhatsApp")))
    await post.sender.send(notice)


async def tried_again(post: Post) -> None:
    """No SMS could be sent; an operator tries once more after the release."""
    post.letters.answers = [SmsResult.REJECTED]
    await post.leave(channel_id=None, identity="")
    await post.work()
    [dead] = await post.dead_letters.listed(post.books.tenant.id, "given_up", 10)
    await released(post)
    await post.dead_letters.again(post.books.tenant.id, dead.id, "test")


async def put_back(post: Post) -> None:
    """Whatever has it wait again."""
    await post.leave(channel_id=None, identity="", secret=True)
    await released(post)
    await waits_again(post, {"code": "123456"})


@pytest.mark.parametrize("comes_back", [failed_late, failed_before_its_name, tried_again, put_back])
async def test_a_notice_that_waits_again_after_the_release_is_told_to_nobody(
    post: Post, owner: asyncpg.Connection, comes_back: Callable[[Post], Awaitable[None]]
) -> None:
    await comes_back(post)
    chatted = len(post.chatted)

    post.books.clock.advance(86_400)
    await post.work()

    row = await owner.fetchrow("select state, why, secret, facts::text as facts from notices")
    assert row is not None
    assert (post.texted, len(post.chatted)) == ([], chatted)
    assert (row["state"], row["why"]) == ("void", "released")
    assert not row["secret"] or row["facts"] == "{}"


async def test_what_others_are_told_waits_for_none_of_it(post: Post, books: Books) -> None:
    """Many of a released customer's come due before it."""
    for number in range(5):
        await post.leave(f"old {number}", channel_id=None, identity="")
    await released(post)
    await waits_again(post, {})
    ben = await books.customer(2)
    await post.leave("new", customer_id=ben.id, channel_id=None, identity="")

    for _ in range(4):
        for notice in await books.outbox.due(2, 90.0):
            await post.sender.send(notice)

    assert post.texted == [(ben.msisdn, FUNDED)]
