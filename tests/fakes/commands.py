"""The program run with one command, beside a database that others use.

Each command is a process of its own, forked from one that has imported the program already: what a
start costs is measured elsewhere, and paid here once.
"""

import asyncio
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cli
from core.store.embedded import ServiceUrls

ROOT = Path(cli.__file__).parents[1]
_PROCESSES = multiprocessing.get_context("forkserver")
_PROCESSES.set_forkserver_preload(["cli.main", "cli.processes", "tests.fakes.commands"])


@dataclass(frozen=True, slots=True)
class Said:
    status: int
    out: str
    err: str


Run = Callable[..., Awaitable[Said]]


def runner(urls: ServiceUrls, home: Path) -> Run:
    """Runs commands on these services. `text` is typed at it; other words are its arguments."""
    environment = {
        **os.environ,
        "CALLBOX_HOME": str(home),
        "CALLBOX_SECRET_KEY": "a secret key of a test",
        "DATABASE_URL": urls.database_url,
        "REDIS_URL": urls.redis_url,
    }

    def once(arguments: tuple[str, ...], text: str) -> Said:
        with tempfile.TemporaryDirectory() as folder:
            streams = Path(folder)
            (streams / "in").write_text(text)
            program = _PROCESSES.Process(target=_main, args=(arguments, environment, streams))
            program.start()
            program.join()
            assert program.exitcode is not None
            return Said(
                program.exitcode, (streams / "out").read_text(), (streams / "err").read_text()
            )

    async def run(*arguments: str, text: str = "") -> Said:
        return await asyncio.to_thread(once, arguments, text)

    return run


def _main(arguments: tuple[str, ...], environment: Mapping[str, str], streams: Path) -> None:
    """The console script's way in, on its own streams."""
    from cli.main import main

    for number, name, flags in ((0, "in", os.O_RDONLY), (1, "out", None), (2, "err", None)):
        opened = os.open(streams / name, flags if flags is not None else os.O_WRONLY | os.O_CREAT)
        os.dup2(opened, number)
    sys.stdin = os.fdopen(0, "r", closefd=False)
    sys.stdout = os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", closefd=False)
    os.chdir(ROOT)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["callbox", *arguments]
    try:
        main()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
