"""A provider in trouble, from the command line and the admin API."""

import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from cli.plans import read_plans
from core.domain.circuits import CircuitKey, CircuitState
from core.domain.vending import Product
from core.kit.errors import Fault
from core.store.circuits import RedisCircuits
from tests.fakes.admin import CREDENTIALS, SECRETS, Desk, float_teller
from tests.fakes.commands import Run

PLANS = """plan,network,size_mb,validity_days,category,price_minor,active,provider,code,cost_minor
mtn-1gb-30d-sme,mtn,1024,30,sme,30000,yes,vtpass,mtn-1024,28000
mtn-1gb-30d-sme,mtn,1024,30,sme,30000,yes,clubkonnect,1000.0,28500
"""


def circuits_of(operator: Desk) -> RedisCircuits:
    circuits = operator.core.controls._circuits
    assert isinstance(circuits, RedisCircuits)
    return circuits


async def break_circuit(operator: Desk, product: Product = Product.AIRTIME) -> CircuitKey:
    """Have vtpass fail until it rests."""
    key = CircuitKey(operator.books.tenant.id, product, "vtpass")
    for _ in range(5):
        now = operator.core.clock.now()
        await circuits_of(operator).record(key, well=False, sent_at=now)
    return key


async def audited(owner: asyncpg.Connection, kind: str) -> list[Any]:
    return await owner.fetch("select actor, facts from events where kind = $1", kind)


async def test_a_resting_provider_is_shown_and_reset(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    await break_circuit(operator)
    await break_circuit(operator, Product.DATA)
    shown = {
        (one["provider"], one["service"]): one["circuit"]
        for one in await operator.data("/providers")
    }
    answer = await operator.post("/providers/vtpass/circuit/reset?service=airtime")

    assert shown["vtpass", "airtime"] == shown["vtpass", "data"] == "open"
    assert shown["vtpass", "cable"] == "closed"
    assert answer.json()["data"] == [
        {"provider": "vtpass", "service": "airtime", "circuit": "closed"}
    ]
    data = CircuitKey(operator.books.tenant.id, Product.DATA, "vtpass")
    assert circuits_of(operator).state(data) is CircuitState.OPEN
    [event] = await audited(owner, "circuit.reset")
    assert (event["actor"], json.loads(event["facts"])) == (
        "token:admin-token",
        {"before": "open"},
    )


async def test_a_circuit_of_nobody_is_not_found(operator: Desk) -> None:
    assert (await operator.post("/providers/nobody/circuit/reset")).status_code == 404


async def test_a_circuit_is_shown_and_reset_from_the_command_line(operator: Desk, run: Run) -> None:
    key = await break_circuit(operator)
    shown = await run("circuit", "status", "vtpass", "--service", "airtime", "--json")
    reset = await run("circuit", "reset", "vtpass", "--json")
    await circuits_of(operator).refresh()

    [one] = json.loads(shown.out)
    assert (one["provider"], one["service"], one["state"]) == ("vtpass", "airtime", "open")
    assert {one["state"] for one in json.loads(reset.out)} == {"closed"}
    assert circuits_of(operator).state(key) is CircuitState.CLOSED


async def test_a_provider_is_added_switched_to_and_drained(operator: Desk, run: Run) -> None:
    async with float_teller("1.00") as teller:
        added = await run(
            *("providers", "add", "airtime", "vtpass", "--base-url", teller.url),
            *("--priority", "0", "--credentials", "--json"),
            text=json.dumps({**CREDENTIALS, "headers": {"x-shop": SECRETS[3]}}),
        )
        again = await run("providers", "add", "airtime", "vtpass", "--base-url", teller.url)
        switched = await run("providers", "switch", "--service", "airtime", "--to", "vtpass")
    drained = await run("providers", "drain", "vtpass", "--service", "airtime", "--json")
    listed = await operator.data("/providers", service="airtime")

    assert [one.status for one in (added, again, switched, drained)] == [0, 1, 0, 0], added.err
    assert json.loads(drained.out) == {"provider": "vtpass", "services": ["airtime"], "open": 0}
    [vtpass] = [one for one in listed if one["provider"] == "vtpass"]
    assert (vtpass["is_active"], vtpass["configured"]) == (False, True)
    said = "".join(one.out + one.err for one in (added, again, switched, drained))
    assert not [secret for secret in SECRETS if secret in said]


async def test_a_provider_is_not_empty_while_an_order_is_open(operator: Desk, run: Run) -> None:
    await operator.books.begun(await operator.books.customer(funds=1000))
    drained = await run("providers", "drain", "vtpass", "--wait", "0", "--json")

    assert drained.status == 1
    told = json.loads(drained.out)
    assert told["open"] == 1
    assert {"airtime", "data"} <= set(told["services"])


async def test_switching_puts_one_first_though_another_has_the_lowest_priority(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    tenant, controls = operator.books.tenant.id, operator.core.controls
    async with float_teller("1.00") as teller:
        for provider, priority in (("vtpass", 0), ("baxi", 7)):
            endpoints = {"agent_id": "207"} if provider == "baxi" else None
            more = {"endpoints": endpoints} if endpoints else {}
            answer = await operator.put(
                f"/configuration/api/airtime/{provider}",
                base_url=teller.url,
                priority=priority,
                **CREDENTIALS,
                **more,
            )
            assert answer.status_code == 200, answer.text

        assert await controls.put_first(tenant, Product.AIRTIME, "baxi", "test") == 0
        listed = await operator.data("/providers", service="airtime")
        assert [one["provider"] for one in listed][:2] == ["baxi", "vtpass"]
        assert await controls.put_first(tenant, Product.AIRTIME, "vtpass", "test") == 0
        listed = await operator.data("/providers", service="airtime")
        assert [one["provider"] for one in listed][:2] == ["vtpass", "baxi"]
    assert len(await audited(owner, "provider.changed")) == 4


async def test_plans_are_imported_and_listed(operator: Desk, run: Run, tmp_path: Path) -> None:
    file = tmp_path / "plans.csv"
    file.write_text(PLANS)
    imported = await run("plans", "import", str(file), "--json")
    listed = await run("plans", "list", "--json")

    assert json.loads(imported.out) == {"plans": 1, "offers": 2}
    assert [(one["plan"], one["provider"]) for one in json.loads(listed.out)] == [
        ("mtn-1gb-30d-sme", "clubkonnect"),
        ("mtn-1gb-30d-sme", "vtpass"),
    ]
    sold = await operator.core.plans.offers(operator.books.tenant.id, "mtn-1gb-30d-sme")
    assert sold["clubkonnect"].code == "1000.0"


@pytest.mark.parametrize(
    ("find", "put", "why"),
    [
        ("1024,30", "1024,0", "validity_days: should be a whole number above zero"),
        ("28000", "2.80", "cost_minor: should be a whole number above zero"),
        ("yes,vtpass", "perhaps,vtpass", "active: should be yes or no"),
        ("yes,vtpass", "yes,", "provider: is required"),
        ("mtn-1gb-30d-sme", "MTN 1GB", "plan: should be small letters"),
    ],
)
def test_a_wrong_plan_is_named_by_its_line(find: str, put: str, why: str) -> None:
    with pytest.raises(Fault, match=f"line 2: {why}"):
        read_plans(PLANS.replace(find, put, 1).splitlines())


@pytest.mark.parametrize(
    ("find", "put", "why"),
    [
        ("clubkonnect", "vtpass", "vtpass stands twice"),
        ("30000,yes,clubkonnect", "31000,yes,clubkonnect", "differs from an earlier line"),
    ],
)
def test_lines_of_one_plan_agree(find: str, put: str, why: str) -> None:
    with pytest.raises(Fault, match=f"line 3: .*{why}"):
        read_plans(PLANS.replace(find, put, 1).splitlines())


def test_a_file_without_its_columns_is_refused() -> None:
    with pytest.raises(Fault, match="line 1: no column code, cost_minor"):
        read_plans([PLANS.splitlines()[0].replace(",code,cost_minor", "")])
