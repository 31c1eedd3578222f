"""Commands on hotspot routers: add them, look at them, test them, back them up."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, cast
from uuid import UUID

import typer

from cli import router_upkeep
from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_json, show_rows
from cli.router_upkeep import RouterName, in_words
from cli.secrets import given_on_stdin
from core.app import Core
from core.domain.hotspot import Router, RouterStatus, fullest
from core.kit.errors import Fault
from core.ports import Paging
from core.ports.hotspot_books import RouterQuery
from core.services.router_desk import BadRouter, RouterFields
from core.services.router_words import ATTENTION, of_miss

app = typer.Typer(help="Hotspot routers, and how they are.", no_args_is_help=True)
app.command("test")(router_upkeep.examine)
app.command("import")(router_upkeep.import_routers)
app.command()(router_upkeep.backup)
app.command("let-go")(router_upkeep.let_go)

_SECRETS = ("password", "certificate")
_PAGE = 100
_Host = Annotated[str | None, typer.Option(help="Name or address of its API.")]
_Port = Annotated[int | None, typer.Option(help="8728, or 8729 with TLS, where not said.")]
_User = Annotated[str | None, typer.Option(help="Our account on it.")]
_Tls = Annotated[bool | None, typer.Option("--tls/--plain", help="The api-ssl service.")]
_Server = Annotated[str | None, typer.Option(help="The hotspot server on it.")]
_LoginUrl = Annotated[str | None, typer.Option(help="Where customers log in.")]
_Location = Annotated[str | None, typer.Option(help="Where it stands.")]
_Coordinates = Annotated[str | None, typer.Option(help="Like 6.4541,3.3947.")]
_Group = Annotated[str | None, typer.Option(help="Routers that sell for each other.")]
_Users = Annotated[int | None, typer.Option(help="Active users at most; 0 is any number.")]
_Mbps = Annotated[float | None, typer.Option(help="Its line, one way; 0 is any.")]
_Selling = Annotated[bool | None, typer.Option("--selling/--not-selling")]


@app.command("list")
def list_routers(
    search: Annotated[str, typer.Option(help="Part of name, host or location.")] = "",
    status: Annotated[RouterStatus | None, typer.Option()] = None,
    tenant: TenantKey = "demo",
    *,
    as_json: AsJson = False,
) -> None:
    """Routers and how they are."""

    async def ask(core: Core, tenant_id: UUID) -> list[Router]:
        desk, query = core.router_office.desk, RouterQuery(search, status)
        found: list[Router] = []
        page = 1
        while True:
            paging = Paging(_PAGE, page, sort_by="name", descending=False)
            rows = await desk.listed(tenant_id, query, paging)
            found += rows[:_PAGE]
            if len(rows) <= _PAGE:
                return found
            page += 1

    show_rows([_line(router) for router in act(tenant, ask)], of="routers", as_json=as_json)


@app.command()
def show(name: RouterName, tenant: TenantKey = "demo") -> None:
    """One router: how it is, what was measured last, and when it fills up. JSON."""

    async def ask(core: Core, tenant_id: UUID) -> dict[str, object]:
        office = core.router_office
        router = await office.desk.named(tenant_id, name)
        watched = await office.figures.last(tenant_id, router.id)
        rooms = await office.figures.capacity(tenant_id, router.id)
        last, resource = watched.last, watched.last.resource
        return {
            **_line(router),
            "id": router.id,
            "server": router.server,
            "login_url": router.login_url,
            "latitude": router.place.latitude,
            "longitude": router.place.longitude,
            "serial": router.serial,
            "sells_nothing": core.hotspots.vouchers.why_nothing(router),
            "remedy": ATTENTION.get(router.attention, ""),
            "seen_at": router.seen_at,
            "measured_at": last.at,
            "missed": of_miss(watched.missed) if watched.missed else None,
            "version": resource.version if resource else None,
            "uptime_s": resource.uptime_s if resource else None,
            "cpu_percent": resource.cpu_load if resource else None,
            "memory_used_percent": last.memory_used_percent,
            "clock_ahead_s": last.drift_s,
            "rx_bps": last.rx_bps,
            "tx_bps": last.tx_bps,
            "capacity": [
                {"name": each.name, "taken": each.taken, "limit": each.most, "words": each.words}
                for each in rooms
            ],
        }

    show_json(act(tenant, ask))


@app.command()
def add(
    name: RouterName,
    host: Annotated[str, typer.Option(help="Name or address of its API.")],
    username: Annotated[str, typer.Option(help="Our account on it.")],
    port: _Port = None,
    tls: _Tls = None,
    server: _Server = None,
    login_url: _LoginUrl = None,
    location: _Location = None,
    coordinates: _Coordinates = None,
    group: _Group = None,
    active_users_max: _Users = None,
    bandwidth_max_mbps: _Mbps = None,
    selling: _Selling = None,
    tenant: TenantKey = "demo",
) -> None:
    """Add a router. Its password is read from standard input, as JSON: {"password": "..."}.

    A `certificate` may stand there too. Arguments are seen by everybody on the machine.
    """
    given: dict[str, object] = {"name": name, "host": host, "username": username, "port": port}
    given |= {
        "tls": tls,
        "server": server,
        "login_url": login_url,
        "location": location,
        "group": group,
    }
    given |= {"active_users_max": active_users_max, "bandwidth": bandwidth_max_mbps}
    given |= {"coordinates": coordinates, "selling": selling}
    wanted = _fields(given, given_on_stdin())

    async def make(core: Core, tenant_id: UUID) -> Router:
        return await core.router_office.desk.add(tenant_id, wanted, actor())

    router, remark = _judged(tenant, make)
    typer.echo(f"{router.name} is added. Test it: callbox routers test {json.dumps(router.name)}")
    _remark(remark)


@app.command("set")
def set_router(
    name: RouterName,
    rename: Annotated[str | None, typer.Option(help="Another name.")] = None,
    host: _Host = None,
    port: _Port = None,
    username: _User = None,
    tls: _Tls = None,
    server: _Server = None,
    login_url: _LoginUrl = None,
    location: _Location = None,
    coordinates: _Coordinates = None,
    group: _Group = None,
    active_users_max: _Users = None,
    bandwidth_max_mbps: _Mbps = None,
    selling: _Selling = None,
    tenant: TenantKey = "demo",
    *,
    secrets: Annotated[
        bool, typer.Option("--secrets", help="Read a new password from standard input, as `add`.")
    ] = False,
    attended: Annotated[
        bool, typer.Option("--attended", help="It needed a person, who was there.")
    ] = False,
) -> None:
    """Change a router. What is not said stays as it is."""
    given: dict[str, object] = {"name": rename, "host": host, "username": username, "port": port}
    given |= {"server": server, "login_url": login_url, "location": location, "group": group}
    given |= {"active_users_max": active_users_max, "bandwidth": bandwidth_max_mbps}
    given |= {"coordinates": coordinates, "selling": selling, "tls": tls}
    wanted = _fields(given, given_on_stdin() if secrets else {})

    async def change(core: Core, tenant_id: UUID) -> Router:
        desk = core.router_office.desk
        router = await desk.named(tenant_id, name)
        if wanted:
            router = await desk.change(tenant_id, router.id, wanted, actor())
        if attended:
            router = await desk.attended(tenant_id, router.id, actor())
        return router

    router, remark = _judged(tenant, change)
    typer.echo(f"{router.name} is set.")
    _remark(remark)


@app.command()
def remove(
    name: RouterName,
    tenant: TenantKey = "demo",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Forget a router. Refused while a paid voucher there is not used up."""
    if not yes:
        typer.confirm(f"Forget {name}?", abort=True)

    async def drop(core: Core, tenant_id: UUID) -> None:
        desk = core.router_office.desk
        await desk.remove(tenant_id, (await desk.named(tenant_id, name)).id, actor())

    act(tenant, drop)
    typer.echo(f"{name} is forgotten.")


def _judged(tenant: str, work: Callable[[Core, UUID], Awaitable[Router]]) -> tuple[Router, str]:
    """As `act`, with what is wrong field by field; and what is known to stand in the way."""

    async def judged(core: Core, tenant_id: UUID) -> tuple[Router, str]:
        try:
            router = await work(core, tenant_id)
        except BadRouter as error:
            raise Fault(in_words(error.fields)) from None
        return router, await core.router_office.desk.remark(router)

    return act(tenant, judged)


def _remark(remark: str) -> None:
    if remark:
        typer.echo(remark, err=True)


def _fields(given: Mapping[str, Any], secrets: Mapping[str, Any]) -> RouterFields:
    """What was said, as the desk takes it. Raises `Fault`."""
    kept = {name: value for name, value in given.items() if value is not None}
    if (told := kept.pop("coordinates", None)) is not None:
        kept |= _degrees(told)
    if (mbps := kept.pop("bandwidth", None)) is not None:
        kept["bandwidth_max_bps"] = round(mbps * 1_000_000) or None
    if "active_users_max" in kept:
        kept["active_users_max"] = kept["active_users_max"] or None
    for name, value in secrets.items():
        if name not in _SECRETS or not isinstance(value, str):
            raise Fault(f"standard input: should have the texts {' and '.join(_SECRETS)}")
        kept[name] = value
    return cast("RouterFields", kept)


def _degrees(text: str) -> dict[str, float | None]:
    """Two numbers; nothing takes them away."""
    if not text.strip():
        return {"latitude": None, "longitude": None}
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise Fault("--coordinates: should be like 6.4541,3.3947") from None
    return {"latitude": latitude, "longitude": longitude}


def _line(router: Router) -> dict[str, object]:
    limit, part = fullest(router.limits, router.load)
    return {
        "name": router.name,
        "status": router.status.value,
        "since": router.status_since,
        "attention": router.attention,
        "host": f"{router.access.host}:{router.access.port}",
        "location": router.place.location,
        "group": router.group,
        "selling": router.selling,
        "active_users": router.load.active_users,
        "fullest": f"{limit} {part:.0%}" if part else "",
    }
