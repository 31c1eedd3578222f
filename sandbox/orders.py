"""Orders for value as providers keep them, and what time does to them.

Every VTU simulator shares this: it decides what becomes of an order when it is placed, and the book
does the rest: the float, the delivery ledger, the changes that fall due later. A change falls due
by the clock, not by the process: what came due while the sandbox was down is done on the next look.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import aiosqlite

from core.kit.clock import Clock
from core.kit.money import Money
from sandbox import deliveries
from sandbox.database import Database, Transaction, stamp, unstamp
from sandbox.recipients import normal
from sandbox.scenarios import Script
from sandbox.webhooks import Webhook, WebhookQueue

SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    provider TEXT NOT NULL,
    provider_reference TEXT NOT NULL,
    reference TEXT NOT NULL,
    product TEXT NOT NULL,
    recipient TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    charge_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    scenario TEXT NOT NULL,
    seconds REAL NOT NULL,
    code TEXT NOT NULL,
    state TEXT NOT NULL,
    placed_at TEXT NOT NULL,
    silent_until TEXT,
    PRIMARY KEY (provider, provider_reference)
);
CREATE INDEX IF NOT EXISTS orders_by_reference ON orders (provider, reference);
CREATE INDEX IF NOT EXISTS orders_by_recipient ON orders (provider, recipient, placed_at);
CREATE TABLE IF NOT EXISTS order_changes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    provider_reference TEXT NOT NULL,
    due_at TEXT NOT NULL,
    state TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS order_changes_by_due ON order_changes (due_at);
CREATE TABLE IF NOT EXISTS floats (
    provider TEXT PRIMARY KEY,
    balance_minor INTEGER NOT NULL
);
"""


class State(StrEnum):
    """Where an order is. UNSEEN: the request is still on its way, the provider knows of nothing."""

    UNSEEN = "unseen"
    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Order:
    """One order.

    Attributes:
        reference: The caller's.
        amount: Face value.
        charge: What the float pays.
        script: The part that it plays.
    """

    provider: str
    provider_reference: str
    reference: str
    product: str
    recipient: str
    amount: Money
    charge: Money
    script: Script
    state: State
    placed_at: dt.datetime


Announcer = Callable[[Order], Iterable[Webhook]]
"""What a provider posts about a change that came later than its reply."""

_CHARGED = (State.PENDING, State.DELIVERED)


class OrderBook:
    """All orders of all VTU simulators."""

    def __init__(self, database: Database, clock: Clock, webhooks: WebhookQueue) -> None:
        self._database = database
        self._clock = clock
        self._webhooks = webhooks
        self._announcers: dict[str, Announcer] = {}
        self._opening: dict[str, Money] = {}

    def register(self, provider: str, opening_float: Money, announce: Announcer) -> None:
        self._opening[provider] = opening_float
        self._announcers[provider] = announce

    async def place(
        self, tx: Transaction, order: Order, later: Sequence[tuple[float, State]] = ()
    ) -> None:
        """Keep a new order in its state, with the changes that come in so many seconds.

        Charges the float, delivers what is delivered. A request of the same reference that is still
        on its way is dropped: it will find the reference taken.
        """
        await self._drop_unseen(tx, order)
        await tx.execute(
            "INSERT INTO orders (provider, provider_reference, reference, product, recipient,"
            " amount_minor, charge_minor, currency, scenario, seconds, code, state, placed_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                order.provider,
                order.provider_reference,
                order.reference,
                order.product,
                normal(order.recipient),
                order.amount.minor,
                order.charge.minor,
                order.amount.currency,
                order.script.name,
                order.script.seconds,
                order.script.code,
                State.UNSEEN,
                stamp(order.placed_at),
            ),
        )
        await self._enter(tx, replace(order, state=State.UNSEEN), order.state, order.placed_at)
        for seconds, state in later:
            due = order.placed_at + dt.timedelta(seconds=seconds)
            await tx.execute(
                "INSERT INTO order_changes (provider, provider_reference, due_at, state)"
                " VALUES (?, ?, ?, ?)",
                (order.provider, order.provider_reference, stamp(due), state),
            )

    async def find(self, tx: Transaction, provider: str, reference: str) -> Order | None:
        """The order as the provider knows it now; None while its request is still on its way."""
        await self.catch_up(tx)
        rows = list(
            await tx.execute_fetchall(
                "SELECT * FROM orders WHERE provider = ? AND reference = ? AND state <> ?",
                (provider, reference, State.UNSEEN),
            )
        )
        return _order(rows[0]) if rows else None

    async def find_theirs(
        self, tx: Transaction, provider: str, provider_reference: str
    ) -> Order | None:
        """The order by the provider's own reference, as it is now."""
        await self.catch_up(tx)
        rows = list(
            await tx.execute_fetchall(
                "SELECT * FROM orders WHERE provider = ? AND provider_reference = ? AND state <> ?",
                (provider, provider_reference, State.UNSEEN),
            )
        )
        return _order(rows[0]) if rows else None

    async def latest(
        self, tx: Transaction, provider: str, count: int, reference: str | None = None
    ) -> list[Order]:
        """What the provider lists of all that it knows, or of one reference; newest first."""
        await self.catch_up(tx)
        which = "provider = ?" if reference is None else "provider = ? AND reference = ?"
        rows = await tx.execute_fetchall(
            f"SELECT * FROM orders WHERE {which} AND state <> ?"  # noqa: S608 - no input in it
            " ORDER BY placed_at DESC, rowid DESC LIMIT ?",
            (*(one for one in (provider, reference) if one is not None), State.UNSEEN, count),
        )
        return [_order(row) for row in rows]

    async def placed_since(
        self, tx: Transaction, provider: str, service: str, recipient: str, since: dt.datetime
    ) -> bool:
        """Whether anything of that service went to that recipient later than `since`.

        The service is the whole product, or its part before or after a colon.
        """
        rows = await tx.execute_fetchall(
            "SELECT 1 FROM orders WHERE provider = ? AND recipient = ? AND placed_at > ?"
            " AND (product = ? OR product GLOB ? OR product GLOB ?) AND state <> ? LIMIT 1",
            (
                provider,
                normal(recipient),
                stamp(since),
                service,
                f"{service}:*",
                f"*:{service}",
                State.UNSEEN,
            ),
        )
        return bool(list(rows))

    async def recast(self, tx: Transaction, order: Order, script: Script) -> Order:
        """The order plays another part from now on."""
        await tx.execute(
            "UPDATE orders SET scenario = ?, seconds = ?, code = ?"
            " WHERE provider = ? AND provider_reference = ?",
            (script.name, script.seconds, script.code, order.provider, order.provider_reference),
        )
        return replace(order, script=script)

    async def is_silent(self, tx: Transaction, order: Order, seconds: float) -> bool:
        """Whether questions about the order go unanswered: for `seconds` from the first one."""
        key = (order.provider, order.provider_reference)
        now = self._clock.now()
        await tx.execute(
            "UPDATE orders SET silent_until = ? WHERE provider = ? AND provider_reference = ?"
            " AND silent_until IS NULL",
            (stamp(now + dt.timedelta(seconds=seconds)), *key),
        )
        rows = await tx.execute_fetchall(
            "SELECT 1 FROM orders"
            " WHERE provider = ? AND provider_reference = ? AND silent_until > ?",
            (*key, stamp(now)),
        )
        return bool(list(rows))

    async def float_balance(self, tx: Transaction, provider: str) -> Money:
        rows = list(
            await tx.execute_fetchall(
                "SELECT balance_minor FROM floats WHERE provider = ?", (provider,)
            )
        )
        opening = self._opening[provider]
        return Money(rows[0]["balance_minor"], opening.currency) if rows else opening

    async def catch_up(self, tx: Transaction) -> None:
        """Make every change that has come due, each at the time that it came due."""
        due = await tx.execute_fetchall(
            "SELECT c.id AS change_id, c.due_at, c.state AS next_state, o.* FROM order_changes c"
            " JOIN orders o USING (provider, provider_reference)"
            " WHERE c.due_at <= ? ORDER BY c.due_at, c.id",
            (stamp(self._clock.now()),),
        )
        for row in due:
            await tx.execute("DELETE FROM order_changes WHERE id = ?", (row["change_id"],))
            # Two changes of one order may be due in one look, so its state is read afresh.
            current = await self._state(tx, row)
            order = replace(_order(row), state=current)
            changed = await self._enter(tx, order, State(row["next_state"]), unstamp(row["due_at"]))
            for webhook in self._announcers[order.provider](changed):
                await self._webhooks.put(tx, webhook)

    async def do_due(self) -> None:
        """`catch_up` in a transaction of its own, for the background task."""
        async with self._database.transaction() as tx:
            await self.catch_up(tx)

    async def _enter(self, tx: Transaction, order: Order, state: State, at: dt.datetime) -> Order:
        """Move the order into `state`, with what that means for the float and the ledger."""
        await tx.execute(
            "UPDATE orders SET state = ? WHERE provider = ? AND provider_reference = ?",
            (state, order.provider, order.provider_reference),
        )
        if state in _CHARGED and order.state not in _CHARGED:
            await self._move_float(tx, order.provider, -order.charge.minor)
        if state not in _CHARGED and order.state in _CHARGED:
            await self._move_float(tx, order.provider, order.charge.minor)
        if state is State.DELIVERED:
            await deliveries.deliver(
                tx,
                provider=order.provider,
                provider_reference=order.provider_reference,
                reference=order.reference,
                product=order.product,
                recipient=order.recipient,
                amount=order.amount,
                at=at,
            )
        if state is State.REVERSED:
            await deliveries.reverse(tx, order.provider, order.provider_reference, at)
        return replace(order, state=state)

    async def _move_float(self, tx: Transaction, provider: str, minor: int) -> None:
        balance = await self.float_balance(tx, provider)
        await tx.execute(
            "INSERT INTO floats (provider, balance_minor) VALUES (?, ?)"
            " ON CONFLICT (provider) DO UPDATE SET balance_minor = excluded.balance_minor",
            (provider, balance.minor + minor),
        )

    async def _state(self, tx: Transaction, row: aiosqlite.Row) -> State:
        found = await tx.execute_fetchall(
            "SELECT state FROM orders WHERE provider = ? AND provider_reference = ?",
            (row["provider"], row["provider_reference"]),
        )
        return State(next(iter(found))["state"])

    async def _drop_unseen(self, tx: Transaction, order: Order) -> None:
        for table in ("order_changes", "orders"):
            await tx.execute(
                f"DELETE FROM {table} WHERE (provider, provider_reference) IN"  # noqa: S608 - literals
                " (SELECT provider, provider_reference FROM orders"
                " WHERE provider = ? AND reference = ? AND state = ?)",
                (order.provider, order.reference, State.UNSEEN),
            )


def _order(row: aiosqlite.Row) -> Order:
    return Order(
        provider=row["provider"],
        provider_reference=row["provider_reference"],
        reference=row["reference"],
        product=row["product"],
        recipient=row["recipient"],
        amount=Money(row["amount_minor"], row["currency"]),
        charge=Money(row["charge_minor"], row["currency"]),
        script=Script(row["scenario"], row["seconds"], row["code"]),
        state=State(row["state"]),
        placed_at=unstamp(row["placed_at"]),
    )
