"""Requests that come twice, late, in a bunch or at once; and stores that forget."""

import asyncio
import secrets

import msgspec
import pytest
from msgspec.structs import replace

from tests.fakes.world import PIN, Caller, World


async def test_a_repeated_request_gets_the_very_same_reply(world: World) -> None:
    caller = await world.caller(1000)

    await caller.dial()
    assert await caller.post(caller.session, caller.text) == caller.raw
    await caller.enter("1", "1", "500", "1", PIN)
    for _ in range(3):
        assert await caller.post(caller.session, caller.text) == caller.raw

    assert await caller.money() == (500, 0)
    assert await caller.orders() == ["delivered"]


async def test_a_repeated_wrong_pin_is_one_try(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial("1*500")
    await caller.enter("1", "4027")

    for _ in range(4):
        assert await caller.post(caller.session, caller.text) == caller.raw

    caller.sees("Tries left: 2.")


async def test_a_late_request_shows_where_things_are(world: World) -> None:
    caller = await world.caller()
    await caller.dial()
    await caller.enter("1", "1", "500")
    review = caller.raw

    for late in ("", "1", "1*1", "1*2", "4*1"):
        assert await caller.post(caller.session, late) == review

    await caller.enter("3")
    caller.sees("Amount")


async def test_a_late_request_of_an_earlier_session_changes_nothing(world: World) -> None:
    """Read as a new dial, its answers would be taken for a code dialled in one go."""
    caller = await world.caller()
    await caller.dial()
    await caller.enter("1", "1")
    earlier, typed = caller.session, caller.text
    await caller.dial()
    await caller.enter("2")
    menu = caller.raw

    assert await caller.post(earlier, typed) == menu
    assert await caller.post(earlier, typed + "*500") == menu
    await caller.enter("4")
    caller.sees("1. How it works")


async def test_answers_typed_ahead_are_taken_one_by_one(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial()

    await caller.enter("1*1*500")
    caller.sees("You pay N500")
    await caller.enter("1", PIN)

    caller.sees("Done.")


async def test_answers_typed_ahead_stop_where_eyes_are_wanted(world: World) -> None:
    """What is paid was seen, and a PIN answers the question for a PIN."""
    caller = await world.caller(1000)

    await caller.dial()
    await caller.enter(f"1*1*500*1*{PIN}")
    caller.sees("You pay N500")
    assert await caller.orders() == []

    await caller.enter(f"1*{PIN}")
    caller.sees("Enter your PIN")
    assert await caller.orders() == []


async def test_answers_typed_ahead_stop_where_one_was_not_understood(world: World) -> None:
    caller = await world.caller(1000)

    await caller.dial()
    await caller.enter("1*1*much*500")

    caller.sees("Please enter an amount", "Amount, N50")


async def test_the_same_request_many_times_at_once_is_one_order(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial("1*500")
    await caller.enter("1")
    text = f"{caller.text}*{PIN}"

    replies = await asyncio.gather(*(caller.post(caller.session, text) for _ in range(10)))

    assert len(set(replies)) == 1
    assert replies[0].startswith("END Done.")
    assert await caller.money() == (500, 0)
    assert await world.delivered(caller.msisdn) == ["500.00"]


async def test_the_same_request_at_two_processes_at_once_is_one_order(world: World) -> None:
    """Neither knows of the other, but both find what was done first."""
    caller = await world.caller(1000)
    elsewhere = caller.at(world.twin)
    await caller.dial("1*500")
    await caller.enter("1")
    text = f"{caller.text}*{PIN}"

    replies = await asyncio.gather(
        *(place.post(caller.session, text) for place in (caller, elsewhere) * 3)
    )

    assert len(set(replies)) == 1
    assert await world.delivered(caller.msisdn) == ["500.00"]
    assert await caller.money() == (500, 0)
    assert len(await caller.orders()) == 1


async def test_every_screen_at_two_processes_at_once_is_one_turn(world: World) -> None:
    caller = await world.caller(1000)
    elsewhere = caller.at(world.twin)
    session = "ATUid_" + secrets.token_hex(16)

    for text in ("", "2", "2*2", "2*2*500", "2*2*500*1"):
        replies = await asyncio.gather(
            *(place.post(session, text) for place in (caller, elsewhere))
        )
        assert len(set(replies)) == 1
    await caller.sms("Pay N500")
    assert len(await world.outside.messages(caller.msisdn)) == 1


async def test_two_different_messages_at_once_are_both_heard_in_order(world: World) -> None:
    caller = await world.caller()
    await caller.dial()

    first = caller.post(caller.session, "1")
    second = caller.post(caller.session, "1*1")
    replies = await asyncio.gather(first, second)

    assert "Amount, N50" in replies[1]
    assert await caller.post(caller.session, "1*1*500") != replies[1]
    assert "You pay N500" in await caller.post(caller.session, "1*1*500")


async def test_a_conversation_goes_on_at_another_process(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial()
    await caller.enter("1", "1")

    moved = caller.at(world.twin)
    await moved.enter("500")
    back = moved.at(world.main)
    await back.enter("1", PIN)

    back.sees("Done.")


@pytest.mark.parametrize(
    "typed", [("1", "1", "500", "1"), ("2", "2", "500"), ("3", "1"), ("1", "2", "08031234567")]
)
async def test_a_store_that_forgets_costs_a_new_start(world: World, typed: tuple[str, ...]) -> None:
    """Never money, and a PIN that comes next is kept nowhere."""
    caller = await world.caller(1000)
    await caller.dial()
    await caller.enter(*typed)
    await world.forget(caller)

    await caller.enter(PIN)

    assert caller.open
    assert await caller.orders() == []
    assert await caller.money() == (1000, 0)
    await caller.enter("00")
    caller.sees("1. Buy airtime")


async def test_an_order_stands_though_the_store_forgets_it(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial("1*500")
    await caller.enter("1", PIN)
    await world.forget(caller)

    repeated = await caller.post(caller.session, caller.text)

    assert repeated.startswith("CON ")
    assert await caller.orders() == ["delivered"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"node": "gone"}, id="a screen that is gone"),
        pytest.param({"flow": "gone"}, id="a flow that is gone"),
        pytest.param({"node": "fresh", "state": "acting"}, id="in the middle of a step"),
        pytest.param({"answers": {}}, id="answers of another shape"),
        pytest.param({"answers": {"msisdn": None, "least": "x"}}, id="answers of another kind"),
    ],
)
@pytest.mark.parametrize("redials", [False, True])
async def test_what_an_older_release_left_restarts_politely(
    world: World, change: dict[str, object], *, redials: bool
) -> None:
    caller = await world.caller()
    await caller.dial()
    await caller.enter("1", "1")
    record, version = await world.kept(caller)
    record.conversation = replace(record.conversation, **change)
    await world.keep(caller, record, version)

    if redials:
        await caller.dial()
        if "1. Continue" in caller.screen:
            await caller.enter("1")
    else:
        await caller.enter("0")

    assert caller.open
    assert "Sorry" not in caller.screen
    await caller.enter("00")
    caller.sees("1. Buy airtime")


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b'{"session": 1}', b"\xff\xfe"])
async def test_what_cannot_be_read_restarts_politely(world: World, record: bytes) -> None:
    caller = await world.caller()
    await caller.dial()
    await caller.enter("4")
    await world.keep(caller, record, (await world.kept(caller))[1])

    await caller.dial()
    caller.sees("1. Buy airtime")
    await _usable(caller)


async def test_a_field_of_a_newer_release_is_no_trouble(world: World) -> None:
    caller = await world.caller()
    await caller.dial()
    await caller.enter("4")
    record, version = await world.kept(caller)
    newer = {**msgspec.to_builtins(record), "mood": "good"}
    await world.keep(caller, msgspec.json.encode(newer), version)

    await caller.enter("1")

    caller.sees("Fund your wallet")


async def _usable(caller: Caller) -> None:
    await caller.enter("1")
    caller.sees("Airtime for:")
