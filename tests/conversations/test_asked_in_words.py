"""What somebody asks for in words leads by a name into a flow, with what was said in it."""

import pytest

from tests.fakes.paths import answering
from tests.fakes.world import PIN, World


async def test_all_of_it_said_is_reviewed_and_paid(world: World) -> None:
    caller = await world.caller(1000)
    friend = "0" + world.number()[3:]

    await caller.dial(f"say_airtime*500*glo*{friend}")
    caller.sees("N500 Glo airtime", friend)
    await caller.enter("1", PIN)

    caller.sees("Done.")


async def test_no_network_said_is_suggested(world: World) -> None:
    caller = await world.caller(1000)

    with world.paths.instead_of("airtime", "said_all", answering("known", network="glo")):
        await caller.dial("say_airtime*500*mtn*0" + world.number("234805")[3:])

    caller.sees("N500 Glo airtime")


async def test_what_cannot_be_read_stops_the_rest_of_what_was_said(world: World) -> None:
    caller = await world.caller(1000)

    await caller.dial("say_airtime*500*?*0" + world.number("234805")[3:])

    caller.sees("Airtime for:")


async def test_a_network_that_is_not_known_is_asked_for(world: World) -> None:
    caller = await world.caller(1000)
    stranger = "0" + world.number("2347071")[3:]

    with world.paths.instead_of("airtime", "said_all", answering("unknown")):
        await caller.dial(f"say_airtime*500*mtn*{stranger}")
        caller.sees(f"Network of {stranger}")
    with world.paths.instead_of("airtime", "said_number", answering("unknown")):
        await caller.dial(f"say_airtime*5*mtn*{stranger}")
        caller.sees(f"Network of {stranger}")


async def test_an_amount_out_of_bounds_is_asked_for(world: World) -> None:
    caller = await world.caller(1000)
    friend = "0" + world.number()[3:]

    await caller.dial(f"say_airtime*5*mtn*{friend}")
    caller.sees(friend, "Amount, N50 to N50,000")
    await caller.enter("300")

    caller.sees("N300 MTN airtime", friend)


async def test_a_number_of_elsewhere_is_asked_for(world: World) -> None:
    caller = await world.caller(1000)

    await caller.dial("say_airtime*500*mtn*+447400123456")

    caller.sees("Airtime for:")


async def test_somebody_without_a_number_is_asked_for(world: World) -> None:
    caller = await world.caller(1000)
    friend = "0" + world.number()[3:]

    await caller.dial("say_airtime*500*mtn*?")
    caller.sees("Phone number")
    await caller.enter(friend)

    caller.sees("N500 MTN airtime", friend)


@pytest.mark.parametrize(
    ("said", "seen"),
    [("fund 2000", "Fund your wallet with N2,000?"), ("fund 5", "How much do you want to put in?")],
)
async def test_funding_with_an_amount_goes_as_far_as_it_is_good(
    world: World, said: str, seen: str
) -> None:
    caller = await world.caller()

    await caller.dial(said.replace(" ", "*"))

    caller.sees(seen)


async def test_nothing_said_is_asked_from_the_start(world: World) -> None:
    caller = await world.caller(1000)

    await caller.dial("say_airtime")

    caller.sees("Airtime for:")


@pytest.mark.parametrize(
    ("exit_", "words"),
    [("used", "You used about 2GB"), ("fresh", "To begin with"), ("none", "no data plan")],
)
async def test_advice_on_data(world: World, exit_: str, words: str) -> None:
    caller = await world.caller()
    keep = {"network": "mtn", "size": "3.5GB", "days": 30, "price": 150_000, "used": "2GB"}
    advice = answering(exit_) if exit_ == "none" else answering(exit_, **keep)

    with world.paths.instead_of("data_advice", "advise", advice):
        await caller.dial("data_advice")

    caller.sees(words)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("balance", "N1,000"),
        ("status", "+N1,000"),
        ("wallet", "Wallet"),
        ("fund", "How much"),
        ("withdraw", "withdraw"),
        ("pin", "PIN"),
        ("help", "Help"),
        ("airtime", "Airtime for:"),
    ],
)
async def test_every_command_opens_its_flow(world: World, name: str, words: str) -> None:
    caller = await world.caller(1000)

    await caller.dial(name)

    assert words.casefold() in caller.screen.casefold()
