"""Commands that look into a router and keep it well: examine, import, back up."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.acting import TenantKey, act, actor
from cli.output import AsJson, show_json, show_rows
from core.app import Core
from core.kit.counts import counted
from core.kit.errors import Fault
from core.ports import Paging
from core.ports.router_upkeep import Backup
from core.services.router_desk import Tested
from core.services.router_import import BadFile, LineStatus, LineTold
from core.services.router_words import examined

RouterName = Annotated[str, typer.Argument(help="Its name, as in `callbox routers list`.")]

_PAGE = 100


def examine(name: RouterName, tenant: TenantKey = "demo", *, as_json: AsJson = False) -> None:
    """Examine a router step by step. Fails when a step does."""

    async def ask(core: Core, tenant_id: UUID) -> Tested:
        desk = core.router_office.desk
        return await desk.test(tenant_id, (await desk.named(tenant_id, name)).id)

    found = act(tenant, ask)
    steps = examined(found.examination)
    if as_json:
        shown = [
            {
                "step": each.name,
                "status": each.status,
                "cause": each.cause,
                "remedy": each.remedy,
                "facts": dict(each.facts),
            }
            for each in steps
        ]
        show_json({"ok": found.examination.well, "elapsed_ms": found.elapsed_ms, "steps": shown})
    else:
        for each in steps:
            typer.echo(f"{each.status.replace('_', ' '):<11} {each.about}")
            if each.cause:
                typer.echo(f"{'':<11} {each.cause}\n{'':<11} {each.remedy}")
    if not found.examination.well:
        raise typer.Exit(1)


def import_routers(
    file: Annotated[Path, typer.Argument(help="CSV, the first line names the columns.")],
    tenant: TenantKey = "demo",
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only check it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Add the routers of a file, and tell line by line. Fails when a line is wrong."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Fault(f"{file} cannot be read: {type(error).__name__}") from None

    async def bring(core: Core, tenant_id: UUID) -> list[LineTold]:
        try:
            return list(await core.router_office.imports.run(tenant_id, text, actor(), dry=dry_run))
        except BadFile as error:
            raise Fault(error.words) from None

    told = act(tenant, bring)
    show_rows(
        [
            {
                "line": each.line,
                "name": each.name,
                "status": each.status.value,
                "wrong": in_words(each.wrong),
            }
            for each in told
        ],
        of="routers",
        as_json=as_json,
    )
    if any(each.status is LineStatus.WRONG for each in told):
        raise typer.Exit(1)


def backup(
    name: RouterName,
    label: Annotated[str, typer.Option(help="What to call it.")] = "",
    tenant: TenantKey = "demo",
    *,
    list_them: Annotated[bool, typer.Option("--list", help="Only show those there are.")] = False,
    as_json: AsJson = False,
) -> None:
    """Back a router up now: a file on it, and its configuration with us."""

    async def make(core: Core, tenant_id: UUID) -> list[Backup]:
        office = core.router_office
        router = await office.desk.named(tenant_id, name)
        if list_them:
            found = await office.backups.listed(tenant_id, router.id, Paging(_PAGE))
            return list(found[:_PAGE])
        return [await office.backups.make(tenant_id, router.id, label, actor())]

    found = [_backup(each) for each in act(tenant, make)]
    if as_json and not list_them:
        show_json(found[0])
    else:
        show_rows(found, of="backups", as_json=as_json)


def let_go(
    name: RouterName,
    users: Annotated[int, typer.Option(min=1, help="At most so many, as the alert told.")],
    tenant: TenantKey = "demo",
    *,
    confirm: Annotated[
        str, typer.Option(help="The router's name once more, not to be asked.")
    ] = "",
) -> None:
    """Let users of ours be removed that are no vouchers any more, however many they are.

    More than three in ten are not removed without a person's word: this is it, for an hour and for
    one time. Are they more than USERS by then, none is removed.
    """
    typed = confirm or typer.prompt(f"To remove: up to {counted(users, 'user')}. The router's name")

    async def allow(core: Core, tenant_id: UUID) -> None:
        desk = core.router_office.desk
        router = await desk.named(tenant_id, name)
        await desk.let_go(tenant_id, router.id, users, typed, actor())

    act(tenant, allow)
    typer.echo(f"{name} is compared now.")


def in_words(fields: Mapping[str, str]) -> str:
    """What is wrong, in one line."""
    return "; ".join(f"{name}: {what}" for name, what in fields.items())


def _backup(found: Backup) -> dict[str, object]:
    return {
        "id": found.id,
        "name": found.name,
        "created_at": found.created_at,
        "created_by": found.created_by,
        "file": found.file,
        "size": found.size,
        "version": found.version,
        "note": found.note,
    }
