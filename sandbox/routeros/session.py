"""One connection to a router's API: login, commands side by side by their tags, and mishaps."""

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Awaitable, Callable

from sandbox.routeros import menus
from sandbox.routeros.box import Box
from sandbox.routeros.call import Call, Pairs, policies_of, read_words
from sandbox.routeros.mishaps import Broken, Line, refusal
from sandbox.routeros.refusals import BAD_LOGIN, BAD_LOGIN_OLD, Fatal, Trap
from sandbox.routeros.schema import ACCOUNTS
from sandbox.routeros.system import Restart
from sandbox.routeros.tables import Row
from sandbox.routeros.words import Unspeakable, read_sentence, sentence

GONE = (ConnectionError, asyncio.IncompleteReadError, Unspeakable, Broken)


class Session:
    """Serves until the other side goes, or is cut off by `abort`."""

    def __init__(
        self,
        box: Box,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        restart: Callable[[str | None], Awaitable[None]],
    ) -> None:
        self._box = box
        self._reader = reader
        self._writer = writer
        self._restart = restart
        self._account: str | None = None
        self._listed: Row | None = None
        self._challenge = b""
        self._running: dict[str, asyncio.Task[None]] = {}

    def abort(self) -> None:
        self._writer.transport.abort()

    async def serve(self) -> None:
        try:
            while True:
                words = await read_sentence(self._reader, stranger=self._account is None)
                self._box.record.note(words)
                await self._take(words)
        except Fatal as end:
            await self._say(sentence(["!fatal", str(end)]))
        except GONE:
            pass
        finally:
            await self._leave()

    async def _take(self, words: list[str]) -> None:
        given, _, tag = read_words(words)
        if words[0] == "/cancel":
            await self._cancel(given.get("tag"), tag)
        elif tag is None:
            await self._answer(words, None)
        else:
            task = asyncio.create_task(self._answer_aside(words, tag))
            self._running[tag] = task
            task.add_done_callback(lambda _: self._running.pop(tag, None))

    async def _answer_aside(self, words: list[str], tag: str) -> None:
        try:
            await self._answer(words, tag)
        except (*GONE, Fatal):
            self.abort()

    async def _answer(self, words: list[str], tag: str | None) -> None:
        """The whole reply to one sentence."""
        fault = self._box.mishaps.meet(words[0])
        refused = refusal(fault)
        met = None if refused else fault
        line = Line(self._say, self.abort, self._until_gone, self._box.mishaps, met, tag)
        await line.before()
        plan = self._box.plan
        if plan.delay_s:
            await asyncio.sleep(plan.delay_s)
        if plan.work_s:
            async with self._box.processor:
                await asyncio.sleep(plan.work_s)
        await self._do(words, line, refused)

    async def _do(self, words: list[str], line: Line, refused: Trap | None) -> None:
        async def send(pairs: Pairs) -> None:
            await line.row(["!re", *(f"={name}={value}" for name, value in pairs)])

        try:
            if refused is not None:
                raise refused
            ret = await self._done(words, send)
        except Trap as trap:
            await line.end([trap.words(), ["!done"]])
        except Restart as going:
            with contextlib.suppress(*GONE):
                await line.end([["!done"]])
            await self._restart(going.backup)
        else:
            ends = [["!done", *([f"=ret={ret}"] if ret is not None else [])]]
            command = words[0].rpartition("/")[2]
            if ret is None and command in {"print", "getall"} and line.rows == 0:
                ends = [["!empty"], *ends] if self._box.plan.says_empty else ends
            await line.end(ends)

    async def _done(self, words: list[str], send: Callable[[Pairs], Awaitable[None]]) -> str | None:
        given, queries, _ = read_words(words)
        if words[0] == "/login":
            return self._log_in(given)
        if self._account is None:
            raise Fatal("not logged in")
        path, _, verb = words[0].rpartition("/")
        return await menus.run(Call(self._box, self._account, path, verb, given, queries, send))

    def _log_in(self, given: dict[str, str]) -> str | None:
        """What `!done` carries: a challenge, or nothing once it is known who this is."""
        name = given.get("name", "")
        if self._box.plan.challenges:
            if "response" not in given:
                self._challenge = secrets.token_bytes(16)
                return self._challenge.hex()
            right = given["response"] == self._digest(self._password(name) or "")
        else:
            right = given.get("password", "") == self._password(name)
        if not right or "api" not in policies_of(self._box, name):
            self._box.log("system,error,critical", f"login failure for user {name} via api")
            old = self._box.plan.challenges
            raise Trap(BAD_LOGIN_OLD if old else BAD_LOGIN)
        self._account = name
        self._listed = self._box["/user/active"].put(
            self._box.now_s(),
            name=name,
            address=self._box.plan.seen_from,
            via="api",
        )
        self._box.log("system,info,account", f"user {name} logged in via api")
        return None

    def _password(self, name: str) -> str | None:
        user = self._box[ACCOUNTS].named(name)
        return None if user is None or user.values["disabled"] else str(user.values["password"])

    def _digest(self, password: str) -> str:
        body = b"\0" + password.encode() + self._challenge
        return "00" + hashlib.md5(body, usedforsecurity=False).hexdigest()

    async def _cancel(self, wanted: str | None, tag: str | None) -> None:
        """Interrupts what runs under a tag, or all of it."""
        for name in [wanted] if wanted is not None else list(self._running):
            if task := self._running.get(name):
                task.cancel()
                interrupted = Trap("interrupted", 2).words()
                for words in (interrupted, ["!done"]):
                    await self._say(sentence([words[0], f".tag={name}", *words[1:]]))
        await self._say(sentence(["!done", *([f".tag={tag}"] if tag is not None else [])]))

    async def _say(self, body: bytes) -> None:
        self._writer.write(body)
        await self._writer.drain()

    async def _until_gone(self) -> None:
        """Says nothing and does nothing until the other side has given up."""
        while await self._reader.read(65_536):
            pass
        raise Broken

    async def _leave(self) -> None:
        for task in list(self._running.values()):
            task.cancel()
        if self._listed is not None and self._listed.id in self._box["/user/active"].rows:
            self._box["/user/active"].drop(self._listed)
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
