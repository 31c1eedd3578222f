"""VTpass keeps the promise of a VTU provider: on the wire, when it breaks, and in callbacks."""

import asyncio
import datetime as dt
import json
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from msgspec.structs import replace
from pydantic import SecretStr, ValidationError
from structlog.testing import capture_logs

from core.domain.vending import Blame, Product, Result, Vend
from core.kit.errors import Fault
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import BadCallback, VtuProvider
from core.providers.http import REPLY_BYTES_MAX
from core.providers.vtu import VTU_PROVIDERS
from core.providers.vtu.vtpass import Settings, VtPass
from tests.fakes.documents import JSON
from tests.fakes.wire import (
    Behaviour,
    Wire,
    hangs_up,
    resets,
    says,
    stays_silent,
    trickles,
    wire,
    writes,
)

REFERENCE = "202611210630ABCDEF"
VEND = Vend(
    reference=REFERENCE,
    product=Product.AIRTIME,
    network="mtn",
    recipient=Msisdn("2348031234567"),
    amount=Money(500_00, "NGN"),
    created_at=dt.datetime(2026, 11, 21, 5, 30, tzinfo=dt.UTC),
)
KEYS = {"api_key": "AK_1", "public_key": "PK_1", "secret_key": "SK_1"}
DELIVERED = {
    "code": "000",
    "requestId": REFERENCE,
    "content": {
        "transactions": {
            "status": "delivered",
            "transactionId": "17416133",
            "total_amount": 485,
            "phone": "08031234567",
        }
    },
}
GOOD = json.dumps(DELIVERED)


def settings(base_url: str, timeout_s: float = 5.0) -> Settings:
    """Unchecked, so that a test need not wait five seconds."""
    return Settings.model_construct(
        base_url=base_url,
        timeout_s=timeout_s,
        api_key=SecretStr("AK_1"),
        public_key=SecretStr("PK_1"),
        secret_key=SecretStr("SK_1"),
    )


@asynccontextmanager
async def vtpass(
    *behaviours: Behaviour, timeout_s: float = 5.0
) -> AsyncIterator[tuple[VtPass, Wire]]:
    async with wire(*behaviours) as server:
        provider = VtPass(settings(server.base_url + "/api", timeout_s))
        try:
            yield provider, server
        finally:
            await provider.aclose()


def spoken(request: bytes) -> tuple[str, dict[str, str], Any]:
    """Request line, headers with small letters, JSON body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    return first, headers, json.loads(body) if body else None


async def test_a_vend_on_the_wire() -> None:
    async with vtpass(says(GOOD)) as (provider, server):
        outcome = await provider.vend(replace(VEND, network="9mobile"))
    first, headers, body = spoken(server.requests[0])
    assert first == "POST /api/pay HTTP/1.1"
    assert (headers["api-key"], headers["secret-key"]) == ("AK_1", "SK_1")
    assert "public-key" not in headers
    assert body == {
        "request_id": REFERENCE,
        "serviceID": "etisalat",
        "amount": 500,
        "phone": "08031234567",
    }
    assert outcome.result is Result.DELIVERED
    assert (outcome.provider_reference, outcome.cost) == ("17416133", Money(485_00, "NGN"))


async def test_a_requery_on_the_wire() -> None:
    async with vtpass(says('{"code":"015"}')) as (provider, server):
        outcome = await provider.requery(VEND)
    first, headers, body = spoken(server.requests[0])
    assert (first, body) == ("POST /api/requery HTTP/1.1", {"request_id": REFERENCE})
    assert headers["secret-key"] == "SK_1"
    assert outcome.result is Result.NOT_FOUND


BREAKS = [
    pytest.param(stays_silent, id="no answer"),
    pytest.param(trickles, id="an answer that never ends"),
    pytest.param(hangs_up, id="closed after the request"),
    pytest.param(resets, id="reset after the request"),
    pytest.param(
        writes(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + GOOD.encode()),
        id="half an answer",
    ),
    pytest.param(says("x" * (REPLY_BYTES_MAX + 1)), id="more than a mebibyte"),
    pytest.param(says("", 302, "Location: /api/requery"), id="a redirect"),
    pytest.param(says("<html></html>", 503), id="HTML and 503"),
]


@pytest.mark.parametrize("behaviour", BREAKS)
@pytest.mark.parametrize("act", ["vend", "requery"])
async def test_a_broken_exchange_is_unknown_and_happens_once(
    behaviour: Behaviour, act: str
) -> None:
    async with vtpass(behaviour, timeout_s=1.5) as (provider, server):
        outcome = await (provider.vend(VEND) if act == "vend" else provider.requery(VEND))
        assert outcome.result is Result.UNKNOWN
        assert not outcome.never_sent
        assert len(server.requests) == 1


async def test_a_refused_connection_proves_that_nothing_was_sent() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        provider = VtPass(settings(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        vend, requery = await asyncio.gather(provider.vend(VEND), provider.requery(VEND))
        await provider.aclose()
    assert (vend.result, vend.never_sent) == (Result.REFUSED, True)
    assert (requery.result, requery.never_sent) == (Result.UNKNOWN, False)


@pytest.mark.parametrize(
    ("vend", "reason", "blame"),
    [
        pytest.param(
            replace(VEND, network="safaricom"), "network_unknown", Blame.OURS, id="other network"
        ),
        pytest.param(
            replace(VEND, amount=Money(500_50, "NGN")), "amount_not_whole", Blame.ORDER, id="kobo"
        ),
        pytest.param(
            replace(VEND, amount=Money(0, "NGN")), "amount_not_whole", Blame.ORDER, id="nothing"
        ),
        pytest.param(
            replace(VEND, amount=Money(500_00, "GHS")), "not_sold_here", Blame.OURS, id="cedi"
        ),
    ],
)
async def test_an_order_it_has_no_words_for_is_not_sent(
    vend: Vend, reason: str, blame: Blame
) -> None:
    async with vtpass(says(GOOD)) as (provider, server):
        outcome = await provider.vend(vend)
    assert server.requests == []
    assert (outcome.result, outcome.reason, outcome.blame, outcome.never_sent) == (
        Result.REFUSED, reason, blame, True,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("balance", "minor"),
    [("1250.50", 1250_50), (1250.5, 1250_50), (0, 0), ("1250.504", 1250_50)],
    ids=["text", "number", "none left", "parts of a kobo"],
)
async def test_the_float_balance(balance: object, minor: int) -> None:
    document = json.dumps({"code": 1, "contents": {"balance": balance}})
    async with vtpass(says(document)) as (provider, server):
        assert await provider.float_balance() == Money(minor, "NGN")
    first, headers, _ = spoken(server.requests[0])
    assert first == "GET /api/balance HTTP/1.1"
    assert headers["public-key"] == "PK_1"
    assert "secret-key" not in headers


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(says('{"code":"087","contents":{"balance":5}}'), id="refused"),
        pytest.param(says('{"code":1,"contents":{"balance":null}}'), id="null"),
        pytest.param(says('{"code":1,"contents":{"balance":-5}}'), id="below zero"),
        pytest.param(says('{"code":1,"contents":{"balance":5}}', 500), id="500"),
        pytest.param(says('{"code":1,"contents":{"balance":5}}', 403), id="403"),
        pytest.param(says('{"code":true,"contents":{"balance":5}}'), id="code as a truth"),
        pytest.param(says("<html>"), id="HTML"),
        pytest.param(hangs_up, id="no answer"),
    ],
)
async def test_a_float_balance_that_is_not_told_is_a_fault(behaviour: Behaviour) -> None:
    async with vtpass(behaviour) as (provider, _):
        with pytest.raises(Fault):
            await provider.float_balance()


async def test_a_reference_is_dated_in_lagos_and_derived() -> None:
    """23:30 UTC is half past midnight of the next day there."""
    provider = VtPass(settings("http://127.0.0.1"))
    attempt, at = UUID(int=7 << 100), dt.datetime(2026, 11, 20, 23, 30, tzinfo=dt.UTC)
    reference = provider.new_reference(attempt, at)
    assert reference.startswith("202611210030")
    assert reference.isalnum()
    assert len(reference) >= 13
    assert provider.new_reference(attempt, at) == reference
    assert provider.new_reference(UUID(int=(7 << 100) + 1), at) != reference
    assert provider.new_reference(UUID(int=0), at) == "2026112100300"


@pytest.mark.parametrize(
    ("hour", "minute", "taken"),
    [(23, 0, True), (22, 59, False), (12, 0, True)],
    ids=["first minute of its day", "the day before", "noon"],
)
async def test_a_reference_is_taken_on_its_own_lagos_day(
    hour: int, minute: int, *, taken: bool
) -> None:
    provider = VtPass(settings("http://127.0.0.1"))
    day = 20 if hour > 20 else 21
    at = dt.datetime(2026, 11, day, hour, minute, tzinfo=dt.UTC)
    assert provider.may_send(REFERENCE, at) is taken
    assert not provider.may_send(REFERENCE, dt.datetime(2026, 11, 21, 23, 0, tzinfo=dt.UTC))


def callback(document: object) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("body", "references"),
    [
        pytest.param(
            callback({"type": "transaction-update", "data": DELIVERED}),
            (REFERENCE,),
            id="an order was resolved",
        ),
        pytest.param(
            callback({"type": "variations-update", "serviceID": "mtn-data"}), (), id="price list"
        ),
        pytest.param(callback({"type": "news"}), (), id="something new"),
    ],
)
async def test_a_callback_names_orders_to_ask_about(
    body: bytes, references: tuple[str, ...]
) -> None:
    provider = VtPass(settings("http://127.0.0.1"))
    assert provider.references_in({}, body) == references
    assert provider.callback_answer() == (200, "application/json", '{"response":"success"}')


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>", id="HTML"),
        pytest.param(b"[]", id="a list"),
        pytest.param(callback({"type": "transaction-update"}), id="no data"),
        pytest.param(callback({"type": "transaction-update", "data": {"requestId": 7}}), id="7"),
        pytest.param(
            callback({"type": "transaction-update", "data": {"requestId": "'; drop"}}),
            id="not ours",
        ),
        pytest.param(
            callback({"type": "news", "more": "x" * REPLY_BYTES_MAX}), id="more than a mebibyte"
        ),
    ],
)
async def test_an_unreadable_callback_is_turned_away(body: bytes) -> None:
    with pytest.raises(BadCallback):
        VtPass(settings("http://127.0.0.1")).references_in({}, body)


@given(document=JSON)
def test_no_callback_breaks_the_reader(document: Any) -> None:
    provider = VtPass(settings("http://127.0.0.1"))
    with suppress(BadCallback):
        assert provider.references_in({}, callback(document)) == ()


async def test_no_key_and_no_number_reaches_a_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with capture_logs() as lines:
        async with vtpass(says(GOOD), hangs_up, says('{"code":1,"contents":{"balance":1}}')) as (
            provider,
            _,
        ):
            await provider.vend(VEND)
            await provider.requery(VEND)
            await provider.float_balance()
    assert [line["act"] for line in lines] == ["vtpass.pay", "vtpass.requery", "vtpass.balance"]
    told = repr(lines) + caplog.text + repr(settings("http://127.0.0.1"))
    assert not [secret for secret in (*KEYS.values(), "8031234567", "17416133") if secret in told]


def test_settings_come_from_values_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VTPASS_SECRET_KEY", " SK_env\n")
    given_values = {"base_url": "https://vtpass.com/api/", "api_key": "A", "public_key": "P"}
    read_settings = Settings.model_validate(given_values)
    assert read_settings.base_url == "https://vtpass.com/api"
    assert read_settings.secret_key.get_secret_value() == "SK_env"
    assert read_settings.timeout_s == 60


@pytest.mark.parametrize(
    "wrong",
    [
        {"timeout_s": 4},
        {"timeout_s": 121},
        {"base_url": "vtpass.com"},
        {"base_url": "https://user:pw@host/api"},
        {"secret_key": "two\nlines"},
    ],
    ids=["too hasty", "too patient", "no scheme", "password in the address", "broken key"],
)
def test_bad_settings_are_refused_without_telling_a_key(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        Settings.model_validate({"base_url": "http://h", **KEYS, **wrong})
    assert not any(key in str(refused.value) for key in (*KEYS.values(), "lines", "user:pw"))


async def test_the_registry_builds_it() -> None:
    provider = VTU_PROVIDERS["vtpass"]({"base_url": "http://127.0.0.1", **KEYS, "timeout_s": 30})
    port: VtuProvider = provider
    assert (port.name, port.timeout_s) == ("vtpass", 30)
    assert port.capabilities.requery_by_reference
    await provider.aclose()
