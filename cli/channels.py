"""Commands on channels: the ways by which customers and providers reach a tenant."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from cli.output import AsJson, show_json, show_rows
from cli.processes import attached_core
from core.kit.errors import Fault
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.vtu import VTU_PROVIDERS
from core.services.channel_desk import BadChannel, ChannelDesk, Opened, UnknownChannel
from core.settings import read_settings
from ussd.gateways import GATEWAYS

app = typer.Typer(help="The ways by which a tenant is reached.", no_args_is_help=True)

Answer = TypeVar("Answer")

_ACTOR = "cli"
_KINDS = {"ussd": tuple(GATEWAYS), "callback": (*VTU_PROVIDERS, *PAYMENT_GATEWAYS)}

_Tenant = Annotated[str, typer.Option(help="The key of the tenant.")]
_Id = Annotated[UUID, typer.Argument(help="Its id in `callbox channels list`.")]


@app.command()
def create(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(_KINDS)}.")],
    gateway: Annotated[str, typer.Argument(help="The USSD gateway, or the provider that calls.")],
    tenant: _Tenant = "demo",
    service_code: Annotated[str, typer.Option(help="What customers dial; ussd only.")] = "",
    *,
    as_json: AsJson = False,
) -> None:
    """Open a channel and show its path, this once: the path is the secret."""

    async def work(desk: ChannelDesk, tenant_id: UUID) -> Opened:
        return await desk.create(tenant_id, kind, gateway, service_code, _ACTOR)

    _show(_with_desk(tenant, work), as_json=as_json)


@app.command("list")
def list_channels(tenant: _Tenant = "demo", *, as_json: AsJson = False) -> None:
    """All channels of a tenant, without their keys."""

    async def work(desk: ChannelDesk, tenant_id: UUID) -> list[dict[str, object]]:
        return [
            {**asdict(record), "id": str(record.id), "created_at": record.created_at.isoformat()}
            for record in await desk.of_tenant(tenant_id)
        ]

    show_rows(_with_desk(tenant, work), as_json=as_json)


@app.command()
def rotate(channel: _Id, tenant: _Tenant = "demo", *, as_json: AsJson = False) -> None:
    """Give a channel a new path and show it, this once. The old one ends within five seconds."""

    async def work(desk: ChannelDesk, tenant_id: UUID) -> Opened:
        return await desk.rotate(tenant_id, channel, _ACTOR)

    _show(_with_desk(tenant, work), as_json=as_json)


@app.command()
def disable(channel: _Id, tenant: _Tenant = "demo") -> None:
    """Take nothing more from a channel, within five seconds."""

    async def work(desk: ChannelDesk, tenant_id: UUID) -> None:
        await desk.disable(tenant_id, channel, _ACTOR)

    _with_desk(tenant, work)
    typer.echo("It is disabled.")


def _with_desk(tenant: str, work: Callable[[ChannelDesk, UUID], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        async with attached_core(read_settings()) as core:
            desk = ChannelDesk(core.channels, _KINDS, core.clock)
            return await work(desk, (await core.tenants.named(tenant)).id)

    try:
        return asyncio.run(run())
    except BadChannel as bad:
        raise Fault(str(bad)) from None
    except UnknownChannel:
        raise Fault(f"tenant {tenant} has no such channel") from None


def _show(opened: Opened, *, as_json: bool) -> None:
    if as_json:
        show_json({"id": str(opened.id), "path": opened.path})
    else:
        typer.echo(f"{opened.id}\nReached at {opened.path}, which is shown this once.")
