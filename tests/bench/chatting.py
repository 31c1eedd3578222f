"""People who chat at a bot's webhook, and the API at which the bot answers them.

Both in one process, so that one clock tells how long a reply took: from the moment in which the
webhook is posted until the bot's own call arrives that shows it. Bare asyncio on both sides.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qs

import httptools
import msgspec

from tests.bench.load import Load

_PATIENCE_S = 60.0
_SHOWS = ("sendmessage", "editmessagetext", "messages")
_numbers = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Line:
    """What a person writes, and a word of the reply."""

    says: str
    sees: str


Chat = tuple[str, Sequence[Line]]
"""Who, by number, and what they write, each when the reply before it is there."""


def by_telegram(who: str, text: str) -> bytes:
    """A post to the webhook, as Telegram makes it."""
    number = next(_numbers)
    person = {"id": int(who), "is_bot": False, "first_name": "Ada", "language_code": "en"}
    chat = {"id": int(who), "type": "private", "first_name": "Ada"}
    message = {
        "message_id": number,
        "date": 1_795_600_000,
        "chat": chat,
        "from": person,
        "text": text,
    }
    body = json.dumps({"update_id": number, "message": message}).encode()
    return _post("/telegram/demo", body, "X-Telegram-Bot-Api-Secret-Token: SIM-telegram-secret")


def by_whatsapp(who: str, text: str) -> bytes:
    """A post to the webhook, as Meta makes and signs it."""
    message = {
        "from": who,
        "id": f"wamid.{next(_numbers)}",
        "timestamp": "1795600000",
        "type": "text",
        "text": {"body": text},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {
            "display_phone_number": "15550000001",
            "phone_number_id": "100000000000001",
        },
        "contacts": [{"profile": {"name": "Ada Obi"}, "wa_id": who}],
        "messages": [message],
    }
    changes = [{"field": "messages", "value": value}]
    entry = [{"id": "100000000000002", "changes": changes}]
    body = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
    signed = hmac.new(b"SIM-whatsapp-app-secret", body, hashlib.sha256).hexdigest()
    return _post("/whatsapp/demo", body, f"X-Hub-Signature-256: sha256={signed}")


def _post(path: str, body: bytes, header: str) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"{header}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


@dataclass
class Api:
    """The Bot API and the Graph API, as far as replies need them; says who was shown what."""

    waiting: dict[str, asyncio.Future[str]] = field(default_factory=dict)
    calls: int = 0

    def next_reply(self, who: str) -> asyncio.Future[str]:
        made: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.waiting[who] = made
        return made

    def take(self, url: str, body: bytes) -> bytes:
        """Answer a call."""
        self.calls += 1
        method = url.rsplit("/", 1)[1].lower()
        if method not in _SHOWS:
            return b'{"ok":true,"result":true,"success":true}'
        who, text = _shown(body)
        reply = self.waiting.pop(who, None)
        if reply is not None and not reply.done():
            reply.set_result(text)
        number = next(_numbers)
        if method == "messages":
            return b'{"messaging_product":"whatsapp","messages":[{"id":"wamid.S%d"}]}' % number
        return (
            b'{"ok":true,"result":{"message_id":%d,"date":1795600000,'
            b'"chat":{"id":%s,"type":"private"},"text":"x"}}' % (number, who.encode())
        )


def _shown(body: bytes) -> tuple[str, str]:
    """To whom, and the words: of a form as aiogram sends it, or of JSON."""
    if body.startswith(b"{"):
        told = msgspec.json.decode(body)
        who = told.get("to") or told.get("recipient") or told.get("chat_id")
        return str(who), body.decode()
    form = parse_qs(body.decode())
    return form["chat_id"][0], form["text"][0]


class _Call(asyncio.Protocol):
    """One connection of a bot to the API."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._parser = httptools.HttpRequestParser(self)
        self._url, self._body = b"", bytearray()
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_begin(self) -> None:
        self._url, self._body = b"", bytearray()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        answer = self._api.take(self._url.decode(), bytes(self._body))
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        self._transport.write(head % len(answer) + answer)


@asynccontextmanager
async def api_at(port: int) -> AsyncIterator[Api]:
    api = Api()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Call(api), "127.0.0.1", port)
    try:
        yield api
    finally:
        server.close()


async def chatted(
    api: Api, port: int, chats: Iterator[Chat], written: Callable[[str, str], bytes], at_once: int
) -> Load:
    """Let so many people chat at once, one after the other, until all chats are over.

    Raises:
        AssertionError: a webhook was refused, or a reply was not the one expected.
    """
    loop = asyncio.get_running_loop()
    times_s: list[float] = []
    hooks = [(await loop.create_connection(_Hook, "127.0.0.1", port))[1] for _ in range(at_once)]

    async def chat(hook: _Hook) -> None:
        for who, lines in chats:
            for line in lines:
                reply = api.next_reply(who)
                begun = time.perf_counter()
                taken = hook.post(written(who, line.says))
                shown = await reply
                times_s.append(time.perf_counter() - begun)
                assert line.sees in shown, f"expected {line.sees!r}, got {shown!r}"
                assert await taken == 200, "the webhook was refused"

    begun = time.perf_counter()
    async with asyncio.timeout(_PATIENCE_S):
        await asyncio.gather(*map(chat, hooks))
    seconds = time.perf_counter() - begun
    for hook in hooks:
        hook.close()
    return Load(seconds, sorted(times_s))


class _Hook(asyncio.Protocol):
    """A channel's connection to the webhook: one post after the other."""

    def __init__(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._taken: asyncio.Future[int]
        self._transport: asyncio.Transport

    def post(self, request: bytes) -> "asyncio.Future[int]":
        """The status that it is answered with."""
        self._taken = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._taken

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self._taken.set_result(self._parser.get_status_code())

    def close(self) -> None:
        self._transport.close()
