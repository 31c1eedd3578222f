"""Transactions: found in every way, shown to the last entry, asked about on demand."""

from decimal import Decimal

from core.domain.orders import Verdict
from tests.fakes.admin import Desk
from tests.fakes.books import DELIVERED, REFUSED, UNKNOWN


async def test_pending_is_every_order_that_is_not_final(operator: Desk) -> None:
    books = operator.books
    customer = await books.customer(funds=10_000)
    held, doubtful, done, back = [await books.begun(customer) for _ in range(4)]
    await books.orders.claim(10, 60)
    await books.rule(doubtful, Verdict.WAIT, UNKNOWN, check_in_s=30)
    await books.rule(done, Verdict.CAPTURE, DELIVERED)
    await books.rule(back, Verdict.REFUND, REFUSED)

    async def found(status: str) -> set[str]:
        return {row["reference"] for row in await operator.data("/transactions", status=status)}

    assert await found("pending") == {held.reference, doubtful.reference}
    assert await found("delivered") == {done.reference}
    assert await found("refunded") == {back.reference}
    assert (await operator.get("/transactions"))["pagination"]["total"] == 4


async def test_an_order_shows_its_attempts_and_entries(operator: Desk) -> None:
    books = operator.books
    customer = await books.customer(funds=100_000)
    order = await books.begun(customer, amount=50_000, fee=50)
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE, books.costing(48_500))

    shown = await operator.data(f"/transactions/{order.reference.lower()}")

    assert (shown["status"], shown["final"], shown["hold"]) == ("delivered", True, "captured")
    assert (shown["amount"], shown["fee"], shown["currency"]) == ("500.00", "0.50", "NGN")
    assert (shown["user_id"], shown["recipient"]) == (str(customer.id), customer.msisdn)
    [attempt] = shown["attempts"]
    assert (attempt["provider"], attempt["result"], attempt["cost"]) == (
        "vtpass", "delivered", "485.00",
    )  # fmt: skip
    assert "evidence" not in attempt
    amounts: dict[str, Decimal] = {}
    for entry in shown["entries"]:
        amounts[entry["account"]] = amounts.get(entry["account"], Decimal()) + Decimal(
            entry["amount"]
        )
    assert sum(amounts.values()) == 0
    assert amounts["wallet"] == Decimal("-500.50")
    assert amounts["float"] == Decimal("485.00")


async def test_orders_are_searched_and_filtered(operator: Desk) -> None:
    books = operator.books
    one, two = await books.customer(1, 10_000), await books.customer(2, 10_000)
    first, second = await books.begun(one, 100), await books.begun(two, 300)

    async def found(**query: object) -> list[str]:
        return [row["reference"] for row in await operator.data("/transactions", **query)]

    assert await found(search=first.reference[2:8].lower()) == [first.reference]
    assert await found(search="0803 000 0002") == [second.reference]
    assert await found(user_id=one.id) == [first.reference]
    assert await found(service="data") == []
    assert await found(network="mtn", provider="vtpass", search=one.msisdn) == [first.reference]
    assert await found(since="2026-03-03T00:00:00Z") == []
    assert await found(sort_by="amount", sort_order="asc") == [first.reference, second.reference]
    assert await found(search="%") == []


async def test_pages_and_cursors_walk_through_all_once(operator: Desk) -> None:
    books = operator.books
    customer = await books.customer(funds=10_000)
    made = []
    for number in range(7):
        if number % 2:
            books.clock.advance(1)  # pairs of one time: the id decides
        made.append((await books.begun(customer)).reference)

    paged = [
        row["reference"]
        for page in (1, 2, 3)
        for row in await operator.data("/transactions", page=page, per_page=3)
    ]
    walked: list[str] = []
    body = await operator.get("/transactions", per_page=3)
    walked += (row["reference"] for row in body["data"])
    while cursor := body["pagination"]["next_cursor"]:
        body = await operator.get("/transactions", per_page=3, cursor=cursor)
        walked += (row["reference"] for row in body["data"])

    assert sorted(walked) == sorted(made)
    assert walked == paged


async def test_a_list_in_another_order_has_no_cursor(operator: Desk) -> None:
    customer = await operator.books.customer(funds=10_000)
    for _ in range(2):
        await operator.books.begun(customer)

    body = await operator.get("/transactions", per_page=1, sort_by="amount")

    assert body["pagination"] == {"per_page": 1, "page": 1, "total": 2, "next_cursor": None}


async def test_an_order_nobody_made_cannot_be_reconciled(operator: Desk) -> None:
    answer = await operator.post("/transactions/NOSUCH/reconcile")

    assert (answer.status_code, answer.json()["code"]) == (404, "transaction.unknown")
