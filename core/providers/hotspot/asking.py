"""One order or question to a router: its connection, its requests, and what its end proves."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from core.domain.circuits import (
    AT_REST,
    Circuit,
    CircuitState,
    after,
    given_back,
    let_through,
    state_at,
)
from core.ports.hotspot import Done, Lane, Outcome, Refusal, Refused, Unknown
from core.providers.hotspot import traps
from core.providers.hotspot.budget import Budget, Spent
from core.providers.hotspot.line import BROKEN, BadLogin, Line, NotReached, NotTrusted
from core.providers.hotspot.pool import Pool
from core.providers.hotspot.replies import Closed, Garbled, Reply, Row, TooLarge
from core.providers.hotspot.rules import Rules

log = structlog.get_logger()

T = TypeVar("T")
_JITTER = 0.2
_GRACE_S = 0.5
_NOISE = random.SystemRandom()


class Told(Exception):
    """The router, or we, refuse: nothing of this order happened."""

    def __init__(self, reason: Refusal, words: str = "") -> None:
        self.reason = reason
        self.words = words
        super().__init__(reason)


class Doubted(Exception):
    """The router refused in a way that proves nothing, or after a part was done."""

    def __init__(self, reason: str, words: str = "") -> None:
        self.reason = reason
        self.words = words
        super().__init__(reason)


_HARMLESS = (Told, Doubted, Spent)
"""After these a connection is as good as before."""


class Talk:
    """A line lent to one order. `changed`: something that changes the router has left."""

    def __init__(self, line: Line, budget: Budget, lane: Lane, deadline_s: float, rules: Rules):
        self._line = line
        self._budget = budget
        self._lane = lane
        self._deadline_s = deadline_s
        self._rules = rules
        self.changed = False

    async def read(self, command: str, *words: str, large: bool = False) -> list[Row]:
        """The rows of a question."""
        return (await self._asked((command, *words), large=large)).rows

    async def count(self, command: str, *words: str) -> int:
        """How many there are."""
        reply = await self._asked((command, "=count-only=", *words))
        if reply.ret is None or not reply.ret.isdecimal() or len(reply.ret) > 9:  # noqa: PLR2004 - digits of a count
            raise Garbled("count")
        return int(reply.ret)

    async def change(self, command: str, *words: str, several: bool = False) -> str | None:
        """An order; what `!done` carried. `several`: a refusal may come after a part was done."""
        await self._budget.take(self._lane, self._deadline_s)
        before, self.changed = self.changed, True
        reply = await self._line.ask((command, *words), self._rules.small)
        if reply.traps:
            self._refuse(reply, partly=before or several)
            self.changed = before
        if reply.rows:
            raise Garbled("rows")
        return reply.ret

    async def _asked(self, words: tuple[str, ...], *, large: bool = False) -> Reply:
        await self._budget.take(self._lane, self._deadline_s)
        bounds = self._rules.large if large else self._rules.small
        reply = await self._line.ask(words, bounds)
        if reply.traps:
            self._refuse(reply, partly=self.changed)
        return reply

    def _refuse(self, reply: Reply, *, partly: bool) -> None:
        said = traps.words(reply.traps)
        reason = traps.refusal(reply.traps)
        if reason is None:
            raise Doubted("trap", said)
        if partly:
            raise Doubted("partly", said)
        raise Told(reason, said)


class Asker:
    """Everything about one router that outlives an order: its pool, its circuit, its requests."""

    def __init__(self, name: str, pool: Pool, budget: Budget, rules: Rules) -> None:
        self._name = name
        self._pool = pool
        self._budget = budget
        self._rules = rules
        self._circuit: Circuit = AT_REST
        self._barred_until_s = 0.0

    @property
    def circuit(self) -> CircuitState:
        return state_at(self._circuit, self._rules.circuit, _now_ms())

    async def run(
        self,
        act: str,
        order: Callable[[Talk], Awaitable[T]],
        *,
        lane: Lane,
        changes: bool,
        repeat: bool,
        large: bool = False,
    ) -> Outcome[T]:
        """What became of an order. Raises nothing but the cancellation of whoever waits.

        Args:
            act: What it is called in the log.
            order: Does it, by one line.
            lane: For whom.
            changes: It is meant to change the router: until it does, a failure proves that
                nothing happened.
            repeat: It may be done twice with the same result.
            large: A list of thousands may come.
        """
        started = time.monotonic()
        deadline_s = started + (self._rules.within_large_s if large else self._rules.within_s)
        attempt = 1
        doubt: Unknown | None = None
        outcome = await self._once(order, lane, deadline_s, changes=changes)
        while attempt < self._rules.attempts and _may_repeat(outcome, repeat=repeat):
            pause_s = self._rules.backoff_s * 2 ** (attempt - 1)
            pause_s *= 1 + _NOISE.uniform(-_JITTER, _JITTER)
            if time.monotonic() + pause_s >= deadline_s or self.circuit is CircuitState.OPEN:
                break
            await asyncio.sleep(pause_s)
            attempt += 1
            doubt = outcome if isinstance(outcome, Unknown) else doubt
            outcome = await self._once(order, lane, deadline_s, changes=changes)
        if changes and doubt is not None and isinstance(outcome, Refused):
            outcome = doubt  # that this try did nothing proves nothing of those before
        self._write_down(act, lane, outcome, started)
        return outcome

    async def _once(
        self,
        order: Callable[[Talk], Awaitable[T]],
        lane: Lane,
        deadline_s: float,
        *,
        changes: bool,
    ) -> Outcome[T]:
        if self._barred_until_s > time.monotonic():
            return Refused(
                Refusal.CREDENTIALS, retry_after_s=self._barred_until_s - time.monotonic()
            )
        begun_ms = _now_ms()
        circuit = let_through(self._circuit, self._rules.circuit, begun_ms, self._rules.within_s)
        if circuit is None and lane is Lane.MONITOR:
            # A look always asks: it is how everybody learns that the router is away, or back.
            probe_until_ms = begun_ms + round(self._rules.within_s * 1000)
            circuit = Circuit(
                CircuitState.HALF_OPEN, since_ms=begun_ms, probe_until_ms=probe_until_ms
            )
        if circuit is None:
            return Refused(Refusal.RESTING, retry_after_s=self._rests_s(begun_ms))
        self._circuit = circuit
        well: bool | None = None
        talk: Talk | None = None
        try:
            async with (
                # Who waits for a connection or a request gives up first: that blames no router.
                asyncio.timeout(max(0.0, deadline_s - time.monotonic()) + _GRACE_S),
                self._pool.lent(lane, deadline_s, _HARMLESS) as line,
            ):
                talk = Talk(line, self._budget, lane, deadline_s, self._rules)
                value = await order(talk)
            well = True
            return Done(value)
        except (*_HARMLESS, NotReached, NotTrusted, BadLogin, *BROKEN) as error:
            well = _says_of_router(error)
            if isinstance(error, BadLogin):
                self._barred_until_s = time.monotonic() + self._rules.barred_s
            return _proven(error, changed=talk is not None and talk.changed, changes=changes)
        finally:
            self._note(well, begun_ms, circuit.probe_until_ms)

    def _note(self, well: bool | None, begun_ms: int, probe_until_ms: int) -> None:  # noqa: FBT001 - three of them
        before = self._circuit.state
        if well is None:
            self._circuit = given_back(self._circuit, probe_until_ms)
        else:
            rules = self._rules.circuit
            self._circuit = after(self._circuit, rules, _now_ms(), well=well, sent_ms=begun_ms)
        if self._circuit.state is not before:
            log.warning("router.circuit", router=self._name, state=self._circuit.state.value)

    def _rests_s(self, now_ms: int) -> float:
        """Until when it is left alone, or the one that was let through is waited for."""
        opens_ms = self._circuit.since_ms + self._rules.circuit.open_s * 1000
        return max(0.0, max(opens_ms, self._circuit.probe_until_ms) - now_ms) / 1000

    def _write_down(self, act: str, lane: Lane, outcome: Outcome[T], started: float) -> None:
        facts = {
            "router": self._name,
            "act": act,
            "lane": lane.value,
            "elapsed_ms": round((time.monotonic() - started) * 1000),
        }
        match outcome:
            case Done():
                log.debug("router.done", **facts)
            case Refused(reason):
                log.info("router.refused", reason=reason.value, words=outcome.words, **facts)
            case Unknown(reason):
                log.warning("router.unknown", reason=reason, words=outcome.words, **facts)


def _may_repeat(outcome: Outcome[T], *, repeat: bool) -> bool:
    match outcome:
        case Done():
            return False
        case Refused(reason):
            return reason is Refusal.AWAY  # nothing left for the router: always safe
        case Unknown():
            return repeat


def _says_of_router(error: Exception) -> bool | None:
    """Whether it works; None where an error says nothing of that."""
    match error:
        case Told() | Doubted() | BadLogin():
            return True
        case Spent():
            return None
        case _:
            return False


def _proven(error: Exception, *, changed: bool, changes: bool) -> Refused | Unknown:
    """What an error proves of the order that met it."""
    match error:
        case Told(reason=reason, words=words):
            return Refused(reason, words)
        case Doubted(reason=word, words=words):
            return Unknown(word, words)
        case Spent(wait_s=wait_s):
            return Unknown("partly") if changed else Refused(Refusal.BUSY, retry_after_s=wait_s)
        case NotTrusted():
            return Refused(Refusal.UNTRUSTED, str(error))
        case BadLogin():
            return Refused(Refusal.CREDENTIALS)
        case NotReached():
            return Refused(Refusal.AWAY, str(error))
        case _:
            word = reason_of(error)
            return Refused(Refusal.AWAY, word) if changes and not changed else Unknown(word)


def reason_of(error: Exception) -> str:
    """A short stable word for how a connection broke."""
    match error:
        case TimeoutError():
            return "timeout"
        case Garbled():
            return "garbled"
        case TooLarge():
            return "too_large"
        case Closed():
            return "closed"
        case _:
            return "connection_lost"


def _now_ms() -> int:
    return round(time.monotonic() * 1000)
