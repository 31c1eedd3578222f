"""Buying airtime: who it is for, on which network, and how much."""

import pytest

from tests.fakes.paths import giving
from tests.fakes.world import MTN_CODE, NOBODYS_CODE, PIN, World


async def test_airtime_for_oneself(world: World) -> None:
    """The shortest way, and the money has gone where the value has."""
    caller = await world.caller(1000)

    await caller.dial()
    await caller.enter("1", "1", "500")
    caller.sees("MTN", "N500", caller.number)
    await caller.enter("1", PIN)

    caller.sees("Done.", "N500", caller.number)
    assert not caller.open
    assert await caller.money() == (500, 0)
    assert await world.delivered(caller.msisdn) == ["500.00"]
    await caller.sms("Done", caller.number)


@pytest.mark.parametrize("form", ["0{}", "{}", "+234{}", "234{}", "+2340{}"])
async def test_a_number_may_be_typed_in_every_local_form(world: World, form: str) -> None:
    caller = await world.caller(500)
    friend = world.number("234805")

    await caller.dial()
    await caller.enter("1", "2", form.format(friend[3:]), "100")

    caller.sees("Glo", "N100", "0" + friend[3:])


async def test_what_is_no_number_is_asked_for_again(world: World) -> None:
    caller = await world.caller()

    await caller.dial()
    for typed in ("0803", "my brother", "", "01234567890123"):
        await caller.enter(*(("1", "2") if not caller.text else ()), typed)
        caller.sees("Please enter a mobile number", "Phone number to recharge")


async def test_a_number_bought_for_is_offered_the_next_time(world: World) -> None:
    """With the network it was bought on, and chosen by its place or by typing it."""
    caller = await world.caller(1000)
    friend = world.number("234805")
    await caller.dial()
    await caller.enter("1", "2", "0" + friend[3:], "100", "1", PIN)
    caller.sees("Done.")

    await caller.dial()
    await caller.enter("1", "3")
    caller.sees(f"1. 0{friend[3:]} Glo", "2. Another number")
    await caller.enter("0" + friend[3:], "200")
    caller.sees("Glo", "N200")

    await caller.dial("8")
    await caller.enter("1", "3", "1", "200", "1", PIN)
    caller.sees("Done.")
    assert sorted(await world.delivered(friend)) == ["100.00", "200.00"]


async def test_saved_numbers_are_offered_once_there_are_some(world: World) -> None:
    """And lead to another number: as the last line of the list, or at once if they are gone."""
    caller = await world.caller(1000)

    await caller.dial()
    await caller.enter("1")
    assert "Saved numbers" not in caller.screen
    await caller.enter("2", "0" + world.number()[3:], "100", "1", PIN)

    await caller.menu()
    await caller.enter("1")
    caller.sees("3. Saved numbers")
    with world.paths.instead_of("airtime", "saved", giving([])):
        await caller.enter("3")
    caller.sees("Phone number to recharge")

    await caller.dial("8")
    await caller.enter("1", "3")
    await caller.choose("Another number")
    caller.sees("Phone number to recharge")


async def test_the_network_is_asked_for_where_no_prefix_tells_it(world: World) -> None:
    caller = await world.caller(500)
    stranger = world.number("2347071")

    await caller.dial()
    await caller.enter("1", "2", "0" + stranger[3:])
    caller.sees("Network of", "1. MTN", "4. 9mobile")
    await caller.enter("airtel", "100")

    caller.sees("Airtel", "N100")


async def test_the_gateways_word_tells_ones_own_network(world: World) -> None:
    """A number may have moved to another network; but what the gateway cannot name is no answer."""
    moved = await world.caller(prefix="234805", network_code=MTN_CODE)
    await moved.dial()
    await moved.enter("1", "1", "100")
    moved.sees("MTN")

    abroad = await world.caller(prefix="234805", network_code="63902")
    await abroad.dial()
    await abroad.enter("1", "1", "100")
    abroad.sees("Glo")

    unknown = await world.caller(prefix="2347071", network_code=NOBODYS_CODE)
    await unknown.dial()
    await unknown.enter("1", "1")
    unknown.sees("Network of")


async def test_the_network_can_be_changed_at_the_review(world: World) -> None:
    caller = await world.caller(500)

    await caller.dial()
    await caller.enter("1", "1", "100", "2")
    caller.sees("Network of")
    await caller.enter("3")

    caller.sees("N100 Glo airtime")


@pytest.mark.parametrize(
    ("typed", "shown"),
    [
        ("500", "N500"),
        ("N500", "N500"),
        ("1,000", "N1,000"),
        ("1k", "N1,000"),
        ("2.5k", "N2,500"),
        ("500 naira", "N500"),
        (" 700 ", "N700"),
        ("50", "N50"),
        ("50000", "N50,000"),
    ],
)
async def test_an_amount_is_read_as_people_write_it(world: World, typed: str, shown: str) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("1", "1", typed)

    caller.sees(f"{shown} MTN airtime for", f"You pay {shown}.")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("49", "The least is N50."),
        ("50001", "The most is N50,000."),
        ("99.50", "Please enter a whole amount"),
        ("plenty", "Please enter an amount"),
        ("", "Please enter an amount"),
        ("-500", "Please enter an amount"),
        ("99999999999999999999", "Please enter an amount"),
    ],
)
async def test_an_amount_that_will_not_do_is_asked_for_again(
    world: World, typed: str, said: str
) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("1", "1", typed)
    caller.sees(said, "Amount, N50 to N50,000")
    await caller.enter("500")

    caller.sees("You pay N500")


async def test_the_review_lets_the_amount_be_changed(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("1", "1", "500", "3")
    caller.sees("Amount, N50 to N50,000")
    await caller.enter("700")

    caller.sees("You pay N700")


@pytest.mark.parametrize("answer", ["4", "Cancel", "no"])
async def test_the_review_can_be_left_without_a_charge(world: World, answer: str) -> None:
    caller = await world.caller(1000)

    await caller.dial()
    await caller.enter("1", "1", "500", answer)

    caller.sees("Cancelled", "not been charged")
    assert not caller.open
    assert await caller.money() == (1000, 0)
    assert await caller.orders() == []


async def test_a_country_with_no_networks_is_told_that_nothing_is_on_sale(world: World) -> None:
    """Where a tenant's country has no network of ours there is nothing to choose from."""
    caller = await world.caller(1000, prefix="2347071", network_code=NOBODYS_CODE)

    with world.paths.instead_of("airtime", "network", giving([])):
        await caller.dial()
        await caller.enter("1", "1")
    caller.sees("not on sale", "not been charged")

    with world.paths.instead_of("airtime", "other_network", giving([])):
        await caller.dial("1*100*0" + world.number()[3:])
        await caller.enter("2")
    caller.sees("not on sale", "not been charged")


async def test_numbers_of_other_countries_are_not_sold_to(world: World) -> None:
    """`+818031119999` shorn of its country would be a stranger's number here."""
    caller = await world.caller(1000)
    await caller.dial("1")
    await caller.dial()
    await caller.enter("00", "1", "2", "+818031119999")
    caller.sees("other countries", "Phone number")
    await caller.dial("1*500*+818031119999")
    caller.sees("Phone number")
    assert await world.delivered("2348031119999") == []


async def test_a_caller_from_abroad_is_asked_for_a_number_here(world: World) -> None:
    caller = await world.caller(1000, prefix="254712", network_code="63902")
    await caller.dial()
    await caller.enter("1", "1")
    caller.sees("Phone number")
    await caller.dial("1*500")
    caller.sees("Phone number")
