"""Requests that nobody should send: a plain refusal, and a log line that tells on nobody."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
import redis.asyncio as redis

from tests.e2e.customer import PIN, Customer, new_msisdn
from tests.e2e.program import World

_FORM = {"content-type": "application/x-www-form-urlencoded"}
_TURN = "/ussd/africastalking/demo"


@pytest.mark.parametrize(
    "path",
    [
        "/ussd/africastalking/nobodys",
        "/ussd/nobody/demo",
        "/ussd/africastalking/demo/nothing",
        "/ussd/africastalking/nobodys/events",
        "/callbacks/paystack/nobodys",
        "/callbacks/nobody/demo",
        "/nowhere",
    ],
)
async def test_an_unknown_address_is_404_in_plain_words(world: World, path: str) -> None:
    reply = await world.http.post(path, content=b"sessionId=1", headers=_FORM)
    assert reply.status_code == 404
    assert reply.headers["content-type"].startswith("text/plain")
    assert 0 < len(reply.text) < 40


def _turn(**fields: str) -> bytes:
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items()).encode()


_NUMBER = "+" + new_msisdn()
MALFORMED = {
    "nothing": b"",
    "no session": _turn(phoneNumber=_NUMBER, text=PIN),
    "no number": _turn(sessionId="ATUid_1", text=PIN),
    "a number that is none": _turn(sessionId="ATUid_1", phoneNumber="12", text=PIN),
    "letters for a number": _turn(sessionId="ATUid_1", phoneNumber=_NUMBER + "x", text=PIN),
    "a number sent twice": _turn(sessionId="ATUid_1", phoneNumber=_NUMBER, text=PIN)
    + b"&phoneNumber=%2B2348034000009",
    "an endless session": _turn(sessionId="A" * 500, phoneNumber=_NUMBER, text=PIN),
    "broken text": _turn(sessionId="ATUid_1", phoneNumber=_NUMBER) + b"&text=%ff%fe",
    "JSON": json.dumps({"sessionId": "ATUid_1", "phoneNumber": _NUMBER, "text": PIN}).encode(),
    "bytes": bytes(range(256)),
}


@pytest.mark.parametrize("name", MALFORMED)
async def test_a_malformed_turn_is_400_and_a_line_without_a_person(world: World, name: str) -> None:
    """What the log held of it is searched for numbers and PINs when the world ends, too."""
    before = len(_logged(world))
    reply = await world.http.post(_TURN, content=MALFORMED[name], headers=_FORM)

    assert reply.status_code == 400
    assert reply.text == "Malformed request"
    lines = _logged(world)[before:]
    assert [line["event"] for line in lines if line["level"] == "warning"] == ["ussd.malformed"]
    written = json.dumps(lines)
    assert _NUMBER.lstrip("+") not in written
    assert f'"{PIN}"' not in written


async def test_another_method_is_405(world: World) -> None:
    assert (await world.http.get(_TURN)).status_code == 405


async def test_a_body_that_is_too_long_is_413(world: World) -> None:
    body = _turn(sessionId="ATUid_1", phoneNumber=_NUMBER, text="1*" * 20_000)
    assert (await world.http.post(_TURN, content=body, headers=_FORM)).status_code == 413


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'{"event":"charge.success"}'])
async def test_an_unsigned_callback_is_401(world: World, body: bytes) -> None:
    reply = await world.http.post("/callbacks/paystack/demo", content=body)
    assert reply.status_code == 401
    assert reply.text == "Not accepted"


@pytest.mark.parametrize("record", [b"\xff\x00", b"{}", b'{"session":1}', b"null"])
async def test_a_conversation_that_cannot_be_read_starts_again_politely(
    world: World, record: bytes
) -> None:
    """As after a deploy that no longer knows it, or with a Redis that somebody meddled with."""
    customer = Customer(world)
    await customer.phone.dial()
    await _rewrite(world, customer, lambda _: record)

    await customer.phone.enter("1")

    assert customer.phone.open
    assert await customer.balance() == (0, 0)


async def test_a_state_that_no_flow_knows_restarts_politely(world: World) -> None:
    customer = Customer(world)
    await customer.phone.dial()
    await customer.phone.enter("2")

    def elsewhere(record: bytes) -> bytes:
        document: dict[str, Any] = msgspec.json.decode(record)
        document["conversation"] |= {"flow": "lottery", "node": "nowhere"}
        return msgspec.json.encode(document)

    await _rewrite(world, customer, elsewhere)

    await customer.phone.enter("1")

    assert customer.phone.open
    customer.phone.sees("We have improved this service. Please start again.", "1. Buy airtime")


@pytest.mark.parametrize(
    "typed", ["", "#", "**", "*" * 50, "99999999999999999999", "'; drop table orders; --", "ẞ€\x00"]
)
async def test_whatever_is_typed_gets_a_screen(world: World, typed: str) -> None:
    customer = Customer(world)
    await customer.phone.dial()
    customer.phone.text = typed
    await customer.phone.send()
    assert customer.phone.open


def _logged(world: World) -> list[dict[str, Any]]:
    """The lines of Callbox's log that are events."""
    lines = (world.home / "callbox.log").read_text().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


async def _rewrite(world: World, customer: Customer, change: Callable[[bytes], bytes]) -> None:
    """Change what is kept of a conversation behind Callbox's back. Its version stands before it."""
    urls = json.loads((world.home / "services.json").read_text())
    client = redis.Redis.from_url(urls["redis_url"])
    try:
        async for key in client.scan_iter(match="callbox:conversation:*"):
            value = await client.get(key)
            if isinstance(value, bytes) and customer.phone.session.encode() in value:
                await client.set(key, value[:8] + change(value[8:]), keepttl=True)
                return
        raise AssertionError("no such conversation")
    finally:
        await client.aclose()
