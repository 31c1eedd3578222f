"""A one-time code on the page of a gift: right once, and for whoever sends the same page again."""

import asyncio
from dataclasses import dataclass, field

import pytest

from core.domain.customers import Customer
from core.kit.clock import SetClock
from core.services.gift_proofs import GiftProofs
from tests.fakes.gift_counts import Counts
from tests.fakes.stores import AT, customer
from tests.fakes.waiting import until

ADA = customer("2348031234501")


@dataclass
class Codes:
    """Those that are open; each is used up at once, and `slow` holds what is said of it."""

    open: set[tuple[str, str]]
    asked: list[str] = field(default_factory=list)
    slow: asyncio.Event = field(default_factory=asyncio.Event)

    async def use_code(self, customer: Customer, purpose: str, code: str, *, to: str = "") -> bool:
        assert (customer, purpose) == (ADA, "gift")
        self.asked.append(code)
        right = (to, code) in self.open
        self.open.discard((to, code))
        await self.slow.wait()
        return right


@pytest.fixture
def codes() -> Codes:
    return Codes({("mine", "123456")})


@pytest.fixture
def counts() -> Counts:
    return Counts(SetClock(AT))


async def test_sent_twice_at_once_it_is_right_twice_and_asked_for_once(
    codes: Codes, counts: Counts
) -> None:
    here, there = GiftProofs(codes, counts), GiftProofs(codes, counts)
    first = asyncio.create_task(here.right(ADA, "mine", "123456"))
    await until(lambda: codes.asked)
    second = asyncio.create_task(there.right(ADA, "mine", "123456"))
    await until(lambda: any(len(kept) > 1 for _, kept in counts.sets.values()))

    codes.slow.set()

    assert await first
    assert await second
    assert codes.asked == ["123456"]


async def test_a_wrong_one_that_is_sent_twice_at_once_is_wrong_twice(
    codes: Codes, counts: Counts
) -> None:
    proofs = GiftProofs(codes, counts)
    codes.slow.set()

    told = await asyncio.gather(*(proofs.right(ADA, "mine", "654321") for _ in range(2)))

    assert told == [False, False]
    assert await proofs.right(ADA, "mine", "123456")


async def test_it_is_right_again_where_it_was_and_nowhere_else(
    codes: Codes, counts: Counts
) -> None:
    proofs = GiftProofs(codes, counts)
    codes.slow.set()
    assert await proofs.right(ADA, "mine", "123456")

    assert await proofs.right(ADA, "mine", "123456")
    assert not await proofs.right(ADA, "another", "123456")


async def test_where_nobody_can_count_it_is_right_once(codes: Codes, counts: Counts) -> None:
    proofs = GiftProofs(codes, counts)
    counts.away = True
    codes.slow.set()

    assert await proofs.right(ADA, "mine", "123456")
    assert not await proofs.right(ADA, "mine", "123456")
