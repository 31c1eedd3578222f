"""What chat platforms tell Callbox, on its way: kept in memory until taken, one at a time per chat.

A restart forgets it all, and so does `/control/reset`; at most `_KEPT_MAX` wait, the
oldest go first.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import aiohttp
import structlog

from core.kit.errors import Fault
from sandbox.scenarios import Scenario, Script

_KEPT_MAX = 10_000
_AT_ONCE = 40  # as many connections as Telegram opens unless told otherwise
_FLOOR_S = 0.01
_log = structlog.get_logger()


class Address(NamedTuple):
    """Where a parcel goes, and exactly what is posted there."""

    url: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True, eq=False)
class Parcel:
    """One thing to tell.

    Attributes:
        lane: Parcels of one lane go one after another, each until it is taken.
        content: What is told, before it is sealed for the wire.
        forged: It travels with a wrong proof, once.
        held: It waits until somebody releases it.
        not_before: On the monotonic clock; others of its lane pass it meanwhile.
    """

    lane: str
    content: dict[str, Any]
    forged: bool = False
    held: bool = False
    not_before: float = 0.0
    tries: int = 0
    sending: bool = False

    @property
    def state(self) -> str:
        return "held" if self.held else "sending" if self.sending else "waiting"


class Answered(NamedTuple):
    """What the other side said; no status when it said nothing."""

    status: int | None
    body: str

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - any 2xx


def delivery_scenarios(noun: str) -> dict[str, Scenario]:
    """How `noun`s of a platform can travel; `dispatch` plays them."""
    return {
        f"{noun}_twice": Scenario(f"each {noun} comes twice, one after the other"),
        f"{noun}_twice_at_once": Scenario(f"each {noun} comes twice at the same moment"),
        f"{noun}_out_of_order": Scenario(f"each {noun} comes after the one that follows it"),
        f"{noun}_late": Scenario(f"each {noun} comes later, others pass it", 5),
        f"{noun}_forged": Scenario(f"each {noun} comes once, with a wrong proof"),
        f"{noun}_held": Scenario(f"each {noun} waits until it is released"),
    }


@dataclass(slots=True)
class Carrier:
    """Carries parcels to where `seal` says; None from it leaves them waiting.

    Args:
        seal: Puts a parcel into its envelope, anew for every try.
        backoff_s: The waits after tries that failed; the last one again and again.
    """

    seal: Callable[[Parcel], Address | None]
    backoff_s: Sequence[float]
    timeout_s: float
    last_error: str = ""
    _last: dict[str, Parcel] = field(default_factory=dict)
    _lanes: dict[str, list[Parcel]] = field(default_factory=dict)
    _behind: dict[str, list[Parcel]] = field(default_factory=dict)
    _drains: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))
    _session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self.timeout_s), trust_env=False
        )

    async def close(self) -> None:
        await self.forget()
        if self._session:
            await self._session.close()
            self._session = None

    async def forget(self) -> None:
        """Nothing waits any more, and nothing is under way."""
        drains = list(self._drains.values())
        for drain in drains:
            drain.cancel()
        await asyncio.gather(*drains, return_exceptions=True)
        self._lanes.clear()
        self._behind.clear()
        self._drains.clear()
        self._last.clear()
        self.last_error = ""

    def dispatch(self, parcel: Parcel, script: Script) -> None:
        """Send it off in the way that the scenario says."""
        self._remember(parcel)
        match script.name.partition("_")[2]:
            case "twice":
                self.put(parcel)
                self.put(replace(parcel))
            case "twice_at_once":
                self.put(parcel)
                self.put(replace(parcel, lane=f"{parcel.lane} again"))
            case "out_of_order":
                self._behind.setdefault(parcel.lane, []).append(replace(parcel, held=True))
                self.changed()
            case "late":
                parcel.not_before = time.monotonic() + script.seconds
                self.put(parcel)
            case "forged":
                self.put(replace(parcel, forged=True, lane=f"{parcel.lane} forged"))
            case "held":
                self.put(replace(parcel, held=True))
            case _:
                self.put(parcel)

    def put(self, parcel: Parcel) -> None:
        """Queue it, and behind it what waited for the next one of its lane."""
        behind = self._behind.pop(parcel.lane, [])
        for late in behind:
            late.held = False
        lane = self._lanes.setdefault(parcel.lane, [])
        lane += [parcel, *behind]
        self._trim()
        self._start(parcel.lane)
        self.changed()

    def again(self, lane: str) -> bool:
        """Carry the last parcel of a lane once more, as if its answer had been lost."""
        last = self._last.get(lane)
        if last is not None:
            self.put(replace(last))
        return last is not None

    def waiting(self) -> list[Parcel]:
        """Everything that was not taken yet, of all lanes."""
        lanes = (*self._lanes.values(), *self._behind.values())
        return [parcel for lane in lanes for parcel in lane]

    def drop(self, parcels: Iterable[Parcel]) -> None:
        """They were taken in another way, or are not wanted."""
        gone = {id(parcel) for parcel in parcels}
        for lanes in (self._lanes, self._behind):
            for name in list(lanes):
                lanes[name] = [parcel for parcel in lanes[name] if id(parcel) not in gone]
                if not lanes[name]:
                    del lanes[name]
        self.changed()

    def release(self) -> int:
        """Let go what was held; how many that were."""
        held = [parcel for parcel in self.waiting() if parcel.held]
        behind, self._behind = self._behind, {}
        for parcel in held:
            parcel.held = False
        for name, parcels in behind.items():
            self._lanes.setdefault(name, []).extend(parcels)
        for name in self._lanes:
            self._start(name)
        self.changed()
        return len(held)

    def changed(self) -> None:
        """Whoever waits looks again: for a parcel, or for where to send it."""
        self._changed.set()
        self._changed = asyncio.Event()

    async def change(self, within_s: float) -> None:
        """Return at the next change, or after so long."""
        try:
            async with asyncio.timeout(within_s):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def post(self, address: Address) -> Answered:
        """One try, waiting for the answer; nothing is kept."""
        if self._session is None:
            raise Fault("the sandbox's carrier is not open")
        headers = {"content-type": "application/json", **address.headers}
        try:
            async with self._session.post(
                address.url, data=address.body, headers=headers, allow_redirects=False
            ) as answer:
                return Answered(answer.status, await answer.text(errors="replace"))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return Answered(None, type(error).__name__)

    async def get(self, url: str, query: Mapping[str, str]) -> Answered:
        if self._session is None:
            raise Fault("the sandbox's carrier is not open")
        try:
            async with self._session.get(url, params=query, allow_redirects=False) as answer:
                return Answered(answer.status, await answer.text(errors="replace"))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return Answered(None, type(error).__name__)

    def _remember(self, parcel: Parcel) -> None:
        self._last.pop(parcel.lane, None)
        self._last[parcel.lane] = replace(parcel)
        if len(self._last) > _KEPT_MAX:
            del self._last[next(iter(self._last))]

    def _start(self, lane: str) -> None:
        if lane not in self._drains:
            self._drains[lane] = asyncio.create_task(self._drain(lane))

    async def _drain(self, lane: str) -> None:
        try:
            while parcels := self._lanes.get(lane):
                now = time.monotonic()
                ready = (each for each in parcels if not each.held and each.not_before <= now)
                parcel = next(ready, None)
                address = None if parcel is None else self.seal(parcel)
                if parcel is None or address is None:
                    await self.change(_until_due(parcels, now))
                    continue
                await self._carry(parcel, address)
        finally:
            self._drains.pop(lane, None)

    async def _carry(self, parcel: Parcel, address: Address) -> None:
        async with self._slots:
            parcel.sending = True
            try:
                answer = await self.post(address)
            finally:
                parcel.sending = False
        parcel.tries += 1
        _log.info("sandbox.carried", status=answer.status, attempt=parcel.tries)
        if answer.taken or parcel.forged:
            self.drop([parcel])
            return
        self.last_error = answer.body if answer.status is None else f"status {answer.status}"
        step = min(parcel.tries, len(self.backoff_s)) - 1
        await asyncio.sleep(max(self.backoff_s[step] if self.backoff_s else 0, _FLOOR_S))

    def _trim(self) -> None:
        waiting = self.waiting()
        if len(waiting) > _KEPT_MAX:
            self.drop(waiting[: len(waiting) - _KEPT_MAX])


def _until_due(parcels: Sequence[Parcel], now: float) -> float:
    """How long until one of them comes due by itself; a minute when none does."""
    dues = [each.not_before - now for each in parcels if not each.held and each.not_before > now]
    return max(min(dues, default=60.0), _FLOOR_S)
