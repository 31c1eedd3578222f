"""Transfers to bank accounts as simulated gateways make them, and what time does to them.

A transfer that a gateway was asked for is one thing, money that really reached an account another:
tests count the second. Changes fall due by the clock and are made good on the next look.
"""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

import aiosqlite

from core.kit.clock import Clock
from core.kit.money import Money, to_major
from sandbox.database import Transaction, stamp, unstamp
from sandbox.recipients import normal
from sandbox.scenarios import Scenario, Script
from sandbox.webhooks import Webhook, WebhookQueue

SCHEMA = """
CREATE TABLE IF NOT EXISTS transfers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    account TEXT NOT NULL,
    bank_code TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    scenario TEXT NOT NULL,
    seconds REAL NOT NULL,
    code TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at TEXT NOT NULL,
    change_at TEXT,
    change_to TEXT,
    silent_until TEXT,
    UNIQUE (provider, reference)
);
CREATE INDEX IF NOT EXISTS transfers_by_change ON transfers (change_at);
CREATE TABLE IF NOT EXISTS payouts_made (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    reference TEXT NOT NULL,
    account TEXT NOT NULL,
    bank_code TEXT NOT NULL,
    amount_minor INTEGER NOT NULL,
    currency TEXT NOT NULL,
    paid_at TEXT NOT NULL,
    returned_at TEXT
);
CREATE TABLE IF NOT EXISTS name_lookups (
    provider TEXT NOT NULL,
    account TEXT NOT NULL,
    lookups INTEGER NOT NULL,
    PRIMARY KEY (provider, account)
);
"""


class State(StrEnum):
    """Where a transfer is. UNSEEN: its request is on its way, the gateway knows of nothing yet."""

    UNSEEN = "unseen"
    PENDING = "pending"
    PAID = "paid"
    FAILED = "failed"
    REVERSED = "reversed"


class Answer(StrEnum):
    """How the request for a transfer is answered."""

    PLAIN = "plain"
    HELD = "held"
    SEVERED = "severed"
    HTML_503 = "html_503"
    ERROR_500 = "error_500"
    GARBLED = "garbled"
    LOW_BALANCE = "low_balance"


@dataclass(frozen=True, slots=True)
class Play:
    """What a scenario does.

    Attributes:
        state: How the transfer begins; None: none is made.
        then: What it becomes after the scenario's seconds.
        webhooks: How many tell of its end; `webhook_late`, long after it.
    """

    state: State | None = State.PAID
    then: State | None = None
    answer: Answer = Answer.PLAIN
    webhooks: int = 1
    webhook_late: bool = False


PLAYS: Mapping[str, Play] = {
    "ok": Play(),
    "ok_slow": Play(answer=Answer.HELD),
    "pending_then_ok": Play(State.PENDING, State.PAID),
    "pending_then_fail": Play(State.PENDING, State.FAILED),
    "stuck_pending": Play(State.PENDING),
    "refused": Play(None, answer=Answer.LOW_BALANCE),
    "reply_lost": Play(answer=Answer.SEVERED, webhooks=0),
    "delivered_after_timeout": Play(State.PENDING, State.PAID, Answer.SEVERED),
    "arrives_late": Play(State.UNSEEN, State.PAID, Answer.SEVERED),
    "never_arrives": Play(None, answer=Answer.SEVERED),
    "reply_500_no_order": Play(None, answer=Answer.ERROR_500),
    "reply_500_with_order": Play(answer=Answer.ERROR_500, webhooks=0),
    "html_503": Play(answer=Answer.HTML_503, webhooks=0),
    "garbled": Play(answer=Answer.GARBLED, webhooks=0),
    "reversed_after_success": Play(State.PAID, State.REVERSED),
    "verify_down": Play(State.PENDING, State.PAID, webhooks=0),
    "webhook_duplicate": Play(State.PENDING, State.PAID, webhooks=3),
    "webhook_late": Play(State.PENDING, State.PAID, webhook_late=True),
    "webhook_never": Play(State.PENDING, State.PAID, webhooks=0),
    "webhook_forged": Play(State.PENDING),
}

SCENARIOS: Mapping[str, Scenario] = {
    "ok": Scenario("paid at once"),
    "ok_slow": Scenario("paid, the answer comes late", 3, recipients=("0000000301",)),
    "pending_then_ok": Scenario("accepted, paid later", 2, recipients=("0000000302",)),
    "pending_then_fail": Scenario("accepted, fails later", 2, recipients=("0000000303",)),
    "stuck_pending": Scenario("accepted, never ends", recipients=("0000000304",)),
    "refused": Scenario("refused: our balance is too low", recipients=("0000000305",)),
    "reply_lost": Scenario("paid, the connection drops first", recipients=("0000000306",)),
    "delivered_after_timeout": Scenario(
        "accepted, the connection drops, paid later", 2, recipients=("0000000307",)
    ),
    "arrives_late": Scenario(
        "unknown until it arrives late, then paid", 2, recipients=("0000000308",)
    ),
    "never_arrives": Scenario("the request is lost on its way", recipients=("0000000309",)),
    "reply_500_no_order": Scenario("HTTP 500, nothing placed", recipients=("0000000310",)),
    "reply_500_with_order": Scenario("HTTP 500, yet paid", recipients=("0000000311",)),
    "html_503": Scenario("a page of HTML, yet paid", recipients=("0000000312",)),
    "garbled": Scenario("half an answer, yet paid", recipients=("0000000313",)),
    "reversed_after_success": Scenario(
        "paid, and later sent back by the bank", 2, recipients=("0000000314",)
    ),
    "verify_down": Scenario(
        "accepted, questions are answered 503 from the first one on", 2, recipients=("0000000315",)
    ),
    "webhook_duplicate": Scenario("told three times", 1, recipients=("0000000316",)),
    "webhook_late": Scenario("told long after it is paid", 1, recipients=("0000000317",)),
    "webhook_never": Scenario("nobody tells that it is paid", 1, recipients=("0000000318",)),
    "webhook_forged": Scenario(
        "never ends, a webhook with a wrong signature says it is paid", recipients=("0000000319",)
    ),
    "unknown_account": Scenario("the bank has no such account", recipients=("0000000321",)),
    "name_changed": Scenario(
        "the second look gives another holder's name", recipients=("0000000322",)
    ),
    "resolve_down": Scenario("names cannot be looked up", recipients=("0000000323",)),
}
"""What every gateway plays, by account number. A gateway adds its own worst days."""

AT_RESOLVE = frozenset({"unknown_account", "name_changed", "resolve_down"})
BANKS: tuple[tuple[str, str], ...] = (
    ("044", "Access Bank"),
    ("063", "Access Bank (Diamond)"),
    ("050", "Ecobank Nigeria"),
    ("070", "Fidelity Bank"),
    ("011", "First Bank of Nigeria"),
    ("214", "First City Monument Bank"),
    ("058", "Guaranty Trust Bank"),
    ("082", "Keystone Bank"),
    ("50211", "Kuda Bank"),
    ("50515", "Moniepoint MFB"),
    ("999992", "OPay Digital Services Limited (OPay)"),
    ("999991", "PalmPay"),
    ("076", "Polaris Bank"),
    ("221", "Stanbic IBTC Bank"),
    ("232", "Sterling Bank"),
    ("032", "Union Bank of Nigeria"),
    ("033", "United Bank For Africa"),
    ("215", "Unity Bank"),
    ("035", "Wema Bank"),
    ("057", "Zenith Bank"),
)
_LATE_S = 20.0
_ENDS = frozenset({State.PAID, State.FAILED, State.REVERSED})


@dataclass(frozen=True, slots=True)
class Transfer:
    """What a gateway was asked for; `id` is the gateway's own, 0 until it is kept."""

    provider: str
    reference: str
    account: str
    bank_code: str
    amount: Money
    script: Script
    state: State
    created_at: dt.datetime
    id: int = 0


class DuplicateTransfer(Exception):
    """The gateway has one of that reference."""


Announcer = Callable[[Transfer], Webhook]
"""What a gateway posts when a transfer came to an end."""


class TransferBook:
    """All transfers of all simulated gateways."""

    def __init__(self, clock: Clock, webhooks: WebhookQueue) -> None:
        self._clock = clock
        self._webhooks = webhooks
        self._announcers: dict[str, Announcer] = {}

    def register(self, provider: str, announce: Announcer) -> None:
        self._announcers[provider] = announce

    async def place(
        self, tx: Transaction, transfer: Transfer, plays: Mapping[str, Play]
    ) -> Transfer:
        """Keep a new transfer, as its scenario begins it.

        Raises:
            DuplicateTransfer: the gateway has one of that reference.
        """
        play = plays[transfer.script.name]
        change_at = None
        if play.then is not None:
            change_at = stamp(transfer.created_at + dt.timedelta(seconds=transfer.script.seconds))
        try:
            cursor = await tx.execute(
                "INSERT INTO transfers (provider, reference, account, bank_code, amount_minor,"
                " currency, scenario, seconds, code, state, created_at, change_at, change_to)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    transfer.provider,
                    transfer.reference,
                    transfer.account,
                    transfer.bank_code,
                    transfer.amount.minor,
                    transfer.amount.currency,
                    transfer.script.name,
                    transfer.script.seconds,
                    transfer.script.code,
                    State.PENDING if transfer.state in _ENDS else transfer.state,
                    stamp(transfer.created_at),
                    change_at,
                    play.then,
                ),
            )
        except aiosqlite.IntegrityError as error:
            raise DuplicateTransfer from error
        kept = replace(transfer, id=cursor.lastrowid or 0)
        if kept.state in _ENDS:
            await self._enter(tx, kept, kept.state, kept.created_at, play)
        return kept

    async def find(self, tx: Transaction, provider: str, reference: str) -> Transfer | None:
        """By our reference, or by the gateway's own number; None while its request is under way."""
        rows = list(
            await tx.execute_fetchall(
                "SELECT * FROM transfers WHERE provider = ? AND (reference = ? OR id = ?)",
                (provider, reference, int(reference) if reference.isdigit() else -1),
            )
        )
        found = _transfer(rows[0]) if rows else None
        return found if found and found.state is not State.UNSEEN else None

    async def is_known(self, tx: Transaction, provider: str, reference: str) -> bool:
        """Whether a transfer of that reference was ever asked for, on its way or not."""
        rows = await tx.execute_fetchall(
            "SELECT 1 FROM transfers WHERE provider = ? AND reference = ?", (provider, reference)
        )
        return bool(list(rows))

    async def is_silent(self, tx: Transaction, transfer: Transfer) -> bool:
        """Whether questions go unanswered: for the scenario's seconds from the first one."""
        now = self._clock.now()
        until = now + dt.timedelta(seconds=transfer.script.seconds)
        await tx.execute(
            "UPDATE transfers SET silent_until = ? WHERE id = ? AND silent_until IS NULL",
            (stamp(until), transfer.id),
        )
        rows = await tx.execute_fetchall(
            "SELECT 1 FROM transfers WHERE id = ? AND silent_until > ?", (transfer.id, stamp(now))
        )
        return bool(list(rows))

    async def looked_up(self, tx: Transaction, provider: str, account: str) -> int:
        """Count a look at the name of an account; answers how many there were."""
        await tx.execute(
            "INSERT INTO name_lookups (provider, account, lookups) VALUES (?, ?, 1)"
            " ON CONFLICT (provider, account) DO UPDATE SET lookups = lookups + 1",
            (provider, account),
        )
        rows = await tx.execute_fetchall(
            "SELECT lookups FROM name_lookups WHERE provider = ? AND account = ?",
            (provider, account),
        )
        return int(next(iter(rows))["lookups"])

    async def catch_up(self, tx: Transaction, provider: str, plays: Mapping[str, Play]) -> None:
        """Do all that has come due at one gateway."""
        rows = await tx.execute_fetchall(
            "SELECT * FROM transfers WHERE change_at <= ? AND provider = ? ORDER BY change_at, id",
            (stamp(self._clock.now()), provider),
        )
        for row in rows:
            await tx.execute(
                "UPDATE transfers SET change_at = NULL, change_to = NULL WHERE id = ?",
                (row["id"],),
            )
            transfer, state = _transfer(row), State(row["change_to"])
            play = plays[transfer.script.name]
            await self._enter(tx, transfer, state, unstamp(row["change_at"]), play)

    async def listing(self, tx: Transaction, account: str | None) -> list[dict[str, Any]]:
        """Money that really reached an account, oldest first; for one account or for all."""
        rows = await tx.execute_fetchall(
            "SELECT * FROM payouts_made WHERE ? IS NULL OR account = ? ORDER BY paid_at, id",
            (account, normal(account or "")),
        )
        return [
            {
                "provider": row["provider"],
                "reference": row["reference"],
                "account": row["account"],
                "bank_code": row["bank_code"],
                "amount": to_major(Money(row["amount_minor"], row["currency"])),
                "currency": row["currency"],
                "at": row["paid_at"],
                "returned": row["returned_at"] is not None,
            }
            for row in rows
        ]

    async def announce(self, tx: Transaction, transfer: Transfer, *, after_s: float = 0.0) -> None:
        webhook = self._announcers[transfer.provider](transfer)
        await self._webhooks.put(tx, replace(webhook, after_s=after_s))

    async def _enter(
        self, tx: Transaction, transfer: Transfer, state: State, at: dt.datetime, play: Play
    ) -> None:
        await tx.execute("UPDATE transfers SET state = ? WHERE id = ?", (state, transfer.id))
        if state is State.PAID:
            await tx.execute(
                "INSERT INTO payouts_made (provider, reference, account, bank_code, amount_minor,"
                " currency, paid_at) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    transfer.provider,
                    transfer.reference,
                    normal(transfer.account),
                    transfer.bank_code,
                    transfer.amount.minor,
                    transfer.amount.currency,
                    stamp(at),
                ),
            )
        if state is State.REVERSED:
            await tx.execute(
                "UPDATE payouts_made SET returned_at = ? WHERE provider = ? AND reference = ?",
                (stamp(at), transfer.provider, transfer.reference),
            )
        for _ in range(play.webhooks):
            late_s = _LATE_S if play.webhook_late else 0.0
            await self.announce(tx, replace(transfer, state=state), after_s=late_s)


def names_of(account: str) -> tuple[str, str]:
    """Who holds an account, and who holds it after it changed hands."""
    first = ("ADA", "BOLA", "CHIKA", "DAYO", "EMEKA", "FATIMA", "GARBA", "HALIMA", "IFE", "JIDE")
    digits = [int(each) for each in account if each.isdigit()] or [0]
    return f"{first[digits[-1]]} SIM OKAFOR", "SOMEBODY ELSE SIM"


def _transfer(row: aiosqlite.Row) -> Transfer:
    return Transfer(
        provider=row["provider"],
        reference=row["reference"],
        account=row["account"],
        bank_code=row["bank_code"],
        amount=Money(row["amount_minor"], row["currency"]),
        script=Script(row["scenario"], row["seconds"], row["code"]),
        state=State(row["state"]),
        created_at=unstamp(row["created_at"]),
        id=row["id"],
    )
