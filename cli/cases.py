"""Commands on cases: what only a person can settle."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_json, show_rows
from core.app import Core
from core.ports import Paging
from core.ports.desk import Case, CaseQuery

app = typer.Typer(help="What only a person can settle.", no_args_is_help=True)

CaseId = Annotated[UUID, typer.Argument(help="Its id in `callbox cases list`.")]


class State(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


@app.command("list")
def list_cases(
    tenant: TenantKey = "demo",
    state: Annotated[State | None, typer.Option(help="Only those that stand so.")] = State.OPEN,
    kind: Annotated[str | None, typer.Option(help="Such as order_in_doubt.")] = None,
    count: Annotated[int, typer.Option(min=1, max=500)] = 100,
    *,
    every: Annotated[bool, typer.Option("--all", help="Closed ones too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Open cases, the oldest first."""
    wanted = None if every or state is None else state.value

    async def ask(core: Core, tenant_id: UUID) -> list[Case]:
        query = CaseQuery(state=wanted, kind=kind)
        found = await core.cases.listed(tenant_id, query, Paging(per_page=count, descending=False))
        return list(found)[:count]

    show_rows([_plain(case) for case in act(tenant, ask)], of="cases", as_json=as_json)


@app.command()
def show(case: CaseId, tenant: TenantKey = "demo", *, as_json: AsJson = False) -> None:
    """One case with all that is known of it."""

    async def ask(core: Core, tenant_id: UUID) -> Case:
        return await core.cases.show(tenant_id, case)

    _show(act(tenant, ask), as_json=as_json)


@app.command()
def close(
    case: CaseId,
    resolution: Annotated[str, typer.Option(help="How it was settled.")],
    tenant: TenantKey = "demo",
    *,
    as_json: AsJson = False,
) -> None:
    """Close a case in words. Money is moved by `callbox orders`, not by this."""

    async def ask(core: Core, tenant_id: UUID) -> Case:
        return await core.cases.close(tenant_id, case, resolution, actor())

    _show(act(tenant, ask), as_json=as_json)


def _show(case: Case, *, as_json: bool) -> None:
    plain = _plain(case)
    if as_json:
        show_json(plain)
        return
    for name, value in plain.items():
        if isinstance(value, dict):
            for fact, known in value.items():
                typer.echo(f"{fact}: {known}")
        elif value is not None:
            typer.echo(f"{name}: {value}")


def _plain(case: Case) -> dict[str, object]:
    return {**asdict(case), "facts": dict(case.facts)}
