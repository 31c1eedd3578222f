"""How a reply leaves, with the fault that its command met."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Mapping, Sequence

from sandbox.routeros.faults import Fault, FaultKind, Mishaps
from sandbox.routeros.refusals import Fatal, Trap
from sandbox.routeros.words import length, sentence

_NOISE_BYTES = 512
_HUGE = 0xFFFF_FFFF
_GATHERED = 65_536
# How each begins, and what then comes again and again.
_FLOODS: Mapping[FaultKind, tuple[bytes, bytes]] = {
    FaultKind.HUGE_WORD: (length(_HUGE), b"x" * 65_536),
    FaultKind.ENDLESS_ROWS: (b"", sentence(["!re", "=.id=*1", "=name=again"]) * 500),
    FaultKind.ENDLESS_SENTENCE: (
        sentence(["!re"])[:-1],
        sentence(["=name=again"])[:-1] * 1000,
    ),
}
# What becomes of rows and end.
_SHAPED: Mapping[FaultKind, Callable[[bytes, bytes], bytes]] = {
    FaultKind.WRONG_ORDER: lambda rows, end: end + rows,
    FaultKind.TWICE: lambda rows, end: (rows + end) * 2,
    FaultKind.NO_REPLY_WORD: lambda rows, end: sentence(["=ret=*1"]) + rows + end,
}

Say = Callable[[bytes], Awaitable[None]]


class Broken(Exception):
    """The connection was cut on purpose."""


def refusal(fault: Fault | None) -> Trap | None:
    """The trap that a fault is: nothing is to be done then."""
    return Trap(fault.words) if fault and fault.kind is FaultKind.TRAP else None


class Line:
    """The way of one reply. Rows are gathered and leave together, as the fault has it."""

    def __init__(
        self,
        say: Say,
        abort: Callable[[], None],
        until_gone: Callable[[], Awaitable[None]],
        mishaps: Mishaps,
        fault: Fault | None,
        tag: str | None,
    ) -> None:
        self._say = say
        self._abort = abort
        self._until_gone = until_gone
        self._mishaps = mishaps
        self._fault = fault
        self._kind = fault.kind if fault is not None else None
        self._tag = [] if tag is None else [f".tag={tag}"]
        self._gathered: list[bytes] = []
        self._size = 0
        self.rows = 0

    async def before(self) -> None:
        """What comes instead of doing anything."""
        match self._kind:
            case FaultKind.CUT_BEFORE:
                self._cut()
            case FaultKind.RAW:
                assert self._fault is not None
                await self._say(self._fault.raw)
                await self._until_gone()
            case FaultKind.FATAL:
                assert self._fault is not None
                raise Fatal(self._fault.words)
            case _:
                pass

    async def row(self, words: Sequence[str]) -> None:
        self.rows += 1
        body = sentence([words[0], *self._tag, *words[1:]])
        self._gathered.append(body)
        self._size += len(body)
        if self._kind is None and self._size >= _GATHERED:
            await self._leave()

    async def end(self, sentences: Sequence[Sequence[str]]) -> None:
        """The last sentences, and all that was gathered before them."""
        ends = [sentence([words[0], *self._tag, *words[1:]]) for words in sentences]
        if self._fault is None:
            self._gathered += ends
            await self._leave()
            return
        await self._spoiled(self._fault, b"".join(self._gathered), b"".join(ends))

    async def _leave(self) -> None:
        body = b"".join(self._gathered)
        self._gathered.clear()
        self._size = 0
        await self._say(body)

    async def _spoiled(self, fault: Fault, rows: bytes, ends: bytes) -> None:
        match fault.kind:
            case FaultKind.CUT_AFTER:
                self._cut()
            case FaultKind.CUT_MIDWAY:
                await self._say((rows + ends)[: len(rows + ends) // 2])
                self._cut()
            case FaultKind.STALL:
                await self._until_gone()
            case FaultKind.DELAY:
                await asyncio.sleep(fault.seconds)
                await self._say(rows + ends)
            case FaultKind.DRIP:
                for byte in rows + ends:
                    await self._say(bytes((byte,)))
                    await asyncio.sleep(fault.seconds)
            case FaultKind.GARBAGE:
                await self._say(self._mishaps.noise(_NOISE_BYTES))
                await self._until_gone()
            case flooding if flooding in _FLOODS:
                await self._flood(*_FLOODS[flooding])
            case _:
                await self._say(_SHAPED[fault.kind](rows, ends))

    async def _flood(self, start: bytes, body: bytes) -> None:
        """Until nobody takes it any more."""
        await self._say(start)
        for _ in itertools.count():
            await self._say(body)
            await asyncio.sleep(0)

    def _cut(self) -> None:
        self._abort()
        raise Broken
