"""Text messages that really reached a handset."""

import datetime as dt
from typing import Any

from sandbox.database import Transaction, stamp
from sandbox.recipients import normal

SCHEMA = """
CREATE TABLE IF NOT EXISTS messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    recipient TEXT NOT NULL,
    sender TEXT NOT NULL,
    body TEXT NOT NULL,
    received_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS messages_by_recipient ON messages (recipient);
"""


async def receive(
    tx: Transaction, *, provider: str, recipient: str, sender: str, body: str, at: dt.datetime
) -> None:
    await tx.execute(
        "INSERT INTO messages (provider, recipient, sender, body, received_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (provider, normal(recipient), sender, body, stamp(at)),
    )


async def listing(tx: Transaction, recipient: str | None) -> list[dict[str, Any]]:
    """Newest last; for one handset, in any form of its number, or for all."""
    rows = await tx.execute_fetchall(
        "SELECT * FROM messages WHERE ? IS NULL OR recipient = ? ORDER BY received_at, id",
        (recipient, normal(recipient or "")),
    )
    return [
        {
            "to": row["recipient"],
            "from": row["sender"],
            "text": row["body"],
            "at": row["received_at"],
        }
        for row in rows
    ]
