"""The process: its own core, its own token, polling; it starts while Telegram is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import structlog
from telegram import BotCommand
from telegram.error import InvalidToken, RetryAfter, TelegramError
from telegram.ext import AIORateLimiter, Application, ContextTypes
from telegram.request import HTTPXRequest

from bots.operators.acting import outcome
from bots.operators.commands import COMMANDS
from bots.operators.core import OperatorCore
from bots.operators.handlers import Handlers
from bots.operators.polling import App, Failures, Polling, unknown_token
from bots.operators.sending import seconds, send
from bots.operators.telling import Teller

log = structlog.get_logger()

_JOBS_EVERY_S = 20.0
_FINISH_S = 20.0
_AGAIN_AFTER_S = (1.0, 2.0, 5.0, 10.0, 30.0)


async def run(
    core: OperatorCore, token: str, api_url: str, stop: asyncio.Event, *, poll_s: int = 25
) -> None:
    """Serve operators until `stop`.

    Raises:
        Fault: Telegram does not know the token.
    """
    failures = Failures()
    lines = _Lines(_line(8), _line(1))
    app = _made(token, api_url, lines)
    handlers = Handlers(core, failures, app.bot)
    handlers.register(app)
    teller = Teller(core, app.bot)
    async with lines.closed_after(), _running(app, stop) as up:
        if not up:
            return
        await _introduced(app)
        _schedule(app, core, teller)
        polling = asyncio.create_task(Polling(app, failures, poll_s=poll_s).run(), name="polling")
        telling = asyncio.create_task(teller.run(stop), name="telling")
        stopping = asyncio.create_task(stop.wait(), name="stopping")
        try:
            await asyncio.wait({polling, telling, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stop.set()
            await asyncio.wait({telling}, timeout=_FINISH_S)
        finally:
            await _ended(telling, polling, stopping)


async def _ended(*tasks: "asyncio.Task[Any]") -> None:
    """End all of them, whatever ended one; raises that."""
    for task in tasks:
        task.cancel()
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended


@dataclass(frozen=True, slots=True)
class _Lines:
    """Connections to Telegram. Waiting for updates must not keep an answer from leaving."""

    calls: HTTPXRequest
    updates: HTTPXRequest

    @contextlib.asynccontextmanager
    async def closed_after(self) -> AsyncIterator[None]:
        """The library closes them only where it got to know who it is."""
        try:
            yield
        finally:
            await self.calls.shutdown()
            await self.updates.shutdown()


def _line(connections: int) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections,
        connect_timeout=5.0,
        read_timeout=15.0,
        pool_timeout=15.0,
        httpx_kwargs={"trust_env": False},
    )


def _made(token: str, api_url: str, lines: _Lines) -> App:
    return (
        Application.builder()
        .token(token)
        .base_url(f"{api_url}/bot")
        .base_file_url(f"{api_url}/file/bot")
        .request(lines.calls)
        .get_updates_request(lines.updates)
        # Who asks for patience is obeyed by us: the library would sleep for as long as it is told.
        .rate_limiter(AIORateLimiter(max_retries=0))
        .updater(None)
        .build()
    )


@contextlib.asynccontextmanager
async def _running(app: App, stop: asyncio.Event) -> AsyncIterator[bool]:
    """An application that runs. Telegram may be away for long: it is asked until it answers."""
    if not await _initialized(app, stop):
        yield False
        return
    await app.start()
    try:
        yield True
    finally:
        await app.stop()
        await app.shutdown()


async def _initialized(app: App, stop: asyncio.Event) -> bool:
    """False when told to stop meanwhile. Raises `Fault`."""
    tries = 0
    while not stop.is_set():
        try:
            await app.initialize()
            await app.bot.delete_webhook()  # whoever polls may have none
            return True
        except InvalidToken:
            raise unknown_token() from None
        except TelegramError as error:
            wait_s = _AGAIN_AFTER_S[min(tries, len(_AGAIN_AFTER_S) - 1)]
            if isinstance(error, RetryAfter):
                wait_s = max(wait_s, seconds(error))
            log.warning("operators.telegram_away", error=type(error).__name__, again_s=wait_s)
            tries += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), wait_s)
    return False


async def _introduced(app: App) -> None:
    """The menu of commands: a courtesy."""
    commands = [BotCommand(name, command.about) for name, command in COMMANDS.items()]
    try:
        await app.bot.set_my_commands(commands)
    except TelegramError as error:
        log.info("operators.not_introduced", error=type(error).__name__)


def _schedule(app: App, core: OperatorCore, teller: Teller) -> None:
    """Jobs keep nothing: what is due is in the database, and a missed run changes nothing."""

    async def digests(_: ContextTypes.DEFAULT_TYPE) -> None:
        await teller.digests()

    async def left_behind(_: ContextTypes.DEFAULT_TYPE) -> None:
        for request in await core.operations.approvals.see_through():
            await send(app.bot, request.chat_id, outcome(request))

    assert app.job_queue is not None
    for job in (digests, left_behind):
        app.job_queue.run_repeating(job, _JOBS_EVERY_S, first=0.1)
