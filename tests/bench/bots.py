"""The bots that Callbox's are compared with: they prove who posts, and send one message back.

Run as `python -m tests.bench.bots aiogram|fastapi PORT API_URL`, each as its library is used.
"""

import asyncio
import hashlib
import hmac
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

import httpx
import uvloop
from fastapi import FastAPI, Request, Response

from cli.connections import Connections, places
from cli.serving import listen, serve, until_stopped

_TOKEN, _SECRET = "110201543:SIM-telegram-token", "SIM-telegram-secret"
_APP_SECRET = "SIM-whatsapp-app-secret"
_MESSAGES = "/whatsapp/v26.0/100000000000001/messages"


async def by_aiogram(port: int, api_url: str) -> None:
    """Its own webhook handler and dispatcher, echoing."""
    from aiogram import Bot, Dispatcher
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.types import Message
    from aiogram.webhook.aiohttp_server import SimpleRequestHandler
    from aiohttp import web

    api = TelegramAPIServer.from_base(f"{api_url}/telegram")
    dispatcher = Dispatcher()

    async def echo(message: Message) -> None:
        await message.answer(message.text or "")

    async def health(_: web.Request) -> web.Response:
        return web.Response(text="ok")

    dispatcher.message()(echo)
    application = web.Application()
    application.router.add_get("/health", health)
    bot = Bot(_TOKEN, session=AiohttpSession(api=api))
    SimpleRequestHandler(dispatcher, bot, secret_token=_SECRET).register(
        application, path="/telegram/demo"
    )
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.SockSite(runner, listen("127.0.0.1", port)).start()

    async def until(stop: asyncio.Event) -> None:
        await stop.wait()
        await runner.cleanup()

    await until_stopped([until])


async def by_fastapi(port: int, api_url: str) -> None:
    """The signature over the raw body, one message by httpx, and only then the acknowledgement."""

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        async with httpx.AsyncClient(base_url=api_url, trust_env=False) as app.state.http:
            yield

    app = FastAPI(lifespan=life)

    @app.get("/health")
    async def health() -> str:
        return "ok"

    @app.post("/whatsapp/demo")
    async def take(request: Request) -> Response:
        body = await request.body()
        right = "sha256=" + hmac.new(_APP_SECRET.encode(), body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(right, request.headers.get("x-hub-signature-256", "")):
            return Response(status_code=401)
        told = await request.json()
        for message in told["entry"][0]["changes"][0]["value"]["messages"]:
            reply = {
                "messaging_product": "whatsapp",
                "to": message["from"],
                "type": "text",
                "text": {"body": message["text"]["body"]},
            }
            headers = {"authorization": "Bearer SIM-whatsapp-token"}
            sent = await request.app.state.http.post(_MESSAGES, json=reply, headers=headers)
            sent.raise_for_status()
        return Response("OK")

    listener = listen("127.0.0.1", port)
    await until_stopped([lambda stop: serve(app, listener, stop, Connections(places()))])


BOTS: Mapping[str, Callable[[int, str], Awaitable[None]]] = {
    "aiogram": by_aiogram,
    "fastapi": by_fastapi,
}


async def _run(name: str, port: int, api_url: str) -> None:
    await BOTS[name](port, api_url)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_run(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
