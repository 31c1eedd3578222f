"""Routers over the admin API: kept, tested, imported, watched; nothing secret comes out."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import httpx
import pytest

from core.domain.hotspot import RouterStatus
from core.kit import ids
from sandbox.routeros.fleet import Router
from sandbox.routeros.plan import ACCOUNT, PASSWORD, Plan
from tests.contract.admin.test_access import assert_refused
from tests.fakes.admin import Desk
from tests.fakes.books import open_books
from tests.fakes.routers import V6_OLD, V7, fleet_of

BASE = "/router-management"
STEPS = [
    "network", "handshake", "login", "permissions", "system", "device_mode", "hotspot", "clock",
]  # fmt: skip


@pytest.fixture
async def routers() -> AsyncIterator[list[Router]]:
    plans = Plan("r1", version=V7), Plan("r2", version=V6_OLD), Plan("r3", policies=frozenset())
    async with fleet_of(*plans) as made:
        yield made


def body(router: Router, **different: Any) -> dict[str, Any]:
    told = {"name": router.name, "host": "127.0.0.1", "port": router.port}
    return told | {"username": ACCOUNT, "password": PASSWORD} | different


async def add(operator: Desk, router: Router, **different: Any) -> Any:
    answer = await operator.http.post(BASE, json=body(router, **different))
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def watch(operator: Desk, times: int = 1) -> None:
    """What a worker does: look at whatever is due."""
    [pump] = [each for each in operator.core.pumps if each.name == "router watch"]
    for _ in range(times):
        await pump.lease(0)
        for each in await pump.lease(100):
            await pump.handle(each)


async def events(
    owner: asyncpg.Connection, router_id: str
) -> list[tuple[str, str, dict[str, Any]]]:
    rows = await owner.fetch(
        "select kind, actor, facts::text from events where subject = $1 order by id",
        f"router/{router_id}",
    )
    return [(row["kind"], row["actor"], json.loads(row["facts"])) for row in rows]


async def test_a_router_is_kept_changed_and_forgotten(
    operator: Desk, owner: asyncpg.Connection, routers: list[Router]
) -> None:
    made = await add(
        operator,
        routers[0],
        location="Yaba",
        latitude=6.5095,
        longitude=3.3711,
        group="lagos",
        active_users_max=40,
        bandwidth_max_bps=20_000_000,
    )
    path = f"{BASE}/{made['id']}"
    assert (made["status"], made["is_selling"], made["server"]) == ("offline", True, "hotspot1")
    assert made["sells_nothing"] == "It was never reached. It sells once it has answered: test it."
    assert_refused(await operator.http.post(BASE, json=body(routers[0])), 409, "router.name_taken")

    put = await operator.put(path, location="Ikeja", active_users_max=None, is_selling=False)
    changed = put.json()["data"]
    assert (changed["location"], changed["active_users_max"]) == ("Ikeja", None)
    assert (changed["latitude"], changed["bandwidth_max_bps"]) == (6.5095, 20_000_000)
    assert changed["is_selling"] is False
    assert changed["sells_nothing"] == "It is set not to sell."
    bad = await operator.put(path, latitude=None)
    assert_refused(bad, 422, "router.invalid")
    assert {each["field"] for each in bad.json()["details"]} == {"latitude", "longitude"}

    assert (await operator.http.delete(path)).status_code == 200
    assert_refused(await operator.http.get(path), 404, "router.unknown")
    assert_refused(await operator.http.delete(path), 404, "router.unknown")
    noted = await events(owner, made["id"])
    assert [kind for kind, _, _ in noted] == ["router.added", "router.changed", "router.removed"]
    assert noted[0][1] == "token:admin-token"
    assert noted[0][2]["secrets"] == ["password"]
    assert noted[1][2] == {"location": "Ikeja", "active_users_max": None, "selling": False}
    assert PASSWORD not in json.dumps(noted)


async def test_secrets_go_in_and_never_come_out(
    operator: Desk, owner: asyncpg.Connection, routers: list[Router]
) -> None:
    made = await add(operator, routers[0])
    shown = [await operator.get(f"{BASE}/{made['id']}"), await operator.get(BASE), made]

    assert PASSWORD not in json.dumps(shown)
    assert not {"password", "certificate"} & made.keys()
    kept = await owner.fetchrow("select * from routers")
    assert PASSWORD not in repr(kept)


async def test_routers_are_searched_sorted_and_paged(operator: Desk, routers: list[Router]) -> None:
    for place, router in enumerate(routers):
        await add(operator, router, location=("Yaba", "Ikeja", "Yaba")[place], group="lagos")

    async def names(**query: Any) -> list[str]:
        return [each["name"] for each in await operator.data(BASE, **query)]

    assert await names(search="yaba", sort_by="name", sort_order="asc") == ["r1", "r3"]
    assert await names(status="online") == []
    assert await names(status="offline", sort_by="name", sort_order="desc") == ["r3", "r2", "r1"]
    page = await operator.get(BASE, sort_by="name", sort_order="asc", page=2, per_page=2)
    assert [each["name"] for each in page["data"]] == ["r3"]
    assert page["pagination"]["total"] == 3
    assert_refused(await operator.http.get(f"{BASE}?status=fine"), 422, "request.invalid")


async def test_what_is_wrong_is_told_by_field(operator: Desk, routers: list[Router]) -> None:
    wrongs: list[tuple[dict[str, Any], str]] = [
        ({"name": " "}, "name"),
        ({"host": "10.0.0.1:8728/x"}, "host"),
        ({"port": 70_000}, "port"),
        ({"username": ""}, "username"),
        ({"latitude": 91.0, "longitude": 3.0}, "latitude"),
        ({"server": "all"}, "server"),
        ({"active_users_max": 0}, "active_users_max"),
        ({"login_url": "wifi.lan"}, "login_url"),
        ({"certificate": "no pem"}, "certificate"),
    ]
    for wrong, field in wrongs:
        answer = await operator.http.post(BASE, json=body(routers[0], **wrong))
        assert_refused(answer, 422, "router.invalid")
        assert [each["field"] for each in answer.json()["details"]] == [field]
        assert PASSWORD not in answer.text


async def test_a_router_is_examined_step_by_step(operator: Desk, routers: list[Router]) -> None:
    """Old and new RouterOS, each by its own style of login, kept or not."""
    made = await add(operator, routers[0])
    kept = (await operator.post(f"{BASE}/{made['id']}/test")).json()["data"]
    assert [step["step"] for step in kept["steps"]] == STEPS
    assert {step["status"] for step in kept["steps"]} == {"passed"}
    assert kept["ok"] is True
    styles = {step["step"]: step["facts"] for step in kept["steps"]}
    assert styles["login"] == {"style": "password"}

    unsaved = {name: value for name, value in body(routers[1]).items() if name != "name"}
    old = (await operator.post(f"{BASE}/test-connection", **unsaved)).json()["data"]
    assert old["ok"] is True
    assert old["steps"][2]["facts"] == {"style": "challenge"}
    assert await operator.data(BASE, search="r2") == []


async def test_what_fails_is_told_with_its_cause_and_remedy(
    operator: Desk, routers: list[Router]
) -> None:
    async def failed(**different: Any) -> list[tuple[str, str]]:
        told = {name: value for name, value in body(routers[0]).items() if name != "name"}
        answer = await operator.post(f"{BASE}/test-connection", **told | different)
        steps = answer.json()["data"]["steps"]
        for step in steps:
            if step["status"] == "failed":
                assert step["cause"]
                assert step["remedy"]
                assert "{" not in step["cause"] + step["remedy"]
        assert PASSWORD not in answer.text
        return [(each["step"], each["status"]) for each in steps if each["status"] != "passed"]

    def stopped_at(step: str) -> list[tuple[str, str]]:
        place = STEPS.index(step)
        return [(step, "failed"), *((each, "not_reached") for each in STEPS[place + 1 :])]

    assert await failed(port=1) == stopped_at("network")
    assert await failed(host="nowhere.invalid") == stopped_at("network")
    assert await failed(password="wrong") == stopped_at("login")
    assert await failed(port=routers[2].port) == stopped_at("login")
    routers[0].box.permit(frozenset({"api", "read"}))
    assert await failed() == stopped_at("permissions")
    routers[0].box.permit(routers[0].box.plan.policies)
    routers[0].box.hotspot_allowed = False
    assert ("device_mode", "failed") in await failed()


async def test_figures_history_and_forecast_come_from_what_monitoring_kept(
    operator: Desk, routers: list[Router]
) -> None:
    made = await add(operator, routers[0], active_users_max=10)
    path = f"{BASE}/{made['id']}"
    before = await operator.data(f"{path}/statistics")
    assert (before["measured_at"], before["system"], before["history"]) == (None, None, [])

    await watch(operator)
    asked = routers[0].box.record.total
    found = await operator.data(f"{path}/statistics")
    assert found["system"]["version"] == V7
    assert (found["status"], found["missed"], found["history_by"]) == ("recovering", None, "look")
    assert found["age_s"] <= 30
    assert [point["answered"] for point in found["history"]] == [1]
    hourly = await operator.data(f"{path}/statistics", hours=100)
    assert (hourly["history_by"], len(hourly["history"])) == ("hour", 1)
    rooms = {each["name"]: each for each in await operator.data(f"{path}/capacity")}
    assert (rooms["active_users"]["limit"], rooms["active_users"]["outlook"]) == (10, "too_early")
    assert rooms["bandwidth"]["outlook"] == "unlimited"
    assert rooms["addresses"]["limit"] > 0
    assert "forecast needs" in rooms["active_users"]["forecast"]
    assert routers[0].box.record.total == asked, "no router was asked for that"


async def test_a_router_that_is_away_is_told_with_what_was_last_seen(
    operator: Desk, routers: list[Router]
) -> None:
    made = await add(operator, routers[0])
    path = f"{BASE}/{made['id']}"
    await watch(operator)
    live = await operator.data(f"{path}/logs")
    assert live["live"] is True
    assert any(ACCOUNT in line["message"] for line in live["lines"])
    assert await operator.data(f"{path}/logs", search="no such words") == {
        "live": True,
        "lines": [],
    }

    await routers[0].away()
    assert (await operator.data(f"{path}/logs"))["live"] is False
    refused = await operator.http.get(f"/mikrotik/{made['id']}/users")
    code = refused.json()["code"]  # its circuit may have opened by now
    assert code in {"router.away", "router.resting"}
    assert_refused(refused, 503, code)
    assert (await operator.data(f"{path}/statistics"))["system"]["version"] == V7


async def test_a_person_says_that_a_router_was_put_right(
    operator: Desk, owner: asyncpg.Connection, routers: list[Router]
) -> None:
    made = await add(operator, routers[0])
    hotspots = operator.core.hotspots.routers
    [site] = await hotspots.all()
    now = operator.core.clock.now()
    await hotspots.found(site, RouterStatus.NEEDS_ATTENTION, now, attention="reset")
    path = f"{BASE}/{made['id']}"
    shown = await operator.data(path)
    assert (shown["status"], shown["attention"]) == ("needs_attention", "reset")
    assert shown["remedy"]

    put_right = (await operator.post(f"{path}/attended")).json()["data"]
    assert (put_right["status"], put_right["attention"]) == ("recovering", "")
    assert (await events(owner, made["id"]))[-1][0] == "router.attended"
    metrics = operator.http.base_url.copy_with(path="/metrics")
    async with httpx.AsyncClient(trust_env=False) as http:
        told = (await http.get(metrics)).text
    assert 'callbox_routers{status="recovering"} 1.0' in told
    assert 'callbox_routers{status="offline"} 0.0' in told
    assert 'callbox_vouchers_waiting{for="activation"} 0.0' in told


async def test_many_users_go_by_a_persons_word_alone(
    operator: Desk, owner: asyncpg.Connection, routers: list[Router]
) -> None:
    made = await add(operator, routers[0])
    path = f"{BASE}/{made['id']}/let-go"
    allowed = "select let_go from router_workers where let_go_at is not null"

    unsure = await operator.post(path, users=57, confirm="another")
    assert_refused(unsure, 422, "router.not_confirmed")
    assert_refused(await operator.post(path, users=0, confirm=made["name"]), 422, "request.invalid")
    assert await owner.fetchval(allowed) is None

    assert (await operator.post(path, users=57, confirm=made["name"])).status_code == 200
    assert await owner.fetchval(allowed) == 57
    kind, *told = (await events(owner, made["id"]))[-1]
    assert kind == "router.let_go"
    assert "57" in str(told)


async def test_reading_changing_and_maintaining_are_three_abilities(
    operator: Desk, routers: list[Router]
) -> None:
    made = await add(operator, routers[0])
    path, mikrotik = f"{BASE}/{made['id']}", f"/mikrotik/{made['id']}"
    tenant = operator.books.tenant.id
    tokens = operator.core.tokens
    reader = await tokens.create("reader", tenant, ["routers:read"], "test")
    writer = await tokens.create("writer", tenant, ["routers:write"], "test")

    async def asked(token: str, method: str, where: str) -> int:
        headers = {"authorization": f"Bearer {token}"}
        answer = await operator.http.request(method, where, headers=headers, json={})
        return answer.status_code

    assert await asked(reader, "GET", path) == 200
    for method, where in (
        ("PUT", path),
        ("DELETE", path),
        ("POST", f"{path}/test"),
        ("POST", f"{BASE}/test-connection"),
        ("POST", f"{path}/backup"),
        ("GET", f"{path}/backup/{ids.uuid7()}/download"),
        ("POST", f"{mikrotik}/users"),
        ("DELETE", f"{mikrotik}/active/*1"),
    ):
        assert await asked(reader, method, where) == 403, where
    for method, where in (
        ("GET", path),
        ("POST", f"{path}/backup"),
        ("POST", f"{path}/backup/{ids.uuid7()}/restore"),
        ("POST", f"{path}/let-go"),
        ("POST", f"{mikrotik}/interfaces/ether2/disable"),
    ):
        assert await asked(writer, method, where) == 403, where


async def test_a_router_of_another_tenant_is_unknown(operator: Desk, routers: list[Router]) -> None:
    made = await add(operator, routers[0])
    stranger = await open_books(operator.books.database, "stranger")
    other = await operator.core.tokens.create("other", stranger.tenant.id, ["*"], "test")
    for where in (
        f"{BASE}/{made['id']}",
        f"{BASE}/{made['id']}/statistics",
        f"{BASE}/{made['id']}/backup",
        f"/mikrotik/{made['id']}/users",
    ):
        assert_refused(await operator.as_token(other, where), 404, "router.unknown")


async def test_a_router_that_owes_a_voucher_is_not_forgotten(
    operator: Desk, routers: list[Router], owner: asyncpg.Connection
) -> None:
    made = await add(operator, routers[0])
    router_id, tenant = made["id"], operator.books.tenant.id
    await owner.execute(
        "insert into vouchers (id, tenant_id, router_id, plan_version, plan_code, plan_name, terms,"
        " price_minor, currency, code_digest, code_sealed, code_head, code_chars, sale_state,"
        " sync_state, desired, created_at) values ($1, $2, $3, 1, 'P', 'P', '{}', 100, 'NGN', 'd',"
        " '', 'K7QM2', 10, 'sold', 'pending', 'present', now())",
        ids.uuid7(),
        tenant,
        router_id,
    )
    refused = await operator.http.delete(f"{BASE}/{router_id}")
    assert_refused(refused, 409, "router.owes_vouchers")
