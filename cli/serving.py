"""Runs servers and workers side by side in one event loop until the process is told to stop."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final, cast

import uvicorn
from starlette.types import ASGIApp

from cli.connections import Connection, Connections
from core.kit.errors import Fault

_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_BACKLOG_MAX: Final = 2048


class Server(uvicorn.Server):
    """A server that leaves signals to the process it is part of."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """Take the address now, so that a port in use is one clear line and not a traceback.

    Raises:
        Fault: somebody else has it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # The loop does this only for sockets it made: without it every reply waits 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise Fault(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return listener


async def serve(
    application: ASGIApp, listener: socket.socket, stop: asyncio.Event, connections: Connections
) -> None:
    """Serve until `stop`, then let requests under way finish."""
    config = uvicorn.Config(
        application,
        http=cast("Any", partial(Connection, connections)),
        ws="none",
        # So many are taken at once, before one of them is counted.
        backlog=max(1, min(_BACKLOG_MAX, connections.most // 8)),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="on",
        timeout_graceful_shutdown=10,
        timeout_keep_alive=65,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    sweeping = asyncio.create_task(connections.sweep())
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({serving, sweeping, stopping}, return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    sweeping.cancel()
    await serving


async def until_stopped(
    parts: Sequence[Callable[[asyncio.Event], Awaitable[None]]], stop: asyncio.Event | None = None
) -> None:
    """Run all parts; a signal, or the end of any part, stops the rest in order.

    Whoever brings a `stop` of their own listens to signals themselves.
    """
    if stop is not None:
        await _side_by_side(parts, stop)
        return
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in _STOP_SIGNALS:
        loop.add_signal_handler(name, stop.set)
    try:
        await _side_by_side(parts, stop)
    finally:
        for name in _STOP_SIGNALS:
            loop.remove_signal_handler(name)


async def _side_by_side(
    parts: Sequence[Callable[[asyncio.Event], Awaitable[None]]], stop: asyncio.Event
) -> None:
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(_part(part, stop))


async def _part(part: Callable[[asyncio.Event], Awaitable[None]], stop: asyncio.Event) -> None:
    try:
        await part(stop)
    finally:
        stop.set()
