"""Users: found by number, shown with their wallet, credited once."""

import asyncio
import json
from typing import Any

import asyncpg
import pytest

from core.domain.customers import Customer
from core.domain.ledger import AccountType
from core.kit import ids
from tests.fakes.admin import Desk
from tests.fakes.books import open_books

CREDIT = {"amount": "250.50", "currency": "NGN", "reason": "goodwill", "idempotency_key": "case-1"}


def credit_of(customer: Customer) -> str:
    return f"/users/{customer.id}/credit"


async def test_users_are_found_by_number(operator: Desk) -> None:
    one, two = await operator.books.customer(1), await operator.books.customer(2)

    listed = await operator.get("/users", sort_by="phone", sort_order="asc")
    found = await operator.data("/users", search="0803 000 0002")

    assert [user["id"] for user in listed["data"]] == [str(one.id), str(two.id)]
    assert listed["pagination"]["total"] == 2
    assert [(user["phone"], user["status"]) for user in found] == [("2348030000002", "active")]
    assert await operator.data("/users", status="released") == []


@pytest.mark.parametrize(
    "phone", ["2348030000002", "+234 803 000 0002", "08030000002", "0803-000-0002", "8030000002"]
)
async def test_a_user_is_found_by_the_whole_number(operator: Desk, phone: str) -> None:
    await operator.books.customer(1)
    two = await operator.books.customer(2)

    assert [user["id"] for user in await operator.data("/users", phone=phone)] == [str(two.id)]
    assert await operator.data("/users", phone=phone[:-1]) == []


@pytest.mark.parametrize("unknown", [{"msisdn": "2348030000002"}, {"phone": "02"}])
async def test_what_filters_nothing_is_refused(operator: Desk, unknown: dict[str, str]) -> None:
    answer = await operator.http.get("/users", params=unknown)
    refused = answer.json()

    assert answer.status_code == 422
    assert refused["code"] == "request.invalid"
    assert [each["field"] for each in refused["details"]] == list(unknown)


async def test_users_are_walked_by_cursor(operator: Desk) -> None:
    made = {str((await operator.books.customer(number)).id) for number in range(5)}

    first = await operator.get("/users", per_page=3)
    cursor = first["pagination"]["next_cursor"]
    rest = await operator.get("/users", per_page=3, cursor=cursor)

    assert {user["id"] for user in first["data"] + rest["data"]} == made
    assert (rest["pagination"]["next_cursor"], rest["pagination"]["total"]) == (None, None)


async def test_a_user_has_a_wallet_with_available_and_held(operator: Desk) -> None:
    customer = await operator.books.customer(funds=100_000)
    await operator.books.begun(customer, amount=30_000)

    shown = await operator.data(f"/users/{customer.id}")

    assert shown["wallet"] == {"available": "700.00", "held": "300.00", "currency": "NGN"}


async def test_a_credit_counts_once_however_often_it_is_asked(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    customer = await operator.books.customer()

    answers = await asyncio.gather(
        *(operator.post(credit_of(customer), **CREDIT) for _ in range(8))
    )

    bodies = [answer.json()["data"] for answer in answers]
    assert {answer.status_code for answer in answers} == {200}
    assert sorted(body["repeated"] for body in bodies) == [False] + [True] * 7
    assert len({body["id"] for body in bodies}) == 1
    assert await operator.books.money(customer) == (25_050, 0)
    assert await operator.books.posted(AccountType.WORLD) == -25_050
    [event] = await owner.fetch("select * from events where kind = 'wallet.credited'")
    assert (event["subject"], event["actor"]) == (f"customer/{customer.id}", "token:admin-token")
    facts = json.loads(event["facts"])
    assert (facts["amount_minor"], facts["reason"]) == (25_050, "goodwill")


@pytest.mark.parametrize("change", [{"amount": "250.51"}, {"reason": "another"}])
async def test_a_key_that_was_used_for_something_else_is_refused(
    operator: Desk, change: dict[str, str]
) -> None:
    customer = await operator.books.customer()
    await operator.post(credit_of(customer), **CREDIT)

    answer = await operator.post(credit_of(customer), **{**CREDIT, **change})

    assert (answer.status_code, answer.json()["code"]) == (409, "credit.key_used")
    assert await operator.books.money(customer) == (25_050, 0)


async def test_a_key_that_was_used_for_somebody_else_is_refused(operator: Desk) -> None:
    one, two = await operator.books.customer(1), await operator.books.customer(2)
    await operator.post(credit_of(one), **CREDIT)

    answer = await operator.post(credit_of(two), **CREDIT)

    assert answer.status_code == 409
    assert await operator.books.money(two) == (0, 0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"amount": "0"}, "amount"),
        ({"amount": "-5.00"}, "amount"),
        ({"amount": 2.5}, "amount"),
        ({"amount": "1.005"}, "amount"),
        ({"amount": "99999999999.00"}, "amount"),
        ({"currency": "USD"}, "currency"),
        ({"currency": "naira"}, "currency"),
        ({"reason": ""}, "reason"),
        ({"idempotency_key": ""}, "idempotency_key"),
        ({"note": "?"}, "note"),
    ],
)
async def test_a_credit_that_cannot_be_is_refused_by_field(
    operator: Desk, change: dict[str, Any], field: str
) -> None:
    customer = await operator.books.customer()

    answer = await operator.post(credit_of(customer), **{**CREDIT, **change})

    assert answer.status_code == 422, answer.text
    assert [detail["field"] for detail in answer.json()["details"]] == [field]
    assert await operator.books.money(customer) == (0, 0)


async def test_a_customer_of_another_tenant_gets_nothing(operator: Desk) -> None:
    stranger = await open_books(operator.books.database, "stranger")
    theirs = await stranger.customer()
    plain = await operator.core.tokens.create("ours", operator.books.tenant.id, ["*"], "test")

    for who in (theirs.id, ids.uuid7()):
        answer = await operator.http.post(
            f"/users/{who}/credit", json=CREDIT, headers={"authorization": f"Bearer {plain}"}
        )
        assert (answer.status_code, answer.json()["code"]) == (404, "user.unknown")
    assert await stranger.money(theirs) == (0, 0)
