"""Commands on alerts: what is wrong now, and what goes wrong from now on."""

import asyncio
import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from uuid import UUID

import typer

from cli.attached import attached_core
from cli.output import AsJson, show_rows
from core.app import Core
from core.ports import Paging
from core.ports.health import AlertRecord
from core.settings import read_settings

app = typer.Typer(help="What operators are told.", no_args_is_help=True)

_Tenant = Annotated[str, typer.Option(help="The key of the tenant.")]


@app.command("list")
def list_alerts(
    tenant: _Tenant = "demo",
    status: Annotated[str, typer.Option(help="open, closed or all.")] = "open",
    count: Annotated[int, typer.Option(min=1, max=500, help="How many.")] = 50,
    *,
    as_json: AsJson = False,
) -> None:
    """Alerts, the latest first."""
    wanted = _status(status)

    async def run() -> Sequence[AlertRecord]:
        async with attached_core(read_settings()) as core:
            tenant_id = (await core.tenants.named(tenant)).id
            return (await core.alerts.listed(tenant_id, wanted, Paging(count)))[:count]

    show_rows([_shown(alert) for alert in asyncio.run(run())], of="alerts", as_json=as_json)


@app.command()
def follow(
    tenant: _Tenant = "demo",
    count: Annotated[int | None, typer.Option(min=1, help="End after so many.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Print each alert as it opens and closes, until interrupted. What is open comes first."""

    async def run() -> None:
        async with attached_core(read_settings()) as core:
            tenant_id = (await core.tenants.named(tenant)).id
            await _print_all(core, tenant_id, count, as_json=as_json)

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())


async def _print_all(core: Core, tenant_id: UUID, count: int | None, *, as_json: bool) -> None:
    newest = await core.alerts.newest(tenant_id)
    left = count
    for alert in reversed(await core.alerts.listed(tenant_id, "open", Paging(100))):
        _say(_shown(alert), as_json=as_json)
        left = None if left is None else left - 1
    async for changed in core.alerts.follow(tenant_id, newest):
        if left is not None and left <= 0:
            return
        if changed is not None:
            _say(_shown(changed), as_json=as_json)
            left = None if left is None else left - 1


def _say(alert: Mapping[str, object], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(alert, default=str))
        return
    at = alert["closed_at"] or alert["opened_at"]
    typer.echo(f"{at}  {alert['status']:<6}  {alert['kind']:<12}  {alert['subject']}")


def _shown(alert: AlertRecord) -> dict[str, object]:
    return {
        "status": "closed" if alert.closed_at else "open",
        "kind": alert.kind.value,
        "subject": alert.subject,
        "opened_at": alert.opened_at.isoformat(timespec="seconds"),
        "closed_at": alert.closed_at.isoformat(timespec="seconds") if alert.closed_at else None,
        "key": alert.key,
        "facts": dict(alert.facts),
    }


def _status(word: str) -> Literal["open", "closed"] | None:
    match word:
        case "open":
            return "open"
        case "closed":
            return "closed"
        case "all":
            return None
        case _:
            raise typer.BadParameter("should be open, closed or all", param_hint="--status")
