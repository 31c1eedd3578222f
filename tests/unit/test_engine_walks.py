"""Whatever is said and whatever comes of effects, there is a screen, it fits, and it leads on."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from core.engine import paging
from core.engine.conversation import from_json, to_json
from core.engine.flow import Flow
from core.engine.machine import Outcome, Press
from core.engine.outcomes import Choice, Done, Failed, Pending
from core.engine.screens import Menu, Option
from core.kit.errors import Problem
from tests.fakes.engine_handset import Handset
from tests.fakes.engine_world import FLOWS, LOCALE, MACHINE, Shop, with_flows

_LIKELY = ["1", "2", "3", "0", "00", "98", "99", "1.", "08031234567", "500", "4821", "5936", "Ada"]
_SAID = st.one_of(
    st.sampled_from(_LIKELY),
    st.sampled_from(_LIKELY),
    st.text(max_size=300),
    st.builds(Press, st.sampled_from(["buy", "me", "yes", "b1", "0", "nothing"])),
)
_OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(
    [
        Done("ok"),
        Done("no such exit"),
        Done("wrong", {"tries_left": "many"}),
        Failed(),
        Pending(),
        Problem("shop.closed"),
        Problem("never.heard.of", fact=object()),
        [],
        [Choice("k", "x" * 500, keep={"amount": 100_00}) for _ in range(60)],
        [Choice("k", "\n1. Fake\x00\U0001f4b8")],
        None,
        "right",
        "paid",
    ]
)
_EFFECTS = ("which", "own", "bundle", "amount", "quote", "pay", "pin", "again", "prove", "save")
_CHANNELS = st.sampled_from([paging.USSD, paging.ussd(120), paging.TELEGRAM, paging.WHATSAPP])


@settings(max_examples=150, deadline=None)
@given(st.lists(_SAID, max_size=25), _CHANNELS)
def test_any_words_lead_to_a_screen_that_fits(
    said: list[str | Press], channel: paging.Capability
) -> None:
    handset = Handset(capability=channel)
    handset.dial()

    for each in said:
        handset.enter(each)

    assert handset.complaints == []


@settings(max_examples=150, deadline=None)
@given(
    st.lists(_SAID, max_size=25),
    st.dictionaries(st.sampled_from(_EFFECTS), _OUTCOMES, max_size=6),
    _CHANNELS,
)
def test_any_outcome_of_an_effect_leads_to_a_screen_that_fits(
    said: list[str | Press], scripted: dict[str, Outcome], channel: paging.Capability
) -> None:
    handset = Handset(Shop(scripted=scripted), capability=channel)
    handset.dial()

    for each in said:
        handset.enter(each)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text(max_size=30), max_size=4), _CHANNELS)
def test_any_dialled_code_leads_to_a_screen_that_fits(
    dialled: list[str], channel: paging.Capability
) -> None:
    Handset(capability=channel).dial(*dialled)
    Handset(capability=channel).dial("1", *dialled)


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(
        [(flow.name, node.name) for flow in FLOWS.all for node in flow.screens]
        + [("gone", "gone"), ("buy", "gone")]
    ),
    st.sampled_from(["live", "acting", "ended"]),
    st.dictionaries(st.sampled_from(sorted(FLOWS.kinds("buy"))), st.sampled_from(["x", 1, None])),
    st.lists(_SAID, max_size=4),
)
def test_any_stored_conversation_of_any_release_leads_to_a_screen_that_fits(
    place: tuple[str, str],
    state: str,
    answers: dict[str, str | int | None],
    said: list[str | Press],
) -> None:
    stored = {
        "id": "c1",
        "flow": place[0],
        "node": place[1],
        "origin": "lost",
        "language": "xx",
        "state": state,
        "answers": answers,
        "back": [{"node": "who", "origin": "lost"}, {"node": "pay", "origin": "pay"}],
        "shown": [{"key": "old", "label": "Old"}],
        "page": 7,
        "of_a_later_release": True,
    }
    handset = Handset()
    conversation = from_json(msgspec.json.encode(stored))

    handset.take(MACHINE.redisplay(conversation, LOCALE, paging.USSD))
    handset.take(MACHINE.recover(conversation, LOCALE, paging.USSD))
    handset.take(MACHINE.resume_prompt(conversation, LOCALE, paging.USSD))
    for each in said:
        handset.enter(each)


def test_five_hundred_screens_are_enough_for_one_journey() -> None:
    handset = Handset()
    handset.dial()
    handset.enter("1")

    shown = [handset.enter("nonsense") for _ in range(520)]

    assert any(page.startswith("That took too many steps.") for page in shown)
    assert handset.conversation.turn > 500


def test_a_conversation_stays_small() -> None:
    """A whole purchase up to the PIN takes less than a kilobyte."""
    handset = Handset()
    handset.dial()

    handset.enter("1", "2", "08031234567", "2", "1")

    assert len(to_json(handset.conversation)) < 1000


def test_the_way_back_does_not_grow_for_ever() -> None:
    """Going round and round keeps only the latest screens."""
    handset = Handset(machine=with_flows(_ROUND))
    handset.dial()
    handset.enter("3")

    handset.enter(*["1"] * 60)
    assert len(handset.conversation.back) == 20

    handset.enter(*["0"] * 21)
    assert handset.node == "home.menu"


_ROUND = Flow(
    name="profile",
    screens=(
        Menu("here", "profile.what", (Option("on", "profile.name", to="there"),)),
        Menu(
            "there",
            "profile.what",
            (Option("on", "profile.name", to="here"), Option("end", "profile.rules", to="end")),
        ),
        Menu("end", "profile.what"),
    ),
)
