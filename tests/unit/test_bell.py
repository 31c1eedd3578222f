"""Waking who waits for work."""

import asyncio
import time

from core.kit.bell import Bell


async def test_a_ring_ends_the_wait() -> None:
    bell = Bell()
    waiting = asyncio.create_task(bell.wait(30))
    await asyncio.sleep(0)

    bell.ring()

    await asyncio.wait_for(waiting, 10)


async def test_a_ring_while_nobody_waits_is_kept_once() -> None:
    bell = Bell()
    bell.ring()
    bell.ring()

    await asyncio.wait_for(bell.wait(30), 10)

    started = time.monotonic()
    await bell.wait(0.02)
    assert time.monotonic() - started >= 0.015


async def test_one_ring_wakes_all_who_wait() -> None:
    bell = Bell()
    waiting = [asyncio.create_task(bell.wait(30)) for _ in range(3)]
    await asyncio.sleep(0)

    bell.ring()

    await asyncio.wait_for(asyncio.gather(*waiting), 10)
