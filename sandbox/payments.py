"""Payments asked for and payments made, as every payment gateway's simulator keeps them."""

import datetime as dt
from dataclasses import dataclass, replace
from typing import Any

import aiosqlite

from core.kit.clock import Clock
from core.kit.errors import Problem
from core.kit.money import Money, to_major
from sandbox.database import Transaction, stamp, unstamp
from sandbox.scenarios import Script

SCHEMA = """
CREATE TABLE IF NOT EXISTS payments (
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    access_code TEXT NOT NULL UNIQUE,
    email TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    callback_url TEXT NOT NULL,
    metadata TEXT NOT NULL,
    scenario TEXT NOT NULL,
    seconds REAL NOT NULL,
    code TEXT NOT NULL,
    failed INTEGER NOT NULL DEFAULT 0,
    created_at TEXT NOT NULL,
    silent_until TEXT,
    PRIMARY KEY (provider, reference)
);
CREATE TABLE IF NOT EXISTS charges (
    id INTEGER PRIMARY KEY,
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    paid_at TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS charges_by_reference ON charges (provider, reference);
"""


class UnknownPayment(Problem):
    code = "payment.unknown"


class AlreadyPaid(Problem):
    code = "payment.paid"


class DuplicateReference(Problem):
    code = "payment.duplicate"


@dataclass(frozen=True, slots=True)
class Payment:
    """What was asked for.

    Attributes:
        metadata: The caller's, as JSON text.
        script: The part that it plays.
        failed: The payer tried and was declined.
    """

    provider: str
    reference: str
    access_code: str
    email: str
    amount: Money
    callback_url: str
    metadata: str
    script: Script
    created_at: dt.datetime
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Charge:
    """Money that was really paid; `id` is the gateway's transaction id and never comes twice."""

    id: int
    reference: str
    amount: Money
    paid_at: dt.datetime


class PaymentBook:
    """All payments of all gateways' simulators."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def add(self, tx: Transaction, payment: Payment) -> None:
        """Keep a new request for payment.

        Raises:
            DuplicateReference: the gateway has one of that reference.
        """
        try:
            await tx.execute(
                "INSERT INTO payments (provider, reference, access_code, email, amount_minor,"
                " currency, callback_url, metadata, scenario, seconds, code, created_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    payment.provider,
                    payment.reference,
                    payment.access_code,
                    payment.email,
                    payment.amount.minor,
                    payment.amount.currency,
                    payment.callback_url,
                    payment.metadata,
                    payment.script.name,
                    payment.script.seconds,
                    payment.script.code,
                    stamp(payment.created_at),
                ),
            )
        except aiosqlite.IntegrityError as error:
            raise DuplicateReference from error

    async def find(self, tx: Transaction, provider: str, reference: str) -> Payment | None:
        """By our reference, or by the access code: it is in the address of the payment page."""
        rows = list(
            await tx.execute_fetchall(
                "SELECT * FROM payments WHERE provider = ? AND (reference = ? OR access_code = ?)",
                (provider, reference, reference),
            )
        )
        return _payment(rows[0]) if rows else None

    async def find_charged(self, tx: Transaction, provider: str, charge_id: int) -> Payment | None:
        """The payment that a charge was made on."""
        rows = list(
            await tx.execute_fetchall(
                "SELECT reference FROM charges WHERE provider = ? AND id = ?", (provider, charge_id)
            )
        )
        return await self.find(tx, provider, rows[0]["reference"]) if rows else None

    async def of(self, tx: Transaction, provider: str, since: dt.datetime) -> list[Payment]:
        """A gateway's payments that were asked for since then, newest first."""
        rows = await tx.execute_fetchall(
            "SELECT * FROM payments WHERE provider = ? AND created_at >= ?"
            " ORDER BY created_at DESC, reference DESC",
            (provider, stamp(since)),
        )
        return [_payment(row) for row in rows]

    async def provider_of(self, tx: Transaction, reference: str) -> str:
        """The gateway that a reference, or the number of a customer's account, belongs to.

        Raises:
            UnknownPayment: none has it.
        """
        rows = list(
            await tx.execute_fetchall(
                "SELECT provider FROM payments WHERE reference = ? OR access_code = ?"
                " ORDER BY created_at DESC",
                (reference, reference),
            )
        )
        if not rows:
            raise UnknownPayment
        return str(rows[0]["provider"])

    async def charge(self, tx: Transaction, payment: Payment, amount: Money) -> Charge:
        """The payer paid. A second charge on one reference is the caller's decision."""
        now = self._clock.now()
        charge = Charge(await self._next_id(tx), payment.reference, amount, now)
        await tx.execute(
            "INSERT INTO charges (id, provider, reference, amount_minor, currency, paid_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                charge.id,
                payment.provider,
                payment.reference,
                amount.minor,
                amount.currency,
                stamp(now),
            ),
        )
        return charge

    async def recast(self, tx: Transaction, payment: Payment, script: Script) -> Payment:
        """The payment plays another part from now on."""
        await tx.execute(
            "UPDATE payments SET scenario = ?, seconds = ?, code = ?"
            " WHERE provider = ? AND reference = ?",
            (script.name, script.seconds, script.code, payment.provider, payment.reference),
        )
        return replace(payment, script=script)

    async def fail(self, tx: Transaction, payment: Payment) -> None:
        await tx.execute(
            "UPDATE payments SET failed = 1 WHERE provider = ? AND reference = ?",
            (payment.provider, payment.reference),
        )

    async def charges(self, tx: Transaction, payment: Payment) -> list[Charge]:
        """Oldest first."""
        rows = await tx.execute_fetchall(
            "SELECT * FROM charges WHERE provider = ? AND reference = ? ORDER BY id",
            (payment.provider, payment.reference),
        )
        return [
            Charge(
                row["id"],
                row["reference"],
                Money(row["amount_minor"], row["currency"]),
                unstamp(row["paid_at"]),
            )
            for row in rows
        ]

    async def is_silent(self, tx: Transaction, payment: Payment, seconds: float) -> bool:
        """Whether questions about the payment go unanswered: for `seconds` from the first one."""
        key = (payment.provider, payment.reference)
        now = self._clock.now()
        await tx.execute(
            "UPDATE payments SET silent_until = ? WHERE provider = ? AND reference = ?"
            " AND silent_until IS NULL",
            (stamp(now + dt.timedelta(seconds=seconds)), *key),
        )
        rows = await tx.execute_fetchall(
            "SELECT 1 FROM payments WHERE provider = ? AND reference = ? AND silent_until > ?",
            (*key, stamp(now)),
        )
        return bool(list(rows))

    async def listing(
        self, tx: Transaction, *, email: str | None, reference: str | None
    ) -> list[dict[str, Any]]:
        """Asked for and paid, oldest first, for people and tests."""
        rows = await tx.execute_fetchall(
            "SELECT * FROM payments WHERE (? IS NULL OR lower(email) = lower(?))"
            " AND (? IS NULL OR reference = ?) ORDER BY created_at, reference",
            (email, email, reference, reference),
        )
        return [await self._described(tx, _payment(row)) for row in rows]

    async def _described(self, tx: Transaction, payment: Payment) -> dict[str, Any]:
        charges = await self.charges(tx, payment)
        return {
            "provider": payment.provider,
            "reference": payment.reference,
            "access_code": payment.access_code,
            "email": payment.email,
            "amount": to_major(payment.amount),
            "currency": payment.amount.currency,
            "status": status_of(payment, charges),
            "scenario": payment.script.name,
            "created_at": stamp(payment.created_at),
            "charges": [
                {
                    "id": charge.id,
                    "amount": to_major(charge.amount),
                    "currency": charge.amount.currency,
                    "paid_at": stamp(charge.paid_at),
                }
                for charge in charges
            ],
        }

    async def _next_id(self, tx: Transaction) -> int:
        """From the clock, so that ids keep rising over a reset: Callbox may deduplicate by them."""
        rows = list(await tx.execute_fetchall("SELECT max(id) AS last FROM charges"))
        by_clock = int(self._clock.now().timestamp() * 1_000_000)
        return max(by_clock, (rows[0]["last"] or 0) + 1)


def status_of(payment: Payment, charges: list[Charge]) -> str:
    """`paid`, `failed` or `pending`."""
    if charges:
        return "paid"
    return "failed" if payment.failed else "pending"


def _payment(row: aiosqlite.Row) -> Payment:
    return Payment(
        provider=row["provider"],
        reference=row["reference"],
        access_code=row["access_code"],
        email=row["email"],
        amount=Money(row["amount_minor"], row["currency"]),
        callback_url=row["callback_url"],
        metadata=row["metadata"],
        script=Script(row["scenario"], row["seconds"], row["code"]),
        created_at=unstamp(row["created_at"]),
        failed=bool(row["failed"]),
    )
