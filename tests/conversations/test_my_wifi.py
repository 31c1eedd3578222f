"""My WiFi vouchers: shown, sent, given away, taken back; and what is the matter when they fail."""

import pytest

from core.engine.outcomes import Pending
from tests.fakes.paths import answering, giving
from tests.fakes.sites import MONTHLY, Site, my_first, owner, waiter
from tests.fakes.world import PIN, World

LOOKED_UP = {"plan_name": "1 GB, 1 day", "place": "Callbox Cafe", "left": "1 GB"}


async def test_the_list_shows_no_whole_code_and_the_pin_does(world: World, site: Site) -> None:
    caller, code = await owner(world)

    await caller.menu()
    await caller.enter("7", "3")
    caller.sees(f"1. {code[:5]}.. 1 GB, 1 day")
    await caller.enter("1")
    caller.sees("1 GB, 1 day at Callbox Cafe. Not used yet.")
    assert code not in caller.screen
    await caller.enter("1", PIN)

    caller.sees(f"Your code: {code}", "Give it to nobody")


async def test_it_is_sent_again_once_in_ten_minutes(world: World, site: Site) -> None:
    caller, code = await owner(world)
    await caller.sms("works now", code)

    for _ in range(2):
        await my_first(caller)
        await caller.enter("2")
        caller.sees("on its way to you again")

    await caller.sms("is yours", code)
    texts = [str(each["text"]) for each in await world.outside.messages(caller.msisdn)]
    assert sum("is yours" in text for text in texts) == 1


async def test_it_is_given_away_before_it_is_used(world: World, site: Site) -> None:
    caller, code = await owner(world)
    friend = await world.caller()

    await my_first(caller)
    await caller.enter("4", caller.number)
    caller.sees("That is your own number.")
    await caller.enter("+447400123456")
    caller.sees("other countries")
    await caller.enter(friend.number)
    caller.sees(f"Give 1 GB, 1 day to {friend.number}?", "you cannot take it back")
    await caller.enter("1", PIN)

    caller.sees(f"Done. {friend.number} gets the code by SMS.")
    await friend.sms("is yours", code)
    await caller.menu()
    await caller.enter("7", "3")
    caller.sees("You have no WiFi voucher yet.")
    await caller.enter("1")
    caller.sees("WiFi vouchers:")
    await my_first(friend)
    friend.sees("Not used yet.")


async def test_what_somebody_has_used_is_kept(world: World, site: Site) -> None:
    """It may have been used since the screen was shown: nothing is given then."""
    caller, code = await owner(world)
    friend = world.number()

    await my_first(caller)
    await caller.enter("4", "0" + friend[3:], "2")
    caller.sees("My vouchers:")
    await caller.enter("1", "4", "0" + friend[3:], "1")
    assert await site.enter(code)
    await site.act("use", code=code, bytes_in=1024**2)
    await site.compared(caller)
    await caller.enter(PIN)

    caller.sees("That voucher is over, in use, or not yours any more.")
    await my_first(caller)
    caller.sees("In use.", "Left: ", "until ")
    await caller.enter("1", PIN)
    caller.sees(code)
    await my_first(caller)
    await caller.enter("2")
    caller.sees("on its way")
    await my_first(caller)
    await caller.enter("3")
    caller.sees("A device is logged in with this code at Callbox Cafe.")


async def test_what_is_not_switched_on_yet_can_be_taken_back(world: World, site: Site) -> None:
    caller = await waiter(world, site)

    await my_first(caller)
    caller.sees(f"{MONTHLY} at Callbox Cafe. Being switched on.", "4. Money back")
    await caller.enter("1", PIN)
    caller.sees("Your code: ")
    await my_first(caller)
    await caller.enter("2")
    caller.sees("on its way")
    await my_first(caller)
    await caller.enter("3")
    caller.sees("The code is right.", "has not switched it on yet", "The money goes back by itself")
    await my_first(caller)
    await caller.enter("4", "2")
    caller.sees("My vouchers:")
    await caller.enter("1", "4")
    caller.sees("get N4,000 into your wallet?")
    await caller.enter("1")

    caller.sees("N4,000 is in your wallet within minutes")
    assert site.name == "demo"
    await site.back()  # what may be there is taken off first
    await caller.sms("Your N4,000", "is back in your wallet")
    assert await caller.money() == (5000, 0)
    await my_first(caller)
    caller.sees("It was taken back, and the money with it.")


async def test_what_works_by_now_is_not_taken_back(world: World, site: Site) -> None:
    caller = await waiter(world, site)

    await my_first(caller)
    await caller.enter("4")
    await site.back()
    await caller.sms("works now")
    await caller.enter("1")

    caller.sees("That voucher is over, in use, or not yours any more.")
    assert await caller.money() == (1000, 0)


async def test_a_friend_cannot_take_the_payers_money(world: World, site: Site) -> None:
    await site.away()
    payer, friend = await world.caller(5000, at=world.twin), await world.caller()
    await payer.dial()
    await payer.enter("7", "2", friend.number)
    await payer.choose(f"{MONTHLY} N4,000")
    await payer.enter("1", PIN)

    for choice, words in (("1", "PIN"), ("2", "on its way"), ("3", "The code is right.")):
        await my_first(friend)
        friend.sees("Being switched on.", "3. It does not work")
        assert "Money back" not in friend.screen
        await friend.enter(choice)
        friend.sees(words)


@pytest.mark.parametrize(
    ("exit_", "words"),
    [
        ("used_up", "It is used up."),
        ("expired", "Its time is over."),
        ("taken_back", "It is being taken back; the money follows."),
        ("blocked", "It was blocked."),
        ("inactive", "It is not switched on."),
    ],
)
async def test_what_is_over_says_why(world: World, site: Site, exit_: str, words: str) -> None:
    caller, _ = await owner(world)

    with world.paths.instead_of("my_wifi", "one", answering(exit_, **LOOKED_UP)):
        await my_first(caller)

    caller.sees("1 GB, 1 day at Callbox Cafe.", words)


async def test_what_is_gone_by_now(world: World, site: Site) -> None:
    caller, _ = await owner(world)

    for node, typed in (("one", ()), ("shown", ("1", PIN)), ("again", ("2",))):
        with world.paths.instead_of("my_wifi", node, answering("gone")):
            await my_first(caller)
            if typed:
                await caller.enter(*typed)
            caller.sees("That voucher is over, in use, or not yours any more.")


async def test_an_act_that_cannot_be_vouched_for_says_so(world: World, site: Site) -> None:
    caller, _ = await owner(world)
    friend = "0" + world.number()[3:]
    waiting = answering("waiting", **LOOKED_UP, amount=300_00)
    acts = {"again": ("2",), "give": ("4", friend, "1", PIN), "take": ("4", "1")}

    for node, typed in acts.items():
        for trouble in (
            world.paths.broken("my_wifi", node),
            world.paths.instead_of("my_wifi", node, giving(Pending())),
        ):
            with trouble:
                if node == "take":
                    with world.paths.instead_of("my_wifi", "one", waiting):
                        await my_first(caller)
                else:
                    await my_first(caller)
                await caller.enter(*typed)
                caller.sees("Sorry, that did not work.")
