"""The same from the command line, by whoever is logged in."""

import getpass
import json
import re

import asyncpg
import pytest

from core.domain.orders import Verdict
from core.ports import NewCase
from core.store.cases import PgCases
from tests.contract.admin.test_order_actions import bought
from tests.fakes.admin import Desk
from tests.fakes.commands import Run


async def test_pending_orders_are_asked_about_and_shown(operator: Desk, run: Run) -> None:
    await bought(operator.books, Verdict.CAPTURE)
    order = await bought(operator.books, Verdict.WAIT)
    operator.books.clock.advance(1)
    unsent = await operator.books.begun(await operator.books.customer())

    pending = await run("orders", "pending", "--json")
    processed = await run("orders", "process", "--all", "--json")
    one = await run("orders", "process", order.reference, "--json")
    shown = await run("orders", "show", order.reference, "--json")

    assert [said.status for said in (pending, processed, one, shown)] == [0] * 4, processed.err
    rows = json.loads(pending.out)
    assert [(row["reference"], row["why"]) for row in rows] == [
        (order.reference, "unknown: timeout"),
        (unsent.reference, "not sent yet"),
    ]
    asked = json.loads(processed.out)
    # Its deadline is long past by the program's own clock, and nobody listens at that address.
    assert [(row["ours"], row["theirs"]) for row in asked] == [
        ("paid_back", "unknown"),
        ("held", None),
    ]
    assert json.loads(one.out)["reference"] == order.reference
    events = json.loads(shown.out)["events"]
    assert {event["actor"] for event in events if "reconcile" in event["kind"]} == {
        f"cli:{getpass.getuser()}"
    }


async def test_a_refund_is_told_with_its_entries_and_events(operator: Desk, run: Run) -> None:
    order = await bought(operator.books, Verdict.WAIT)

    refunded = await run(
        "orders", "refund", order.reference, "--reason", "customer called", "--json"
    )
    shown = await run("orders", "show", order.reference, "--json")
    for_people = await run("orders", "show", order.reference)

    assert refunded.status == shown.status == for_people.status == 0, refunded.err
    assert json.loads(refunded.out) == {
        "reference": order.reference, "state": "paid_back", "done": "pay_back", "repeated": False,
    }  # fmt: skip
    detail = json.loads(shown.out)
    assert {entry["code"] for entry in detail["entries"]} == {"sale", "pay_back"}
    [by_hand] = [event for event in detail["events"] if event["kind"] == "order.refund_by_hand"]
    assert by_hand["facts"]["reason"] == "customer called"
    assert "order.refund_by_hand" in for_people.out


async def test_an_order_is_resolved_with_evidence(
    operator: Desk, run: Run, owner: asyncpg.Connection
) -> None:
    order = await bought(operator.books, Verdict.WAIT)
    words = ("orders", "resolve", order.reference, "--outcome", "delivered", "--evidence")

    resolved = await run(*words, "their ref 8841", "--json")
    shown = await run("orders", "show", order.reference, "--json")

    assert resolved.status == 0, resolved.err
    assert json.loads(resolved.out)["state"] == "delivered"
    facts = [event["facts"] for event in json.loads(shown.out)["events"]]
    assert "their ref 8841" in [fact.get("evidence") for fact in facts]
    assert not await owner.fetch("select 1 from events where facts::text like '%8841%'")


async def test_a_case_is_listed_shown_and_closed(operator: Desk, run: Run) -> None:
    books = operator.books
    await PgCases(books.database, books.clock).open(
        NewCase(books.tenant.id, "payout_in_doubt", "payout/1", "PO1", {"bank": "044"})
    )

    listed = await run("cases", "list", "--json")
    [case] = json.loads(listed.out)
    shown = await run("cases", "show", case["id"])
    closed = await run("cases", "close", case["id"], "--resolution", "Paid.", "--json")
    left = await run("cases", "list", "--json")

    assert [said.status for said in (listed, shown, closed, left)] == [0] * 4
    assert "bank: 044" in shown.out
    assert json.loads(closed.out)["closed_by"] == f"cli:{getpass.getuser()}"
    assert json.loads(left.out) == []


@pytest.mark.parametrize(
    "wrong",
    [
        ("orders", "refund", "NOSUCH", "--reason", "why not"),
        ("orders", "refund", "{delivered}", "--reason", "why not"),
        ("orders", "refund", "{doubtful}", "--reason", "x"),
        ("orders", "resolve", "{delivered}", "--outcome", "not_delivered", "--evidence", "a call"),
        ("orders", "process"),
        ("orders", "process", "NOSUCH"),
        ("cases", "show", "00000000-0000-0000-0000-000000000000"),
        ("cases", "close", "00000000-0000-0000-0000-000000000000", "--resolution", "done"),
    ],
)
async def test_a_refusal_is_one_clear_line_and_a_status(
    operator: Desk, run: Run, wrong: tuple[str, ...]
) -> None:
    delivered = await bought(operator.books, Verdict.CAPTURE)
    doubtful = await bought(operator.books, Verdict.WAIT)
    references = {"delivered": delivered.reference, "doubtful": doubtful.reference}

    result = await run(*(word.format(**references) for word in wrong))

    assert (result.status, result.out) == (1, "")
    assert re.fullmatch(r"callbox: [^\n]+\n", result.err)
