"""What a customer meets: moving about, being understood, secrets, and what is done once."""

import pytest
from msgspec.structs import replace

from core.engine import paging
from core.engine.conversation import from_json, to_json
from core.engine.flow import Flow
from core.engine.kinds import text
from core.engine.machine import Press
from core.engine.outcomes import Choice, Done, Failed, Pending
from core.engine.screens import Ask, Menu, Node, Option
from core.kit.errors import Problem
from core.kit.money import Money
from tests.fakes.engine_world import (
    BUY,
    FLOWS,
    LOCALE,
    MACHINE,
    PIN,
    Handset,
    Shop,
    with_flows,
)

TO_REVIEW = ("1", "2", "08031234567", "2")
TO_PIN = (*TO_REVIEW, "1")
TO_PAY = (*TO_PIN, "4821")


def dialled(*said: str, shop: Shop | None = None) -> Handset:
    handset = Handset(shop)
    handset.dial()
    handset.enter(*said)
    return handset


# Moving about.


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
    after = _changed(BUY, done=Menu("done", "buy.done"))
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
    handset = Handset(capability=paging.CHAT)
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


# Secrets.


def test_a_secret_is_in_nothing_that_is_kept_shown_or_printed() -> None:
    handset = dialled(*TO_PIN)
    typed = MACHINE.step(handset.conversation, "7391", LOCALE, paging.USSD)

    assert typed.effect is not None
    assert typed.effect.secret is not None
    assert typed.effect.secret.reveal() == "7391"
    assert "7391" not in repr(typed)
    assert "7391" not in str(typed.effect.secret)
    assert b"7391" not in to_json(typed.conversation)

    handset.enter("7391")
    assert b"7391" not in to_json(handset.conversation)
    assert "7391" not in repr(handset.screen)


def test_a_wrong_pin_tells_the_tries_left_and_the_last_one_locks() -> None:
    handset = dialled(*TO_PIN, "1111")
    assert handset.screen.body.startswith("Wrong. 2 left. PIN:")
    assert handset.screen.secret

    assert handset.enter("1111", "1111") == "Too many tries."


def test_what_is_no_pin_is_not_tried() -> None:
    handset = dialled(*TO_PIN)

    for said in ("48211", "482", "abcd", ""):
        assert handset.enter(said).startswith("Please enter 4 digits.\nPIN to pay N210:")
    assert handset.shop.tries == 3


def test_a_new_pin_typed_twice_is_compared_without_being_kept() -> None:
    handset = dialled("2", "5936")
    assert handset.screen.body.startswith("The same again:")
    assert b"5936" not in to_json(handset.conversation)

    assert handset.enter("1234").startswith("New PIN:")
    assert handset.enter("5936", "5936") == "Your PIN is set."


def test_a_problem_of_a_secret_is_a_line_above_it() -> None:
    assert dialled("2", "1111").screen.body.startswith("Too easy to guess.\nNew PIN:")


# Effects.


def test_two_answers_to_one_screen_have_one_key() -> None:
    handset = dialled(*TO_PAY)

    steps = [MACHINE.step(handset.conversation, said, LOCALE, paging.USSD) for said in ("1", "yes")]

    keys = {step.effect.key for step in steps if step.effect}
    assert len(keys) == 1
    assert len(steps) == 2


def test_an_effect_asked_for_at_another_showing_has_another_key() -> None:
    shop = Shop(scripted={"pay": Problem("shop.strange")})
    closed = _changed(BUY, broken=Menu("broken", "buy.broken"))
    handset = Handset(shop, machine=with_flows(closed))
    handset.dial()
    handset.enter(*TO_PAY, "1", "0", "1", "4821", "1")

    assert len(set(handset.keys("pay"))) == 2


def test_an_effect_begun_and_never_ended_comes_back_with_the_same_key() -> None:
    handset = dialled(*TO_PAY)
    begun = MACHINE.step(handset.conversation, "1", LOCALE, paging.USSD)
    assert begun.conversation.state == "acting"

    again = MACHINE.recover(begun.conversation, LOCALE, paging.USSD)
    typed = MACHINE.step(begun.conversation, "1", LOCALE, paging.USSD)

    assert again.effect == typed.effect == begun.effect
    assert begun.effect is not None
    assert begun.effect.changes
    assert begun.effect.commits


def test_a_secret_whose_check_was_lost_is_asked_for_again() -> None:
    handset = dialled(*TO_PIN)
    begun = MACHINE.step(handset.conversation, "4821", LOCALE, paging.USSD)

    again = MACHINE.recover(begun.conversation, LOCALE, paging.USSD)

    assert again.effect is None
    assert again.screen is not None
    assert again.screen.body.startswith("PIN to pay N210:")


def test_an_outcome_that_comes_twice_counts_once() -> None:
    handset = dialled(*TO_PAY)
    begun = MACHINE.step(handset.conversation, "1", LOCALE, paging.USSD)
    done = MACHINE.resume(
        begun.conversation, Done("paid", {"reference": "R1"}), LOCALE, paging.USSD
    )

    twice = MACHINE.resume(done.conversation, Failed(), LOCALE, paging.USSD)

    assert twice == done


@pytest.mark.parametrize(
    ("outcome", "page"),
    [
        pytest.param(Pending(), "It takes a while.", id="pending"),
        pytest.param(Failed(), "We cannot say what came of it.", id="broken"),
        pytest.param(Problem("shop.closed"), "The shop is closed.", id="problem with an exit"),
        pytest.param(
            Problem("shop.too_much", most=Money(20_000_00, "NGN")),
            "No more than N20,000 today.\nWe cannot say",
            id="problem without",
        ),
        pytest.param(Problem("never.heard"), "Sorry, something went wrong", id="unknown problem"),
        pytest.param(Done("nowhere"), "We cannot say what came of it.", id="unknown exit"),
        pytest.param(Done("paid"), "We cannot say what came of it.", id="promise broken"),
    ],
)
def test_every_outcome_of_an_act_has_its_way(outcome: Done, page: str) -> None:
    handset = dialled(*TO_PAY, shop=Shop(scripted={"pay": outcome}))

    assert handset.enter("1").startswith(page)


def test_an_outcome_that_was_not_declared_is_complained_of() -> None:
    handset = dialled(*TO_PAY, "1", shop=Shop(scripted={"pay": Done("nowhere")}))

    assert handset.complaints == ["pay has no exit 'nowhere'"]


def test_a_fact_that_breaks_leads_back_to_the_screen_before_with_an_apology() -> None:
    page = dialled("1", "2", "08031234567", shop=Shop(scripted={"which": Failed()})).screen.body

    assert page.startswith("Sorry, something went wrong on our side.\nWhich number?")


def test_options_that_cannot_be_had_say_why_above_the_screen_before() -> None:
    shop = Shop(scripted={"bundle": Problem("shop.closed.today")})

    page = dialled("1", "2", "08031234567", shop=shop).screen.body

    assert page.startswith("Sorry, something went wrong on our side.\nWhich number?")


# Coming back.


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
        (("77",), "home.menu", "We do not know that code."),
        (("",), "home.menu", "We do not know that code."),
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


def _changed(flow: Flow, **nodes: Node) -> Flow:
    screens = tuple(nodes.get(node.name, node) for node in flow.screens)
    return Flow(name=flow.name, screens=screens, menu=flow.menu, takes=flow.takes)


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
