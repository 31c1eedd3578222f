"""The connections of a web process: how many at once, and how long a silent client is waited for.

uvicorn waits for ever for what a client does not send, and takes connections until no descriptors
are left. Here each that waits for its client, for a request or its rest, for the next one, or to
take an answer, does so for a bounded time, and where all places are taken, who has been waited for
longest makes room. What is being worked on is never cut off.
"""

import asyncio
import resource
from typing import Any, Final

from prometheus_client import Counter
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_DESCRIPTORS_MAX: Final = 65_536
_CONNECTIONS_MAX: Final = 10_000
_SWEEP_S: Final = 1.0

_CROWDED = Counter("callbox_connections_crowded_total", "Connections that made room for others")


def places() -> int:
    """How many connections a process can have: of its descriptors, three in four.

    Its soft limit of descriptors becomes the hard one before that.
    """
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft, hard = (_DESCRIPTORS_MAX if each == resource.RLIM_INFINITY else each for each in limits)
    descriptors = max(soft, min(hard, _DESCRIPTORS_MAX))
    if descriptors > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, limits[1]))
    return min(descriptors * 3 // 4, _CONNECTIONS_MAX)


class Connections:
    """Those of all servers of one process.

    Attributes:
        most: How many there may be.
        waits_s: How long one may wait for its client.
    """

    def __init__(self, most: int, *, waits_s: float = 65.0) -> None:
        self.most = most
        self.waits_s = waits_s
        self._open = 0
        self._waiting: dict[Connection, float] = {}  # since when: the longest first

    def opened(self, connection: "Connection") -> None:
        self._open += 1
        self.waits(connection)
        if self._open > self.most:
            _CROWDED.inc()
            next(iter(self._waiting)).drop()

    def waits(self, connection: "Connection") -> None:
        """For its client, from now on."""
        self._waiting.pop(connection, None)
        self._waiting[connection] = connection.loop.time()

    def works(self, connection: "Connection") -> None:
        """It is our turn."""
        self._waiting.pop(connection, None)

    def closed(self, connection: "Connection") -> None:
        self._open -= 1
        self._waiting.pop(connection, None)

    async def sweep(self) -> None:
        """Drop who was waited for too long, for ever."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(_SWEEP_S, self.waits_s))
            late = loop.time() - self.waits_s
            for connection, since in tuple(self._waiting.items()):
                if since > late:
                    break
                connection.drop()


class Connection(HttpToolsProtocol):
    """One of them, that tells whose turn it is."""

    def __init__(self, connections: Connections, **made_with: Any) -> None:
        super().__init__(**made_with)
        self._all = connections

    def drop(self) -> None:
        self._all.works(self)
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._all.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._all.closed(self)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._all.waits(self)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        if not self.cycle.response_complete:
            self._all.works(self)

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:  # of the last request that came
            self._all.waits(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._all.waits(self)

    def resume_writing(self) -> None:
        super().resume_writing()
        self._all.works(self)
