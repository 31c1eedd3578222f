"""Gifts say how things stand: to winners, to givers, whatever became of what was won."""

import re
from dataclasses import replace

import pytest

from cli.demo import TENANT
from core.domain.gifts import Room
from core.ports import Event
from tests.conversations.coming import CHANNELS, Coming, sees
from tests.conversations.test_gifts import code_on, gives, room_with
from tests.fakes.paths import answering
from tests.fakes.talkers import ByWhatsApp, Talker
from tests.fakes.whatsapp import WhatsAppPhone
from tests.fakes.world import PIN, Caller, World

_NAVIGATION = re.compile(r"(98|0|00)\. ")


async def given(world: World, *changes: str, naira: str = "1000", shares: str = "2") -> str:
    """The code of a gift of somebody who dialled. `changes`: as for `gives`."""
    giver = await world.caller(5000)
    await giver.dial()
    await giver.enter("6", "1", naira, shares, *changes, "1", PIN)
    return code_on(giver.screen)


async def freezes(world: World, room: Room, *, frozen: bool = True) -> None:
    event = Event(str(room.id), "gift.frozen", "operator", {"frozen": frozen})
    rooms = world.main.core.gift_rooms
    assert await rooms.freeze(TENANT.id, room.id, frozen=frozen, event=event) is not None


async def opens(friend: Caller, code: str) -> None:
    await friend.dial(f"9*{code}")
    await friend.enter("1")


async def whole(talker: Talker, *words: str) -> None:
    """All these words stand on the screen, over however many pages."""
    pages = []
    while True:
        lines = talker.screen.splitlines()
        pages.append(" ".join(line for line in lines if not _NAVIGATION.match(line)))
        if "98. More" not in talker.screen:
            break
        await talker.answers("98")
    seen = " ".join(pages)
    assert [word for word in words if word not in seen] == [], seen


AIRTIME = ("2", "4", "2", "2", "3", "2")


async def test_airtime_that_failed_is_told_as_it_is_everywhere(world: World) -> None:
    giver, friend = await world.caller(2000), await world.caller(pin=False)
    await world.plays("accepted_then_fail", friend.msisdn, seconds=1)
    await giver.dial()
    await giver.enter("6", "1", "1000", "2", *AIRTIME, "1", PIN)
    code = code_on(giver.screen)

    await opens(friend, code)
    friend.sees("You won N500 airtime", f"on its way to {friend.number}")
    told = await friend.sms("could not send it")
    assert "back" not in told
    assert await friend.money() == (500, 0)

    await friend.dial(f"9*{code}")
    friend.sees("You won N500", "the money went to your wallet")
    assert "on its way" not in friend.screen
    await giver.menu()
    await giver.enter("6", "2", "1", "1")
    giver.sees("N500 as wallet money")
    assert "got it" not in giver.screen


async def test_airtime_that_arrived_is_no_longer_on_its_way(world: World) -> None:
    giver, friend = await world.caller(2000), await world.caller(pin=False)
    await giver.dial()
    await giver.enter("6", "1", "1000", "2", *AIRTIME, "1", PIN)
    code = code_on(giver.screen)
    await opens(friend, code)
    await friend.sms("Done", "N500")

    await friend.dial(f"9*{code}")
    friend.sees("You won N500 airtime", f"It is on {friend.number}")
    await giver.menu()
    await giver.enter("6", "2", "1", "1")
    giver.sees("N500 airtime arrived")


@pytest.mark.parametrize("pin", [True, False])
async def test_a_winner_of_a_frozen_gift_is_told_so_and_of_the_money(
    world: World, *, pin: bool
) -> None:
    """Nobody with a PIN is told to choose one, and nothing comes in a moment that does not."""
    code, friend = await given(world, "2", "3", "2"), await world.caller(pin=False)
    room = await room_with(world, code)
    await opens(friend, code)
    friend.sees("Choose a PIN within 48 h ")
    await freezes(world, room)
    if pin:
        await friend.menu()
        await friend.enter("3", PIN, PIN)
        friend.sees("PIN is set")
        await friend.dial(f"9*{code}")
    else:
        await friend.dial(f"9*{code}")
        friend.sees("being looked at", "Choose a PIN, and it is paid once the gift goes on")
        await friend.enter("1", PIN, PIN)
    friend.sees("You won N500", "being looked at", "we tell you")
    assert "Choose" not in friend.screen
    assert "in a moment" not in friend.screen
    assert await friend.money() == (0, 0)

    await freezes(world, room, frozen=False)
    await friend.sms("N500 that you won", "is in your wallet")
    assert await friend.money() == (500, 0)


async def test_a_ticket_of_a_frozen_draw_promises_no_time(world: World) -> None:
    code, friend = await given(world, "2", "2", "2", "2", "3h"), await world.caller()
    await opens(friend, code)
    friend.sees("Lots are drawn on")
    await freezes(world, await room_with(world, code))

    await friend.dial(f"9*{code}")
    friend.sees("ticket is number 1", "Lots are drawn once it goes on")


async def test_lots_that_win_airtime_promise_airtime(world: World) -> None:
    seats = ("2", "2", "2", "3", "1")
    code, friend = await given(world, *AIRTIME, *seats, shares="1"), await world.caller(pin=False)

    await opens(friend, code)

    told = await friend.sms("Lots are drawn")
    assert "N1,000 airtime! It goes to your number" in told
    assert "paid" not in told
    await friend.sms("Done", "N1,000")


@pytest.mark.parametrize("coming", CHANNELS)
async def test_all_that_is_paid_for_is_seen_before(world: World, coming: Coming) -> None:
    giver, _ = await coming(world, 2000)
    await giver.begins()
    await giver.answers("6", "1", "1000", "4", "2", "6", "For my people", "2", "8", "Auntie Bisi")
    await whole(giver, "N1,000", "For my people", "Auntie Bisi")
    await giver.answers("2", "2", "2", "3", "9")
    await whole(giver, "by lots", "when 9 joined", "For my people", "Auntie Bisi")
    await giver.answers("2", "2", "2", "2", "3h")
    await whole(giver, "Lots are drawn after 3h")
    await giver.answers("2", "2", "3", "Capital of Nigeria?", "Lagos, Abuja", "2")
    await whole(giver, "quiz", "For my people")
    await giver.answers("1")
    await whole(giver, "Capital of Nigeria?", "Lagos, Abuja", "Right: Abuja")
    await giver.answers("1")
    await giver.gives_pin(PIN)
    sees(giver, "Your gift is ready!")
    room = await room_with(world, code_on(giver.screen))
    assert room.from_name == "Auntie Bisi"


async def test_a_giver_goes_by_one_name_on_all_channels(world: World) -> None:
    """What their chat calls them, also where they dial; and what they choose, from then on."""
    caller = await world.caller(5000)
    phone = WhatsAppPhone(world.control, caller.msisdn)
    await phone.say("/menu")
    talker = ByWhatsApp(phone, world.main.url)
    by_chat = await room_with(world, await gives(talker))
    assert by_chat.from_name

    async def dials(*changes: str) -> str:
        await caller.menu()
        await caller.enter("6", "1", "1000", "4", *changes, "1", PIN)
        return (await room_with(world, code_on(caller.screen))).from_name

    assert await dials() == by_chat.from_name
    assert await dials("2", "8", "Auntie Bisi") == "Auntie Bisi"
    assert (await room_with(world, await gives(talker))).from_name == "Auntie Bisi"


async def test_what_is_all_won_is_not_offered_to_be_ended(world: World) -> None:
    giver, friend = await world.caller(2000), await world.caller(pin=False)
    await giver.dial()
    await giver.enter("6", "1", "1000", "1", "1", PIN)
    code = code_on(giver.screen)
    await giver.menu()
    await giver.enter("6", "2", "1")
    giver.sees("End it now")
    await opens(friend, code)

    await giver.menu()
    await giver.enter("6", "2", "1")
    giver.sees("1 of 1 won", "Who won")
    assert "End it now" not in giver.screen


async def test_ending_a_gift_tells_of_money_that_waits(world: World) -> None:
    giver, friend = await world.caller(2000), await world.caller(pin=False)
    await giver.dial()
    await giver.enter("6", "1", "1000", "2", "2", "3", "2", "1", PIN)
    await opens(friend, code_on(giver.screen))
    await giver.menu()
    await giver.enter("6", "2", "1", "3", "1")
    giver.sees("N500 came back", "N500 waits for winners to choose a PIN")
    await giver.menu()
    await giver.enter("6", "2", "1")
    giver.sees("N500 waits for a PIN")


async def test_what_was_won_is_no_purchase_that_failed(world: World) -> None:
    """Whoever dials again hears of it as of something won."""
    friend = await world.caller(pin=False)
    await world.plays("accepted_then_fail", friend.msisdn, seconds=1)
    await opens(friend, await given(world, *AIRTIME))
    await friend.sms("could not send it")
    await friend.dial()
    friend.sees("The N500 airtime you won was not sent. The money is in your wallet")


async def test_who_is_kept_out_hears_why(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    core = world.main.core
    rules = replace(core.gifts._guard._rules, people_of_device_a_room=0)
    monkeypatch.setattr(core.gifts._guard, "_rules", rules)
    code, phone = await given(world), WhatsAppPhone(world.control, world.number())
    await phone.say(f"gift {code}")
    await phone.press("Open it")

    phone.sees("gifts from this account", f"*347*100*9*{code}#")


async def test_before_a_quiz_is_paid_for_it_may_be_asked_otherwise_or_not_at_all(
    world: World,
) -> None:
    giver = await world.caller(2000)
    quiz = ("2", "2", "3", "Capital of Ghana?", "Accra, Lagos", "1")
    await giver.dial()
    await giver.enter("6", "1", "1000", "2", *quiz, "1")
    giver.sees("Capital of Ghana?", "Accra")
    await giver.enter("2")
    giver.sees("Your question:")
    await giver.enter("Capital of Togo?", "Lome, Lagos", "1", "1")
    giver.sees("Capital of Togo?", "Lome")
    await giver.enter("3")
    giver.sees("Cancelled. You have not been charged.")
    assert (await giver.money())[0] == 2000


async def test_what_is_all_won_can_be_shared_and_looked_at_and_not_ended(world: World) -> None:
    giver, friend = await world.caller(2000), await world.caller(pin=False)
    await giver.dial()
    await giver.enter("6", "1", "1000", "1", "1", PIN)
    await opens(friend, code_on(giver.screen))
    friend.sees("Choose a PIN")
    for option, words in (("1", "N1,000 waits"), ("2", "Friends dial")):
        await giver.menu()
        await giver.enter("6", "2", "1")
        assert "End it now" not in giver.screen
        await giver.enter(option)
        giver.sees(words)


async def test_a_winner_may_leave_what_waits_in_a_frozen_room_for_later(world: World) -> None:
    code, friend = await given(world), await world.caller(pin=False)
    await opens(friend, code)
    await freezes(world, await room_with(world, code))
    await friend.dial(f"9*{code}")
    await friend.enter("2")
    friend.sees("Come back with the same code")


@pytest.mark.parametrize(("end", "words"), [("paid", "You won N500"), ("lapsed", "went back")])
async def test_a_share_that_was_overlooked_is_fetched_on_looking(
    world: World, end: str, words: str
) -> None:
    """They have a PIN by now, and nobody paid what waited."""
    friend = await world.caller()
    await friend.dial()
    keep = {"amount": 500_00} if end == "paid" else {}
    with (
        world.paths.instead_of("gift_join", "look", answering("fetch")),
        world.paths.instead_of("gift_join", "fetch", answering(end, **keep)),
    ):
        await friend.enter("6", "3", "23456789")
    friend.sees(words)


async def test_a_giver_cannot_end_what_an_operator_looks_at(world: World) -> None:
    """Not even from a menu that was shown before."""
    giver = await world.caller(2000)
    await giver.dial()
    await giver.enter("6", "1", "1000", "2", "1", PIN)
    code = code_on(giver.screen)
    await giver.menu()
    await giver.enter("6", "2", "1", "3")
    giver.sees("End this gift now?")
    await freezes(world, await room_with(world, code))
    await giver.enter("1")
    giver.sees("cannot be ended now")
    assert (await giver.money())[0] == 1000
    await giver.menu()
    await giver.enter("6", "2", "1")
    assert "End it now" not in giver.screen


async def test_a_fee_that_changed_is_shown_again_and_not_taken(world: World) -> None:
    giver, rooms = await world.caller(2000), world.main.core.gift_rooms
    event = Event("gift_terms", "gift.terms_changed", "operator", {})
    terms = await rooms.terms(TENANT.id)
    await giver.dial()
    await giver.enter("6", "1", "1000", "2", "1")
    await rooms.set_terms(TENANT.id, replace(terms, fee_basis_points=2000), event)
    try:
        await giver.enter(PIN)
        giver.sees("Fee N200", "You pay N1,200")
        await giver.enter("1", PIN)
        giver.sees("ready")
    finally:
        await rooms.set_terms(TENANT.id, terms, event)
    assert (await giver.money())[0] == 800
