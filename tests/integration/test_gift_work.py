"""What workers do for gift rooms while nobody looks."""

import asyncio
import contextlib

from core.app.gifts import ending_pumps
from core.domain import chance
from core.domain.gifts import GiftKind, NewRoom, RoomState
from core.jobs.workers import run_all
from core.services.cases import NoAlerts
from tests.fakes.gifts import KEYRING, SEED, Gifts

DAY_S = 86_400.0


async def test_rooms_end_reservations_lapse_and_lots_are_drawn_by_themselves(
    gifts: Gifts,
) -> None:
    creator, slow, quick = [await gifts.person(number, 500) for number in (1, 2, 3)]
    await gifts.registers(3)
    race = await gifts.opened(creator, 100, 70)
    lots = await gifts.opened(creator, 50, kind=GiftKind.DRAW)
    for room in (race, lots):
        await gifts.claim(room, slow, registered=False)
        await gifts.claim(room, quick)
    pumps = ending_pumps(gifts.rooms, KEYRING, NoAlerts(), gifts.books.clock, lease_s=30)
    working = asyncio.create_task(run_all(pumps))

    async def ended(room: NewRoom) -> bool:
        return (await gifts.stands(room)).state.final

    async def empty(room: NewRoom) -> bool:
        return await gifts.escrow(room) == 0

    try:
        async with asyncio.timeout(30):
            gifts.books.clock.advance(DAY_S)
            while not (await ended(race) and await ended(lots)):  # noqa: ASYNC110 - Postgres sets no Event
                await asyncio.sleep(0.01)
            gifts.books.clock.advance(2 * DAY_S)
            while not (await empty(race) and await empty(lots)):  # noqa: ASYNC110 - Postgres sets no Event
                await asyncio.sleep(0.01)
    finally:
        working.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await working

    assert (await gifts.stands(race)).state is RoomState.COMPLETED
    [winner] = chance.draw(SEED, 2, 1)
    assert await gifts.available(quick) == 500 + 70 + (50 if winner == 2 else 0)
    assert await gifts.available(slow) == 500
    assert await gifts.available(creator) == 500 - 70 - (50 if winner == 2 else 0)
