"""`/chats`: customers who talk to a person, by the admin API."""

from core.domain import linking
from core.domain.live_chat import LiveChat
from core.domain.turns import Channel
from core.kit import ids
from core.ports.live_chat import Wish
from core.store.channels import PgChannels
from core.store.identities import PgIdentities
from tests.fakes.admin import Desk
from tests.fakes.books import open_books


async def begun(operator: Desk, number: int = 1) -> str:
    """The id of a chat that somebody on Telegram has just asked for."""
    books = operator.books
    channel = Channel(ids.uuid7(), books.tenant.id, "telegram", "telegram", f"bot{number}")
    await PgChannels(books.database, operator.core.keyring).ensure(channel, books.clock.now())
    customer = await books.customer(number)
    linked = linking.Wish("telegram", f"id-{number}", linking.Proof.CHANNEL)
    await PgIdentities(books.database).link(customer, linked, books.clock.now())
    wish = Wish(channel, f"id-{number}", customer, key=f"wish {number}", mark="m1")
    chat = await operator.core.live_chats.begin(wish)
    assert isinstance(chat, LiveChat)
    return str(chat.id)


async def test_a_chat_is_listed_answered_and_closed(operator: Desk) -> None:
    chat = await begun(operator)

    [listed] = await operator.data("/chats", status="waiting")
    said = await operator.post(f"/chats/{chat}/messages", text="Hello", idempotency_key="1")
    again = await operator.post(f"/chats/{chat}/messages", text="Hello", idempotency_key="1")
    shown = await operator.data(f"/chats/{chat}")
    closed = await operator.post(f"/chats/{chat}/close")
    late = await operator.post(f"/chats/{chat}/messages", text="More")

    assert (listed["id"], listed["status"], listed["channel"]) == (chat, "waiting", "telegram")
    assert said.json()["data"]["id"] == again.json()["data"]["id"]
    assert said.json()["message"] == "It is on its way."
    assert (shown["status"], shown["taken_by"]) == ("taken", "token:admin-token")
    assert [(each["author"], each["text"], each["status"]) for each in shown["messages"]] == [
        ("token:admin-token", "Hello", "waiting")
    ]
    assert closed.json()["data"]["closed_by"] == "token:admin-token"
    assert (late.status_code, late.json()["code"]) == (409, "chat.closed")
    assert await operator.data("/chats", status="open") == []
    assert [each["id"] for each in await operator.data("/chats", status="closed")] == [chat]


async def test_pages_of_chats_follow_each_other(operator: Desk) -> None:
    chats = [await begun(operator, number) for number in range(5)]

    first = await operator.get("/chats", per_page=2)
    second = await operator.get("/chats", per_page=2, cursor=first["pagination"]["next_cursor"])

    assert [each["id"] for each in first["data"] + second["data"]] == chats[:0:-1]
    assert first["pagination"]["total"] == 5


async def test_what_is_refused(operator: Desk) -> None:
    chat = await begun(operator)
    nobody = ids.uuid7()

    for path, body, status in (
        (f"/chats/{nobody}/messages", {"text": "Hello"}, 404),
        (f"/chats/{nobody}/close", {}, 404),
        (f"/chats/{chat}/messages", {"text": " "}, 422),
        (f"/chats/{chat}/messages", {"text": "x" * 3501}, 422),
        (f"/chats/{chat}/messages", {"text": "a\x00b"}, 422),
        (f"/chats/{chat}/messages", {"text": "a", "more": 1}, 422),
    ):
        answer = await operator.post(path, **body)
        assert answer.status_code == status, (path, answer.text)
    assert (await operator.http.get(f"/chats/{nobody}")).status_code == 404


async def test_chats_need_their_abilities(operator: Desk) -> None:
    chat = await begun(operator)
    tokens, tenant = operator.core.tokens, operator.books.tenant.id
    reads = await tokens.create("reads", tenant, ["chats:read"], "test")
    other = await tokens.create("other", tenant, ["alerts:read"], "test")
    rival = (await open_books(operator.books.database, key="rival")).tenant.id
    theirs = await tokens.create("rival", rival, ["*"], "test")

    assert (await operator.as_token(reads, f"/chats/{chat}")).status_code == 200
    assert (await operator.as_token(other, "/chats")).status_code == 403
    assert (await operator.as_token(theirs, f"/chats/{chat}")).status_code == 404
    refused = await operator.http.post(
        f"/chats/{chat}/close", headers={"authorization": f"Bearer {reads}"}
    )
    assert refused.status_code == 403
