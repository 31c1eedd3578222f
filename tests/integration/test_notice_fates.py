"""What channels tell later: twice, late, in any order, and before we knew the name."""

from typing import Any

import asyncpg
import pytest

from core.domain.chat import Closed, Fate, Later, Refused, Unreachable
from core.kit import crash
from core.ports import AlertKind, Paging
from tests.fakes.books import Books, open_books
from tests.fakes.post import FUNDED, Post, open_post
from tests.fakes.promises import Died

NAME = "1"  # what the channel calls the first message


@pytest.fixture
async def post(books: Books) -> Post:
    opened = await open_post(books, "whatsapp")
    await opened.heard()
    return opened


@pytest.fixture
async def sent(post: Post) -> Post:
    """One notice went into the chat."""
    await post.leave()
    await post.work()
    assert post.chatted == [FUNDED]
    return post


async def row(owner: asyncpg.Connection) -> dict[str, Any]:
    found = await owner.fetchrow("select * from notices")
    assert found is not None
    return dict(found)


@pytest.mark.parametrize(
    "told",
    [
        pytest.param(["sent", "delivered", "read"], id="in order"),
        pytest.param(["read", "delivered", "sent"], id="backwards"),
        pytest.param(["read", "read", "delivered"], id="twice"),
    ],
)
async def test_what_was_read_stays_read(
    sent: Post, owner: asyncpg.Connection, told: list[str]
) -> None:
    for status in told:
        await sent.fates(Fate(NAME, status))

    kept = await row(owner)
    assert (kept["arrived"], kept["state"]) == ("read", "sent")
    assert (len(sent.chatted), sent.texted) == (1, [])


@pytest.mark.parametrize(
    ("failed", "template", "sms"),
    [
        pytest.param(Closed(), 1, 0, id="closed: the template"),
        pytest.param(Unreachable("not on WhatsApp"), 0, 1, id="not there: an SMS"),
        pytest.param(Refused("wrong parameter"), 0, 1, id="refused: an SMS"),
        pytest.param(Later(86_400.0, "held back"), 0, 1, id="not today: an SMS"),
    ],
)
async def test_what_failed_later_goes_by_the_next_way_once(
    sent: Post, failed: Any, template: int, sms: int
) -> None:
    for _ in range(3):
        await sent.fates(Fate(NAME, "failed", failed))
        await sent.work()

    assert sent.by_template[1:] == [True] * template
    assert len(sent.texted) == sms


async def test_a_short_patience_is_had_in_the_chat(sent: Post) -> None:
    await sent.fates(Fate(NAME, "failed", Later(6.0, "pair limit", spares="person")))
    await sent.work()
    early = len(sent.chatted)
    await sent.later(6)

    assert (early, len(sent.chatted), sent.texted) == (1, 2, [])


async def test_who_is_not_there_is_known_from_then_on(
    sent: Post, owner: asyncpg.Connection
) -> None:
    await sent.fates(Fate(NAME, "failed", Unreachable("not on WhatsApp")))

    why = await owner.fetchval(
        "select unreachable_why from identities where identity = $1", sent.identity
    )
    assert why == "not on WhatsApp"


async def test_a_failure_of_the_channel_itself_is_told_to_operators(sent: Post) -> None:
    await sent.fates(Fate("a screen", "failed", Refused("payment", stops=True)))

    [alert] = await sent.alerts.listed(sent.books.tenant.id, "open", Paging(10))
    assert alert.kind is AlertKind.CHANNEL


async def test_what_arrived_did_not_fail(sent: Post) -> None:
    await sent.fates(Fate(NAME, "delivered"), Fate(NAME, "failed", Unreachable("gone")))
    await sent.work()

    assert sent.texted == []


async def test_what_arrives_after_all_calls_the_next_way_off(
    sent: Post, owner: asyncpg.Connection
) -> None:
    """Two words of one message overtook each other: nothing has left by SMS yet."""
    await sent.fates(Fate(NAME, "failed", Refused("odd")))
    await sent.fates(Fate(NAME, "sent"))
    waiting = (await row(owner))["state"]
    await sent.fates(Fate(NAME, "delivered"))
    await sent.work()

    assert waiting == "waiting"  # that it left says nothing after it failed
    kept = await row(owner)
    assert (kept["state"], kept["arrived"], kept["route"]) == ("sent", "delivered", "chat")
    assert sent.texted == []


async def test_a_failure_that_comes_before_the_name_waits_for_it(post: Post) -> None:
    """The channel's webhook overtakes its own answer."""
    await post.leave()
    await post.fates(Fate(NAME, "failed", Closed()))
    await post.work()

    assert post.by_template == [False, True]


async def test_an_early_failure_is_not_kept_for_ever(post: Post, owner: asyncpg.Connection) -> None:
    await post.fates(Fate("a", "failed", Closed()), Fate("a", "failed", Closed()))
    post.books.clock.advance(3601)
    await post.fates(Fate("b", "failed", Closed()))

    assert await owner.fetchval("select array_agg(message_id) from notice_strays") == ["b"]


async def test_what_went_out_before_a_crash_is_known_by_its_key(
    post: Post, owner: asyncpg.Connection
) -> None:
    """The process died before it wrote the name down; the status brings our key back."""
    key = await crashed(post)
    await post.fates(Fate("wamid", "sent", key=key))
    await post.later(91)

    assert (post.chatted, post.texted) == ([FUNDED], [])
    kept = await row(owner)
    assert (kept["state"], kept["sent_as"]) == ("sent", "wamid")


async def test_without_a_status_it_is_sent_again_after_a_crash(post: Post) -> None:
    await crashed(post)
    await post.later(91)

    assert (post.chatted, post.texted) == ([FUNDED, FUNDED], [])


async def test_known_by_its_key_it_still_may_have_failed_before(post: Post) -> None:
    key = await crashed(post)
    await post.fates(Fate("wamid", "failed", Closed(), key), Fate("wamid", "sent", key=key))
    await post.work()

    assert post.by_template == [False, True]


async def test_an_earlier_try_that_left_says_nothing_of_the_latest(
    post: Post, owner: asyncpg.Connection
) -> None:
    key = await crashed(post)
    post.notebook.answers_told = [Later(5.0, "no answer")]
    await post.later(91)  # the second try, which failed
    await post.fates(Fate("first", "sent", key=key))
    still = (await row(owner))["state"]
    await post.fates(Fate("first", "delivered", key=key))
    await post.later(5)

    assert still == "waiting"
    assert (post.chatted, post.texted) == ([FUNDED], [])


async def test_a_silent_channel_may_still_have_taken_it(post: Post) -> None:
    post.notebook.answers_told = [Later(5.0, "no answer")]
    await post.leave()
    notice = await post.leased()
    await post.sender.send(notice)
    await post.fates(Fate("wamid", "sent", key=f"{notice.id}.1"))
    await post.later(5)

    assert (post.chatted, post.texted) == ([], [])


@pytest.mark.parametrize("key", ["", "x", "unsay:u1", "00000000-0000-0000-0000-000000000000.1"])
async def test_what_is_no_notice_changes_nothing(
    sent: Post, owner: asyncpg.Connection, key: str
) -> None:
    before = await row(owner)
    for status in ("sent", "delivered", "read", "played"):
        await sent.fates(Fate("another", status, key=key))

    assert await row(owner) == before


async def test_another_tenants_channel_tells_nothing_of_ours(
    sent: Post, owner: asyncpg.Connection
) -> None:
    """Not by a name, and not by a key that somebody made up."""
    other = await open_post(await open_books(sent.books.database, key="other"), "whatsapp")
    before = await row(owner)
    key = f"{before['id']}.1"

    await other.fates(Fate(NAME, "read", key=key))
    await other.fates(Fate(NAME, "failed", Unreachable("gone"), key))
    await other.work()

    assert await row(owner) == before


async def crashed(post: Post) -> str:
    """A notice left, and the process died before it wrote that down; its key."""

    def bomb(name: str) -> None:
        if name == "notice.sent":
            raise Died(name)

    await post.leave()
    notice = await post.leased()
    with crash.watched(bomb), pytest.raises(Died):
        await post.sender.send(notice)
    [(telling, _)] = post.notebook.tellings
    return telling.key
