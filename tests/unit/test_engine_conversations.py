"""What a customer meets: the way on, the way back, and being understood."""

import pytest

from core.engine import paging
from core.engine.flow import Flow, Flows
from core.engine.machine import Machine, Press
from core.engine.outcomes import Choice, Failed
from core.engine.screens import End, Menu, Option
from core.kit.texts import Texts
from tests.fakes.engine_handset import TO_PAY, TO_PIN, TO_REVIEW, Handset, dialled
from tests.fakes.engine_world import (
    BUY,
    ENGLISH,
    LOCALE,
    MACHINE,
    Shop,
    changed,
    with_flows,
)


def test_a_purchase_from_the_menu_to_the_last_word() -> None:
    handset = dialled(*TO_PAY)

    assert handset.enter("1") == "08031234567 has N200 now. Reference R1."
    assert handset.screen.ends
    assert handset.shop.paid == {handset.keys("pay")[0]: 210_00}


def test_the_main_menu_has_no_way_back_and_every_other_screen_has() -> None:
    handset = dialled()
    assert "0. Back" not in handset.screen.body

    assert handset.enter("1").endswith("0. Back\n00. Main menu")


def test_back_shows_the_screen_before_with_its_answers_forgotten() -> None:
    handset = dialled("1", "2", "08051234567", "2")
    assert handset.node == "buy.bundle"

    handset.enter("0")
    assert handset.node == "buy.network"
    assert "network" not in handset.conversation.answers

    handset.enter("0", "0")
    assert handset.node == "buy.who"
    assert handset.conversation.answers == {}


def test_back_from_the_first_screen_of_a_flow_is_the_main_menu() -> None:
    assert dialled("1", "0").node == "home.menu"


def test_back_out_of_a_called_flow_is_the_caller_s_screen() -> None:
    handset = dialled(*TO_PIN)
    assert handset.node == "gate.pin"

    handset.enter("0")

    assert handset.node == "buy.review"
    assert handset.conversation.callers == ()


def test_back_steps_over_secrets() -> None:
    handset = dialled(*TO_PAY)
    assert handset.node == "gate.sure"

    assert handset.enter("0").startswith("08031234567 gets N200.")


def test_nothing_leads_back_past_what_was_paid() -> None:
    after = changed(BUY, done=Menu("done", "buy.done"))
    handset = Handset(machine=with_flows(after))
    handset.dial()
    handset.enter(*TO_PAY, "1")
    assert handset.node == "buy.done"

    assert handset.enter("0").startswith("Welcome to the shop")


def test_an_act_that_commits_nothing_leaves_the_way_back() -> None:
    handset = dialled("3", "1", "Ada")
    assert handset.screen.body.startswith("Thank you, Ada.")

    assert handset.enter("0").startswith("What is your name?")


def test_a_long_text_has_pages_and_back_turns_them_back() -> None:
    handset = dialled("3", "2")
    first = handset.screen.body
    assert "98. More" in first

    second = handset.enter("98")
    assert second != first
    assert handset.enter("0") == first
    assert handset.enter("99") == second


def test_more_is_an_ordinary_answer_where_there_is_no_more() -> None:
    handset = dialled("1", "2", "08031234567", "4")

    handset.enter("98")

    assert handset.node == "buy.review"
    assert handset.conversation.answers["amount"] == 98_00


def test_an_answer_of_a_called_flow_comes_back_under_the_caller_s_name() -> None:
    handset = dialled(*TO_PAY, "1")
    pay = next(effect for effect in handset.shop.seen if effect.node == "pay")

    assert pay.answers["proof"] == "yes"
    assert "price" not in pay.answers


def test_a_named_return_takes_the_caller_s_exit() -> None:
    assert dialled(*TO_PAY, "2").screen.body.startswith("Cancelled.")


def test_the_last_word_leads_to_the_menu_where_there_are_no_sessions() -> None:
    handset = Handset(capability=paging.TELEGRAM)
    handset.dial()
    page = handset.enter(*TO_REVIEW, "2")

    assert page == "Cancelled. Nothing was taken.\n00. Main menu"
    assert not handset.screen.ends
    assert handset.enter("anything").startswith("Welcome")


# Being understood.


@pytest.mark.parametrize(
    "said",
    [
        pytest.param("2", id="number"),
        pytest.param(" 2 ", id="spaces"),
        pytest.param("2.", id="full stop"),
        pytest.param("(2)", id="brackets"),
        pytest.param("02", id="leading zero"),
        pytest.param("2\ufe0f\u20e3", id="keycap emoji"),
        pytest.param("\u0662", id="arabic digit"),
        pytest.param("somebody else", id="label"),
        pytest.param("SOMEBODY  ELSE!", id="label shouted"),
        pytest.param("2. Somebody else", id="the whole line"),
        pytest.param(Press("other"), id="button"),
    ],
)
def test_an_option_is_understood(said: str | Press) -> None:
    handset = dialled("1")

    handset.enter(said)

    assert handset.node == "buy.number"
    assert handset.conversation.answers == {"for_whom": "other"}


def test_a_keyword_chooses_its_option() -> None:
    assert dialled("1", "self").node == "buy.network"


def test_a_value_in_full_chooses_the_listed_one() -> None:
    handset = dialled("1", "2", "08031234567", "200")

    assert handset.conversation.answers["amount"] == 200_00


@pytest.mark.parametrize("said", ["airtime", "Top-up!"])
def test_a_flow_s_keyword_enters_it_from_the_menu(said: str) -> None:
    assert dialled(said).node == "buy.who"


@pytest.mark.parametrize("said", ["7", "", "\x00", "\U0001f4b8", "x" * 5000, "1 2", "yes please"])
def test_what_is_not_understood_shows_the_screen_again_with_a_word(said: str) -> None:
    handset = dialled("1")

    page = handset.enter(said)

    assert page.startswith("Please choose one of these.\nFor whom?\n1. Myself")


@pytest.mark.parametrize("way", [("1",), ("1", "2", "08031234567"), ("3",)])
def test_a_flow_s_keyword_enters_it_from_every_menu_and_list(way: tuple[str, ...]) -> None:
    assert dialled(*way, "airtime").node == "buy.who"


def test_words_lead_nowhere_from_what_is_about_to_be_done() -> None:
    handset = dialled(*TO_REVIEW)

    page = handset.enter("airtime")

    assert handset.node == "buy.review"
    assert page.startswith("Please finish this one or cancel it first.\n08031234567 gets N200.")
    assert handset.enter("9").startswith("Please choose one of these.")


def test_the_only_listed_option_with_the_words_that_were_typed_is_meant() -> None:
    handset = dialled("1", "2", "08031234567")
    page = handset.enter("day")

    assert handset.node == "buy.bundle"
    assert page.startswith("Please choose one of these.")
    assert dialled("1", "2", "08031234567", "3 day").conversation.answers["amount"] == 300_00


@pytest.mark.parametrize(
    ("letters", "first_line"),
    [
        (120, "Please choose one of these."),
        (140, "Choose one:"),
        (150, "M" * 150),
    ],
)
def test_a_wrong_answer_pushes_no_option_off_the_screen(letters: int, first_line: str) -> None:
    """What it says is short then, or left out."""
    home = Flow(
        "home",
        (
            Menu("menu", "long", (Option("one", "common.yes", to="end"),)),
            End("end", "common.no"),
        ),
    )
    texts = Texts({"en": ENGLISH | {"long": "M" * letters}})
    handset = Handset(machine=Machine(Flows((home,), home="home"), texts))
    plain = handset.dial()

    page = handset.enter("9")

    assert handset.screen.pages == 1
    assert page.split("\n")[0] == first_line
    assert page.endswith(plain)


def test_who_comes_back_with_a_keyword_is_led_there() -> None:
    handset = dialled("3", "1")

    led = MACHINE.resume_prompt(handset.conversation, LOCALE, paging.TELEGRAM, said="airtime")
    hello = MACHINE.resume_prompt(handset.conversation, LOCALE, paging.TELEGRAM, said="hello")

    assert led.conversation.flow == "buy"
    assert hello.conversation.asking == "resume"


def test_a_digit_means_what_was_shown_not_what_would_be_now() -> None:
    shop = Shop()
    handset = dialled("1", "2", "08031234567", shop=shop)
    shop.scripted["bundle"] = [Choice("dear", "N900", keep={"amount": 900_00})]

    handset.enter("1")

    assert handset.conversation.answers["amount"] == 100_00


def test_an_answer_that_cannot_be_read_is_asked_for_again() -> None:
    page = dialled("1", "2", "12").screen.body

    assert page.startswith("Please enter a mobile number.\nWhich number?")


def test_a_check_refuses_and_the_answer_is_forgotten() -> None:
    handset = dialled("1", "2", "08031234567", "4", "25,000")

    assert handset.screen.body.startswith("No more than N20,000 today.\nHow much, from N50?")
    assert "amount" not in handset.conversation.answers
    assert handset.enter("0").startswith("How much for 08031234567?")


def test_a_check_that_breaks_asks_again_with_an_apology() -> None:
    shop = Shop(scripted={"amount": Failed()})

    page = dialled("1", "2", "08031234567", "4", "500", shop=shop).screen.body

    assert page.startswith("Sorry, something went wrong on our side.\nHow much, from N50?")


def test_an_old_button_shows_where_the_customer_is_now() -> None:
    handset = dialled("1")
    turn = handset.conversation.turn

    handset.enter(Press("me", turn=turn - 1))
    assert handset.node == "buy.who"
    assert handset.conversation.turn == turn

    handset.enter(Press("me", turn=turn))
    assert handset.node == "buy.network"


def test_nothing_to_choose_from_takes_the_empty_way() -> None:
    handset = dialled("1", "2", "08031234567", shop=Shop(bundles=0))

    assert handset.node == "buy.amount"
    assert handset.enter("0").startswith("Which number?")
