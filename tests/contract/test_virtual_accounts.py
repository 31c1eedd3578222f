"""Every gateway that keeps accounts for customers, against its simulator: one promise for all."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports import AccountRequest, BankAccount, IdentityNeeded, Payment, VirtualAccounts
from core.providers.payments import PAYMENT_GATEWAYS, OwnedPaymentGateway
from tests.fakes.outside import NOON, Outside, Taker, outside, taker

WANTED = AccountRequest(
    "CAQ1", Msisdn("2348031234567"), "caq1@customers.invalid", "NGN", "Callbox 4567"
)
SETTINGS: Mapping[str, tuple[str, Mapping[str, str]]] = {
    "paystack": ("/paystack", {"secret_key": "sk_test_SIM", "preferred_bank": "test-bank"}),
    "flutterwave": (
        "/flutterwave/v3",
        {
            "secret_key": "FLWSECK_TEST-SIM-X",
            "secret_hash": "SIM-flutterwave-hash",
            "return_url": "https://callbox.example/paid",
            "bvn": "00000000000",
        },
    ),
    "monnify": (
        "/monnify",
        {
            "api_key": "MK_TEST_SIM",
            "secret_key": "SIM-monnify-key",
            "contract_code": "SIM",
            "bvn": "00000000000",
        },
    ),
}


@pytest.fixture
async def hook() -> AsyncIterator[Taker]:
    async with taker() as taking:
        yield taking


@pytest.fixture
async def world(hook: Taker) -> AsyncIterator[Outside]:
    urls: dict[str, Any] = {f"{name}_webhook_url": hook.url for name in SETTINGS}
    async with outside(**urls) as opened:
        yield opened


Make = Callable[..., OwnedPaymentGateway]


@pytest.fixture(params=SETTINGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def make(world: Outside, name: str) -> AsyncIterator[Make]:
    made: list[OwnedPaymentGateway] = []

    def build(**other: str) -> OwnedPaymentGateway:
        path, keys = SETTINGS[name]
        base_url = str(world.http.base_url).rstrip("/") + path
        made.append(PAYMENT_GATEWAYS[name]({"base_url": base_url, **keys, **other}))
        return made[-1]

    yield build
    await asyncio.gather(*(gateway.aclose() for gateway in made))


async def opened(gateway: Any, wanted: AccountRequest = WANTED) -> BankAccount:
    assert isinstance(gateway, VirtualAccounts)
    account = await gateway.reserve(wanted)
    assert account is not None
    return account


async def arrived(gateway: Any, account: BankAccount) -> list[Payment]:
    found = await gateway.arrivals(account.reference, NOON - dt.timedelta(days=2))
    assert found is not None
    return sorted(found, key=lambda payment: payment.transaction_id)


def test_stripe_keeps_no_accounts() -> None:
    gateway = PAYMENT_GATEWAYS["stripe"]({"return_url": "https://callbox.example/paid"})
    assert not isinstance(gateway, VirtualAccounts)


async def test_the_same_reference_is_the_same_account(make: Make) -> None:
    gateway = make()

    first, again = await opened(gateway), await opened(gateway)

    assert first == again
    assert (len(first.number), first.bank) == (10, "SIM Bank")
    assert "4567" in first.name
    assert await arrived(gateway, first) == []


async def test_every_transfer_of_any_amount_is_told_with_an_id_of_its_own(
    make: Make, world: Outside, hook: Taker
) -> None:
    gateway = make()
    account = await opened(gateway)

    for amount in ("700.50", "5", "5"):
        (await world.pay(account.number, amount=amount)).raise_for_status()
    await hook.got(3)

    payments = await arrived(gateway, account)
    assert [payment.amount for payment in payments] == [
        Money(700_50, "NGN"), Money(5_00, "NGN"), Money(5_00, "NGN"),
    ]  # fmt: skip
    assert len({payment.transaction_id for payment in payments}) == 3
    for headers, body in zip(hook.headers, hook.bodies, strict=True):
        assert account.reference in gateway.references_in(headers, body)


async def test_a_transfer_in_another_currency_is_told_as_it_is(make: Make, world: Outside) -> None:
    gateway = make()
    account = await opened(gateway)

    await world.pay(account.number, amount="5", currency="GHS")

    [payment] = await arrived(gateway, account)
    assert payment.amount == Money(5_00, "GHS")


@pytest.mark.parametrize(
    ("scenario", "webhooks", "transfers"),
    [("webhook_duplicate", 3, 1), ("webhook_never", 0, 1), ("webhook_forged", 1, 0)],
)
async def test_a_webhook_is_a_hint_whatever_it_says(
    make: Make,
    world: Outside,
    hook: Taker,
    name: str,
    scenario: str,
    webhooks: int,
    transfers: int,
) -> None:
    gateway = make()
    account = await opened(gateway)
    await world.play(name, scenario, next=1)

    await world.pay(account.number, amount="100")

    await hook.got(webhooks)
    assert len(await arrived(gateway, account)) == transfers


async def test_a_gateway_that_is_down_is_not_one_with_nothing_to_tell(
    make: Make, world: Outside, name: str
) -> None:
    gateway: Any = make()
    account = await opened(gateway)
    await world.pay(account.number, amount="100")
    await world.play(name, "verify_down", next=1, seconds=60)

    assert await gateway.arrivals(account.reference, NOON) is None

    world.clock.advance(61)
    assert len(await arrived(gateway, account)) == 1


async def test_an_account_whose_answer_was_lost_is_found_again(
    make: Make, world: Outside, name: str
) -> None:
    gateway: Any = make()
    await world.play(name, "account_lost", next=1)

    first = await gateway.reserve(WANTED)

    again = await opened(gateway)
    assert first in (None, again)
    assert len(await world.payments(reference=again.reference)) <= 1


async def test_a_customer_who_must_be_known_first(make: Make, world: Outside, name: str) -> None:
    gateway: Any = make()
    await world.play(name, "account_identity", next=1)

    with pytest.raises(IdentityNeeded):
        await gateway.reserve(WANTED)

    await opened(gateway)
    if name != "paystack":
        with pytest.raises(IdentityNeeded):
            await opened(make(bvn=""), replace(WANTED, reference="CAQ2"))
