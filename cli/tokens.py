"""Commands on tokens of the admin API."""

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import typer

from cli.attached import attached_core
from cli.output import AsJson, show_rows
from core.kit.errors import Fault
from core.services.tokens import (
    ABILITIES,
    EVERYTHING,
    NAME_CHARS_MAX,
    NamelessToken,
    SeveralTokens,
    UnknownAbility,
    UnknownToken,
)
from core.settings import read_settings

app = typer.Typer(help="Tokens of the admin API.", no_args_is_help=True)

_ACTOR = "cli"


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
def list_tokens(*, as_json: AsJson = False) -> None:
    """All tokens, without what they are."""
    show_rows(asyncio.run(_list(as_json=as_json)), of="tokens", as_json=as_json)


@app.command()
def revoke(
    token: Annotated[
        str, typer.Argument(help="Its id in `callbox tokens list`, or its name if no other has it.")
    ],
) -> None:
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
        except NamelessToken:
            raise Fault(f"name: should have 1 to {NAME_CHARS_MAX} characters") from None


async def _list(*, as_json: bool) -> list[dict[str, object]]:
    def told(at: dt.datetime | None) -> str | None:
        return None if at is None else at.isoformat() if as_json else f"{at:%Y-%m-%d %H:%M}"

    async with attached_core(read_settings()) as core:
        keys = {tenant_id: key for key, tenant_id in (await core.tenants.keys()).items()}
        return [
            {
                "id": str(token.id),
                "name": token.name,
                "tenant": keys.get(token.tenant_id) if token.tenant_id else None,
                "abilities": abilities if as_json else ", ".join(abilities),
                "created_at": told(token.created_at),
                "last_used_at": told(token.last_used_at),
                "revoked_at": told(token.revoked_at),
            }
            for token in await core.tokens.all()
            for abilities in [sorted(token.abilities)]
        ]


async def _revoke(said: str) -> None:
    async with attached_core(read_settings()) as core:
        try:
            await core.tokens.revoke(await core.tokens.meant(said), _ACTOR)
        except UnknownToken:
            raise Fault(f"there is no token {said!r}: see `callbox tokens list`") from None
        except SeveralTokens:
            raise Fault(
                f"several tokens are called {said!r}: say the id, as in `callbox tokens list`"
            ) from None
