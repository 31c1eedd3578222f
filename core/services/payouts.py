"""Taking money out: from a confirmed account to held money, and what became of it."""

import asyncio
import datetime as dt
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from core.domain.customers import Customer, Tenant
from core.domain.payouts import (
    AccountName,
    Bank,
    NewPayout,
    PayoutBeginning,
    PayoutState,
    PayoutView,
)
from core.kit import crash, ids
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.errors import Fault, Problem
from core.kit.money import Money
from core.ports.payouts import CannotAsk, PayoutBook, PayoutGateway
from core.services.purchases import InsufficientFunds

log = structlog.get_logger()

_REFERENCE_LETTERS = 10
_LOOK_EVERY_S = 0.1
_BANKS_KEPT_S = 6 * 3600.0
_FOUND_MAX = 9
# Where most people bank, by words that every gateway's list has in the name; in this order.
_POPULAR = (
    "opay", "access bank", "guaranty trust", "zenith", "first bank of", "united bank for",
    "palmpay", "kuda", "moniepoint", "fidelity",
)  # fmt: skip
_ALSO_CALLED: Mapping[str, str] = {
    "gtb": "guaranty trust",
    "gtbank": "guaranty trust",
    "gt": "guaranty trust",
    "uba": "united bank for",
    "fcmb": "first city monument",
    "fbn": "first bank of",
}


class NotOffered(Problem):
    """Nobody can take money out now. Nothing was done."""

    code = "withdraw.off"


class OverWithdrawLimit(Problem):
    """The day's limit for taking money out. Nothing was done."""

    code = "limit.withdraw"


class NameUnknown(Problem):
    """Nobody could say in time who holds the account. Nothing was done."""

    code = "withdraw.try_later"


@dataclass(frozen=True, slots=True)
class PayoutTerms:
    """What may be taken out, in minor units.

    Attributes:
        offered: Whether at all: an unlicensed shop's prepaid balance stays store credit.
        deadline_s: When a payout that nobody can tell the end of goes to a person.
    """

    offered: bool
    amount_min_minor: int
    amount_max_minor: int
    fee_minor: int
    day_limit_minor: int
    deadline_s: float


@dataclass(frozen=True, slots=True)
class Destination:
    """The account that the customer saw and confirmed, with its holder's name.

    `bank` is `gateway:code`: a code means nothing to another gateway.
    """

    bank: str
    bank_name: str
    account_number: str = field(repr=False)
    account_name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """A payout with where it stands now."""

    reference: str
    state: PayoutState


class Payouts:
    """Holds the money and leaves a payout behind; workers see it through."""

    def __init__(
        self,
        book: PayoutBook,
        gateways: Mapping[str, PayoutGateway],
        terms: PayoutTerms,
        keyring: Keyring,
        clock: Clock,
        bell: Bell,
    ) -> None:
        """The first of `gateways` lists the banks and is sent to."""
        self._book = book
        self._gateways = gateways
        self._terms = terms
        self._keyring = keyring
        self._clock = clock
        self._bell = bell
        self._banks: tuple[float, Sequence[Bank]] = (0.0, ())

    @property
    def terms(self) -> PayoutTerms:
        return self._terms

    @property
    def offered(self) -> bool:
        return self._terms.offered and bool(self._gateways)

    async def popular_banks(self, until: float) -> list[Bank]:
        """Where most customers bank; none when the list cannot be had by `until`."""
        listed = await self._listed(until)
        found = (_named(listed, words) for words in _POPULAR)
        return [bank for bank in found if bank is not None]

    async def banks_like(self, words: str, until: float) -> list[Bank]:
        """Banks whose name has every one of these words, or word beginnings, in it."""
        typed = " ".join(words.casefold().split())
        typed = _ALSO_CALLED.get(typed, typed)
        listed = await self._listed(until)
        found = [bank for bank in listed if _has(bank.name, typed)]
        return sorted(found, key=lambda bank: (len(bank.name), bank.name))[:_FOUND_MAX]

    async def holder_of(self, bank: str, account_number: str, until: float) -> AccountName | None:
        """Who holds that account; None: there is none.

        Raises:
            NotOffered, NameUnknown: nothing was done.
        """
        gateway, code = self._at(bank)
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                return await gateway.resolve(code, account_number)
        except (CannotAsk, TimeoutError) as error:
            log.warning("payout.name_unknown", gateway=gateway.name, why=type(error).__name__)
            raise NameUnknown from error

    async def withdraw(
        self,
        amount: Money,
        fee: Money,
        to: Destination,
        *,
        key: str,
        tenant: Tenant,
        customer: Customer,
        channel_id: UUID,
        identity: str,
        until: float,
    ) -> Withdrawal:
        """Take out once per `key`, and wait for the end of it until `until` (`time.monotonic`).

        The same key again finds the same payout, whatever became of it.

        Raises:
            NotOffered, InsufficientFunds, OverWithdrawLimit: nothing was done.
        """
        if not self.offered:
            raise NotOffered
        payout = self._new(amount, fee, to, key, tenant, customer, channel_id, identity)
        crash.point("payout.before_begin")
        begun = await self._book.begin(payout)
        crash.point("payout.begun")
        match begun.result:
            case PayoutBeginning.INSUFFICIENT | PayoutBeginning.CLOSED:
                raise InsufficientFunds
            case PayoutBeginning.OVER_LIMIT:
                raise OverWithdrawLimit
            case PayoutBeginning.CONFLICT:
                raise Fault("one confirmation, two contents")
            case PayoutBeginning.BEGUN:
                self._bell.ring()
            case PayoutBeginning.DUPLICATE:
                pass
        state = begun.state or PayoutState.HELD
        return Withdrawal(begun.reference, await self._awaited(payout.id, state, until))

    async def made(
        self, *, key: str, tenant: Tenant, customer: Customer, until: float
    ) -> Withdrawal | None:
        """What `withdraw` made under this `key`, waited for alike, or None: begins nothing."""
        found = await self._book.get(tenant.id, _payout_id(tenant, customer, key))
        if found is None:
            return None
        return Withdrawal(found.reference, await self._awaited(found.id, found.state, until))

    async def latest(self, customer: Customer, count: int) -> Sequence[PayoutView]:
        return await self._book.latest(customer, count)

    async def hurry(self, gateway: str, references: Sequence[str]) -> int:
        """A webhook named these: have them asked about now."""
        known = await self._book.hurry(gateway, references)
        if known:
            self._bell.ring()
        return known

    async def _awaited(self, payout_id: UUID, state: PayoutState, until: float) -> PayoutState:
        """Where it stands at its end, or at `until`. Not being able to ask is no failure of it."""
        while not state.final and time.monotonic() < until:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                state = (await self._book.states((payout_id,))).get(payout_id, state)
            except Exception:
                log.exception("payout.unwatched")
                break
        return state

    async def _listed(self, until: float) -> Sequence[Bank]:
        """The first gateway's banks, each code with its gateway's name; kept for hours."""
        kept_at, banks = self._banks
        if banks and time.monotonic() - kept_at < _BANKS_KEPT_S:
            return banks
        if not self.offered:
            return banks
        gateway = next(iter(self._gateways.values()))
        try:
            async with asyncio.timeout(max(0.0, until - time.monotonic())):
                listed = await gateway.banks()
        except (CannotAsk, TimeoutError) as error:
            log.warning("payout.no_banks", gateway=gateway.name, why=type(error).__name__)
            return banks  # an old list is better than none
        banks = tuple(Bank(f"{gateway.name}:{bank.code}", bank.name) for bank in listed)
        self._banks = (time.monotonic(), banks)
        return banks

    def _at(self, bank: str) -> tuple[PayoutGateway, str]:
        name, _, code = bank.partition(":")
        gateway = self._gateways.get(name)
        if not self._terms.offered or gateway is None:
            raise NotOffered
        return gateway, code

    def _new(
        self,
        amount: Money,
        fee: Money,
        to: Destination,
        key: str,
        tenant: Tenant,
        customer: Customer,
        channel_id: UUID,
        identity: str,
    ) -> NewPayout:
        gateway, code = self._at(to.bank)
        payout_id, now = _payout_id(tenant, customer, key), self._clock.now()
        midnight = now.astimezone(ZoneInfo(tenant.time_zone)).replace(
            hour=0, minute=0, second=0, microsecond=0
        )
        return NewPayout(
            id=payout_id,
            tenant_id=tenant.id,
            customer_id=customer.id,
            reference=ids.speakable(_REFERENCE_LETTERS),
            gateway=gateway.name,
            gateway_reference=gateway.new_reference(payout_id),
            amount_minor=amount.minor,
            fee_minor=fee.minor,
            currency=amount.currency,
            bank_code=code,
            bank_name=to.bank_name,
            account_sealed=self._keyring.encrypt(to.account_number),
            account_tail=to.account_number[-4:],
            account_name=to.account_name,
            account_digest=self._keyring.digest("account", code, to.account_number),
            channel_id=channel_id,
            identity=identity,
            created_at=now,
            deadline_at=now + dt.timedelta(seconds=self._terms.deadline_s),
            day_starts_at=midnight.astimezone(dt.UTC),
            day_limit_minor=self._terms.day_limit_minor,
        )


def _payout_id(tenant: Tenant, customer: Customer, key: str) -> UUID:
    return ids.derived("payout", str(tenant.id), str(customer.id), key)


def _named(listed: Sequence[Bank], words: str) -> Bank | None:
    """The plainest bank of that name: `Access Bank` before `Access Bank (Diamond)`."""
    found = [bank for bank in listed if _has(bank.name, words)]
    return min(found, key=lambda bank: len(bank.name), default=None)


def _has(name: str, words: str) -> bool:
    plain = " " + " ".join(re.findall(r"\w+", name.casefold()))
    return all(f" {word}" in plain for word in words.split())
