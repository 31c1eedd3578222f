"""Coming back: to a dropped session, by a code, and after a new release."""

import pytest
from msgspec.structs import replace

from core.engine import paging
from core.engine.conversation import from_json, to_json
from core.engine.flow import Flow
from core.engine.kinds import text
from core.engine.screens import Ask, Menu, Option
from tests.fakes.engine_handset import TO_PAY, TO_PIN, TO_REVIEW, Handset, dialled
from tests.fakes.engine_world import (
    FLOWS,
    LOCALE,
    MACHINE,
    PIN,
    with_flows,
)


def resumed(handset: Handset, *said: str) -> Handset:
    handset.take(MACHINE.resume_prompt(handset.conversation, LOCALE, paging.USSD))
    assert handset.screen.body == "Welcome back. Go on?\n1. Continue\n2. Main menu"
    handset.enter(*said)
    return handset


def test_somebody_who_comes_back_goes_on_where_they_stopped() -> None:
    assert resumed(dialled("1", "2"), "1").screen.body.startswith("Which number?")
    assert resumed(dialled("1", "2"), "2").node == "home.menu"
    assert resumed(dialled("1", "2"), "9", "1").node == "buy.number"


def test_a_price_is_looked_up_again() -> None:
    handset = dialled(*TO_REVIEW)
    handset.shop.fee = 50_00

    assert "You pay N250." in resumed(handset, "1").screen.body


def test_nobody_comes_back_into_a_secret_or_past_one() -> None:
    """Before the PIN or after it, the way goes on at the question before, with a fresh price."""
    for said in (TO_PIN, TO_PAY):
        handset = dialled(*said)
        handset.shop.fee = 50_00
        assert "You pay N250." in resumed(handset, "1").screen.body

    assert resumed(dialled("2", "5936"), "1").node == "home.menu"


def test_there_is_nothing_to_go_on_with_at_the_menu_or_after_the_end() -> None:
    assert not MACHINE.resumable(dialled().conversation)
    assert not MACHINE.resumable(dialled(*TO_REVIEW, "2").conversation)
    assert MACHINE.resumable(dialled("1").conversation)


def test_a_late_request_gets_the_present_screen_and_counts_as_no_turn() -> None:
    handset = dialled("1", "nonsense")

    step = MACHINE.redisplay(handset.conversation, LOCALE, paging.USSD)

    assert step.screen == handset.screen
    assert step.conversation == handset.conversation


@pytest.mark.parametrize(("said", "guarded"), [((), False), (TO_REVIEW, True), (TO_PIN, True)])
def test_what_is_typed_ahead_stops_where_eyes_are_needed(
    said: tuple[str, ...], guarded: bool
) -> None:
    handset = dialled(*said)

    assert MACHINE.guarded(MACHINE.redisplay(handset.conversation, LOCALE, paging.USSD)) is guarded


# Codes dialled in one go.


@pytest.mark.parametrize(
    ("inputs", "node", "first_line"),
    [
        (("1", "08031234567"), "buy.bundle", "How much for 08031234567?"),
        (("1", "08051234567"), "buy.network", "Which network is 08051234567 on?"),
        (("1", "12"), "buy.number", "Please enter a mobile number."),
        (("1",), "buy.number", "Which number?"),
        (("1", "08031234567", "x"), "buy.bundle", "Please enter an amount."),
        (("77",), "home.menu", "Please choose one of these."),
        (("",), "home.menu", "Please choose one of these."),
        (("500000",), "home.menu", "Please choose one of these."),
        (("08031234567",), "home.menu", "Please choose one of these."),
        (("23456781",), "home.menu", "We do not know that code."),
        (("2345 678",), "home.menu", "We do not know that code."),
        (("ABCDE-23456",), "home.menu", "We do not know that code."),
    ],
)
def test_a_code_enters_its_flow(inputs: tuple[str, ...], node: str, first_line: str) -> None:
    handset = Handset()

    page = handset.dial(*inputs)

    assert handset.node == node
    assert page.split("\n")[0] == first_line


def test_the_answers_of_a_code_are_given() -> None:
    handset = Handset()
    handset.dial("1", "08031234567", "500")

    assert handset.conversation.answers == {
        "for_whom": "other",
        "msisdn": "2348031234567",
        "amount": 500_00,
        "network": "mtn",
    }
    assert handset.enter("0").startswith("Welcome to the shop")


# Another release.


def test_a_renamed_node_is_found() -> None:
    renamed = Flow(
        name="profile",
        screens=(
            Menu("what", "profile.what", (Option("name", "profile.name", to="called"),)),
            Ask("called", "profile.ask_name", text(20), keep="name", to="saved"),
            Menu("saved", "profile.saved"),
        ),
        renamed={"name": "called"},
    )
    handset = dialled("3", "1")
    handset.machine = with_flows(renamed)

    assert handset.enter("Ada").startswith("Thank you, Ada.")
    assert handset.enter("0").startswith("What is your name?")


def test_a_place_that_is_gone_leads_to_the_menu_with_a_word() -> None:
    handset = dialled("3", "1")
    handset.machine = with_flows(Flow("profile", (Menu("other", "profile.what"),)))

    page = handset.enter("Ada")

    assert page.startswith("We have improved this service.\nWelcome to the shop")
    assert handset.enter("1").startswith("For whom?")


def test_nobody_is_put_before_a_secret_by_a_new_release() -> None:
    handset = dialled(*TO_PIN)
    conversation = replace(handset.conversation, node="gone", origin="gone")

    step = with_flows(PIN).redisplay(conversation, LOCALE, paging.USSD)

    assert step.screen is not None
    assert step.screen.body.startswith("We have improved this service.")


def test_an_option_that_is_gone_shows_the_menu_afresh() -> None:
    handset = dialled("1")
    stored = handset.conversation.shown[1]
    handset.conversation = replace(handset.conversation, shown=(replace(stored, key="friend"),))

    page = handset.enter("1")

    assert page.startswith("We have improved this service.\nFor whom?\n1. Myself")


def test_a_screen_that_needs_an_answer_nobody_gave_leads_to_the_menu() -> None:
    handset = dialled("1", "2", "08051234567")
    handset.conversation = replace(handset.conversation, answers={})

    step = MACHINE.redisplay(handset.conversation, LOCALE, paging.USSD)

    assert step.screen is not None
    assert step.screen.body.startswith("We have improved this service.\nWelcome")


def test_unknown_fields_of_a_later_release_are_ignored() -> None:
    handset = dialled("1")
    stored = to_json(handset.conversation).replace(b"{", b'{"later":[1],', 1)

    assert from_json(stored) == handset.conversation


def test_the_demo_has_every_kind_of_node() -> None:
    kinds = {type(node).__name__ for flow in FLOWS.all for node in flow.screens}

    assert kinds == {
        *(
            "Menu",
            "Pick",
            "Ask",
            "Confirm",
            "Secret",
            "Fact",
            "Act",
            "Call",
            "Return",
            "Jump",
            "End",
        )
    }
