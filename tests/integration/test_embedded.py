"""Embedded services: real servers, real kills, as root and as an ordinary user."""

import asyncio
import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis.asyncio as redis
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from core.kit import logging
from core.store.embedded import AlreadyRunning, CannotStart, ServiceUrls, start_services
from core.store.embedded.binaries import (
    postgres_programs,
    reachable_postgres,
    reachable_valkey,
    valkey_program,
)
from core.store.embedded.identity import Identity, servers_identity
from core.store.embedded.postgres import Postgres

REPOSITORY = Path(__file__).parents[2]
AS_ROOT = os.geteuid() == 0
needs_root = pytest.mark.skipif(not AS_ROOT, reason="only root can become another user")
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="the kernel must end orphans")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that every user may pass through; what Callbox puts outside a home is below it."""
    path = Path(os.path.realpath(tempfile.mkdtemp(prefix="t-", dir="/tmp")))
    path.chmod(0o755)
    monkeypatch.setenv("CALLBOX_STATE_ROOT", str(path / "state"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def home(folder: Path) -> Path:
    return folder / ".callbox"


@pytest.fixture
def state(folder: Path) -> Path:
    """What a Postgres of its own is put in, with no lock around it."""
    path = folder / "state"
    path.mkdir(mode=0o755)
    return path


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    """A process that has nothing to do with Callbox, of the user who runs the servers."""
    with subprocess.Popen(["sleep", "60"], **servers_identity().popen) as process:
        yield process
        process.kill()


def names_in(directory: Path) -> list[str]:
    """None when the folder is not there either."""
    return sorted(os.listdir(directory)) if directory.exists() else []


# ---- using the services -------------------------------------------------------------------------


@asynccontextmanager
async def engine(urls: ServiceUrls) -> AsyncIterator[AsyncEngine]:
    made = create_async_engine(urls.database_url)
    try:
        yield made
    finally:
        await made.dispose()


async def ask(urls: ServiceUrls, sql: str) -> object:
    async with engine(urls) as made, made.connect() as connection:
        return (await connection.execute(text(sql))).scalar_one()


async def write(urls: ServiceUrls, rows: int) -> None:
    """Commit that many rows, one by one, so that each was acknowledged."""
    async with engine(urls) as made:
        async with made.begin() as connection:
            await connection.execute(text("CREATE TABLE IF NOT EXISTS kept (n int)"))
        for number in range(rows):
            async with made.begin() as connection:
                await connection.execute(text("INSERT INTO kept VALUES (:n)"), {"n": number})


async def remember(urls: ServiceUrls, key: str) -> None:
    async with redis.from_url(urls.redis_url) as client:
        await client.set(key, "here")


async def recall(urls: ServiceUrls, key: str) -> object:
    async with redis.from_url(urls.redis_url) as client:
        return await client.get(key)


# ---- a program of its own, to kill --------------------------------------------------------------


def serve() -> None:
    """Run services until killed: `serve(home, uid)` from the command line, uid 0 for as is."""
    logging.configure(json=True)
    home, uid = Path(sys.argv[1]), int(sys.argv[2])
    if uid:
        asyncio.run(_load_everything())
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    asyncio.run(_serve(home))


async def _load_everything() -> None:
    """Import what is imported late, while root: the interpreter may be closed to other users."""
    with tempfile.TemporaryDirectory() as home:
        async with start_services(Path(home), throwaway=True):
            pass


async def _serve(home: Path) -> None:
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, asked_to_stop.set)
    async with start_services(home) as urls:
        sys.stdout.write(f"{urls.database_url} {urls.redis_url}\n")
        sys.stdout.flush()
        await asked_to_stop.wait()


@dataclass(frozen=True)
class App:
    process: asyncio.subprocess.Process
    urls: ServiceUrls

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()

    async def ended_cleanly(self) -> bool:
        self.process.terminate()
        return await self.process.wait() == 0


@asynccontextmanager
async def app(home: Path, uid: int = 0, **environment: str) -> AsyncIterator[App]:
    code = "from tests.integration.test_embedded import serve; serve()"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", code, str(home), str(uid)),
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        line = (await process.stdout.readline()).decode()
        assert line, "the program ended before its services were up"
        yield App(process, ServiceUrls(*line.split()))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def servers_of(folder: Path) -> set[int]:
    """Processes that were given a path below the folder, and all of their children."""
    listing = subprocess.check_output(["ps", "-axww", "-o", "pid=,ppid=,stat=,args="], text=True)
    rows = [line.split(None, 3) for line in listing.splitlines()]
    alive = [row for row in rows if len(row) == 4 and not row[2].startswith("Z")]
    programs = ("postgres ", "valkey-server ")
    found = {
        int(pid)
        for pid, _, _, args in alive
        if str(folder) in args and any(f"/{name}" in args for name in programs)
    }
    return found | {int(pid) for pid, parent, _, _ in alive if int(parent) in found}


async def gone(folder: Path, within_s: float = 10) -> bool:
    for _ in range(int(within_s / 0.05)):
        if not servers_of(folder):
            return True
        await asyncio.sleep(0.05)
    return False


# ---- what holds ---------------------------------------------------------------------------------


async def test_services_answer_and_keep_their_data_over_a_clean_stop(home: Path) -> None:
    """The first start makes a database, the second finds it and has nothing to repair."""
    async with start_services(home) as urls:
        await write(urls, 3)
        await remember(urls, "turn")
        first = await ask(urls, "SELECT system_identifier FROM pg_control_system()")

    assert await gone(home)
    log_file = home / "services" / "postgres.log"
    before = log_file.stat().st_size
    began = asyncio.get_running_loop().time()
    async with start_services(home) as urls:
        assert asyncio.get_running_loop().time() - began < 5
        assert await ask(urls, "SELECT system_identifier FROM pg_control_system()") == first
        assert await ask(urls, "SELECT count(*) FROM kept") == 3
        assert await recall(urls, "turn") == b"here"
    assert "not properly shut down" not in log_file.read_text()[before:]


async def test_the_database_is_durable_and_on_no_network(home: Path) -> None:
    """Nothing that keeps a commit is switched off, and only a unix socket leads in."""
    async with start_services(home, throwaway=True) as urls:
        for setting, value in {
            "fsync": "on",
            "synchronous_commit": "on",
            "full_page_writes": "on",
            "data_checksums": "on",
            "listen_addresses": "",
            "server_encoding": "UTF8",
        }.items():
            assert await ask(urls, f"SELECT current_setting('{setting}')") == value
        assert await ask(urls, "SELECT current_user") == "callbox"
        assert await ask(urls, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        sockets = home / "services" / "run"
        assert stat.S_IMODE(sockets.stat().st_mode) == 0o700
        async with redis.from_url(urls.redis_url) as client:
            assert (await client.config_get("port"))["port"] == "0"
            assert (await client.config_get("maxmemory-policy"))["maxmemory-policy"] == "noeviction"


async def test_a_second_instance_is_refused_and_does_not_disturb_the_first(home: Path) -> None:
    """Two servers on one folder would ruin it; the message names the one that runs."""
    async with start_services(home) as urls:
        gate = (home / "services").stat()
        with pytest.raises(AlreadyRunning, match=rf"process {os.getpid()}\b"):
            async with start_services(home):
                pass
        assert (home / "services").stat().st_gid == gate.st_gid
        await write(urls, 1)
        assert await ask(urls, "SELECT count(*) FROM kept") == 1


async def test_given_addresses_are_handed_back_and_nothing_is_started(home: Path) -> None:
    """With both addresses given not even a folder is made."""
    async with start_services(home, database_url="d", redis_url="r") as urls:
        assert urls == ServiceUrls("d", "r")
    assert names_in(home.parent) == []


async def test_only_what_is_missing_is_started(home: Path) -> None:
    """A given database leaves only Valkey to start."""
    async with start_services(home, database_url="d", throwaway=True) as urls:
        assert urls.database_url == "d"
        await remember(urls, "turn")
        assert not (home / "services" / "postgres").exists()


async def test_a_throwaway_leaves_nothing(home: Path) -> None:
    """Tests take no room after they end."""
    async with start_services(home, throwaway=True) as urls:
        await write(urls, 1)
        state = (home / "services").resolve()
    assert not state.exists()
    assert names_in(home) == []


async def test_data_that_is_meant_to_last_is_never_thrown_away(home: Path) -> None:
    """A test that is pointed at a real home by mistake is refused before it starts anything."""
    async with start_services(home) as urls:
        await write(urls, 1)
    with pytest.raises(CannotStart, match="not thrown away"):
        async with start_services(home, throwaway=True):
            pass
    async with start_services(home) as urls:
        assert await ask(urls, "SELECT count(*) FROM kept") == 1


@needs_linux
async def test_servers_do_not_outlive_a_killed_program(home: Path) -> None:
    """SIGKILL of Callbox alone: the kernel ends the servers, and what was written is there."""
    async with app(home) as running:
        await write(running.urls, 20)
        await remember(running.urls, "turn")
        assert servers_of(home)
        await running.kill()

    assert await gone(home)
    async with start_services(home) as urls:
        assert await ask(urls, "SELECT count(*) FROM kept") == 20
        assert await recall(urls, "turn") == b"here"


async def test_committed_rows_survive_the_death_of_every_process(home: Path) -> None:
    """SIGKILL of Callbox and all servers at once, as a power cut would."""
    async with app(home) as running:
        await write(running.urls, 50)
        await remember(running.urls, "turn")
        running.process.send_signal(signal.SIGSTOP)
        for pid in servers_of(home):
            with contextlib.suppress(ProcessLookupError):  # a child that had just ended
                os.kill(pid, signal.SIGKILL)
        await running.kill()

    async with start_services(home) as urls:
        assert await ask(urls, "SELECT count(*) FROM kept") == 50
        assert await recall(urls, "turn") == b"here"
    assert "not properly shut down" in (home / "services" / "postgres.log").read_text()


async def test_a_killed_server_is_started_again_at_the_same_address(home: Path) -> None:
    """One dead server does not take the program down for good."""
    async with start_services(home) as urls:
        await write(urls, 5)
        for pid in servers_of(home):
            with contextlib.suppress(ProcessLookupError):  # a child that had just ended
                os.kill(pid, signal.SIGKILL)
        assert await answers_again(urls)
        assert await ask(urls, "SELECT count(*) FROM kept") == 5


async def answers_again(urls: ServiceUrls, within_s: float = 15) -> bool:
    for _ in range(int(within_s / 0.1)):
        try:
            await ask(urls, "SELECT 1")
            await remember(urls, "turn")
        except (OSError, DBAPIError, redis.ConnectionError):
            await asyncio.sleep(0.1)
        else:
            return True
    return False


async def test_a_server_left_over_from_an_earlier_run_is_ended_first(state: Path) -> None:
    """Where no kernel ends orphans, the next start finds the old server and takes over its data."""
    old, new = postgres_on(state), postgres_on(state)
    try:
        await old.start()
        await write(ServiceUrls(old.url, ""), 2)
        await new.start()
        assert old.ended
        assert await ask(ServiceUrls(new.url, ""), "SELECT count(*) FROM kept") == 2
    finally:
        await new.stop()
        await old.stop()


async def test_a_stranger_with_the_number_of_a_dead_server_is_left_alone(
    state: Path, stranger: subprocess.Popen[bytes]
) -> None:
    """Numbers are used again: a pid file alone neither ends a process nor blocks a start."""
    postgres = postgres_on(state)
    await postgres.start()
    await postgres.stop()
    pid_file = state / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{stranger.pid}\n{state / 'postgres'}\n")
    shutil.chown(pid_file, servers_identity().uid)
    await postgres.start()
    await postgres.stop()
    assert stranger.poll() is None


def postgres_on(state: Path) -> Postgres:
    """A Postgres as `start_services` makes it."""
    who = servers_identity()
    who.own(state / "run")
    return Postgres(
        reachable_postgres(postgres_programs(None), who, state / "programs"),
        state=state,
        sockets=state / "run",
        identity=who,
        shared_buffers="32MB",
        recovery_timeout_s=30,
    )


async def test_a_deep_home_has_its_sockets_in_a_short_folder(folder: Path) -> None:
    """Unix socket paths end at some hundred bytes; homes do not, nor are their names plain."""
    home = folder / ("deep, and long " * 8) / "d'eep" / ".callbox"
    async with start_services(home) as urls:
        await write(urls, 1)
        await remember(urls, "turn")
        short = (home / "services" / "run").resolve()
        assert len(str(short)) < 60
        assert stat.S_IMODE(short.parent.stat().st_mode) & 0o007 == 0
    assert not short.parent.exists()


@needs_linux
async def test_the_short_folder_of_a_killed_program_is_cleared_away(folder: Path) -> None:
    """Each start clears what the last one could not."""
    home = folder / ("deep" * 30) / ".callbox"
    async with app(home) as running:
        left = (home / "services" / "run").resolve()
        await running.kill()
    assert await gone(home)
    async with start_services(home):
        assert not left.parent.exists()


async def test_a_server_that_cannot_start_says_why(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault carries the server's own last words, and nothing stays behind."""
    monkeypatch.setenv("CALLBOX_POSTGRES_SHARED_BUFFERS", "999999999GB")
    with pytest.raises(CannotStart, match="shared_buffers"):
        async with start_services(home):
            pass
    assert await gone(home)


async def test_a_folder_without_a_usable_postgres_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong setting is named, not passed over for another Postgres."""
    monkeypatch.setenv("CALLBOX_POSTGRES_BIN", "/usr/bin")
    with pytest.raises(CannotStart, match="CALLBOX_POSTGRES_BIN=/usr/bin"):
        async with start_services(home):
            pass


async def test_servers_are_started_on_the_main_thread_only(home: Path) -> None:
    """Children of a pool's thread would be ended with that thread."""

    async def attempt() -> None:
        async with start_services(home):
            pass

    with pytest.raises(CannotStart, match="main thread"):
        await asyncio.to_thread(asyncio.run, attempt())


# ---- root ---------------------------------------------------------------------------------------


@needs_root
async def test_root_in_a_closed_home_keeps_the_data_where_the_servers_can_reach_it(
    folder: Path,
) -> None:
    """Under a folder for root only: no permission of it changes, and the home links to the data."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    home = closed / ".callbox"
    async with start_services(home) as urls:
        await write(urls, 4)
        state = (home / "services").resolve()
        assert state.parent == folder / "state"
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700
        nobody = pwd.getpwnam("nobody").pw_uid
        assert (state / "postgres").stat().st_uid == nobody
        assert not Identity(nobody, nobody, switched=True).may_execute(state)
    async with start_services(home) as urls:
        assert await ask(urls, "SELECT count(*) FROM kept") == 4


@needs_root
async def test_another_process_of_nobody_cannot_connect(home: Path) -> None:
    """Root's servers share their user with strangers, and still do not let them in."""
    nobody = pwd.getpwnam("nobody").pw_uid
    async with start_services(home, throwaway=True):
        state = home / "services"
        socket = state / "run" / ".s.PGSQL.5432"
        assert not Identity(nobody, nobody, switched=True).may_execute(socket.parent)
        # Even one that got past the folders is refused by Postgres itself.
        gid = state.stat().st_gid
        knock = (
            "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); "
            "b = b'\\0\\3\\0\\0user\\0callbox\\0database\\0callbox\\0\\0'; "
            "s.sendall((len(b) + 4).to_bytes(4, 'big') + b); sys.stdout.buffer.write(s.recv(999))"
        )
        said = await asyncio.to_thread(
            _python_as, Identity(nobody, gid, switched=True), knock, socket
        )
        assert b"Peer authentication failed" in said


def _python_as(identity: Identity, code: str, argument: Path) -> bytes:
    """Run a line of Python as somebody else, who may not be able to reach the interpreter."""
    become = (
        "import os, socket; os.setgroups([]); "
        f"os.setgid({identity.gid}); os.setuid({identity.uid}); "
    )
    return subprocess.check_output([sys.executable, "-c", become + code, str(argument)])


@needs_root
async def test_root_copies_programs_that_its_servers_cannot_reach(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment below /root: the programs are copied once, with their libraries."""
    home, closed = folder / ".callbox", folder / "closed"
    programs = copied_programs(closed / "environment")
    closed.chmod(0o700)
    for name, value in programs.items():
        monkeypatch.setenv(name, value)
    async with start_services(home) as urls:
        assert await ask(urls, "SELECT 1") == 1
    copies = {path.name: path.stat().st_ino for path in (home / "services/programs").iterdir()}
    assert len(copies) == 2
    async with start_services(home) as urls:
        assert await ask(urls, "SELECT 1") == 1
    again = {path.name: path.stat().st_ino for path in (home / "services/programs").iterdir()}
    assert again == copies


@needs_root
async def test_an_ordinary_user_runs_the_servers_as_itself(folder: Path) -> None:
    """No root, no system folder, nothing outside the home; killed, started again, stopped."""
    uid = pwd.getpwnam("nobody").pw_uid
    mine = folder / "mine"
    mine.mkdir(mode=0o700)
    shutil.chown(mine, uid, uid)
    programs = copied_programs(folder / "programs")
    home = mine / ".callbox"
    async with app(home, uid, **programs) as running:
        assert (home / "services" / "postgres").stat().st_uid == uid
        assert (home / "services").stat().st_mode & 0o077 == 0
        await running.kill()
    async with app(home, uid, **programs) as running:
        assert await running.ended_cleanly()
    assert not servers_of(home)
    assert names_in(folder) == ["mine", "programs"]


def copied_programs(target: Path) -> dict[str, str]:
    """The servers' programs in a folder that everybody may read, as settings that name it."""
    target.mkdir(parents=True)
    stranger = Identity(pwd.getpwnam("nobody").pw_uid, 65000, switched=True)
    nothing_reachable = Unreachable(stranger.uid, stranger.gid, switched=True)
    postgres = reachable_postgres(postgres_programs(None), nothing_reachable, target)
    valkey = reachable_valkey(valkey_program(None), nothing_reachable, target)
    return {
        "CALLBOX_POSTGRES_BIN": str(postgres.directory),
        "CALLBOX_VALKEY_BIN": str(valkey.parent),
    }


class Unreachable(Identity):
    """A user who can run nothing that is installed."""

    def may_execute(self, path: Path) -> bool:
        return False


@needs_root
async def test_lost_data_is_not_replaced_by_an_empty_database(folder: Path) -> None:
    """A link into nothing means that money is elsewhere."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    home = closed / ".callbox"
    async with start_services(home, database_url="d"):
        state = (home / "services").resolve()
    shutil.rmtree(state)
    with pytest.raises(CannotStart, match=f"{state}, which is gone"):
        async with start_services(home):
            pass
