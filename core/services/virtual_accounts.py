"""Bank accounts that customers pay into: opened once, watched for ever, credited what arrives."""

import asyncio
import datetime as dt
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import structlog

from core.domain.customers import Customer
from core.kit import crash
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.ports import (
    AccountRequest,
    BankAccount,
    Customers,
    IdentityNeeded,
    NewNotice,
    Outbox,
    Payment,
    PaymentGateway,
    VirtualAccount,
    VirtualAccountBook,
    VirtualAccounts,
)

log = structlog.get_logger()

_DAY = dt.timedelta(days=1)
# A gateway may list a transfer only some time after it was made, and counts in days of its own.
_LISTED_WITHIN = dt.timedelta(days=2)
_WAIT_MIN_S = 2.0
_WAIT_MAX_S = 300.0
_TOLD_EVERY = "%Y-%m-%dT%H"


class Place(StrEnum):
    """Where the account is when the customer gets an answer."""

    READY = "ready"
    COMING = "coming"


@dataclass(frozen=True, slots=True)
class Shown:
    """A customer's account; its number is there only when it is ready."""

    place: Place
    account: VirtualAccount


@dataclass(frozen=True, slots=True)
class AccountRules:
    """Times in seconds.

    Attributes:
        checks_after_s: How long after an account was last used it is looked at; daily beyond.
        open_within_s: How long a gateway is asked to open an account before the customer is told
            that there is none.
        unanswered_after_s: When a gateway that could not be asked is asked again.
        addresses: The domain of the mail address that gateways insist on; nobody is written to.
    """

    checks_after_s: tuple[float, ...] = (60, 300, 900, 3600)
    open_within_s: float = 900
    unanswered_after_s: float = 300
    addresses: str = "customers.invalid"

    def next_look(self, used_at: dt.datetime, now: dt.datetime) -> dt.datetime:
        """Soon and then less soon after it was used; every account once a day."""
        for after_s in self.checks_after_s:
            at = used_at + dt.timedelta(seconds=after_s)
            if now < at <= now + _DAY:
                return at
        return now + _DAY

    def next_try(self, account: VirtualAccount, now: dt.datetime) -> dt.datetime | None:
        """When to ask for an account again that could not be had; None: it is time to give up."""
        age_s = (now - account.asked_at).total_seconds()
        if age_s >= self.open_within_s:
            return None
        return now + dt.timedelta(seconds=min(max(age_s, _WAIT_MIN_S), _WAIT_MAX_S))


class VirtualAccountDesk:
    """Opens customers' accounts at the first gateway that keeps any, and watches those of all."""

    def __init__(
        self,
        book: VirtualAccountBook,
        customers: Customers,
        outbox: Outbox,
        gateways: Mapping[str, PaymentGateway],
        rules: AccountRules,
        clock: Clock,
        bell: Bell,
    ) -> None:
        self._book = book
        self._customers = customers
        self._outbox = outbox
        self._keepers = {
            name: gateway
            for name, gateway in gateways.items()
            if isinstance(gateway, VirtualAccounts)
        }
        self._rules = rules
        self._clock = clock
        self._bell = bell
        self._opening: set[asyncio.Task[VirtualAccount]] = set()

    @property
    def offered(self) -> bool:
        """Whether any gateway here keeps accounts."""
        return bool(self._keepers)

    async def show(self, customer: Customer, currency: str, *, until: float) -> Shown:
        """The customer's account, opened now if it is the first time; it also goes out by SMS.

        Where the gateway has not answered by `until` (of `time.monotonic`), the worker goes on
        asking, and the account comes by SMS.

        Raises:
            IdentityNeeded: the gateway opens none for this customer. Nothing remains of the wish.
        """
        account = await self._book.want(
            customer, next(iter(self._keepers)), currency, self._clock.now()
        )
        crash.point("accounts.wanted")
        if account.state == "open":
            await self._outbox.add(self._told(account), self._clock.now())
        else:
            account = await self._open_in_time(account, customer, until)
        return Shown(Place.READY if account.state == "open" else Place.COMING, account)

    async def look_after(self, account: VirtualAccount) -> None:
        """What the worker does with a leased account: open it, or credit what was paid into it."""
        if account.state == "open":
            await self._look_for_payments(account)
        else:
            await self._try_again(account)

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        """A webhook named these: have what was paid into them looked for now."""
        known = await self._book.hurry(gateway, references)
        self._bell.ring()
        return known

    async def close(self) -> None:
        """Leave no account half open: wait for those under way, each as long as its gateway."""
        await asyncio.gather(*self._opening, return_exceptions=True)

    # Opening.

    async def _open_in_time(
        self, account: VirtualAccount, customer: Customer, until: float
    ) -> VirtualAccount:
        """Open the account, whoever stops waiting: what the gateway opened must not be lost."""
        task = asyncio.create_task(
            self._open(account, customer), name=f"account:{account.reference}"
        )
        self._opening.add(task)
        task.add_done_callback(self._ended)
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                return await asyncio.shield(task)
        except TimeoutError:
            return account
        except IdentityNeeded:
            await self._book.refuse(account, None, self._clock.now())
            raise

    def _ended(self, task: asyncio.Task[VirtualAccount]) -> None:
        """Whoever waited has been told of a failure; where nobody did, the worker asks again."""
        self._opening.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.warning("accounts.not_opened", error=type(error).__name__)

    async def _open(self, account: VirtualAccount, customer: Customer) -> VirtualAccount:
        """The account as it is kept then: still wanted where the gateway gave none."""
        keeper = self._keepers.get(account.gateway)
        request = AccountRequest(
            reference=account.reference,
            msisdn=customer.msisdn,
            email=f"{account.reference.lower()}@{self._rules.addresses}",
            currency=account.currency,
            holder=f"Callbox {customer.msisdn[-4:]}",  # a stranger may see it: not the number
        )
        opened = await keeper.reserve(request) if keeper else None
        crash.point("accounts.reserved")
        if opened is None:
            return account
        now = self._clock.now()
        kept = await self._book.opened(
            account,
            opened,
            self._told(_as_opened(account, opened)),
            self._rules.next_look(now, now),
        )
        self._bell.ring()
        log.info("accounts.opened", account=str(account.id), gateway=account.gateway)
        return kept

    async def _try_again(self, account: VirtualAccount) -> None:
        customer = await self._customers.get(account.tenant_id, account.customer_id)
        try:
            kept = await self._open(account, customer)
        except IdentityNeeded:
            await self._refuse(account)
            return
        if kept.state == "open":
            return
        at = self._rules.next_try(account, self._clock.now())
        if at is None:
            await self._refuse(account)
        else:
            await self._book.seen(account, at)

    async def _refuse(self, account: VirtualAccount) -> None:
        at = self._clock.now()
        key = f"account:{account.id}:refused:{account.asked_at.isoformat()}"
        notice = NewNotice(key, account.tenant_id, account.customer_id, "notice.no_account", {})
        if await self._book.refuse(account, notice, at):
            log.warning("accounts.refused", account=str(account.id), gateway=account.gateway)

    # Booking what arrived.

    async def _look_for_payments(self, account: VirtualAccount) -> None:
        """Book all that is new, and only then plan the next look and forget the time before."""
        asked_at = self._clock.now()
        keeper = self._keepers.get(account.gateway)
        if keeper is None:
            log.error("accounts.no_gateway", account=str(account.id), gateway=account.gateway)
            await self._book.seen(account, asked_at + _DAY)
            return
        arrivals = await keeper.arrivals(account.reference, account.seen_until - _LISTED_WITHIN)
        if arrivals is None:
            again = asked_at + dt.timedelta(seconds=self._rules.unanswered_after_s)
            planned = self._rules.next_look(account.used_at, asked_at)
            await self._book.seen(account, min(again, planned))
            return
        booked = await self._book_all(account, arrivals)
        used_at = asked_at if booked else account.used_at
        at = self._rules.next_look(used_at, self._clock.now())
        await self._book.seen(account, at, until=asked_at, used=bool(booked))

    async def _book_all(self, account: VirtualAccount, arrivals: Sequence[Payment]) -> int:
        """How many were booked now: credited, or kept for a person."""
        arrived = [payment for payment in arrivals if payment.amount.minor > 0]
        known = await self._book.known(account, arrived) if arrived else set()
        booked = 0
        for payment in arrived:
            if payment.transaction_id in known:
                continue
            if payment.amount.currency == account.currency:
                booked += await self._credit(account, payment)
            else:
                booked += await self._hold_up(account, payment)
        return booked

    async def _credit(self, account: VirtualAccount, payment: Payment) -> bool:
        crash.point("accounts.before_credit")
        notice = _paid_in(account, payment, "notice.funded_account", number=account.number)
        credited = await self._book.credit(account, payment, notice)
        crash.point("accounts.credited")
        log.info(
            "accounts.credited",
            account=str(account.id),
            gateway=account.gateway,
            transaction=payment.transaction_id,
            first=credited,
        )
        return credited

    async def _hold_up(self, account: VirtualAccount, payment: Payment) -> bool:
        holds = account.currency
        notice = _paid_in(
            account,
            payment,
            "notice.fund_held_up",
            holds=holds,
            hint=holds,
            reference=account.number,
        )
        first = await self._book.hold_up(account, payment, "currency", notice)
        if first:
            log.error(
                "funding.mismatch",
                account=str(account.id),
                gateway=account.gateway,
                paid=payment.amount.currency,
                holds=holds,
            )
        return first

    def _told(self, account: VirtualAccount) -> NewNotice:
        """Where to pay, told once an hour at most, however often it is asked for."""
        hour = self._clock.now().strftime(_TOLD_EVERY)
        facts: dict[str, str | int] = {
            "number": account.number,
            "bank": account.bank,
            "holder": account.name,
        }
        key = f"account:{account.id}:{hour}"
        return NewNotice(key, account.tenant_id, account.customer_id, "notice.account", facts)


def _as_opened(account: VirtualAccount, opened: BankAccount) -> VirtualAccount:
    return replace(account, number=opened.number, bank=opened.bank, name=opened.name)


def _paid_in(account: VirtualAccount, payment: Payment, text: str, **more: str | int) -> NewNotice:
    """Told once per payment."""
    facts: dict[str, str | int] = {
        "amount": payment.amount.minor,
        "currency": payment.amount.currency,
    }
    key = f"fund:{account.gateway}:{payment.transaction_id}"
    return NewNotice(key, account.tenant_id, account.customer_id, text, facts | more)
