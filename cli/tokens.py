"""Commands on tokens of the admin API."""

import asyncio
import json
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import typer
from rich.console import Console
from rich.table import Table

from cli.processes import attached_core
from core.kit.errors import Fault
from core.services.tokens import ABILITIES, EVERYTHING, UnknownAbility, UnknownToken
from core.settings import read_settings

app = typer.Typer(help="Tokens of the admin API.", no_args_is_help=True)

_ACTOR = "cli"
_Json = Annotated[bool, typer.Option("--json", help="Print JSON, for a script to read.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use it.")],
    tenant: Annotated[str | None, typer.Option(help="Key of the tenant it is held to.")] = None,
    ability: Annotated[
        list[str] | None, typer.Option(help=f"One of {', '.join(ABILITIES)}; all if left out.")
    ] = None,
    *,
    super_admin: Annotated[
        bool, typer.Option("--super-admin", help="For every tenant, in place of --tenant.")
    ] = False,
) -> None:
    """Make a token and show it, this once."""
    if super_admin == (tenant is not None):
        raise Fault("say either --tenant or --super-admin")
    typer.echo(asyncio.run(_create(name, tenant, ability or [EVERYTHING])))


@app.command("list")
def list_tokens(*, as_json: _Json = False) -> None:
    """All tokens, without what they are."""
    rows = asyncio.run(_list())
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None)
    for column in rows[0] if rows else ():
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    Console().print(table)


@app.command()
def revoke(token: Annotated[UUID, typer.Argument(help="Its id in `callbox tokens list`.")]) -> None:
    """End a token at once."""
    asyncio.run(_revoke(token))
    typer.echo("It is revoked.")


async def _create(name: str, tenant: str | None, abilities: Sequence[str]) -> str:
    async with attached_core(read_settings()) as core:
        tenant_id = (await core.tenants.named(tenant)).id if tenant else None
        try:
            return await core.tokens.create(name, tenant_id, abilities, _ACTOR)
        except UnknownAbility:
            known = ", ".join((*ABILITIES, EVERYTHING))
            raise Fault(f"--ability: should be one of {known}") from None


async def _list() -> list[dict[str, object]]:
    async with attached_core(read_settings()) as core:
        keys = {tenant_id: key for key, tenant_id in (await core.tenants.keys()).items()}
        return [
            {
                "id": str(token.id),
                "name": token.name,
                "tenant": keys.get(token.tenant_id) if token.tenant_id else None,
                "abilities": sorted(token.abilities),
                "created_at": token.created_at.isoformat(),
                "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
                "revoked_at": token.revoked_at.isoformat() if token.revoked_at else None,
            }
            for token in await core.tokens.all()
        ]


async def _revoke(token: UUID) -> None:
    async with attached_core(read_settings()) as core:
        try:
            await core.tokens.revoke(token, _ACTOR)
        except UnknownToken:
            raise Fault(f"there is no token {token}") from None
