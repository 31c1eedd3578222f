"""Who is let in: Meta's challenge, its signature over the raw bytes, and partners without one."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bots import EDGES
from bots.edge import Edge, Malformed
from bots.whatsapp.edge import WhatsAppEdge
from bots.whatsapp.settings import settings_of, token_of
from core.domain.turns import Channel
from tests.fakes.graph import (
    APP_SECRET,
    NUMBER_ID,
    VERIFY_TOKEN,
    at_360dialog,
    channel,
    payload,
    says,
    signature,
    value,
)

EDGE: Edge = WhatsAppEdge()
BODY = b'{"entry":[]}'


def asked(**changed: str) -> dict[str, str]:
    usual = {"mode": "subscribe", "verify_token": VERIFY_TOKEN, "challenge": "1158201444"}
    return {f"hub.{name}": text for name, text in (usual | changed).items()}


def let_in(headers: dict[str, str], body: bytes = BODY, to: Channel | None = None) -> bool:
    """Both steps; headers are in lower case, as a server hands them over."""
    to = to or channel()
    told = {name.lower(): text for name, text in headers.items()}
    return EDGE.admitted(to, told) and EDGE.authentic(to, told, body)


def test_it_is_registered() -> None:
    edge = EDGES["whatsapp"]()
    assert (edge.kind, edge.body_bytes_max) == ("whatsapp", 3 * 1024 * 1024)


def test_the_challenge_of_who_knows_the_token_comes_back() -> None:
    assert EDGE.challenge(channel(), asked()) == "1158201444"


@pytest.mark.parametrize(
    "query",
    [
        pytest.param({}, id="nothing"),
        pytest.param(asked(mode="unsubscribe"), id="another mode"),
        pytest.param(asked(verify_token="wrong"), id="a wrong token"),
        pytest.param(asked(verify_token=""), id="no token"),
        pytest.param(asked(verify_token=VERIFY_TOKEN + "ẹ"), id="foreign letters"),
        pytest.param(asked(challenge=""), id="no challenge"),
        pytest.param(asked(challenge="<script>"), id="a page"),
        pytest.param(asked(challenge="1" * 300), id="a long one"),
    ],
)
def test_no_other_challenge_does(query: dict[str, str]) -> None:
    assert EDGE.challenge(channel(), query) is None


def test_without_a_verify_token_nobody_subscribes() -> None:
    bare = channel(credentials={"app_secret": APP_SECRET})
    assert EDGE.challenge(bare, asked(verify_token="")) is None


def test_what_meta_signed_is_let_in() -> None:
    assert let_in(signature(BODY))
    told = signature(BODY)["X-Hub-Signature-256"]
    assert let_in({"X-Hub-Signature-256": "sha256=" + told.removeprefix("sha256=").upper()})


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="none"),
        pytest.param({"X-Hub-Signature-256": ""}, id="empty"),
        pytest.param({"X-Hub-Signature-256": "sha256="}, id="no digest"),
        pytest.param({"X-Hub-Signature-256": "0" * 64}, id="no method"),
        pytest.param({"X-Hub-Signature-256": "sha256=" + "0" * 64}, id="wrong"),
        pytest.param({"X-Hub-Signature-256": "sha1=" + "0" * 40}, id="an older method"),
        pytest.param({"X-Hub-Signature-256": "sha256=" + "ẹ" * 64}, id="foreign letters"),
        pytest.param({"X-Hub-Signature-256": "sha256=" + "٣" * 64}, id="foreign digits"),
        pytest.param(signature(BODY, "another secret"), id="another app's"),
        pytest.param(signature(BODY + b" "), id="of other bytes"),
        pytest.param({"X-Hub-Signature": signature(BODY)["X-Hub-Signature-256"]}, id="elsewhere"),
    ],
)
def test_nothing_else_is(headers: dict[str, str]) -> None:
    assert not let_in(headers)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b'{"entry":[],"u":"\\u1eb9\\ud83c\\udf89"}', id="escaped letters"),
        pytest.param('{"entry":[],"u":"ẹ🎉"}'.encode(), id="letters as they are"),
        pytest.param(b'{"entry":[],"url":"https:\\/\\/a\\/b"}', id="escaped slashes"),
        pytest.param(b'{ "entry" : [ ] }\r\n', id="white space"),
        pytest.param(b'{"b":1,"a":2,"entry":[]}', id="any order"),
        pytest.param(b"\xff\x00", id="no text at all"),
    ],
)
def test_the_signature_is_of_the_very_bytes(body: bytes) -> None:
    assert let_in(signature(body), body)
    try:
        rewritten = json.dumps(json.loads(body), separators=(",", ":"), sort_keys=True).encode()
    except ValueError:
        return
    if rewritten != body:
        assert not let_in(signature(rewritten), body)


@pytest.mark.parametrize("credentials", [{}, {"app_secret": ""}])
def test_without_a_secret_nobody_is_let_in(credentials: dict[str, str]) -> None:
    assert not let_in(signature(BODY, ""), to=channel(credentials=credentials))


def test_a_partner_s_secret_path_does_alone() -> None:
    assert let_in({}, to=at_360dialog())


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"phone_number_id": NUMBER_ID, "verifier": "none"},
        {"phone_number_id": NUMBER_ID, "verifier": None},
        {"phone_number_id": NUMBER_ID, "api_base_url": "graph.facebook.com"},
        {"phone_number_id": NUMBER_ID, "api_base_url": "http://127.0.0.1:99999999"},
        {"phone_number_id": NUMBER_ID, "api_base_url": "http://127.0.0.1:0"},
        {"phone_number_id": NUMBER_ID, "api_base_url": "http://[::1"},
        {"phone_number_id": "../me"},
        {"phone_number_id": NUMBER_ID, "api_version": "../v1"},
        {"phone_number_id": NUMBER_ID, "auth_header": "X Y"},
        {"api_version": ""},
        {"verifier": "path"},
    ],
)
def test_settings_that_will_not_do_let_nobody_in(settings: dict[str, object]) -> None:
    bad = channel(settings=settings)
    assert settings_of(bad) is None
    assert not let_in(signature(BODY), to=bad)
    with pytest.raises(Malformed):
        EDGE.heard(bad, BODY)


def test_settings_say_where_and_how_a_number_is_reached() -> None:
    meta = settings_of(channel(settings={"phone_number_id": 100000000000001}))
    partner = settings_of(at_360dialog())
    assert meta is not None
    assert partner is not None
    assert meta.url("messages") == f"https://graph.facebook.com/v26.0/{NUMBER_ID}/messages"
    assert meta.auth("t") == {"Authorization": "Bearer t"}
    assert partner.url("media") == "https://waba-v2.360dialog.io/media"
    assert partner.auth("t") == {"D360-API-KEY": "t"}


@pytest.mark.parametrize(
    ("given", "token"), [("", None), (" ab ", "ab"), ("a\nb", None), ("ẹ", None), ("a b", "a b")]
)
def test_a_token_is_what_a_header_can_carry(given: str, token: str | None) -> None:
    assert token_of(channel(credentials={"access_token": given})) == token


def test_a_channel_shows_no_secret() -> None:
    assert APP_SECRET not in repr(channel())


@given(body=st.binary(max_size=200), told=st.text(max_size=80))
def test_no_guess_is_let_in(body: bytes, told: str) -> None:
    assert not let_in({"X-Hub-Signature-256": told}, body)


def test_a_lone_half_of_a_letter_is_heard_as_a_letter_nobody_knows() -> None:
    body = json.dumps(payload(value(says("a\ud800b")))).encode()
    [heard] = EDGE.heard(channel(), body).messages
    assert heard.text == "a\ufffdb"
