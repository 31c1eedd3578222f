"""The customer's PIN: chosen, checked, changed, and set anew when forgotten."""

import asyncio
import base64
import datetime as dt
import itertools
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum

import structlog
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from core.domain.customers import CodeAsked, Customer
from core.kit import crash
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.errors import Problem
from core.kit.msisdn import Msisdn, local
from core.ports import Customers, NewNotice, Outbox
from core.services.suspicions import Suspicions

log = structlog.get_logger()

Heeding = Callable[[Customer], Awaitable[object]]

# Argon2id as OWASP's password storage sheet gives it for small machines: 19 MiB, two passes.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Each takes its 19 MiB while it runs, so a rush of customers must not hash all at once.
_HASHES_AT_ONCE = 4
_PIN_DIGITS_MIN = 4
# What people choose most, beside what `_weak` computes: years, the keypad's columns and corners.
_FAVOURITES = frozenset(
    ["2580", "0852", "1379", "1397", "1122", "1133", "1144", "2211", "1004", "2468", "1357"]
)
_CODE_DIGITS = 6
_CODE_LIFE = dt.timedelta(minutes=10)
_RESET = "pin_reset"


class WeakPin(Problem):
    code = "pin.weak"


class TooManyCodes(Problem):
    code = "code.too_many"


class PinCheck(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"
    UNSET = "unset"


@dataclass(frozen=True, slots=True)
class Checked:
    """`tries_left` before the lock when wrong; `locked_minutes` when locked."""

    result: PinCheck
    tries_left: int = 0
    locked_minutes: int = 0


@dataclass(frozen=True, slots=True)
class PinRules:
    tries_max: int = 3
    lock_s: tuple[int, ...] = (15 * 60, 60 * 60, 24 * 60 * 60)


class Pins:
    def __init__(
        self,
        customers: Customers,
        outbox: Outbox,
        keyring: Keyring,
        clock: Clock,
        rules: PinRules,
        suspicions: Suspicions | None = None,
        on_first: Heeding | None = None,
    ) -> None:
        """`on_first` is told who has chosen a first PIN; what it misses it finds by itself."""
        self._suspicions = suspicions
        self._on_first = on_first
        self._customers = customers
        self._outbox = outbox
        self._keyring = keyring
        self._clock = clock
        self._rules = rules
        self._hashing = asyncio.Semaphore(_HASHES_AT_ONCE)

    async def is_set(self, customer: Customer) -> bool:
        return (await self._customers.pin(customer)).hash is not None

    async def check(self, customer: Customer, pin: str, key: str) -> Checked:
        """Compare, after counting the try.

        The same PIN again under the same `key` counts once; every other guess counts, also those
        made side by side under one key.
        """
        now = self._clock.now()
        guess = self._keyring.digest("pin-try", str(customer.id), key, pin)
        state = await self._customers.take_pin_try(
            customer, guess, tries_max=self._rules.tries_max, lock_s=self._rules.lock_s, at=now
        )
        if state.hash is None:
            return Checked(PinCheck.UNSET)
        locked = state.locked_until is not None and state.locked_until > now
        if locked and state.tries > self._rules.tries_max:
            return self._locked(state.locked_until, now)
        async with self._hashing:
            right = await asyncio.to_thread(_matches, state.hash, pin)
        if right:
            await self._customers.clear_pin_tries(customer)
            return Checked(PinCheck.RIGHT)
        if locked:
            if self._suspicions is not None:
                await self._suspicions.pin_locked(customer, state.locked_until)
            return self._locked(state.locked_until, now)
        return Checked(PinCheck.WRONG, tries_left=max(0, self._rules.tries_max - state.tries))

    async def standing(self, customer: Customer) -> Checked:
        """Where guessing stands now: the lock if there is one, else the tries that are left."""
        now = self._clock.now()
        state = await self._customers.pin(customer)
        if state.locked_until is not None and state.locked_until > now:
            return self._locked(state.locked_until, now)
        return Checked(PinCheck.WRONG, tries_left=max(0, self._rules.tries_max - state.tries))

    @staticmethod
    def _locked(until: dt.datetime | None, now: dt.datetime) -> Checked:
        left_s = (until - now).total_seconds() if until else 0
        return Checked(PinCheck.LOCKED, locked_minutes=max(1, -int(-left_s // 60)))

    def fingerprint(self, customer: Customer, pin: str) -> str:
        """What a first typing leaves behind for the second to be compared with.

        Raises:
            WeakPin: a thief would try it first.
        """
        if _weak(pin, customer.msisdn):
            raise WeakPin
        return self._keyring.digest("new-pin", str(customer.id), pin)

    def matches_fingerprint(self, customer: Customer, pin: str, fingerprint: str) -> bool:
        made = self._keyring.digest("new-pin", str(customer.id), pin)
        return secrets.compare_digest(made, fingerprint)

    async def set(self, customer: Customer, pin: str, *, first: bool = False) -> bool:
        """Set it. With `first`, False when somebody else set one meanwhile: theirs stands."""
        async with self._hashing:
            pin_hash = await asyncio.to_thread(_HASHER.hash, pin)
        was_set = await self._customers.set_pin(customer, pin_hash, self._clock.now(), first=first)
        crash.point("pin.set")
        if was_set and first and self._on_first is not None:
            await self._heeded(self._on_first, customer)
        return was_set

    @staticmethod
    async def _heeded(heeding: Heeding, customer: Customer) -> None:
        """The PIN is set, whatever becomes of what waited for it."""
        try:
            await heeding(customer)
        except Exception as error:
            log.exception("pin.first_unheeded", error=type(error).__name__)

    async def send_reset_code(self, customer: Customer, key: str) -> None:
        """Send a one-time code for a new PIN by SMS, once per `key`.

        Raises:
            TooManyCodes: several were asked for lately.
        """
        await self.send_code(customer, _RESET, key, "notice.reset_code")

    async def send_code(
        self, customer: Customer, purpose: str, key: str, text: str, *, to: str = ""
    ) -> None:
        """Send a one-time code by SMS, once per `key` as long as it is good, and then another.

        Only `to` can use it, or spoil it by wrong tries, where that is given.

        Raises:
            TooManyCodes: several were asked for lately, for that purpose.
        """
        now = self._clock.now()
        sent_as, code = await self._make_code(customer, purpose, key, to, now)
        notice = NewNotice(
            key=f"code:{sent_as}",
            tenant_id=customer.tenant_id,
            customer_id=customer.id,
            text=text,
            facts={"code": code, "minutes": int(_CODE_LIFE.total_seconds() // 60)},
            secret=True,
        )
        await self._outbox.add(notice, now)

    async def _make_code(
        self, customer: Customer, purpose: str, key: str, to: str, at: dt.datetime
    ) -> tuple[str, str]:
        """The code of a request that is good, and by what key: each is another once one is over."""
        number, each = 1, key
        while True:
            code = self._code(customer, each)
            asked = await self._customers.make_code(
                customer,
                purpose,
                self._code_hash(customer, code),
                at + _CODE_LIFE,
                at,
                asked_by=self._asker(to),
            )
            match asked:
                case CodeAsked.NEW | CodeAsked.KNOWN:
                    return each, code
                case CodeAsked.TOO_MANY:
                    raise TooManyCodes
                case CodeAsked.OVER:
                    number += 1
                    each = f"{key}:{number}"

    async def use_reset_code(self, customer: Customer, code: str) -> bool:
        return await self.use_code(customer, _RESET, code)

    async def use_code(self, customer: Customer, purpose: str, code: str, *, to: str = "") -> bool:
        """True once, for the right code in time."""
        right = await self._customers.use_code(
            customer,
            purpose,
            self._code_hash(customer, code),
            self._clock.now(),
            asked_by=self._asker(to),
        )
        if not right and self._suspicions is not None:
            await self._suspicions.code_refused(customer)
        return right

    def _code(self, customer: Customer, key: str) -> str:
        """Derived, so that the same request again makes the same code and one SMS."""
        random = base64.urlsafe_b64decode(self._keyring.digest("code", str(customer.id), key))
        return str(int.from_bytes(random, "big") % 10**_CODE_DIGITS).zfill(_CODE_DIGITS)

    def _code_hash(self, customer: Customer, code: str) -> str:
        return self._keyring.digest("one-time-code", str(customer.id), code)

    def _asker(self, to: str) -> str:
        return self._keyring.digest("code-asker", to) if to else ""


def _matches(pin_hash: str, pin: str) -> bool:
    try:
        return _HASHER.verify(pin_hash, pin)
    except (Argon2Error, InvalidHashError):
        return False


def _weak(pin: str, msisdn: Msisdn) -> bool:
    """What a thief tries first: runs, repeats, favourites, years of birth, the own number."""
    if not (pin.isascii() and pin.isdigit() and len(pin) >= _PIN_DIGITS_MIN):
        return True
    steps = {(int(b) - int(a)) % 10 for a, b in itertools.pairwise(pin)}
    run = len(steps) == 1 and steps <= {0, 1, 9}  # 9 counts down, and 7890 goes on over the zero
    repeats = len(pin) % 2 == 0 and pin == pin[:2] * (len(pin) // 2)
    year = len(pin) == _PIN_DIGITS_MIN and pin[:2] in {"19", "20"}
    own = msisdn.endswith(pin) or local(msisdn).startswith(pin)
    return run or repeats or year or own or pin in _FAVOURITES
