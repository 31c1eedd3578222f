"""Commands on customers: who they are in chats, and numbers that change hands."""

from typing import Annotated
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_rows
from core.app import Core
from core.domain.customers import Customer
from core.kit.errors import Fault
from core.kit.msisdn import BadMsisdn, parse_msisdn

app = typer.Typer(help="Customers: their accounts, and their numbers.", no_args_is_help=True)

_Number = Annotated[str, typer.Argument(help="The number, in any local form.")]
_Reason = Annotated[str, typer.Option(help="Why: the audit shows it.")]


@app.command()
def show(msisdn: _Number, tenant: TenantKey = "demo", *, as_json: AsJson = False) -> None:
    """The identities of whoever has this number now."""

    async def work(core: Core, tenant_id: UUID) -> list[dict[str, object]]:
        customer = await _of_number(core, tenant_id, msisdn)
        return [
            {
                "kind": each.kind,
                "identity": each.shown,
                "proof": each.proof.value,
                "linked_at": each.linked_at.isoformat(),
                "reachable": each.reachable,
            }
            for each in await core.identities.of(customer)
        ]

    show_rows(act(tenant, work), of="identities", as_json=as_json)


@app.command()
def release(msisdn: _Number, reason: _Reason, tenant: TenantKey = "demo") -> None:
    """Give a number free that is another person's now. Its next user is a new customer.

    The old one keeps wallet and history, under the same id; nobody inherits them.
    """

    async def work(core: Core, tenant_id: UUID) -> UUID:
        customer = await _of_number(core, tenant_id, msisdn)
        await core.identities.release(customer, reason=reason, actor=actor())
        return customer.id

    typer.echo(f"The number is free. Who had it is still to be found as {act(tenant, work)}.")


@app.command()
def unlink(
    msisdn: _Number,
    kind: Annotated[str, typer.Argument(help="telegram or whatsapp.")],
    identity: Annotated[str, typer.Argument(help="In full, or as `show` shows it.")],
    reason: _Reason,
    tenant: TenantKey = "demo",
) -> None:
    """Take a chat account off a customer: what it was at ends at once."""

    async def work(core: Core, tenant_id: UUID) -> None:
        customer = await _of_number(core, tenant_id, msisdn)
        await core.identities.unlink(customer, kind, identity, reason=reason, actor=actor())

    act(tenant, work)
    typer.echo("It is unlinked.")


async def _of_number(core: Core, tenant_id: UUID, text: str) -> Customer:
    """Raises `Fault` where it is none, or nobody has it."""
    tenant = await core.tenants.get(tenant_id)
    try:
        number = parse_msisdn(text, tenant.country)
    except BadMsisdn:
        raise Fault("that is no mobile number") from None
    found = await core.identities.living(tenant_id, number)
    if found is None:
        raise Fault("nobody has this number")
    return found
