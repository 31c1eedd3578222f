"""Gift rooms over a tenant's books: what the sentences of their tests leave out."""

import datetime as dt
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

from core.domain.customers import Customer
from core.domain.gifts import (
    CODE_LENGTH,
    CODE_LETTERS,
    Claimed,
    Door,
    GiftKind,
    GiftTerms,
    NewClaim,
    NewRoom,
    Opening,
    PayOut,
    Room,
    RoomState,
    Split,
)
from core.domain.ledger import AccountType
from core.kit import ids
from core.kit.crypto import Keyring
from core.ports import Event
from core.ports.gifts import Changed
from core.store.gifts import PgGiftRooms
from tests.fakes.books import Books

KEYRING = Keyring("a key for gifts")
SEED = bytes(range(32))
TERMS = GiftTerms(open_max=1_000, day_max_minor=10**12)


@dataclass
class Gifts:
    """One store of gift rooms and the people around it."""

    books: Books
    rooms: PgGiftRooms
    people: dict[int, Customer] = field(default_factory=dict)

    async def person(self, number: int, funds: int = 0) -> Customer:
        if number not in self.people:
            self.people[number] = await self.books.customer(number, funds)
        return self.people[number]

    async def registers(self, number: int) -> None:
        """They choose a PIN, and nobody tells the rooms."""
        person, now = self.people[number], self.books.clock.now()
        assert await self.books.customers.set_pin(person, "a hash", now)

    def new(self, creator: Customer, *amounts: int, **changes: Any) -> NewRoom:
        now = self.books.clock.now()
        room = NewRoom(
            id=ids.uuid7(),
            tenant_id=self.books.tenant.id,
            creator_id=creator.id,
            code="".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)),
            token=secrets.token_urlsafe(16),
            kind=GiftKind.RACE,
            split=Split.EQUAL,
            pay_out=PayOut.WALLET,
            door=Door.ANYONE,
            amounts_minor=amounts or (100, 100, 100),
            fee_minor=0,
            currency=self.books.tenant.currency,
            message="Eat something",
            commitment="c0ffee",
            seed_sealed=KEYRING.encrypt(SEED.hex()),
            created_at=now,
            expires_at=now + dt.timedelta(hours=24),
            channel_id=self.books.channel.id,
            identity=creator.msisdn,
        )
        return replace(room, **changes)

    async def opened(self, creator: Customer, *amounts: int, **changes: Any) -> NewRoom:
        room = self.new(creator, *amounts, **changes)
        assert await self.open(room) is Opening.OPENED
        return room

    async def open(self, room: NewRoom, terms: GiftTerms = TERMS) -> Opening:
        day = self.books.clock.now().replace(hour=0, minute=0)
        return await self.rooms.open(room, terms, day)

    async def claim(self, room: NewRoom, customer: Customer, **changes: Any) -> Claimed:
        claim = NewClaim(
            room_id=room.id,
            tenant_id=room.tenant_id,
            customer_id=customer.id,
            registered=True,
            at=self.books.clock.now(),
            channel_id=self.books.channel.id,
            identity=customer.msisdn,
        )
        return await self.rooms.claim(replace(claim, **changes))

    async def stands(self, room: NewRoom) -> Room:
        found = await self.rooms.get(room.tenant_id, room.id)
        assert found is not None
        return found

    async def end(
        self, room: NewRoom, state: RoomState = RoomState.CANCELLED, actor: str = "operator"
    ) -> Room:
        event = Event(str(room.id), f"gift.{state}", actor, {})
        now = self.books.clock.now()
        ended = await self.rooms.end(room.tenant_id, room.id, state, event, now)
        assert ended is not None
        return ended

    async def freeze(self, room: NewRoom, *, frozen: bool = True) -> Room:
        return (await self.frozen(room, frozen=frozen)).room

    async def frozen(self, room: NewRoom, *, frozen: bool = True) -> Changed:
        event = Event(str(room.id), "gift.frozen", "operator", {"frozen": frozen})
        stands = await self.rooms.freeze(room.tenant_id, room.id, frozen=frozen, event=event)
        assert stands is not None
        return stands

    async def expire(self) -> int:
        return await self.rooms.expire(1_000, self.books.clock.now())

    async def escrow(self, room: NewRoom) -> int:
        return await self.books.posted(AccountType.ESCROW, str(room.id))

    async def available(self, customer: Customer) -> int:
        return (await self.books.money(customer))[0]

    async def told(self, customer: Customer) -> list[tuple[str, dict[str, str | int]]]:
        """Texts and facts of a customer's notices that nobody sent yet, oldest first."""
        due = await self.books.outbox.due(1_000, 0.0)
        return [(each.text, dict(each.facts)) for each in due if each.to == customer.msisdn]


def open_gifts(books: Books) -> Gifts:
    return Gifts(books, PgGiftRooms(books.database, KEYRING, books.clock))
