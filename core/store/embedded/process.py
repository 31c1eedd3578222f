"""One server as a child of this process: started, watched, stopped, and never outliving it."""

import asyncio
import ctypes
import os
import platform
import signal
import subprocess
import threading
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import BinaryIO

import structlog

from core.store.embedded.faults import CannotStart
from core.store.embedded.identity import Identity

log = structlog.get_logger(__name__)

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC", "HOME": "/"}
"""All that a server gets of ours: no secret, no PG* variable, no locale of the machine."""

ON_LINUX = platform.system() == "Linux"
LOG_BYTES_MAX = 10_000_000
_POLL_S = 0.02
_PR_SET_PDEATHSIG = 1

Steps = Sequence[tuple[signal.Signals, float]]
"""Signals to end a server with, and the seconds it gets after each."""


def spawn(
    argv: Sequence[str | Path], *, identity: Identity, log_file: Path, when_orphaned: signal.Signals
) -> subprocess.Popen[bytes]:
    """Start a program as the servers' user, in a session of its own so that Ctrl-C misses it.

    On Linux the kernel sends it `when_orphaned` as soon as this process is gone, however it went.
    Elsewhere it may stay, and the next start ends it (`end_leftover`).

    Must be called on the main thread: what the kernel watches is the thread that started the
    child, and a pool's thread ends long before the program does.
    """
    if threading.current_thread() is not threading.main_thread():
        raise CannotStart("embedded services must be started on the main thread")
    before_exec = None
    if ON_LINUX:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        before_exec = partial(_die_with_parent, prctl, when_orphaned.value, os.getpid())
    with _opened(log_file) as output:
        return subprocess.Popen(  # noqa: S603 - our own programs and arguments
            argv,
            **identity.popen,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd="/",
            env=ENVIRONMENT,
            start_new_session=True,
            # Runs after the change of user, which would undo it, and takes no lock.
            preexec_fn=before_exec,  # noqa: PLW1509 - nothing else can set it before exec
        )


def _die_with_parent(prctl: Callable[[int, int], int], number: int, parent: int) -> None:
    prctl(_PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def _opened(log_file: Path) -> BinaryIO:
    if log_file.exists() and log_file.stat().st_size > LOG_BYTES_MAX:
        log_file.replace(log_file.with_suffix(".log.1"))
    return os.fdopen(os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), "ab")


def output_of(argv: Sequence[str | Path]) -> str:
    """What a short-lived program prints; nothing when it fails."""
    answer = subprocess.run(argv, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    return answer.stdout


def last_lines(log_file: Path, since: int = 0, count: int = 12) -> str:
    """The end of what a server said after `since` bytes of its log, for an operator to read."""
    text = log_file.read_bytes()[since:][-8000:].decode(errors="replace")
    return "\n".join(text.splitlines()[-count:]) or "(it said nothing)"


def log_size(log_file: Path) -> int:
    """Where in its log a server that starts now will begin."""
    return log_file.stat().st_size if log_file.exists() else 0


async def wait(process: subprocess.Popen[bytes], within_s: float) -> bool:
    """True when the child has ended within that time."""
    return await _until(lambda: process.poll() is not None, within_s)


async def end(process: subprocess.Popen[bytes], steps: Steps) -> None:
    """Ask a child to end, more firmly at each step, and at last kill it."""
    for number, patience_s in steps:
        if process.poll() is not None:
            return
        process.send_signal(number)
        if await wait(process, patience_s):
            return
    log.warning("embedded.killed", process=process.pid)
    process.kill()
    process.wait()


async def end_leftover(pid_file: Path, data: Path, steps: Steps) -> None:
    """Stop a server that an earlier Callbox left behind on this data, if it is still there.

    A number alone proves nothing, since the system uses numbers again: the process counts only
    when its command line names the data folder.

    Raises:
        CannotStart: it does not end.
    """
    pid = _read_pid(pid_file)
    if pid is None or not _serves(pid, data):
        return
    log.warning("embedded.leftover", process=pid, data=str(data))
    for number, patience_s in steps:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        if await _until(lambda: not _serves(pid, data), patience_s):
            return
    raise CannotStart(f"process {pid}, left over from an earlier run on {data}, does not end")


def is_stale(pid_file: Path, data: Path) -> bool:
    """True when a pid file names no server of this data, so it says nothing about now."""
    pid = _read_pid(pid_file)
    return pid is None or not _serves(pid, data)


def _read_pid(pid_file: Path) -> int | None:
    try:
        return int(pid_file.read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _serves(pid: int, data: Path) -> bool:
    """Whether a running process has the data folder among its arguments. A zombie has none."""
    if not ON_LINUX:
        return str(data) in output_of(["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)])
    try:
        return os.fsencode(data) in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


async def _until(holds: Callable[[], bool], within_s: float) -> bool:
    """Look until something holds; false when it still does not after that time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    while not holds():
        if loop.time() >= deadline:
            return False
        await asyncio.sleep(_POLL_S)
    return True
