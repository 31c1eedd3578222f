"""Postgres's own benchmark (TPC-B-like) on a cluster of ours: what this machine can do."""

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import make_url

from core.store.embedded.binaries import postgres_programs
from tests.fakes.database import connect, renamed

SCALE = 50
CLIENTS = 16
THREADS = 2
SECONDS = 8

_DATABASE = "pgbench"


@dataclass(frozen=True, slots=True)
class PgBench:
    """`prepared` makes its tables once; `run` measures, as often as wanted."""

    program: Path
    database_url: str

    @classmethod
    async def prepared(cls, database_url: str) -> "PgBench":
        admin = await connect(database_url)
        await admin.execute(f"create database {_DATABASE}")
        await admin.close()
        program = postgres_programs(None).directory / "pgbench"
        made = cls(program, renamed(database_url, _DATABASE))
        await made._output("-i", "-q", "-s", str(SCALE))
        return made

    async def run(self) -> float:
        """Transactions per second, by prepared statements."""
        load = ("-c", str(CLIENTS), "-j", str(THREADS), "-T", str(SECONDS))
        said = await self._output("-n", "-M", "prepared", *load)
        found = re.search(r"^tps = ([\d.]+)", said, re.MULTILINE)
        assert found is not None, said
        return float(found[1])

    async def _output(self, *arguments: str) -> str:
        url = make_url(self.database_url)
        where = (
            "-h",
            str(url.query["host"]),
            "-p",
            str(url.query["port"]),
            "-U",
            str(url.username),
        )
        process = await asyncio.create_subprocess_exec(
            str(self.program),
            *where,
            *arguments,
            _DATABASE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        said, complained = await process.communicate()
        assert process.returncode == 0, complained.decode()
        return said.decode()
