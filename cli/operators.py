"""Commands on the operators of the bot: who they are and what they may do."""

from typing import Annotated
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_json, show_rows
from core.app import Core
from core.domain.operators import Role
from core.kit.errors import Fault
from core.services.operators import CODE_LIFE, BadName, NameTaken, UnknownOperator

app = typer.Typer(help="Who may use the operators' bot.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="As audits show it.")]


@app.command()
def add(
    name: Name,
    role: Annotated[Role, typer.Option(help="What they may do.")] = Role.VIEWER,
    tenant: TenantKey = "demo",
    *,
    as_json: AsJson = False,
) -> None:
    """Make a code for somebody to join with, and show it, this once.

    Somebody who has not joined yet gets a new code and this role.
    """

    async def make(core: Core, tenant_id: UUID) -> str:
        try:
            return await core.operations.desk.add(tenant_id, name, role, actor())
        except BadName:
            raise Fault("a name has 1 to 40 letters, digits, spaces, dots and dashes") from None
        except NameTaken:
            raise Fault(f"{name} has joined already: remove them first") from None

    code = act(tenant, make)
    if as_json:
        show_json({"name": name, "role": role.value, "code": code})
        return
    hours = int(CODE_LIFE.total_seconds() // 3600)
    typer.echo(f"{name} sends this to the bot within {hours} hours: /join {code}")


@app.command("list")
def list_operators(tenant: TenantKey = "demo", *, as_json: AsJson = False) -> None:
    """All operators of a tenant, by name."""

    async def ask(core: Core, tenant_id: UUID) -> list[dict[str, object]]:
        return [
            {
                "name": one.name,
                "role": one.role.value,
                "telegram_id": one.telegram_id,
                "joined_at": one.joined_at.isoformat(timespec="seconds") if one.joined_at else None,
                "created_at": one.created_at.isoformat(timespec="seconds"),
            }
            for one in await core.operations.desk.all(tenant_id)
        ]

    show_rows(act(tenant, ask), of="operators", as_json=as_json)


@app.command()
def remove(name: Name, tenant: TenantKey = "demo") -> None:
    """End it at once. Chats that they subscribed are told no more."""

    async def end(core: Core, tenant_id: UUID) -> None:
        try:
            await core.operations.desk.remove(tenant_id, name, actor())
        except UnknownOperator:
            raise Fault(f"there is no operator {name}") from None

    act(tenant, end)
    typer.echo(f"{name} is no operator any more.")
