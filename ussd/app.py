"""The USSD edge: gateways' requests in, screens out. It decides nothing.

Bare ASGI endpoints behind Starlette routes: no form models, no response objects.
"""

import structlog
from prometheus_client import Counter
from starlette.routing import Route
from starlette.types import Send

from core.domain.turns import Channel, Channels, Inbound, Reply, Turns
from core.kit.clock import Clock, SystemClock
from core.kit.crypto import Keyring
from core.kit.ids import speakable
from core.kit.texts import Texts
from ussd.deadline import Deadline, answer_in_time
from ussd.door import Call, Door, refuse
from ussd.gateways import GATEWAYS
from ussd.http import send_plain, send_rendered
from ussd.request import Gateway, Malformed

log = structlog.get_logger()

_LANGUAGE = "en"
_REFERENCE_CHARS = 6
# Africa's Talking hangs up at 10 s; a turn that is still running then may go on for a minute.
_DEADLINE = Deadline(answer_s=8.0, abandon_s=60.0)

_SORRY = Counter("callbox_ussd_sorry_total", "USSD turns that ended in an apology", ["why"])


def routes(
    turns: Turns,
    channels: Channels,
    keyring: Keyring,
    texts: Texts,
    *,
    deadline: Deadline = _DEADLINE,
    clock: Clock | None = None,
) -> list[Route]:
    """The routes of every USSD gateway, for the application that serves them.

    `texts` holds `ussd.late`, shown past the deadline, when nobody can say yet whether a payment
    is under way; and `ussd.failed` with `{reference}`, which the log names too.

    Raises:
        Fault: a text is missing.
    """
    gateways = {name: make(keyring) for name, make in GATEWAYS.items()}
    edge = _Edge(turns, texts, deadline, clock or SystemClock())
    turn = Door(
        gateways,
        channels,
        methods=lambda gateway: gateway.methods,
        serve=edge.turn,
        excuse=edge.sorry,
    )
    event = Door(
        gateways, channels, methods=lambda _: _POST, serve=edge.event, excuse=edge.event_failed
    )
    return [
        Route("/ussd/{gateway}/{key}", turn),
        Route("/ussd/{gateway}/{key}/events", event),
    ]


_POST = frozenset({"POST"})


class _Edge:
    """Serves what came through the door."""

    def __init__(self, turns: Turns, texts: Texts, deadline: Deadline, clock: Clock) -> None:
        self._turns = turns
        self._texts = texts
        self._deadline = deadline
        self._clock = clock
        # A missing text shows now, and not to a customer in trouble.
        texts.get(_LANGUAGE, "ussd.late")
        texts.get(_LANGUAGE, "ussd.failed", reference="")

    async def turn(self, call: Call) -> None:
        """Answer one keypress: 200 with a screen, or 400 when it cannot be read."""
        scope, channel, gateway = call.scope, call.channel, call.gateway
        try:
            request = gateway.parse(
                scope["method"], scope["headers"], call.body, scope["query_string"]
            )
        except Exception as error:  # noqa: BLE001 - a gateway's mistake is ours, not the customer's
            await self.sorry(gateway, call.send, error)
            return
        if isinstance(request, Malformed):
            await _malformed(call, request)
            return
        structlog.contextvars.bind_contextvars(session_id=request.session_id)
        inbound = Inbound(
            channel=channel,
            identity=request.msisdn,
            session_id=request.session_id,
            cursor=request.cursor,
            received_at=self._clock.now(),
            network_hint=request.network,
        )
        await answer_in_time(
            self._deadline,
            self._turns.take(inbound),
            send=call.send,
            render=gateway.render,
            late=lambda: self._late(channel),
            failed=lambda error: self._failed(_language(channel), error),
        )

    async def sorry(self, gateway: Gateway, send: Send, error: Exception) -> None:
        """Trouble before the turn, with the channel's lookup: the customer gets a screen too."""
        await send_rendered(send, gateway.render(self._failed(_LANGUAGE, error)))

    async def event(self, call: Call) -> None:
        """Take a notice of a session's end: 200 `OK` to whatever is readable.

        It may be late, repeated or early and never matters to money, so trouble of ours is not
        the gateway's to hear.
        """
        scope, gateway = call.scope, call.gateway
        notice = gateway.parse_event(
            scope["method"], scope["headers"], call.body, scope["query_string"]
        )
        if isinstance(notice, Malformed):
            await _malformed(call, notice)
            return
        if notice.how is None:
            log.info("ussd.notice_of_unknown_status", session_id=notice.session_id)
        else:
            try:
                await self._turns.session_ended(call.channel, notice.session_id, notice.how)
            except Exception as error:  # noqa: BLE001 - see above
                await self.event_failed(gateway, call.send, error)
                return
        await send_plain(call.send, 200, "OK")

    async def event_failed(self, gateway: Gateway, send: Send, error: Exception) -> None:
        log.error("ussd.notice_failed", gateway=gateway.name, exc_info=error)
        await send_plain(send, 200, "OK")

    def _late(self, channel: Channel) -> Reply:
        log.warning("ussd.turn_late", after_s=self._deadline.answer_s)
        _SORRY.labels("late").inc()
        return Reply(self._texts.get(_language(channel), "ussd.late"), ends=True)

    def _failed(self, language: str, error: Exception) -> Reply:
        reference = speakable(_REFERENCE_CHARS)
        log.error("ussd.turn_failed", reference=reference, exc_info=error)
        _SORRY.labels("failed").inc()
        return Reply(self._texts.get(language, "ussd.failed", reference=reference), ends=True)


async def _malformed(call: Call, malformed: Malformed) -> None:
    log.warning("ussd.malformed", gateway=call.gateway.name, why=malformed.why)
    await refuse(call.send, 400, "Malformed request")


def _language(channel: Channel) -> str:
    language = channel.settings.get("language")
    return language if isinstance(language, str) else _LANGUAGE
