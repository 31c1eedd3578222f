"""Africa's Talking keeps the promise of an SMS sender: taken, never to be taken, or try again."""

import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from structlog.testing import capture_logs

from core.kit.msisdn import Msisdn
from core.ports import Sms, SmsResult, SmsSender
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply
from core.providers.sms import SMS_SENDERS
from core.providers.sms.africastalking import AfricasTalking, Settings, read_result
from tests.fakes.documents import JSON
from tests.fakes.wire import (
    Behaviour,
    Wire,
    hangs_up,
    resets,
    says,
    stays_silent,
    wire,
    writes,
)

SMS = Sms(to=Msisdn("2348031234567"), text="N500 airtime & more: 100% done. Code 481516")


def told(code: object) -> dict[str, object]:
    recipient = {
        "statusCode": code,
        "number": "+2348031234567",
        "status": "Whatever",
        "cost": "NGN 2.2000",
        "messageId": "ATPid_1",
    }
    return {"SMSMessageData": {"Message": "Sent to 1/1", "Recipients": [recipient]}}


def reply(document: object, status: int = 201) -> Reply:
    return Reply(status, document if isinstance(document, bytes) else json.dumps(document).encode())


@pytest.mark.parametrize(
    ("code", "result"),
    [
        pytest.param(100, SmsResult.ACCEPTED, id="100 processed"),
        pytest.param(101, SmsResult.ACCEPTED, id="101 sent"),
        pytest.param(102, SmsResult.ACCEPTED, id="102 queued"),
        pytest.param("101", SmsResult.ACCEPTED, id="101 as text"),
        pytest.param(401, SmsResult.REJECTED, id="401 risk hold"),
        pytest.param(402, SmsResult.REJECTED, id="402 sender id"),
        pytest.param(403, SmsResult.REJECTED, id="403 number"),
        pytest.param(404, SmsResult.REJECTED, id="404 kind of number"),
        pytest.param(405, SmsResult.RETRY, id="405 our balance"),
        pytest.param(406, SmsResult.REJECTED, id="406 blocked by the recipient"),
        pytest.param(407, SmsResult.REJECTED, id="407 no route"),
        pytest.param(409, SmsResult.REJECTED, id="409 do not disturb"),
        pytest.param(500, SmsResult.RETRY, id="500 their error"),
        pytest.param(501, SmsResult.RETRY, id="501 gateway error"),
        pytest.param(502, SmsResult.RETRY, id="502 rejected by gateway"),
        pytest.param(103, SmsResult.RETRY, id="103 not promised"),
        pytest.param(1.01, SmsResult.RETRY, id="a fraction"),
        pytest.param(True, SmsResult.RETRY, id="a truth"),
        pytest.param(None, SmsResult.RETRY, id="null"),
        pytest.param([101], SmsResult.RETRY, id="a list"),
    ],
)
def test_each_code_of_a_recipient_has_its_result(code: object, result: SmsResult) -> None:
    assert read_result(reply(told(code))) is result


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(reply(told(101), 500), id="sent, yet 500"),
        pytest.param(reply(told(101), 302), id="sent, yet a redirect"),
        pytest.param(reply(told(403), 400), id="turned away, yet 400"),
        pytest.param(reply(b"The supplied authentication is invalid", 401), id="our key"),
        pytest.param(reply(b"<html>"), id="HTML"),
        pytest.param(reply(json.dumps(told(403)).encode()[:-1]), id="truncated"),
        pytest.param(reply({"SMSMessageData": {"Message": "InvalidSenderId"}}), id="no recipients"),
        pytest.param(reply({"SMSMessageData": {"Recipients": []}}), id="not one recipient"),
        pytest.param(
            reply({"SMSMessageData": {"Recipients": [{"statusCode": 101}] * 2}}),
            id="more than one recipient",
        ),
        pytest.param(reply({"SMSMessageData": {"Recipients": [None]}}), id="a null"),
        pytest.param(
            reply({"SMSMessageData": {"Recipients": {"statusCode": 403}}}), id="an object"
        ),
        pytest.param(Reply(201, None), id="more than a mebibyte"),
        pytest.param(NoReply("timeout"), id="no answer"),
        pytest.param(NoReply("not_sent", never_sent=True), id="never sent"),
    ],
)
def test_what_is_not_told_is_tried_again(answer: Reply | NoReply) -> None:
    assert read_result(answer) is SmsResult.RETRY


@given(document=JSON, code=JSON, status=st.integers(200, 599))
def test_no_answer_ends_a_message_unless_documented(document: Any, code: Any, status: int) -> None:
    assert read_result(reply(document, status)) is SmsResult.RETRY
    result = read_result(reply(told(code), status))
    if result is not SmsResult.RETRY:
        assert status < 300
        assert (
            int(code) in range(100, 103) if result is SmsResult.ACCEPTED else int(code) // 100 == 4
        )


@asynccontextmanager
async def africastalking(
    *behaviours: Behaviour, sender: str | None = None
) -> AsyncIterator[tuple[AfricasTalking, Wire]]:
    async with wire(*behaviours) as server:
        made = AfricasTalking(
            Settings.model_construct(
                base_url=server.base_url,
                username="sandbox",
                api_key=SecretStr("AT_KEY"),
                sender=sender,
                timeout_s=1.5,
            )
        )
        try:
            yield made, server
        finally:
            await made.aclose()


@pytest.mark.parametrize(
    ("ours", "of_message", "sent"),
    [
        pytest.param(None, None, None, id="no sender id"),
        pytest.param("CALLBOX", None, ["CALLBOX"], id="our sender id"),
        pytest.param("CALLBOX", "SHOP", ["SHOP"], id="the message's own sender id"),
    ],
)
async def test_a_message_on_the_wire(
    ours: str | None, of_message: str | None, sent: list[str] | None
) -> None:
    async with africastalking(says(json.dumps(told(101)), 201), sender=ours) as (made, server):
        assert await made.send(Sms(SMS.to, SMS.text, of_message)) is SmsResult.ACCEPTED
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    assert head.startswith(b"POST /version1/messaging HTTP/1.1")
    assert b"apikey: at_key" in head.lower()
    assert b"accept: application/json" in head.lower()
    form = parse_qs(body.decode(), strict_parsing=True)
    assert form.pop("from", None) == sent
    assert form == {
        "username": ["sandbox"],
        "to": ["+2348031234567"],
        "message": [SMS.text],
        "bulkSMSMode": ["1"],
    }


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(stays_silent, id="no answer"),
        pytest.param(hangs_up, id="closed"),
        pytest.param(resets, id="reset"),
        pytest.param(writes(b"HTTP/1.1 201 Created\r\nContent-Length: 99\r\n\r\n{"), id="half"),
        pytest.param(says("x" * (REPLY_BYTES_MAX + 1), 201), id="more than a mebibyte"),
    ],
)
async def test_a_broken_exchange_is_tried_again_later_not_at_once(behaviour: Behaviour) -> None:
    async with africastalking(behaviour) as (made, server):
        assert await made.send(SMS) is SmsResult.RETRY
        assert len(server.requests) == 1


async def test_no_key_number_or_text_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with africastalking(says(json.dumps(told(101)), 201), hangs_up) as (made, _):
            await made.send(SMS)
            await made.send(SMS)
    assert [line["act"] for line in lines] == ["africastalking.send"] * 2
    logged = repr(lines) + caplog.text
    assert not any(secret in logged for secret in ("AT_KEY", "8031234567", "481516"))


async def test_the_registry_builds_it() -> None:
    made = SMS_SENDERS["africastalking"](
        {"base_url": "http://127.0.0.1", "username": "sandbox", "api_key": "k"}
    )
    port: SmsSender = made
    assert port.name == "africastalking"
    await made.aclose()
