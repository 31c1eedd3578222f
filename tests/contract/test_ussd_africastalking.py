"""Africa's Talking's wire format, read and written to the letter."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.turns import Progress, Reply, SessionEnd
from core.kit.crypto import Keyring
from ussd.gateways import GATEWAYS
from ussd.request import Malformed, Request, SessionNotice

GATEWAY = GATEWAYS["africastalking"](Keyring("a passphrase for tests"))
SESSION = "ATUid_5f2c9a0b1d3e4f5061728394a5b6c7d8"
DIAL = {
    "sessionId": SESSION,
    "phoneNumber": "+2348031234567",
    "networkCode": "62130",
    "serviceCode": "*347*100#",
    "text": "",
}
NOTICE = {
    "date": "2026-11-21 08:00:00",
    "sessionId": SESSION,
    "serviceCode": "*347*100#",
    "networkCode": "62130",
    "phoneNumber": "+2348031234567",
    "status": "Success",
    "cost": "0.00",
    "durationInMillis": "12000",
    "hopsCount": "3",
    "input": "1*4711",
    "lastAppResponse": "END Your PIN is 4711",
}


def parse(body: bytes) -> Request | Malformed:
    return GATEWAY.parse("POST", [], body, b"")


def dial(**fields: str) -> Request:
    request = parse(urlencode({**DIAL, **fields}).encode())
    assert isinstance(request, Request)
    return request


def event(body: bytes) -> SessionNotice | Malformed:
    return GATEWAY.parse_event("POST", [], body, b"")


def without(name: str, fields: dict[str, str] = DIAL) -> bytes:
    return urlencode({key: value for key, value in fields.items() if key != name}).encode()


def test_a_first_dial_says_who_where_and_on_which_network() -> None:
    request = dial()

    assert request.session_id == SESSION
    assert request.msisdn == "2348031234567"
    assert request.service_code == "*347*100#"
    assert request.network == "mtn"
    advance = request.cursor.advance(None)
    assert (advance.progress, advance.inputs) == (Progress.BEGIN, ())


def test_the_text_is_compared_with_the_one_before() -> None:
    mark = dial(text="1").cursor.advance(None).mark

    advance = dial(text="1*1").cursor.advance(mark)

    assert (advance.progress, advance.inputs) == (Progress.NEW, ("1",))


@pytest.mark.parametrize(
    ("code", "network"),
    [
        ("62120", "airtel"),
        ("62130", "mtn"),
        ("62150", "glo"),
        ("62160", "9mobile"),
        ("63902", "safaricom"),
        pytest.param("99999", None, id="their sandbox"),
        pytest.param("12345", None, id="unknown"),
        pytest.param("", None, id="empty"),
        pytest.param("MTN", None, id="no code at all"),
    ],
)
def test_a_network_is_named_where_it_is_known(code: str, network: str | None) -> None:
    assert dial(networkCode=code).network == network


@pytest.mark.parametrize("name", ["networkCode", "serviceCode", "text"])
def test_these_fields_may_be_missing(name: str) -> None:
    request = parse(without(name))

    assert isinstance(request, Request)
    assert request.msisdn == "2348031234567"


def test_fields_that_came_later_to_the_format_are_ignored() -> None:
    assert isinstance(parse(urlencode({**DIAL, "hopsMetadata": "a|b"}).encode()), Request)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param("%2B2348031234567", id="escaped plus"),
        pytest.param("+2348031234567", id="plus that was not escaped"),
        pytest.param("2348031234567", id="no plus"),
    ],
)
def test_the_number_is_read_though_its_plus_was_lost(sent: str) -> None:
    request = parse(without("phoneNumber") + b"&phoneNumber=" + sent.encode())

    assert isinstance(request, Request)
    assert request.msisdn == "2348031234567"


@pytest.mark.parametrize(
    ("sent", "heard"),
    [
        pytest.param("1%2A+5", " 5", id="a plus is a space, as it always is"),
        pytest.param("1*%2B234803", "+234803", id="an escaped plus was typed"),
        pytest.param("1*" + quote("Ọ̀yọ́ & Co=1"), "Ọ̀yọ́ & Co=1", id="letters and separators"),
    ],
)
def test_no_other_field_is_repaired(sent: str, heard: str) -> None:
    mark = dial(text="1").cursor.advance(None).mark

    request = parse(without("text") + b"&text=" + sent.encode())

    assert isinstance(request, Request)
    assert request.cursor.advance(mark).inputs == (heard,)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(without("sessionId"), "no sessionId", id="no session"),
        pytest.param(without("phoneNumber"), "no phoneNumber", id="no number"),
        pytest.param(b"", "no sessionId", id="empty body"),
        pytest.param(b'{"sessionId": "x"}', "no sessionId", id="json"),
        pytest.param(without("text") + b"&text=%ff", "not UTF-8", id="escaped latin-1"),
        pytest.param(without("text") + b"&text=\xe9", "not UTF-8", id="bare latin-1"),
        pytest.param(without("text") + b"&text=%ED%A0%80", "not UTF-8", id="half a surrogate"),
        pytest.param(without("") + b"&text=2", "a field came twice", id="text twice"),
        pytest.param(b"&".join(b"a%d=1" % n for n in range(99)), "too many fields", id="99 fields"),
        pytest.param(
            urlencode({**DIAL, "phoneNumber": "MTN"}).encode(),
            "phoneNumber is no number",
            id="a number of letters",
        ),
        pytest.param(
            urlencode({**DIAL, "phoneNumber": "+" + "1" * 16}).encode(),
            "phoneNumber is no number",
            id="a number too long",
        ),
        pytest.param(
            urlencode({**DIAL, "phoneNumber": "+٢٣٤٨٠٣١٢٣٤٥٦٧"}).encode(),
            "phoneNumber is no number",
            id="digits of another script",
        ),
        pytest.param(
            urlencode({**DIAL, "sessionId": ""}).encode(), "sessionId is none", id="empty session"
        ),
        pytest.param(
            urlencode({**DIAL, "sessionId": "x" * 129}).encode(),
            "sessionId is none",
            id="session too long",
        ),
        pytest.param(
            urlencode({**DIAL, "sessionId": "a\nb"}).encode(),
            "sessionId is none",
            id="session that would break a log line",
        ),
    ],
)
def test_what_cannot_be_read_is_malformed_for_a_reason_that_holds_nothing_sent(
    body: bytes, why: str
) -> None:
    assert parse(body) == Malformed(why)


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        pytest.param(Reply("Pick\n1. Airtime", ends=False), b"CON Pick\n1. Airtime", id="more"),
        pytest.param(Reply("Bye", ends=True), b"END Bye", id="last"),
        pytest.param(Reply("Ẹ ṣé é", ends=True), "END Ẹ ṣé é".encode(), id="UTF-8"),
    ],
)
def test_a_reply_begins_with_its_prefix_and_nothing_before(reply: Reply, body: bytes) -> None:
    rendered = GATEWAY.render(reply)

    assert rendered.body == body
    assert rendered.content_type == b"text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("status", "how"),
    [
        ("Success", SessionEnd.COMPLETED),
        ("Incomplete", SessionEnd.DROPPED),
        ("Failed", SessionEnd.FAILED),
        pytest.param("Paused", None, id="a status of tomorrow"),
    ],
)
def test_a_notice_says_how_a_session_ended(status: str, how: SessionEnd | None) -> None:
    notice = event(urlencode({**NOTICE, "status": status, "errorMessage": "x"}).encode())

    assert notice == SessionNotice(SESSION, how)


def test_a_notice_keeps_nothing_of_what_was_typed_or_shown() -> None:
    assert "4711" not in repr(event(urlencode(NOTICE).encode()))


@pytest.mark.parametrize("name", ["status", "sessionId"])
def test_a_notice_without_these_is_malformed(name: str) -> None:
    assert isinstance(event(without(name, NOTICE)), Malformed)


def test_a_notice_without_anything_else_is_fine() -> None:
    assert isinstance(event(b"sessionId=x&status=Failed"), SessionNotice)


@given(body=st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_no_body_raises(body: bytes) -> None:
    for read in (parse, event):
        assert isinstance(read(body), Malformed)
        read(urlencode(DIAL).encode() + b"&status=x&" + body)
