"""Commands on orders."""

import asyncio
from dataclasses import asdict
from typing import Annotated, Any

import typer

from cli import order_actions
from cli.attached import attached_core
from cli.output import AsJson, show_json, show_rows
from core.domain.orders import OrderState, OrderView
from core.kit.errors import Fault
from core.kit.money import Money, to_major
from core.kit.msisdn import local
from core.ports import AttemptView, EntryView, OrderDetail
from core.ports.desk import Past
from core.settings import read_settings

app = typer.Typer(help="Look at orders, and settle them.", no_args_is_help=True)
for _name, _command in order_actions.COMMANDS.items():
    app.command(_name)(_command)

_Tenant = Annotated[str, typer.Option(help="The key of the tenant.")]


@app.command()
def show(reference: str, tenant: _Tenant = "demo", *, as_json: AsJson = False) -> None:
    """One order: where it stands, who was asked for it, what money moved, and who did what."""
    found, past = asyncio.run(_find(reference.strip().upper(), tenant))
    if found is None:
        raise Fault(f"no order {reference} in tenant {tenant}")
    order = found.listed.order
    attempts = [_attempt(attempt, order.currency) for attempt in found.attempts]
    if as_json:
        show_json(
            {
                **_plain(order),
                "held": found.held,
                "attempts": attempts,
                "entries": [_entry(entry, order.currency) for entry in found.entries],
                "events": [_event(one) for one in past],
            }
        )
        return
    _print([order])
    typer.echo("")
    show_rows([_told(attempt) for attempt in attempts], of="attempts", as_json=False)
    typer.echo("")
    show_rows(
        [_entry(entry, order.currency) for entry in found.entries], of="bookings", as_json=False
    )
    typer.echo("")
    for one in past:
        facts = ", ".join(f"{name}: {value}" for name, value in one.facts.items())
        typer.echo(f"{one.at:%Y-%m-%d %H:%M:%S}  {one.kind}  by {one.actor}  ({facts})")


@app.command("list")
def list_orders(
    tenant: _Tenant = "demo",
    state: Annotated[OrderState | None, typer.Option(help="Only those that stand so.")] = None,
    count: Annotated[int, typer.Option(min=1, max=500)] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """The latest orders of a tenant."""
    found = asyncio.run(_list(tenant, state, count))
    if as_json:
        show_json([_plain(order) for order in found])
    else:
        _print(found)


async def _find(reference: str, tenant: str) -> tuple[OrderDetail | None, list[Past]]:
    async with attached_core(read_settings()) as core:
        tenant_id = (await core.tenants.named(tenant)).id
        found = await core.backoffice.order(tenant_id, reference)
        if found is None:
            return None, []
        return found, await core.order_actions.history(tenant_id, found.listed.order.id)


async def _list(tenant: str, state: OrderState | None, count: int) -> list[OrderView]:
    async with attached_core(read_settings()) as core:
        found = await core.tenants.named(tenant)
        return list(await core.orders.of_tenant(found.id, state=state, count=count))


def _print(orders: list[OrderView]) -> None:
    rows = [
        {
            "reference": order.reference,
            "state": order.state.value,
            "what": f"{order.product.value} {order.network}",
            "for": local(order.recipient),
            "amount": to_major(Money(order.amount_minor, order.currency)),
            "fee": to_major(Money(order.fee_minor, order.currency)),
            "at": f"{order.created_at:%Y-%m-%d %H:%M}",
        }
        for order in orders
    ]
    show_rows(rows, of="orders", as_json=False)


def _plain(order: OrderView) -> dict[str, Any]:
    plain = asdict(order)
    plain["amount"] = to_major(Money(plain.pop("amount_minor"), order.currency))
    plain["fee"] = to_major(Money(plain.pop("fee_minor"), order.currency))
    return plain


def _attempt(attempt: AttemptView, currency: str) -> dict[str, Any]:
    plain = asdict(attempt)
    cost = plain.pop("cost_minor")
    plain["cost"] = None if cost is None else to_major(Money(cost, currency))
    return plain


def _entry(entry: EntryView, currency: str) -> dict[str, object]:
    return {
        "code": entry.code,
        "account": entry.account_type,
        "owner": entry.account_owner,
        "amount": to_major(Money(entry.amount_minor, currency)),
        "at": entry.at.isoformat(),
        "transfer_id": str(entry.transfer_id),
    }


def _signed(minor: int, currency: str) -> str:
    return ("-" if minor < 0 else "") + to_major(Money(abs(minor), currency))


def _event(past: Past) -> dict[str, object]:
    return {
        "kind": past.kind,
        "actor": past.actor,
        "facts": dict(past.facts),
        "at": past.at.isoformat(),
    }


def _told(attempt: dict[str, Any]) -> dict[str, object]:
    """What of an attempt fits a line."""
    shown = ("number", "provider", "provider_reference", "state", "result", "reason", "cost")
    return {name: attempt[name] for name in shown}
