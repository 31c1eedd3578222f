"""Payments that came, as rows: the same for intents and for customers' bank accounts."""

import datetime as dt
import json
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.kit.errors import Fault
from core.ports import NewCase, NewNotice, Payment
from core.store.cases import add_case
from core.store.tables import events, payments_in


def payment_item(
    for_id: UUID,
    tenant_id: UUID,
    gateway: str,
    payment: Payment,
    notice: NewNotice,
    at: dt.datetime,
) -> tuple[object, ...]:
    """A `payment_item` for the functions that credit; `for_id` is what was paid."""
    if notice.secret:
        raise Fault("a payment is no secret")
    fee = payment.fee
    return (
        for_id,
        tenant_id,
        gateway,
        payment.transaction_id,
        payment.reference,
        payment.amount.minor,
        fee.minor if fee and fee.currency == payment.amount.currency else None,
        payment.amount.currency,
        payment.paid_at,
        notice.key,
        notice.text,
        json.dumps(dict(notice.facts)),
        at,
    )


async def write_held_up(
    connection: AsyncConnection,
    owner: Mapping[str, object],
    payment: Payment,
    why: str,
    at: dt.datetime,
) -> bool:
    """Keep a payment that moves nothing, and call a person: the customer is told that one comes.

    `owner`: the columns that say whose it is and what it was paid for. True unless the gateway's
    transaction is known already; then nothing is written.
    """
    statement = (
        insert(payments_in)
        .values(
            **owner,
            transaction_id=payment.transaction_id,
            reference=payment.reference,
            amount_minor=payment.amount.minor,
            fee_minor=payment.fee.minor if payment.fee else None,
            currency=payment.amount.currency,
            state="mismatch",
            why=why,
            paid_at=payment.paid_at,
            received_at=at,
        )
        .on_conflict_do_nothing()
        .returning(payments_in.c.transaction_id)
    )
    if (await connection.execute(statement)).first() is None:
        return False
    gateway = str(owner["gateway"])
    case = NewCase(
        tenant_id=UUID(str(owner["tenant_id"])),
        kind="payment_held_up",
        key=f"payment/{gateway}/{payment.transaction_id}",
        subject=payment.reference,
        facts={
            **held_up_facts(payment, why),
            "gateway": gateway,
            "customer": str(owner["customer_id"]),
        },
    )
    await add_case(connection, case, at)
    return True


def held_up_facts(payment: Payment, why: str) -> dict[str, object]:
    """What the event says of it."""
    return {
        "transaction": payment.transaction_id,
        "amount_minor": payment.amount.minor,
        "currency": payment.amount.currency,
        "why": why,
    }


async def add_event(
    connection: AsyncConnection,
    tenant_id: UUID,
    subject: str,
    kind: str,
    actor: str,
    facts: Mapping[str, object],
    at: dt.datetime,
) -> None:
    event = {
        "subject": subject,
        "tenant_id": tenant_id,
        "kind": kind,
        "actor": actor,
        "facts": dict(facts),
        "at": at,
    }
    # Not `values`: SQLAlchemy warns there of the number that Postgres gives each event.
    row = select(*(literal(value, events.c[name].type) for name, value in event.items()))
    await connection.execute(insert(events).from_select(list(event), row))
