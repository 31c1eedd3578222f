"""WiFi vouchers: bought for oneself and for others, and what is said of how the place stands."""

from tests.fakes.world import PIN, World


async def test_a_voucher_for_oneself(world: World, log_lines: object) -> None:
    caller = await world.caller(1000)

    await caller.dial()
    await caller.enter("6", "1")
    print(caller.screen)
    await caller.enter("1")
    print(caller.screen)
    await caller.enter("1")
    print(caller.screen)
    await caller.enter(PIN)
    print(caller.screen)
    await caller.dial()
    print(caller.screen)
    await caller.enter("00", "6", "3")
    print(caller.screen)
    await caller.enter("1")
    print(caller.screen)
    await caller.enter("3")
    print(caller.screen)
    await caller.enter("0")
    print(caller.screen)
    print(await caller.sms(""))
    print(
        [
            l[:3000]
            for l in log_lines.getvalue().splitlines()
            if "slow" in l
            or "diagn" in l
            or "hotspot" in l
            or "router" in l
            or "flow." in l
            or "again" in l
        ][-25:]
    )
    assert 0
