"""The delivery ledger: value that really reached somebody, whatever anybody was told about it.

Simulators write it; tests and people read it. Nothing is ever taken out but by a reset.
"""

import datetime as dt
from typing import Any

from core.kit.money import Money, to_major
from sandbox.database import Transaction, stamp
from sandbox.recipients import normal

# A provider's own reference is unique; ours is not: some providers deliver the same one twice.
SCHEMA = """
CREATE TABLE IF NOT EXISTS deliveries (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    provider_reference TEXT NOT NULL,
    reference TEXT NOT NULL,
    product TEXT NOT NULL,
    recipient TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    delivered_at TEXT NOT NULL,
    reversed_at TEXT,
    UNIQUE (provider, provider_reference)
);
CREATE INDEX IF NOT EXISTS deliveries_by_recipient ON deliveries (recipient);
"""


async def deliver(
    tx: Transaction,
    *,
    provider: str,
    provider_reference: str,
    reference: str,
    product: str,
    recipient: str,
    amount: Money,
    at: dt.datetime,
) -> None:
    """Value reached `recipient` at `at`. `amount` is its face value, not what the float paid."""
    await tx.execute(
        "INSERT INTO deliveries (provider, provider_reference, reference, product, recipient,"
        " amount_minor, currency, delivered_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            provider,
            provider_reference,
            reference,
            product,
            normal(recipient),
            amount.minor,
            amount.currency,
            stamp(at),
        ),
    )


async def reverse(tx: Transaction, provider: str, provider_reference: str, at: dt.datetime) -> None:
    """The network took it back. The row stays, marked."""
    await tx.execute(
        "UPDATE deliveries SET reversed_at = ? WHERE provider = ? AND provider_reference = ?",
        (stamp(at), provider, provider_reference),
    )


async def listing(tx: Transaction, recipient: str | None) -> list[dict[str, Any]]:
    """Oldest first; for one recipient, in any form of the number, or for all."""
    rows = await tx.execute_fetchall(
        "SELECT * FROM deliveries WHERE ? IS NULL OR recipient = ? ORDER BY delivered_at, id",
        (recipient, normal(recipient or "")),
    )
    return [
        {
            "provider": row["provider"],
            "reference": row["reference"],
            "provider_reference": row["provider_reference"],
            "product": row["product"],
            "recipient": row["recipient"],
            "amount": to_major(Money(row["amount_minor"], row["currency"])),
            "currency": row["currency"],
            "at": row["delivered_at"],
            "reversed": row["reversed_at"] is not None,
        }
        for row in rows
    ]
