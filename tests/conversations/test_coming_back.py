"""Dialling again after a session broke off."""

import dataclasses

import pytest

from core.engine.outcomes import Done
from core.flows.airtime import pay
from core.kit import ids
from core.kit.money import Money
from core.services.context import Context
from core.services.record import Record
from tests.fakes.world import PIN, Caller, World

_OFFER = "Go on where you stopped?"


async def test_a_broken_entry_can_be_taken_up(world: World) -> None:
    caller = await world.caller()
    friend = "0" + world.number()[3:]
    await caller.dial()
    await caller.enter("1", "2", friend)
    asked = caller.screen

    await caller.dial()
    caller.sees(_OFFER, "1. Continue", "2. Main menu")

    assert await caller.enter("1") == asked


@pytest.mark.parametrize("answer", ["2", "Main menu", "00", "0"])
async def test_a_broken_entry_can_be_left(world: World, answer: str) -> None:
    caller = await world.caller()
    menu = await caller.dial()
    await caller.enter("1", "1")

    await caller.dial()

    assert await caller.enter(answer) == menu


async def test_what_is_no_answer_to_the_offer_asks_again(world: World) -> None:
    caller = await world.caller()
    await caller.dial()
    await caller.enter("1", "1")

    await caller.dial()
    await caller.enter("5")

    caller.sees("Please choose one of these.", _OFFER)


async def test_nobody_is_taken_past_a_pin(world: World) -> None:
    """Neither back to the question nor behind it: the review comes first."""
    caller = await world.caller(1000)
    await caller.dial()
    await caller.enter("1", "1", "500", "1")
    caller.sees("Enter your PIN")

    await caller.dial()
    await caller.enter("1")

    caller.sees("You pay N500", "1. Pay")


async def test_a_pin_that_was_proven_is_asked_for_again(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial()
    await caller.enter("3", "1", PIN)
    caller.sees("Choose a PIN")

    await caller.dial()
    await caller.enter("1")

    caller.sees("1. Change PIN")


async def test_a_stale_price_is_quoted_anew(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial("1*500")
    caller.sees("Fee N0. You pay N500.")

    purchases = world.main.core.conversations._desk.purchases
    before = purchases._terms
    purchases._terms = dataclasses.replace(before, fee_minor=20_00)
    try:
        await caller.dial()
        await caller.enter("1")
        caller.sees("Fee N20. You pay N520.")
        await caller.enter("1", PIN)
        caller.sees("Done.")
    finally:
        purchases._terms = before
    assert await caller.money() == (480, 0)


async def test_after_a_payment_its_state_comes_first(world: World) -> None:
    """And only once: it is news to somebody who comes back, not a banner."""
    caller = await world.caller(1000)
    await caller.dial("1*500")
    await caller.enter("1", PIN)
    caller.sees("Done.")

    await caller.dial()
    caller.sees(f"N500 airtime is on {caller.number}", "1. Buy airtime")

    await caller.dial()
    assert caller.screen.startswith("Callbox.")


async def test_an_order_under_way_and_one_that_failed_are_told_as_they_are(world: World) -> None:
    caller = await world.caller(1000, at=world.twin)
    await world.plays("stuck_pending", caller.msisdn)
    await caller.dial("1*500")
    await caller.enter("1", PIN)
    await caller.dial()
    caller.sees("on its way")

    await world.plays("refused", caller.msisdn)
    await caller.dial("1*100")
    await caller.enter("1", PIN)
    await caller.dial()
    caller.sees("N100", "failed", "Money is in wallet")


async def test_the_same_news_is_told_once(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial("1*500")
    await caller.enter("1", PIN)
    await caller.dial()
    caller.sees("Your N500 airtime is on")

    await caller.enter("3", "1", PIN, PIN, PIN)
    caller.sees("Your PIN is set")
    await caller.dial()
    assert caller.screen.startswith("Callbox.")


async def test_a_payment_into_the_wallet_is_told_as_it_stands(world: World) -> None:
    caller = await world.caller(pin=False)
    await caller.dial("2*2*700")
    await caller.enter("1")
    await caller.dial()
    caller.sees("Your payment of N700 has not arrived yet.")

    await caller.dial("2*2*800")
    await caller.enter("1")
    link = await caller.sms("Pay N800")
    (await world.outside.pay(link.rsplit(" ", 1)[-1])).raise_for_status()
    await caller.sms("N800 has arrived")
    await caller.dial()

    caller.sees("N800 has arrived in your wallet.")


async def test_money_that_came_several_times_is_told_together_and_once(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial("1*500")
    await caller.enter("1", PIN)
    await _credited(world, caller, 3000, 5)
    await caller.dial()
    caller.sees("N3,005 came into your wallet: 2 payments.", "1. Buy airtime")

    await caller.dial("1*200")
    await caller.enter("1", PIN)
    await _credited(world, caller, 5)
    await caller.dial()
    caller.sees("N5 from Callbox is in your wallet.")

    await caller.dial("1*100")
    await caller.enter("1", PIN)
    await _credited(world, caller, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50)
    await caller.dial()
    caller.sees("N50 from Callbox is in your wallet.")


async def _credited(world: World, caller: Caller, *naira: int) -> None:
    for each in naira:
        await world.main.core.credits.give(
            await caller.customer(),
            Money(each * 100, "NGN"),
            reason="test",
            key=str(ids.uuid7()),
            actor="test",
        )


async def test_a_payment_that_was_refused_is_no_news(world: World) -> None:
    """Nothing was done, so an older order is not dug up for the occasion."""
    caller = await world.caller(500)
    await caller.dial("1*500")
    await caller.enter("1", PIN)
    await caller.dial()
    caller.sees("N500 airtime is on")

    await caller.dial("1*600")
    await caller.enter("1")
    caller.sees("You need N600")
    await caller.menu()

    assert caller.screen.startswith("Callbox.")


async def test_after_a_quarter_of_an_hour_all_begins_anew(world: World) -> None:
    caller = await world.caller()
    menu = await caller.dial()
    await caller.enter("1", "1")

    await world.time_passes(caller, 14 * 60)
    await caller.dial()
    caller.sees(_OFFER)

    await world.time_passes(caller, 16 * 60)
    assert await caller.dial() == menu


async def test_a_code_dialled_in_one_go_goes_its_own_way(world: World) -> None:
    caller = await world.caller()
    await caller.dial()
    await caller.enter("1", "2")

    await caller.dial("1*300")

    caller.sees("You pay N300")


async def test_what_was_read_or_ended_is_nothing_to_go_on_with(world: World) -> None:
    caller = await world.caller()
    menu = await caller.dial()
    await caller.enter("4", "1")
    assert await caller.dial() == menu

    await caller.enter("1", "1", "500", "4")
    caller.sees("Cancelled")
    assert await caller.dial() == menu


async def test_a_payment_cut_short_by_a_crash_is_made_once(world: World) -> None:
    """The order was written and the screen never kept: the next dial finds it and its end."""
    caller = await world.caller(1000)
    await caller.dial("1*500")
    await caller.enter("1")
    states: list[Record] = []

    async def pay_and_look(ctx: Context) -> object:
        states.append((await world.kept(caller))[0])
        return await pay(ctx)

    with world.paths.instead_of("airtime", "pay", pay_and_look):
        await caller.enter(PIN)
    caller.sees("Done.")
    [crashed] = states
    crashed.acting_at = 1.0
    await world.keep(caller, crashed, (await world.kept(caller))[1])

    await caller.dial()

    caller.sees("Done.", "N500", caller.number)
    assert await caller.orders() == ["delivered"]
    assert await caller.money() == (500, 0)
    assert await world.delivered(caller.msisdn) == ["500.00"]


async def test_a_payment_broken_off_long_ago_is_not_made_after_all(world: World) -> None:
    """It was about to begin and never did: whoever comes back later did not ask for it again."""
    caller = await world.caller(1000)
    await caller.dial("1*500")
    await caller.enter("1")
    states: list[Record] = []

    async def about_to_pay(ctx: Context) -> object:
        states.append((await world.kept(caller))[0])
        return Done("slow", {"reference": "NEVERWRITTEN"})

    with world.paths.instead_of("airtime", "pay", about_to_pay):
        await caller.enter(PIN)
    [crashed] = states
    crashed.acting_at = crashed.touched_at = crashed.touched_at - 120
    await world.keep(caller, crashed, (await world.kept(caller))[1])

    await caller.dial()

    caller.sees("broken off", "not been charged")
    assert await caller.orders() == []
    assert await caller.money() == (1000, 0)
