"""Commands on providers: who sells, how they are reached, whether they answer."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, Any, TypeVar
from uuid import UUID

import typer

from cli import provider_controls
from cli.attached import attached_core
from cli.output import AsJson, show_rows
from core.app import Core
from core.domain.providers import CREDENTIALS, UnknownProvider
from core.domain.vending import Product
from core.kit.errors import Fault
from core.kit.money import Money, to_major
from core.services.provider_configs import Change, Listed, Tested
from core.settings import read_settings

app = typer.Typer(help="Who sells, and how they are reached.", no_args_is_help=True)
app.command()(provider_controls.add)
app.command()(provider_controls.switch)
app.command()(provider_controls.drain)

Answer = TypeVar("Answer")

_ACTOR = "cli"
_Tenant = Annotated[str, typer.Option(help="The key of the tenant.")]
_Service = Annotated[Product, typer.Argument(help="What it sells.")]
_Provider = Annotated[str, typer.Argument(help="Its name, as in `callbox providers list`.")]


@app.command("list")
def list_providers(tenant: _Tenant = "demo", *, as_json: AsJson = False) -> None:
    """Who sells what to a tenant, best first."""

    async def ask(core: Core, tenant_id: UUID) -> list[Listed]:
        return list(await core.setup.listed(tenant_id))

    show_rows([_plain(one) for one in _with_core(tenant, ask)], of="providers", as_json=as_json)


@app.command("set")
def set_provider(
    service: _Service,
    provider: _Provider,
    tenant: _Tenant = "demo",
    base_url: Annotated[str | None, typer.Option(help="Where it is reached.")] = None,
    timeout: Annotated[float | None, typer.Option(help="Seconds, 5 to 120.")] = None,
    retry_attempts: Annotated[int | None, typer.Option(help="0 to 10.")] = None,
    priority: Annotated[int | None, typer.Option(help="Lower is asked first.")] = None,
    endpoints: Annotated[str | None, typer.Option(help="Its other settings, as JSON.")] = None,
    *,
    credentials: Annotated[
        bool,
        typer.Option(
            "--credentials",
            help=f"Read a JSON object with any of {', '.join(CREDENTIALS)} from standard input.",
        ),
    ] = False,
) -> None:
    """Set how a tenant reaches a provider. What is not said stays as it is.

    Secrets come from standard input: arguments are seen by everybody on the machine.
    """
    change = Change(
        base_url=base_url,
        timeout_s=timeout,
        retry_attempts=retry_attempts,
        priority=priority,
        endpoints=_object(endpoints, "--endpoints") if endpoints is not None else None,
        credentials=_credentials(sys.stdin.read()) if credentials else {},
    )

    async def put(core: Core, tenant_id: UUID) -> None:
        await core.setup.put(core.setup.key(tenant_id, service, provider), change, _ACTOR)

    _with_core(tenant, put)
    typer.echo(f"{provider} is set for {service.value}.")


@app.command()
def enable(
    service: _Service, provider: _Provider, tenant: _Tenant = "demo", *, as_json: AsJson = False
) -> None:
    """Give a provider new orders."""
    _switch(service, provider, tenant, active=True)
    _say_switched(service, provider, active=True, as_json=as_json)


@app.command()
def disable(
    service: _Service, provider: _Provider, tenant: _Tenant = "demo", *, as_json: AsJson = False
) -> None:
    """Give a provider no new orders. Those it has are asked about until they end."""
    _switch(service, provider, tenant, active=False)
    _say_switched(service, provider, active=False, as_json=as_json)


@app.command("test")
def ask_float(
    provider: _Provider,
    tenant: _Tenant = "demo",
    service: Annotated[Product | None, typer.Option(help="Only for this.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Ask a provider for our float, which buys nothing. Fails when it does not answer."""

    async def ask(core: Core, tenant_id: UUID) -> list[tuple[Product, Tested]]:
        try:
            return list(await core.setup.test(tenant_id, provider, service))
        except UnknownProvider:
            raise Fault(f"{provider} sells nothing to {tenant}") from None

    found = _with_core(tenant, ask)
    if as_json:
        typer.echo(json.dumps([_tested(each, answer) for each, answer in found], indent=2))
    else:
        for each, answer in found:
            said = _money(answer.float_balance) if answer.ok else answer.why
            typer.echo(f"{provider} {each.value}: {said} ({answer.elapsed_ms} ms)")
    if not all(answer.ok for _, answer in found):
        raise typer.Exit(1)


def _switch(service: Product, provider: str, tenant: str, *, active: bool) -> None:
    async def switch(core: Core, tenant_id: UUID) -> None:
        key = core.setup.key(tenant_id, service, provider)
        await core.setup.switch(key, active=active, actor=_ACTOR)

    _with_core(tenant, switch)


def _say_switched(service: Product, provider: str, *, active: bool, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"service": service, "provider": provider, "active": active}))
        return
    orders = "new orders" if active else "no new orders"
    typer.echo(f"{provider} takes {orders} of {service.value}.")


def _with_core(tenant: str, work: Callable[[Core, UUID], Awaitable[Answer]]) -> Answer:
    async def run() -> Answer:
        async with attached_core(read_settings()) as core:
            return await work(core, (await core.tenants.named(tenant)).id)

    return asyncio.run(run())


def _credentials(text: str) -> dict[str, str]:
    given = _object(text, "credentials")
    if not all(isinstance(value, str) for value in given.values()):
        raise Fault("credentials: each should be a text")
    return {name: str(value) for name, value in given.items()}


def _object(text: str, what: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Fault(f"{what}: should be a JSON object")
    return given


def _plain(one: Listed) -> dict[str, object]:
    offer = one.offer
    return {
        "service": one.service.value,
        "provider": offer.provider.name,
        "active": offer.active,
        "priority": offer.priority,
        "timeout": offer.provider.timeout_s,
        "base_url": one.config.base_url if one.config else "",
        "configured": offer.configured,
    }


def _tested(service: Product, answer: Tested) -> dict[str, object]:
    plain = asdict(answer)
    plain["float_balance"] = _money(answer.float_balance)
    return {"service": service.value, **plain}


def _money(money: Money | None) -> str | None:
    return f"{to_major(money)} {money.currency}" if money else None
