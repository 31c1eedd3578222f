"""Commands that compare our books with the records of others."""

import asyncio
import datetime as dt
import json
from typing import Annotated, Any

import typer

from cli.attached import attached_core
from cli.output import AsJson, show_rows
from core.kit.errors import Fault
from core.kit.money import Money, to_major
from core.ports import Paging
from core.ports.statements import DayRun, FoundDifference
from core.services.reconciliation import DayNotOver, UnknownParty
from core.settings import read_settings

app = typer.Typer(help="Our books against the records of others.", no_args_is_help=True)

_DIFFERENT = 3
_UNREAD = 4

_Tenant = Annotated[str, typer.Option(help="The key of the tenant.")]
_Party = Annotated[str | None, typer.Option(help="Only with this provider or gateway.")]


@app.command()
def run(
    date: Annotated[
        dt.datetime, typer.Option(formats=["%Y-%m-%d"], help="A day that is over, YYYY-MM-DD.")
    ],
    party: _Party = None,
    tenant: _Tenant = "demo",
    *,
    as_json: AsJson = False,
) -> None:
    """Compare one day with everybody that we deal with, and show what does not agree.

    Ends with status 0 when all agrees, 3 when differences are open, 4 when somebody's records could
    not be read whole.
    """
    runs = asyncio.run(_run(date.date(), party, tenant))
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in runs], indent=2, default=str))
    else:
        _print(runs)
        for each in runs:
            _print_differences(each)
    if any(each.state == "unread" for each in runs):
        raise typer.Exit(_UNREAD)
    if any(each.differences for each in runs):
        raise typer.Exit(_DIFFERENT)


@app.command("list")
def list_runs(
    tenant: _Tenant = "demo",
    party: _Party = None,
    count: Annotated[int, typer.Option(min=1, max=500)] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """Days that were compared, the last ones first."""
    runs = asyncio.run(_list(tenant, party, count))
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in runs], indent=2, default=str))
    else:
        _print(runs)


async def _run(day: dt.date, party: str | None, tenant: str) -> list[DayRun]:
    async with attached_core(read_settings()) as core:
        found = await core.tenants.named(tenant)
        try:
            return await core.reconciliation.run_day(found.id, day, party)
        except DayNotOver:
            raise Fault(f"{day} is not over yet in {found.time_zone}") from None
        except UnknownParty:
            raise Fault(f"{tenant} deals with nobody called {party}") from None


async def _list(tenant: str, party: str | None, count: int) -> list[DayRun]:
    async with attached_core(read_settings()) as core:
        found = await core.tenants.named(tenant)
        runs = await core.reconciliations.runs(found.id, Paging(per_page=count), party=party)
        return list(runs[:count])


def _print(runs: list[DayRun]) -> None:
    rows = [
        {
            "date": each.day,
            "party": each.party.name,
            "side": each.party.side.value,
            "state": each.state,
            "lines": each.lines,
            "matched": each.matched,
            "differences": each.differences,
            "float gap": _gap(each),
            "why": each.why,
        }
        for each in runs
    ]
    show_rows(rows, of="compared days", as_json=False)


def _print_differences(run: DayRun) -> None:
    for found in run.found:
        if found.state == "open":
            ours, theirs = (
                _amount(found, minor) for minor in (found.ours_minor, found.theirs_minor)
            )
            typer.echo(
                f"{run.party.name}: {found.kind.value} {found.subject}"
                f" (ours {ours}, theirs {theirs}, their reference {found.their_reference or '-'})"
            )


def _gap(run: DayRun) -> str:
    """What the provider has more of our money than our books say; empty where nobody can tell."""
    equation = run.totals.get("float")
    if not isinstance(equation, dict):
        return ""
    return to_major(Money(int(equation["gap"]), str(equation["currency"])))


def _amount(found: FoundDifference, minor: int | None) -> str:
    return "-" if minor is None else to_major(Money(minor, found.currency))


def _plain(run: DayRun) -> dict[str, Any]:
    return {
        "id": str(run.id),
        "date": run.day.isoformat(),
        "party": run.party.name,
        "side": run.party.side.value,
        "state": run.state,
        "lines": run.lines,
        "matched": run.matched,
        "differences": run.differences,
        "totals": run.totals,
        "why": run.why,
        "found": [
            {
                "kind": found.kind.value,
                "subject": found.subject,
                "our_reference": found.our_reference,
                "their_reference": found.their_reference,
                "ours": None if found.ours_minor is None else _amount(found, found.ours_minor),
                "theirs": None
                if found.theirs_minor is None
                else _amount(found, found.theirs_minor),
                "currency": found.currency,
                "facts": found.facts,
            }
            for found in run.found
            if found.state == "open"
        ],
    }
