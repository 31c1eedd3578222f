"""A terminal phone that speaks a gateway's wire format to a real Callbox."""

import asyncio
import contextlib
import os
import secrets
import sys
import tempfile
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import typer
from rich.console import Console
from rich.panel import Panel

from cli import processes
from cli.demo import SERVICE_CODE
from cli.serving import listen
from core.kit import gsm7, logging
from core.kit.errors import Fault, Problem
from core.kit.msisdn import Msisdn, parse_msisdn
from core.settings import Environment, Settings, read_settings

_PATH = "/ussd/africastalking/demo"
_HELP = "Answer and press Enter. An empty line dials again, `sms` shows messages, Ctrl-D ends."


def main(msisdn: str, url: str | None) -> None:
    """Talk until the person has enough."""
    try:
        number = parse_msisdn(msisdn, "NG")
    except Problem:
        raise Fault(f"{msisdn!r} is not a phone number") from None
    logging.configure(json=False, level="ERROR")
    try:
        asyncio.run(_play(number, url))
    except KeyboardInterrupt:
        typer.echo("")  # the person has enough, which is no error


async def _play(msisdn: Msisdn, url: str | None) -> None:
    settings = read_settings()
    async with contextlib.AsyncExitStack() as stack:
        if url is None:
            async with httpx.AsyncClient(timeout=2) as probe:
                if not await processes.answers(probe, settings.callbox_url):
                    settings = await stack.enter_async_context(_own_callbox())
            url = settings.callbox_url
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=15))
        control = await stack.enter_async_context(
            httpx.AsyncClient(base_url=settings.sandbox_url, timeout=5)
        )
        await _Handset(http, control, msisdn).talk()


class _Handset:
    def __init__(self, http: httpx.AsyncClient, control: httpx.AsyncClient, msisdn: Msisdn) -> None:
        self._http = http
        self._control = control
        self._msisdn = msisdn
        self._console = Console()
        self._keyboard = _Keyboard()

    async def talk(self) -> None:
        self._console.print(_HELP, style="dim")
        while await self._session():
            pass

    async def _session(self) -> bool:
        """One dial, from the first screen to the last. False when the person has enough."""
        session, text, ended = "ATUid_" + secrets.token_hex(16), "", False
        while True:
            if not ended:
                ended = await self._turn(session, text)
            typed = await self._keyboard.line("dial> " if ended else "> ")
            if typed is None:
                return False
            if typed == "sms":
                await self._messages()
            elif ended or not typed:
                return True
            else:
                text = f"{text}*{typed}" if text else typed

    async def _turn(self, session: str, text: str) -> bool:
        """Send a turn and show the screen. True when the session is over."""
        fields = {
            "sessionId": session,
            "phoneNumber": "+" + self._msisdn,
            "networkCode": "62130",
            "serviceCode": SERVICE_CODE,
            "text": text,
        }
        try:
            reply = await self._http.post(_PATH, data=fields)
        except httpx.HTTPError as error:
            raise Fault(f"no answer from {self._http.base_url}: {type(error).__name__}") from None
        ends, screen = not reply.text.startswith("CON "), reply.text[4:]
        title = f"{gsm7.septets(screen) or '?'}/160"
        self._console.print(Panel(screen, width=34, title=title, title_align="right"))
        return ends

    async def _messages(self) -> None:
        try:
            reply = await self._control.get("/control/sms", params={"to": self._msisdn})
        except httpx.HTTPError:
            self._console.print("No sandbox to read messages from.", style="dim")
            return
        for message in reply.json()[-5:]:
            self._console.print(Panel(message["text"], width=40, title=message["from"]))


class _Keyboard:
    """Lines as they are typed.

    A thread of its own reads past Python's buffers, so that nothing waits for it when the talk ends
    in the middle of a line.
    """

    def __init__(self) -> None:
        self._lines: asyncio.Queue[str | None] = asyncio.Queue()
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._read, daemon=True).start()

    async def line(self, prompt: str) -> str | None:
        """What was typed, or None when there is no more to come."""
        typer.echo(prompt, nl=False)
        return await self._lines.get()

    def _read(self) -> None:
        rest = b""
        while block := os.read(sys.stdin.fileno(), 4096):
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                self._put(line.decode(errors="replace").strip())
        self._put(None)

    def _put(self, line: str | None) -> None:
        with contextlib.suppress(RuntimeError):  # the talk has ended
            self._loop.call_soon_threadsafe(self._lines.put_nowait, line)


@contextlib.asynccontextmanager
async def _own_callbox() -> AsyncIterator[Settings]:
    """A Callbox with everything, on free ports and in a folder that goes when it goes."""
    with tempfile.TemporaryDirectory(prefix="callbox-play-") as home:
        listeners = [listen("127.0.0.1", 0), listen("127.0.0.1", 0)]
        port, sandbox_port = (listener.getsockname()[1] for listener in listeners)
        for listener in listeners:
            listener.close()
        settings = read_settings().model_copy(
            update={
                "home": Path(home),
                "port": port,
                "sandbox_port": sandbox_port,
                "sandbox_router_port": 0,
                "env": Environment.DEMO,
                "sandbox": True,
                "database_url": None,
                "redis_url": None,
            }
        )
        typer.echo("Starting a Callbox for this talk ...")
        stop = asyncio.Event()
        running = asyncio.create_task(processes.run(settings, greet=False, stop=stop))
        try:
            async with httpx.AsyncClient(timeout=2) as probe:
                while not await processes.answers(probe, settings.callbox_url):
                    if running.done():
                        await running
                    await asyncio.sleep(0.1)
            yield settings
        finally:
            stop.set()
            await running
