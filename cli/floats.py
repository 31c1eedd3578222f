"""Commands on our money at providers."""

import asyncio
import json
from typing import Annotated

import typer

from cli.attached import attached_core
from core.domain.providers import UnknownProvider
from core.kit.errors import Fault
from core.kit.money import Money, from_major, to_major
from core.services.floats import FloatFunding, FloatStanding, ReferenceUsed
from core.settings import read_settings

app = typer.Typer(help="Our money at providers.", no_args_is_help=True)

_ACTOR = "cli"
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a script to read.")]
_Tenant = Annotated[str, typer.Option(help="The key of the tenant.")]
_Provider = Annotated[str, typer.Argument(help="Its name, as in `callbox providers list`.")]


@app.command()
def fund(
    provider: _Provider,
    amount: Annotated[str, typer.Option(help="In major units: 500000 or 500000.00.")],
    reference: Annotated[str, typer.Option(help="Of the bank transfer that paid it.")],
    tenant: _Tenant = "demo",
    *,
    as_json: _Json = False,
) -> None:
    """Book money that was paid to a provider, once per reference."""
    given = asyncio.run(_fund(provider, amount, reference, tenant))
    told = f"{to_major(given.amount)} {given.amount.currency}"
    if as_json:
        plain = {"id": str(given.transfer_id), "amount": told, "repeated": given.repeated}
        typer.echo(json.dumps(plain))
    else:
        typer.echo(f"{told} {'was booked before' if given.repeated else 'is booked'}.")


@app.command()
def show(provider: _Provider, tenant: _Tenant = "demo", *, as_json: _Json = False) -> None:
    """Our float at a provider, by our books and by its own word."""
    found = asyncio.run(_show(provider, tenant))
    told = to_major(found.told) if found.told else None
    if as_json:
        plain = {
            "provider": provider,
            "booked": to_major(found.booked),
            "told": told,
            "currency": found.booked.currency,
            "why": found.why,
        }
        typer.echo(json.dumps(plain))
    else:
        says = f"it says {told}" if told else f"it does not say: {found.why}"
        typer.echo(f"{provider}: booked {to_major(found.booked)} {found.booked.currency}, {says}")


async def _fund(provider: str, amount: str, reference: str, tenant: str) -> FloatFunding:
    async with attached_core(read_settings()) as core:
        found = await core.tenants.named(tenant)
        try:
            return await core.floats.fund(
                found.id,
                provider,
                _money(amount, found.currency),
                reference=reference.strip(),
                actor=_ACTOR,
            )
        except UnknownProvider:
            raise Fault(f"{tenant} buys nothing of {provider}") from None
        except ReferenceUsed:
            raise Fault(f"{reference} stands for another payment to {provider}") from None


async def _show(provider: str, tenant: str) -> FloatStanding:
    async with attached_core(read_settings()) as core:
        try:
            return await core.floats.show((await core.tenants.named(tenant)).id, provider)
        except UnknownProvider:
            raise Fault(f"{tenant} buys nothing of {provider}") from None


def _money(amount: str, currency: str) -> Money:
    try:
        money = from_major(amount, currency)
    except ValueError as error:
        raise Fault(f"--amount: {error}") from None
    if money.minor <= 0:
        raise Fault("--amount: should be above zero")
    return money
