"""Commands on what customers wrote in chats and could not be answered."""

from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_rows
from core.app import Core
from core.ports.chat import ParkedMessage

app = typer.Typer(help="What customers wrote and could not be answered.", no_args_is_help=True)


@app.command("list")
def list_messages(
    tenant: TenantKey = "demo",
    count: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """Messages that failed whenever they were taken up, the latest first, and why."""

    async def ask(core: Core, tenant_id: UUID) -> list[ParkedMessage]:
        return list(await core.parked.listed(tenant_id, count))

    show_rows([asdict(message) for message in act(tenant, ask)], of="messages", as_json=as_json)


@app.command()
def retry(
    number: Annotated[int, typer.Argument(help="As `callbox messages list` shows it.")],
    tenant: TenantKey = "demo",
) -> None:
    """Have a message answered after all, as if it had just been written."""

    async def again(core: Core, tenant_id: UUID) -> None:
        await core.parked.again(tenant_id, number, actor())

    act(tenant, again)
    typer.echo("It is tried again.")
