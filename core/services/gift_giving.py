"""Giving: from a wish that was confirmed to a room with its money set apart."""

import datetime as dt
import secrets
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from core.domain import chance
from core.domain.customers import Customer, Tenant
from core.domain.gifts import (
    CODE_LENGTH,
    CODE_LETTERS,
    Door,
    GiftKind,
    GiftTerms,
    NewRoom,
    Opening,
    Room,
)
from core.kit import crash, ids
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.errors import Fault, Problem
from core.ports.gifts import GiftRooms
from core.services import gift_wishes
from core.services.gift_wishes import FeeChanged, GiftWish
from core.services.purchases import InsufficientFunds, Terms

_TOKEN_BYTES = 16  # 22 letters of URLs
_CODE_TRIES = 8


class OverGiftLimit(Problem):
    """More rooms are open, or more was given today, than one customer may. Nothing was done."""

    code = "gift.over_limit"


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


class GiftGiving:
    """The giving half of `core.services.gifts.Gifts`."""

    def __init__(self, rooms: GiftRooms, airtime: Terms, keyring: Keyring, clock: Clock) -> None:
        self._rooms = rooms
        self._airtime = airtime
        self._keyring = keyring
        self._clock = clock

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
            GiftsOff, BadGift, FeeChanged, InsufficientFunds, OverGiftLimit: nothing was done.
        """
        if (made := await self.made(giver.tenant, giver.customer, key)) is not None:
            return made
        terms = await self.check(giver.tenant.id, wish)
        if wish.fee_minor not in (None, gift_wishes.fee_of(terms, wish.total.minor)):
            raise FeeChanged
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
        grain, total = gift_wishes.grain(wish.pay_out, self._airtime), wish.total.minor
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
            amounts_minor=gift_wishes.amounts(total, wish.shares, wish.split, seed, grain),
            fee_minor=gift_wishes.fee_of(terms, total),
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
            floor_minor=grain.floor_minor,
            unit_minor=grain.unit_minor,
        )


def _room_id(tenant: Tenant, customer: Customer, key: str) -> UUID:
    return ids.derived("gift", str(tenant.id), str(customer.id), key)


def _midnight(now: dt.datetime, tenant: Tenant) -> dt.datetime:
    local = now.astimezone(ZoneInfo(tenant.time_zone))
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(dt.UTC)
