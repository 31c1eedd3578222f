"""Commands on notices: what customers are told outside of a session, and what could not be told."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_rows
from core.app import Core
from core.ports import NoticeRecord

app = typer.Typer(help="What customers are told, and what could not be.", no_args_is_help=True)


class State(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    GIVEN_UP = "given_up"


@app.command("list")
def list_notices(
    tenant: TenantKey = "demo",
    state: Annotated[State | None, typer.Option(help="Only those that stand so.")] = None,
    count: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    *,
    given_up: Annotated[
        bool, typer.Option("--given-up", help="Only those that no route could tell.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Notices, the latest first: what they are about and how they went, not what they say."""
    wanted = State.GIVEN_UP if given_up else state

    async def ask(core: Core, tenant_id: UUID) -> list[NoticeRecord]:
        found = await core.dead_letters.listed(tenant_id, wanted and wanted.value, count)
        return list(found)

    show_rows([asdict(notice) for notice in act(tenant, ask)], of="notices", as_json=as_json)


@app.command()
def retry(
    notice: Annotated[UUID, typer.Argument(help="Its id in `callbox notices list --given-up`.")],
    tenant: TenantKey = "demo",
) -> None:
    """Have a notice that was given up told after all, by every route from the first."""

    async def again(core: Core, tenant_id: UUID) -> None:
        await core.dead_letters.again(tenant_id, notice, actor())

    act(tenant, again)
    typer.echo("It is tried again.")
