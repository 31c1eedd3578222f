"""Reading WhatsApp's webhooks: everything in one call, and nothing that it does not say."""

import json
from typing import Any

import pytest
from structlog.testing import capture_logs

from bots.whatsapp.edge import WhatsAppEdge
from core.domain.chat import ChatMessage, Closed, Doing, Fate, Later, Moved, Refused, Unreachable
from tests.fakes.graph import (
    USER_ID,
    WA_ID,
    at_360dialog,
    card,
    channel,
    contact,
    interactive,
    message,
    payload,
    says,
    status,
    value,
)

EDGE = WhatsAppEdge()
CHANNEL = channel()


def heard(*values: object) -> tuple[ChatMessage, ...]:
    return EDGE.heard(CHANNEL, json.dumps(payload(*values)).encode()).messages


def one(told: dict[str, Any], **of_value: object) -> ChatMessage:
    [only] = heard(value(told, **of_value))  # type: ignore[arg-type]
    return only


# What they did.


def test_words_come_with_who_wrote_them() -> None:
    assert one(says("  Buy airtime ")) == ChatMessage(
        "wamid.1",
        USER_ID,
        Doing.TEXT,
        text="Buy airtime",
        msisdn=WA_ID,
        own=True,
        also=WA_ID,
        message_id="wamid.1",
        name="Ada Obi",
        said_at=1_795_600_000,
    )


@pytest.mark.parametrize(
    ("text", "doing", "left"),
    [
        pytest.param("/balance", Doing.COMMAND, "balance", id="a command"),
        pytest.param("/Menu", Doing.COMMAND, "menu", id="a command in capitals"),
        pytest.param("/start", Doing.START, "", id="start"),
        pytest.param("/start Ab-9_x", Doing.START, "Ab-9_x", id="start with what a link carries"),
        pytest.param("/start two words", Doing.TEXT, "/start two words", id="no payload"),
        pytest.param("gift 23456789", Doing.START, "gift-23456789", id="a shared gift's link"),
        pytest.param("Gift-2345 6789", Doing.START, "gift-23456789", id="a gift as it is shown"),
        pytest.param("gift 2345", Doing.TEXT, "gift 2345", id="no gift's code"),
        pytest.param("/", Doing.TEXT, "/", id="a slash"),
        pytest.param("500/2", Doing.TEXT, "500/2", id="a slash inside"),
        pytest.param("   ", Doing.OTHER, "", id="nothing"),
        pytest.param("ọ̀rẹ́ 🎉", Doing.TEXT, "ọ̀rẹ́ 🎉", id="any script"),
        pytest.param("M" * 5000, Doing.TEXT, "M" * 4096, id="too much"),
    ],
)
def test_words_may_be_a_command(text: str, doing: Doing, left: str) -> None:
    told = one(says(text))
    assert (told.doing, told.text) == (doing, left)


@pytest.mark.parametrize("kind", ["button_reply", "list_reply"])
def test_a_button_brings_back_its_screen(kind: str) -> None:
    told = one(interactive(kind, "0198-a_b.12:plan:mtn 1GB"))
    assert (told.doing, told.talk, told.turn, told.key) == (
        Doing.PRESS,
        "0198-a_b",
        12,
        "plan:mtn 1GB",
    )
    assert (told.external_id, told.message_id) == ("wamid.1", "wamid.9")


@pytest.mark.parametrize("key", ["0", "00", "98"])
def test_navigation_is_a_button_like_others(key: str) -> None:
    assert one(interactive("button_reply", f"talk.3:{key}")).key == key


@pytest.mark.parametrize(
    "button_id", ["", "yes", "talk:1", "talk.x:1", "talk.1:", ".1:k", "talk.1234567890:k", "a.1:\n"]
)
def test_a_button_that_is_not_ours_is_what_it_says(button_id: str) -> None:
    told = one(interactive("button_reply", button_id, "Pay my bill"))
    assert (told.doing, told.text, told.turn) == (Doing.TEXT, "Pay my bill", None)


def test_a_template_s_button_is_ours_or_what_it_says() -> None:
    ours = one(message("button", {"payload": "talk.4:yes", "text": "Yes"}))
    theirs = one(message("button", {"payload": "Stop", "text": "Stop"}))
    assert (ours.doing, ours.key, ours.turn) == (Doing.PRESS, "yes", 4)
    assert (theirs.doing, theirs.text) == (Doing.TEXT, "Stop")


@pytest.mark.parametrize(
    "kind", ["image", "audio", "video", "document", "sticker", "location", "order", "unsupported"]
)
def test_what_no_flow_could_take_is_still_somebody_writing(kind: str) -> None:
    told = one(message(kind, {"id": "1", "caption": "my receipt"}))
    assert (told.doing, told.text, told.msisdn, told.own) == (
        Doing.OTHER,
        "my receipt",
        WA_ID,
        True,
    )


def test_a_form_s_answer_is_nothing_that_a_flow_could_take() -> None:
    reply = {"type": "nfm_reply", "nfm_reply": {"response_json": '{"pin":"4711"}'}}
    told = one(message("interactive", reply))
    assert (told.doing, told.text) == (Doing.OTHER, "")


def test_opening_the_chat_is_a_start() -> None:
    assert one(message("request_welcome", None)).doing is Doing.START


@pytest.mark.parametrize("kind", ["reaction", "edit", "revoke", "something_of_2031", ""])
def test_what_asks_for_no_answer_is_left_out_and_its_neighbours_are_not(kind: str) -> None:
    told = heard(value(message(kind or "text", {}, type=kind), says("Hello", "wamid.2")))
    assert [each.external_id for each in told] == ["wamid.2"]


# Contacts.


def test_the_own_number_is_vouched_for_when_whatsapp_asked_for_it() -> None:
    told = message("contacts", [card(origin="contact_request")])
    told.pop("from")
    shared = one(told, contacts=[contact(wa_id="")])
    assert (shared.doing, shared.msisdn, shared.own) == (Doing.CONTACT, WA_ID, True)
    assert (shared.identity, shared.also) == (USER_ID, "")


def test_the_number_one_goes_by_is_the_own_one_however_it_was_shared() -> None:
    shared = one(message("contacts", [card(origin="other")]))
    assert (shared.doing, shared.msisdn, shared.own) == (Doing.CONTACT, WA_ID, True)


@pytest.mark.parametrize(
    ("cards", "hidden"),
    [
        pytest.param([card(wa_id="2348099999999", origin="other")], False, id="a friend's"),
        pytest.param([card(wa_id="2348099999999")], False, id="no origin"),
        pytest.param(
            [card(wa_id="2348099999999", origin="contact_request")],
            False,
            id="asked for, yet not the one they go by",
        ),
        pytest.param([card(origin="other")], True, id="of one who shows no number"),
        pytest.param([card(origin="contact_request")] * 2, True, id="two cards"),
        pytest.param([card(wa_id="12345", origin="contact_request")], True, id="no number"),
    ],
)
def test_any_other_number_is_as_if_typed(cards: list[dict[str, Any]], hidden: bool) -> None:
    told = message("contacts", cards)
    if hidden:
        told.pop("from")
    shared = one(told, contacts=[contact(wa_id="" if hidden else WA_ID)])
    assert (shared.doing, shared.own) == (Doing.CONTACT, False)
    assert shared.msisdn == cards[0]["phones"][0]["wa_id"]


def test_a_number_without_whatsapp_is_taken_as_it_is_written() -> None:
    shared = one(message("contacts", [{"phones": [{"phone": "0803 999 9999"}]}]))
    assert (shared.msisdn, shared.own) == ("0803 999 9999", False)


@pytest.mark.parametrize("cards", [[], [{}], [{"phones": []}], [{"phones": [{}]}], "x", None, 7])
def test_a_card_without_number_is_nothing(cards: object) -> None:
    told = one(message("contacts", cards))
    assert (told.doing, told.msisdn, told.own) == (Doing.OTHER, WA_ID, True)


# Who.


@pytest.mark.parametrize(
    ("sender", "contacts", "expected"),
    [
        pytest.param({}, [contact()], (USER_ID, WA_ID, WA_ID), id="both"),
        pytest.param(
            {"from_user_id": None}, [contact()], (USER_ID, WA_ID, WA_ID), id="told by the contact"
        ),
        pytest.param(
            {"from_user_id": None}, [contact(user_id="")], (WA_ID, "", WA_ID), id="number only"
        ),
        pytest.param(
            {"from": None}, [contact(wa_id="")], (USER_ID, "", ""), id="no number, by username"
        ),
        pytest.param(
            {"from": USER_ID, "from_user_id": None}, [], (USER_ID, "", ""), id="id in from"
        ),
        pytest.param({"from_user_id": None}, [], (WA_ID, "", WA_ID), id="nobody introduced"),
        pytest.param(
            {"from": None, "from_user_id": None},
            [contact()],
            (USER_ID, WA_ID, WA_ID),
            id="the only contact",
        ),
        pytest.param({"from": f"+{WA_ID}"}, [contact()], (USER_ID, WA_ID, WA_ID), id="a plus"),
        pytest.param(
            {"from_user_id": None},
            [contact("NG.7", "2347000000000"), contact()],
            (USER_ID, WA_ID, WA_ID),
            id="one of two contacts",
        ),
        pytest.param(
            {"from_user_id": None},
            [contact("NG.7", "2347000000000")],
            (WA_ID, "", WA_ID),
            id="somebody else is introduced",
        ),
        pytest.param({}, [contact("NG.7")], (USER_ID, WA_ID, WA_ID), id="another id, same number"),
    ],
)
def test_a_person_is_their_user_id_and_else_their_number(
    sender: dict[str, Any], contacts: list[Any], expected: tuple[str, str, str]
) -> None:
    told = one(says("Hello", **sender), contacts=contacts)
    assert (told.identity, told.also, told.msisdn) == expected
    assert told.own is bool(told.msisdn)


def test_a_message_of_nobody_is_left_out() -> None:
    stray = message()
    del stray["from"], stray["from_user_id"]
    two = [contact(), contact("NG.7", "2347000000000")]
    assert heard(value(stray, contacts=[])) == ()
    assert heard(value(stray, contacts=two)) == ()


def test_a_name_of_another_is_not_borrowed() -> None:
    told = one(says("Hi"), contacts=[contact("NG.7", "2347000000000", "Eve")])
    assert told.name == ""


# Several in one call.


def test_everything_in_one_call_is_heard_in_order() -> None:
    document = payload(
        value(says("1", "wamid.1"), says("2", "wamid.2"), statuses=[status("sent")]),
        value(says("3", "wamid.3")),
        value(statuses=[status("delivered"), status("failed", "wamid.8", 131047)]),
        value(says("4", "wamid.4", **{"from": "2347000000000", "from_user_id": None})),
    )
    told = EDGE.heard(CHANNEL, json.dumps(document).encode())
    assert [each.text for each in told.messages] == ["1", "2", "3", "4"]
    assert told.messages[3].identity == "2347000000000"
    assert told.fates == (
        Fate("wamid.9", "sent"),
        Fate("wamid.9", "delivered"),
        Fate("wamid.8", "failed", Closed()),
    )


@pytest.mark.parametrize("key", ["one.1", None, 7, ["one.1"]])
def test_a_status_brings_the_key_of_what_was_sent_back(key: object) -> None:
    told = status("sent") | {"biz_opaque_callback_data": key}
    [fate] = EDGE.heard(CHANNEL, json.dumps(payload(value(statuses=[told]))).encode()).fates
    assert fate.key == (key if isinstance(key, str) else "")


def test_another_number_s_messages_are_not_ours_and_a_line_says_so() -> None:
    with capture_logs() as lines:
        told = heard(value(says("secret words"), number="999"), value(says("Hello", "wamid.2")))
    assert [each.external_id for each in told] == ["wamid.2"]
    assert [line["event"] for line in lines] == ["whatsapp.other_number"]
    assert "secret words" not in repr(lines)


def test_a_partner_s_channel_may_leave_the_number_out() -> None:
    body = json.dumps(payload(value(says("Hello"), number="999"))).encode()
    assert len(EDGE.heard(at_360dialog(), body).messages) == 1


def test_other_fields_are_not_for_us() -> None:
    document = payload(value(says("Hello")))
    document["entry"][0]["changes"][0]["field"] = "message_template_status_update"
    told = EDGE.heard(CHANNEL, json.dumps(document).encode())
    assert (told.messages, told.fates, told.reaches) == ((), (), ())


# What became of things.


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (131056, Later),
        (130429, Later),
        (131000, Later),
        (131049, Later),
        (131026, Unreachable),
        (131050, Unreachable),
        (131047, Closed),
        (131051, Refused),
        (132001, Refused),
        (190, Refused),
    ],
)
def test_a_failed_message_says_what_is_to_be_done(code: int, kind: type) -> None:
    body = json.dumps(payload(value(statuses=[status("failed", "wamid.9", code)]))).encode()
    [fate] = EDGE.heard(CHANNEL, body).fates
    assert (fate.message_id, fate.status) == ("wamid.9", "failed")
    assert isinstance(fate.failed, kind)


def test_a_failure_without_a_reason_is_tried_again() -> None:
    body = json.dumps(payload(value(statuses=[status("failed")]))).encode()
    [fate] = EDGE.heard(CHANNEL, body).fates
    assert isinstance(fate.failed, Later)


@pytest.mark.parametrize("strange", [{}, {"id": 7, "status": "sent"}, status("warning"), None, 3])
def test_a_status_of_nothing_is_left_out(strange: object) -> None:
    body = json.dumps(payload(value(statuses=[strange, status("read")]))).encode()
    assert EDGE.heard(CHANNEL, body).fates == (Fate("wamid.9", "read"),)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("known_by", ["number", "name"])
def test_one_who_is_introduced_beside_two_who_write_lends_nobody_a_number(
    known_by: str, backwards: bool
) -> None:
    """The stranger's message says nothing that the introduction says."""
    mine: dict[str, Any] = {"from_user_id": None} if known_by == "number" else {"from": None}
    theirs: dict[str, Any] = {"from": None, "from_user_id": "NG.999"}
    told = [says("mine", **mine), says("theirs", "wamid.2", **theirs)]
    introduced = contact("" if known_by == "number" else USER_ID)
    found = heard(value(*(reversed(told) if backwards else told), contacts=[introduced]))

    [stranger] = [each for each in found if each.text == "theirs"]
    assert (stranger.identity, stranger.msisdn, stranger.own) == ("NG.999", "", False)
    assert (stranger.also, stranger.name) == ("", "")
    [known] = [each for each in found if each.text == "mine"]
    assert (known.msisdn, known.name) == (WA_ID, "Ada Obi")


def test_one_who_is_introduced_and_writes_several_times_is_the_same() -> None:
    named: dict[str, Any] = {"from": None}
    told = [says(word, f"wamid.{word}", **named) for word in ("one", "two")]
    found = heard(value(*told, contacts=[contact(user_id="")]))
    assert [(each.identity, each.msisdn) for each in found] == [(USER_ID, WA_ID)] * 2


def test_who_changed_the_number_is_not_reached_by_the_old_one() -> None:
    moved = message("system", {"type": "user_changed_number", "wa_id": "2347000000000"})
    told = EDGE.heard(CHANNEL, json.dumps(payload(value(moved))).encode())
    assert told.messages == ()
    assert told.moves == (
        Moved(USER_ID, "wamid.1", 1_795_600_000),
        Moved(WA_ID, "wamid.1", 1_795_600_000),
    )


def test_a_name_that_stays_the_same_stays_reachable() -> None:
    system = {"type": "user_changed_number", "wa_id": "2347000000000", "user_id": USER_ID}
    told = EDGE.heard(CHANNEL, json.dumps(payload(value(message("system", system)))).encode())
    assert [each.identity for each in told.moves] == [WA_ID]


def test_other_system_messages_say_nothing() -> None:
    system = message("system", {"type": "customer_identity_changed", "wa_id": WA_ID})
    assert EDGE.heard(CHANNEL, json.dumps(payload(value(system))).encode()).moves == ()
