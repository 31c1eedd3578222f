"""The program run with one command, beside a database that others use."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import cli
from core.store.embedded import ServiceUrls

ROOT = Path(cli.__file__).parents[1]


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

    async def once(*arguments: str, text: str = "") -> Said:
        program = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from cli.main import main; main()", *arguments),
            cwd=ROOT,
            env=environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        out, err = await program.communicate(text.encode())
        assert program.returncode is not None
        return Said(program.returncode, out.decode(), err.decode())

    return once
