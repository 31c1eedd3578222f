"""Commands on plans: bundles by our own names, and how each provider sells them."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_json, show_rows
from core.app import Core
from core.domain.plans import Plan, PlanListing
from core.domain.routing import PlanOffer
from core.kit.counts import counted
from core.kit.errors import Fault
from core.ports import Event

app = typer.Typer(help="Bundles, and who sells them.", no_args_is_help=True)

_COLUMNS = (
    "plan",
    "network",
    "size_mb",
    "validity_days",
    "category",
    "price_minor",
    "active",
    "provider",
    "code",
    "cost_minor",
)
_YES_OR_NO = {"yes": True, "no": False}


@app.command("import")
def import_plans(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="A CSV file.")],
    tenant: TenantKey = "demo",
    *,
    as_json: AsJson = False,
) -> None:
    """Write plans and offers over those of the same names: all of the file, or nothing.

    One line for each provider of a plan, with the columns plan, network, size_mb, validity_days,
    category, price_minor, active (yes or no), provider, code, cost_minor. Money is in minor units.
    """
    listings = read_plans(file.read_text(encoding="utf-8-sig").splitlines())
    offers = sum(len(one.offers) for one in listings)

    async def save(core: Core, tenant_id: UUID) -> None:
        facts: dict[str, object] = {"plans": len(listings), "offers": offers}
        event = Event(f"plans/{tenant_id}", "plans.imported", actor(), facts)
        await core.plans.save(tenant_id, listings, event, core.clock.now())

    act(tenant, save)
    if as_json:
        show_json({"plans": len(listings), "offers": offers})
    else:
        typer.echo(f"{counted(len(listings), 'plan')}, {counted(offers, 'offer')}.")


@app.command("list")
def list_plans(tenant: TenantKey = "demo", *, as_json: AsJson = False) -> None:
    """All plans, one line for each provider."""

    async def ask(core: Core, tenant_id: UUID) -> Sequence[PlanListing]:
        return await core.plans.listed(tenant_id)

    rows = [row for one in act(tenant, ask) for row in _rows(one)]
    show_rows(rows, of="plans", as_json=as_json)


def read_plans(lines: Sequence[str]) -> list[PlanListing]:
    """What a file of plans says.

    Raises:
        Fault: the line and what is wrong with it.
    """
    reader = csv.DictReader(lines)
    if missing := set(_COLUMNS) - set(reader.fieldnames or ()):
        raise Fault(f"line 1: no column {', '.join(sorted(missing))}")
    found: dict[str, PlanListing] = {}
    for row in reader:
        try:
            plan, provider, offer = _of_row(row)
            known = found.get(plan.id, PlanListing(plan))
            if known.plan != plan:
                raise Fault(f"plan {plan.id}: differs from an earlier line")
            if provider in known.offers:
                raise Fault(f"plan {plan.id}: {provider} stands twice")
        except Fault as fault:
            raise Fault(f"line {reader.line_num}: {fault}") from None
        found[plan.id] = replace(known, offers={**known.offers, provider: offer})
    return list(found.values())


def _of_row(row: Mapping[str, str | None]) -> tuple[Plan, str, PlanOffer]:
    told = {name: (row[name] or "").strip() for name in _COLUMNS}
    if told["active"] not in _YES_OR_NO:
        raise Fault("active: should be yes or no")
    plan = Plan(
        id=told["plan"],
        network=told["network"],
        size_mb=_number(told, "size_mb"),
        validity_days=_number(told, "validity_days"),
        category=told["category"],
        price_minor=_number(told, "price_minor"),
        active=_YES_OR_NO[told["active"]],
    )
    if plan.wrong:
        raise Fault(plan.wrong)
    for name in ("provider", "code"):
        if not told[name]:
            raise Fault(f"{name}: is required")
    return plan, told["provider"], PlanOffer(told["code"], _number(told, "cost_minor"))


def _number(told: Mapping[str, str], name: str) -> int:
    text = told[name]
    if not (text.isascii() and text.isdigit()) or int(text) == 0:
        raise Fault(f"{name}: should be a whole number above zero")
    return int(text)


def _rows(listing: PlanListing) -> Iterator[dict[str, object]]:
    plan = asdict(listing.plan)
    named = {"plan": plan.pop("id"), **plan}
    for provider, offer in sorted(listing.offers.items()):
        yield {**named, "provider": provider, **asdict(offer)}
    if not listing.offers:
        yield {**named, "provider": None, "code": None, "cost_minor": None}
