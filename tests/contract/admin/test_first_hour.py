"""An operator's first hour: a tenant, the ways to reach it, and what commands find missing."""

import asyncio
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from core.domain.orders import Verdict
from core.store.embedded import ServiceUrls
from tests.fakes.admin import Desk
from tests.fakes.commands import Run, runner

SHOP = ("tenants", "create", "corner-shop", "--name", "Corner shop")
USSD = ("channels", "create", "ussd", "africastalking", "--service-code", "*347*55#")


async def _json(run: Run, *arguments: str) -> Any:
    said = await run(*arguments, "--json")
    assert (said.status, said.err) == (0, "")
    return json.loads(said.out)


async def _events(owner: asyncpg.Connection, subject: str) -> list[tuple[str, str]]:
    rows = await owner.fetch(
        "select kind, actor from events where subject = $1 order by id", subject
    )
    return [(row["kind"], row["actor"]) for row in rows]


async def test_a_tenant_is_made_and_listed(
    operator: Desk, owner: asyncpg.Connection, run: Run
) -> None:
    made = await _json(
        run, *SHOP, "--country", "gh", "--currency", "ghs", "--time-zone", "Africa/Accra"
    )

    assert (made["key"], made["country"], made["currency"]) == ("corner-shop", "GH", "GHS")
    listed = await _json(run, "tenants", "list")
    assert [tenant["key"] for tenant in listed] == ["demo", "corner-shop"]
    assert listed[1] == made
    assert await _events(owner, f"tenant/{made['id']}") == [("tenant.created", "cli")]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        pytest.param(("tenants", "create", "demo", "--name", "x"), "key: is taken", id="tenant"),
        pytest.param((*USSD[:5], "347"), "service_code", id="channel"),
        pytest.param((*USSD, "--tenant", "nobody"), "no tenant 'nobody'", id="whose"),
        pytest.param(("channels", "rotate", str(UUID(int=1))), "no such channel", id="which"),
    ],
)
async def test_what_cannot_be_made_is_one_line_that_says_why(
    operator: Desk, run: Run, wrong: tuple[str, ...], named: str
) -> None:
    said = await run(*wrong)

    assert (said.status, said.out) == (1, "")
    assert re.fullmatch(r"callbox: [^\n]+\n", said.err)
    assert named in said.err


async def test_a_channel_is_opened_rekeyed_and_disabled(
    operator: Desk, owner: asyncpg.Connection, run: Run
) -> None:
    """Its path is told by the command that makes it, and by no other."""
    opened = await _json(run, *USSD)
    first = opened["path"].removeprefix("/ussd/africastalking/")
    assert re.fullmatch(r"[\w-]{32}", first)
    found = await operator.core.channels.find("africastalking", first)
    assert found is not None
    assert (str(found.id), found.service_code) == (opened["id"], "*347*55#")

    rekeyed = await _json(run, "channels", "rotate", opened["id"])
    second = rekeyed["path"].removeprefix("/ussd/africastalking/")
    operator.core.channels._kept.clear()
    assert await operator.core.channels.find("africastalking", first) is None
    assert await operator.core.channels.find("africastalking", second)

    assert (await run("channels", "disable", opened["id"])).status == 0
    operator.core.channels._kept.clear()
    assert await operator.core.channels.find("africastalking", second) is None

    listed = await _json(run, "channels", "list")
    [row] = [row for row in listed if row["id"] == opened["id"]]
    assert (row["kind"], row["gateway"], row["active"]) == ("ussd", "africastalking", False)
    assert not {first, second} & {*str(listed).split("'")}
    kinds = [kind for kind, _ in await _events(owner, f"channel/{opened['id']}")]
    assert kinds == ["channel.created", "channel.rekeyed", "channel.disabled"]


async def test_channels_of_another_tenant_are_out_of_reach(operator: Desk, run: Run) -> None:
    opened = await _json(run, *USSD)
    await _json(run, *SHOP)

    said = await run("channels", "disable", opened["id"], "--tenant", "corner-shop")

    assert said.status == 1
    assert await _json(run, "channels", "list", "--tenant", "corner-shop") == []


@pytest.mark.parametrize(
    "command", [("tenants", "list"), ("orders", "list"), ("ledger", "check")], ids=" ".join
)
async def test_an_empty_database_is_to_be_migrated_first(
    services: ServiceUrls, empty_database_url: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    run = runner(replace(services, database_url=empty_database_url), tmp_path)

    said = await run(*command)

    assert (said.status, said.out) == (1, "")
    assert said.err == "callbox: the database is not up to date: run `callbox migrate` first\n"


async def test_migrating_says_one_line_and_then_commands_work(
    services: ServiceUrls, empty_database_url: str, tmp_path: Path
) -> None:
    run = runner(replace(services, database_url=empty_database_url), tmp_path)

    said = await run("migrate")

    assert (said.status, said.out, said.err) == (0, "The database is up to date.\n", "")
    assert await _json(run, "tenants", "list") == []


async def test_an_order_is_shown_with_whom_it_was_asked_of(operator: Desk, run: Run) -> None:
    books = operator.books
    customer = await books.customer(funds=1000_00)
    order = await books.begun(customer)
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE)

    shown = await _json(run, "orders", "show", order.reference.lower())
    [listed] = await _json(run, "orders", "list")

    [attempt] = shown["attempts"]
    assert (shown["reference"], shown["state"]) == (order.reference, "delivered")
    assert (attempt["number"], attempt["result"], attempt["reason"]) == (1, "delivered", "000")
    assert shown.items() >= listed.items()
    said = await asyncio.gather(run("orders", "show", order.reference), run("orders", "list"))
    assert [each.status for each in said] == [0, 0]
    assert attempt["provider_reference"] in said[0].out
