"""Gifts, by one script on every channel: given, found by their code, opened, looked after."""

import re

import pytest

from cli.demo import TENANT
from core.domain.gifts import GiftKind, Room
from core.engine.kinds import Scalar
from core.engine.outcomes import Done, Failed, Pending
from core.kit.errors import Problem
from core.ports import Event
from core.services.gift_giving import OverGiftLimit
from core.services.gift_wishes import GiftsOff
from core.services.gifts import WrongCodes
from core.services.purchases import InsufficientFunds
from tests.conversations.coming import CHANNELS, Coming, by_telegram, by_ussd, by_whatsapp, sees
from tests.conversations.golden import Golden
from tests.fakes.paths import answering, giving
from tests.fakes.talkers import Talker
from tests.fakes.world import NEW_PIN, PIN, Caller, World


async def room_with(world: World, code: str) -> Room:
    rooms = world.main.core.gift_rooms
    room = await rooms.by_code(TENANT.id, code)
    assert room is not None
    return room


def code_on(screen: str) -> str:
    found = re.search(r"Code ([2-9]{4}) ([2-9]{4})", screen)
    assert found is not None, screen
    return found.group(1) + found.group(2)


async def gives(talker: Talker, *changes: str, amount: str = "1000", shares: str = "4") -> str:
    """From the main menu to the code. `changes`: what is typed between the review and paying."""
    await talker.begins()
    await talker.answers("6", "1", amount, shares, *changes, "1")
    if changes[:3] == ("2", "2", "3"):  # a quiz is looked over once more
        sees(talker, "Right: ")
        await talker.answers("1")
    await talker.gives_pin(PIN)
    sees(talker, "Your gift is ready!")
    return code_on(talker.screen)


async def finds(talker: Talker, code: str) -> None:
    await talker.begins()
    await talker.answers("6", "3", code)


async def money(world: World, msisdn: str) -> int:
    caller = await world.caller(pin=False)
    caller.msisdn = msisdn
    return (await caller.money())[0]


@pytest.mark.parametrize("coming", CHANNELS)
async def test_a_gift_is_given_and_won(world: World, coming: Coming) -> None:
    giver, giver_number = await coming(world, 2000)
    friend, friend_number = await coming(world, 0)

    code = await gives(giver, shares="2")
    assert await money(world, giver_number) == 1000
    room = await room_with(world, code)
    assert (room.total.minor, room.shares) == (1000_00, 2)

    await finds(friend, code)
    sees(friend, "has a gift for you")
    await friend.answers("1")
    sees(friend, "You won N", "in your wallet")
    won = await money(world, friend_number)
    assert 0 <= won < 1000

    await finds(friend, code)
    sees(friend, "You won N")
    await finds(giver, code)
    sees(giver, "your own gift")

    await giver.begins()
    await giver.answers("2", "3")
    sees(giver, "N1,000 for your gift")
    await friend.begins()
    await friend.answers("2", "3")
    sees(friend, " won in a gift")


@pytest.mark.parametrize("coming", CHANNELS)
async def test_everything_about_a_gift_can_be_changed(world: World, coming: Coming) -> None:
    """A quiz in equal parts, with a message, for two days, for new people."""
    giver, _ = await coming(world, 2000)
    friend, _ = await coming(world, 0)
    quiz = ("2", "2", "3", "Capital of Nigeria?", "Lagos, Abuja", "2")
    parts, message, time = ("2", "3", "2"), ("2", "6", "For my people"), ("2", "7", "2d")
    new, money_ = ("2", "5", "3"), ("2", "4", "1")

    code = await gives(giver, *quiz, *parts, *message, *time, *new, *money_)

    room = await room_with(world, code)
    assert (room.kind, room.question, room.answers) == (
        GiftKind.QUIZ, "Capital of Nigeria?", ("Lagos", "Abuja"),
    )  # fmt: skip
    assert (room.message, room.split, room.door) == ("For my people", "equal", "new")
    assert (room.expires_at - room.created_at).days == 2
    await finds(friend, code)
    sees(friend, "For my people")
    await friend.answers("1")
    sees(friend, "Capital of Nigeria?")
    await friend.answers("2")
    sees(friend, "You won N250")


@pytest.mark.parametrize("coming", CHANNELS)
async def test_words_stay_as_they_were_typed_where_they_can_be_shown(
    world: World, coming: Coming
) -> None:
    giver, _ = await by_telegram(world, 2000)
    friend, _ = await coming(world, 0)
    quiz = (
        "2",
        "2",
        "3",
        "E k\u00e1\u00e0\u1ecd\u0300?",
        "\u1eb8 \U0001f44d, \u1ecc\u0300 \U0001f44e",
        "1",
    )
    code = await gives(giver, *quiz, "2", "6", "Happy day \U0001f389\U0001f389!")

    await finds(friend, code)
    whole = coming is not by_ussd
    sees(friend, "Happy day \U0001f389\U0001f389!" if whole else "Happy day !")
    await friend.answers("1")
    sees(friend, "E k\u00e1\u00e0\u1ecd\u0300?" if whole else "E ka\u00e0o?")
    assert "??" not in friend.screen
    await friend.answers("1")
    sees(friend, "You won")


@pytest.mark.parametrize("coming", CHANNELS)
async def test_a_wrong_answer_wins_nothing_and_is_the_last(world: World, coming: Coming) -> None:
    giver, _ = await coming(world, 2000)
    friend, number = await coming(world, 0)
    code = await gives(giver, "2", "2", "3", "2+2?", "3,4", "2")

    await finds(friend, code)
    await friend.answers("1", "1")
    sees(friend, "No luck this time")
    await finds(friend, code)
    sees(friend, "No luck this time")
    assert await money(world, number) == 0


@pytest.mark.parametrize("coming", CHANNELS)
async def test_a_ticket_of_a_draw(world: World, coming: Coming) -> None:
    giver, _ = await coming(world, 2000)
    friend, _ = await coming(world, 0)
    code = await gives(giver, "2", "2", "2", "2", "3h")

    await finds(friend, code)
    await friend.answers("1")
    sees(friend, "ticket is number 1", "Lots are drawn on")
    await finds(friend, code)
    sees(friend, "ticket is number 1")


async def test_a_draw_when_so_many_have_joined_or_at_the_end(world: World) -> None:
    giver, friend = await world.caller(3000), await world.caller()
    await giver.dial()
    await giver.enter("6", "1", "1000", "4", "2", "2", "2", "3", "3")
    giver.sees("At least 4")
    await giver.enter("9", "1", PIN)
    full = code_on(giver.screen)
    await friend.dial(f"9*{full}")
    await friend.enter("1")
    friend.sees("when 9 joined")

    await giver.dial()
    await giver.enter("6", "1", "1000", "4", "2", "2", "2", "2", "7d")
    giver.sees("after the gift ends")
    await giver.enter("0", "1", "1", PIN)
    at_end = await room_with(world, code_on(giver.screen))
    assert (at_end.kind, at_end.draw_at, at_end.seats) == (GiftKind.DRAW, None, 0)


@pytest.mark.parametrize("coming", CHANNELS)
async def test_numbers_are_listed_in_any_form(world: World, coming: Coming) -> None:
    giver, _ = await coming(world, 2000)
    friend, number = await coming(world, 0)
    stranger, _ = await coming(world, 0)
    local = f"0{number[3:]}"
    spaced = f"{local[:4]} {local[4:7]} {local[7:]}"

    await giver.begins()
    await giver.answers("6", "1", "1000", "4", "2", "5", "2", "my friends")
    sees(giver, "could not read all")
    await giver.answers(f"{spaced}, 08051234567 +2347031234567")
    sees(giver, "so far: 3.")
    await giver.answers("2", "09091234567")
    sees(giver, "so far: 4.")
    await giver.answers("1", "1")
    await giver.gives_pin(PIN)
    code = code_on(giver.screen)

    await finds(stranger, code)
    await stranger.answers("1")
    sees(stranger, "for other numbers")
    await finds(friend, code)
    await friend.answers("1")
    sees(friend, "You won N")


@pytest.mark.parametrize("coming", CHANNELS)
async def test_looking_after_ones_own(world: World, coming: Coming) -> None:
    giver, giver_number = await coming(world, 2000)
    friend, _ = await coming(world, 0)
    code = await gives(giver)
    await giver.begins()
    await giver.answers("6", "2", "1", "1")
    sees(giver, "Nobody has opened it yet")
    await finds(friend, code)
    await friend.answers("1")

    await giver.begins()
    await giver.answers("6", "2")
    sees(giver, "Your gifts")
    await giver.answers("1")
    sees(giver, "1 of 4 won")
    await giver.answers("1")
    sees(giver, "****", "got it")
    await giver.answers("0", "2")
    sees(giver, code[:4], "Friends dial *347*100*9*")
    await giver.answers("0", "3", "2", "3", "1")
    sees(giver, "Your gift has ended", "came back")
    assert await money(world, giver_number) > 1000
    await giver.begins()
    await giver.answers("6", "2", "1")
    sees(giver, "ended early", "1 of 4 won")
    await giver.answers("1")
    sees(giver, "got it")
    await finds(friend, code)
    sees(friend, "You won")


@pytest.mark.parametrize("coming", CHANNELS)
async def test_a_full_room_answers_at_once(world: World, coming: Coming) -> None:
    giver, _ = await coming(world, 2000)
    code = await gives(giver, shares="1")
    quick, _ = await coming(world, 0)
    late, _ = await coming(world, 0)
    await finds(late, code)
    await finds(quick, code)
    await quick.answers("1")
    sees(quick, "You won N1,000!")

    await late.answers("1")
    assert "gift is over" in late.screen or "others were faster" in late.screen
    latest, _ = await coming(world, 0)
    await finds(latest, code)
    sees(latest, "gift is over")


async def test_whoever_dials_is_texted_the_link_each_time_they_share(world: World) -> None:
    giver = await world.caller(2000)
    await giver.dial()
    await giver.enter("6", "1", "1000", "2", "1", PIN)
    room = await room_with(world, code_on(giver.screen))
    link = f"/gift/{room.token}"
    await giver.sms("friends dial", link)

    await giver.menu()
    await giver.enter("6", "2", "1", "2")
    giver.sees(room.code, "We send you a link by SMS")
    await giver.sms("friends dial", link)
    again = await giver.post(giver.session, giver.text)
    assert "We send you a link" in again
    await giver.enter("0", "2")
    await giver.sms("friends dial", link)

    texts = [str(each["text"]) for each in await world.outside.messages(giver.msisdn)]
    assert sum(link in each for each in texts) == 3


async def test_in_whatsapp_the_address_of_the_page_stands_in_the_words(world: World) -> None:
    giver, _ = await by_whatsapp(world, 2000)
    code = await gives(giver)
    page = f"/gift/{(await room_with(world, code)).token}"
    assert page in giver.screen

    await giver.begins()
    await giver.answers("6", "2", "1", "2")
    sees(giver, "or open the link", page)


async def test_airtime_goes_to_the_winners_own_number(world: World) -> None:
    """No PIN is needed, no fee taken, and it counts against no limit of a day."""
    giver, friend = await world.caller(2000), await world.caller(pin=False)
    await giver.dial()
    await giver.enter("6", "1", "1000", "30", "2", "4", "2")
    giver.sees("the least is N1,500")
    await giver.enter("0", "0", "2", "1", "1000", "2", "2", "4", "2", "2", "3", "2", "1", PIN)
    code = code_on(giver.screen)

    await friend.dial(f"9*{code}")
    await friend.enter("1")
    friend.sees("You won N500 airtime", friend.number)
    await friend.sms("Done", "N500")
    assert await world.delivered(friend.msisdn) == ["500.00"]
    assert await friend.money() == (0, 0)


async def test_a_winner_without_a_pin_chooses_one_and_is_paid(world: World, golden: Golden) -> None:
    giver, friend = await world.caller(2000), await world.caller(pin=False)
    await giver.dial()
    await giver.enter("6", "1", "1000", "2", "2", "3", "2", "1", PIN)
    code = code_on(giver.screen)
    await giver.sms("friends dial")

    await friend.dial(f"9*{code}")
    await friend.enter("1")
    friend.sees("Choose a PIN within 48 h ")
    await friend.enter("1", PIN, PIN)
    friend.sees("You won N500!", "You have N500")
    assert await friend.money() == (500, 0)

    golden.holds("gift_given", giver)
    golden.holds("gift_won", friend)


async def test_a_winner_may_choose_the_pin_later_anywhere(world: World) -> None:
    giver, friend = await world.caller(2000), await world.caller(pin=False)
    await giver.dial()
    await giver.enter("6", "1", "1000", "1", "1", PIN)
    code = code_on(giver.screen)
    await friend.dial(f"9*{code}")
    await friend.enter("1", "2")
    friend.sees("It waits for you")
    await friend.dial(f"9*{code}")
    friend.sees("Choose a PIN")
    assert await friend.money() == (0, 0)

    await friend.menu()
    await friend.enter("3", NEW_PIN, NEW_PIN)
    friend.sees("PIN is set")
    assert await friend.money() == (1000, 0)
    await giver.sms("is all won")


async def test_wrong_codes_are_not_tried_without_end(world: World) -> None:
    giver, thief = await world.caller(2000), await world.caller()
    await giver.dial()
    await giver.enter("6", "1", "1000", "1", "1", PIN)
    code = code_on(giver.screen)
    wrong = ("22222222", "33333333", "44444444", "55555555", "66666666")
    await thief.dial("9*1234")
    thief.sees("8 digits, from 2 to 9")
    await thief.enter("hello")
    thief.sees("8 digits, from 2 to 9")
    for each in wrong:
        await thief.enter(each)
        thief.sees(f"No gift has the code {each[:4]} {each[4:]}")
    await thief.enter(code)
    thief.sees("wait ten minutes")
    await giver.dial(f"9*{code}")
    giver.sees("your own gift")


async def test_a_gift_must_fit(world: World) -> None:
    giver = await world.caller(500)
    await giver.dial()
    await giver.enter("6", "1", "99")
    giver.sees("The least is N100")
    await giver.enter("100001")
    giver.sees("The most is N100,000")
    await giver.enter("1000", "1001")
    giver.sees("from 1 to 1000")
    await giver.enter("5", "2", "7", "8d")
    giver.sees("1h to 7d")
    await giver.enter("1h", "1")
    giver.sees("You need N1,000 and have N500")
    await giver.enter("2", "400", "2", "2", "4", "2")
    giver.sees("airtime")
    await giver.enter("3")
    giver.sees("Cancelled")
    await giver.dial()
    await giver.enter("6", "1", "1000", "5", "1", "1")
    giver.sees("How much do you want to put in?")


async def test_what_was_changed_may_be_changed_back(world: World) -> None:
    giver = await world.caller(2000)
    await giver.dial()
    await giver.enter("6", "1", "1000", "4", "2", "2", "2", "1", "2", "3", "2", "2", "5", "3")
    giver.sees("by lots, equal parts", "For new people")
    await giver.enter("2", "2", "1", "2", "3", "1", "2", "5", "1")
    giver.sees("first come, random parts", "For anyone")


async def test_too_many_at_a_time(world: World) -> None:
    giver = await world.caller(2000)
    for _ in range(5):
        await giver.menu()
        await giver.enter("6", "1", "100", "1", "1", PIN)
        giver.sees("ready")
    await giver.menu()
    await giver.enter("6", "1", "100", "1", "1", PIN)
    giver.sees("too many gifts open")


async def test_nobody_gives_twice_by_a_repeated_request(world: World) -> None:
    giver = await world.caller(5000)
    await giver.dial()
    await giver.enter("6", "1", "1000", "1", "1", PIN)
    giver.sees("ready")
    again = await giver.post(giver.session, giver.text)
    assert code_on(again) == code_on(giver.screen)
    assert (await giver.money())[0] == 4000


# What rarely happens.

_AIRTIME: dict[str, Scalar] = {"amount": 100_00, "own": "2348031234567"}


async def at_review(world: World) -> Caller:
    giver = await world.caller(2000)
    await giver.dial()
    await giver.enter("6", "1", "1000", "4")
    return giver


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (InsufficientFunds(), "You need N1,000"),
        (OverGiftLimit(), "too many gifts"),
        (GiftsOff(), "not available"),
        (Failed(), "could not finish"),
        (Pending(), "could not finish"),
        (Done("lapsed"), "broken off"),
    ],
)
async def test_a_gift_that_cannot_be_made(world: World, outcome: object, words: str) -> None:
    giver = await at_review(world)
    with world.paths.instead_of("gift_create", "open", giving(outcome)):
        await giver.enter("1", PIN)
    giver.sees(words)


async def test_no_gifts_for_now(world: World) -> None:
    giver = await world.caller()
    with world.paths.instead_of("gift_create", "offer", answering("off")):
        await giver.dial()
        await giver.enter("6", "1")
    giver.sees("not available")


async def test_a_quiz_whose_answers_are_lost_asks_for_them_again(world: World) -> None:
    giver = await at_review(world)
    with world.paths.instead_of("gift_create", "right", giving([])):
        await giver.enter("2", "2", "3", "2+2?", "3,4")
    giver.sees("2 to 4 answers")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Done("full"), "others were faster"),
        (Done("over"), "is over"),
        (Done("own"), "your own"),
        (Done("lost"), "No luck"),
        (Done("lapsed"), "went back"),
        (Done("joined", {"ticket": 7, "when": "Soon."}), "number 7"),
        (Done("paid", {"amount": 100_00}), "You won N100"),
        (Done("airtime_under_way", _AIRTIME), "on its way to 08031234567"),
        (Done("airtime_arrived", _AIRTIME), "N100 airtime! It is on 08031234567"),
        (Done("airtime_kept", _AIRTIME), "the money went to your wallet"),
        (Done("airtime_unsure", _AIRTIME), "cannot tell whether it reached"),
        (Done("held", {"amount": 100_00}), "your part waits for now"),
        (Done("reserved_held", {"amount": 100_00}), "paid once the gift goes on"),
        (Done("reserved", {"amount": 100_00, "hours": 3}), "within 3 h "),
        (WrongCodes(), "wait ten minutes"),
    ],
)
@pytest.mark.parametrize("node", ["look", "claim"])
async def test_what_may_come_of_a_code(
    world: World, outcome: object, words: str, node: str
) -> None:
    friend = await world.caller()
    await friend.dial()
    with world.paths.instead_of("gift_join", node, giving(outcome)):
        if node == "look":
            await friend.enter("6", "3", "23456789")
        else:
            found = {"giver": "Ada", "message": "Hi"}
            with world.paths.instead_of("gift_join", "look", answering("gift", **found)):
                await friend.enter("6", "3", "23456789", "1")
    friend.sees(words)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Done("frozen"), "being looked at"),
        (Done("not_listed"), "other numbers"),
        (Done("not_new"), "new here"),
        (Done("kept_out", {"why": "Please wait."}), "Please wait."),
        (Failed(), "could not finish"),
        (Pending(), "could not finish"),
        (Done("unanswered"), "No gift has the code"),
    ],
)
async def test_what_may_come_of_opening(world: World, outcome: object, words: str) -> None:
    friend = await world.caller()
    await friend.dial()
    found = {"giver": "Ada", "message": "Hi"}
    with world.paths.instead_of("gift_join", "look", answering("gift", **found)):
        await friend.enter("6", "3", "23456789")
    with world.paths.instead_of("gift_join", "claim", giving(outcome)):
        await friend.enter("1")
    friend.sees(words)


async def test_a_quiz_that_ended_meanwhile(world: World) -> None:
    friend = await world.caller()
    await friend.dial()
    found = {"giver": "Ada", "message": "Hi", "question": "2+2?"}
    with (
        world.paths.instead_of("gift_join", "look", answering("quiz", **found)),
        world.paths.instead_of("gift_join", "question", giving([])),
    ):
        await friend.enter("6", "3", "23456789", "1")
    friend.sees("is over")


@pytest.mark.parametrize("outcome", [Done("waits"), Failed(), Pending()])
async def test_money_that_comes_a_moment_after_the_pin(world: World, outcome: object) -> None:
    friend = await world.caller()
    await friend.dial()
    reserved = {"amount": 100_00, "hours": 3}
    with (
        world.paths.instead_of("gift_join", "look", answering("reserved", **reserved)),
        world.paths.instead_of("gift_join", "fetch", giving(outcome)),
    ):
        await friend.enter("6", "3", "23456789", "1")
    friend.sees("in a moment")


@pytest.mark.parametrize("outcome", [Failed(), Pending(), Problem("gift.not_yours")])
async def test_a_room_that_cannot_be_shared_now(world: World, outcome: object) -> None:
    giver = await at_review(world)
    await giver.enter("1", PIN)
    await giver.menu()
    await giver.enter("6", "2", "1")
    with world.paths.instead_of("gift_rooms", "share", giving(outcome)):
        await giver.enter("2")
    giver.sees("try again in a minute")


@pytest.mark.parametrize("outcome", [Failed(), Pending(), Problem("gift.not_yours")])
async def test_a_room_that_cannot_be_ended(world: World, outcome: object) -> None:
    giver = await at_review(world)
    await giver.enter("1", PIN)
    await giver.menu()
    await giver.enter("6", "2", "1", "3")
    with world.paths.instead_of("gift_rooms", "cancel", giving(outcome)):
        await giver.enter("1")
    giver.sees("could not finish")


async def test_nothing_given_yet_leads_to_giving(world: World) -> None:
    giver = await world.caller()
    await giver.dial()
    await giver.enter("6", "2")
    giver.sees("not given anything")
    await giver.enter("1")
    giver.sees("how much")


async def test_many_people_are_listed_page_by_page(world: World) -> None:
    giver = await at_review(world)
    await giver.enter("1", PIN)
    await giver.menu()
    line = "0803****567 N500 got it"
    with world.paths.instead_of("gift_rooms", "who", answering("more", lines=line, after=8)):
        await giver.enter("6", "2", "1", "1")
    giver.sees(line, "Next ones")
    await giver.enter("1")
    giver.sees("Nobody")


async def test_a_frozen_gift_says_so(world: World) -> None:
    giver = await at_review(world)
    await giver.enter("1", PIN)
    code = code_on(giver.screen)
    room = await room_with(world, code)
    event = Event(str(room.id), "gift.frozen", "operator", {})
    await world.main.core.gift_rooms.freeze(TENANT.id, room.id, frozen=True, event=event)
    friend = await world.caller()
    await friend.dial(f"9*{code}")
    friend.sees("being looked at")
    await giver.menu()
    await giver.enter("6", "2", "1")
    giver.sees("We are looking at it")
