"""Whatever WhatsApp's webhooks hold on a bad day is read, or is malformed."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots.edge import Malformed
from bots.whatsapp.edge import WhatsAppEdge
from core.providers.http import read_json
from core.providers.values import member
from tests.fakes.documents import JSON, bent
from tests.fakes.graph import (
    card,
    channel,
    interactive,
    message,
    payload,
    says,
    status,
    value,
)

EDGE = WhatsAppEdge()
CHANNEL = channel()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b"\xff\xfe",
        b"{}",
        b'{"entry":{}}',
        b'{"entry":null}',
        b'{"entry":"x"}',
        b'{"entry":[NaN]}',
        b"[" * 100_000,
        b'{"entry":[' + b'{"a":' * 50_000,
    ],
)
def test_what_is_no_webhook_is_malformed_and_quoted_nowhere(body: bytes) -> None:
    with pytest.raises(Malformed) as caught:
        EDGE.heard(CHANNEL, body)
    assert caught.value.why == "no entries"


_REAL = payload(
    value(says("Hello"), interactive("list_reply", "t.1:a"), statuses=[status("failed", "w", 100)]),
    value(message("contacts", [card(origin="contact_request")])),
    value(message("system", {"type": "user_changed_number", "wa_id": "2347000000000"})),
    value(message("image", {"caption": "x"}), message("button", {"payload": "t.1:a", "text": "A"})),
)


_WEIRD = JSON | st.sampled_from(
    ["", "x" * 5000, "\x00", "٣٤٥", "9" * 400, -1, 10**30, 1e308, "NG.\u202e1", " 234 ", [[]], {}]
)


@given(document=JSON)
def test_any_json_is_read_or_malformed(document: Any) -> None:
    for each in (document, payload(document), payload(value(document))):
        body = json.dumps(each).encode()
        if isinstance(member(read_json(body), "entry"), list):
            EDGE.heard(CHANNEL, body)
        else:
            with pytest.raises(Malformed):
                EDGE.heard(CHANNEL, body)


@given(document=bent(_REAL, _WEIRD))
def test_a_bent_webhook_yields_messages_that_can_be_kept(document: Any) -> None:
    body = json.dumps(document).encode()
    if not isinstance(member(read_json(body), "entry"), list):
        with pytest.raises(Malformed):
            EDGE.heard(CHANNEL, body)
        return
    told = EDGE.heard(CHANNEL, body)
    for each in told.messages:
        assert 0 < len(each.external_id) <= 200
        assert 0 < len(each.identity) <= 200
        assert (each.external_id + each.identity + each.also + each.message_id).isprintable()
        assert len(each.text) <= 4096
        assert each.turn is None or 0 <= each.turn < 10**9
        assert not each.own or (each.msisdn.isascii() and each.msisdn.isdigit())
