"""Codes dialled in one go: `*347*100*1*500#`."""

import re

import pytest

from core.engine.screens import Menu
from core.flows import all_flows
from tests.fakes.world import NOBODYS_CODE, PIN, Caller, World


async def test_airtime_for_oneself(world: World) -> None:
    """One dial leads to the review, never past it."""
    caller = await world.caller(1000)

    await caller.dial("1*500")
    caller.sees("N500 MTN airtime", caller.number, "1. Pay")
    await caller.enter("1", PIN)

    caller.sees("Done.")


async def test_airtime_for_another(world: World) -> None:
    caller = await world.caller(1000)
    friend = "0" + world.number("234805")[3:]

    await caller.dial(f"1*200*{friend}")

    caller.sees("N200 Glo airtime", friend)


async def test_a_number_of_no_known_network_is_asked_about(world: World) -> None:
    caller = await world.caller(1000)

    await caller.dial("1*200*0" + world.number("2347071")[3:])
    caller.sees("Network of")
    await caller.enter("2")

    caller.sees("N200 Airtel airtime")


@pytest.mark.parametrize("amount", ["5", "99999", "1.5"])
async def test_an_amount_out_of_bounds_is_asked_for(world: World, amount: str) -> None:
    caller = await world.caller()

    await caller.dial(f"1*{amount}")
    caller.sees(caller.number, "Amount, N50 to N50,000")
    await caller.enter("300")

    caller.sees("You pay N300")


async def test_an_amount_out_of_bounds_for_a_stranger(world: World) -> None:
    caller = await world.caller()
    stranger = "0" + world.number("2347071")[3:]

    await caller.dial(f"1*5*{stranger}")
    caller.sees(f"Network of {stranger}")


@pytest.mark.parametrize("amount", ["x", ""])
async def test_an_amount_that_is_none_is_asked_for(world: World, amount: str) -> None:
    caller = await world.caller()

    await caller.dial(f"1*{amount}")

    caller.sees("Please enter an amount", "Amount, N50 to N50,000")


async def test_the_digit_alone_is_that_of_the_menu(world: World) -> None:
    caller = await world.caller()

    await caller.dial("1")

    caller.sees("Airtime for:", "1. My number")


async def test_a_number_that_is_none_is_asked_for(world: World) -> None:
    """The amount is kept: it was good."""
    caller = await world.caller()
    friend = "0" + world.number("234805")[3:]

    await caller.dial("1*500*12345")
    caller.sees("Please enter a mobile number")
    await caller.enter(friend)

    caller.sees("N500 Glo airtime", friend)


async def test_money_into_the_wallet(world: World) -> None:
    caller = await world.caller()

    await caller.dial("2*2*1000")
    caller.sees("N1,000", "SMS")
    await caller.enter("1")

    await caller.sms("Pay N1,000")


@pytest.mark.parametrize("along", ["2*2", "2*2*x", "2*2*1", "2*2*900000"])
async def test_money_into_the_wallet_with_no_good_amount(world: World, along: str) -> None:
    caller = await world.caller()

    await caller.dial(along)

    caller.sees("put in?")


async def test_a_name_is_a_shortcut_whatever_the_menus_become(world: World) -> None:
    caller = await world.caller()

    await caller.dial("fund*1000")
    caller.sees("N1,000", "SMS")
    await caller.dial("fund*1")
    caller.sees("put in?")


async def test_what_is_dialled_along_is_what_is_typed_in_the_menus(world: World) -> None:
    """Every option of the main menu, and every one behind it."""
    typing, dialling = await world.caller(500), await world.caller(500)
    walked = 0
    for first in _options(await typing.menu()):
        reached = _options(await typing.enter(first))
        assert await _dialled(dialling, first) == _of_nobody(typing)
        for second in reached:
            await typing.menu()
            await typing.enter(first, second)
            assert await _dialled(dialling, f"{first}*{second}") == _of_nobody(typing)
            walked += 1
        await typing.menu()
    assert walked > 10


def test_a_shortcut_is_its_flows_own_digit_in_the_menu_or_none_of_the_menu() -> None:
    flows = all_flows()
    home = flows["home"].nodes["menu"]
    assert isinstance(home, Menu)
    menu = [option.to for option in home.options]
    for shortcut in flows.shortcuts:
        if not shortcut.code:
            continue
        place = int(shortcut.code) - 1
        assert place >= len(menu) or menu[place] == shortcut.flow, shortcut


async def _dialled(caller: Caller, along: str) -> str:
    await caller.dial(along)
    return _of_nobody(caller)


def _of_nobody(caller: Caller) -> str:
    return caller.screen.replace(caller.number, "(own)")


def _options(screen: str) -> list[str]:
    return re.findall(r"^([1-9])\. ", screen, re.MULTILINE)


@pytest.mark.parametrize("along", ["8", "99", "77*500", "*", "hello", "00", "0", "98"])
async def test_what_no_menu_has_leads_to_the_main_menu(world: World, along: str) -> None:
    caller = await world.caller()

    await caller.dial(along)

    caller.sees("Please choose one of these.", "1. Buy airtime")


@pytest.mark.parametrize("code", ["23456781", "2345678", "ABCDE23456"])
async def test_what_looks_like_a_code_and_is_none_is_told_as_one(world: World, code: str) -> None:
    """Dialled along, or typed at the menu."""
    caller = await world.caller(pin=False)

    await caller.dial(code)
    caller.sees("We do not know that code.", "1. Buy airtime")
    await caller.dial()
    await caller.enter(code)

    caller.sees("We do not know that code.", "1. Buy airtime")


async def test_a_number_of_ones_own_that_no_network_is_known_of(world: World) -> None:
    caller = await world.caller(prefix="2347071", network_code=NOBODYS_CODE)

    await caller.dial("1*500")

    caller.sees("Network of", caller.number)
