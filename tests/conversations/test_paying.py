"""Paying for airtime: money, PIN, limits, and what a provider may do to it."""

import asyncio

import pytest

from core.engine.outcomes import Pending
from core.kit.errors import Problem
from core.services.routing import Paused
from core.services.shelf import NotSold
from tests.fakes.paths import answering, giving
from tests.fakes.world import PIN, WRONG_PIN, Caller, World


async def review(caller: Caller, amount: str = "500") -> None:
    """To the review of airtime for oneself, which `1` pays."""
    await caller.menu()
    await caller.enter("1", "1", amount)
    caller.sees("You pay")


async def test_too_little_money_leads_to_the_wallet_or_a_smaller_amount(world: World) -> None:
    caller = await world.caller(300)

    await review(caller)
    await caller.enter("1")
    caller.sees("You need N500 and have N300.")
    await caller.enter("2", "300", "1", PIN)
    caller.sees("Done.", "N300")

    await review(caller)
    await caller.enter("1", "1")
    caller.sees("How much do you want to put in?")
    assert await caller.money() == (0, 0)


async def test_money_that_went_elsewhere_meanwhile_is_missed_in_time(world: World) -> None:
    """It was enough at the review and is gone when the PIN is in: nothing was done."""
    caller = await world.caller(700)
    await review(caller)
    await caller.enter("1")
    await world.take(await caller.customer(), 300)

    await caller.enter(PIN)

    caller.sees("You need N500 and have N400.")
    assert await caller.orders() == []


async def test_the_same_again_is_asked_about(world: World) -> None:
    caller = await world.caller(2000)
    await review(caller)
    await caller.enter("1", PIN)

    await review(caller)
    await caller.enter("1")
    caller.sees("You bought N500", "Buy once more?")
    await caller.enter("2")
    caller.sees("Cancelled")
    assert await caller.money() == (1500, 0)

    await review(caller)
    await caller.enter("1", "1", PIN)
    caller.sees("Done.")
    assert await caller.money() == (1000, 0)
    assert await world.delivered(caller.msisdn) == ["500.00", "500.00"]


async def test_the_first_payment_begins_with_choosing_a_pin(world: World) -> None:
    """A PIN that is easy to guess is refused, and so are two that differ."""
    caller = await world.caller(1000, pin=False)

    await review(caller)
    await caller.enter("1")
    caller.sees("Choose a PIN")
    for weak in ("1234", "0000", "1987", caller.number[-4:]):
        await caller.enter(weak)
        caller.sees("easy to guess")
    await caller.enter(PIN, WRONG_PIN)
    caller.sees("differ")
    await caller.enter("1111")
    caller.sees("easy to guess")
    await caller.enter(PIN)
    caller.sees("once more")
    await caller.enter(PIN)

    caller.sees("Done.")
    assert await caller.money() == (500, 0)


async def test_two_pins_that_differ_may_be_followed_by_a_better_one(world: World) -> None:
    caller = await world.caller(1000, pin=False)

    await review(caller)
    await caller.enter("1", PIN, WRONG_PIN, PIN, PIN)

    caller.sees("Done.")


async def test_a_pin_of_another_length_is_no_try(world: World) -> None:
    caller = await world.caller(1000)

    await review(caller)
    await caller.enter("1")
    for typed in ("619", "61945", "six", ""):
        await caller.enter(typed)
        caller.sees("Please enter 4 digits.")
    await caller.enter(PIN)

    caller.sees("Done.")


async def test_wrong_pins_are_counted_and_then_locked(world: World) -> None:
    caller = await world.caller(1000)

    await review(caller)
    await caller.enter("1", WRONG_PIN)
    caller.sees("Wrong PIN. Tries left: 2.")
    await caller.enter(WRONG_PIN)
    caller.sees("Wrong PIN. Tries left: 1.")
    await caller.enter(WRONG_PIN)
    caller.sees("Too many wrong PINs", "15 min")
    assert not caller.open

    await review(caller)
    await caller.enter("1", PIN)
    caller.sees("Too many wrong PINs")
    assert await caller.money() == (1000, 0)
    assert await caller.orders() == []


async def test_a_wrong_pin_may_be_followed_by_the_right_one(world: World) -> None:
    caller = await world.caller(1000)

    await review(caller)
    await caller.enter("1", WRONG_PIN, PIN)

    caller.sees("Done.")


async def test_a_pin_that_changes_hands_between_two_screens(world: World) -> None:
    """Another handset of the same wallet may lock, unlock or lose the PIN at any moment."""
    unset = answering("unset")
    unlocked = answering("open", tries_left=3, locked_minutes=0)
    locked = answering("locked", tries_left=0, locked_minutes=15)

    bare = await world.caller(1000, pin=False)
    with world.paths.instead_of("ask_pin", "set", answering("yes")):
        await review(bare)
        await bare.enter("1", PIN)
    bare.sees("Choose a PIN")

    caller = await world.caller(1000)
    await review(caller)
    await caller.enter("1", WRONG_PIN)
    with world.paths.instead_of("ask_pin", "again", unset):
        await caller.enter(PIN)
    caller.sees("Choose a PIN")

    await review(caller)
    with world.paths.instead_of("ask_pin", "tries", locked):
        await caller.enter("1", WRONG_PIN)
    caller.sees("Too many wrong PINs")

    await review(caller)
    await caller.enter("1")
    with (
        world.paths.instead_of("ask_pin", "pin", answering("locked")),
        world.paths.instead_of("ask_pin", "lock", unlocked),
    ):
        await caller.enter(PIN)
    caller.sees("Tries left: 3")


async def test_the_days_limit_holds_across_purchases(world: World) -> None:
    caller = await world.caller(30_000)
    await review(caller, "15000")
    await caller.enter("1", PIN)
    caller.sees("Done.")

    await review(caller, "6000")
    await caller.enter("1", PIN)

    caller.sees("limit of N20,000 a day", "not been charged")
    assert await caller.money() == (15_000, 0)


async def test_an_order_that_the_network_refuses_is_paid_back_on_the_spot(world: World) -> None:
    caller = await world.caller(1000)
    await world.plays("refused", caller.msisdn)

    await review(caller)
    await caller.enter("1", PIN)

    caller.sees("N500 is back in your wallet")
    assert await caller.money() == (1000, 0)
    assert await world.delivered(caller.msisdn) == []
    await caller.sms("did not go through")


async def test_after_a_refusal_the_same_is_no_repetition(world: World) -> None:
    caller = await world.caller(1000)
    await world.plays("refused", caller.msisdn, next=1)
    await review(caller)
    await caller.enter("1", PIN)

    await review(caller)
    await caller.enter("1", PIN)

    caller.sees("Done.")


async def test_a_slow_network_is_told_of_by_sms(world: World) -> None:
    """The money is set aside, the screen says so, and a message brings the end of it."""
    caller = await world.caller(1000, at=world.twin)
    await world.plays("accepted_then_ok", caller.msisdn, seconds=1)

    await review(caller)
    await caller.enter("1", PIN)
    caller.sees("We are sending N500", "SMS")
    assert await caller.money() == (500, 500)

    await caller.sms("Done: N500", caller.number)
    assert await caller.money() == (500, 0)
    assert await world.delivered(caller.msisdn) == ["500.00"]


async def test_a_slow_refusal_is_told_of_by_sms(world: World) -> None:
    caller = await world.caller(1000, at=world.twin)
    await world.plays("accepted_then_fail", caller.msisdn, seconds=1)

    await review(caller)
    await caller.enter("1", PIN)
    caller.sees("We are sending")

    await caller.sms("did not go through", "back in your wallet")
    assert await caller.money() == (1000, 0)


@pytest.mark.parametrize(
    ("why", "words"),
    [(NotSold(), "not been charged"), (Paused(), "Your money is safe")],
    ids=["nobody sells it", "paused"],
)
async def test_with_no_provider_nothing_is_sold(world: World, why: Problem, words: str) -> None:
    caller = await world.caller(1000)

    with world.paths.instead_of("airtime", "pay", giving(why)):
        await review(caller)
        await caller.enter("1", PIN)

    caller.sees(words)


async def test_a_fault_of_ours_leaves_the_customer_with_what_is_known(world: World) -> None:
    """Nobody can say whether it was done, so the screen promises only what holds either way."""
    caller = await world.caller(1000)

    for trouble in (
        world.paths.broken("airtime", "pay"),
        world.paths.instead_of("airtime", "pay", giving(Pending())),
    ):
        with trouble:
            await review(caller)
            await caller.enter("1", PIN)
        caller.sees("could not finish in time", "SMS")
        assert not caller.open
    assert await caller.money() == (1000, 0)


async def test_a_step_that_breaks_costs_a_word_of_apology_only(world: World) -> None:
    caller = await world.caller(1000)

    await caller.dial()
    with world.paths.broken("airtime", "quote"):
        await caller.enter("1", "1", "500")
    caller.sees("Sorry, something went wrong", "Amount")
    await caller.enter("500", "1")
    with world.paths.broken("ask_pin", "pin"):
        await caller.enter(PIN)
    caller.sees("Sorry, something went wrong", "PIN")
    await caller.enter(PIN)

    caller.sees("Done.")


async def test_thirty_customers_at_once_each_see_their_own_number(world: World) -> None:
    """No reply ever carries another customer's number, not even while the network is slow."""
    callers = await asyncio.gather(*(world.caller(500, at=world.twin) for _ in range(30)))
    await world.outside.play("vtpass", "accepted_then_ok", seconds=0.5)

    async def buy(caller: Caller) -> None:
        await caller.dial("1*100")
        caller.sees(caller.number)
        await caller.enter("1", PIN)
        caller.sees(caller.number)
        await caller.sms("Done", caller.number)
        assert await caller.money() == (400, 0)

    await asyncio.gather(*(buy(caller) for caller in callers))
    await world.outside.play("vtpass", "ok")
