"""Simulated routers on loopback, and ways to speak to them: the real client, and raw words."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from librouteros import async_connect
from librouteros.api import AsyncApi

from core.kit.clock import Clock, SystemClock
from sandbox.routeros.fleet import Fleet, Router
from sandbox.routeros.plan import ACCOUNT, PASSWORD, Plan
from sandbox.routeros.words import read_sentence, sentence

V6_OLD = "6.40.9 (bugfix)"
V6 = "6.49.19 (long-term)"
V7_9 = "7.9.2 (stable)"
V7 = "7.18.2 (stable)"


@asynccontextmanager
async def fleet_of(*plans: Plan, clock: Clock | None = None) -> AsyncIterator[list[Router]]:
    fleet = Fleet(clock or SystemClock())
    try:
        yield [await fleet.add(plan) for plan in plans]
    finally:
        await fleet.close()


@asynccontextmanager
async def router(clock: Clock | None = None, **told: Any) -> AsyncIterator[Router]:
    async with fleet_of(replace(Plan("r1"), **told), clock=clock) as [one]:
        yield one


@asynccontextmanager
async def api(of: Router, password: str = PASSWORD, **told: Any) -> AsyncIterator[AsyncApi]:
    """librouteros, logged in."""
    client = await async_connect("127.0.0.1", ACCOUNT, password, port=of.port, timeout=5, **told)
    try:
        yield client
    finally:
        client.protocol.transport.writer.transport.abort()


async def rows(client: AsyncApi, command: str, *words: str) -> list[dict[str, Any]]:
    return [row async for row in client.rawCmd(command, *words)]


@dataclass
class Raw:
    """A connection of bytes: nothing is logged in unless asked for."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def tell(self, *words: str) -> None:
        self.writer.write(sentence(words))
        await self.writer.drain()

    async def hear(self) -> list[str]:
        async with asyncio.timeout(5):
            return await read_sentence(self.reader, stranger=False)

    async def hear_all(self, tag: str | None = None) -> list[list[str]]:
        """Sentences up to and with `!done` of that tag."""
        heard: list[list[str]] = []
        while True:
            heard.append(await self.hear())
            done, *more = heard[-1]
            if done == "!done" and (tag is None or f".tag={tag}" in more):
                return heard

    async def ask(self, *words: str) -> list[list[str]]:
        await self.tell(*words)
        return await self.hear_all()

    async def log_in(self, password: str = PASSWORD) -> list[list[str]]:
        return await self.ask("/login", f"=name={ACCOUNT}", f"=password={password}")

    async def rest(self) -> bytes:
        """What still comes until the other side ends."""
        async with asyncio.timeout(5):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""


@asynccontextmanager
async def raw(of: Router, *, logged_in: bool = True) -> AsyncIterator[Raw]:
    reader, writer = await asyncio.open_connection("127.0.0.1", of.port)
    connection = Raw(reader, writer)
    try:
        if logged_in:
            assert await connection.log_in() == [["!done"]]
        yield connection
    finally:
        writer.transport.abort()


def names(found: Sequence[Sequence[str]]) -> list[str]:
    """The `name` of each row."""
    return [
        word.removeprefix("=name=")
        for words in found
        for word in words
        if words[0] == "!re" and word.startswith("=name=")
    ]
