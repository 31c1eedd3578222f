"""Keeps farms of accounts away from gift rooms, and nobody who just has many friends.

What is counted are different things (rooms, people) in a time, so asking again counts for nothing.
Whoever is kept out is told kindly what is too much and what they can do, and is not accused; the
numbers are for the operator. Where nobody can count, since Redis is away, everybody is let in: one
claim for each person holds all the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

import structlog

from core.domain.customers import Customer
from core.domain.gifts import Room
from core.ports import Unavailable

log = structlog.get_logger()

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3600, 86_400


class Counts(Protocol):
    """Counts different things in a time. Raises `Unavailable` when nobody can count."""

    async def distinct(self, what: str, whose: str, item: str, within_s: int) -> int:
        """How many with this one, since counting began; it begins anew in so many seconds."""
        ...

    async def counted(self, what: str, whose: str) -> int:
        """How many there are, with nothing added."""
        ...


@dataclass(frozen=True, slots=True)
class GuardRules:
    """How much is too much.

    Attributes:
        rooms_an_hour: Rooms that one person may try in an hour.
        of_one_giver_a_day: Rooms of one creator that one person may win in, or hold a ticket of.
        people_of_device_a_room, people_of_device_a_day: Different people from one device.
        people_of_address_a_room, people_of_address_a_day: The same from one network address, of
            browsers that keep no cookie: that is all that tells them apart.
        newcomers_a_minute: New accounts from one device or address in one room.
    """

    rooms_an_hour: int = 30
    of_one_giver_a_day: int = 10
    people_of_device_a_room: int = 3
    people_of_device_a_day: int = 10
    people_of_address_a_room: int = 10
    people_of_address_a_day: int = 50
    newcomers_a_minute: int = 20


@dataclass(frozen=True, slots=True)
class Seen:
    """Who asks, as far as it tells one from another.

    Attributes:
        device: A keyed digest of what they ask with, or "" where nothing is known (USSD).
        address: A keyed digest of the network address they come from, or "".
        newcomer: They became a customer a moment ago.
    """

    customer: Customer
    device: str = field(default="", repr=False)
    address: str = field(default="", repr=False)
    newcomer: bool = False


@dataclass(frozen=True, slots=True)
class KeptOut:
    """Why, in a word for operators, and with which numbers."""

    why: str
    facts: Mapping[str, str | int]


@dataclass(frozen=True, slots=True)
class _Rule:
    """So many different items of `whose` at most."""

    why: str
    whose: str
    item: str
    within_s: int
    most: int


class GiftGuard:
    def __init__(self, counts: Counts, rules: GuardRules) -> None:
        self._counts = counts
        self._rules = rules

    async def keeps_out(self, room: Room, seen: Seen) -> KeptOut | None:
        """Count this try; a reason where it is one too many. The same person again counts once."""
        try:
            return await self._judged(room, seen)
        except Unavailable:
            log.warning("gift.guard_blind", room=str(room.id))
            return None

    async def took_part(self, room: Room, customer: Customer) -> None:
        """They have won in this room, or hold a ticket."""
        whose = _giver_and(room.creator_id, customer.id)
        try:
            await self._counts.distinct("gift-giver", whose, str(room.id), _DAY_S)
        except Unavailable:
            log.warning("gift.guard_blind", room=str(room.id))

    async def _judged(self, room: Room, seen: Seen) -> KeptOut | None:
        giver = _giver_and(room.creator_id, seen.customer.id)
        if (won := await self._counts.counted("gift-giver", giver)) >= self._most_of_giver:
            return KeptOut("same_giver", {"won": won, "most": self._most_of_giver})
        for rule in self._counting(room, seen):
            what = f"gift-{rule.why}"
            count = await self._counts.distinct(what, rule.whose, rule.item, rule.within_s)
            if count > rule.most:
                return KeptOut(rule.why, {"count": count, "most": rule.most})
        return None

    @property
    def _most_of_giver(self) -> int:
        return self._rules.of_one_giver_a_day

    def _counting(self, room: Room, seen: Seen) -> list[_Rule]:
        rules, who, where = self._rules, str(seen.customer.id), str(room.id)
        found = [_Rule("hurry", who, where, _HOUR_S, rules.rooms_an_hour)]
        if seen.device:
            most = rules.people_of_device_a_room, rules.people_of_device_a_day
            found += _people("device", seen.device, where, who, most)
        elif seen.address:
            most = rules.people_of_address_a_room, rules.people_of_address_a_day
            found += _people("address", seen.address, where, who, most)
        if seen.newcomer:
            found += [
                _Rule("newcomers", f"{each}:{where}", who, _MINUTE_S, rules.newcomers_a_minute)
                for each in (seen.device, seen.address)
                if each
            ]
        return found


def _people(why: str, of: str, where: str, who: str, most: tuple[int, int]) -> list[_Rule]:
    """How many different people in one room, and in a day."""
    in_room, in_a_day = most
    return [
        _Rule(f"{why}_room", f"{of}:{where}", who, _DAY_S, in_room),
        _Rule(f"{why}_day", of, who, _DAY_S, in_a_day),
    ]


def _giver_and(creator_id: UUID, customer_id: UUID) -> str:
    return f"{creator_id}:{customer_id}"
