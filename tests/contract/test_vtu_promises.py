"""What every VTU adapter promises, whichever provider it speaks to."""

import asyncio
import datetime as dt
import json
import logging
import socket
from contextlib import suppress
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from core.domain.vending import Capabilities, Product, Result
from core.kit.errors import Fault
from core.kit.money import Money
from core.ports import BadCallback, VtuProvider
from core.providers.http import REPLY_BYTES_MAX, NoReply, Reply
from core.providers.vtu import VTU_PROVIDERS
from core.providers.vtu.answers import ASK_A_PERSON, LETS_MONEY_GO
from tests.fakes.documents import JSON
from tests.fakes.vtu import CASES, RESELLER, Case
from tests.fakes.wire import (
    Behaviour,
    hangs_up,
    resets,
    says,
    stays_silent,
    trickles,
    wire,
    writes,
)

NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
ASKING = tuple(case for case in CASES if case.asks)

BREAKS = [
    pytest.param(stays_silent, id="no answer"),
    pytest.param(trickles, id="an answer that never ends"),
    pytest.param(hangs_up, id="closed after the request"),
    pytest.param(resets, id="reset after the request"),
    pytest.param(
        writes(b'HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{"status"'), id="half an answer"
    ),
    pytest.param(says("x" * (REPLY_BYTES_MAX + 1)), id="more than a mebibyte"),
    pytest.param(says("", 302, "Location: /login.asp"), id="a redirect"),
    pytest.param(says("<html></html>", 503), id="HTML and 503"),
    pytest.param(says("<html>Log in</html>", 200), id="HTML and 200"),
]


def _patience_s(behaviour: Behaviour) -> float:
    """Short only with those who make us wait: a busy machine must not look like a silent one."""
    return 0.6 if behaviour in {stays_silent, trickles} else 5.0


@pytest.mark.parametrize("behaviour", BREAKS)
@each_case
async def test_a_broken_vend_is_unknown_and_happens_once(case: Case, behaviour: Behaviour) -> None:
    before = [says(answer) for answer in case.before_vend]
    async with wire(*before, behaviour) as server:
        provider = case.make(server.base_url, _patience_s(behaviour))
        outcome = await provider.vend(case.vend)
        await provider.aclose()
    assert outcome.result is Result.UNKNOWN
    assert not outcome.never_sent
    assert len(server.requests) == len(before) + 1


@pytest.mark.parametrize("behaviour", BREAKS)
@pytest.mark.parametrize("case", ASKING, ids=lambda case: case.name)
async def test_a_broken_requery_is_unknown(case: Case, behaviour: Behaviour) -> None:
    before = [says(answer) for answer in case.before_requery]
    async with wire(*before, behaviour) as server:
        provider = case.make(server.base_url, _patience_s(behaviour))
        outcome = await provider.requery(case.vend)
        await provider.aclose()
    assert (outcome.result, outcome.never_sent) == (Result.UNKNOWN, False)
    assert len(server.requests) == len(before) + 1


@each_case
async def test_a_refused_connection_proves_that_nothing_was_sent(case: Case) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        provider = case.make(f"http://127.0.0.1:{taken.getsockname()[1]}", 5.0)
        vend, requery = await asyncio.gather(provider.vend(case.vend), provider.requery(case.vend))
        await provider.aclose()
    assert (vend.result, vend.never_sent) == (Result.REFUSED, True)
    assert (requery.result, requery.never_sent) == (Result.UNKNOWN, False)


@each_case
async def test_a_good_answer_is_believed(case: Case) -> None:
    """Delivered, or taken by those that say no more than that."""
    answers = [*case.before_vend, json.dumps(case.good)]
    async with wire(*map(says, answers)) as server:
        provider = case.make(server.base_url, 5.0)
        outcome = await provider.vend(case.vend)
        await provider.aclose()
    expected = {"reloadly", "flutterwave_bills"}
    assert outcome.result is (Result.ACCEPTED if case.name in expected else Result.DELIVERED)


async def test_a_provider_without_our_reference_leaves_it_to_a_person() -> None:
    for case in CASES:
        if case.asks:
            continue
        async with wire(says(json.dumps(case.good))) as server:
            provider = case.make(server.base_url, 5.0)
            outcome = await provider.requery(case.vend)
            await provider.aclose()
        assert (outcome.result, outcome.reason) == (Result.UNKNOWN, ASK_A_PERSON)
        assert server.requests == []
        assert not provider.capabilities.client_reference


@each_case
async def test_the_float_balance(case: Case) -> None:
    before = case.before_requery
    async with wire(*map(says, [*before, json.dumps(case.balance)])) as server:
        provider = case.make(server.base_url, 5.0)
        assert await provider.float_balance() == Money(1250_50, "NGN")
        await provider.aclose()
    assert len(server.requests) == len(before) + 1


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param(says("{}"), id="nothing in it"),
        pytest.param(says("[]"), id="a list"),
        pytest.param(says("<html>"), id="HTML"),
        pytest.param(hangs_up, id="no answer"),
    ],
)
@each_case
async def test_a_float_balance_that_is_not_told_is_a_fault(
    case: Case, behaviour: Behaviour
) -> None:
    async with wire(*map(says, case.before_requery), behaviour) as server:
        provider = case.make(server.base_url, 5.0)
        with pytest.raises(Fault):
            await provider.float_balance()
        await provider.aclose()


@each_case
async def test_a_balance_told_with_an_error_is_not_believed(case: Case) -> None:
    answers = [*map(says, case.before_requery), says(json.dumps(case.balance), 500)]
    async with wire(*answers) as server:
        provider = case.make(server.base_url, 5.0)
        with pytest.raises(Fault):
            await provider.float_balance()
        await provider.aclose()


@each_case
async def test_no_key_and_no_number_reaches_a_log(
    case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    answers = [*map(says, case.before_vend), says(json.dumps(case.good)), hangs_up]
    with capture_logs() as lines:
        async with wire(*answers) as server:
            provider = case.make(server.base_url, 5.0)
            await provider.vend(case.vend)
            await provider.requery(case.vend)
            with suppress(Fault):
                await provider.float_balance()
            await provider.aclose()
    assert {line["act"].partition(".")[0] for line in lines} == {case.name}
    told = repr(lines) + caplog.text
    hidden = (*case.secrets, "8031234567", case.vend.account, "/buy", "APIAirtime")
    assert not [text for text in hidden if text and text in told]


@each_case
async def test_a_reference_is_derived_and_plain(case: Case) -> None:
    provider = case.make("http://127.0.0.1", 5.0)
    attempt = UUID(int=7 << 100)
    reference = provider.new_reference(attempt, NOON)
    assert reference.isascii()
    assert reference.isalnum()
    assert provider.new_reference(attempt, NOON) == reference
    assert provider.new_reference(UUID(int=(7 << 100) + 1), NOON) != reference
    assert provider.may_send(reference, NOON)
    await provider.aclose()


def answers_of(case: Case) -> st.SearchStrategy[Any]:
    """What the provider could say, put together wrongly: its own keys and words, and others."""
    names = sorted({*_keys(case.good), "status", "message", "data", "content", "errorCode"})
    values = st.sampled_from([*case.words, *_leaves(case.good)]) | JSON
    flat = st.dictionaries(st.sampled_from(names), values, max_size=5)
    nested = st.dictionaries(st.sampled_from(names), values | flat | st.lists(flat, max_size=2))
    return nested | flat | JSON


def _keys(document: Any) -> set[str]:
    if not isinstance(document, dict):
        return set()
    return set(document).union(*(_keys(value) for value in document.values()))


def _leaves(document: Any) -> list[Any]:
    if not isinstance(document, dict):
        return [document]
    return [leaf for value in document.values() for leaf in _leaves(value)]


@given(data=st.data(), status=st.sampled_from([200, 200, 201, 301, 400, 401, 404, 500, 503]))
@each_case
def test_no_answer_put_together_wrongly_ends_it(
    case: Case, data: st.DataObject, status: int
) -> None:
    """A 5xx or a redirect ends nothing, and nothing is delivered without a word that says so."""
    document = data.draw(answers_of(case))
    requery = data.draw(st.booleans())
    reply = Reply(status, json.dumps(document).encode())
    outcome = case.reader(reply, case.vend, requery)
    assert not outcome.never_sent
    if status >= 500 or status == 301:
        assert outcome.result is Result.UNKNOWN
    if outcome.result is Result.DELIVERED:
        assert status in {200, 201} or case.name in {"vtpass", "corner_shop"}
        assert case.vend.product is not Product.ELECTRICITY or outcome.evidence["token"]
    if outcome.result is Result.NOT_FOUND:
        assert requery


@given(document=JSON, requery=st.booleans())
@each_case
def test_no_document_of_other_words_ends_an_order(
    case: Case, document: Any, *, requery: bool
) -> None:
    outcome = case.reader(Reply(200, json.dumps(document).encode()), case.vend, requery)
    assert outcome.result not in LETS_MONEY_GO | {Result.DELIVERED}


@given(body=st.binary(max_size=200), status=st.integers(100, 599), requery=st.booleans())
@each_case
def test_no_bytes_raise_or_end_an_order(
    case: Case, body: bytes, status: int, *, requery: bool
) -> None:
    if status in {401, 403}:
        return  # These turn the caller away, whatever else they say.
    assert case.reader(Reply(status, body), case.vend, requery).result is Result.UNKNOWN


@each_case
def test_a_body_too_large_to_read_is_unknown(case: Case) -> None:
    assert case.reader(Reply(200, None), case.vend, False).result is Result.UNKNOWN


@given(document=JSON)
@each_case
def test_no_callback_breaks_the_reader(case: Case, document: Any) -> None:
    provider = case.make("http://127.0.0.1", 5.0)
    with suppress(BadCallback):
        assert provider.references_in({}, json.dumps(document).encode()) == ()


@each_case
def test_it_is_a_provider_and_a_failover_target_only_if_it_can_be_asked(case: Case) -> None:
    provider: VtuProvider = case.make("http://127.0.0.1", 30.0)
    able = provider.capabilities
    assert provider.name == case.name
    assert provider.timeout_s == 30
    assert able.products
    assert not able.failover_target or able.requery_by_reference


@pytest.mark.parametrize(
    ("name", "reference", "unique", "requery", "failover"),
    [
        ("vtpass", True, True, True, True),
        ("clubkonnect", True, False, True, True),
        ("buypower", True, True, True, True),
        ("baxi", True, True, True, True),
        ("reloadly", True, False, True, False),
        ("flutterwave_bills", True, True, True, False),
        ("smeplug", True, False, False, False),
        ("inlomax", False, False, False, False),
    ],
)
def test_what_each_contract_allows(
    name: str, *, reference: bool, unique: bool, requery: bool, failover: bool
) -> None:
    case = next(case for case in CASES if case.name == name)
    able = case.make("http://127.0.0.1", 5.0).capabilities
    assert (able.client_reference, able.enforces_unique) == (reference, unique)
    assert (able.requery_by_reference, able.failover_target) == (requery, failover)


def test_a_failover_target_that_cannot_be_asked_is_impossible() -> None:
    with pytest.raises(ValueError, match="failover target"):
        Capabilities(
            products=frozenset({Product.AIRTIME}),
            requery_by_reference=False,
            enforces_unique=False,
            failover_target=True,
        )


def test_no_answer_to_a_requery_that_never_left_says_nothing() -> None:
    unsent = NoReply("not_sent", never_sent=True)
    for case in CASES:
        vend = case.reader(unsent, case.vend, False)
        assert (vend.result, vend.never_sent) == (Result.REFUSED, True)
        if case.asks:
            asked = case.reader(unsent, case.vend, True)
            assert (asked.result, asked.never_sent) == (Result.UNKNOWN, False)


KEYS: dict[str, dict[str, object]] = {
    "vtpass": {"api_key": "A", "public_key": "P", "secret_key": "S"},
    "clubkonnect": {"user_id": "U", "api_key": "A"},
    "buypower": {"api_key": "A"},
    "baxi": {"api_key": "A", "agent_id": "207"},
    "reloadly": {"client_id": "C", "secret_key": "S", "auth_url": "http://127.0.0.1/oauth/token"},
    "flutterwave_bills": {"secret_key": "S"},
    "smeplug": {"secret_key": "S"},
    "inlomax": {"api_key": "A"},
    "configured": {**RESELLER},
}


@pytest.mark.parametrize("name", VTU_PROVIDERS)
async def test_the_registry_builds_it(name: str) -> None:
    given_values = {"base_url": "http://127.0.0.1/api", "timeout_s": 30, **KEYS[name]}
    provider = VTU_PROVIDERS[name](given_values)
    assert provider.timeout_s == 30
    assert provider.name == ("corner_shop" if name == "configured" else name)
    await provider.aclose()
