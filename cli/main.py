"""The command line. `callbox --help` is the place to start."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import typer
import uvloop

from cli import (
    alerts,
    cases,
    channels,
    circuits,
    customers,
    floats,
    flows,
    gifts,
    ledger,
    messages,
    notices,
    operators,
    orders,
    payouts,
    plans,
    providers,
    reconcile,
    routers,
    tenants,
    tokens,
    vouchers,
)
from cli.mistyped import mistyped
from core.kit import logging
from core.kit.errors import Fault, Problem
from core.settings import Settings, read_settings

app = typer.Typer(
    name="callbox",
    help="Airtime, WiFi vouchers and gifts over USSD, Telegram and WhatsApp. Try `callbox run`,"
    " then open the phone page it names.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(flows.app, name="flows")
app.add_typer(orders.app, name="orders")
app.add_typer(cases.app, name="cases")
app.add_typer(payouts.app, name="payouts")
app.add_typer(gifts.app, name="gifts")
app.add_typer(ledger.app, name="ledger")
app.add_typer(reconcile.app, name="reconcile")
app.add_typer(floats.app, name="float")
app.add_typer(providers.app, name="providers")
app.add_typer(circuits.app, name="circuit")
app.add_typer(routers.app, name="routers")
app.add_typer(plans.app, name="plans")
app.add_typer(tokens.app, name="tokens")
app.add_typer(tenants.app, name="tenants")
app.add_typer(channels.app, name="channels")
app.add_typer(customers.app, name="customers")
app.add_typer(alerts.app, name="alerts")
app.add_typer(operators.app, name="operators")
app.add_typer(notices.app, name="notices")
app.add_typer(messages.app, name="messages")
app.add_typer(vouchers.app, name="vouchers")


@app.command()
def run() -> None:
    """Start everything in one process: web, worker, and in demo the sandbox with its phone page."""
    from cli import processes

    _go(processes.run)


@app.command()
def web() -> None:
    """Serve USSD, callbacks and operations pages. Run as many as you need behind a balancer."""
    from cli import processes

    _go(processes.web)


@app.command()
def worker() -> None:
    """See orders through, send notices, verify payments. Run as many as you need."""
    from cli import processes

    _go(processes.worker)


@app.command("operator-bot")
def operator_bot() -> None:
    """Serve the operators' bot: alerts, digests, and what operators do from a chat. Run one."""
    from cli import processes

    _go(processes.operator_bot)


@app.command()
def sandbox() -> None:
    """The outside world on this machine: providers, payments, SMS, and the phone page."""
    from cli import processes

    _go(processes.sandbox)


@app.command()
def migrate() -> None:
    """Bring the database to the present schema. Safe to repeat."""
    from cli import processes

    asyncio.run(processes.migrate(read_settings()))
    typer.echo("The database is up to date.")


def _go(part: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    """Run a part of the program with settings from the environment."""
    settings = read_settings()
    as_json = settings.log_json if settings.log_json is not None else _for_machines()
    logging.configure(json=as_json, level=settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_stoppable(part(settings)))


async def _stoppable(part: Coroutine[Any, Any, None]) -> None:
    """A stop while it is still starting ends it as tidily as one later (`cli.serving`) does."""
    told = False
    starting = asyncio.ensure_future(part)

    def stop() -> None:
        nonlocal told
        told = True
        starting.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    try:
        await starting
    except asyncio.CancelledError:
        if not told:
            raise


def _for_machines() -> bool:
    return not sys.stderr.isatty()


def main() -> None:
    """Turn what a person can mend into one clear line: status 1, or 2 where it was typed wrong.

    Commands that end by themselves log warnings only, and never where their answer goes.
    """
    logging.configure(json=_for_machines(), level="WARNING")
    try:
        sys.exit(app(standalone_mode=False))
    except (Fault, Problem) as error:
        typer.echo(f"callbox: {error}", err=True)
        sys.exit(1)
    except typer.Abort:
        sys.exit(1)
    except typer.TyperException as error:
        if said := mistyped(error):  # nothing is said where help was shown instead
            typer.echo(f"callbox: {said}", err=True)
        sys.exit(error.exit_code)
