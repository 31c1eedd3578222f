"""The Africa's Talking SMS simulator."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from sandbox.sms import SCENARIOS
from tests.fakes.outside import Outside, outside

TO = "+2348031234567"


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[Outside]:
    async with outside() as running:
        yield running


@pytest_asyncio.fixture
async def world(shared: Outside) -> Outside:
    await shared.start_over()
    return shared


async def test_a_message_arrives_and_is_told_as_theirs_is(world: Outside) -> None:
    reply = await world.text(TO, "Your code is 1234")

    told = reply.json()["SMSMessageData"]
    recipient = told["Recipients"][0]
    assert reply.status_code == 201
    assert told["Message"] == "Sent to 1/1 Total Cost: NGN 2.2000"
    assert (recipient["statusCode"], recipient["status"]) == (101, "Success")
    assert recipient["number"] == TO
    assert "SIM" in recipient["messageId"]
    assert await world.messages() == [
        {
            "to": "2348031234567",
            "from": "CALLBOX",
            "text": "Your code is 1234",
            "at": "2026-11-21T12:00:00.000000+00:00",
        }
    ]


async def test_the_inbox_is_newest_last_and_of_one_handset(world: Outside) -> None:
    await world.text(TO, "first")
    world.clock.advance(1)
    await world.text(f"{TO},+2348051234567", "second")

    assert [message["text"] for message in await world.messages("08031234567")] == [
        "first",
        "second",
    ]
    assert [message["text"] for message in await world.messages("+2348051234567")] == ["second"]


@pytest.mark.parametrize(
    ("key", "username"), [("", "sandbox"), ("SIM-other", "sandbox"), ("SIM-at-key", "someone")]
)
async def test_wrong_credentials_are_401(world: Outside, key: str, username: str) -> None:
    reply = await world.http.post(
        "/africastalking/version1/messaging",
        data={"username": username, "to": TO, "message": "Hello"},
        headers={"apiKey": key},
    )

    assert reply.status_code == 401
    assert await world.messages() == []


async def test_nothing_to_send_is_400(world: Outside) -> None:
    assert (await world.text(TO, "")).status_code == 400
    assert (await world.text(" , ")).status_code == 400


async def test_each_recipient_has_a_code_of_its_own(world: Outside) -> None:
    refused = SCENARIOS["sms_rejected"].recipients[0]

    told = (await world.text(f"{TO},{refused},12")).json()["SMSMessageData"]

    assert [recipient["statusCode"] for recipient in told["Recipients"]] == [101, 406, 403]
    assert told["Message"].startswith("Sent to 1/3 ")
    assert len(await world.messages()) == 1


async def test_http_500_sends_nothing(world: Outside) -> None:
    await world.play("africastalking", "sms_500", next=1)

    assert (await world.text(TO)).status_code == 500
    assert await world.messages() == []
    assert (await world.text(TO)).status_code == 201


async def test_a_late_answer_has_sent(world: Outside) -> None:
    await world.play("africastalking", "sms_timeout", seconds=30, recipient="08031234567")

    answer = asyncio.create_task(world.text(TO))
    while not (sent := await world.messages(TO)):
        assert not answer.done()
    assert not answer.done()
    answer.cancel()

    assert len(sent) == 1


async def test_every_part_is_tested_here() -> None:
    assert set(SCENARIOS) == {"ok", "sms_500", "sms_timeout", "sms_rejected"}
