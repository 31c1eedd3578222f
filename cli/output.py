"""How commands answer: a table for people, JSON for scripts."""

import datetime as dt
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script to read.")]

_FILE_CHARS = 250
_RIGHT = frozenset({"amount", "fee", "cost"})


def show_rows(rows: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """A list of objects of one shape, in JSON whole, in a table what is flat."""
    if as_json:
        show_json(list(rows))
        return
    table = Table(box=None)
    columns = [name for name, value in rows[0].items() if not _nested(value)] if rows else []
    for name in columns:
        table.add_column(name, no_wrap=True, justify="right" if name in _RIGHT else "left")
    for row in rows:
        table.add_row(*("" if row[name] is None else str(row[name]) for name in columns))
    # Where nobody looks at a screen, nothing is cut to fit one.
    Console(width=None if sys.stdout.isatty() else _FILE_CHARS).print(table)


def show_json(answer: object) -> None:
    """An object, or a list of objects. Times are ISO 8601, ids and the like their text."""
    typer.echo(json.dumps(answer, default=_plain, indent=2))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, dt.datetime | dt.date) else str(value)


def _nested(value: object) -> bool:
    return isinstance(value, list | dict)
