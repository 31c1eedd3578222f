"""Routers from a CSV file: each line is judged by itself, and told about by its number.

The first line names the columns, in any order: `name`, `host`, `username` and `password` are
needed, the rest as `callbox routers add` has them. No line is made whose fields are wrong.
"""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, cast
from uuid import UUID

from core.kit.errors import Problem
from core.services.router_desk import BadRouter, RouterDesk, RouterFields, RouterNameTaken

LINES_MAX = 1000
_NEEDED = ("name", "host", "username", "password")
_TRUE, _FALSE = frozenset({"1", "yes", "true", "on"}), frozenset({"0", "no", "false", "off"})
_CELL_MAX = 10_000


class BadFile(Problem):
    """The file as a whole cannot be read. `words` says why."""

    code = "router.file_invalid"

    def __init__(self, words: str) -> None:
        super().__init__(words=words)
        self.words = words


class LineStatus(StrEnum):
    ADDED = "added"
    VALID = "valid"  # of a file that was only checked
    EXISTS = "exists"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class LineTold:
    """What became of one line. `line` counts as an editor does, the heading is 1."""

    line: int
    name: str
    status: LineStatus
    router_id: UUID | None
    wrong: Mapping[str, str]


def _truth(text: str) -> bool:
    if text.lower() in _TRUE | _FALSE:
        return text.lower() in _TRUE
    raise ValueError("should be yes or no")


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("should be a whole number") from None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError("should be a number") from None


_COLUMNS: Mapping[str, Callable[[str], object]] = MappingProxyType(
    {
        "name": str,
        "host": str,
        "port": _whole,
        "username": str,
        "password": str,
        "tls": _truth,
        "certificate": str,
        "server": str,
        "login_url": str,
        "location": str,
        "latitude": _number,
        "longitude": _number,
        "group": str,
        "active_users_max": _whole,
        "bandwidth_max_bps": _whole,
        "addresses_used_max_percent": _whole,
        "selling": _truth,
    }
)


class RouterImport:
    def __init__(self, desk: RouterDesk) -> None:
        self._desk = desk

    async def run(
        self, tenant_id: UUID, text: str, actor: str, *, dry: bool = False
    ) -> Sequence[LineTold]:
        """Add the routers of a file, line by line; `dry` only checks them.

        The same file again adds nothing twice: a name that is there is told as `exists`.

        Raises:
            BadFile: no line of it was looked at.
        """
        found = []
        for line, cells in _lines(text):
            found.append(await self._one(tenant_id, line, cells, actor, dry=dry))
        return found

    async def _one(
        self, tenant_id: UUID, line: int, cells: Mapping[str, str], actor: str, *, dry: bool
    ) -> LineTold:
        name = cells.get("name", "")[:80]
        wanted, wrong = _read(cells)
        try:
            if wrong:
                raise BadRouter(wrong)
            if dry:
                await self._desk.check(tenant_id, wanted)
                return LineTold(line, name, LineStatus.VALID, None, {})
            router = await self._desk.add(tenant_id, wanted, actor)
        except BadRouter as error:
            return LineTold(line, name, LineStatus.WRONG, None, error.fields)
        except RouterNameTaken:
            return LineTold(line, name, LineStatus.EXISTS, None, {})
        return LineTold(line, name, LineStatus.ADDED, router.id, {})


def _lines(text: str) -> Sequence[tuple[int, Mapping[str, str]]]:
    try:
        reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")), strict=True)
        rows = [(reader.line_num, row) for row in reader]
    except csv.Error as error:
        raise BadFile(f"This is no CSV file: {error}.") from None
    rows = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise BadFile("The file is empty.")
    heading = [cell.strip().lower() for cell in rows[0][1]]
    if unknown := [name for name in heading if name not in _COLUMNS]:
        raise BadFile(f"No column is called {unknown[0]!r}; there are {', '.join(_COLUMNS)}.")
    if missing := [name for name in _NEEDED if name not in heading]:
        raise BadFile(f"The column {missing[0]!r} is missing.")
    if len(set(heading)) < len(heading):
        raise BadFile("A column stands there twice.")
    if len(rows) - 1 > LINES_MAX:
        raise BadFile(f"At most {LINES_MAX} routers at once.")
    return [(line, _cells(heading, row)) for line, row in rows[1:]]


def _cells(heading: Sequence[str], row: Sequence[str]) -> Mapping[str, str]:
    """What a line says by column. More cells than columns are kept under a name of no column."""
    cells = {name: cell.strip() for name, cell in zip(heading, row, strict=False)}
    if len(row) > len(heading):
        cells[""] = "more"
    return cells


def _read(cells: Mapping[str, str]) -> tuple[RouterFields, dict[str, str]]:
    """The fields of a line, and what is wrong with it. Empty cells are as if not there."""
    wanted: dict[str, Any] = {}
    wrong: dict[str, str] = {}
    if "" in cells:
        wrong["line"] = "has more cells than the heading"
    for name, cell in cells.items():
        if not cell or not name:
            continue
        if len(cell) > _CELL_MAX or "\x00" in cell:
            wrong[name] = "is too long or holds a NUL"
            continue
        try:
            wanted[name] = _COLUMNS[name](cell)
        except ValueError as error:
            wrong[name] = str(error)
    wrong |= {name: "is required" for name in _NEEDED if not cells.get(name)}
    return cast("RouterFields", wanted), wrong
