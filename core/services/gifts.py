"""Gift rooms as people use them: given, found by their code, opened, looked after, shared."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from core.domain import chance
from core.domain.customers import Customer, Tenant
from core.domain.gifts import (
    CODE_LENGTH,
    CODE_LETTERS,
    Claim,
    Claimed,
    Claiming,
    ClaimState,
    Door,
    GiftKind,
    GiftTerms,
    NewClaim,
    NewRoom,
    Opening,
    Refusal,
    Room,
    RoomState,
)
from core.kit import crash, ids
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.errors import Fault, Problem
from core.ports import Unavailable
from core.ports.administration import Event
from core.ports.gifts import GiftRooms
from core.services import gift_wishes
from core.services.gift_guard import Counts, GiftGuard, Seen
from core.services.gift_wishes import GiftWish
from core.services.purchases import InsufficientFunds, Terms

log = structlog.get_logger()

_TOKEN_BYTES = 16  # 22 letters of URLs
_CODE_TRIES = 8
_WRONG_CODES = 5
_WRONG_WITHIN_S = 600
_NEWCOMER_FOR = dt.timedelta(hours=1)
_TOOK_PART = (Claiming.PAID, Claiming.RESERVED, Claiming.JOINED)


class OverGiftLimit(Problem):
    """More rooms are open, or more was given today, than one customer may. Nothing was done."""

    code = "gift.over_limit"


class WrongCodes(Problem):
    """Too many codes that no room has: this person waits."""

    code = "gift.wrong_codes"


class KeptOut(Problem):
    """Kept out by the guard. They are not told why."""

    code = "gift.kept_out"


@dataclass(frozen=True, slots=True)
class Giver:
    """Who gives, and from where.

    Attributes:
        name: What they go by there, or "": then their masked number is shown.
    """

    tenant: Tenant
    customer: Customer
    channel_id: UUID
    identity: str
    name: str = ""


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


class Gifts:
    def __init__(
        self,
        rooms: GiftRooms,
        guard: GiftGuard,
        counts: Counts,
        airtime: Terms,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._rooms = rooms
        self._guard = guard
        self._counts = counts
        self._airtime = airtime
        self._keyring = keyring
        self._clock = clock

    # Giving.

    async def terms(self, tenant_id: UUID) -> GiftTerms:
        return await self._rooms.terms(tenant_id)

    async def check(self, tenant_id: UUID, wish: GiftWish) -> GiftTerms:
        """What it would be given under.

        Raises:
            GiftsOff, BadGift: it cannot be given, or not like that.
        """
        terms = await self._rooms.terms(tenant_id)
        gift_wishes.check(wish, terms, self._airtime)
        return terms

    async def open(self, wish: GiftWish, giver: Giver, key: str) -> Room:
        """Give it, once per `key`: the same key again finds the same room.

        Raises:
            GiftsOff, BadGift, InsufficientFunds, OverGiftLimit: nothing was done.
        """
        if (made := await self.made(giver.tenant, giver.customer, key)) is not None:
            return made
        terms = await self.check(giver.tenant.id, wish)
        now, seed = self._clock.now(), chance.new_seed()
        for _ in range(_CODE_TRIES):
            room = self._new(wish, giver, terms, key, seed, now)
            crash.point("gift.before_open")
            opening = await self._rooms.open(room, terms, _midnight(now, giver.tenant))
            crash.point("gift.opened")
            match opening:
                case Opening.INSUFFICIENT:
                    raise InsufficientFunds
                case Opening.OVER_LIMIT:
                    raise OverGiftLimit
                case Opening.CODE_TAKEN:
                    continue
                case Opening.OPENED | Opening.DUPLICATE | Opening.CONFLICT:
                    return await self._same(wish, room)
        raise Fault("no code of a gift room is free")

    async def made(self, tenant: Tenant, customer: Customer, key: str) -> Room | None:
        """What `open` made under this `key`."""
        return await self._rooms.get(tenant.id, _room_id(tenant, customer, key))

    async def _same(self, wish: GiftWish, new: NewRoom) -> Room:
        """The room of that confirmation; two runs of it differ in code and seed alone."""
        room = await self._rooms.get(new.tenant_id, new.id)
        asked = (wish.total, wish.shares, wish.kind, wish.split, wish.pay_out, wish.door)
        if room is None or asked != (
            room.total, room.shares, room.kind, room.split, room.pay_out, room.door,
        ):  # fmt: skip
            raise Fault("one confirmation, two gifts")
        return room

    def _new(
        self,
        wish: GiftWish,
        giver: Giver,
        terms: GiftTerms,
        key: str,
        seed: bytes,
        now: dt.datetime,
    ) -> NewRoom:
        drawn, asked = wish.kind is GiftKind.DRAW, wish.kind is GiftKind.QUIZ
        return NewRoom(
            id=_room_id(giver.tenant, giver.customer, key),
            tenant_id=giver.tenant.id,
            creator_id=giver.customer.id,
            code="".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)),
            token=secrets.token_urlsafe(_TOKEN_BYTES),
            kind=wish.kind,
            split=wish.split,
            pay_out=wish.pay_out,
            door=wish.door,
            amounts_minor=gift_wishes.amounts(wish, seed, self._airtime),
            fee_minor=gift_wishes.fee_of(terms, wish.total.minor),
            currency=wish.total.currency,
            message=wish.message,
            commitment=chance.commitment(seed),
            seed_sealed=self._keyring.encrypt(seed.hex()),
            created_at=now,
            expires_at=now + wish.lasts,
            channel_id=giver.channel_id,
            identity=giver.identity,
            from_name=giver.name,
            listed=wish.listed if wish.door is Door.LISTED else (),
            question=wish.question if asked else "",
            answers=wish.answers if asked else (),
            answer=wish.answer if asked else 0,
            draw_at=now + wish.draw_after if drawn and wish.draw_after else None,
            seats=wish.seats if drawn else 0,
        )

    # Taking part.

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
            raise KeptOut
        claimed = await self._rooms.claim(
            NewClaim(
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
        )
        crash.point("gift.claimed")
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
    )


def _room_id(tenant: Tenant, customer: Customer, key: str) -> UUID:
    return ids.derived("gift", str(tenant.id), str(customer.id), key)


def _midnight(now: dt.datetime, tenant: Tenant) -> dt.datetime:
    local = now.astimezone(ZoneInfo(tenant.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(dt.UTC)
