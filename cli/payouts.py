"""Commands on payouts: what customers took out to their banks."""

from dataclasses import asdict
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import typer

from cli.acting import ActionKey, TenantKey, act, actor
from cli.output import AsJson, show_json, show_rows
from core.app import Core
from core.domain.payouts import PayoutState, PayoutView
from core.kit.money import Money, to_major

app = typer.Typer(help="What customers took out to their banks.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="Of the payout, as in `callbox payouts list`.")]


class Word(StrEnum):
    PAID = "paid"
    NOT_PAID = "not-paid"


@app.command("list")
def list_payouts(
    tenant: TenantKey = "demo",
    state: Annotated[PayoutState | None, typer.Option(help="Only those that stand so.")] = None,
    count: Annotated[int, typer.Option(min=1, max=500)] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """The latest payouts; `--state needs_person` lists those that wait for one."""

    async def ask(core: Core, tenant_id: UUID) -> list[PayoutView]:
        return list(await core.payouts.listed(tenant_id, state=state, count=count))

    found = act(tenant, ask)
    show_rows(
        [_plain(one) if as_json else _line(one) for one in found], of="payouts", as_json=as_json
    )


@app.command()
def show(reference: Reference, tenant: TenantKey = "demo", *, as_json: AsJson = False) -> None:
    """One payout and what the gateway last said of it."""

    async def ask(core: Core, tenant_id: UUID) -> PayoutView:
        return await core.payouts.show(tenant_id, reference)

    _show(act(tenant, ask), as_json=as_json)


@app.command()
def settle(
    reference: Reference,
    outcome: Annotated[Word, typer.Option(help="Whether the bank account got the money.")],
    evidence: Annotated[str, typer.Option(help="How it is known: a session id, a statement.")],
    tenant: TenantKey = "demo",
    key: ActionKey = None,
    *,
    as_json: AsJson = False,
) -> None:
    """End a payout that waits for a person. Paid takes the held money, not-paid gives it back."""

    async def ask(core: Core, tenant_id: UUID) -> PayoutView:
        return await core.payouts.settle(
            tenant_id,
            reference,
            paid=outcome is Word.PAID,
            evidence=evidence,
            actor=actor(),
            key=key,
        )

    _show(act(tenant, ask), as_json=as_json)


def _show(payout: PayoutView, *, as_json: bool) -> None:
    plain = _plain(payout)
    if as_json:
        show_json(plain)
        return
    for name, value in plain.items():
        if value is not None:
            typer.echo(f"{name}: {value}")


def _line(payout: PayoutView) -> dict[str, object]:
    return {
        "reference": payout.reference,
        "state": payout.state.value,
        "amount": to_major(Money(payout.amount_minor, payout.currency)),
        "fee": to_major(Money(payout.fee_minor, payout.currency)),
        "to": f"{payout.account_name}, {payout.bank_name} ..{payout.account_tail}",
        "gateway": payout.gateway,
        "last": payout.reason,
        "at": f"{payout.created_at:%Y-%m-%d %H:%M}",
    }


def _plain(payout: PayoutView) -> dict[str, object]:
    plain = asdict(payout)
    plain["amount"] = to_major(Money(plain.pop("amount_minor"), payout.currency))
    plain["fee"] = to_major(Money(plain.pop("fee_minor"), payout.currency))
    return plain
