"""Payout gateways keep their port's promise: UNKNOWN is all that is not promised."""

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from hypothesis import given

from core.domain.payouts import Payout
from core.domain.vending import Outcome, Result
from core.kit import ids
from core.kit.money import Money
from core.ports import BadCallback
from core.ports.payouts import CannotAsk, PayoutGateway
from core.providers.http import NoReply, Reply
from core.providers.payouts import PAYOUT_GATEWAYS, flutterwave, paystack
from tests.fakes.documents import JSON
from tests.fakes.wire import Behaviour, Wire, hangs_up, resets, says, stays_silent, wire

REFERENCE = "cbout0123456789abcdef"
PAYOUT = Payout(
    reference=REFERENCE,
    amount=Money(500_00, "NGN"),
    bank_code="058",
    account_number="0123456789",
    account_name="ADA OKAFOR",
)
FLW = Payout("CBOUT1", Money(500_00, "NGN"), "058", "0123456789", "ADA OKAFOR")


def reply(document: object, status: int = 200) -> Reply:
    return Reply(status, document if isinstance(document, bytes) else json.dumps(document).encode())


def ps(status: object = "success", **more: object) -> dict[str, Any]:
    data = {
        "reference": REFERENCE,
        "status": status,
        "amount": 500_00,
        "currency": "NGN",
        "transfer_code": "TRF_1",
    }
    return {"status": True, "message": "Transfer has been queued", "data": data | more}


def flw(status: object = "SUCCESSFUL", **more: object) -> dict[str, Any]:
    data = {"id": 26, "reference": "CBOUT1", "status": status, "amount": 500, "currency": "NGN"}
    return {"status": "success", "message": "Transfer fetched", "data": data | more}


def refused(message: str, **more: object) -> dict[str, object]:
    return {"status": False, "message": message, **more}


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("success", Result.DELIVERED),
        ("pending", Result.ACCEPTED),
        ("received", Result.ACCEPTED),
        ("otp", Result.ACCEPTED),
        ("failed", Result.FAILED),
        ("reversed", Result.REVERSED),
        ("abandoned", Result.UNKNOWN),
        ("blocked", Result.UNKNOWN),
        ("Success", Result.UNKNOWN),
        ("paid", Result.UNKNOWN),
        (None, Result.UNKNOWN),
        (["success"], Result.UNKNOWN),
    ],
    ids=str,
)
def test_each_paystack_status_has_its_class(status: object, result: Result) -> None:
    for read in (paystack.read_sent, paystack.read_verified):
        assert read(reply(ps(status)), PAYOUT).result is result


@pytest.mark.parametrize(
    ("status", "result"),
    [
        ("SUCCESSFUL", Result.DELIVERED),
        ("NEW", Result.ACCEPTED),
        ("PENDING", Result.ACCEPTED),
        ("FAILED", Result.FAILED),
        ("Failed", Result.FAILED),  # as its older webhooks write it
        ("SUCCEEDED", Result.UNKNOWN),
        ("", Result.UNKNOWN),
        (None, Result.UNKNOWN),
        (True, Result.UNKNOWN),
    ],
    ids=str,
)
def test_each_flutterwave_status_has_its_class(status: object, result: Result) -> None:
    for read in (flutterwave.read_sent, flutterwave.read_fetched):
        assert read(reply(flw(status)), FLW).result is result
    listed = {"status": "success", "data": [flw(status)["data"]]}
    assert flutterwave.read_found(reply(listed), FLW).result is result


@pytest.mark.parametrize(
    ("answer", "result", "reason"),
    [
        pytest.param(
            reply(refused("Your balance is not enough to fulfil this request"), 400),
            Result.REFUSED, "low_balance", id="our balance",
        ),
        pytest.param(
            reply(refused("You cannot initiate third party payouts as a starter business"), 400),
            Result.REFUSED, "not_allowed", id="not allowed yet",
        ),
        pytest.param(reply(refused("Invalid key"), 401), Result.REFUSED, "credentials", id="key"),
        pytest.param(
            reply(refused("Duplicate Transfer Reference"), 400),
            Result.UNKNOWN, "duplicate", id="a reference that was taken",
        ),
        pytest.param(
            reply(refused("Your balance is not enough"), 500),
            Result.UNKNOWN, "http_500", id="the same words with a 500",
        ),
        pytest.param(reply(b"<html>", 401), Result.UNKNOWN, "http_401", id="401 of somebody else"),
        pytest.param(reply(refused("Something"), 400), Result.UNKNOWN, "http_400", id="any 400"),
        pytest.param(reply(ps(reference="x")), Result.UNKNOWN, "other_reference", id="other"),
        pytest.param(reply(ps(amount=499_99)), Result.UNKNOWN, "other_amount", id="other amount"),
        pytest.param(reply(ps(amount=500)), Result.UNKNOWN, "other_amount", id="naira for kobo"),
        pytest.param(reply(ps(currency="GHS")), Result.UNKNOWN, "other_amount", id="cedis"),
        pytest.param(NoReply("timeout"), Result.UNKNOWN, "timeout", id="timeout"),
        pytest.param(
            NoReply("not_sent", never_sent=True), Result.REFUSED, "not_sent", id="never left"
        ),
    ],
)  # fmt: skip
def test_what_paystack_answers_to_a_transfer(
    answer: Reply | NoReply, result: Result, reason: str
) -> None:
    outcome = paystack.read_sent(answer, PAYOUT)
    assert (outcome.result, outcome.reason) == (result, reason)


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        pytest.param(reply(refused("Transfer not found"), 404), Result.NOT_FOUND, id="404"),
        pytest.param(reply(refused("Transfer not found"), 400), Result.NOT_FOUND, id="400"),
        pytest.param(reply(refused("Transfer not found"), 500), Result.UNKNOWN, id="500"),
        pytest.param(reply(refused("Not found"), 404), Result.UNKNOWN, id="another 404"),
        pytest.param(reply(refused("Invalid key"), 401), Result.UNKNOWN, id="401 proves nothing"),
        pytest.param(
            reply(refused("Your balance is not enough"), 400), Result.UNKNOWN, id="no refusal here"
        ),
        pytest.param(NoReply("not_sent", never_sent=True), Result.UNKNOWN, id="not asked at all"),
    ],
)
def test_what_paystack_answers_to_a_question(answer: Reply | NoReply, result: Result) -> None:
    assert paystack.read_verified(answer, PAYOUT).result is result


@pytest.mark.parametrize(
    ("document", "result"),
    [
        pytest.param(
            {"status": "success", "data": [], "meta": {"page_info": {"total": 0}}},
            Result.NOT_FOUND, id="nothing, and it counted",
        ),
        pytest.param({"status": "success", "data": []}, Result.UNKNOWN, id="nothing, not counted"),
        pytest.param(
            {"status": "success", "data": [flw(reference="CBOUT2")["data"]]},
            Result.UNKNOWN, id="others only: it may not filter",
        ),
        pytest.param(
            {"status": "success", "data": [flw()["data"], flw("FAILED")["data"]]},
            Result.UNKNOWN, id="two of one reference",
        ),
        pytest.param({"status": "error", "data": []}, Result.UNKNOWN, id="an error"),
    ],
)  # fmt: skip
def test_what_a_list_of_flutterwaves_proves(document: object, result: Result) -> None:
    assert flutterwave.read_found(reply(document), FLW).result is result


def test_a_low_balance_at_flutterwave_is_refused() -> None:
    said = {"status": "error", "message": "Insufficient funds in customer wallet", "data": None}
    outcome = flutterwave.read_sent(reply(said, 400), FLW)
    assert (outcome.result, outcome.reason) == (Result.REFUSED, "low_balance")


@given(document=JSON)
def test_nothing_that_is_not_promised_moves_money(document: object) -> None:
    """Any JSON at all, from any question: neither taken, nor given back."""
    for read, payout in (
        (paystack.read_sent, PAYOUT),
        (paystack.read_verified, PAYOUT),
        (flutterwave.read_sent, FLW),
        (flutterwave.read_fetched, FLW),
        (flutterwave.read_found, FLW),
    ):
        assert read(reply(document), payout).result is Result.UNKNOWN


def gateway(name: str) -> PayoutGateway:
    """One that nobody asks anything outside."""
    return PAYOUT_GATEWAYS[name]({"secret_key": "sk_test_1", "secret_hash": "hash"})


@asynccontextmanager
async def reached(name: str, *behaviours: Behaviour) -> AsyncIterator[tuple[PayoutGateway, Wire]]:
    """A gateway at a server that behaves so."""
    async with wire(*behaviours) as outside:
        made = PAYOUT_GATEWAYS[name]({"base_url": outside.base_url, "timeout_s": 5})
        async with aclosing(made):
            yield made, outside


MADE = says(json.dumps({"status": True, "data": {"recipient_code": "RCP_1"}}))


@pytest.mark.parametrize("broken", [hangs_up, resets], ids=["hangs up", "resets"])
async def test_a_connection_lost_while_sending_is_unknown(broken: Behaviour) -> None:
    async with reached("paystack", MADE, broken) as (asked, outside):
        assert (await asked.send(PAYOUT)).result is Result.UNKNOWN
        assert len(outside.requests) == 2
    async with reached("flutterwave", broken) as (asked, outside):
        assert (await asked.send(FLW)).result is Result.UNKNOWN
        assert len(outside.requests) == 1


async def test_without_a_recipient_no_transfer_is_asked_for() -> None:
    """Making a recipient moves no money, so its failure is a refusal whatever it was."""
    async with reached("paystack", resets) as (asked, outside):
        outcome = await asked.send(PAYOUT)
        assert len(outside.requests) == 1
    assert (outcome.result, outcome.never_sent) == (Result.REFUSED, True)


async def test_a_transfer_goes_out_in_the_gateways_own_words() -> None:
    async with reached("paystack", MADE, says(json.dumps(ps("pending")))) as (asked, outside):
        outcome = await asked.send(PAYOUT)
        recipient, transfer = (json.loads(raw.split(b"\r\n\r\n")[1]) for raw in outside.requests)
    assert outcome == Outcome(Result.ACCEPTED, "pending", provider_reference="TRF_1")
    assert (recipient["account_number"], recipient["bank_code"]) == ("0123456789", "058")
    assert transfer["amount"] == 500_00
    assert (transfer["reference"], transfer["recipient"]) == (REFERENCE, "RCP_1")

    async with reached("flutterwave", says(json.dumps(flw("NEW")))) as (asked, outside):
        outcome = await asked.send(FLW)
        [sent] = (json.loads(raw.split(b"\r\n\r\n")[1]) for raw in outside.requests)
    assert outcome == Outcome(Result.ACCEPTED, "NEW", provider_reference="26")
    assert (sent["amount"], sent["account_bank"], sent["reference"]) == ("500.00", "058", "CBOUT1")


async def test_who_holds_an_account() -> None:
    known = says(json.dumps({"status": True, "data": {"account_name": "ADA  OKAFOR"}}))
    unknown = says(json.dumps(refused("Could not resolve account name.")), 422)
    async with reached("paystack", known, unknown, resets) as (asked, _):
        named = await asked.resolve("058", "0123456789")
        assert named is not None
        assert named.name == "ADA OKAFOR"
        assert await asked.resolve("058", "0123456789") is None
        with pytest.raises(CannotAsk):
            await asked.resolve("058", "0123456789")


@pytest.mark.parametrize("name", list(PAYOUT_GATEWAYS))
def test_a_reference_is_the_same_for_the_same_payout(name: str) -> None:
    """And of the letters that every gateway takes."""
    payout_id = ids.uuid7()
    made = gateway(name)
    assert made.new_reference(payout_id) == made.new_reference(payout_id)
    assert made.new_reference(payout_id) != made.new_reference(ids.uuid7())
    assert 16 <= len(made.new_reference(payout_id)) <= 50
    assert made.new_reference(payout_id).isalnum()
    assert name != "paystack" or made.new_reference(payout_id).islower()


def signed(event: str, key: str = "sk_test_1") -> tuple[dict[str, str], bytes]:
    body = json.dumps({"event": event, "data": {"reference": REFERENCE}}).encode()
    signature = hmac.new(key.encode(), body, hashlib.sha512).hexdigest()
    return {"X-Paystack-Signature": signature}, body


@pytest.mark.parametrize(
    ("event", "named"),
    [
        ("transfer.success", (REFERENCE,)),
        ("transfer.failed", (REFERENCE,)),
        ("transfer.reversed", (REFERENCE,)),
        ("charge.success", ()),
    ],
)
def test_a_webhook_of_paystack_names_a_payout(event: str, named: tuple[str, ...]) -> None:
    assert gateway("paystack").references_in(*signed(event)) == named


def test_a_forged_webhook_names_nothing() -> None:
    with pytest.raises(BadCallback):
        gateway("paystack").references_in(*signed("transfer.success", "another"))
    body = json.dumps({"event": "transfer.completed", "data": {"reference": "CBOUT1"}}).encode()
    with pytest.raises(BadCallback):
        gateway("flutterwave").references_in({"verif-hash": "not it"}, body)
    assert gateway("flutterwave").references_in({"verif-hash": "hash"}, body) == ("CBOUT1",)


def test_without_a_key_every_webhook_is_refused() -> None:
    for name in PAYOUT_GATEWAYS:
        made = PAYOUT_GATEWAYS[name]({"secret_key": "", "secret_hash": ""})
        with pytest.raises(BadCallback):
            made.references_in(*signed("transfer.success", ""))


async def test_silence_while_asking_is_unknown() -> None:
    async with reached("paystack", stays_silent) as (asked, _):
        assert (await asked.requery(PAYOUT)).result is Result.UNKNOWN
