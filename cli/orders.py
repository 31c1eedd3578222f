"""Commands on orders."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from cli.processes import attached_core
from core.domain.orders import OrderState, OrderView
from core.kit.errors import Fault
from core.kit.money import Money, to_major
from core.kit.msisdn import local
from core.settings import read_settings

app = typer.Typer(help="Look at orders.", no_args_is_help=True)

_Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a script to read.")]
_Tenant = Annotated[str, typer.Option(help="The key of the tenant.")]


@app.command()
def show(reference: str, tenant: _Tenant = "demo", *, as_json: _Json = False) -> None:
    """One order: what was asked, what it cost, and where it stands."""
    order = asyncio.run(_find(reference.strip().upper(), tenant))
    if order is None:
        raise Fault(f"no order {reference} in tenant {tenant}")
    _print([order], as_json=as_json)


@app.command("list")
def list_orders(
    tenant: _Tenant = "demo",
    state: Annotated[OrderState | None, typer.Option(help="Only those that stand so.")] = None,
    count: Annotated[int, typer.Option(min=1, max=500)] = 20,
    *,
    as_json: _Json = False,
) -> None:
    """The latest orders of a tenant."""
    _print(asyncio.run(_list(tenant, state, count)), as_json=as_json)


async def _find(reference: str, tenant: str) -> OrderView | None:
    async with attached_core(read_settings()) as core:
        return await core.orders.find((await core.tenants.named(tenant)).id, reference)


async def _list(tenant: str, state: OrderState | None, count: int) -> list[OrderView]:
    async with attached_core(read_settings()) as core:
        found = await core.tenants.named(tenant)
        return list(await core.orders.of_tenant(found.id, state=state, count=count))


def _print(orders: list[OrderView], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([_plain(order) for order in orders], default=str, indent=2))
        return
    table = Table(box=None)
    for name in ("reference", "state", "what", "for", "amount", "fee", "at"):
        table.add_column(
            name, no_wrap=True, justify="right" if name in {"amount", "fee"} else "left"
        )
    for order in orders:
        table.add_row(
            order.reference,
            order.state.value,
            f"{order.product.value} {order.network}",
            local(order.recipient),
            to_major(Money(order.amount_minor, order.currency)),
            to_major(Money(order.fee_minor, order.currency)),
            f"{order.created_at:%Y-%m-%d %H:%M}",
        )
    Console().print(table)


def _plain(order: OrderView) -> dict[str, Any]:
    plain = asdict(order)
    plain["amount"] = to_major(Money(plain.pop("amount_minor"), order.currency))
    plain["fee"] = to_major(Money(plain.pop("fee_minor"), order.currency))
    return plain
