"""Postgres on a unix socket, from nothing to a database that answers."""

import asyncio
import os
import shutil
import signal
import subprocess
from pathlib import Path

import asyncpg
import structlog
from sqlalchemy.engine import URL

from core.store.embedded.binaries import PostgresPrograms
from core.store.embedded.faults import CannotStart
from core.store.embedded.identity import Identity, user_name
from core.store.embedded.process import (
    end,
    end_leftover,
    is_stale,
    last_lines,
    log_size,
    spawn,
    wait,
)

log = structlog.get_logger(__name__)

ROLE = DATABASE = "callbox"
PORT = 5432
"""Only part of the socket's name, and given everywhere, or PGPORT would decide it."""

STOP = ((signal.SIGINT, 60.0), (signal.SIGQUIT, 10.0))
"""Fast shutdown, which keeps the next start short; then at once, which that start repairs."""

INITDB_TIMEOUT_S = 300.0
LEFTOVER_MEMORY_TIMEOUT_S = 30.0
_BUILTIN_LOCALE_MAJOR = 17
NOT_YET = (OSError, asyncpg.CannotConnectNowError, asyncpg.PostgresConnectionError)
"""What connecting raises while the server starts, recovers or ends."""

_BUSY = ("pre-existing shared memory block", 'lock file "postmaster.pid" already exists')

OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "wal_compression": "pglz",
    # Nobody can commit while a new segment is filled with zeros, some 50 ms for each 16 MB.
    "wal_init_zero": "off",
    "jit": "off",
    "idle_in_transaction_session_timeout": "30s",
    # The log must show no customer: neither a statement nor the row that broke a rule.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


class Postgres:
    """One cluster: `start` it and `stop` it, as often as needed.

    Who may connect is decided by the system, not by a password: the kernel tells Postgres which
    user holds the other end of the socket (`peer`), and the user who runs Callbox may be any
    role. The folder of the socket is closed to others already; `peer` also turns away a process
    that gets to it by being the same `nobody` that root's servers run as, which `trust` would not.
    """

    name = "postgres"

    def __init__(
        self,
        programs: PostgresPrograms,
        *,
        state: Path,
        sockets: Path,
        identity: Identity,
        shared_buffers: str,
        recovery_timeout_s: float,
    ) -> None:
        self._programs = programs
        self._state = state
        self._data = state / "postgres"
        self._log_file = state / "postgres.log"
        self._sockets = sockets
        self._identity = identity
        self._options = {**OPTIONS, "shared_buffers": shared_buffers}
        self._recovery_timeout_s = recovery_timeout_s
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """For SQLAlchemy with asyncpg."""
        query = {"host": str(self._sockets), "port": str(PORT)}
        url = URL.create("postgresql+asyncpg", username=ROLE, database=DATABASE, query=query)
        return url.render_as_string()

    @property
    def ended(self) -> bool:
        """True when it was started and is no longer there."""
        return self._process is not None and self._process.poll() is not None

    async def start(self) -> None:
        """Return when the database answers; the cluster is made on the first start.

        Raises:
            CannotStart: it ended before it answered, or its data is not for these programs.
        """
        await self._clear_leftovers()
        if not self._data.exists():
            await self._make_cluster()
        self._check_data()
        self._write_access_files()
        deadline = asyncio.get_running_loop().time() + LEFTOVER_MEMORY_TIMEOUT_S
        while not await self._try_start():
            # Backends of a killed postmaster end by themselves when they notice.
            if asyncio.get_running_loop().time() > deadline:
                raise CannotStart(
                    f"processes of an earlier Postgres still use {self._data}: end them first"
                )
            await asyncio.sleep(0.2)
        try:
            await self._ensure_database()
        except (OSError, asyncpg.PostgresError) as error:
            raise CannotStart(f"Postgres does not let us in: {error}") from error

    async def stop(self) -> None:
        """End it cleanly; the next start needs no recovery."""
        if self._process is not None:
            await end(self._process, STOP)
            self._process = None

    async def _clear_leftovers(self) -> None:
        pid_file = self._data / "postmaster.pid"
        await end_leftover(pid_file, self._data, STOP)
        if is_stale(pid_file, self._data):
            # Postgres would refuse to start if some other program had the number by now. Data in
            # use is still noticed: its shared memory is found by the data folder's inode.
            pid_file.unlink(missing_ok=True)

    async def _make_cluster(self) -> None:
        """Run initdb beside the final place, so that a cluster is either whole or absent."""
        unfinished = self._state / "postgres.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._identity.own(unfinished)
        began = log_size(self._log_file)
        process = spawn(
            [
                *(self._programs.initdb, "-D", unfinished, "-U", ROLE, "-k", "-E", "UTF8"),
                *("--auth-local=peer", "--auth-host=reject", "--no-instructions"),
                *self._locale_arguments(),
            ],
            identity=self._identity,
            log_file=self._log_file,
            when_orphaned=signal.SIGKILL,
        )
        try:
            done = await wait(process, INITDB_TIMEOUT_S)
        finally:
            await end(process, ((signal.SIGTERM, 5.0),))
        if not done or process.returncode != 0:
            raise CannotStart(f"initdb failed:\n{last_lines(self._log_file, began)}")
        unfinished.rename(self._data)
        _sync_directory(self._state)

    def _locale_arguments(self) -> tuple[str, ...]:
        """Postgres's own C.UTF-8 sorts the same on every machine; before 17 there was only C."""
        if self._programs.major >= _BUILTIN_LOCALE_MAJOR:
            return "--locale-provider=builtin", "--builtin-locale=C.UTF-8"
        return ("--locale=C",)

    def _check_data(self) -> None:
        try:
            major = int((self._data / "PG_VERSION").read_text())
        except (FileNotFoundError, ValueError):
            raise CannotStart(
                f"{self._data} is damaged: it has no PG_VERSION; restore a backup"
            ) from None
        if major != self._programs.major:
            raise CannotStart(
                f"{self._data} was written by Postgres {major}, and {self._programs.directory} is "
                f"{self._programs.major}: set CALLBOX_POSTGRES_BIN to a {major}, or run pg_upgrade"
            )
        if self._data.stat().st_uid != self._identity.uid:
            raise CannotStart(
                f"{self._data} belongs to user {self._data.stat().st_uid} and the server would run "
                f"as {self._identity.uid}: start Callbox as the user who made it"
            )

    def _write_access_files(self) -> None:
        """On each start, since the user who runs Callbox may have another name by now."""
        for name, line in (
            ("pg_hba.conf", "local all all peer map=callbox\n"),
            ("pg_ident.conf", f'callbox "{user_name()}" all\n'),
        ):
            file = self._state / name
            file.write_text(line)
            self._identity.share(file)

    async def _try_start(self) -> bool:
        """True when it answers; false when what an earlier one left is still in the way."""
        began = log_size(self._log_file)
        self._process = spawn(
            self._arguments(),
            identity=self._identity,
            log_file=self._log_file,
            when_orphaned=signal.SIGINT,
        )
        await self._until_it_answers(self._process)
        if self._process.poll() is None:
            return True
        said = last_lines(self._log_file, began)
        if any(reason in said for reason in _BUSY):
            return False
        raise CannotStart(f"Postgres ended while it started:\n{said}")

    def _arguments(self) -> list[str | Path]:
        options = {
            **self._options,
            "unix_socket_directories": str(self._sockets),
            "hba_file": str(self._state / "pg_hba.conf"),
            "ident_file": str(self._state / "pg_ident.conf"),
            "port": str(PORT),
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return [self._programs.postgres, "-D", self._data, *settings]

    async def _until_it_answers(self, process: subprocess.Popen[bytes]) -> None:
        """Return when it lets us in or has ended.

        Raises:
            CannotStart: it is still replaying its log after the time an operator allows.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._recovery_timeout_s
        pause_s = 0.02
        while process.poll() is None:
            try:
                await (await self._connect("postgres")).close()
            except NOT_YET:
                if loop.time() > deadline:
                    raise CannotStart(
                        f"Postgres still recovers after {self._recovery_timeout_s:.0f} s; its data "
                        f"is whole, it needs longer: raise CALLBOX_RECOVERY_TIMEOUT_S. It said:\n"
                        f"{last_lines(self._log_file)}"
                    ) from None
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 1.2, 1.0)
            else:
                return

    async def _ensure_database(self) -> None:
        connection = await self._connect("postgres")
        try:
            known = "SELECT 1 FROM pg_database WHERE datname = $1"
            if await connection.fetchval(known, DATABASE) is None:
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close()

    async def _connect(self, database: str) -> "asyncpg.Connection[asyncpg.Record]":
        return await asyncpg.connect(
            host=str(self._sockets), port=PORT, user=ROLE, database=database, timeout=10
        )


def _sync_directory(directory: Path) -> None:
    """Make a rename survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
