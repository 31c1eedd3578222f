"""The USSD edge over real sockets: every request gets one plain answer, and no stack trace."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from urllib.parse import urlencode

import httpx
import pytest
from starlette.applications import Starlette
from structlog.testing import capture_logs

from core.domain.turns import Channel, Progress, Reply, SessionEnd
from core.kit.crypto import Keyring
from core.kit.errors import Fault, Problem
from core.kit.texts import Texts
from tests.fakes.logs import events
from tests.fakes.serving import serve
from tests.fakes.turns import CHANNEL, FakeChannels, FakeTurns
from tests.fakes.waiting import until
from ussd.app import routes
from ussd.deadline import Deadline

KEYRING = Keyring("a passphrase for tests")
TEXTS = Texts({"en": {"ussd.late": "Slow. SMS follows.", "ussd.failed": "Sorry. Ref {reference}"}})
URL = "/ussd/africastalking/demo"
EVENTS = URL + "/events"
DIAL = {"sessionId": "s1", "phoneNumber": "+2348031234567", "text": ""}
NOTICE = {"sessionId": "s1", "status": "Success", "input": "1*4711"}

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def turns() -> FakeTurns:
    return FakeTurns()


@pytest.fixture
def channels() -> FakeChannels:
    return FakeChannels(CHANNEL)


@pytest.fixture
def edge(turns: FakeTurns, channels: FakeChannels) -> Serve:
    """Serves an edge with the deadline it is given."""

    @asynccontextmanager
    async def serving(
        answer_s: float = 5, abandon_s: float = 60
    ) -> AsyncIterator[httpx.AsyncClient]:
        deadline = Deadline(answer_s, abandon_s)
        app = Starlette(routes=routes(turns, channels, KEYRING, TEXTS, deadline=deadline))
        async with serve(app) as url, httpx.AsyncClient(base_url=url) as http:
            yield http

    return serving


async def test_a_dial_is_answered_with_a_screen(edge: Serve, turns: FakeTurns) -> None:
    async with edge() as http:
        answer = await http.post(URL, data=DIAL)

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.text == "CON Welcome\n1. Buy airtime"
    [inbound] = turns.taken
    assert inbound.channel is CHANNEL
    assert inbound.identity == "2348031234567"
    assert inbound.session_id == "s1"
    assert inbound.received_at.tzinfo is not None


async def test_a_last_screen_ends_the_session_in_any_script(edge: Serve, turns: FakeTurns) -> None:
    turns.reply = Reply("Ẹ ṣé", ends=True)
    async with edge() as http:
        assert (await http.post(URL, data=DIAL)).content == "END Ẹ ṣé".encode()


async def test_a_session_is_told_step_by_step_on_one_connection(
    edge: Serve, turns: FakeTurns
) -> None:
    async with edge() as http:
        for text in ("", "1", "1", "1*1", "", "1*1*08031234567"):
            await http.post(URL, data={**DIAL, "text": text})

    assert [(one.progress, one.inputs) for one in turns.advances] == [
        (Progress.BEGIN, ()),
        (Progress.NEW, ("1",)),
        (Progress.REPEAT, ()),
        (Progress.NEW, ("1",)),
        (Progress.STALE, ()),
        (Progress.NEW, ("08031234567",)),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/ussd/africastalking/nosuch",
        "/ussd/nosuch/demo",
        "/ussd/africastalking/nosuch/events",
        "/ussd/nosuch/demo/events",
    ],
)
async def test_an_unknown_channel_is_404_in_plain_words(edge: Serve, path: str) -> None:
    async with edge() as http:
        answer = await http.post(path, data={**DIAL, **NOTICE})

    assert answer.status_code == 404
    assert answer.text == "Unknown channel"
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize("path", [URL, EVENTS])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
async def test_another_method_is_405_and_says_which(edge: Serve, path: str, method: str) -> None:
    async with edge() as http:
        answer = await http.request(method, path)

    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("path", [URL, EVENTS])
async def test_a_malformed_request_is_400_and_a_log_line_without_personal_data(
    edge: Serve, turns: FakeTurns, path: str
) -> None:
    body = {"phoneNumber": "+2348031234567", "text": "1*4711", "input": "4711"}
    with capture_logs() as logs:
        async with edge() as http:
            answer = await http.post(path, data=body)

    assert (answer.status_code, answer.text) == (400, "Malformed request")
    assert events(logs, "ussd") == ["ussd.malformed"]
    assert "4711" not in str(logs)
    assert "8031234567" not in str(logs)
    assert not turns.taken


async def test_a_body_too_large_is_refused_and_the_next_request_is_served(edge: Serve) -> None:
    async def drip() -> AsyncIterator[bytes]:
        for _ in range(9):
            yield b"x" * 1024

    async with edge() as http:
        announced = await http.post(URL, content=b"text=" + b"1" * 8192)
        chunked = await http.post(URL, content=drip())
        fine = await http.post(URL, data={**DIAL, "text": "1" * 8000})

    assert (announced.status_code, chunked.status_code) == (413, 413)
    assert fine.status_code == 200


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(RuntimeError("secret detail of 08031234567"), id="anything"),
        pytest.param(Fault("the store is down"), id="a fault"),
        pytest.param(Problem("amount.too_small"), id="a problem that nobody turned to words"),
        pytest.param(TimeoutError(), id="a timeout inside"),
    ],
)
async def test_a_failing_turn_is_an_apology_with_the_reference_that_the_log_has(
    edge: Serve, turns: FakeTurns, error: Exception
) -> None:
    turns.error = error
    with capture_logs() as logs:
        async with edge() as http:
            answer = await http.post(URL, data=DIAL)

    assert answer.status_code == 200
    [line] = [line for line in logs if line["event"] == "ussd.turn_failed"]
    assert line["log_level"] == "error"
    assert answer.text == f"END Sorry. Ref {line['reference']}"


async def test_channels_that_cannot_be_looked_up_are_an_apology_too(
    edge: Serve, channels: FakeChannels
) -> None:
    channels.error = ConnectionError("no database")
    async with edge() as http:
        turn = await http.post(URL, data=DIAL)
        event = await http.post(EVENTS, data=NOTICE)

    assert turn.status_code == 200
    assert turn.text.startswith("END Sorry. Ref ")
    assert (event.status_code, event.text) == (200, "OK")


async def test_past_the_deadline_the_customer_is_answered_and_the_turn_goes_on(
    edge: Serve, turns: FakeTurns
) -> None:
    """It may stand between two writes, and what it finds out waits for the next dial."""
    turns.may_end.clear()
    async with edge(answer_s=0.1) as hasty, edge() as patient:
        answer = await hasty.post(URL, data=DIAL)
        assert turns.finished == 0
        turns.may_end.set()
        after = await patient.post(URL, data={**DIAL, "text": "1"})
        await until(lambda: turns.finished == 2)

    assert answer.text == "END Slow. SMS follows."
    assert 0.1 <= answer.elapsed.total_seconds() < 3
    assert after.text.startswith("CON Welcome")
    assert turns.cancelled == 0


async def test_a_turn_that_fails_past_the_deadline_is_logged_and_answered_once(
    edge: Serve, turns: FakeTurns
) -> None:
    turns.may_end.clear()
    turns.error = RuntimeError("late and broken")
    with capture_logs() as logs:
        async with edge(answer_s=0.05) as http:
            answer = await http.post(URL, data=DIAL)
            turns.may_end.set()
            await until(lambda: len(events(logs, "ussd")) == 2)

    assert answer.text == "END Slow. SMS follows."
    assert events(logs, "ussd") == ["ussd.turn_late", "ussd.turn_failed"]


async def test_a_turn_that_hangs_is_cut_in_the_end(edge: Serve, turns: FakeTurns) -> None:
    turns.may_end.clear()
    with capture_logs() as logs:
        async with edge(answer_s=0.05, abandon_s=0.1) as http:
            answer = await http.post(URL, data=DIAL)
            await until(lambda: len(events(logs, "ussd")) == 2)

    assert answer.text == "END Slow. SMS follows."
    assert turns.cancelled == 1
    assert events(logs, "ussd") == ["ussd.turn_late", "ussd.turn_failed"]


async def test_a_caller_who_hangs_up_does_not_stop_the_turn(edge: Serve, turns: FakeTurns) -> None:
    turns.may_end.clear()
    async with edge() as http:
        call = asyncio.create_task(http.post(URL, data=DIAL))
        await until(lambda: turns.taken)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.sleep(0.1)  # they have long heard that nobody listens
        turns.may_end.set()
        await until(lambda: turns.finished == 1)

    assert turns.cancelled == 0


@pytest.mark.parametrize(
    ("allowed", "status"),
    [
        pytest.param(["127.0.0.1"], 200, id="the caller's address"),
        pytest.param(["10.0.0.1", "127.0.0.0/8"], 200, id="its network"),
        pytest.param(["198.51.100.7"], 403, id="another address"),
        pytest.param([], 403, id="nobody"),
        pytest.param(["127.0.0.1", "nonsense"], 403, id="a list with a slip in it"),
        pytest.param("127.0.0.1", 403, id="no list at all"),
    ],
)
async def test_a_channel_may_list_who_may_call(allowed: object, status: int) -> None:
    channel: Channel = dataclasses.replace(CHANNEL, settings={"allowed_ips": allowed})
    app = Starlette(routes=routes(FakeTurns(), FakeChannels(channel), KEYRING, TEXTS))
    async with serve(app) as url, httpx.AsyncClient(base_url=url) as http:
        for path, form in ((URL, DIAL), (EVENTS, NOTICE)):
            assert (await http.post(path, data=form)).status_code == status


@pytest.mark.parametrize(
    ("status", "how"),
    [
        ("Success", SessionEnd.COMPLETED),
        ("Incomplete", SessionEnd.DROPPED),
        ("Failed", SessionEnd.FAILED),
    ],
)
async def test_a_notice_is_taken_with_ok_and_as_often_as_it_comes(
    edge: Serve, turns: FakeTurns, status: str, how: SessionEnd
) -> None:
    """Before the session's last request, after it, twice: it is passed on and harms nothing."""
    async with edge() as http:
        for _ in range(2):
            answer = await http.post(EVENTS, data={**NOTICE, "status": status})
            assert (answer.status_code, answer.text) == (200, "OK")
        assert (await http.post(URL, data=DIAL)).text.startswith("CON ")

    assert turns.ended == [("s1", how)] * 2


async def test_a_notice_of_unknown_status_is_taken_and_means_nothing(
    edge: Serve, turns: FakeTurns
) -> None:
    async with edge() as http:
        answer = await http.post(EVENTS, data={**NOTICE, "status": "Paused"})

    assert (answer.status_code, answer.text) == (200, "OK")
    assert turns.ended == []


async def test_a_notice_that_we_fail_over_is_still_taken_and_nothing_typed_is_logged(
    edge: Serve, turns: FakeTurns
) -> None:
    turns.error = RuntimeError("boom")
    with capture_logs() as logs:
        async with edge() as http:
            answer = await http.post(EVENTS, data=NOTICE)

    assert (answer.status_code, answer.text) == (200, "OK")
    assert events(logs, "ussd") == ["ussd.notice_failed"]
    assert "4711" not in str(logs)


async def test_sixty_customers_at_once_get_their_own_screens() -> None:
    class Echo(FakeTurns):
        async def take(self, inbound):  # type: ignore[no-untyped-def]  # a fake of one line
            await asyncio.sleep(0.05)
            return Reply(f"You are {inbound.identity}", ends=True)

    app = Starlette(routes=routes(Echo(), FakeChannels(CHANNEL), KEYRING, TEXTS))
    async with serve(app) as url, httpx.AsyncClient(base_url=url) as http:

        async def ask(number: int) -> bool:
            msisdn = f"23480312{number:05d}"
            form = {**DIAL, "sessionId": f"s{number}", "phoneNumber": "+" + msisdn}
            return (await http.post(URL, data=form)).text == f"END You are {msisdn}"

        assert all(await asyncio.gather(*(ask(number) for number in range(60))))


def test_a_missing_apology_stops_the_start() -> None:
    with pytest.raises(Fault, match=r"ussd\.late"):
        routes(FakeTurns(), FakeChannels(), KEYRING, Texts({"en": {"ussd.failed": "x"}}))


async def test_bytes_on_the_wire_hold_one_answer(edge: Serve, turns: FakeTurns) -> None:
    """The late answer and the turn's own never both go out, even on a connection that is kept."""
    turns.may_end.clear()
    body = urlencode(DIAL).encode()
    request = (
        f"POST {URL} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    )
    async with edge(answer_s=1) as http:
        reader, writer = await asyncio.open_connection(http.base_url.host, http.base_url.port)
        writer.write(request)
        got = await reader.readuntil(b"END Slow. SMS follows.")
        turns.may_end.set()
        await until(lambda: turns.finished == 1)
        writer.write(request)
        got += await reader.readuntil(b"CON Welcome\n1. Buy airtime")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                got += await reader.read(4096)
        writer.close()
        await writer.wait_closed()

    assert got.count(b"HTTP/1.1 200") == 2
