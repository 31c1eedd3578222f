"""Commands on the books."""

import asyncio
import json
from typing import Annotated

import typer

from cli.attached import migrated
from core.kit.errors import Fault
from core.settings import read_settings
from core.store import invariants
from core.store.database import owner_engine

app = typer.Typer(help="The books.", no_args_is_help=True)


@app.callback()
def books() -> None:
    """Make `check` a command of its own, though it is the only one."""


@app.command()
def check(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")] = False
) -> None:
    """Prove the books: every balance against its entries, every hold against its order."""
    wrong = asyncio.run(_check())
    if as_json:
        typer.echo(json.dumps({"balanced": not wrong, "wrong": wrong}))
    if wrong:
        raise Fault("the books do not balance:\n  " + "\n  ".join(wrong))
    if not as_json:
        typer.echo(f"The books balance: {len(invariants.RULES)} rules hold.")


async def _check() -> list[str]:
    async with migrated(read_settings()) as urls:
        engine = owner_engine(urls.database_url)
        try:
            return await invariants.check(engine)
        finally:
            await engine.dispose()
