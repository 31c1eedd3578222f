"""Secrets that stay secret, and effects that are done once, whatever comes of them."""

import pytest

from core.engine import paging
from core.engine.conversation import to_json
from core.engine.outcomes import Done, Failed, Pending
from core.engine.screens import Menu
from core.kit.errors import Problem
from core.kit.money import Money
from tests.fakes.engine_handset import TO_PAY, TO_PIN, Handset, dialled
from tests.fakes.engine_world import (
    BUY,
    LOCALE,
    MACHINE,
    Shop,
    changed,
    with_flows,
)


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
    closed = changed(BUY, broken=Menu("broken", "buy.broken"))
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
