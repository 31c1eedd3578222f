"""Reconciliations and floats over the admin API."""

import datetime as dt
import json

from tests.fakes.admin import Desk
from tests.fakes.commands import Run

DAY = (dt.datetime(2026, 3, 2, tzinfo=dt.UTC)).date().isoformat()
MISSING = "00000000-0000-0000-0000-000000000000"


async def test_a_day_is_compared_and_shown(operator: Desk) -> None:
    """Nobody answers here: the day is unread, which is not a day without differences."""
    answer = await operator.post("/reconciliations", date=DAY, party="paystack")
    [run] = answer.json()["data"]
    [listed] = await operator.data("/reconciliations", date=DAY)
    shown = await operator.data(f"/reconciliations/{run['id']}")

    assert (run["party"], run["date"], run["status"]) == ("paystack", DAY, "unread")
    assert run["why"]
    assert (listed["id"], shown["id"], shown["found"]) == (run["id"], run["id"], [])


async def test_pages_of_reconciliations_follow_each_other(operator: Desk) -> None:
    for party in ("paystack", "vtpass"):
        assert (await operator.post("/reconciliations", date=DAY, party=party)).status_code == 200

    first = await operator.get("/reconciliations", per_page=1)
    cursor = first["pagination"]["next_cursor"]
    second = await operator.get("/reconciliations", per_page=1, cursor=cursor)

    seen = [first["data"][0]["party"], second["data"][0]["party"]]
    assert (sorted(seen), first["pagination"]["total"]) == (["paystack", "vtpass"], 2)
    assert second["pagination"]["next_cursor"] is None


async def test_a_day_that_is_not_over_is_refused(operator: Desk) -> None:
    answer = await operator.post("/reconciliations", date="2999-01-01")

    assert (answer.status_code, answer.json()["code"]) == (409, "reconciliation.day_not_over")


async def test_a_party_that_nobody_knows_is_refused(operator: Desk) -> None:
    answer = await operator.post("/reconciliations", date=DAY, party="acme")

    assert (answer.status_code, answer.json()["code"]) == (404, "reconciliation.unknown_party")


async def test_an_unknown_reconciliation_is_not_found(operator: Desk) -> None:
    answer = await operator.http.get(f"/reconciliations/{MISSING}")

    assert (answer.status_code, answer.json()["code"]) == (404, "reconciliation.unknown")


async def test_a_float_is_funded_once_per_reference(operator: Desk) -> None:
    paid = {"amount": "5000.00", "currency": "NGN", "reference": "bank 77"}

    first = (await operator.post("/providers/vtpass/float", **paid)).json()["data"]
    again = (await operator.post("/providers/vtpass/float", **paid)).json()["data"]
    other = await operator.post("/providers/vtpass/float", **(paid | {"amount": "1.00"}))
    shown = await operator.data("/providers/vtpass/float")

    assert (first["repeated"], again["repeated"], first["id"]) == (False, True, again["id"])
    assert (other.status_code, other.json()["code"]) == (409, "float.reference_used")
    assert shown["booked"] == "5000.00"


async def test_a_float_in_another_currency_is_refused(operator: Desk) -> None:
    body = {"amount": "5000.00", "currency": "GHS", "reference": "bank 78"}

    answer = await operator.post("/providers/vtpass/float", **body)

    assert (answer.status_code, answer.json()["code"]) == (422, "float.currency")


async def test_a_provider_that_nobody_knows_has_no_float(operator: Desk) -> None:
    body = {"amount": "5000.00", "currency": "NGN", "reference": "bank 79"}

    assert (await operator.post("/providers/acme/float", **body)).status_code == 404


async def test_a_command_tells_by_its_status_that_a_day_could_not_be_read(
    operator: Desk, run: Run
) -> None:
    told = await run("reconcile", "run", "--date", DAY, "--party", "paystack", "--json")
    listed = await run("reconcile", "list", "--json")

    [day] = json.loads(told.out)
    assert (told.status, day["state"], day["found"]) == (4, "unread", [])
    assert [each["party"] for each in json.loads(listed.out)] == ["paystack"]
    assert (await operator.data("/reconciliations"))[0]["party"] == "paystack"


async def test_a_float_is_funded_by_a_command(operator: Desk, run: Run) -> None:
    paid = ("float", "fund", "vtpass", "--amount", "5000", "--reference", "bank 80")

    assert [(await run(*paid)).status for _ in range(2)] == [0, 0]

    assert (await operator.data("/providers/vtpass/float"))["booked"] == "5000.00"
