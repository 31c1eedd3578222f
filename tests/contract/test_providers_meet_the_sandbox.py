"""The adapters and the sandbox read the same contracts: over sockets they understand each other."""

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from core.domain.vending import Product, Result, Vend
from core.kit.clock import utc_now
from core.kit.ids import uuid7
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import PaymentRequest, PaymentState, Sms, SmsResult
from core.providers.payments import paystack
from core.providers.sms import africastalking
from core.providers.vtu import vtpass
from sandbox.app import create_app
from sandbox.settings import SandboxSettings
from tests.fakes.serving import serve
from tests.fakes.wire import says, wire

RECIPIENT = Msisdn("2348031234567")
HASTE_S = 1.0


@pytest.fixture(name="sandbox")
async def _sandbox() -> AsyncIterator[str]:
    settings = SandboxSettings(duplicate_window_s=0, webhook_backoff_s=(), tick_s=0.05)
    async with serve(create_app(settings)) as url:
        yield url


@pytest.fixture(name="seller")
async def _seller(sandbox: str) -> AsyncIterator[vtpass.VtPass]:
    seller = vtpass.VtPass(
        vtpass.Settings.model_construct(
            base_url=f"{sandbox}/vtpass/api",
            api_key=SecretStr("SIM-vtpass-key"),
            public_key=SecretStr("PK_SIM"),
            secret_key=SecretStr("SK_SIM"),
            timeout_s=HASTE_S,
        )
    )
    yield seller
    await seller.aclose()


def order(seller: vtpass.VtPass) -> Vend:
    return Vend(
        reference=seller.new_reference(uuid7(), utc_now()),
        product=Product.AIRTIME,
        network="mtn",
        recipient=RECIPIENT,
        amount=Money(500_00, "NGN"),
        created_at=utc_now(),
    )


async def control(url: str, path: str, document: dict[str, object] | None = None) -> Any:
    async with httpx.AsyncClient() as http:
        method = "GET" if document is None else "POST"
        reply = await http.request(method, f"{url}/control/{path}", json=document)
    assert reply.status_code < 300, reply.text
    return reply.json()


@pytest.mark.parametrize(
    ("scenario", "vended", "requeried", "deliveries"),
    [
        ({"scenario": "ok"}, Result.DELIVERED, Result.DELIVERED, 1),
        ({"scenario": "refused", "code": "018"}, Result.REFUSED, Result.NOT_FOUND, 0),
        ({"scenario": "refused_html_503"}, Result.UNKNOWN, Result.NOT_FOUND, 0),
        ({"scenario": "delivered_but_reply_lost"}, Result.UNKNOWN, Result.DELIVERED, 1),
        (
            {"scenario": "delivered_after_timeout", "seconds": 3},
            Result.UNKNOWN,
            Result.DELIVERED,
            1,
        ),
        ({"scenario": "reply_500_no_order"}, Result.UNKNOWN, Result.NOT_FOUND, 0),
        ({"scenario": "reply_500_with_order"}, Result.UNKNOWN, Result.DELIVERED, 1),
        ({"scenario": "garbage_json"}, Result.UNKNOWN, Result.DELIVERED, 1),
        ({"scenario": "accepted_then_ok", "seconds": 0}, Result.ACCEPTED, Result.DELIVERED, 1),
        ({"scenario": "accepted_then_fail", "seconds": 0}, Result.ACCEPTED, Result.FAILED, 0),
        ({"scenario": "wrong_network"}, None, None, 0),
        ({"scenario": "variant_shapes"}, None, Result.DELIVERED, 1),
    ],
    ids=lambda value: value["scenario"] if isinstance(value, dict) else None,
)
async def test_vtpass_is_understood_on_its_worst_days(
    sandbox: str,
    seller: vtpass.VtPass,
    scenario: dict[str, object],
    vended: Result | None,
    requeried: Result | None,
    deliveries: int,
) -> None:
    """None stands for any class that is true: what the adapter says must fit what was delivered."""
    await control(sandbox, "scenarios", {"provider": "vtpass", "next": 1, **scenario})
    vend = order(seller)
    first, then = await seller.vend(vend), await seller.requery(vend)
    assert vended in {None, first.result}
    assert requeried in {None, then.result}
    delivered = await control(sandbox, f"deliveries?recipient={RECIPIENT}")
    assert len(delivered) == deliveries
    for said in (first, then):
        assert said.result is not Result.DELIVERED or deliveries == 1
        releases = {Result.REFUSED, Result.FAILED, Result.REVERSED, Result.NOT_FOUND}
        assert said.result not in releases or deliveries == 0


async def test_a_reference_used_again_is_asked_about_not_failed(
    sandbox: str, seller: vtpass.VtPass
) -> None:
    vend = order(seller)
    assert (await seller.vend(vend)).cost == Money(485_00, "NGN")
    assert (await seller.vend(vend)).reason == "014:reference_used"
    assert (await seller.requery(order(seller))).result is Result.NOT_FOUND
    assert len(await control(sandbox, f"deliveries?recipient={RECIPIENT}")) == 1


async def test_the_float_goes_down_by_the_cost(sandbox: str, seller: vtpass.VtPass) -> None:
    before = await seller.float_balance()
    await seller.vend(order(seller))
    assert before - await seller.float_balance() == Money(485_00, "NGN")


async def test_paystack_is_paid_and_its_webhook_is_believed() -> None:
    """Its signature holds over the very bytes that it sent; what is paid is what verify says."""
    async with wire(says("", 200)) as listener:
        hears = SandboxSettings(paystack_webhook_url=f"{listener.base_url}/hook", tick_s=0.05)
        async with serve(create_app(hears)) as url:
            gateway = paystack.Paystack(
                paystack.Settings(base_url=f"{url}/paystack", secret_key=SecretStr("sk_test_SIM"))
            )
            request = PaymentRequest(
                "CB1A", Money(1500_00, "NGN"), RECIPIENT, "a@customers.invalid"
            )
            assert (await gateway.verify("CB1A")).state is PaymentState.OPEN  # not known there yet
            checkout = await gateway.initialize(request)
            assert checkout is not None
            assert checkout.url.startswith(url)
            assert await gateway.initialize(request) is None  # open already
            assert (await gateway.verify("CB1A")).state is PaymentState.OPEN
            await control(url, "payments/CB1A/pay", {"amount": "900.00"})
            verification = await gateway.verify("CB1A")
            await listener.asked.wait()
            await gateway.aclose()
    assert [each.amount for each in verification.payments] == [Money(900_00, "NGN")]
    head, _, body = listener.requests[0].partition(b"\r\n\r\n")
    lines = (line.partition(": ") for line in head.decode().split("\r\n")[1:])
    headers = {name: value for name, _, value in lines}
    assert gateway.references_in(headers, body) == ("CB1A",)
    assert json.loads(body)["event"] == "charge.success"


@pytest.mark.parametrize(
    ("scenario", "result", "inbox"),
    [
        ("ok", SmsResult.ACCEPTED, 1),
        ("sms_500", SmsResult.RETRY, 0),
        ("sms_rejected", SmsResult.REJECTED, 0),
    ],
)
async def test_a_text_arrives_when_it_was_accepted(
    sandbox: str, scenario: str, result: SmsResult, inbox: int
) -> None:
    sender = africastalking.AfricasTalking(
        africastalking.Settings(
            base_url=f"{sandbox}/africastalking",
            username="sandbox",
            api_key=SecretStr("SIM-at-key"),
            sender="CALLBOX",
        )
    )
    await control(
        sandbox, "scenarios", {"provider": "africastalking", "scenario": scenario, "next": 1}
    )
    assert await sender.send(Sms(RECIPIENT, "Done & dusted: 100%")) is result
    await sender.aclose()
    received = await control(sandbox, f"sms?to={RECIPIENT}")
    assert [sms["text"] for sms in received] == ["Done & dusted: 100%"] * inbox
