"""What commands share that act for a person: a core, a tenant, who asks, and refusals in words."""

import asyncio
import getpass
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

import typer

from cli.attached import attached_core
from core.app import Core
from core.kit.errors import Fault, Problem
from core.settings import read_settings

Answer = TypeVar("Answer")

TenantKey = Annotated[str, typer.Option("--tenant", help="The key of the tenant.")]
ActionKey = Annotated[
    str | None,
    typer.Option("--idempotency-key", help="The same key again is the same action, done once."),
]


def actor() -> str:
    """Who types: the name that audits show."""
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # a user that the system has no name for
        name = str(os.getuid())
    return f"cli:{name}"


def act(tenant: str, work: Callable[[Core, UUID], Awaitable[Answer]]) -> Answer:
    """Run `work` on a core of its own. Raises `Fault`, in one line, for whatever is refused."""

    async def run() -> Answer:
        async with attached_core(read_settings()) as core:
            return await work(core, (await core.tenants.named(tenant)).id)

    try:
        return asyncio.run(run())
    except Problem as problem:
        # With the web framework, which a command that goes well need not wait for.
        from api.admin.errors import of_problem

        raise Fault(of_problem(problem).message) from None
