"""How commands answer: a table for people, JSON for scripts."""

import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

import typer
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script to read.")]

_FILE_CHARS = 250
_ENDLESS = 1_000_000
_RIGHT = frozenset({"amount", "fee", "cost"})


def show_rows(rows: Sequence[Mapping[str, object]], *, of: str, as_json: bool) -> None:
    """A list of objects of one shape, in JSON whole, in a table what is flat.

    `of` is what they are, in the plural: where there are none, that is said.
    """
    if as_json:
        show_json(list(rows))
        return
    if not rows:
        typer.echo(f"No {of} to show yet.")
        return
    columns = [name for name, value in rows[0].items() if not _nested(value)]
    lines = [["" if row[name] is None else str(row[name]) for name in columns] for row in rows]
    table = Table(box=None)
    for name, *cells in zip(columns, *lines, strict=True):
        longest = max(cell_len(word) for cell in (name, *cells) for word in cell.split())
        justify: Literal["left", "right"] = "right" if name in _RIGHT else "left"
        table.add_column(name, min_width=longest, justify=justify)
    for line in lines:
        table.add_row(*map(Text, line))  # as text: a name may hold what rich takes for markup
    console = Console(width=None if sys.stdout.isatty() else _ENDLESS)
    console.print(table, crop=False)


def show_json(answer: object) -> None:
    """An object, or a list of objects. Times are ISO 8601, ids and the like their text."""
    typer.echo(json.dumps(answer, default=_plain, indent=2))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime | dt.date) else str(value)


def _nested(value: object) -> bool:
    return isinstance(value, list | dict)
