"""Where embedded services keep their things.

Everything is under `<home>/services`, which is the state folder itself or a link to it:

    lock            held while Callbox runs here; names the process
    postgres/       the database            valkey/   the append-only file
    run/            the unix sockets, or a link to a short folder that holds them
    programs/       copies of the servers, when their user cannot reach the installed ones
    *.log           what the servers say

**Root with a closed home.** Under /root, as a rule, nobody but root may enter. Opening folders that
are not ours would be wrong, and Postgres resolves its own paths, so descriptors inherited from
root do not carry it past a closed folder. The state folder is then made below `state_root`
(/var/lib/callbox), which only root and the servers enter, and the home keeps a link to it.
The link travels with a home that is moved. When what it points to is gone, the start is refused:
an empty database in place of one with money in it would be worse.
"""

import fcntl
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from core.store.embedded.faults import AlreadyRunning, CannotStart
from core.store.embedded.identity import Identity

log = structlog.get_logger(__name__)

SOCKET_PATH_BYTES_MAX = 107 if sys.platform == "linux" else 103
"""What fits in `sockaddr_un.sun_path` before its final zero."""

LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
_SHORT_PREFIX = "callbox-"
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-")


def open_state(home: Path, identity: Identity, root: Path) -> Path:
    """Find or make the state folder of a home. Whoever gets its lock may open its gate.

    Args:
        home: the folder that the operator chose, symbolic links resolved; created when missing.
        identity: who has to be able to reach it.
        root: where to make it when the home is closed to `identity`.

    Raises:
        CannotStart: it is gone, belongs to somebody else, or cannot be made.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        state = _resolve_state(home, identity, root)
        if state.stat().st_uid != os.geteuid():
            raise CannotStart(
                f"{state} belongs to another user: run Callbox as that user, "
                "or set another CALLBOX_HOME"
            )
    except OSError as error:
        raise CannotStart(f"cannot keep data in {home}: {error}") from error
    return state


def _resolve_state(home: Path, identity: Identity, root: Path) -> Path:
    state = home / "services"
    if state.is_symlink():
        return _follow(state)
    if identity.may_execute(home):
        state.mkdir(mode=0o700, exist_ok=True)
        return state
    if state.exists():
        raise CannotStart(
            f"the servers can no longer enter {home}, where their data is: "
            f"let other users pass through it and every folder above (chmod o+x)"
        )
    return _make_elsewhere(state, identity, root)


def _follow(link: Path) -> Path:
    target = Path(os.path.realpath(link))
    if not target.is_dir():
        raise CannotStart(
            f"the data of {link.parent} was in {target}, which is gone: put it back, "
            f"or remove {link} to start with an empty database"
        )
    return target


def _make_elsewhere(link: Path, identity: Identity, root: Path) -> Path:
    root.mkdir(mode=0o711, parents=True, exist_ok=True)
    if not identity.may_execute(root):
        raise CannotStart(
            f"neither {link.parent} nor {root} can be entered by the servers' user: "
            "set CALLBOX_STATE_ROOT to a folder that other users may pass through"
        )
    target = root / f"{link.parent.name.lstrip('.') or 'home'}-{secrets.token_hex(4)}"
    target.mkdir(mode=0o700)
    (target / "home").write_text(f"{link.parent}\n")
    try:
        link.symlink_to(target)
    except FileExistsError:  # another first start was quicker; its lock decides the rest
        shutil.rmtree(target)
        return _follow(link)
    log.warning("embedded.state_elsewhere", home=str(link.parent), state=str(target))
    return target


def resolved(home: Path) -> Path:
    """One home has one name, however it is written."""
    return home.expanduser().resolve()


def mark_throwaway(state: Path) -> None:
    """Note that the data of a locked state folder may be removed, unless it is somebody's.

    Raises:
        CannotStart: it holds data that was not made to be thrown away.
    """
    marker = state / "throwaway"
    if any((state / name).exists() for name in ("postgres", "valkey")) and not marker.exists():
        raise CannotStart(f"{state} holds data that is not a test's: it is not thrown away")
    marker.touch(mode=0o600)


def remove_state(home: Path) -> None:
    """Take away a state folder and the link to it. The servers have stopped."""
    link = home / "services"
    target = Path(os.path.realpath(link))
    shutil.rmtree(target, ignore_errors=True)
    if link.is_symlink():
        link.unlink()


@contextmanager
def locked(home: Path, state: Path) -> Iterator[None]:
    """Keep every other process off a state folder. The system lets go when this process dies.

    Raises:
        AlreadyRunning: another process holds it.
    """
    descriptor = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 32).decode(errors="replace").strip()
            raise AlreadyRunning(home, f"process {holder or 'unknown'}") from None
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


@contextmanager
def sockets(state: Path, identity: Identity) -> Iterator[Path]:
    """An empty folder for unix sockets, with a path short and plain enough for every program.

    It is `<state>/run` where that fits. Else it is in a private temporary folder, and
    `<state>/run` links to it, so that a start after a crash can clear away the old one.
    """
    run = state / "run"
    _clear(run)
    if _fits(run):
        identity.own(run)
    else:
        gate = Path(tempfile.mkdtemp(prefix=_SHORT_PREFIX, dir=_short_root(identity)))
        run.symlink_to(gate / "run")
        identity.gate(gate)
        identity.own(gate / "run")
    try:
        yield Path(os.path.realpath(run))
    finally:
        _clear(run)


def _clear(run: Path) -> None:
    if not run.is_symlink():
        shutil.rmtree(run, ignore_errors=True)
        return
    gate = run.readlink().parent
    if gate.name.startswith(_SHORT_PREFIX) and gate.exists():
        status = gate.lstat()
        if status.st_uid == os.geteuid():  # a reboot may have given the name to somebody else
            shutil.rmtree(gate, ignore_errors=True)
    run.unlink()


def _fits(directory: Path) -> bool:
    """Postgres takes a list of folders here, so a comma or a quote in the name would split it."""
    longest = os.fsencode(directory / LONGEST_SOCKET_NAME)
    return len(longest) <= SOCKET_PATH_BYTES_MAX and _PLAIN.issuperset(str(directory))


def short_roots() -> tuple[Path, ...]:
    """Temporary folders, the user's own first."""
    return Path(os.path.realpath(tempfile.gettempdir())), Path("/tmp"), Path("/var/tmp")  # noqa: S108 - mkdtemp inside is private


def _short_root(identity: Identity) -> Path:
    for root in short_roots():
        if _fits(root / f"{_SHORT_PREFIX}12345678" / "run") and identity.may_execute(root):
            return root
    raise CannotStart("no temporary folder has a path short enough for unix sockets: set TMPDIR")
