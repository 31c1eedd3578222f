"""No secret and no whole number reaches a log line, whoever writes it."""

import datetime as dt
import json
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.kit import logging, masking
from core.kit.errors import Fault
from core.kit.logging import mask

NUMBER, PIN, TOKEN = "2348031234567", "7391", "tok-AbC123xyz"
REPOSITORY = Path(__file__).parents[2]


@dataclass
class Order:
    recipient: str = NUMBER
    pin: str = PIN


def line(**facts: object) -> dict[str, Any]:
    return dict(mask(None, "info", {"event": "test.happened", **facts}))


@pytest.mark.parametrize(
    "key",
    [
        "pin",
        "new_pin",
        "pinHash",
        "PIN",
        "otp",
        "token",
        "admin_token",
        "accessToken",
        "password",
        "secret_key",
        "api_key",
        "apikey",
        "api-key",
        "private_key",
        "Authorization",
        "cookie",
        "credentials",
        "x-paystack-signature",
        "reset_code",
        "voucher_code",
        "cvv",
        "typed",
        "inputs",
    ],
)
@pytest.mark.parametrize("value", [PIN, 7391, [PIN], {"a": PIN}, None], ids=repr)
def test_what_is_secret_by_its_name_is_redacted(key: str, value: object) -> None:
    assert line(**{key: value})[key] == "[redacted]"
    assert line(facts={"deep": [{key: value}]})["facts"] == {"deep": [{key: "[redacted]"}]}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("mapping", "a to b"),
        ("shipping", 3),
        ("pump", "orders"),
        ("span", "x"),
        ("elapsed_ms", 30_000),
        ("amount_minor", 50_000_00),
        ("known", True),
        ("share", 0.25),
        ("nothing", None),
        ("code", "014"),
        ("code", "amount.too_small"),
        ("reference", "K7QWERTY12AB"),
        ("provider_reference", "202603011200a1b2c3d4"),
        ("at", "2026-03-01T12:00:00+00:00"),
    ],
)
def test_ordinary_facts_stay_as_they_are(key: str, value: object) -> None:
    assert line(**{key: value})[key] == value


@pytest.mark.parametrize("key", ["msisdn", "recipient", "phone", "to", "sender", "own_msisdn"])
@pytest.mark.parametrize("value", [NUMBER, "+" + NUMBER, "08031234567", 2348031234567], ids=repr)
def test_a_number_under_its_name_keeps_its_ends_only(key: str, value: object) -> None:
    assert line(**{key: value})[key].endswith("****567")


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(f"sent to {NUMBER}", id="in a sentence"),
        pytest.param(f"to=%2B{NUMBER}&x=1", id="in a form"),
        pytest.param(f"conversation:{{{NUMBER}}}", id="in a key"),
        pytest.param(f"user_{NUMBER}", id="behind an underscore"),
        pytest.param("0803 123 4567", id="in groups"),
        pytest.param("+234-803-123-4567", id="in groups with dashes"),
        pytest.param("5078501234567890123", id="a card number"),
        pytest.param(2348031234567, id="as a number"),
        pytest.param({"to": [{NUMBER: NUMBER}]}, id="deep, and as a key"),
        pytest.param((NUMBER,), id="in a tuple"),
        pytest.param({NUMBER}, id="in a set"),
        pytest.param(NUMBER.encode(), id="in bytes"),
        pytest.param(Order(), id="in a dataclass"),
        pytest.param(ValueError(NUMBER), id="in an exception"),
    ],
)
def test_a_number_anywhere_is_masked(value: object) -> None:
    written = json.dumps(line(anything=value))

    for whole in (NUMBER, "8031234567", "123 4567", "123-4567", "5078501234567890"):
        assert whole not in written
    assert "****" in written
    assert PIN not in written


@pytest.mark.parametrize(
    "value",
    [
        f"pin={PIN}",
        f"{{'pin': '{PIN}'}}",
        f'{{"api_key": "{PIN} {PIN}"}}',
        f"Authorization: Bearer {PIN}abcdef",
        f"sent with bearer {PIN}abcdef",
        f"https://x.example/?token={PIN}abc&page=1",
        f"postgresql://callbox:{PIN}@db/callbox",
        f"sk_live_{PIN}abc",
        f"SK_TEST_{PIN}abc",
        f"https://api.telegram.org/bot12345:{PIN}abcdefghijklmnopqrstuv/getMe",
        f"secret_key='{PIN}'",
    ],
)
def test_a_secret_in_a_text_is_redacted(value: str) -> None:
    assert PIN not in str(line(anything=value))
    assert PIN not in str(line(event=value))


@given(st.lists(st.sampled_from(["sk_live_", "PK_TEST_", "12345", "\u0663", "a", "_", "."])))
def test_a_lone_word_is_masked_as_it_is_among_others(parts: list[str]) -> None:
    word = "".join(parts)

    assert masking.text(word) == masking.text(f"{word} ").removesuffix(" ")


@pytest.mark.parametrize(
    "message",
    [
        f"invalid literal for int() with base 10: '{PIN}'",
        f"1 validation error\npin\n  Input should be text [input_value='{PIN}', input_type=str]",
        f"[parameters: ('{PIN}', '{NUMBER}')]",
        f"customer {NUMBER} typed {PIN}",
    ],
)
def test_an_exceptions_message_carries_neither_pin_nor_number(message: str) -> None:
    try:
        try:
            raise ValueError(message)
        except ValueError as error:
            error.add_note(f"typed {PIN}")
            raise ExceptionGroup("several", [RuntimeError(message)]) from error
    except ExceptionGroup as error:
        written = masking.exception((type(error), error, error.__traceback__))

    assert PIN not in written
    assert NUMBER not in written
    assert "ValueError" in written
    assert "test_logging.py" in written
    assert masking.value_of("exception", written) == written
    assert PIN not in str(line(error=ValueError(message)))
    assert PIN not in str(line(error=repr(ValueError(message))))


def test_a_traceback_keeps_its_line_numbers() -> None:
    written = '  File "a.py", line 12345, in run\n    work(98765)\nValueError: 98765'

    assert masking.value_of("exception", written) == (
        '  File "a.py", line 12345, in run\n    work(****)\nValueError: ****'
    )


def test_identifiers_and_times_are_written_as_text() -> None:
    number, at = UUID(int=1), dt.datetime(2026, 3, 1, tzinfo=dt.UTC)

    assert line(order=number, at=at)["order"] == str(number)
    assert line(order=number, at=at)["at"] == str(at)


def test_a_value_within_itself_ends() -> None:
    around: dict[str, object] = {}
    around["around"] = around

    assert "..." in str(line(anything=around))


@given(
    st.recursive(
        st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_value_can_be_masked_and_written(value: object) -> None:
    json.dumps(line(anything=value))


@pytest.mark.parametrize(
    "hostile",
    [
        "pin" * 50_000,
        "pin-" * 50_000,
        "1" * 200_000,
        "123 " * 50_000,
        "://a:" * 30_000,
        "pin " * 50_000,
    ],
    ids=lambda text: text[:5],
)
def test_a_hostile_text_costs_no_time(hostile: str) -> None:
    started = time.thread_time()

    masking.message(hostile)

    assert time.thread_time() - started < 0.4


def test_a_level_that_does_not_exist_names_the_setting() -> None:
    with pytest.raises(Fault, match="CALLBOX_LOG_LEVEL: 'LOUD'"):
        logging.configure(json=True, level="LOUD")


_PROGRAM = f"""
    import asyncio, gc, logging as library, sys
    import structlog
    from core.kit import logging

    logging.configure(json=sys.argv[1] == "json")
    logging.configure(json=sys.argv[1] == "json")
    log = structlog.get_logger()

    def fail():
        raise ValueError("customer {NUMBER} typed '{PIN}' with token={TOKEN}")

    try:
        fail()
    except ValueError as error:
        log.exception("ours.exception", msisdn="{NUMBER}")
        log.error("ours.error", exc_info=error)
        library.getLogger("uvicorn.error").exception("Exception in ASGI application\\n")
        library.getLogger("anything").error("failed for %s", "{NUMBER}", exc_info=True)
    library.getLogger("httpx").info("HTTP Request: GET https://x.example/?to={NUMBER}")
    library.getLogger("uvicorn.access").info("GET /ussd/africastalking/{TOKEN}")

    async def forget():
        async def failing():
            fail()
        task = asyncio.create_task(failing())
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(forget())
    fail()
"""


@pytest.mark.parametrize("kind", ["json", "console"])
def test_a_whole_process_leaks_nothing_not_even_when_it_crashes(kind: str) -> None:
    """Our lines, libraries' lines, a forgotten task and the crash itself, in both formats."""
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(_PROGRAM), kind],
        capture_output=True,
        text=True,
        cwd=REPOSITORY,
        timeout=60,
        check=False,
    )

    written = ended.stdout + ended.stderr
    assert ended.returncode == 1
    for secret in (NUMBER, PIN, TOKEN):
        assert secret not in written
    for told in (
        "ours.exception", "ours.error", "Exception in ASGI application", "failed for 234803****567",
        "Task exception was never retrieved", "process.crashed",
    ):  # fmt: skip
        assert written.count(told) == 1, told
    assert "HTTP Request" not in written
    assert "GET /ussd" not in written
    if kind == "json":
        assert all(json.loads(part)["timestamp"] for part in ended.stderr.splitlines())
