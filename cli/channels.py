"""Commands on channels: the ways by which customers and providers reach a tenant."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from cli.acting import actor
from cli.attached import attached_core
from cli.output import AsJson, show_json, show_rows
from core.kit.errors import Fault
from core.ports import ChannelRecord
from core.ports.tenancy import Probed
from core.services.channel_desk import (
    BadChannel,
    ChannelChange,
    ChannelDesk,
    Opened,
    UnknownChannel,
)
from core.services.channel_rules import KINDS
from core.settings import read_settings
from ussd.gateways import GATEWAYS

app = typer.Typer(help="The ways by which a tenant is reached.", no_args_is_help=True)

Answer = TypeVar("Answer")

_Tenant = Annotated[str, typer.Option(help="The key of the tenant.")]
_Id = Annotated[UUID, typer.Argument(help="Its id in `callbox channels list`.")]


_BaseUrl = Annotated[str | None, typer.Option(help="Where the messenger is reached.")]
_Settings = Annotated[str | None, typer.Option(help="A JSON object, in place of all there are.")]
_Credentials = Annotated[
    bool, typer.Option("--credentials", help="Read them as a JSON object from standard input.")
]


@app.command()
def create(
    kind: Annotated[str, typer.Argument(help=f"One of {', '.join(KINDS)}.")],
    gateway: Annotated[
        str, typer.Argument(help="The USSD gateway, or the provider that calls; none for a chat.")
    ] = "",
    tenant: _Tenant = "demo",
    service_code: Annotated[str, typer.Option(help="What customers dial; ussd only.")] = "",
    api_base_url: _BaseUrl = None,
    settings: _Settings = None,
    *,
    credentials: _Credentials = False,
    as_json: AsJson = False,
) -> None:
    """Open a channel and show its path, this once: the path is the secret."""
    wanted = _wanted(api_base_url, settings, credentials=credentials)

    async def work(desk: ChannelDesk, tenant_id: UUID) -> Opened:
        return await desk.create(tenant_id, kind, gateway, service_code, actor(), wanted=wanted)

    _show(_with_desk(tenant, work), as_json=as_json)


@app.command("list")
def list_channels(tenant: _Tenant = "demo", *, as_json: AsJson = False) -> None:
    """All channels of a tenant, without their keys."""

    async def work(desk: ChannelDesk, tenant_id: UUID) -> list[dict[str, object]]:
        return [_plain(record) for record in await desk.of_tenant(tenant_id)]

    show_rows(_with_desk(tenant, work), of="channels", as_json=as_json)


@app.command("set")
def set_channel(
    channel: _Id,
    tenant: _Tenant = "demo",
    service_code: Annotated[
        str | None, typer.Option(help="What customers dial; ussd only.")
    ] = None,
    api_base_url: _BaseUrl = None,
    settings: _Settings = None,
    *,
    credentials: _Credentials = False,
    active: Annotated[
        bool | None, typer.Option("--enable/--disable", help="Take messages, or nothing more.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a channel. What is left out stays; an empty credential is taken away."""
    wanted = _wanted(
        api_base_url, settings, credentials=credentials, service_code=service_code, active=active
    )

    async def work(desk: ChannelDesk, tenant_id: UUID) -> ChannelRecord:
        return await desk.change(tenant_id, channel, wanted, actor())

    show_rows([_plain(_with_desk(tenant, work))], of="channels", as_json=as_json)


@app.command("test")
def probe(channel: _Id, tenant: _Tenant = "demo", *, as_json: AsJson = False) -> None:
    """Ask the messenger something harmless, or tell what to give the gateway."""

    async def work(desk: ChannelDesk, tenant_id: UUID) -> Probed:
        return await desk.test(tenant_id, channel)

    probed = _with_desk(tenant, work)
    if as_json:
        show_json({"ok": probed.ok, "why": probed.why, **probed.facts})
    else:
        for name, value in probed.facts.items():
            typer.echo(f"{name}: {value}")
        typer.echo(probed.why or "All is well.")
    if not probed.ok:
        raise typer.Exit(1)


@app.command()
def rotate(channel: _Id, tenant: _Tenant = "demo", *, as_json: AsJson = False) -> None:
    """Give a channel a new path and show it, this once. The old one ends within five seconds."""

    async def work(desk: ChannelDesk, tenant_id: UUID) -> Opened:
        return await desk.rotate(tenant_id, channel, actor())

    _show(_with_desk(tenant, work), as_json=as_json)


@app.command()
def disable(channel: _Id, tenant: _Tenant = "demo") -> None:
    """Take nothing more from a channel, within five seconds."""

    async def work(desk: ChannelDesk, tenant_id: UUID) -> None:
        await desk.disable(tenant_id, channel, actor())

    _with_desk(tenant, work)
    typer.echo("It is disabled.")


def _with_desk(tenant: str, work: Callable[[ChannelDesk, UUID], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        async with attached_core(read_settings()) as core:
            desk = core.channel_desk.with_gateways(ussd=tuple(GATEWAYS))
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
    if opened.remark:
        typer.echo(opened.remark, err=True)


def _wanted(
    api_base_url: str | None,
    settings: str | None,
    *,
    credentials: bool,
    service_code: str | None = None,
    active: bool | None = None,
) -> ChannelChange:
    given = _object(sys.stdin.read(), "the credentials") if credentials else {}
    if not all(isinstance(value, str) for value in given.values()):
        raise Fault("the credentials should be texts")
    return ChannelChange(
        service_code=service_code,
        api_base_url=api_base_url,
        settings=None if settings is None else _object(settings, "--settings"),
        credentials={name: str(value).strip() for name, value in given.items()},
        active=active,
    )


def _object(text: str, what: str) -> Mapping[str, Any]:
    """Raises `Fault`, which does not repeat the text."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Fault(f"{what} should be a JSON object")
    return found


def _plain(record: ChannelRecord) -> dict[str, object]:
    return {
        **asdict(record),
        "id": str(record.id),
        "created_at": record.created_at.isoformat(),
        "credentials": list(record.credentials),
    }
