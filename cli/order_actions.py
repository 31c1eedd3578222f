"""Commands that act on orders, for `callbox orders`."""

from collections.abc import Callable, Mapping
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.acting import ActionKey, TenantKey, act, actor
from cli.output import AsJson, show_json, show_rows
from core.app import Core
from core.kit.errors import Fault
from core.kit.money import Money, to_major
from core.ports.desk import Acted, Learned, Waiting
from core.services.order_actions import Reconciled

_WAITING_MAX = 10_000

Reference = Annotated[str, typer.Argument(help="Of the order, as in `callbox orders list`.")]


def pending(tenant: TenantKey = "demo", *, as_json: AsJson = False) -> None:
    """Every order that is not final, the oldest first, and what it waits for."""

    async def ask(core: Core, tenant_id: UUID) -> list[dict[str, object]]:
        waiting = await core.order_actions.waiting(tenant_id, _WAITING_MAX)
        return [_waiting(one) for one in waiting]

    show_rows(act(tenant, ask), of="waiting orders", as_json=as_json)


def process(
    reference: Annotated[str | None, typer.Argument(help="Of one order.")] = None,
    tenant: TenantKey = "demo",
    *,
    every: Annotated[bool, typer.Option("--all", help="Every order that is not final.")] = False,
    as_json: AsJson = False,
) -> None:
    """Ask the provider about an order now, book the answer, and show both sides.

    Nothing is sent again. The status is not 0 when a provider did not answer in time.
    """
    if every == (reference is not None):
        raise Fault("say either a reference or --all")

    async def ask(core: Core, tenant_id: UUID) -> list[dict[str, object]]:
        if reference is not None:
            wanted = [reference]
        else:
            waiting = await core.order_actions.waiting(tenant_id, _WAITING_MAX)
            wanted = [one.order.reference for one in waiting]
        return [
            _reconciled(await core.order_actions.reconcile(tenant_id, one, actor()))
            for one in wanted
        ]

    rows = act(tenant, ask)
    if reference is not None and as_json:
        show_json(rows[0])
    else:
        show_rows(rows, of="waiting orders", as_json=as_json)
    if any(row["said"] == _NO_ANSWER for row in rows):
        raise typer.Exit(1)


def retry(
    reference: Reference,
    tenant: TenantKey = "demo",
    key: ActionKey = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Have a worker ask the provider about an order now."""

    async def ask(core: Core, tenant_id: UUID) -> Acted:
        return await core.order_actions.retry(tenant_id, reference, actor(), key=key)

    _show(reference, act(tenant, ask), as_json=as_json)


def refund(
    reference: Reference,
    reason: Annotated[str, typer.Option(help="Why, for the audit.")],
    tenant: TenantKey = "demo",
    key: ActionKey = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Give the customer the money back; at our risk where nobody can say what was delivered."""

    async def ask(core: Core, tenant_id: UUID) -> Acted:
        return await core.order_actions.refund(
            tenant_id, reference, actor(), reason=reason, key=key
        )

    _show(reference, act(tenant, ask), as_json=as_json)


def resolve(
    reference: Reference,
    outcome: Annotated[Learned, typer.Option(help="What the provider says became of it.")],
    evidence: Annotated[str, typer.Option(help="How we know: their reference, a token.")],
    tenant: TenantKey = "demo",
    key: ActionKey = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Book what you learned from the provider. The evidence is kept, encrypted."""

    async def ask(core: Core, tenant_id: UUID) -> Acted:
        return await core.order_actions.resolve(
            tenant_id, reference, actor(), learned=outcome, evidence=evidence, key=key
        )

    _show(reference, act(tenant, ask), as_json=as_json)


COMMANDS: Mapping[str, Callable[..., None]] = {
    "pending": pending,
    "process": process,
    "retry": retry,
    "refund": refund,
    "resolve": resolve,
}

_NO_ANSWER = "no answer in time"


def _show(reference: str, acted: Acted, *, as_json: bool) -> None:
    row: dict[str, Any] = {
        "reference": reference.strip().upper(),
        "state": acted.state.value,
        "done": acted.step,
        "repeated": acted.repeated,
    }
    if as_json:
        show_json(row)
    else:
        show_rows([row], of="orders", as_json=False)


def _waiting(one: Waiting) -> dict[str, object]:
    order = one.order
    why = "not sent yet" if one.sent_at is None else "no answer yet"
    if one.result is not None and one.sent_at is not None:
        why = f"{one.result}: {one.reason}"
    return {
        "reference": order.reference,
        "state": order.state.value,
        "what": f"{order.product.value} {order.network}",
        "amount": to_major(Money(order.amount_minor, order.currency)),
        "currency": order.currency,
        "provider": one.provider,
        "why": why,
        "checks": one.checks,
        "created_at": order.created_at.isoformat(timespec="seconds"),
        "check_at": one.check_at.isoformat(timespec="seconds") if one.check_at else None,
    }


def _reconciled(made: Reconciled) -> dict[str, object]:
    order, last, theirs = made.detail.listed.order, made.detail.attempts[-1], made.theirs
    said = "answered"
    if theirs is None:
        said = _NO_ANSWER if last.sent_at is not None else "not sent yet"
    return {
        "reference": order.reference,
        "provider": last.provider,
        "ours": order.state.value,
        "theirs": theirs.result.value if theirs else None,
        "reason": theirs.reason if theirs else None,
        "agreed": made.agreed,
        "said": said,
    }
