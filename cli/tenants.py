"""Commands on tenants."""

import asyncio
from typing import Annotated

import typer

from cli.attached import attached_core
from cli.output import AsJson, show_json, show_rows
from core.app import Core
from core.domain.customers import Tenant
from core.kit.errors import Fault
from core.services.tenancy import BadTenant, TenantDesk
from core.settings import read_settings

app = typer.Typer(help="Whose business it is.", no_args_is_help=True)

_ACTOR = "cli"


@app.command()
def create(
    key: Annotated[str, typer.Argument(help="What commands call it, for good: small letters.")],
    name: Annotated[str, typer.Option(help="What people call it.")],
    country: Annotated[str, typer.Option(help="Two letters: how numbers are read.")] = "NG",
    currency: Annotated[str, typer.Option(help="Three letters: what wallets hold.")] = "NGN",
    time_zone: Annotated[str, typer.Option(help="When a day begins.")] = "Africa/Lagos",
    language: Annotated[str, typer.Option(help="What customers read first.")] = "en",
    *,
    as_json: AsJson = False,
) -> None:
    """Make a tenant. Its channels come next: `callbox channels create`."""

    async def make() -> Tenant:
        async with attached_core(read_settings()) as core:
            return await _desk(core).create(
                key,
                name,
                country=country,
                currency=currency,
                time_zone=time_zone,
                language=language,
                actor=_ACTOR,
            )

    try:
        tenant = asyncio.run(make())
    except BadTenant as bad:
        raise Fault(str(bad)) from None
    if as_json:
        show_json(_plain(tenant))
    else:
        typer.echo(f"Tenant {tenant.key} is made.")


@app.command("list")
def list_tenants(*, as_json: AsJson = False) -> None:
    """All tenants, the oldest first."""

    async def ask() -> list[dict[str, object]]:
        async with attached_core(read_settings()) as core:
            return [_plain(tenant) for tenant in await _desk(core).all()]

    show_rows(asyncio.run(ask()), of="tenants", as_json=as_json)


def _desk(core: Core) -> TenantDesk:
    return TenantDesk(core.tenants, core.texts.languages, core.clock)


def _plain(tenant: Tenant) -> dict[str, object]:
    return {
        "key": tenant.key,
        "name": tenant.name,
        "country": tenant.country,
        "currency": tenant.currency,
        "time_zone": tenant.time_zone,
        "language": tenant.language,
        "id": str(tenant.id),
    }
