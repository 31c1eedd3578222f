"""My PIN: chosen, changed, and set anew by a code when it is forgotten."""

from core.engine.outcomes import Pending
from tests.fakes.paths import giving
from tests.fakes.world import NEW_PIN, PIN, PIN_HASH, WRONG_PIN, Caller, World


async def code_for(world: World, caller: Caller) -> str:
    await caller.dial("8")
    await caller.enter("3", "2")
    caller.sees(caller.number)
    await caller.enter("1")
    caller.sees("6 digits")
    return await world.code_of(await caller.sms("your Callbox code"))


async def test_who_has_no_pin_chooses_one(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("3")
    caller.sees("Choose a PIN")
    await caller.enter(PIN, PIN)

    caller.sees("Your PIN is set", "Never tell it")
    assert not caller.open


async def test_the_pin_is_changed_by_who_knows_it(world: World) -> None:
    caller = await world.caller(500)

    await caller.dial()
    await caller.enter("3", "1", PIN, NEW_PIN, NEW_PIN)
    caller.sees("Your PIN is set")

    await caller.dial("1*100")
    await caller.enter("1", PIN)
    caller.sees("Wrong PIN")
    await caller.enter(NEW_PIN)
    caller.sees("Done.")


async def test_a_forgotten_pin_is_set_anew_with_the_code_from_the_sms(world: World) -> None:
    """Also while wrong guesses keep the wallet locked."""
    caller = await world.caller(500)
    await caller.dial("1*100")
    await caller.enter("1", WRONG_PIN, WRONG_PIN, WRONG_PIN)
    caller.sees("Too many wrong PINs", "Forgot PIN")

    code = await code_for(world, caller)
    await caller.enter(code, NEW_PIN, NEW_PIN)
    caller.sees("Your PIN is set")

    await caller.dial("1*100")
    await caller.enter("1", NEW_PIN)
    caller.sees("Done.")


async def test_a_wrong_code_may_be_followed_by_the_right_one(world: World) -> None:
    caller = await world.caller()
    code = await code_for(world, caller)

    await caller.enter("12")
    caller.sees("Please enter 6 digits.")
    await caller.enter(_other(code))
    caller.sees("not the code")
    await caller.enter(code)
    caller.sees("Choose a PIN")
    await caller.enter(NEW_PIN, NEW_PIN)

    caller.sees("Your PIN is set")


async def test_a_code_is_good_for_three_tries(world: World) -> None:
    caller = await world.caller()
    code = await code_for(world, caller)

    await caller.enter(_other(code), _other(code))
    caller.sees("not the code")
    await caller.enter(_other(code))

    caller.sees("Too many wrong codes", "new one")
    assert not caller.open


async def test_a_code_may_be_declined(world: World) -> None:
    caller = await world.caller()

    await caller.dial()
    await caller.enter("3", "2", "2")

    caller.sees("1. Change PIN")
    assert await world.outside.messages(caller.msisdn) == []


async def test_codes_are_not_sent_without_end(world: World) -> None:
    caller = await world.caller()
    for _ in range(3):
        await code_for(world, caller)

    await caller.dial("8")
    await caller.enter("3", "2", "1")

    caller.sees("several codes already", "half an hour")
    assert len(await world.outside.messages(caller.msisdn)) == 3


async def test_a_code_that_cannot_be_sent_is_owned_up_to(world: World) -> None:
    caller = await world.caller()

    for trouble in (
        world.paths.broken("pin", "send"),
        world.paths.instead_of("pin", "send", giving(Pending())),
    ):
        with trouble:
            await caller.dial("8")
            await caller.enter("3", "2", "1")
        caller.sees("could not send a code")


async def test_the_first_code_may_be_the_last_try(world: World) -> None:
    """A code used up elsewhere meanwhile is refused at its first try here."""
    caller = await world.caller()
    await code_for(world, caller)

    with world.paths.instead_of("pin", "code", giving("locked")):
        await caller.enter("000001")

    caller.sees("Too many wrong codes")


def _other(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


async def test_a_first_pin_does_not_replace_one_that_was_set_meanwhile(world: World) -> None:
    caller = await world.caller(pin=False)
    await caller.dial()
    await caller.enter("3", NEW_PIN)
    core = world.main.core
    await core.customers.set_pin(await caller.customer(), PIN_HASH, core.clock.now(), first=True)

    await caller.enter(NEW_PIN)

    caller.sees("a moment ago")
    assert not caller.open
    await caller.dial()
    await caller.enter("3", "1", PIN)
    caller.sees("Choose a PIN")


async def test_whoever_types_a_pin_reads_what_for(world: World) -> None:
    caller = await world.caller(1000)
    await caller.dial("1*500")
    await caller.enter("1")
    caller.sees(f"N500 MTN airtime for {caller.number}. You pay N500.\nEnter your PIN:")
    await caller.enter("0000")
    caller.sees("You pay N500.\nWrong PIN. Tries left: 2")
    await caller.menu()
    await caller.enter("6", "1", "1000", "2", "1")
    caller.sees("Gift of N1,000 for 2. You pay N1,000.\nEnter your PIN:")
    await caller.menu()
    await caller.enter("3", "1")

    caller.sees("You change your PIN.\nEnter your PIN:")


async def test_whoever_chooses_a_pin_to_pay_reads_what_for(world: World) -> None:
    caller = await world.caller(1000, pin=False)
    await caller.dial("1*500")
    await caller.enter("1")
    caller.sees("You pay N500.\nChoose a PIN of 4 digits")
    await caller.enter("12")
    caller.sees("Please enter 4 digits.\nChoose a PIN of 4 digits")
    await caller.enter(NEW_PIN)

    caller.sees("You pay N500.\nEnter the new PIN once more:")
