"""Back, the main menu, more; and answers in other forms than numbers."""

import pytest

from core.app import EXAMPLE_LOCALE, TEXTS
from core.engine import paging
from core.engine.machine import Machine
from core.flows import all_flows
from core.kit.texts import Texts
from tests.fakes.world import PIN, World

_PATHS = {
    "who it is for": ("1",),
    "the number": ("1", "2"),
    "the amount": ("1", "1"),
    "the review": ("1", "1", "500"),
    "another network": ("1", "1", "500", "2"),
    "the PIN": ("1", "1", "500", "1"),
    "the wallet": ("2",),
    "the balance": ("2", "1"),
    "the statement": ("2", "3"),
    "my PIN": ("3",),
    "changing the PIN": ("3", "1"),
    "a forgotten PIN": ("3", "2"),
    "help": ("4",),
    "how it works": ("4", "1"),
    "a call": ("4", "2"),
}


@pytest.mark.parametrize("path", [pytest.param(path, id=name) for name, path in _PATHS.items()])
async def test_every_screen_leads_back_and_home(world: World, path: tuple[str, ...]) -> None:
    caller = await world.caller(1000)
    screens = [await caller.dial(), *[await caller.enter(answer) for answer in path]]
    for before in reversed(screens[:-1]):
        caller.sees("0. Back", "00. M")
        assert await caller.enter("0") == before

    for answer in path:
        await caller.enter(answer)
    assert await caller.enter("00") == screens[0]


async def test_back_from_putting_money_in_leads_over_the_menu(world: World) -> None:
    caller = await world.caller()
    menu = await caller.dial()

    await caller.enter("2", "2", "500")
    caller.sees("N500")
    await caller.enter("0")
    caller.sees("How much")

    assert await caller.enter("0") == menu


async def test_the_main_menu_has_no_way_back(world: World) -> None:
    caller = await world.caller(pin=False)

    menu = await caller.dial()

    assert "0. Back" not in menu
    assert await caller.enter("0") == menu
    assert await caller.enter("00") == menu


async def test_pages_turn_forward_and_back(world: World) -> None:
    """Five saved numbers are longer than a screen; each has its own digit on either page."""
    caller = await world.caller(1000)
    friends = ["0" + world.number("234809")[3:] for _ in range(5)]
    for friend in friends:
        await caller.dial(f"1*50*{friend}")
        await caller.enter("1", PIN)
        caller.sees("Done.")
    await caller.menu()

    first = await caller.enter("1", "3")
    caller.sees(f"1. {friends[4]} 9mobile", "98. More")
    second = await caller.enter("98")
    caller.sees("6. Another number", "0. Back")
    assert "98. More" not in second
    assert await caller.enter("0") == first
    assert await caller.enter("99") == second

    await caller.enter("5")
    caller.sees(f"Airtime for {friends[0]} (9mobile)")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Buy airtime", "Airtime for:"),
        ("1. Buy airtime", "Airtime for:"),
        ("BUY AIRTIME", "Airtime for:"),
        ("airtime", "Airtime for:"),
        ("recharge", "Airtime for:"),
        ("wallet", "1. Balance"),
        ("balance", "1. Balance"),
        ("fund", "How much do you want to put in?"),
        ("pin", "1. Change PIN"),
        ("help", "1. How it works"),
        (" 1 ", "Airtime for:"),
        ("1.", "Airtime for:"),
        ("(1)", "Airtime for:"),
    ],
)
async def test_the_menu_understands_labels_and_keywords(
    world: World, said: str, shown: str
) -> None:
    caller = await world.caller()

    await caller.dial()
    await caller.enter(said)

    caller.sees(shown)


async def test_a_whole_purchase_in_words(world: World) -> None:
    caller = await world.caller(1000)

    await caller.dial()
    await caller.enter("airtime", "me", "five hundred")
    caller.sees("Please enter an amount")
    await caller.enter("N500", "pay", PIN)

    caller.sees("Done.")


@pytest.mark.parametrize("said", ["8", "hello", "*", "1 2", "\U0001f600"])
async def test_what_is_not_understood_shows_the_same_screen(world: World, said: str) -> None:
    caller = await world.caller(pin=False)
    menu = await caller.dial()

    await caller.enter(said)

    caller.sees("Please choose one of these.", menu)


@pytest.mark.parametrize("said", ["9", "hello"])
async def test_a_wrong_answer_leaves_the_whole_review_on_the_screen(
    world: World, said: str
) -> None:
    caller = await world.caller(1000)
    friend = "0" + world.number("234809")[3:]
    review = await caller.dial(f"1*500*{friend}")

    page = await caller.enter(said)

    assert review.removesuffix("Main menu") in page
    caller.sees("You pay N500", "1. Pay", "4. Cancel")


def test_news_leave_the_first_option_of_the_main_menu_in_sight() -> None:
    texts = Texts.load(TEXTS)
    facts = {
        "amount": "N50,000",
        "msisdn": "08031234567",
        "reference": "7K2M9QX4TB",
        "plan": "20 GB, 30 days",
        "bank": "First City Monument Bank",
        "count": "99",
    }
    told = [key for key in sorted(texts.keys) if key.startswith("home.last.")]
    for key in told:
        news = texts.fill("en", key, facts)
        menu = Machine(all_flows(), texts).start("c", EXAMPLE_LOCALE, paging.USSD, notice=news)
        assert menu.screen is not None
        assert menu.screen.body.startswith(news)
        assert "1. Buy airtime" in menu.screen.body, key
    assert len(told) > 10
