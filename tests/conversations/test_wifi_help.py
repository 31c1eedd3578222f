"""A code that does not work: what its router says of it, and what helps."""

import asyncio

import pytest

from cli.demo import TENANT
from core.domain.vouchers import Desired, SaleState
from core.engine.outcomes import Pending
from core.ports import Paging
from core.ports.vouchers import VoucherQuery
from tests.fakes.paths import answering, giving
from tests.fakes.sites import Site, my_first, owner
from tests.fakes.world import Caller, World

LOOKED = {"place": "Callbox Cafe", "since": "14:02", "by": "14:32", "left": "1 GB"}


async def looks(caller: Caller) -> None:
    await my_first(caller)
    await caller.enter("3")


async def test_nobody_has_used_it_yet(world: World, site: Site) -> None:
    caller, _ = await owner(world)

    await looks(caller)

    caller.sees("The code is good, nobody used it yet. Join the WiFi at Callbox Cafe")


async def test_another_device_is_logged_out(world: World, site: Site) -> None:
    """As when a phone comes back under another address."""
    caller, code = await owner(world)
    assert await site.enter(code)
    assert not await site.enter(code, mac="02:AA:00:00:00:02")

    await looks(caller)
    caller.sees("A device is logged in with this code at Callbox Cafe.")
    await caller.enter("1")

    caller.sees("Done. Log in with your device now.")
    assert await site.enter(code, mac="02:AA:00:00:00:02")


async def test_something_is_left(world: World, site: Site) -> None:
    caller, code = await owner(world)
    assert await site.enter(code)
    await site.act("use", code=code, bytes_in=512 * 1024**2)
    await site.act("logout", code=code)
    await site.compared(caller)

    await looks(caller)

    caller.sees("The code is good. Left: 512 MB, until ")


async def test_it_is_used_up(world: World, site: Site) -> None:
    """The router knows it before the books do."""
    caller, code = await owner(world)
    assert await site.enter(code)
    await site.act("use", code=code, bytes_in=1024**3)

    await looks(caller)

    caller.sees("All of this code is used up.")


async def test_it_is_used_up_over_two_lives_of_its_user(world: World, site: Site) -> None:
    """What was used before the router lost it counts."""
    caller, code = await owner(world)
    half = 512 * 1024**2
    core, customer = world.main.core, await caller.customer()
    assert await site.enter(code)
    await site.act("use", code=code, bytes_in=half)
    await site.act("logout", code=code)

    async with asyncio.timeout(15):
        while True:
            await core.hotspots.ops.wake(TENANT.id, site.router.id)
            [voucher] = await core.hotspots.vouchers.mine(customer, 1)
            if voucher.used.data_bytes >= half:
                break
            await asyncio.sleep(0.05)
    assert await site.act("remove", path="/ip/hotspot/user", name=code) == {"removed": True}
    await core.hotspots.ops.wake(TENANT.id, site.router.id)
    await site.lets_in(code)
    await site.act("use", code=code, bytes_in=half)

    await looks(caller)

    caller.sees("All of this code is used up.")


async def test_what_the_router_lost_is_put_back(world: World, site: Site) -> None:
    caller, code = await owner(world)
    assert await site.act("remove", path="/ip/hotspot/user", name=code) == {"removed": True}

    await looks(caller)
    caller.sees("Callbox Cafe had lost this code: our fault.", "We put it back now.")

    await site.lets_in(code)


async def test_its_place_is_offline(world: World, site: Site) -> None:
    caller, _ = await owner(world)
    await site.away()

    await looks(caller)
    caller.sees("Callbox Cafe is offline since ", "our fault.", "Talk to us for your money.")
    await caller.enter("1")

    caller.sees("Help")


async def test_it_was_blocked(world: World, site: Site) -> None:
    caller, _ = await owner(world)
    core = world.main.core
    [voucher] = await core.hotspots.vouchers.mine(await caller.customer(), 1)
    assert await core.hotspots.book.want(
        voucher.tenant_id, voucher.id, Desired.DISABLED, "an operator"
    )

    await my_first(caller)
    caller.sees("It was blocked.")
    await caller.menu()
    await caller.enter("7", "4", str(voucher.code).lower())

    caller.sees("This code was blocked by the shop.")
    await caller.enter("1")
    caller.sees("Help")


async def one_in_stock(world: World) -> str:
    """The code of one that the demo's router has and that nobody bought."""
    book, query = world.main.core.hotspots.book, VoucherQuery(sale_state=SaleState.STOCK)
    listed, *_ = await book.listed(TENANT.id, query, Paging(1, 1))
    found = await book.get(TENANT.id, listed.id)
    assert found is not None
    return str(found.code)


async def test_a_code_as_it_is_typed(world: World, site: Site) -> None:
    """One that is somebody else's is nobody's to ask about, nor is one that waits unsold."""
    caller, code = await owner(world)
    stranger = await world.caller()
    unsold = await one_in_stock(world)

    await caller.menu()
    await caller.enter("7", "4", "hello")
    caller.sees("That can be no code")
    await caller.enter(f"{code[:5]} {code[5:]}".lower())
    caller.sees("The code is good")
    for unknown in (code, unsold, "2222222222"):
        await stranger.menu()
        await stranger.enter("7", "4", unknown)
        stranger.sees("We know no such code of yours.")
    await stranger.enter("1")
    stranger.sees("Type the code that does not work:")


@pytest.mark.parametrize(
    ("exit_", "words"),
    [
        ("activating_unpaid", "Please try again in a few minutes."),
        ("taken_back", "This code is being taken back."),
        ("refunded", "The money is in the wallet that paid for it."),
        ("expired", "The time of this code is over."),
        ("inactive", "This code is not switched on."),
        ("missing", "had lost this code"),
        ("unclear", "does not answer us now"),
    ],
)
async def test_every_other_finding(world: World, site: Site, exit_: str, words: str) -> None:
    caller, _ = await owner(world)

    with world.paths.instead_of("wifi_help", "look", answering(exit_, **LOOKED)):
        await looks(caller)
        caller.sees(words)
        if exit_ == "unclear":
            await caller.enter("1")
            caller.sees(words)
        if exit_ in ("inactive", "missing", "unclear"):
            await caller.choose("Talk to us")
            caller.sees("Help")


async def test_what_could_not_be_found_out(world: World, site: Site) -> None:
    caller, _ = await owner(world)
    later = "We could not find that out just now."

    with world.paths.broken("wifi_help", "look"):
        await looks(caller)
        caller.sees(later)
        await caller.enter("1")
        caller.sees(later)
        await caller.enter("2")
        caller.sees("Help")
    with world.paths.instead_of("wifi_help", "look", giving(Pending())):
        await looks(caller)
        caller.sees(later)
    with world.paths.instead_of("wifi_help", "look", giving("unknown")):
        await looks(caller)
        caller.sees("We know no such code of yours.")
    busy = answering("other_device", **LOOKED)
    for outcome in (giving("failed"), giving(Pending()), giving(RuntimeError("broken on purpose"))):
        with (
            world.paths.instead_of("wifi_help", "look", busy),
            world.paths.instead_of("wifi_help", "log_out", outcome),
        ):
            await looks(caller)
            await caller.enter("1")
            caller.sees(later)
