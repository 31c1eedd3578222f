"""People who race for the shares of a gift room: by keypad, by Telegram, by WhatsApp.

Each speaks to the real endpoint of its channel, as the gateway would; what Callbox says in a chat
arrives at a small Bot API and Graph API that stand here, so that an answer is met the moment it
comes. A line that goes dead is tried again, as gateways and people do.
"""

import asyncio
import hashlib
import hmac
import itertools
import json
import random
import re
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.graph import payload, value

TELEGRAM_SECRET = {"x-telegram-bot-api-secret-token": "SIM-telegram-secret"}
WHATSAPP_SECRET = b"SIM-whatsapp-app-secret"
PHONE_NUMBER_ID = "100000000000001"

_WON = re.compile(r"You won N([\d,]+(?:\.\d\d)?)")
_LOST = re.compile(r"others were faster|gift is over")
_OFFERED = "has a gift for you"
_UNSURE = re.compile(r"could not finish|went wrong|busy|try again", re.IGNORECASE)
_PATIENCE_S = 20.0
_TRIES_MAX = 60
_AGAIN_S = 0.3

_updates = itertools.count(int(time.time()) * 1000)


class Chats:
    """What speaks as Telegram and as Meta: takes everything, and hands it to whom it is for."""

    def __init__(self) -> None:
        self.said: dict[str, asyncio.Queue[str]] = defaultdict(asyncio.Queue)
        self._numbers = itertools.count(1)

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/telegram/bot{token}/{method}", self._telegram, methods=["POST", "GET"]),
                Route("/whatsapp/{path:path}", self._whatsapp, methods=["POST"]),
                Route("/{path:path}", self._other, methods=["GET", "POST"]),
            ]
        )

    async def _telegram(self, request: Request) -> Response:
        kind = request.headers.get("content-type", "")
        told: Any = {}
        if "json" in kind:
            told = await request.json()
        elif "form" in kind:
            told = await request.form()
        number = next(self._numbers)
        if "text" in told and "chat_id" in told:
            self.said[str(told["chat_id"])].put_nowait(str(told["text"]))
        if request.path_params["method"].lower() not in ("sendmessage", "editmessagetext"):
            return JSONResponse({"ok": True, "result": True})
        chat = {"id": int(str(told["chat_id"])), "type": "private"}
        message = {"message_id": number, "date": 1, "chat": chat, "text": str(told["text"])}
        return JSONResponse({"ok": True, "result": message})

    async def _whatsapp(self, request: Request) -> Response:
        told = json.loads(await request.body() or b"{}")
        text = told.get("text") or told.get("interactive", {}).get("body")
        if text is not None:
            words = text.get("body") or text.get("text") or ""
            self.said[str(told["to"])].put_nowait(str(words))
        return JSONResponse({"messages": [{"id": f"wamid.{next(self._numbers)}"}]})

    async def _other(self, _: Request) -> Response:
        """SMS are swallowed; nothing else is asked for in a race."""
        return JSONResponse({"SMSMessageData": {"Recipients": [{"statusCode": 101}]}}, 201)


@dataclass
class Racer:
    """One person. `won_minor` is what they were told that they won, by each answer.

    `waits_s`: how long each answer took that said that others were faster.
    """

    msisdn: str
    won_minor: list[int] = field(default_factory=list)
    lost: int = 0
    waits_s: list[float] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    def hears(self, screen: str, waited_s: float) -> bool:
        """Note a result; False where it is none."""
        if won := _WON.search(screen):
            self.won_minor.append(round(float(won.group(1).replace(",", "")) * 100))
            return True
        if _LOST.search(screen):
            self.lost += 1
            self.waits_s.append(waited_s)
            return True
        return False


class Channel:
    """One way to the room. `ask` goes all the way to a result, once."""

    name = ""

    def __init__(self, http: aiohttp.ClientSession, url: str, chats: Chats) -> None:
        self._http = http
        self._url = url
        self._chats = chats

    async def ask(self, racer: Racer, code: str) -> None:
        """Open it, and begin again where the line goes dead or nobody could tell."""
        for _ in range(_TRIES_MAX):
            try:
                if await self._once(racer, code):
                    return
            except (aiohttp.ClientError, TimeoutError, ConnectionError):
                pass
            await asyncio.sleep(_AGAIN_S)
        racer.strange.append("never heard a result")

    async def _once(self, racer: Racer, code: str) -> bool:
        began = time.perf_counter()
        screen = await self._says(racer, f"gift {code}", code, first=True)
        if racer.hears(screen, time.perf_counter() - began):
            return True
        if _OFFERED not in screen:
            if not _UNSURE.search(screen):
                racer.strange.append(screen)
            return False
        began = time.perf_counter()
        screen = await self._says(racer, "1", code, first=False)
        return racer.hears(screen, time.perf_counter() - began)

    async def _says(self, racer: Racer, words: str, code: str, *, first: bool) -> str:
        raise NotImplementedError

    async def _answered(self, identity: str) -> str:
        async with asyncio.timeout(_PATIENCE_S):
            return await self._chats.said[identity].get()


class ByUssd(Channel):
    """Africa's Talking: the whole of what was typed each time. Now and then twice at once."""

    name = "ussd"

    def __init__(self, http: aiohttp.ClientSession, url: str, chats: Chats) -> None:
        super().__init__(http, url, chats)
        self._sessions: dict[str, str] = {}

    async def _says(self, racer: Racer, words: str, code: str, *, first: bool) -> str:
        if first:
            self._sessions[racer.msisdn] = "ATUid_" + secrets.token_hex(16)
        fields = {
            "sessionId": self._sessions[racer.msisdn],
            "phoneNumber": "+" + racer.msisdn,
            "networkCode": "62130",
            "serviceCode": "*347*100#",
            "text": f"9*{code}" if first else f"9*{code}*{words}",
        }
        times = 2 if not first and random.random() < 0.2 else 1
        screens = await asyncio.gather(*(self._posted(fields) for _ in range(times)))
        return screens[-1][4:]

    async def _posted(self, fields: dict[str, str]) -> str:
        url = f"{self._url}/ussd/africastalking/demo"
        async with self._http.post(url, data=fields) as reply:
            if reply.status != 200:
                raise aiohttp.ClientError(f"status {reply.status}")
            return await reply.text()


class ByTelegram(Channel):
    """A link and a tap's worth of words, each its own update."""

    name = "telegram"

    async def _says(self, racer: Racer, words: str, code: str, *, first: bool) -> str:
        identity = identity_on_telegram(racer.msisdn)
        self._emptied(identity)
        person = {"id": int(identity), "is_bot": False, "first_name": "Ada"}
        message = {
            "message_id": next(_updates),
            "date": 1,
            "chat": {"id": int(identity), "type": "private"},
            "from": person,
            "text": f"/start gift-{code}" if first else words,
        }
        body = json.dumps({"update_id": next(_updates), "message": message}).encode()
        await _delivered(self._http, f"{self._url}/telegram/demo", body, TELEGRAM_SECRET)
        return await self._answered(identity)

    def _emptied(self, identity: str) -> None:
        self._chats.said[identity] = asyncio.Queue()


class ByWhatsApp(Channel):
    name = "whatsapp"

    async def _says(self, racer: Racer, words: str, code: str, *, first: bool) -> str:
        self._chats.said[racer.msisdn] = asyncio.Queue()
        told = {
            "from": racer.msisdn,
            "id": f"wamid.race.{next(_updates)}",
            "timestamp": "1795600000",
            "type": "text",
            "text": {"body": words},
        }
        contact = {"wa_id": racer.msisdn, "profile": {"name": "Ada"}}
        document = payload(value(told, contacts=[contact], number=PHONE_NUMBER_ID))
        body = json.dumps(document).encode()
        signed = hmac.new(WHATSAPP_SECRET, body, hashlib.sha256).hexdigest()
        headers = {"X-Hub-Signature-256": f"sha256={signed}"}
        await _delivered(self._http, f"{self._url}/whatsapp/demo", body, headers)
        return await self._answered(racer.msisdn)


def identity_on_telegram(msisdn: str) -> str:
    return str(int(msisdn[-9:]) + 5_000_000_000)


async def _delivered(
    http: aiohttp.ClientSession, url: str, body: bytes, headers: dict[str, str]
) -> None:
    """As channels do: again and again, until it is acknowledged."""
    headers = {**headers, "content-type": "application/json"}
    for _ in range(_TRIES_MAX):
        try:
            async with http.post(url, data=body, headers=headers) as reply:
                if reply.status == 200:
                    return
        except (aiohttp.ClientError, TimeoutError, ConnectionError):
            pass
        await asyncio.sleep(_AGAIN_S)
    raise TimeoutError("nobody took a webhook")
