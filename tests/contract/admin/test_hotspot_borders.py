"""Hotspots of one tenant are nobody else's, and a key does what its abilities say: every path."""

import dataclasses
import re
from typing import Any

import asyncpg
import httpx
import pytest

from core.kit import ids
from core.ports.router_upkeep import Backup
from core.services.voucher_batches import BatchOrder
from tests.contract.admin.test_vouchers import EVENT, bought, site, work
from tests.fakes.admin import Desk
from tests.fakes.books import NOON, open_books

HOTSPOTS = ("/voucher", "/router-management", "/mikrotik")
BODIES: dict[str, dict[str, Any]] = {
    "/transfer": {"phone": "08030000001"},
    "/refund": {"reason": "because"},
    "/let-go": {"users": 5, "confirm": "Main gate"},
    "/restore": {"confirm": "Main gate"},
    "/users": {"name": "guest", "password": "x"},
    "/users/bulk": {"action": "remove", "names": ["guest"]},
}


@dataclasses.dataclass(frozen=True)
class Theirs:
    """What a tenant has, by the names that paths give it."""

    named: dict[str, str]
    code: str

    def fill(self, path: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: self.named.get(found[1], "x"), path)


async def theirs_of(operator: Desk) -> Theirs:
    """A router, a paid voucher, a plan, a batch, a backup and a bulk of the first tenant."""
    hotspots = operator.core.hotspots
    router = await site(operator)
    voucher_id, code = await bought(operator, router)
    [plan] = await hotspots.plans.listed(operator.books.tenant.id)
    order = BatchOrder(2, plan.code, router.id)
    batch = await hotspots.batch_desk.generate(
        operator.books.tenant, order, key="march", actor="test"
    )
    await work(operator)
    backup = Backup(
        *(ids.uuid7(), operator.books.tenant.id, router.id, "first", "callbox-1", "a password"),
        *(10, "7.18", "/ip hotspot", "", NOON, "test"),
    )
    await operator.core.router_office.backups._backups.add(backup, EVENT)
    named = {
        "router_id": router.id,
        "code": voucher_id,
        "plan_id": plan.id,
        "batch_id": batch.id,
        "backup_id": backup.id,
        "bulk_id": ids.uuid7(),
        "name": "guest",
        "session_id": "*1",
    }
    return Theirs({key: str(value) for key, value in named.items()}, code)


@dataclasses.dataclass(frozen=True)
class Way:
    """A method and path of hotspots, and the queries that it needs."""

    method: str
    path: str
    needs: tuple[str, ...]

    @property
    def names(self) -> bool:
        """It names what is somebody's. What the others tell is their own tenant's."""
        return "{" in self.path

    async def ask(self, operator: Desk, token: str, theirs: Theirs) -> httpx.Response:
        body = next((BODIES[end] for end in BODIES if self.path.endswith(end)), {})
        return await operator.http.request(
            self.method,
            theirs.fill(self.path),
            json=body if self.method in {"POST", "PUT"} else None,
            params={name: str(ids.uuid7()) for name in self.needs},
            headers={"authorization": f"Bearer {token}"},
        )


async def ways(operator: Desk) -> list[Way]:
    described = (await operator.http.get("/openapi.json")).json()
    return [
        Way(
            method.upper(),
            path.removeprefix("/api/v1"),
            tuple(
                each["name"]
                for each in told.get("parameters", ())
                if each["in"] == "query" and each.get("required")
            ),
        )
        for path, methods in described["paths"].items()
        for method, told in methods.items()
        if path.removeprefix("/api/v1").startswith(HOTSPOTS)
    ]


async def kept(owner: asyncpg.Connection) -> Any:
    tables = (
        "routers",
        "vouchers",
        "voucher_sales",
        "voucher_batches",
        "hotspot_plans",
        "router_ops",
    )
    return [await owner.fetch(f"select * from {table} t order by t::text") for table in tables]


async def test_another_tenants_key_finds_nothing_of_it(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    theirs = await theirs_of(operator)
    stranger = await open_books(operator.books.database, "stranger")
    token = await operator.core.tokens.create("all", stranger.tenant.id, ["*"], "test")
    before, asked = await kept(owner), 0

    for way in await ways(operator):
        if way.names:
            answer = await way.ask(operator, token, theirs)
            assert answer.status_code == 404, (way, answer.text)
            assert theirs.code not in answer.text
            asked += 1
        elif way.method == "GET":
            assert (await way.ask(operator, token, theirs)).json()["data"] == []
    by_code = await operator.as_token(token, f"/vouchers/{theirs.code}", reveal=True)

    assert by_code.status_code == 404
    assert asked > 35
    assert await kept(owner) == before


async def test_another_tenants_router_is_named_in_no_order_or_plan(
    operator: Desk, owner: asyncpg.Connection
) -> None:
    theirs = await theirs_of(operator)
    stranger = await open_books(operator.books.database, "stranger")
    token = await operator.core.tokens.create("all", stranger.tenant.id, ["*"], "test")
    headers = {"authorization": f"Bearer {token}"}
    router = {"router_id": theirs.named["router_id"]}
    before = await kept(owner)

    for path, body in (
        ("/vouchers/batch-generate", {"quantity": 1, "profile": "1GB-DAILY", **router}),
        ("/voucher-plans", {"code": "1GB-DAILY", "price": "5.00", **router}),
    ):
        answer = await operator.http.post(path, json=body, headers=headers)
        assert answer.status_code == 422, answer.text
    assert await kept(owner) == before


@pytest.mark.parametrize("abilities", [("vouchers:read", "routers:read"), ("users:read",)])
async def test_a_key_that_may_only_read_changes_nothing_and_sees_no_code(
    operator: Desk, owner: asyncpg.Connection, abilities: tuple[str, ...]
) -> None:
    theirs = await theirs_of(operator)
    token = await operator.core.tokens.create("reader", operator.books.tenant.id, abilities, "test")
    reads = "vouchers:read" in abilities
    before = await kept(owner)

    for way in await ways(operator):
        answer = await way.ask(operator, token, theirs)
        secret = way.path.endswith(("/sheet.pdf", "/download", "/compare"))
        if way.method != "GET" or secret or not reads:
            assert answer.status_code == 403, (way, answer.text)
        assert theirs.code not in answer.text
    for path, query in (
        (f"/vouchers/{theirs.code}", {"reveal": True}),
        (f"/vouchers/batches/{theirs.named['batch_id']}/sheet.csv", {"codes": "clear"}),
    ):
        assert (await operator.as_token(token, path, **query)).status_code == 403

    assert await kept(owner) == before
