"""Buying WiFi vouchers: for whom, where and which; what is said of the place; and every end."""

import pytest

from cli.demo import TENANT
from core.domain.hotspot import RouterStatus
from core.engine.outcomes import Pending
from core.services.purchases import InsufficientFunds
from core.services.vouchers import NotSoldHere, SiteAway, SiteFull
from tests.fakes.paths import answering, giving
from tests.fakes.sites import CODE, MONTHLY, Site, another_site, code_on
from tests.fakes.world import PIN, World


async def test_the_code_is_shown_and_logs_in(world: World, site: Site) -> None:
    caller = await world.caller(1000)

    await caller.dial()
    await caller.enter("7", "1")
    caller.sees("WiFi at Callbox Cafe:", "1. 1 GB, 1 day N300", "98. More")
    await caller.enter("1")
    caller.sees("1 GB, 1 day at Callbox Cafe", caller.number, "You pay N300")
    await caller.enter("1", PIN)

    caller.sees("Done. Your code: ", "Ref ")
    code = code_on(caller)
    assert await site.enter(code)
    assert await caller.money() == (700, 0)
    assert code in await caller.sms("works now", code)
    await caller.menu()
    caller.sees("Your WiFi voucher 1 GB, 1 day works.")
    await caller.enter("2", "3")
    caller.sees("N300 WiFi voucher: done")


async def test_one_that_is_made_when_it_is_paid_for(world: World, site: Site) -> None:
    caller = await world.caller(5000)

    await caller.dial("7*1")
    await caller.choose(f"{MONTHLY} N4,000")
    caller.sees("The code works within minutes.")
    await caller.enter("1", PIN)

    caller.sees("Done. Your code: ")
    assert await site.enter(code_on(caller))
    texts = [str(each["text"]) for each in await world.outside.messages(caller.msisdn)]
    assert not any("being activated" in text for text in texts)  # its end was there before


async def test_for_another_number_that_gets_the_code(world: World, site: Site) -> None:
    caller = await world.caller(1000)
    friend = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("7", "2", "+447400123456")
    caller.sees("other countries")
    await caller.enter(friend.number, "1", "1", PIN)

    caller.sees(f"Done. {friend.number} gets the code by SMS.")
    assert not CODE.search(caller.screen)
    text = await friend.sms("works now")
    found = CODE.search(text)
    assert found is not None
    assert await site.enter(found.group())


async def test_a_place_is_chosen_where_there_are_several(world: World, site: Site) -> None:
    """The one that was used last comes first."""
    stranger, regular = await world.caller(pin=False), await world.caller(1000)
    await regular.dial("7*1")
    await regular.enter("1", "1", PIN)
    other = await another_site(world, "Annex")
    try:
        await stranger.dial("7*1")
        stranger.sees("1. Annex", "2. Callbox Cafe", "3. Find by name")
        await stranger.enter("1")
        stranger.sees("WiFi at Annex:")
        await stranger.dial("7*1")
        await stranger.enter("00", "7", "1", "3", "nowhere")
        stranger.sees("We have no WiFi of that name.")
        await stranger.enter("1", "marina")
        stranger.sees("1. Callbox Cafe")
        await stranger.enter("1")
        stranger.sees("WiFi at Callbox Cafe:")
        await stranger.dial()
        await stranger.enter("00", "7", "1", "3", "nowhere", "2")
        stranger.sees("1. Annex")

        await regular.dial("7*1")
        regular.sees("1. Callbox Cafe", "2. Annex")
    finally:
        await other.remove()


async def test_a_place_that_was_never_reached_is_not_listed_and_sells_nothing(
    world: World, site: Site
) -> None:
    """Not even to who saw it before it was set up anew; once reached, it sells while away."""
    caller = await world.caller(5000)
    vouchers = world.main.core.hotspots.vouchers
    other = await another_site(world, "Annex", reached=False)
    try:
        await caller.dial("7*1")
        caller.sees("WiFi at Callbox Cafe:")
        assert "never reached" in vouchers.why_nothing(await other.kept())
        offers = await vouchers.offers(TENANT.id, await other.kept())
        assert offers
        assert not any(offer.selling.sells for offer in offers)
        for offer in offers:
            with pytest.raises(NotSoldHere):
                await vouchers.buy(
                    offer,
                    key="never",
                    tenant=TENANT,
                    customer=await caller.customer(),
                    channel_id=(await world.channel()).id,
                    identity=caller.msisdn,
                    until=0,
                    agreed=True,
                )

        await other.found(RouterStatus.ONLINE)
        await other.found(RouterStatus.OFFLINE, 600)
        assert vouchers.why_nothing(await other.kept()) == ""
        await caller.dial("7*1")
        caller.sees("1. Annex", "2. Callbox Cafe")
        await caller.enter("1")
        await caller.choose(f"{MONTHLY} N4,000")
        caller.sees("Annex is offline since ")
    finally:
        await other.remove()


async def test_a_place_that_is_away_is_told_of_before_anybody_pays(
    world: World, site: Site
) -> None:
    caller = await world.caller(5000, at=world.twin)
    await site.away()

    await caller.dial("7*1")
    await caller.choose(f"{MONTHLY} N4,000")
    caller.sees(
        "Callbox Cafe is offline since ", "works once back, or money back in 30 min", "1. Pay"
    )
    await caller.enter("1", PIN)
    caller.sees("Paid. Your code: ", "switching it on", "Not within 30 min?")
    assert await caller.money() == (1000, 4000)
    code = code_on(caller)

    await site.back()
    await caller.sms("works now", code)
    assert await site.enter(code)
    assert await caller.money() == (1000, 0)


async def test_a_place_that_went_away_meanwhile_is_asked_about_again(
    world: World, site: Site
) -> None:
    caller = await world.caller(5000)

    await caller.dial("7*1")
    await caller.choose(f"{MONTHLY} N4,000")
    caller.sees("within minutes")
    await caller.enter("1")
    await site.away()
    await caller.enter(PIN)

    caller.sees("Callbox Cafe is offline since ")
    assert await caller.money() == (5000, 0)
    await caller.enter("2")
    caller.sees("Cancelled")


async def test_a_place_that_filled_up_meanwhile_is_never_exchanged_unseen(
    world: World, site: Site
) -> None:
    """A code works at one place alone: whoever confirmed one is asked again about another."""
    caller = await world.caller(1000)
    await site.change(group="town")
    other = await another_site(world, "Annex")
    await other.change(group="town")
    await other.found(RouterStatus.ONLINE)
    try:
        await caller.dial("7*1")
        await caller.choose("Callbox Cafe")
        await caller.enter("1", "1")
        await site.crowded(50)
        await caller.enter(PIN)

        caller.sees("at Annex", "You pay N300")
        assert await caller.money() == (1000, 0)
        await caller.enter("2")
        await site.crowded(0)
        await caller.dial("7*1")
        await caller.choose("Callbox Cafe")
        await caller.enter("1", "1")
        await other.change(selling=False)
        await site.crowded(50)
        await caller.enter(PIN)
        caller.sees("Too many people are online at Callbox Cafe")
        assert await caller.money() == (1000, 0)
    finally:
        await site.crowded(0)
        await site.change(group="")
        await other.remove()


async def test_a_friend_waits_for_a_place_that_is_away(world: World, site: Site) -> None:
    caller, friend = await world.caller(5000, at=world.twin), world.number()
    await site.away()

    await caller.dial()
    await caller.enter("7", "2", "0" + friend[3:])
    await caller.choose(f"{MONTHLY} N4,000")
    await caller.enter("1", PIN)

    caller.sees("Paid. ", "gets the code by SMS", "is switching it on")


async def test_what_a_place_cannot_sell_is_not_offered(world: World, site: Site) -> None:
    caller = await world.caller(5000)

    await site.crowded(50)
    await caller.dial("7*1")
    caller.sees("Too many people are online at Callbox Cafe")
    await site.crowded(0)
    with world.paths.instead_of("wifi", "plan", giving([])):
        await caller.dial("7*1")
        caller.sees("Nothing is on sale at Callbox Cafe")
    await site.change(selling=False)
    await caller.dial("7*1")
    caller.sees("No WiFi is on sale for now.")
    await site.change(selling=True)
    for empty, typed in (("place", ()), ("found", ("3", "x"))):
        with (
            world.paths.instead_of("wifi", "where", answering("many")),
            world.paths.instead_of("wifi", empty, giving([])),
        ):
            await caller.dial("7*1")
            if typed:
                await caller.enter("2", *typed[1:])
    caller.sees("We have no WiFi of that name.")


async def test_too_little_money_leads_to_more_or_to_another_plan(world: World, site: Site) -> None:
    caller = await world.caller(100)

    await caller.dial("7*1")
    await caller.enter("1", "1")
    caller.sees("You need N300 and have N100.")
    await caller.enter("2")
    caller.sees("WiFi at Callbox Cafe:")
    await caller.enter("1", "1", "1")
    caller.sees("How much do you want to put in?")


async def test_the_review_can_be_left(world: World, site: Site) -> None:
    caller = await world.caller(5000)
    price = "N300"

    for exit_, back in (("ready", False), ("soon", False), ("away", True)):
        keep = {
            "router": str(site.router.id),
            "place": "Callbox Cafe",
            "plan_name": "1 GB, 1 day",
            "total": 300_00,
            "version": 1,
            "away": back,
            "since": "14 Nov, 14:02",
            "minutes": 30,
        }
        with world.paths.instead_of("wifi", "offer", answering(exit_, **keep)):
            await caller.dial("7*1")
            await caller.enter("1")
            caller.sees(price)
            await caller.enter("1")
            caller.sees("PIN")
            await caller.dial("7*1")
            await caller.enter("1", "2")
            caller.sees("Cancelled. You have not been charged.")
    assert await caller.money() == (5000, 0)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (NotSoldHere(), "has just changed"),
        (SiteFull(), "You pay N300"),
        (SiteAway(since="14:02"), "You pay N300"),
        (InsufficientFunds(), "You need N300"),
        (Pending(), "We could not finish in time"),
        ("lapsed", "was broken off"),
    ],
)
async def test_every_other_end_of_paying(
    world: World, site: Site, outcome: object, words: str
) -> None:
    caller = await world.caller(1000)

    with world.paths.instead_of("wifi", "pay", giving(outcome)):
        await caller.dial("7*1")
        await caller.enter("1", "1", PIN)

    caller.sees(words)
    assert await caller.money() == (1000, 0)


async def test_what_was_taken_back_while_the_customer_waited(world: World, site: Site) -> None:
    caller = await world.caller(1000)
    ended = answering("refunded", reference="7K2M9QX4TB")

    with world.paths.instead_of("wifi", "pay", ended):
        await caller.dial("7*1")
        await caller.enter("1", "1", PIN)
    caller.sees("could not take the code", "N300 to your wallet", "Ref 7K2M9QX4TB")
    with world.paths.broken("wifi", "pay"):
        await caller.dial("7*1")
        await caller.enter("1", "1", PIN)
    caller.sees("We could not finish in time")


async def test_an_offer_that_changed_is_shown_anew(world: World, site: Site) -> None:
    caller = await world.caller(1000)

    for gone, words in ((NotSoldHere(), "has just changed"), (SiteFull(), "Too many people")):
        with world.paths.instead_of("wifi", "offer", giving(gone)):
            await caller.dial("7*1")
            await caller.enter("1")
            caller.sees(words)
    with world.paths.instead_of("wifi", "offer", giving(NotSoldHere())):
        await caller.dial("7*1")
        await caller.enter("1", "1")
    caller.sees("WiFi at Callbox Cafe:")


async def test_what_is_asked_for_in_words(world: World, site: Site) -> None:
    caller, friend = await world.caller(1000), "0" + world.number()[3:]

    await caller.dial("say_wifi*1gb")
    caller.sees("1 GB, 1 day at Callbox Cafe", caller.number)
    await caller.dial(f"say_wifi*5gb weekly*{friend}")
    caller.sees("5 GB, 7 days at Callbox Cafe", friend)
    for vague in ("say_wifi", "say_wifi*daily", "say_wifi*9gb"):
        await caller.dial(vague)
        caller.sees("WiFi at Callbox Cafe:")
    for number in ("?", "+447400123456"):
        await caller.dial(f"say_wifi*1gb*{number}")
        caller.sees("Phone number that gets the code")
    await caller.dial("say_wifi*" + "m" * 31)
    caller.sees("Which plan do you want?")
    await caller.enter("20gb")
    caller.sees(MONTHLY)


async def test_paying_twice_at_once_is_one_voucher(world: World, site: Site) -> None:
    """A gateway repeats a request; and an effect whose end was lost finds its own."""
    caller = await world.caller(1000)

    await caller.dial("7*1")
    await caller.enter("1", "1", PIN)
    shown = caller.screen
    await caller.send()

    assert caller.screen == shown
    assert await caller.money() == (700, 0)
    assert await site.enter(code_on(caller))
