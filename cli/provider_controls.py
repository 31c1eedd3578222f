"""Commands for a provider that comes, goes, or is in trouble."""

import asyncio
import os
import time
from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_json
from cli.secrets import given_by_hand, given_in, given_on_stdin
from core.app import Core
from core.domain.providers import CREDENTIALS
from core.domain.vending import Product
from core.kit.errors import Fault
from core.services.provider_configs import Change
from core.services.provider_controls import SEEN_WITHIN_S

_Service = Annotated[Product, typer.Argument(help="What it sells.")]
_Provider = Annotated[str, typer.Argument(help="Its name.")]
_LOOKS_EVERY_S = 0.5


def add(
    service: _Service,
    provider: _Provider,
    base_url: Annotated[str, typer.Option(help="Where it is reached.")],
    tenant: TenantKey = "demo",
    timeout: Annotated[float | None, typer.Option(help="Seconds, 5 to 120.")] = None,
    retry_attempts: Annotated[int | None, typer.Option(help="0 to 10.")] = None,
    priority: Annotated[int | None, typer.Option(help="Lower is asked first.")] = None,
    endpoints: Annotated[str | None, typer.Option(help="Its other settings, as JSON.")] = None,
    credentials_env: Annotated[
        str | None, typer.Option(help="Read the secrets from this environment variable.")
    ] = None,
    ask: Annotated[
        list[str] | None, typer.Option(help="Ask for this credential, unseen. May be repeated.")
    ] = None,
    *,
    credentials: Annotated[
        bool, typer.Option("--credentials", help="Read the secrets from standard input.")
    ] = False,
    inactive: Annotated[
        bool, typer.Option("--inactive", help="Give it no orders until it is enabled.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Have a new provider sell a service.

    Secrets are never arguments, which everybody on the machine sees. They are a JSON object with
    any credential by name, and `headers`, an object of its own.
    """
    secrets: dict[str, Any] = {}
    if credentials:
        secrets |= given_on_stdin()
    if credentials_env:
        secrets |= given_in(os.environ, credentials_env)
    secrets |= given_by_hand(ask or ())
    change = Change(
        base_url=base_url,
        timeout_s=timeout,
        retry_attempts=retry_attempts,
        priority=priority,
        active=not inactive,
        endpoints=given_in({"--endpoints": endpoints}, "--endpoints") if endpoints else None,
        headers=_texts(secrets.pop("headers", None) or {}, "headers"),
        credentials=_texts(secrets, f"credentials ({', '.join(CREDENTIALS)})"),
    )

    async def put(core: Core, tenant_id: UUID) -> int:
        key = core.setup.key(tenant_id, service, provider)
        if await core.setup.find(key) is not None:
            raise Fault(f"{provider} sells {service.value} already: `callbox providers set` it")
        return (await core.setup.put(key, change, actor())).priority

    at = act(tenant, put)
    if as_json:
        show_json({"service": service, "provider": provider, "priority": at})
    else:
        typer.echo(f"{provider} sells {service.value}.")


def switch(
    service: Annotated[Product, typer.Option(help="What it sells.")],
    to: Annotated[str, typer.Option(help="The provider that takes the new orders.")],
    tenant: TenantKey = "demo",
    *,
    as_json: AsJson = False,
) -> None:
    """Have a provider take all new orders of a service, the others only after it."""

    async def put(core: Core, tenant_id: UUID) -> int:
        return await core.controls.put_first(tenant_id, service, to, actor())

    priority = act(tenant, put)
    if as_json:
        show_json({"service": service, "provider": to, "priority": priority})
    else:
        typer.echo(f"{to} is first for {service.value}.")


def drain(
    provider: _Provider,
    service: Annotated[Product | None, typer.Option(help="Only of this.")] = None,
    tenant: TenantKey = "demo",
    wait: Annotated[float, typer.Option(min=0, help="Seconds to wait for what is open.")] = 300,
    *,
    as_json: AsJson = False,
) -> None:
    """Give a provider no new orders and wait for those it has. Fails when some stay open."""

    async def empty(core: Core, tenant_id: UUID) -> tuple[list[str], int]:
        found = await core.controls.drain(tenant_id, provider, service, actor())
        left = await _emptied(core, tenant_id, provider, service, wait_s=wait)
        return [one.value for one in found], left

    services, left = act(tenant, empty)
    if as_json:
        show_json({"provider": provider, "services": services, "open": left})
    else:
        typer.echo(f"{provider} takes no new orders of {', '.join(services)}; {left} still open.")
    if left:
        raise typer.Exit(1)


async def _emptied(
    core: Core, tenant_id: UUID, provider: str, service: Product | None, *, wait_s: float
) -> int:
    """Wait until nothing is open there, and nothing new can come; answers how many are left."""
    begun = time.monotonic()
    seen_at, until = begun + min(SEEN_WITHIN_S, wait_s), begun + wait_s
    while True:
        left = await core.controls.open_attempts(tenant_id, provider, service)
        now = time.monotonic()
        if now >= until or (not left and now >= seen_at):
            return left
        await asyncio.sleep(_LOOKS_EVERY_S)


def _texts(given: Mapping[str, object], what: str) -> dict[str, str]:
    if not all(isinstance(value, str) for value in given.values()):
        raise Fault(f"{what}: each should be a text")
    return {name: str(value) for name, value in given.items()}
