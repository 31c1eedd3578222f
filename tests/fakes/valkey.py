"""A real Valkey of a test's own, on a unix socket, that can be stopped and started again."""

import asyncio
import contextlib
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from core.store.embedded.binaries import valkey_program


class OwnValkey:
    """`start` and `stop` it; `stop` is as hard as a crash, and nothing is kept over it."""

    def __init__(self, folder: Path) -> None:
        self._socket = folder / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}?db=0"

    async def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._process = self._spawn()
        for _ in range(1000):
            if await self._answers():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("valkey did not start")

    def _spawn(self) -> subprocess.Popen[bytes]:
        options = {"port": "0", "unixsocket": str(self._socket), "save": "", "appendonly": "no"}
        arguments = [word for name, value in options.items() for word in (f"--{name}", value)]
        quiet = subprocess.DEVNULL
        return subprocess.Popen([valkey_program(None), *arguments], stdout=quiet, stderr=quiet)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def pause(self) -> None:
        """Take connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_unix_connection(self._socket)
            writer.close()
            return True
        return False


@contextlib.asynccontextmanager
async def own_valkey() -> AsyncIterator[OwnValkey]:
    with tempfile.TemporaryDirectory(prefix="callbox-") as folder:
        server = OwnValkey(Path(folder))
        await server.start()
        try:
            yield server
        finally:
            server.stop()
