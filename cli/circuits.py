"""Commands on circuits: which providers get no new orders because they keep failing."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_rows
from core.app import Core
from core.domain.vending import Product
from core.services.provider_controls import CircuitView

app = typer.Typer(help="Providers that rest because they keep failing.", no_args_is_help=True)

_Provider = Annotated[str | None, typer.Argument(help="Only this one.")]
_Service = Annotated[Product | None, typer.Option("--service", help="Only what it sells of this.")]


@app.command()
def status(
    provider: _Provider = None,
    service: _Service = None,
    tenant: TenantKey = "demo",
    *,
    as_json: AsJson = False,
) -> None:
    """How each circuit stands: closed lets orders through, open does not."""

    async def ask(core: Core, tenant_id: UUID) -> Sequence[CircuitView]:
        return await core.controls.circuits(tenant_id, provider, service)

    show_rows([asdict(one) for one in act(tenant, ask)], of="circuits", as_json=as_json)


@app.command()
def reset(
    provider: _Provider = None,
    service: _Service = None,
    tenant: TenantKey = "demo",
    *,
    as_json: AsJson = False,
) -> None:
    """Let orders through again at once, and forget the failures."""

    async def close(core: Core, tenant_id: UUID) -> Sequence[CircuitView]:
        return await core.controls.reset(tenant_id, provider, service, actor())

    show_rows([asdict(one) for one in act(tenant, close)], of="circuits", as_json=as_json)
