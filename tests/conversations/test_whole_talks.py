"""The main conversations as customers meet them, kept as files to be read and judged."""

from tests.conversations.golden import Golden
from tests.fakes.sites import Site
from tests.fakes.world import NEW_PIN, PIN, WRONG_PIN, World


async def test_the_first_day_of_a_customer(world: World, golden: Golden) -> None:
    """Nothing in the wallet, no PIN: to airtime in two dials."""
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("1", "1", "500", "1", "1", "1000", "1")
    link = await caller.sms("Pay N1,000")
    (await world.outside.pay(link.rsplit(" ", 1)[-1])).raise_for_status()
    await caller.sms("has arrived")
    await caller.dial()
    await caller.enter("1", "1", "500", "1", PIN, PIN)
    await caller.sms("Done")
    await caller.dial()
    await caller.enter("2", "3")

    golden.holds("first_day", caller)


async def test_airtime_for_a_friend(world: World, golden: Golden) -> None:
    caller = await world.caller(2000)
    friend = "0" + world.number("2347071")[3:]

    await caller.dial()
    await caller.enter("1", "2", "0803", friend, "1", "20", "1k", "2", "2", "1", PIN)
    await caller.dial()
    await caller.enter("1", "3", "1", "1k", "1", "1", PIN)

    golden.holds("airtime_for_a_friend", caller, friend)


async def test_a_code_dialled_in_one_go(world: World, golden: Golden) -> None:
    caller = await world.caller(1000)

    await caller.dial("1*500")
    await caller.enter("1", PIN)
    await caller.dial("7*500")

    golden.holds("dialled_in_one_go", caller)


async def test_an_evening_with_a_slow_network(world: World, golden: Golden) -> None:
    caller = await world.caller(1000, at=world.twin)
    await world.plays("accepted_then_ok", caller.msisdn, seconds=3)

    await caller.dial("1*500")
    await caller.enter("1", PIN)
    await caller.dial()
    await caller.enter("2", "1", "0", "3")
    await caller.sms("Done")

    golden.holds("slow_network", caller)


async def test_a_network_that_refuses(world: World, golden: Golden) -> None:
    caller = await world.caller(1000)
    await world.plays("wrong_network", caller.msisdn)

    await caller.dial("1*500")
    await caller.enter("1", PIN)
    await caller.sms("back in your wallet")
    await caller.dial()

    golden.holds("refused", caller)


async def test_a_forgotten_pin(world: World, golden: Golden) -> None:
    caller = await world.caller(1000)

    await caller.dial("1*500")
    await caller.enter("1", WRONG_PIN, WRONG_PIN, WRONG_PIN)
    await caller.dial()
    await caller.enter("3", "2", "1")
    code = await world.code_of(await caller.sms("code"))
    await caller.enter(code, "1234", NEW_PIN, WRONG_PIN, NEW_PIN, NEW_PIN)

    golden.holds("forgotten_pin", caller)


async def test_a_call_that_dropped(world: World, golden: Golden) -> None:
    caller = await world.caller(1000)

    await caller.dial()
    await caller.enter("1", "1", "500", "1")
    await caller.dial()
    await caller.enter("1", "4")

    golden.holds("dropped", caller)


async def test_help(world: World, golden: Golden) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("4", "1", "0", "2", "1")

    golden.holds("help", caller)


async def test_a_wifi_voucher(world: World, golden: Golden, site: Site) -> None:
    """Made when it is paid for, shown once more, and given to a friend."""
    caller = await world.caller(5000)
    friend = "0" + world.number()[3:]

    await caller.dial()
    await caller.enter("7", "1", "98", "5", "1", PIN)
    await caller.sms("works now")
    await caller.dial()
    await caller.enter("7", "3", "1", "1", PIN)
    await caller.dial("7*3")
    await caller.enter("1", "3")
    await caller.dial("7*3")
    await caller.enter("1", "4", friend, "1", PIN)

    golden.holds("wifi", caller, friend)


async def test_a_wifi_voucher_of_a_place_that_is_away(
    world: World, golden: Golden, site: Site
) -> None:
    """Paid for with open eyes, and taken back."""
    caller = await world.caller(5000, at=world.twin)
    await site.away()

    await caller.dial("7*1")
    await caller.enter("98", "5", "1", PIN)
    await caller.dial("7*3")
    await caller.enter("1", "3")
    await caller.dial("7*3")
    await caller.enter("1", "4", "1")
    await site.back()
    await caller.sms("is back in your wallet")

    golden.holds("wifi_away", caller)
