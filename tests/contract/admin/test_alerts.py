"""`/alerts` and what `/providers` and `/metrics` tell of how providers do."""

import asyncio
import json
from typing import Any

import httpx

from core.ports import Alert, AlertKind
from tests.fakes.admin import CREDENTIALS, Desk, float_teller
from tests.fakes.commands import Run


def alert(operator: Desk, key: str = "float_low/vtpass") -> Alert:
    facts = {"float_balance": "12.00"}
    return Alert(operator.books.tenant.id, AlertKind.FLOAT_LOW, key, "our float is low", facts)


async def test_alerts_are_listed_by_status(operator: Desk) -> None:
    await operator.core.alerts.open(alert(operator, "a"))
    await operator.core.alerts.open(alert(operator, "b"))
    await operator.core.alerts.close(operator.books.tenant.id, "a")

    every = await operator.get("/alerts")
    [still] = await operator.data("/alerts", status="open")
    [over] = await operator.data("/alerts", status="closed")

    assert [row["key"] for row in every["data"]] == ["b", "a"]
    assert every["pagination"]["total"] == 2
    assert (still["key"], still["status"], still["closed_at"]) == ("b", "open", None)
    assert (over["key"], over["status"], over["kind"]) == ("a", "closed", "float_low")
    assert still["facts"] == {"float_balance": "12.00"}


async def test_pages_of_alerts_follow_each_other(operator: Desk) -> None:
    for number in range(5):
        await operator.core.alerts.open(alert(operator, str(number)))

    first = await operator.get("/alerts", per_page=2)
    second = await operator.get("/alerts", per_page=2, cursor=first["pagination"]["next_cursor"])

    assert [row["key"] for row in first["data"] + second["data"]] == ["4", "3", "2", "1"]


async def test_the_stream_tells_of_transitions_and_resumes(operator: Desk) -> None:
    tenant = operator.books.tenant.id
    await operator.core.alerts.open(alert(operator, "a"))
    await operator.core.alerts.close(tenant, "a")
    await operator.core.alerts.open(alert(operator, "b"))

    [closed, opened] = await events(operator, 2, {"last-event-id": "0"})
    [again] = await events(operator, 1, {"last-event-id": closed["id"]})

    assert (closed["event"], closed["data"]["key"]) == ("closed", "a")
    assert (opened["event"], opened["data"]["key"]) == ("opened", "b")
    assert again["id"] == opened["id"]


async def events(operator: Desk, count: int, headers: dict[str, str]) -> list[dict[str, Any]]:
    """The first so many server-sent events."""
    found: list[dict[str, Any]] = []
    async with (
        asyncio.timeout(20),
        operator.http.stream("GET", "/alerts/stream", headers=headers) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        fields: dict[str, Any] = {}
        async for line in answer.aiter_lines():
            name, _, value = line.partition(": ")
            if line and name:
                fields[name] = json.loads(value) if name == "data" else value
            elif "data" in fields:
                found.append(fields)
                fields = {}
            if len(found) == count:
                break
    return found


async def test_alerts_need_their_ability(operator: Desk) -> None:
    tenant = operator.books.tenant.id
    plain = await operator.core.tokens.create("clerk", tenant, ["users:read"], "a test")

    for path in ("/alerts", "/alerts/stream"):
        assert (await operator.as_token(plain, path)).status_code == 403
        assert (await operator.as_token(None, path)).status_code == 401


async def vtpass(operator: Desk, **query: str) -> dict[str, Any]:
    """VTpass as the list of providers shows it."""
    listed = await operator.data("/providers", service="airtime", **query)
    [found] = [each for each in listed if each["provider"] == "vtpass"]
    assert isinstance(found, dict)
    return found


async def test_a_listing_asks_each_provider_once_and_then_remembers(operator: Desk) -> None:
    async with float_teller("75.25") as teller:
        await operator.put("/configuration/api/airtime/vtpass", base_url=teller.url, **CREDENTIALS)
        first = await vtpass(operator)
        teller.naira = "12.00"
        second = await vtpass(operator)
        fresh = await vtpass(operator, fresh="true")

    assert len(teller.asked) == 2
    assert [each["float_balance"] for each in (first, second, fresh)] == [
        "75.25",
        "75.25",
        "12.00",
    ]
    assert second["float_at"] == first["float_at"] < fresh["float_at"]
    assert second["float_age_s"] >= 0
    assert fresh["health"]["check_ok"] is True
    assert fresh["health"]["success_rate"] is None


async def test_a_test_is_kept(operator: Desk) -> None:
    async with float_teller("75.25") as teller:
        await operator.put("/configuration/api/airtime/vtpass", base_url=teller.url, **CREDENTIALS)
        await operator.post("/providers/vtpass/test")
    listed = await vtpass(operator)

    assert listed["float_balance"] == "75.25"
    assert len(teller.asked) == 1


async def test_metrics_name_no_tenant(operator: Desk) -> None:
    await operator.core.alerts.open(alert(operator))
    async with float_teller("75.25") as teller:
        await operator.put("/configuration/api/airtime/vtpass", base_url=teller.url, **CREDENTIALS)
        await operator.data("/providers", service="airtime")
    await operator.core.standings.turn(10, 30)

    base = operator.http.base_url.copy_with(path="/metrics")
    async with httpx.AsyncClient(trust_env=False) as http:
        shown = (await http.get(base)).text

    assert 'callbox_provider_float_minor{currency="NGN",provider="vtpass"} 7525.0' in shown
    assert 'callbox_provider_up{product="airtime",provider="vtpass"} 1.0' in shown
    assert 'callbox_circuit_state{product="airtime",provider="vtpass"} 0.0' in shown
    assert 'callbox_alerts_open{kind="float_low"} 1.0' in shown
    assert "callbox_order_lag_seconds 0.0" in shown
    assert str(operator.books.tenant.id) not in shown
    assert "tenant" not in shown


async def test_commands_list_and_follow_alerts(operator: Desk, run: Run) -> None:
    await operator.core.alerts.open(alert(operator))

    listed = json.loads((await run("alerts", "list", "--json")).out)
    followed = await run("alerts", "follow", "--count", "1")

    assert [(row["kind"], row["status"]) for row in listed] == [("float_low", "open")]
    assert "our float is low" in followed.out
    assert (await run("alerts", "list", "--status", "nonsense")).status != 0
