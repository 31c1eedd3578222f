"""A bad line between Callbox and the outside: it refuses, stalls, cuts and delays."""

import asyncio
import contextlib
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

_CHUNK = 65_536
_STALL_S = (0.5, 7.0)  # both under and over the five seconds that Callbox waits for a provider
_DELAY_S = (0.1, 2.0)

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter


@dataclass
class Relay:
    """Passes connections on to `port`. While `wild`, a part of them meets with mischief.

    Attributes:
        port: Where the outside really listens, on this machine.
        chance: Decides which connection meets what.
        wild: How large that part is, 0 to 1.
        mischief: How often each was done.
    """

    port: int
    chance: random.Random
    wild: float = 0.0
    mischief: Counter[str] = field(default_factory=Counter)

    async def serve(self, reader: Reader, writer: Writer) -> None:
        act: Callable[[Reader, Writer], Awaitable[None]] = self._pass_on
        if self.chance.random() < self.wild:
            name, act = self.chance.choice(
                (
                    ("refused", self._refuse),
                    ("request cut", self._cut_request),
                    ("reply cut", self._cut_reply),
                    ("stalled", self._stall),
                    ("reply delayed", self._delay),
                )
            )
            self.mischief[name] += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await act(reader, writer)
        writer.close()

    async def _refuse(self, _: Reader, writer: Writer) -> None:
        writer.transport.abort()

    async def _cut_request(self, reader: Reader, writer: Writer) -> None:
        """The request leaves Callbox and reaches nobody."""
        await reader.read(_CHUNK)
        writer.transport.abort()

    async def _cut_reply(self, reader: Reader, writer: Writer) -> None:
        """The outside acts, and nobody hears of it."""
        async with self._outside() as (there, to_there):
            to_there.write(await reader.read(_CHUNK))
            await to_there.drain()
            await there.read(1)
        writer.transport.abort()

    async def _stall(self, reader: Reader, writer: Writer) -> None:
        """The request arrives late, maybe after Callbox gave it up."""
        request = await reader.read(_CHUNK)
        await asyncio.sleep(self.chance.uniform(*_STALL_S))
        async with self._outside() as (there, to_there):
            to_there.write(request)
            await self._both_ways(reader, writer, there, to_there)

    async def _delay(self, reader: Reader, writer: Writer) -> None:
        await self._pass_on(reader, writer, self.chance.uniform(*_DELAY_S))

    async def _pass_on(self, reader: Reader, writer: Writer, delay_s: float = 0.0) -> None:
        async with self._outside() as (there, to_there):
            await self._both_ways(reader, writer, there, to_there, delay_s)

    async def _both_ways(
        self,
        reader: Reader,
        writer: Writer,
        there: Reader,
        to_there: Writer,
        delay_s: float = 0.0,
    ) -> None:
        await asyncio.gather(_pump(reader, to_there), _pump(there, writer, delay_s))

    @contextlib.asynccontextmanager
    async def _outside(self) -> AsyncIterator[tuple[Reader, Writer]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def _pump(reader: Reader, writer: Writer, delay_s: float = 0.0) -> None:
    """Until the one side ends, which ends the other too."""
    while data := await reader.read(_CHUNK):
        if delay_s:
            await asyncio.sleep(delay_s)
        writer.write(data)
        await writer.drain()
    with contextlib.suppress(OSError):
        writer.write_eof()


@contextlib.asynccontextmanager
async def relay(port: int, chance: random.Random) -> AsyncIterator[tuple[Relay, int]]:
    """A relay to `port` and the port it listens on."""
    made = Relay(port, chance)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    async with server:
        yield made, server.sockets[0].getsockname()[1]
