"""Gift rooms as people use them: found by their code, opened, looked after; and given."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import structlog

from core.domain.customers import Customer
from core.domain.gifts import (
    AirtimeState,
    Claim,
    Claimed,
    Claiming,
    ClaimState,
    GiftKind,
    NewClaim,
    PayOut,
    Refusal,
    Room,
    RoomState,
)
from core.kit import crash
from core.kit.clock import Clock
from core.kit.crypto import Keyring, Unreadable
from core.kit.errors import Problem
from core.ports import Alerts, Unavailable
from core.ports.administration import Event
from core.ports.gifts import GiftRooms
from core.services.gift_answers import GiftAnswers
from core.services.gift_giving import GiftGiving
from core.services.gift_guard import Counts, GiftGuard, Seen
from core.services.purchases import Terms

log = structlog.get_logger()

_WRONG_CODES = 5
_WRONG_WITHIN_S = 600
_NEWCOMER_FOR = dt.timedelta(hours=1)
_ROOMS_LOOKED_AT = 20
_TOOK_PART = (Claiming.PAID, Claiming.RESERVED, Claiming.JOINED)


class WrongCodes(Problem):
    """Too many codes that no room has: this person waits."""

    code = "gift.wrong_codes"


# What the guard's reasons are called before those whom it keeps out.
_TOLD = {
    "device_room": "device",
    "device_day": "device",
    "address_room": "address",
    "address_day": "address",
}


class KeptOut(Problem):
    """Kept out by the guard. `told` names the reason in words that are kind and true."""

    code = "gift.kept_out"

    def __init__(self, why: str) -> None:
        super().__init__()
        self.told = _TOLD.get(why, why)


@dataclass(frozen=True, slots=True)
class Guest:
    """Who opens a gift, and from where.

    Attributes:
        answer: To a quiz, from 1.
        device, address: Keyed digests of what they ask with and come from, where that is known.
    """

    customer: Customer
    answer: int = field(default=0, repr=False)
    channel_id: UUID | None = None
    identity: str = ""
    device: str = field(default="", repr=False)
    address: str = field(default="", repr=False)


class Gifts(GiftGiving):
    """Giving, taking part, and looking after one's own."""

    def __init__(
        self,
        rooms: GiftRooms,
        guard: GiftGuard,
        counts: Counts,
        airtime: Terms,
        keyring: Keyring,
        clock: Clock,
        alerts: Alerts,
    ) -> None:
        super().__init__(rooms, airtime, keyring, clock)
        self._answers = GiftAnswers(alerts)
        self._guard = guard
        self._counts = counts

    async def find(self, tenant_id: UUID, code: str, by: Customer) -> Room | None:
        """The room of a code; None where no room has it, which counts against guessing.

        Raises:
            WrongCodes: this person tried too many codes that no room has.
        """
        if await self._guesses(by) >= _WRONG_CODES:
            raise WrongCodes
        room = await self._rooms.by_code(tenant_id, code)
        if room is None:
            await self._guessed(by, code)
        return room

    async def standing(self, room: Room, customer: Customer) -> Claimed | None:
        """What became of this person in this room before, if they came before."""
        claim = await self._rooms.mine_in(room.tenant_id, room.id, customer.id)
        return _again(claim) if claim is not None else None

    async def claim(self, room: Room, guest: Guest) -> Claimed:
        """Settle what becomes of this person. Whoever came before finds what became of that.

        A quiz whose answer no key opens is as one that is frozen: operators are told.

        Raises:
            KeptOut: the guard has doubts; an operator can read them.
            Busy: too many at once; nothing was done.
        """
        customer, now = guest.customer, self._clock.now()
        newcomer = self._is_newcomer(customer, room, now)
        seen = Seen(customer, guest.device, guest.address, newcomer)
        doubt = await self._guard.keeps_out(room, seen)
        if doubt is not None:
            before = await self.standing(room, customer)
            if before is not None:
                return before
            refusal = Refusal(room.id, customer.id, doubt.why, doubt.facts, now)
            await self._rooms.refuse(room.tenant_id, refusal)
            log.info("gift.kept_out", room=str(room.id), why=doubt.why)
            raise KeptOut(doubt.why)
        claim = NewClaim(
            room_id=room.id,
            tenant_id=room.tenant_id,
            customer_id=customer.id,
            registered=customer.pin_set,
            at=now,
            answer=guest.answer,
            new_here=newcomer,
            channel_id=guest.channel_id,
            identity=guest.identity,
        )
        try:
            claimed = await self._rooms.claim(claim)
        except Unreadable:  # nothing was done; whoever comes again finds it as it was
            await self._answers.sealed(room)
            return Claimed(Claiming.FROZEN)
        crash.point("gift.claimed")
        if guest.answer and room.kind is GiftKind.QUIZ:
            await self._answers.opened(room)
        if claimed.result is Claiming.PAID and room.pay_out is PayOut.AIRTIME:
            if claimed.again:
                claimed = await self.standing(room, customer) or claimed
            else:
                claimed = replace(claimed, airtime=AirtimeState.UNDER_WAY)
        if claimed.result in _TOOK_PART and not claimed.again:
            await self._guard.took_part(room, customer)
        return claimed

    async def registered(self, customer: Customer) -> int:
        """They have a PIN: pay what waited for it; how many shares that were."""
        crash.point("gift.registered")
        paid = await self._rooms.registered(customer.tenant_id, customer.id, self._clock.now())
        if paid:
            log.info("gift.fetched", shares=paid)
        return paid

    def device(self, *parts: str) -> str:
        """What tells one device, account or address from another, and nothing else."""
        return self._keyring.digest("gift-device", *parts)

    # Looking after one's own.

    async def mine(self, customer: Customer, count: int) -> Sequence[Room]:
        return await self._rooms.mine(customer.tenant_id, customer.id, count)

    async def name_of(self, customer: Customer) -> str:
        """What this customer went by when they gave last, wherever that was; "" for nothing."""
        rooms = await self._rooms.mine(customer.tenant_id, customer.id, _ROOMS_LOOKED_AT)
        named = [room for room in rooms if room.from_name]
        return max(named, key=lambda room: room.created_at).from_name if named else ""

    async def own(self, customer: Customer, code: str) -> Room | None:
        """A room of this customer's."""
        room = await self._rooms.by_code(customer.tenant_id, code)
        return room if room is not None and room.creator_id == customer.id else None

    async def claims(self, room: Room, count: int, after: int = 0) -> Sequence[Claim]:
        return await self._rooms.claims(room.tenant_id, room.id, count, after)

    async def cancel(self, customer: Customer, code: str, key: str) -> Room | None:
        """End a room of one's own; what nobody won comes back. None: it is not this customer's."""
        room = await self.own(customer, code)
        if room is None:
            return None
        event = Event(str(room.id), "gift.cancelled", "customer", {"key": key})
        return await self._rooms.end(
            room.tenant_id, room.id, RoomState.CANCELLED, event, self._clock.now()
        )

    # Guessing.

    async def _guesses(self, by: Customer) -> int:
        try:
            return await self._counts.counted("gift-codes", str(by.id))
        except Unavailable:
            log.warning("gift.guesses_uncounted")
            return 0

    async def _guessed(self, by: Customer, code: str) -> None:
        """The same wrong code again is no further guess."""
        try:
            await self._counts.distinct("gift-codes", str(by.id), code, _WRONG_WITHIN_S)
        except Unavailable:
            log.warning("gift.guesses_uncounted")

    def _is_newcomer(self, customer: Customer, room: Room, now: dt.datetime) -> bool:
        """They turned up after the room was opened, and only just."""
        fresh = now - customer.created_at <= _NEWCOMER_FOR
        return fresh and not customer.pin_set and customer.created_at >= room.created_at


_STATES = {
    ClaimState.JOINED: Claiming.JOINED,
    ClaimState.RESERVED: Claiming.RESERVED,
    ClaimState.PAID: Claiming.PAID,
    ClaimState.LOST: Claiming.LOST,
    ClaimState.LAPSED: Claiming.LAPSED,
}


def _again(claim: Claim) -> Claimed:
    return Claimed(
        _STATES[claim.state],
        amount_minor=claim.amount_minor,
        ticket=claim.ticket,
        reserved_until=claim.reserved_until,
        again=True,
        airtime=claim.airtime,
    )
