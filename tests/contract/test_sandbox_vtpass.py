"""The VTpass simulator: its rules, and each of its parts as a client meets it."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from sandbox.vtpass_plays import PLAYS
from tests.fakes.outside import Outside, outside, settled, taker

PHONE = "08031234567"


@pytest_asyncio.fixture(scope="module")
async def shared() -> AsyncIterator[Outside]:
    async with outside() as running:
        yield running


@pytest_asyncio.fixture
async def world(shared: Outside) -> Outside:
    await shared.start_over()
    return shared


def _status(reply: httpx.Response) -> tuple[str, str]:
    told: dict[str, Any] = reply.json()
    return told["code"], told["content"]["transactions"]["status"]


async def test_a_valid_order_is_delivered_and_told_as_vtpass_tells_it(world: Outside) -> None:
    request_id = world.request_id()

    told = (await world.vend(request_id)).json()

    transaction = told["content"]["transactions"]
    assert (told["code"], transaction["status"]) == ("000", "delivered")
    assert (told["requestId"], told["amount"]) == (request_id, "500.00")
    assert (transaction["commission"], transaction["total_amount"]) == (15, 485)
    assert transaction["transactionId"].startswith("SIM")
    assert await world.deliveries() == [
        {
            "provider": "vtpass",
            "reference": request_id,
            "provider_reference": transaction["transactionId"],
            "product": "mtn",
            "recipient": "2348031234567",
            "amount": "500.00",
            "currency": "NGN",
            "at": "2026-11-21T12:00:00.000000+00:00",
            "reversed": False,
        }
    ]


async def test_the_float_pays_the_price_less_commission(world: Outside) -> None:
    await world.vend(world.request_id())

    assert await world.float_balance() == "999515.00"


async def test_an_empty_float_refuses_with_018() -> None:
    async with outside(vtpass_float="484.99") as world:
        assert (await world.vend(world.request_id())).json()["code"] == "018"
        assert await world.deliveries() == []


@pytest.mark.parametrize(
    "form", [PHONE, "+2348031234567", "2348031234567", "00234 803 123 4567", "8031234567"]
)
async def test_a_recipient_is_found_in_any_form(world: Outside, form: str) -> None:
    await world.vend(world.request_id())

    assert len(await world.deliveries(form)) == 1
    assert await world.deliveries("08051234567") == []


async def test_a_repeated_reference_delivers_once(world: Outside) -> None:
    request_id = world.request_id()
    await world.vend(request_id)

    assert (await world.vend(request_id)).json()["code"] == "014"
    assert len(await world.deliveries()) == 1


@pytest.mark.parametrize(
    ("made_at", "suffix", "taken"),
    [
        pytest.param("202611210001", "abc", True, id="today"),
        pytest.param("202611210001", "", True, id="no suffix"),
        pytest.param("202611202359", "abc", False, id="yesterday"),
        pytest.param("202611211", "x", False, id="too short"),
        pytest.param("202611219901", "abc", False, id="no such hour"),
        pytest.param("abcdefghijkl", "abc", False, id="no date"),
        pytest.param("202611210001", "_-", False, id="suffix not alphanumeric"),
    ],
)
async def test_the_reference_begins_with_today(
    world: Outside, made_at: str, suffix: str, *, taken: bool
) -> None:
    told = (await world.vend(made_at + suffix)).json()

    assert told["code"] == ("000" if taken else "085")


async def test_today_is_the_day_in_lagos() -> None:
    """At 23:30 UTC it is tomorrow already."""
    async with outside(dt.datetime(2026, 11, 21, 23, 30, tzinfo=dt.UTC)) as world:
        assert (await world.vend("202611212330A")).json()["code"] == "085"
        assert (await world.vend("202611220030A")).json()["code"] == "000"


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        pytest.param({"serviceID": "mtm"}, "012", id="service"),
        pytest.param({"amount": "lots"}, "011", id="amount unreadable"),
        pytest.param({"amount": 4}, "013", id="amount small"),
        pytest.param({"amount": 100_001}, "017", id="amount large"),
        pytest.param({"phone": "0803"}, "011", id="number"),
        pytest.param({"phone": ""}, "011", id="no number"),
    ],
)
async def test_a_wrong_order_is_refused(world: Outside, wrong: dict[str, Any], code: str) -> None:
    request_id = world.request_id()

    assert (await world.vend(request_id, **wrong)).json()["code"] == code
    assert (await world.ask(request_id)).json()["code"] == "015"


async def test_the_same_number_again_within_the_window_is_refused() -> None:
    async with outside(duplicate_window_s=30) as world:
        await world.vend(world.request_id())
        assert (await world.vend(world.request_id())).json()["code"] == "019"
        assert (await world.vend(world.request_id(), "08051234567")).json()["code"] == "000"
        world.clock.advance(31)
        assert (await world.vend(world.request_id())).json()["code"] == "000"


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "pay", {"api-key": "SIM-vtpass-key", "public-key": "PK_SIM"}),
        ("POST", "requery", {"api-key": "SIM-vtpass-key", "secret-key": "SK_OTHER"}),
        ("POST", "merchant-verify", {"secret-key": "SK_SIM"}),
        ("GET", "balance", {"api-key": "SIM-vtpass-key", "secret-key": "SK_SIM"}),
        ("GET", "services", {}),
    ],
)
async def test_the_wrong_key_set_is_087(
    world: Outside, method: str, path: str, headers: dict[str, str]
) -> None:
    reply = await world.http.request(method, f"/vtpass/api/{path}", headers=headers)

    assert reply.json()["code"] == "087"


async def test_a_form_is_as_good_as_json(world: Outside) -> None:
    form = {"request_id": world.request_id(), "serviceID": "glo", "amount": "100", "phone": PHONE}
    headers = {"api-key": "SIM-vtpass-key", "secret-key": "SK_SIM"}

    reply = await world.http.post("/vtpass/api/pay", data=form, headers=headers)

    assert _status(reply) == ("000", "delivered")


async def test_catalogues_are_readable(world: Outside) -> None:
    headers = {"api-key": "SIM-vtpass-key", "public-key": "PK_SIM"}

    async def content(path: str) -> Any:
        return (await world.http.get(f"/vtpass/api/{path}", headers=headers)).json()["content"]

    airtime = await content("services?identifier=airtime")
    assert {service["serviceID"] for service in airtime} == {"mtn", "glo", "airtel", "etisalat"}
    plans = await content("service-variations?serviceID=mtn-data")
    assert plans["varations"][0]["variation_amount"] == "350.00"
    assert {kind["identifier"] for kind in await content("service-categories")} >= {"airtime"}


@pytest.mark.parametrize(("biller", "wrong"), [("1212121212", False), ("999", True)])
async def test_a_verification_says_000_either_way(
    world: Outside, biller: str, *, wrong: bool
) -> None:
    headers = {"api-key": "SIM-vtpass-key", "secret-key": "SK_SIM"}
    body = {"billersCode": biller, "serviceID": "dstv"}

    told = (await world.http.post("/vtpass/api/merchant-verify", json=body, headers=headers)).json()

    assert (told["code"], told["content"]["WrongBillersCode"]) == ("000", wrong)


# Parts: what the client is told, what requery says at once, whether value was delivered at once,
# what requery says after the scenario's seconds, and whether value is there in the end.


@pytest.mark.parametrize(
    ("scenario", "told", "at_once", "delivered", "later", "in_the_end"),
    [
        ("accepted_then_ok", "099", "pending", 0, "delivered", 1),
        ("accepted_then_fail", "099", "pending", 0, "failed", 0),
        ("stuck_pending", "099", "pending", 0, "pending", 0),
        ("refused", "091", "015", 0, "015", 0),
        ("refused_html_503", "HTTP 503", "015", 0, "015", 0),
        ("lost_before_order", "no answer", "015", 0, "015", 0),
        ("delivered_but_reply_lost", "no answer", "delivered", 1, "delivered", 1),
        ("arrives_late", "no answer", "015", 0, "delivered", 1),
        ("reply_500_no_order", "HTTP 500", "015", 0, "015", 0),
        ("reply_500_with_order", "HTTP 500", "delivered", 1, "delivered", 1),
        ("garbage_json", "no JSON", "delivered", 1, "delivered", 1),
        ("unexpected_code", "999", "delivered", 1, "delivered", 1),
        ("duplicate_ref", "014", "delivered", 1, "delivered", 1),
        ("wrong_network", "016", "failed", 0, "failed", 0),
        ("low_float", "018", "015", 0, "015", 0),
        ("requery_down", "099", "HTTP 503", 1, "delivered", 1),
        ("variant_shapes", "000", "delivered", 1, "delivered", 1),
        ("webhook_duplicate", "099", "pending", 0, "delivered", 1),
        ("webhook_late", "099", "pending", 0, "delivered", 1),
        ("webhook_forged", "099", "pending", 0, "failed", 0),
    ],
)
async def test_each_part(
    world: Outside,
    scenario: str,
    told: str,
    at_once: str,
    delivered: int,
    later: str,
    in_the_end: int,
) -> None:
    magic = PLAYS[scenario].recipients[0]
    request_id = world.request_id()

    assert await _heard(world.vend(request_id, magic)) == told
    assert await _known(world, request_id) == at_once
    assert len(await world.deliveries(magic)) == delivered
    world.clock.advance(60)
    assert await _known(world, request_id) == later
    assert len(await world.deliveries(magic)) == in_the_end
    undone = float(await world.float_balance()) == 1_000_000
    assert undone == (in_the_end == 0 and later != "pending")


async def _heard(call: Any) -> str:
    """What a client makes of a call: the code, or why there is none."""
    try:
        reply: httpx.Response = await call
    except (httpx.ReadError, httpx.RemoteProtocolError):
        return "no answer"
    if reply.status_code != httpx.codes.OK:
        return f"HTTP {reply.status_code}"
    try:
        return str(reply.json()["code"])
    except ValueError:
        return "no JSON"


async def _known(world: Outside, request_id: str) -> str:
    """What requery knows: the status of the order, or the code when there is none."""
    reply = await world.ask(request_id)
    if reply.status_code != httpx.codes.OK:
        return f"HTTP {reply.status_code}"
    told = reply.json()
    return str(told["content"]["transactions"]["status"] if "content" in told else told["code"])


async def test_every_part_is_tested_here_or_below() -> None:
    """A new part without a test is a part nobody saw played."""
    table = next(mark for mark in test_each_part.pytestmark if mark.name == "parametrize")  # type: ignore[attr-defined]  # set by the decorator
    below = {"ok", "ok_slow", "delivered_after_timeout", "reversed_after_delivered"}
    # In the tests of its products.
    below |= {"missing_token_then_token", "pin_order_id_only_then_pins"}
    below |= {"price_changed", "catalogue_changed", "webhook_before_reply"}

    assert {row[0] for row in table.args[1]} | below == set(PLAYS)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        ("08011111111", "000"),
        ("201000000000", "099"),
        ("500000000000", "999"),
        ("400000000000", "no answer"),
    ],
)
async def test_the_magic_values_of_their_own_sandbox(
    world: Outside, number: str, told: str
) -> None:
    assert await _heard(world.vend(world.request_id(), number)) == told


async def test_a_refusal_may_carry_any_code(world: Outside) -> None:
    """040 is one of the two that leave an order behind."""
    await world.play("vtpass", "refused", code="030", recipient=PHONE)
    assert (await world.vend(world.request_id())).json()["code"] == "030"

    await world.play("vtpass", "refused", code="040", recipient=PHONE)
    request_id = world.request_id()
    assert (await world.vend(request_id)).json()["code"] == "040"
    assert await _known(world, request_id) == "reversed"
    assert await world.deliveries() == []


async def test_slow_is_delivered_by_the_time_it_is_answered(world: Outside) -> None:
    """The answer is held in real time; the delivery goes by the clock, here still until moved."""
    await world.play("vtpass", "ok_slow", seconds=1, recipient=PHONE)
    request_id = world.request_id()

    answer = asyncio.create_task(world.vend(request_id))
    await asyncio.sleep(0.1)
    assert await _known(world, request_id) == "pending"
    assert not answer.done()
    world.clock.advance(1)

    assert _status(await answer) == ("000", "delivered")


async def test_delivered_at_once_and_answered_too_late(world: Outside) -> None:
    await world.play("vtpass", "delivered_after_timeout", seconds=0.3, next=1)
    request_id = world.request_id()

    reply = await world.vend(request_id)

    assert reply.elapsed >= dt.timedelta(seconds=0.3)
    assert _status(reply) == ("000", "delivered")
    assert len(await world.deliveries()) == 1


async def test_value_taken_back_is_marked_and_told_by_webhook() -> None:
    async with taker() as hook, outside(vtpass_webhook_url=hook.url) as world:
        await world.play("vtpass", "reversed_after_delivered", recipient=PHONE)
        request_id = world.request_id()
        assert _status(await world.vend(request_id)) == ("000", "delivered")
        assert hook.bodies == []

        world.clock.advance(10)
        await hook.got(1)

        assert _status(await world.ask(request_id)) == ("040", "reversed")
        assert [row["reversed"] for row in await world.deliveries()] == [True]
        assert await world.float_balance() == "1000000.00"
        assert b'"transaction-update"' in hook.bodies[0]
        assert b'"reversed"' in hook.bodies[0]


async def test_a_webhook_is_repeated_until_success_and_five_times_at_most() -> None:
    refusals = [(500, {}), (200, {"response": "ok"}), (200, {"response": "success"})]
    async with taker(*refusals) as hook, outside(vtpass_webhook_url=hook.url) as world:
        await world.play("vtpass", "reversed_after_delivered", seconds=0, recipient=PHONE)
        await world.vend(world.request_id())
        await hook.got(3)
        await settled()
        assert len(hook.bodies) == 3

    async with taker((500, {})) as hook, outside(vtpass_webhook_url=hook.url) as world:
        await world.play("vtpass", "reversed_after_delivered", seconds=0, recipient=PHONE)
        await world.vend(world.request_id())
        await hook.got(5)
        await settled()
        assert len(hook.bodies) == 5


async def test_webhooks_come_twice_late_or_untrue() -> None:
    async with taker() as hook, outside(vtpass_webhook_url=hook.url) as world:
        await world.vend(world.request_id(), PLAYS["webhook_duplicate"].recipients[0])
        world.clock.advance(10)
        await hook.got(2)
        assert hook.bodies[0] == hook.bodies[1]

        await world.vend(world.request_id(), PLAYS["webhook_late"].recipients[0])
        world.clock.advance(10)
        await settled()
        assert len(hook.bodies) == 2
        world.clock.advance(10)
        await hook.got(3)

        forged = PLAYS["webhook_forged"].recipients[0]
        request_id = world.request_id()
        await world.vend(request_id, forged)
        await hook.got(4)
        assert b'"delivered"' in hook.bodies[3]
        assert await _known(world, request_id) == "pending"
        assert await world.deliveries(forged) == []


async def test_old_and_new_shapes(world: Outside) -> None:
    request_id = world.request_id()

    told = (await world.vend(request_id, PLAYS["variant_shapes"].recipients[0])).json()
    asked = (await world.ask(request_id)).json()

    assert "content" not in told
    assert told["transactionId"].startswith("SIM")
    assert told["amount"] == asked["amount"] == 500
    assert told["transaction_date"]["timezone"] == "Africa/Lagos"
    assert asked["transaction_date"] is None


async def test_requery_goes_down_for_a_while_from_the_first_question(world: Outside) -> None:
    """Also by a rule that came after the order; the order itself is as it was."""
    request_id = world.request_id()
    await world.vend(request_id)
    await world.play("vtpass", "requery_down", seconds=20, next=1)

    assert await _known(world, request_id) == "HTTP 503"
    world.clock.advance(19)
    assert await _known(world, request_id) == "HTTP 503"
    world.clock.advance(2)
    assert await _known(world, request_id) == "delivered"


async def test_an_order_still_on_its_way_loses_to_its_repetition(world: Outside) -> None:
    """The same reference sent again while the first request travels: one of them is delivered."""
    await world.play("vtpass", "arrives_late", next=1)
    request_id = world.request_id()
    assert await _heard(world.vend(request_id)) == "no answer"

    assert await _heard(world.vend(request_id)) == "000"
    world.clock.advance(60)

    assert len(await world.deliveries()) == 1
