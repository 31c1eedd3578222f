"""What a person does about a transaction, and the cases that call for it, over the admin API."""

from uuid import UUID

import asyncpg
import httpx
import pytest

from core.domain.orders import NewOrder, Verdict
from core.kit import ids
from core.ports import NewCase
from core.store.cases import PgCases
from tests.fakes.admin import Desk
from tests.fakes.books import DELIVERED, UNKNOWN, Books, open_books

REASON = {"reason": "the customer called"}
EVIDENCE = {"evidence": "their ref 8841"}


def assert_refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
    assert answer.json()["success"] is False


async def bought(books: Books, verdict: Verdict | None = None) -> NewOrder:
    """An order that was sent, and ruled on where a verdict is given."""
    order = await books.begun(await books.customer(funds=1000))
    await books.claimed(order)
    if verdict is not None:
        outcome = DELIVERED if verdict is Verdict.CAPTURE else UNKNOWN
        await books.rule(order, verdict, outcome, check_in_s=9999)
    return order


async def test_an_order_in_doubt_is_paid_back_and_goes_on_being_asked(operator: Desk) -> None:
    order = await bought(operator.books, Verdict.WAIT)

    answer = await operator.post(f"/transactions/{order.reference}/refund", **REASON)
    again = await operator.post(f"/transactions/{order.reference.lower()}/refund", **REASON)

    assert answer.status_code == again.status_code == 200
    shown = answer.json()["data"]
    assert (shown["status"], shown["done"], shown["hold"]) == ("paid_back", "pay_back", "captured")
    assert (again.json()["data"]["status"], again.json()["data"]["done"]) == (
        "paid_back", "already",
    )  # fmt: skip
    assert await operator.books.money(await operator.books.customer()) == (1000, 0)


async def test_an_order_that_was_never_sent_is_refunded(operator: Desk) -> None:
    order = await operator.books.begun(await operator.books.customer(funds=1000))

    shown = (await operator.post(f"/transactions/{order.reference}/refund", **REASON)).json()

    assert (shown["data"]["status"], shown["data"]["hold"]) == ("refunded", "voided")
    assert shown["message"] == "The customer has the money back."


async def test_what_was_delivered_is_refunded_only_after_a_reversal(operator: Desk) -> None:
    order = await bought(operator.books, Verdict.CAPTURE)
    path = f"/transactions/{order.reference}"

    refused = await operator.post(f"{path}/refund", **REASON)
    reversed_ = await operator.post(f"{path}/resolve", outcome="reversed", **EVIDENCE)

    assert_refused(refused, 409, "transaction.delivered")
    assert reversed_.json()["data"]["status"] == "refunded"
    assert await operator.books.money(await operator.books.customer()) == (1000, 0)


@pytest.mark.parametrize(
    ("outcome", "status"), [("delivered", "delivered"), ("not_delivered", "refunded")]
)
async def test_what_a_person_learned_settles_it_and_is_noted(
    operator: Desk, owner: asyncpg.Connection, outcome: str, status: str
) -> None:
    order = await bought(operator.books, Verdict.WAIT)

    answer = await operator.post(
        f"/transactions/{order.reference}/resolve", outcome=outcome, **EVIDENCE
    )

    assert answer.json()["data"]["status"] == status
    actor = await owner.fetchval(
        "select actor from events where subject = $1 and kind = 'order.resolve_by_hand'",
        str(order.id),
    )
    assert actor == "token:admin-token"


async def test_the_same_key_is_the_same_action(operator: Desk) -> None:
    order = await bought(operator.books, Verdict.WAIT)
    path = f"/transactions/{order.reference}/resolve"
    body = {"outcome": "delivered", "idempotency_key": "desk-1", **EVIDENCE}

    first = await operator.post(path, **body)
    again = await operator.post(path, **body)
    other = await operator.post(path, **{**body, "evidence": "another word"})

    assert first.json()["data"] | {"repeated": True} == again.json()["data"]
    assert_refused(other, 409, "transaction.key_used")


async def test_retry_makes_the_order_due_now(operator: Desk, owner: asyncpg.Connection) -> None:
    order = await bought(operator.books, Verdict.WAIT)

    bare = await operator.post(f"/transactions/{order.reference}/retry")
    keyed = await operator.post(f"/transactions/{order.reference}/retry", idempotency_key="k")

    assert (bare.status_code, keyed.status_code) == (200, 200)
    assert bare.json()["data"]["status"] == "in_doubt"
    job = await owner.fetchrow("select run_at, hurried from jobs where ref = $1", order.id)
    assert job is not None
    assert job["hurried"]
    assert job["run_at"] <= operator.core.clock.now()


async def test_reconcile_says_what_both_sides_say(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    """Nobody listens at the provider's address here: it cannot say, and the money stays held."""
    order = await bought(operator.books, Verdict.WAIT)

    answer = await operator.post(f"/transactions/{order.reference}/reconcile")

    shown = answer.json()["data"]
    assert answer.status_code == 200
    assert (shown["ours"], shown["theirs"], shown["agreed"]) == (shown["status"], "unknown", None)
    assert shown["attempts"][0]["checks"] == 2
    noted = await owner.fetchval(
        "select actor from events where subject = $1 and kind = 'order.reconcile_asked'",
        str(order.id),
    )
    assert noted == "token:admin-token"


async def test_what_was_never_sent_has_nothing_to_compare(operator: Desk) -> None:
    order = await operator.books.begun(await operator.books.customer(funds=1000))

    answer = (await operator.post(f"/transactions/{order.reference}/reconcile")).json()

    assert (answer["data"]["ours"], answer["data"]["theirs"]) == ("held", None)
    assert "not sent" in answer["message"]


ACTIONS = [
    ("retry", {}),
    ("refund", REASON),
    ("resolve", {"outcome": "delivered", **EVIDENCE}),
    ("reconcile", {}),
]


@pytest.mark.parametrize(("what", "body"), ACTIONS)
async def test_who_may_not_write_may_not_act(
    operator: Desk, what: str, body: dict[str, str]
) -> None:
    order = await bought(operator.books, Verdict.WAIT)
    reader = await operator.core.tokens.create(
        "reader", operator.books.tenant.id, ["transactions:read", "cases:read"], "test"
    )

    for token, status in ((reader, 403), ("wrong", 401)):
        answer = await operator.http.post(
            f"/transactions/{order.reference}/{what}",
            json=body,
            headers={"authorization": f"Bearer {token}"},
        )
        assert answer.status_code == status
    assert await operator.books.money(await operator.books.customer()) == (900, 100)


@pytest.mark.parametrize(("what", "body"), ACTIONS)
async def test_another_tenants_order_is_not_there(
    operator: Desk, what: str, body: dict[str, str]
) -> None:
    stranger = await open_books(operator.books.database, "stranger")
    theirs = await bought(stranger, Verdict.WAIT)
    ours = await operator.core.tokens.create("ours", operator.books.tenant.id, ["*"], "test")

    for reference in (theirs.reference, "NOSUCH"):
        answer = await operator.http.post(
            f"/transactions/{reference}/{what}",
            json=body,
            headers={"authorization": f"Bearer {ours}"},
        )
        assert_refused(answer, 404, "transaction.unknown")
    assert await stranger.money(await stranger.customer()) == (900, 100)


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("refund", {}),
        ("refund", {"reason": "  x  "}),
        ("refund", {"reason": "x" * 201}),
        ("refund", {"reason": "nul\x00byte"}),
        ("refund", {"reason": ["a", "list"]}),
        ("refund", {**REASON, "amount": "1000000.00"}),
        ("refund", {**REASON, "idempotency_key": ""}),
        ("resolve", {"outcome": "delivered"}),
        ("resolve", {"outcome": "delivered", "evidence": " "}),
        ("resolve", {"outcome": "lost", **EVIDENCE}),
        ("retry", {"force": True}),
    ],
)
async def test_a_wrong_body_changes_nothing(
    operator: Desk, what: str, body: dict[str, object]
) -> None:
    order = await bought(operator.books, Verdict.WAIT)

    answer = await operator.post(f"/transactions/{order.reference}/{what}", **body)

    assert_refused(answer, 422, "request.invalid")
    assert (await operator.data(f"/transactions/{order.reference}"))["status"] == "in_doubt"


async def test_words_of_any_script_are_kept_as_they_are(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    order = await bought(operator.books, Verdict.WAIT)
    reason = "owó padà — '); drop table orders; -- %s {} \\"

    answer = await operator.post(f"/transactions/{order.reference}/refund", reason=reason)

    assert answer.status_code == 200
    kept = await owner.fetchval(
        "select facts ->> 'reason' from events where kind = 'order.refund_by_hand'"
    )
    assert kept == reason


# --- cases ------------------------------------------------------------------------------------


async def opened(books: Books, number: int, kind: str = "payout_in_doubt") -> None:
    await PgCases(books.database, books.clock).open(
        NewCase(books.tenant.id, kind, f"{kind}/{number}", f"PO{number}", {"bank": "044"})
    )
    books.clock.advance(1)


async def test_cases_are_listed_filtered_and_paged(operator: Desk) -> None:
    for number in range(3):
        await opened(operator.books, number)
    await opened(operator.books, 9, "statement_difference")

    async def found(**query: object) -> list[str]:
        return [row["subject"] for row in await operator.data("/cases", **query)]

    assert await found() == ["PO9", "PO2", "PO1", "PO0"]
    assert await found(kind="payout_in_doubt", sort_order="asc") == ["PO0", "PO1", "PO2"]
    assert await found(status="closed") == []
    assert await found(search="po1") == ["PO1"]
    first = await operator.get("/cases", per_page=3)
    assert first["pagination"]["total"] == 4
    rest = await operator.get("/cases", per_page=3, cursor=first["pagination"]["next_cursor"])
    assert [row["subject"] for row in rest["data"]] == ["PO0"]
    assert rest["pagination"]["next_cursor"] is None


async def test_a_case_is_shown_and_closed_once(operator: Desk) -> None:
    await opened(operator.books, 1)
    [listed] = await operator.data("/cases")
    path = f"/cases/{listed['id']}"

    shown = await operator.data(path)
    closed = await operator.post(f"{path}/close", resolution="Paid, by their letter.")
    again = await operator.post(f"{path}/close", resolution="Paid, by their letter.")
    other = await operator.post(f"{path}/close", resolution="Not paid.")

    assert (shown["status"], shown["facts"]) == ("open", {"bank": "044"})
    assert closed.json()["data"]["closed_by"] == "token:admin-token"
    assert again.json()["data"] == closed.json()["data"]
    assert_refused(other, 409, "case.closed")
    assert await operator.data("/cases", status="open") == []


async def test_a_case_is_closed_with_words(operator: Desk) -> None:
    await opened(operator.books, 1)
    [listed] = await operator.data("/cases")

    for body in ({}, {"resolution": "  "}, {"resolution": "ok\x00 then"}):
        answer = await operator.post(f"/cases/{listed['id']}/close", **body)
        assert_refused(answer, 422, "request.invalid")


async def test_cases_need_their_own_abilities_and_tenant(operator: Desk) -> None:
    stranger = await open_books(operator.books.database, "stranger")
    await opened(stranger, 1)
    [theirs] = await operator.data("/cases", tenant="stranger")
    tokens, tenant_id = operator.core.tokens, operator.books.tenant.id
    ours = await tokens.create("ours", tenant_id, ["cases:read", "cases:write"], "test")
    none = await tokens.create("none", tenant_id, ["transactions:write"], "test")
    reader = await tokens.create("reader", tenant_id, ["cases:read"], "test")

    assert (await operator.as_token(ours, "/cases")).json()["data"] == []
    assert_refused(await operator.as_token(none, "/cases"), 403, "auth.forbidden")
    for case_id in (UUID(theirs["id"]), ids.uuid7()):
        assert_refused(await operator.as_token(ours, f"/cases/{case_id}"), 404, "case.unknown")
        for token, status in ((ours, 404), (reader, 403)):
            answer = await operator.http.post(
                f"/cases/{case_id}/close",
                json={"resolution": "mine now"},
                headers={"authorization": f"Bearer {token}"},
            )
            assert answer.status_code == status
