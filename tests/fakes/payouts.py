"""Payouts on a real store, against the simulated gateways, with one clock for all of them."""

import contextlib
import datetime as dt
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

from core.domain.customers import Customer
from core.domain.payouts import PayoutState, PayoutView
from core.domain.requery import Policy
from core.kit.bell import Bell
from core.kit.crypto import Keyring
from core.kit.money import Money
from core.ports import NewCase
from core.ports.payouts import PayoutGateway
from core.providers.payouts import PAYOUT_GATEWAYS
from core.services.paying_out import PayingOut
from core.services.payout_desk import PayoutDesk
from core.services.payouts import Destination, Payouts, PayoutTerms, Withdrawal
from core.store.payouts import PgPayouts
from sandbox.transfers import names_of
from tests.fakes.books import NOON, Books
from tests.fakes.outside import Outside, outside

TERMS = PayoutTerms(
    offered=True,
    amount_min_minor=100_00,
    amount_max_minor=100_000_00,
    fee_minor=25_00,
    day_limit_minor=200_000_00,
    deadline_s=3600.0,
)
POLICY = Policy(schedule_s=(5, 15, 30, 60), not_found_apart_s=60.0)
_KEYS: dict[str, tuple[str, dict[str, object]]] = {
    "paystack": ("/paystack_transfers", {"secret_key": "sk_test_SIM"}),
    "flutterwave": (
        "/flutterwave_transfers/v3",
        {"secret_key": "FLWSECK_TEST-SIM-X", "secret_hash": "SIM-flutterwave-hash"},
    ),
}
BANK_CODE, BANK = "058", "Guaranty Trust Bank"


@dataclass
class HeardCases:
    """`core.ports.Cases`, told to a test."""

    opened: dict[str, NewCase] = field(default_factory=dict)

    async def open(self, case: NewCase) -> bool:
        new = case.key not in self.opened
        self.opened.setdefault(case.key, case)
        return new

    @property
    def kinds(self) -> list[str]:
        return [case.kind for case in self.opened.values()]


@dataclass
class PayoutWorld:
    """Everything that a payout meets. `gateway` is the one that is sent to."""

    books: Books
    outside: Outside
    gateway: PayoutGateway
    book: PgPayouts
    payouts: Payouts
    work: PayingOut
    desk: PayoutDesk
    cases: HeardCases

    async def plays(self, scenario: str, account: str, **more: object) -> None:
        name = f"{self.gateway.name}_transfers"
        await self.outside.play(name, scenario, recipient=account, **more)

    async def withdraw(
        self,
        customer: Customer,
        account: str,
        *,
        amount: int = 500_00,
        key: str = "one",
        holder: str | None = None,
    ) -> Withdrawal:
        """Confirmed a moment ago, with the name that the bank gave."""
        named = await self.payouts.holder_of(
            f"{self.gateway.name}:{BANK_CODE}", account, time.monotonic() + 5
        )
        name = holder or (named.name if named else names_of(account)[0])
        return await self.payouts.withdraw(
            Money(amount, "NGN"),
            Money(TERMS.fee_minor, "NGN"),
            Destination(f"{self.gateway.name}:{BANK_CODE}", BANK, account, name),
            key=key,
            tenant=self.books.tenant,
            customer=customer,
            channel_id=self.books.channel.id,
            identity=customer.msisdn,
            until=0.0,
        )

    async def work_once(self) -> int:
        """Have everything that is due seen through; answers how much was."""
        due = await self.book.claim(50, self.work.timeout_max_s + 15)
        for one in due:
            await self.work.see_through(one)
        return len(due)

    def later(self, seconds: float) -> None:
        self.books.clock.advance(seconds)
        self.outside.clock.advance(seconds)

    async def until_ended(self, customer: Customer, within_s: float = 7200.0) -> PayoutView:
        """Let workers and time go on until the latest payout is final, or so long has passed."""
        ends_at = self.books.clock.now() + dt.timedelta(seconds=within_s)
        while True:
            await self.work_once()
            [latest] = await self.payouts.latest(customer, 1)
            if latest.state.final or self.books.clock.now() >= ends_at:
                return latest
            self.later(20)

    async def paid_out(self, account: str) -> list[dict[str, Any]]:
        """The transfers that really reached that account."""
        listed: list[dict[str, Any]] = (
            await self.outside.http.get("/control/payouts", params={"account": account})
        ).json()
        return listed

    async def check_promise(self, customer: Customer, account: str, amount: int = 500_00) -> None:
        """At most one transfer; captured if and only if it arrived; else only a person holds."""
        [latest] = await self.payouts.latest(customer, 1)
        made = await self.paid_out(account)
        kept = [one for one in made if not one["returned"]]
        assert len(made) <= 1, made
        if latest.state is not PayoutState.NEEDS_PERSON:
            assert (latest.state is PayoutState.PAID) == bool(kept), (latest.state, made)
        held = latest.amount_minor + latest.fee_minor
        is_held = latest.state is PayoutState.NEEDS_PERSON
        assert (await self.books.money(customer))[1] == (held if is_held else 0)


@contextlib.asynccontextmanager
async def payout_world(books: Books, gateway: str = "paystack") -> AsyncIterator[PayoutWorld]:
    async with outside(NOON) as running:
        made = PAYOUT_GATEWAYS[gateway](
            {"base_url": str(running.http.base_url).rstrip("/") + _KEYS[gateway][0]}
            | _KEYS[gateway][1]
        )
        book, keyring, cases = (
            PgPayouts(books.database, books.clock),
            Keyring("a test"),
            HeardCases(),
        )
        gateways: dict[str, PayoutGateway] = {gateway: made}
        try:
            yield PayoutWorld(
                books=books,
                outside=running,
                gateway=made,
                book=book,
                payouts=Payouts(book, gateways, TERMS, keyring, books.clock, Bell()),
                work=PayingOut(book, gateways, cases, keyring, books.clock, POLICY),
                desk=PayoutDesk(book, keyring),
                cases=cases,
            )
        finally:
            await made.aclose()
