"""Help: how it works, a call from a person, and a person to talk to."""

from core.engine.outcomes import Pending
from tests.conversations.test_my_account import on_telegram
from tests.fakes.paths import answering, giving
from tests.fakes.world import World


async def test_how_it_works_is_told_on_one_page(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("4", "1")

    caller.sees("the money comes back", "*347*100#", "0. Back")
    assert "98. More" not in caller.screen


async def test_a_call_is_noted_once_a_day(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("4", "2")
    caller.sees(caller.number)
    await caller.enter("1")
    caller.sees("We will call you")

    await caller.dial()
    await caller.enter("4", "2", "1")
    caller.sees("asked already")


async def test_whoever_cannot_be_written_to_is_called(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("help", "talk to us")
    caller.sees("Shall we call", caller.number)
    await caller.enter("1")

    caller.sees("We will call you")


async def test_whoever_writes_talks_to_a_person_and_comes_back_by_the_menu(world: World) -> None:
    phone = await on_telegram(world, world.number())

    await phone.press("Help")
    await phone.press("Talk to us")
    phone.sees("somebody answers you here")
    await phone.say("/menu")

    phone.sees("What would you like?")


async def test_whoever_asks_for_a_person_in_words_is_talking_to_one(world: World) -> None:
    phone = await on_telegram(world, world.number())

    await phone.say("I want to talk to a person")

    phone.sees("You are talking to us now")


async def test_a_person_who_cannot_be_asked_is_owned_up_to(world: World) -> None:
    phone = await on_telegram(world, world.number())

    for trouble in (
        world.paths.broken("help", "begin"),
        world.paths.instead_of("help", "begin", giving(Pending())),
        world.paths.instead_of("help", "begin", answering("gone")),
    ):
        with trouble:
            await phone.say("/menu")
            await phone.press("Help")
            await phone.press("Talk to us")
        phone.sees("Nobody can be reached just now")


async def test_a_call_may_be_declined(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("help", "call me back", "no")

    caller.sees("1. How it works")


async def test_a_call_that_could_not_be_noted_is_owned_up_to(world: World) -> None:
    caller = await world.caller(pin=False)

    for trouble in (
        world.paths.broken("help", "note"),
        world.paths.instead_of("help", "note", giving(Pending())),
    ):
        with trouble:
            await caller.dial()
            await caller.enter("4", "2", "1")
        caller.sees("could not note that")


async def test_who_wrote_too_much_is_told_so(world: World) -> None:
    phone = await on_telegram(world, world.number())

    with world.paths.instead_of("help", "begin", answering("enough")):
        await phone.say("/menu")
        await phone.press("Help")
        await phone.press("Talk to us")

    phone.sees("written to us a lot")
