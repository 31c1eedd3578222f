"""Whatever a customer types: no error, a screen that fits, and a way on."""

import asyncio
import random
import time

from tests.fakes.world import NEW_PIN, PIN, Caller, World

_WALKERS = 8
_SECONDS = 8.0
_TYPED = (
    *"1234567",
    "0",
    "00",
    "98",
    "99",
    "500",
    "N500",
    "1k",
    "1,000",
    "08031234567",
    "0705 123 4567",
    PIN,
    NEW_PIN,
    "1234",
    "123456",
    "",
    " ",
    "*",
    "**",
    "#",
    "1*1*500",
    "0*0",
    "yes",
    "no",
    "airtime",
    "fund",
    "help",
    "Pay",
    "e" * 300,
    "\u20a6500",
    "\u0661",
    "\U0001f600",
    "\x00\x1b",
    "{amount}",
    "%s",
    "' or 1=1 --",
    "\u202e1",
)
_ALONG = (
    "",
    "",
    "",
    "9*23456789",
    "1*500",
    "1*x",
    "2*2*1000",
    "2*1",
    "1*500*08051234567",
    "*",
    "8",
    "1*1*1*1",
)


async def test_any_text_at_any_screen_is_answered_with_a_way_on(world: World) -> None:
    """The handset fails a screen that does not fit; this fails one that leads nowhere."""
    seed = 20_261_121
    ends_at = time.monotonic() + _SECONDS
    walkers = [await world.caller(3000, at=world.twin) for _ in range(_WALKERS)]

    turns = await asyncio.gather(
        *(_wander(each, random.Random(seed + n), ends_at) for n, each in enumerate(walkers))
    )

    assert sum(turns) > _WALKERS * 10


async def _wander(caller: Caller, chance: random.Random, ends_at: float) -> int:
    turns = 0
    while time.monotonic() < ends_at:
        await caller.dial(chance.choice(_ALONG))
        for _ in range(chance.randrange(1, 25)):
            turns += 1
            assert "Sorry" not in caller.screen, caller.screen
            if not caller.open:
                break
            await caller.enter(chance.choice(_TYPED))
        if caller.open:
            await _leads_on(caller)
    return turns


async def _leads_on(caller: Caller) -> None:
    """From wherever this is, the main menu is one key away, and back leads somewhere."""
    await caller.enter("0", "00")
    caller.sees("1. Buy airtime")
