"""Accounts that customers pay into: opened once, credited whatever arrives, once per transfer."""

import asyncio
import datetime as dt
import time
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field, replace
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from core.domain.customers import Customer
from core.domain.ledger import AccountType
from core.kit.bell import Bell
from core.kit.money import Money
from core.ports import (
    AccountRequest,
    BankAccount,
    Checkout,
    IdentityNeeded,
    Payment,
    PaymentRequest,
    PaymentState,
    Verification,
    VirtualAccount,
)
from core.services.virtual_accounts import AccountRules, Place, Shown, VirtualAccountDesk
from tests.fakes.books import Books, open_books


@dataclass
class Bank:
    """A gateway that keeps accounts; what it answers is the test's to say."""

    name: str = "flutterwave"
    opens: bool = True
    identity_needed: bool = False
    silent: bool = False
    page: asyncio.Event | None = None
    reserved: list[str] = field(default_factory=list)
    paid: list[Payment] = field(default_factory=list)
    since: list[dt.datetime] = field(default_factory=list)

    async def reserve(self, request: AccountRequest) -> BankAccount | None:
        self.reserved.append(request.reference)
        if self.page is not None:
            await self.page.wait()
        if self.identity_needed:
            raise IdentityNeeded
        if not self.opens:
            return None
        return BankAccount(f"ref-{request.reference}", "7825397990", "Bank", request.holder)

    async def arrivals(self, account: str, since: dt.datetime) -> tuple[Payment, ...] | None:
        self.since.append(since)
        return None if self.silent else tuple(self.paid)

    async def initialize(self, request: PaymentRequest) -> Checkout | None:
        raise NotImplementedError

    async def verify(self, reference: str) -> Verification:
        return Verification(PaymentState.OPEN)

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        raise NotImplementedError


@dataclass
class Branch:
    """A customer who asks for an account, and the worker that watches it."""

    books: Books
    bank: Bank
    desk: VirtualAccountDesk
    customer: Customer

    async def show(self, *, within_s: float = 5.0) -> Shown:
        return await self.desk.show(self.customer, "NGN", until=time.monotonic() + within_s)

    async def work(self, after_s: float = 0.0) -> int:
        self.books.clock.advance(after_s)
        due = await self.books.accounts.due(10, 90)
        for account in due:
            await self.desk.look_after(account)
        return len(due)

    async def told(self) -> list[str]:
        notices = await self.books.outbox.due(10, 60)
        for notice in notices:
            await self.books.outbox.sent(notice, self.books.clock.now())
        return sorted(notice.text for notice in notices)

    async def money(self) -> int:
        return (await self.books.money(self.customer))[0]


def transfer(number: str, minor: int, currency: str = "NGN") -> Payment:
    return Payment(number, f"theirs-{number}", Money(minor, currency))


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged: trouble is meant here, and is for nobody else to find."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
async def branch(books: Books) -> Branch:
    bank = Bank()
    desk = VirtualAccountDesk(
        books.accounts,
        books.customers,
        books.outbox,
        {"flutterwave": bank},
        AccountRules(),
        books.clock,
        Bell(),
    )
    return Branch(books, bank, desk, await books.customer())


async def test_an_account_is_opened_once_shown_and_told(branch: Branch) -> None:
    first = await branch.show()
    again = await branch.show()

    assert first.place is again.place is Place.READY
    assert again.account.number == "7825397990"
    assert len(branch.bank.reserved) == 1
    assert await branch.told() == ["notice.account"]
    branch.books.clock.advance(3600)
    await branch.show()
    assert await branch.told() == ["notice.account"]


async def test_whatever_arrives_is_credited_once_to_the_owner(branch: Branch) -> None:
    account = (await branch.show()).account
    await branch.told()
    branch.bank.paid = [transfer("1", 700), transfer("2", 5), transfer("3", 700)]

    for _ in range(3):  # the webhook comes again, and again
        assert await branch.desk.hurry("flutterwave", [account.reference]) == 1
        assert await branch.work() == 1

    assert await branch.money() == 1405
    assert await branch.told() == ["notice.funded_account"] * 3
    assert await branch.books.posted(AccountType.CLEARING, "flutterwave") == -1405


async def test_two_webhooks_at_once_credit_once(branch: Branch) -> None:
    account = (await branch.show()).account
    branch.bank.paid = [transfer(str(number), 100) for number in range(5)]

    await asyncio.gather(*(branch.desk.look_after(account) for _ in range(6)))

    assert await branch.money() == 500


async def test_a_crash_between_two_credits_loses_neither(branch: Branch) -> None:
    """The lease brings the account back, and what was booked is not booked again."""
    account = (await branch.show()).account
    branch.bank.paid = [transfer("1", 100), transfer("2", 200)]
    await branch.desk.hurry("flutterwave", [account.reference])
    [leased] = await branch.books.accounts.due(10, 90)
    told = branch.desk._told(account)
    await branch.books.accounts.credit(leased, transfer("1", 100), replace(told, key="fund:1"))

    assert await branch.work() == 0
    assert await branch.work(after_s=91) == 1

    assert await branch.money() == 300


async def test_a_lost_webhook_loses_nothing(branch: Branch) -> None:
    """Looked at soon after it was shown, and every day for ever."""
    await branch.show()
    branch.bank.paid = [transfer("1", 100)]
    assert await branch.work(after_s=61) == 1
    assert await branch.money() == 100

    for _ in range(6):
        await branch.work(after_s=86_400)
    branch.bank.paid = [transfer("2", 50)]
    looks = [await branch.work(after_s=86_400) for _ in range(3)]

    assert looks == [1, 1, 1]
    assert await branch.money() == 150
    assert branch.bank.since[-1] > branch.bank.since[0]


async def test_what_the_gateway_could_not_be_asked_is_asked_again_soon(branch: Branch) -> None:
    account = (await branch.show()).account
    branch.bank.silent, branch.bank.paid = True, [transfer("1", 100)]
    await branch.desk.hurry("flutterwave", [account.reference])
    await branch.work()
    branch.bank.silent = False

    await branch.work(after_s=301)

    assert await branch.money() == 100
    assert branch.bank.since[0] == branch.bank.since[-1]


async def test_another_currency_is_held_up_and_told_once(
    branch: Branch, owner: asyncpg.Connection
) -> None:
    account = (await branch.show()).account
    await branch.told()
    branch.bank.paid = [transfer("1", 500, "GHS"), transfer("2", 100)]

    for _ in range(2):
        await branch.desk.hurry("flutterwave", [account.reference])
        await branch.work()

    assert await branch.money() == 100
    assert await branch.told() == ["notice.fund_held_up", "notice.funded_account"]
    rows = await owner.fetch(
        "select state from payments_in where account_id is not null order by 1"
    )
    assert [row["state"] for row in rows] == ["credited", "mismatch"]
    # The customer is told that somebody will look at it: somebody is.
    assert await owner.fetchval("select count(*) from cases where kind = 'payment_held_up'") == 1


async def test_a_gateway_that_wants_to_know_the_customer_says_so_at_once(branch: Branch) -> None:
    branch.bank.identity_needed = True

    with pytest.raises(IdentityNeeded):
        await branch.show()

    assert await branch.told() == []
    assert await branch.work(after_s=3600) == 0
    branch.bank.identity_needed = False
    assert (await branch.show()).place is Place.READY


async def test_an_account_that_came_late_is_told(branch: Branch) -> None:
    branch.bank.page = asyncio.Event()
    assert (await branch.show(within_s=0.01)).place is Place.COMING
    branch.bank.page.set()

    await branch.desk.close()

    assert await branch.told() == ["notice.account"]


async def test_an_account_that_cannot_be_had_is_given_up_and_told_once(branch: Branch) -> None:
    branch.bank.opens = False
    assert (await branch.show()).place is Place.COMING

    looks = [await branch.work(after_s=20) for _ in range(100)]

    assert sum(looks) < 30
    assert looks[-10:] == [0] * 10
    assert len(set(branch.bank.reserved)) == 1
    assert await branch.told() == ["notice.no_account"]


async def test_a_payment_into_a_strangers_account_moves_nothing(branch: Branch) -> None:
    account: VirtualAccount = (await branch.show()).account
    stranger = await open_books(branch.books.database, "stranger")
    notice = branch.desk._told(account)

    for wrong in (
        replace(account, tenant_id=stranger.tenant.id),
        replace(account, gateway="monnify"),
        replace(account, id=branch.customer.id),
    ):
        with pytest.raises(asyncpg.RaiseError):
            await branch.books.accounts.credit(wrong, transfer("1", 100), notice)
    with pytest.raises(asyncpg.RaiseError):
        await branch.books.accounts.credit(account, transfer("1", 100, "USD"), notice)

    assert await branch.money() == 0
