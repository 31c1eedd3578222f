"""A gift room as a test thinks of it: dictionaries, no database."""

import datetime as dt
from dataclasses import dataclass, field

from core.domain import chance
from core.domain.gifts import (
    RESERVED_FOR,
    Claiming,
    ClaimState,
    GiftKind,
    NewRoom,
    PayOut,
    RoomState,
)

CREATOR = 0
_STOOD = {state: Claiming(state.value) for state in ClaimState}


@dataclass
class Part:
    """One person in one room."""

    state: ClaimState
    ticket: int
    share: int = 0
    amount: int = 0
    until: dt.datetime | None = None


@dataclass
class Story:
    """One room, its people by number. `pins`: who has a PIN, which all rooms share."""

    room: NewRoom
    seed: bytes
    pins: set[int]
    state: RoomState = RoomState.OPEN
    parts: dict[int, Part] = field(default_factory=dict)
    handed: int = 0
    freed: list[int] = field(default_factory=list)
    returned: int = 0
    frozen_at: dt.datetime | None = None

    @property
    def draw(self) -> bool:
        return self.room.kind is GiftKind.DRAW

    @property
    def total(self) -> int:
        return sum(self.room.amounts_minor)

    @property
    def taken(self) -> int:
        return self.handed - len(self.freed)

    @property
    def seated(self) -> bool:
        return len(self.parts) >= self.room.seats > 0

    @property
    def until(self) -> dt.datetime:
        """When nobody can join any more."""
        return self.room.draw_at or self.room.expires_at

    @property
    def escrow(self) -> int:
        return self.total - self.sum(ClaimState.PAID) - self.returned

    def sum(self, state: ClaimState) -> int:
        return sum(part.amount for part in self.parts.values() if part.state is state)

    def claim(self, person: int, now: dt.datetime, *, right: bool) -> Claiming:
        if (part := self.parts.get(person)) is not None:
            return self._again(person, part)
        if person == CREATOR:
            return Claiming.OWN
        if self.state is RoomState.FROZEN:
            return Claiming.FROZEN
        if self.state.final or now >= self.until:
            return Claiming.OVER
        if self.seated if self.draw else self.taken == len(self.room.amounts_minor):
            return Claiming.FULL
        part = self.parts[person] = Part(ClaimState.JOINED, len(self.parts) + 1)
        if not self.draw:
            part.state = ClaimState.LOST
            if right:
                self._give(person, now)
        return _STOOD[part.state]

    def fetch(self, person: int) -> bool:
        """They have a PIN; whether something waited for it."""
        part = self.parts.get(person)
        if part is None or part.until is None or self.state is RoomState.FROZEN:
            return False
        self._pay(part)
        return True

    def work(self, now: dt.datetime) -> None:
        """What the workers do: the end, then reservations that lapse, then lots."""
        if self.state is RoomState.OPEN and not self.draw and now >= self.room.expires_at:
            self.end(RoomState.EXPIRED)
        if self.state is not RoomState.FROZEN:
            self._lapse(now)
        if self.state is RoomState.OPEN and self.draw and (self.seated or now >= self.until):
            self._draw(now)

    def end(self, state: RoomState) -> None:
        if not self.state.final:
            self.returned += self.escrow - self.sum(ClaimState.RESERVED)
            full = self.taken == len(self.room.amounts_minor)
            self.state = RoomState.COMPLETED if full and state is RoomState.EXPIRED else state

    def freeze(self, now: dt.datetime, *, frozen: bool) -> None:
        if frozen and self.state is RoomState.OPEN:
            self.state, self.frozen_at = RoomState.FROZEN, now
        elif not frozen and self.state is RoomState.FROZEN:
            assert self.frozen_at is not None
            self.state = RoomState.OPEN
            for person, part in self.parts.items():
                if part.until is not None:
                    part.until += now - self.frozen_at
                    if person in self.pins:
                        self._pay(part)

    def _again(self, person: int, part: Part) -> Claiming:
        if person in self.pins:
            self.fetch(person)
        if part.state is ClaimState.JOINED and self.state.final:
            return Claiming.OVER
        return _STOOD[part.state]

    def _give(self, person: int, now: dt.datetime) -> None:
        """The next share."""
        part = self.parts[person]
        if self.freed:
            part.share = self.freed.pop(0)
        else:
            self.handed += 1
            part.share = self.handed
        part.amount = self.room.amounts_minor[part.share - 1]
        part.state, part.until = ClaimState.RESERVED, now + RESERVED_FOR
        if self.room.pay_out is PayOut.AIRTIME or person in self.pins:
            self._pay(part)

    def _pay(self, part: Part) -> None:
        part.state, part.until = ClaimState.PAID, None
        if self.state is RoomState.OPEN and not self.draw and not self.escrow:
            self.state = RoomState.COMPLETED

    def _lapse(self, now: dt.datetime) -> None:
        freed = []
        for person, part in self.parts.items():
            if part.until is not None and part.until <= now:
                if person in self.pins:
                    self._pay(part)
                else:
                    part.state, part.until = ClaimState.LAPSED, None
                    freed.append(part.share)
                    self.returned += part.amount if self.state.final else 0
        self.freed += sorted(freed)

    def _draw(self, now: dt.datetime) -> None:
        tickets = {part.ticket: person for person, part in self.parts.items()}
        for part in self.parts.values():
            part.state = ClaimState.LOST
        for ticket in chance.draw(self.seed, len(tickets), len(self.room.amounts_minor)):
            self._give(tickets[ticket], now)
        self.end(RoomState.EXPIRED)
