"""The USSD edge: gateways' requests in, screens out. It decides nothing.

Bare ASGI endpoints behind Starlette routes: no form models, no response objects.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import structlog
from prometheus_client import Counter
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from core.domain.turns import Channel, Channels, Inbound, Reply, Turns
from core.kit.clock import Clock, SystemClock
from core.kit.crypto import Keyring
from core.kit.ids import speakable
from ussd.allowed import is_allowed
from ussd.deadline import Deadline, answer_in_time
from ussd.gateways import GATEWAYS
from ussd.http import Gone, TooLarge, client_ip, read_body, send_plain
from ussd.request import Gateway, Malformed
from ussd.settings import Settings

log = structlog.get_logger()

_REFUSED = Counter(
    "callbox_ussd_refused_total", "USSD requests that reached no conversation", ["why"]
)
_SORRY = Counter("callbox_ussd_sorry_total", "USSD turns that ended in an apology", ["why"])


class Words(Protocol):
    """Where texts come from: the message catalogue."""

    def get(self, language: str, key: str, /, **facts: object) -> str: ...


@dataclass(frozen=True, slots=True)
class _Call:
    """One HTTP request that found its channel."""

    scope: Scope
    body: bytes
    send: Send
    gateway: Gateway
    channel: Channel


class _Door:
    """Lets a request through to `serve` when its path, method, address and size are in order."""

    def __init__(
        self,
        gateways: Mapping[str, Gateway],
        channels: Channels,
        serve: Callable[[_Call], Awaitable[None]],
        methods: Callable[[Gateway], frozenset[str]],
    ) -> None:
        self._gateways = gateways
        self._channels = channels
        self._serve = serve
        self._methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path_params"]
        gateway = self._gateways.get(path["gateway"])
        channel = await self._channels.find(path["gateway"], path["key"]) if gateway else None
        if gateway is None or channel is None:
            await _refuse(send, 404, "Unknown channel")
            return
        methods = self._methods(gateway)
        if scope["method"] not in methods:
            allow = (b"allow", ", ".join(sorted(methods)).encode())
            await _refuse(send, 405, "Method not allowed", allow)
            return
        if not is_allowed(channel.settings, client_ip(scope)):
            await _refuse(send, 403, "Address not allowed")
            return
        try:
            body = await read_body(scope["headers"], receive)
        except TooLarge:
            await _refuse(send, 413, "Request too large", (b"connection", b"close"))
            return
        except Gone:
            return
        await self._serve(_Call(scope, body, send, gateway, channel))


class _Edge:
    """Serves what came through the door."""

    def __init__(self, turns: Turns, words: Words, settings: Settings, clock: Clock) -> None:
        self._turns = turns
        self._words = words
        self._clock = clock
        self._deadline = Deadline(settings.deadline_s, settings.abandon_s)

    async def turn(self, call: _Call) -> None:
        """Answer one keypress: 200 with a screen, or 400 when it cannot be read."""
        scope, channel = call.scope, call.channel
        request = call.gateway.parse(
            scope["method"], scope["headers"], call.body, scope["query_string"]
        )
        if isinstance(request, Malformed):
            await _malformed(call, request)
            return
        structlog.contextvars.bind_contextvars(channel="ussd", session_id=request.session_id)
        inbound = Inbound(
            channel,
            request.msisdn,
            request.session_id,
            request.cursor,
            self._clock.now(),
            request.network,
        )
        await answer_in_time(
            self._deadline,
            self._turns.take(inbound),
            send=call.send,
            render=call.gateway.render,
            late=lambda: self._late(channel),
            failed=lambda error: self._failed(channel, error),
        )

    async def event(self, call: _Call) -> None:
        """Take a notice of a session's end: 200 `OK` to whatever is readable.

        It may be late, repeated or early and never matters to money, so trouble of ours is not
        the gateway's to hear.
        """
        scope, channel = call.scope, call.channel
        notice = call.gateway.parse_event(
            scope["method"], scope["headers"], call.body, scope["query_string"]
        )
        if isinstance(notice, Malformed):
            await _malformed(call, notice)
            return
        log.info(
            "ussd.session_ended",
            gateway=channel.gateway,
            session_id=notice.session_id,
            how=notice.how,
        )
        if notice.how is not None:
            try:
                await self._turns.session_ended(channel, notice.session_id, notice.how)
            except Exception:
                log.exception("ussd.notice_failed", session_id=notice.session_id)
        await send_plain(call.send, 200, "OK")

    def _late(self, channel: Channel) -> Reply:
        log.warning("ussd.turn_late", gateway=channel.gateway)
        _SORRY.labels("late").inc()
        return Reply(self._words.get(_language(channel), "ussd.late"), ends=True)

    def _failed(self, channel: Channel, error: BaseException) -> Reply:
        reference = speakable(6)
        log.error("ussd.turn_failed", gateway=channel.gateway, reference=reference, exc_info=error)
        _SORRY.labels("failed").inc()
        return Reply(
            self._words.get(_language(channel), "ussd.failed", reference=reference), ends=True
        )


def routes(
    turns: Turns,
    channels: Channels,
    keyring: Keyring,
    words: Words,
    *,
    settings: Settings | None = None,
    clock: Clock | None = None,
) -> list[Route]:
    """The routes of every USSD gateway, for the application that serves them.

    `words` must hold `ussd.late` (shown past the deadline: the turn goes on, a payment may be
    under way or not) and `ussd.failed` (with `{reference}`, which the log knows).
    """
    gateways = {name: make(keyring) for name, make in GATEWAYS.items()}
    edge = _Edge(turns, words, settings or Settings(), clock or SystemClock())
    turn = _Door(gateways, channels, edge.turn, lambda gateway: gateway.methods)
    event = _Door(gateways, channels, edge.event, lambda _: frozenset({"POST"}))
    return [
        Route("/ussd/{gateway}/{key}", turn),
        Route("/ussd/{gateway}/{key}/events", event),
    ]


async def _refuse(send: Send, status: int, text: str, *extra: tuple[bytes, bytes]) -> None:
    _REFUSED.labels(text).inc()
    await send_plain(send, status, text, extra)


async def _malformed(call: _Call, malformed: Malformed) -> None:
    log.warning("ussd.malformed", gateway=call.channel.gateway, why=malformed.why)
    await _refuse(call.send, 400, "Malformed request")


def _language(channel: Channel) -> str:
    language = channel.settings.get("language")
    return language if isinstance(language, str) else "en"
