"""An examination: everything that selling vouchers on a router needs, one step after the other.

Causes, by step: network `unresolvable`, `not_allowed`, `unreachable`; handshake `untrusted`,
`no_tls`, `no_answer`, `closed`, `not_the_api`; login `credentials`, `busy`; permissions
`policies_missing`; system `too_old`; device_mode `hotspot_forbidden`; hotspot `none`,
`not_usable`, `no_pap`; clock `drifts`. Any of the last five may be `unread` as well: a question
was not answered.
"""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from core.domain.routers import RouterAccess
from core.kit.clock import Clock
from core.ports.hotspot import Examination, Lane, Step, StepResult
from core.providers.hotspot import system, words
from core.providers.hotspot.asking import Doubted, Talk, Told, reason_of
from core.providers.hotspot.budget import Budget, Spent
from core.providers.hotspot.line import (
    BROKEN,
    BadLogin,
    Line,
    NotAllowed,
    NoTls,
    NotReached,
    NotTrusted,
    Unresolvable,
)
from core.providers.hotspot.rules import Rules

T = TypeVar("T")

NEEDED = frozenset({"api", "read", "write", "sensitive"})
_OLDEST = (6, 40)
_DRIFT_MAX_S = 60
_HANDSHAKE_CAUSES = {"timeout": "no_answer", "closed": "closed", "connection_lost": "closed"}


Dial = Callable[[], Awaitable[Line]]


class _Failed(Exception):
    def __init__(self, result: StepResult) -> None:
        self.result = result
        super().__init__()


class Examiner:
    """One examination, on a connection of its own."""

    def __init__(
        self, access: RouterAccess, dial: Dial, budget: Budget, rules: Rules, clock: Clock
    ) -> None:
        self._access = access
        self._dial = dial
        self._budget = budget
        self._rules = rules
        self._clock = clock
        self._deadline_s = time.monotonic() + rules.within_large_s
        self._steps: list[StepResult] = []

    async def run(self) -> Examination:
        try:
            line = await self._reach()
            try:
                await self._log_in(line)
                talk = Talk(line, self._budget, Lane.MANAGE, self._deadline_s, self._rules)
                await self._look(talk)
            finally:
                await line.aclose()
        except _Failed as failed:
            self._steps.append(failed.result)
        return Examination(tuple(self._steps))

    async def _reach(self) -> Line:
        try:
            line = await self._dial()
        except Unresolvable:
            raise _failed(Step.NETWORK, "unresolvable", host=self._access.host) from None
        except NotAllowed:
            raise _failed(Step.NETWORK, "not_allowed", host=self._access.host) from None
        except NoTls as error:
            self._well(Step.NETWORK)
            raise _failed(Step.HANDSHAKE, "no_tls", why=str(error)) from None
        except NotReached as error:
            raise _failed(Step.NETWORK, "unreachable", why=str(error)) from None
        except NotTrusted as error:
            self._well(Step.NETWORK)
            raise _failed(Step.HANDSHAKE, "untrusted", why=str(error)) from None
        self._well(Step.NETWORK)
        return line

    async def _log_in(self, line: Line) -> None:
        """The first reply of all is the handshake: who is no router does not speak like one."""
        try:
            style = await line.log_in(
                self._access,
                lambda: self._budget.take(Lane.MANAGE, self._deadline_s),
                self._rules.small,
            )
        except BadLogin:
            self._well(Step.HANDSHAKE)
            raise _failed(Step.LOGIN, "credentials") from None
        except Spent:
            raise _failed(Step.LOGIN, "busy") from None
        except BROKEN as error:
            cause = _HANDSHAKE_CAUSES.get(reason_of(error), "not_the_api")
            raise _failed(Step.HANDSHAKE, cause) from None
        self._well(Step.HANDSHAKE)
        self._well(Step.LOGIN, style=style)

    async def _look(self, talk: Talk) -> None:
        granted = await self._asked(
            Step.PERMISSIONS, lambda: system.policies(talk, self._access.username)
        )
        if missing := NEEDED - granted:
            raise _failed(Step.PERMISSIONS, "policies_missing", missing=",".join(sorted(missing)))
        self._well(Step.PERMISSIONS)
        found = await self._asked(Step.SYSTEM, lambda: system.resource(talk))
        if words.release(found.version) < _OLDEST:
            raise _failed(Step.SYSTEM, "too_old", version=found.version)
        self._well(Step.SYSTEM, version=found.version, board=found.board)
        for step in (self._device_mode, self._hotspot, self._clock_step):
            try:
                await step(talk)
            except _Failed as failed:
                self._steps.append(failed.result)

    async def _device_mode(self, talk: Talk) -> None:
        mode = await self._asked(Step.DEVICE_MODE, lambda: system.device_mode(talk))
        if not mode.hotspot:
            raise _failed(Step.DEVICE_MODE, "hotspot_forbidden", mode=mode.mode)
        self._well(Step.DEVICE_MODE, mode=mode.mode)

    async def _hotspot(self, talk: Talk) -> None:
        servers = await self._asked(Step.HOTSPOT, lambda: system.servers(talk))
        names = ",".join(server.name for server in servers)
        if not servers:
            raise _failed(Step.HOTSPOT, "none")
        if not any(server.usable for server in servers):
            raise _failed(Step.HOTSPOT, "not_usable", servers=names)
        if not any("http-pap" in server.login_by for server in servers):
            raise _failed(Step.HOTSPOT, "no_pap", servers=names)
        self._well(Step.HOTSPOT, servers=names)

    async def _clock_step(self, talk: Talk) -> None:
        told = await self._asked(Step.CLOCK, lambda: system.clock(talk))
        drift_s = round((told.at - self._clock.now()).total_seconds())
        if abs(drift_s) > _DRIFT_MAX_S:
            raise _failed(Step.CLOCK, "drifts", drift_s=str(drift_s), zone=told.zone)
        self._well(Step.CLOCK, drift_s=str(drift_s), zone=told.zone)

    async def _asked(self, step: Step, question: Callable[[], Awaitable[T]]) -> T:
        try:
            return await question()
        except (Told, Doubted) as error:
            raise _failed(step, "unread", why=error.words) from None
        except (Spent, *BROKEN) as error:
            raise _failed(step, "unread", why=reason_of(error)) from None

    def _well(self, step: Step, **facts: str) -> None:
        self._steps.append(StepResult(step, well=True, facts=tuple(facts.items())))


def _failed(step: Step, cause: str, **facts: str) -> _Failed:
    return _Failed(StepResult(step, well=False, cause=cause, facts=tuple(facts.items())))
