"""Each VTU adapter against its simulator, over sockets, on every one of its days.

Whatever part an order plays, what the adapter says must fit what was really delivered.
"""

import datetime as dt
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import pytest_asyncio
from msgspec.structs import replace
from pydantic import SecretStr

from core.domain.vending import Product, Result, Vend
from core.kit.clock import SetClock
from core.kit.ids import uuid7
from core.kit.money import Money
from core.ports import BadCallback
from core.providers.vtu import (
    OwnedVtuProvider,
    baxi,
    buypower,
    clubkonnect,
    configured,
    configured_model,
    flutterwave,
    inlomax,
    reloadly,
    smeplug,
    vtpass,
)
from core.providers.vtu.configured_shapes import COMMON_RESELLER
from sandbox import baxi as baxi_there
from sandbox import buypower as buypower_there
from sandbox import clubkonnect as clubkonnect_there
from sandbox import flutterwave_bills as flutterwave_there
from sandbox import inlomax as inlomax_there
from sandbox import reloadly as reloadly_there
from sandbox import reseller as reseller_there
from sandbox import smeplug as smeplug_there
from sandbox.app import SIMULATORS, create_app
from sandbox.selling import Seller
from sandbox.settings import SandboxSettings
from sandbox.vtpass import Vtpass
from tests.fakes.days import day
from tests.fakes.outside import outside, settled, taker
from tests.fakes.serving import serve
from tests.fakes.vtu import AIRTIME, DATA, EXAM, PINS, POSTPAID, PREPAID
from tests.fakes.wire import says, wire

NOON = dt.datetime(2026, 11, 21, 12, 0, tzinfo=dt.UTC)
HASTE_S = 0.5
RELEASES = {Result.REFUSED, Result.FAILED, Result.REVERSED}


def _vtpass(url: str) -> vtpass.VtPass:
    settings = vtpass.Settings.model_construct(
        base_url=f"{url}/vtpass/api",
        api_key=SecretStr("SIM-vtpass-key"),
        public_key=SecretStr("PK_SIM"),
        secret_key=SecretStr("SK_SIM"),
        timeout_s=HASTE_S,
    )
    return vtpass.VtPass(settings)


def _clubkonnect(url: str) -> clubkonnect.ClubKonnect:
    settings = clubkonnect.Settings.model_construct(
        base_url=f"{url}/clubkonnect",
        user_id=SecretStr(clubkonnect_there.USER_ID),
        api_key=SecretStr(clubkonnect_there.API_KEY),
        callback_url="",
        timeout_s=HASTE_S,
    )
    return clubkonnect.ClubKonnect(settings)


def _buypower(url: str) -> buypower.BuyPower:
    settings = buypower.Settings.model_construct(
        base_url=f"{url}/buypower/v2",
        api_key=SecretStr(buypower_there.API_KEY),
        timeout_s=HASTE_S,
    )
    return buypower.BuyPower(settings)


def _baxi(url: str) -> baxi.Baxi:
    settings = baxi.Settings.model_construct(
        base_url=f"{url}/baxi/api/baxipay",
        api_key=SecretStr(baxi_there.API_KEY),
        agent_id="207",
        timeout_s=HASTE_S,
    )
    return baxi.Baxi(settings)


def _reloadly(url: str) -> reloadly.Reloadly:
    settings = reloadly.Settings.model_construct(
        base_url=f"{url}/reloadly",
        auth_url=f"{url}/reloadly/oauth/token",
        client_id=SecretStr(reloadly_there.CLIENT_ID),
        secret_key=SecretStr(reloadly_there.SECRET_KEY),
        webhook_key=SecretStr(reloadly_there.WEBHOOK_KEY),
        timeout_s=HASTE_S,
    )
    return reloadly.Reloadly(settings)


def _flutterwave(url: str) -> flutterwave.FlutterwaveBills:
    settings = flutterwave.Settings.model_construct(
        base_url=f"{url}/flutterwave_bills/v3",
        secret_key=SecretStr(flutterwave_there.SECRET_KEY),
        webhook_key=SecretStr(flutterwave_there.WEBHOOK_KEY),
        timeout_s=HASTE_S,
    )
    return flutterwave.FlutterwaveBills(settings)


def _smeplug(url: str) -> smeplug.SmePlug:
    settings = smeplug.Settings.model_construct(
        base_url=f"{url}/smeplug/api/v1",
        secret_key=SecretStr(smeplug_there.SECRET_KEY),
        timeout_s=HASTE_S,
    )
    return smeplug.SmePlug(settings)


def _inlomax(url: str) -> inlomax.Inlomax:
    settings = inlomax.Settings.model_construct(
        base_url=f"{url}/inlomax/api",
        api_key=SecretStr(inlomax_there.API_KEY),
        timeout_s=HASTE_S,
    )
    return inlomax.Inlomax(settings)


def _reseller(url: str) -> configured.ConfiguredVtu:
    """The common shape, and what a person with an account there would add to it."""
    known = configured_model.configuration(
        {
            **COMMON_RESELLER,
            "name": "reseller",
            "base_url": f"{url}/reseller/api",
            "auth": {"kind": "token", "secret": reseller_there.API_KEY},
            "answer": {
                "status": "Status",
                "meanings": {"successful": "delivered", "processing": "accepted"},
                "provider_reference": "id",
            },
            "balance": {"path": "/user/", "amount": "user.wallet_balance"},
        }
    )
    return configured.ConfiguredVtu(known.model_copy(update={"timeout_s": HASTE_S}))


MAKE: dict[str, Callable[[str], OwnedVtuProvider]] = {
    "vtpass": _vtpass,
    "clubkonnect": _clubkonnect,
    "buypower": _buypower,
    "baxi": _baxi,
    "reloadly": _reloadly,
    "flutterwave_bills": _flutterwave,
    "smeplug": _smeplug,
    "inlomax": _inlomax,
    "reseller": _reseller,
}
SELLERS = {name: kind for name, kind in SIMULATORS.items() if name in MAKE}
POSTING = {"clubkonnect", "reloadly", "flutterwave_bills", "smeplug"}
SIGNING = {"reloadly", "flutterwave_bills"}
ASKED_BY_OURS = sorted(MAKE.keys() - {"inlomax", "reseller"})


@dataclass
class Town:
    """A sandbox whose time the test sets."""

    url: str
    clock: SetClock
    http: httpx.AsyncClient

    async def play(self, provider: str, scenario: str, **more: object) -> None:
        order = {"provider": provider, "scenario": scenario, "next": 1, **more}
        (await self.http.post("/control/scenarios", json=order)).raise_for_status()

    async def deliveries(self, provider: str) -> list[dict[str, Any]]:
        """What is with the customer and stays there."""
        listed: list[dict[str, Any]] = (await self.http.get("/control/deliveries")).json()
        return [row for row in listed if row["provider"] == provider and not row["reversed"]]


@pytest_asyncio.fixture(name="town_hall", scope="module")
async def _town_hall() -> AsyncIterator[Town]:
    clock = SetClock(NOON)
    settings = SandboxSettings(webhook_backoff_s=(), tick_s=3600, duplicate_window_s=0)
    async with (
        serve(create_app(settings, clock)) as url,
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        yield Town(url, clock, http)


@pytest_asyncio.fixture(name="town")
async def _town(town_hall: Town) -> Town:
    """As new, at noon."""
    (await town_hall.http.post("/control/reset")).raise_for_status()
    town_hall.clock.advance((NOON - town_hall.clock.now()).total_seconds())
    return town_hall


def order(name: str, provider: OwnedVtuProvider, like: Vend | None = None) -> Vend:
    like = like or (PREPAID if name == "buypower" else AIRTIME)
    return replace(like, reference=provider.new_reference(uuid7(), NOON))


def days() -> list[Any]:
    """Every part of every seller."""
    return [
        pytest.param(name, part, id=f"{name} {part}")
        for name, kind in SELLERS.items()
        for part in _parts(kind)
    ]


def _parts(kind: Any) -> list[str]:
    seller: type[Seller] | type[Vtpass] = kind
    return list(seller.scenarios)


@pytest.mark.parametrize(("name", "part"), days())
async def test_what_it_says_fits_what_was_delivered(town: Town, name: str, part: str) -> None:
    """At once and in the end: no money is let go for value that comes, none taken for none."""
    held = {"ok_slow", "delivered_after_timeout"}
    await town.play(name, part, **({"seconds": HASTE_S * 2} if part in held else {}))
    provider = MAKE[name](town.url)
    vend = order(name, provider)
    said = [await provider.vend(vend), await provider.requery(vend)]
    at_once = len(await town.deliveries(name))
    assert not any(outcome.result is Result.DELIVERED and not at_once for outcome in said)
    town.clock.advance(600)
    last = await provider.requery(vend)
    in_the_end = len(await town.deliveries(name))
    await provider.aclose()
    assert (said[0].result, last.result, in_the_end) == day(name, part)
    if any(outcome.result in RELEASES for outcome in said):
        assert in_the_end == 0


async def test_a_search_by_reference_finds_what_is_listed_no_more(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or "no such order" would be said of what was delivered."""
    monkeypatch.setattr(reloadly_there, "_LISTED_MAX", 2)
    provider = _reloadly(town.url)
    await town.play("reloadly", "delivered_but_reply_lost")
    lost = order("reloadly", provider)
    await provider.vend(lost)
    for _ in range(3):
        town.clock.advance(1)
        await provider.vend(order("reloadly", provider))

    assert (await provider.requery(lost)).result is Result.DELIVERED
    await provider.aclose()


@pytest.mark.parametrize("name", MAKE)
async def test_the_float_goes_down_by_the_cost(town: Town, name: str) -> None:
    provider = MAKE[name](town.url)
    before = await provider.float_balance()
    await provider.vend(order(name, provider))
    assert before - await provider.float_balance() == Money(485_00, "NGN")
    await provider.aclose()


@pytest.mark.parametrize("name", MAKE)
async def test_other_keys_are_turned_away(town: Town, name: str) -> None:
    """A live key, too: the simulators know those of the sandbox only."""
    asked = {"clubkonnect": "APIWalletBalanceV1.asp", "buypower": "v2/wallet/balance"}
    asked |= {"baxi": "api/baxipay/superagent/account/balance", "reloadly": "accounts/balance"}
    asked |= {"flutterwave_bills": "v3/balances/NGN", "smeplug": "api/v1/account/balance"}
    asked |= {"inlomax": "api/balance", "reseller": "api/user/", "vtpass": "api/balance"}
    headers = {"authorization": "Bearer sk_live_1"}
    reply = await town.http.get(f"/{name}/{asked[name]}", headers=headers)
    assert "1000000" not in reply.text
    told = {} if reply.status_code in {400, 401} else reply.json()
    assert not told or told.get("statuscode") == "400" or told.get("code") == "087"


@pytest.mark.parametrize(
    ("name", "deliveries"),
    [
        ("vtpass", 1),
        ("clubkonnect", 1),
        ("buypower", 1),
        ("baxi", 1),
        ("flutterwave_bills", 1),
        ("reloadly", 2),
        ("smeplug", 2),
        ("inlomax", 2),
        ("reseller", 2),
    ],
)
async def test_a_repeated_reference_delivers_as_its_contract_lets_it(
    town: Town, name: str, deliveries: int
) -> None:
    """Two, where nothing forbids it: why no adapter is ever asked twice."""
    provider = MAKE[name](town.url)
    vend = order(name, provider)
    await provider.vend(vend)
    again = await provider.vend(vend)
    await provider.aclose()
    assert len(await town.deliveries(name)) == deliveries
    assert again.result not in RELEASES


@pytest.mark.parametrize("name", ASKED_BY_OURS)
async def test_an_order_nobody_placed(town: Town, name: str) -> None:
    provider = MAKE[name](town.url)
    outcome = await provider.requery(order(name, provider))
    await provider.aclose()
    expected = Result.UNKNOWN if name == "smeplug" else Result.NOT_FOUND
    assert outcome.result is expected


@pytest.mark.parametrize("name", ["vtpass", "clubkonnect", "buypower", "baxi", "inlomax"])
async def test_a_prepaid_meter_gets_its_token_once_it_comes(town: Town, name: str) -> None:
    provider = MAKE[name](town.url)
    like = replace(PREPAID, plan="SIM-1") if name == "inlomax" else PREPAID
    at_once = await provider.vend(order(name, provider, like))
    await town.play(name, "missing_token_then_token")
    vend = order(name, provider, like)
    waiting = await provider.vend(vend)
    town.clock.advance(600)
    later = await provider.requery(vend)
    await provider.aclose()
    assert at_once.result is Result.DELIVERED
    assert len(at_once.evidence["token"]) == 20
    assert (waiting.result, waiting.evidence) == (Result.ACCEPTED, {})
    if name != "inlomax":
        assert later.result is Result.DELIVERED
        assert later.evidence["token"] != at_once.evidence["token"]


@pytest.mark.parametrize(
    ("name", "like"),
    [
        pytest.param("clubkonnect", PINS, id="clubkonnect recharge PINs"),
        pytest.param("clubkonnect", EXAM, id="clubkonnect exam"),
        pytest.param("baxi", PINS, id="baxi recharge PINs"),
        pytest.param("baxi", EXAM, id="baxi exam"),
        pytest.param("vtpass", EXAM, id="vtpass exam"),
    ],
)
async def test_pins_come_with_their_order(town: Town, name: str, like: Vend) -> None:
    """Also when the reply has nothing but an order id."""
    provider = MAKE[name](town.url)
    sold = await provider.vend(order(name, provider, like))
    await town.play(name, "pin_order_id_only_then_pins")
    vend = order(name, provider, like)
    waiting = await provider.vend(vend)
    town.clock.advance(600)
    later = await provider.requery(vend)
    await provider.aclose()
    pins = {f"pin{number}" for number in range(1, like.quantity + 1)}
    assert sold.result is later.result is Result.DELIVERED
    assert pins <= sold.evidence.keys()
    assert pins <= later.evidence.keys()
    assert waiting.result in {Result.ACCEPTED, Result.UNKNOWN}


@pytest.mark.parametrize(
    "name", ["clubkonnect", "baxi", "smeplug", "inlomax", "reseller", "reloadly"]
)
async def test_data_is_sold_too(town: Town, name: str) -> None:
    provider = MAKE[name](town.url)
    like = replace(DATA, plan="345" if name == "reloadly" else "sim-1gb")
    vend = order(name, provider, like)
    outcome = await provider.vend(vend)
    assert outcome.result is (Result.ACCEPTED if name == "reloadly" else Result.DELIVERED)
    await provider.aclose()
    assert len(await town.deliveries(name)) == 1


async def test_postpaid_needs_no_token(town: Town) -> None:
    provider = MAKE["buypower"](town.url)
    outcome = await provider.vend(order("buypower", provider, POSTPAID))
    await provider.aclose()
    assert (outcome.result, outcome.evidence) == (Result.DELIVERED, {"units": "8.2"})


async def test_reloadly_finds_an_order_by_their_id_as_by_ours(town: Town) -> None:
    provider = MAKE["reloadly"](town.url)
    vend = order("reloadly", provider)
    theirs = (await provider.vend(vend)).provider_reference
    assert theirs is not None
    by_theirs = await provider.requery(replace(vend, provider_reference=theirs))
    by_ours = await provider.requery(vend)
    await provider.aclose()
    assert by_theirs == by_ours
    assert (by_ours.result, by_ours.cost) == (Result.DELIVERED, Money(485_00, "NGN"))


@pytest.mark.parametrize("name", sorted(POSTING))
@pytest.mark.parametrize("part", ["accepted_then_ok", "webhook_before_reply", "webhook_forged"])
async def test_its_webhook_is_understood_and_a_forged_one_is_not(name: str, part: str) -> None:
    """Where nothing is signed a forged one looks alike: it only makes us ask."""
    clock = SetClock(NOON)
    async with wire(says("")) as listener:
        settings = SandboxSettings(callbox_url=listener.base_url, tick_s=0.02)
        async with (
            serve(create_app(settings, clock)) as url,
            httpx.AsyncClient(base_url=url, trust_env=False) as http,
        ):
            town = Town(url, clock, http)
            await town.play(name, part, **({} if part == "accepted_then_ok" else {"seconds": 0.1}))
            provider = MAKE[name](url)
            vend = order(name, provider)
            await provider.vend(vend)
            clock.advance(11 if part == "accepted_then_ok" else 0)
            await listener.asked.wait()
            await provider.aclose()
    told = spoken(listener.requests[0], name)
    if part == "webhook_forged" and name in SIGNING:
        with pytest.raises(BadCallback):
            provider.references_in(told.headers, told.body)
    else:
        assert provider.references_in(told.headers, told.body) == (vend.reference,)
    if name in SIGNING:
        with pytest.raises(BadCallback):
            provider.references_in({}, told.body)


@dataclass(frozen=True)
class Told:
    headers: dict[str, str]
    body: bytes


def spoken(request: bytes, name: str) -> Told:
    """A webhook as Callbox hands it to the adapter: of a `GET` the query is the body."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, target, _ = first.split()
    path, _, query = target.partition("?")
    assert path == f"/callbacks/{name}/demo"
    assert (method == "GET") == (name == "clubkonnect")
    headers = {key: value for key, _, value in (line.partition(": ") for line in lines)}
    return Told(headers, query.encode() if method == "GET" else body)


async def test_webhooks_come_twice_or_late() -> None:
    async with taker() as hook, outside(callbox_url=hook.url.removesuffix("/hook")) as world:
        assert hook.bodies == []
        town = Town(str(world.http.base_url), world.clock, world.http)
        provider = MAKE["smeplug"](town.url)
        await town.play("smeplug", "webhook_duplicate")
        await provider.vend(order("smeplug", provider))
        world.clock.advance(10)
        await hook.got(2)
        await town.play("smeplug", "webhook_late")
        await provider.vend(order("smeplug", provider))
        world.clock.advance(10)
        await settled()
        assert len(hook.bodies) == 2
        world.clock.advance(10)
        await hook.got(3)
        await provider.aclose()
    assert hook.bodies[0] == hook.bodies[1]


@pytest.mark.parametrize("name", sorted(MAKE.keys() - {"buypower"}))
async def test_a_price_that_went_up_is_what_the_float_pays(town: Town, name: str) -> None:
    await town.play(name, "price_changed")
    provider = MAKE[name](town.url)
    before = await provider.float_balance()
    await provider.vend(order(name, provider))
    assert before - await provider.float_balance() == Money(533_50, "NGN")
    await provider.aclose()


def test_every_seller_has_its_simulator() -> None:
    assert SELLERS.keys() == MAKE.keys()
    products = {
        product for name in MAKE for product in MAKE[name]("http://h").capabilities.products
    }
    assert products == set(Product)
