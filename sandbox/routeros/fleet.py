"""Routers that listen: each on a port of its own on loopback, a hundred of them in one process."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

from core.kit.clock import Clock
from sandbox.routeros import hotspot
from sandbox.routeros.box import Box
from sandbox.routeros.plan import Plan
from sandbox.routeros.session import Session

_HOST = "127.0.0.1"
_BACKLOG = 128


class Router:
    """A box with power, a network and somebody who may pull either."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self.box = Box(plan, clock)
        self.port = plan.port
        self._server: asyncio.Server | None = None
        self._sessions: dict[Session, asyncio.Task[None]] = {}
        self._coming_up: asyncio.Task[None] | None = None

    @property
    def name(self) -> str:
        return self.box.plan.name

    @property
    def is_up(self) -> bool:
        return self._server is not None

    @property
    def sessions(self) -> int:
        return len(self._sessions)

    async def up(self) -> None:
        """Take connections, on the port it had before."""
        if self._server is not None:
            return
        self._server = await asyncio.start_server(
            self._meet, _HOST, self.port, ssl=self.box.plan.tls, backlog=_BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def away(self, *, quietly: bool = False) -> None:
        """Refuse connections, and cut those there are, or leave them hanging (`quietly`)."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if not quietly:
            await self.cut()

    async def cut(self) -> None:
        """End every API session at once."""
        tasks = list(self._sessions.values())
        for session, task in list(self._sessions.items()):
            session.abort()
            if task is not asyncio.current_task():
                task.cancel()
        await asyncio.gather(
            *(task for task in tasks if task is not asyncio.current_task()), return_exceptions=True
        )

    async def reboot(self, *, down_s: float = 0.0) -> None:
        """A clean restart: what sessions used is saved first."""
        hotspot.flush(self.box)
        self.box.start()
        await self._go_down(down_s)

    async def restore(self, backup: str) -> None:
        content = self.box.files[backup].content
        assert not isinstance(content, str)
        self.box.restore(content)
        await self._go_down(0)

    async def power_cut(self, *, lose_s: float = 0.0, down_s: float = 0.0) -> None:
        self.box.lose_power(lose_s)
        await self._go_down(down_s)

    async def factory_reset(self, *, replaced: bool = False) -> None:
        self.box.forget_configuration(replaced=replaced)
        await self.cut()

    async def close(self) -> None:
        if self._coming_up is not None:
            self._coming_up.cancel()
        await self.away()

    async def _go_down(self, down_s: float) -> None:
        if not down_s:
            await self.cut()
            return
        await self.away()
        self._coming_up = asyncio.create_task(self._come_up(down_s))

    async def _come_up(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self.up()

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.box.record.connections += 1
        if len(self._sessions) >= self.box.plan.sessions_max:
            writer.transport.abort()
            return
        socket_ = writer.get_extra_info("socket")
        if socket_ is not None:
            socket_.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(self.box, reader, writer, self._restart)
        task = asyncio.current_task()
        assert task is not None
        self._sessions[session] = task
        try:
            await session.serve()
        except asyncio.CancelledError:
            pass  # cut on purpose: nobody waits for this task
        finally:
            del self._sessions[session]

    async def _restart(self, backup: str | None) -> None:
        await (self.reboot() if backup is None else self.restore(backup))


class Fleet:
    """Routers by name."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._routers: dict[str, Router] = {}

    def __iter__(self) -> Iterator[Router]:
        return iter(list(self._routers.values()))

    def get(self, name: str) -> Router | None:
        return self._routers.get(name)

    async def add(self, plan: Plan) -> Router:
        """One more; it takes the place of another of its name."""
        await self.drop(plan.name)
        router = Router(plan, self._clock)
        await router.up()
        self._routers[plan.name] = router
        return router

    async def drop(self, name: str) -> bool:
        """False where there is none of that name."""
        router = self._routers.pop(name, None)
        if router is not None:
            await router.close()
        return router is not None

    async def close(self) -> None:
        for name in list(self._routers):
            with contextlib.suppress(OSError):
                await self.drop(name)
