"""Gift rooms in Postgres: `core/store/sql/70_gifts.sql` and the two files after it."""

import contextlib
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.gifts import (
    RESERVED_FOR,
    Claimed,
    Claiming,
    GiftTerms,
    NewClaim,
    NewRoom,
    Opening,
    Refusal,
    Room,
    RoomState,
)
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports import Event
from core.ports.gifts import Changed, DueAirtime, DueDraw, DueReminder
from core.store.batcher import Batcher, Limits
from core.store.database import Database, Unavailable
from core.store.events import add_event
from core.store.gift_rows import GiftReading
from core.store.gift_shut import ShutRooms
from core.store.tables import gift_refusals, gift_rooms, gift_terms

_REFUSING = (Claiming.FULL, Claiming.OVER)
_ANSWERS_KEPT_MAX = 10_000
# Claims of one room wait for each other anyway: rather one large batch than two small ones.
_LIMITS = Limits(batch_max=256, crowd=64)


class _Item(NamedTuple):
    """The SQL type `gift_claim_item`, field by field."""

    room_id: UUID
    tenant_id: UUID
    customer_id: UUID
    registered: bool
    right_answer: bool | None
    new_here: bool
    channel_id: UUID | None
    identity: str
    at: dt.datetime


class PgGiftRooms(GiftReading):
    """See `core.ports.gifts.GiftRooms`. The right answer of a quiz is kept sealed.

    `NewRoom.seed_sealed` is the seed in hex, encrypted with the keyring.
    """

    def __init__(
        self, database: Database, keyring: Keyring, clock: Clock, limits: Limits | None = None
    ) -> None:
        super().__init__(database, keyring)
        self._clock = clock
        self._shut = ShutRooms(database, clock)
        self._answers: dict[tuple[UUID, UUID], int] = {}
        # One claim of a customer at a time, so that who is new stays exact.
        self._claims: Batcher[_Item, Claimed] = Batcher(
            "claims", self._claim, key=lambda item: item.customer_id, limits=limits or _LIMITS
        )

    async def open(self, room: NewRoom, terms: GiftTerms, day_starts_at: dt.datetime) -> Opening:
        [row] = await self._database.call(
            "select gift_open($1::gift_item, $2, $3, $4) as answer",
            self._kept(room),
            terms.open_max,
            terms.day_max_minor,
            day_starts_at,
        )
        return Opening(row["answer"])

    async def claim(self, claim: NewClaim) -> Claimed:
        refusal = self._shut.refusal(claim)
        if refusal is not None:
            return refusal
        return await self._claims.submit(
            _Item(
                claim.room_id,
                claim.tenant_id,
                claim.customer_id,
                claim.registered,
                await self._right(claim) if claim.answer else None,
                claim.new_here,
                claim.channel_id,
                claim.identity,
                claim.at,
            )
        )

    async def registered(
        self, tenant_id: UUID, customer_id: UUID, at: dt.datetime, *, tell: bool = False
    ) -> int:
        [row] = await self._database.call(
            "select gift_registered($1, $2, $3, $4) as paid", tenant_id, customer_id, tell, at
        )
        return int(row["paid"])

    async def unfetched(self, count: int) -> Sequence[tuple[UUID, UUID]]:
        rows = await self._database.call("select * from gift_unfetched($1)", count)
        return [(row["tenant_id"], row["customer_id"]) for row in rows]

    async def end(
        self, tenant_id: UUID, room_id: UUID, state: RoomState, event: Event, at: dt.datetime
    ) -> Room | None:
        query = "select gift_end($1, $2, $3, $4, $5, $6, $7, $8)"
        ended = await self._changed(query, tenant_id, room_id, state, event, at)
        return ended.room if ended else None

    async def freeze(
        self, tenant_id: UUID, room_id: UUID, *, frozen: bool, event: Event
    ) -> Changed | None:
        return await self._changed(
            "select gift_freeze($1, $2, $3, $4, $5, $6, $7, $8)",
            tenant_id,
            room_id,
            frozen,
            event,
            self._clock.now(),
        )

    async def expire(self, count: int, at: dt.datetime) -> int:
        [row] = await self._database.call("select gift_expire($1, $2) as rooms", count, at)
        [lapsed] = await self._database.call("select gift_lapse($1, $2) as shares", count, at)
        return int(row["rooms"]) + int(lapsed["shares"])

    async def due_draws(self, count: int, lease_s: float) -> Sequence[DueDraw]:
        rows = await self._leased("gift_draw_claim", count, lease_s)
        due = []
        for row in rows:
            room = await self.get(row["tenant_id"], row["room_id"])
            assert room is not None
            due.append(DueDraw(room, row["seed_sealed"], row["tickets"]))
        return due

    async def draw(self, draw: DueDraw, winners: Sequence[int], at: dt.datetime) -> bool:
        [row] = await self._database.call(
            "select gift_draw($1, $2, $3, $4, $5, $6) as drawn",
            draw.room.tenant_id,
            draw.room.id,
            draw.tickets,
            winners,
            RESERVED_FOR,
            at,
        )
        return bool(row["drawn"])

    async def draw_later(self, due: DueDraw, at: dt.datetime) -> None:
        await self._database.call(
            "select gift_draw_later($1, $2, $3)", due.room.tenant_id, due.room.id, at
        )

    async def due_airtime(self, count: int, lease_s: float) -> Sequence[DueAirtime]:
        rows = await self._leased("gift_airtime_claim", count, lease_s)
        return [DueAirtime(**row) for row in rows]

    async def airtime_ordered(self, due: DueAirtime, order_reference: str) -> None:
        await self._database.call(
            "select gift_airtime_ordered($1, $2, $3, $4)",
            due.tenant_id,
            due.room_id,
            due.customer_id,
            order_reference,
        )

    async def due_reminders(self, count: int, lease_s: float) -> Sequence[DueReminder]:
        rows = await self._leased("gift_remind_claim", count, lease_s)
        return [DueReminder(**row) for row in rows]

    async def reminded(self, due: DueReminder) -> None:
        await self._database.call(
            "select gift_reminded($1, $2, $3)", due.tenant_id, due.room_id, due.customer_id
        )

    async def refuse(self, tenant_id: UUID, refusal: Refusal) -> None:
        values = {name: getattr(refusal, name) for name in Refusal.__slots__}
        values |= {"tenant_id": tenant_id, "facts": dict(refusal.facts)}

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(insert(gift_refusals).values(**values))

        await self._database.in_tenant(tenant_id, write)

    async def terms(self, tenant_id: UUID) -> GiftTerms:
        query = select(gift_terms.c.terms).where(gift_terms.c.tenant_id == tenant_id)

        async def read(connection: AsyncConnection) -> dict[str, Any]:
            return await connection.scalar(query) or {}

        kept = await self._database.in_tenant(tenant_id, read)
        known = {field.name for field in fields(GiftTerms)}
        return GiftTerms(**{name: value for name, value in kept.items() if name in known})

    async def set_terms(self, tenant_id: UUID, terms: GiftTerms, event: Event) -> None:
        writing = insert(gift_terms).values(tenant_id=tenant_id, terms=asdict(terms))
        writing = writing.on_conflict_do_update(
            index_elements=[gift_terms.c.tenant_id], set_={"terms": writing.excluded.terms}
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(writing)
            await add_event(connection, tenant_id, event, self._clock.now())

        await self._database.in_tenant(tenant_id, write)

    async def close(self) -> None:
        """See through the claims that wait."""
        await self._claims.close()

    def _kept(self, room: NewRoom) -> tuple[object, ...]:
        """The SQL type `gift_item`, whose fields are those of `NewRoom`, the answer sealed."""
        answer = self._keyring.encrypt(str(room.answer)) if room.answer else ""
        values = {name: getattr(room, name) for name in NewRoom.__slots__} | {"answer": answer}
        return tuple(values.values())

    async def _claim(self, items: Sequence[_Item]) -> list[Claimed]:
        rows = await self._database.call(
            "select * from gift_claim($1::gift_claim_item[], $2)", items, RESERVED_FOR
        )
        answers = [_claimed(row) for row in rows]
        shut = {
            item.room_id
            for item, answer in zip(items, answers, strict=True)
            if answer.result in _REFUSING and not answer.again
        }
        with contextlib.suppress(Unavailable):  # these answers stand; the next may ask again
            for room_id in shut:
                await self._shut.learn(room_id)
        return answers

    async def _changed(
        self,
        query: str,
        tenant_id: UUID,
        room_id: UUID,
        change: object,
        event: Event,
        at: dt.datetime,
    ) -> Changed | None:
        """The room after a change with its event, which was made once; None: no such room."""
        facts = json.dumps(dict(event.facts))
        told = (event.subject, event.kind, event.actor, facts)
        [row] = await self._database.call(query, tenant_id, room_id, change, *told, at)
        room = None if row[0] is None else await self.get(tenant_id, room_id)
        return Changed(room, now=row[0]) if room is not None else None

    async def _leased(self, function: str, count: int, lease_s: float) -> list[asyncpg.Record]:
        lease = dt.timedelta(seconds=lease_s)
        query = f"select * from {function}($1, $2, $3)"  # noqa: S608 - a name of ours
        return await self._database.call(query, count, lease, self._clock.now())

    async def _right(self, claim: NewClaim) -> bool:
        """Whether that is the quiz's answer; False where there is no quiz. Raises `Unreadable`."""
        key = (claim.tenant_id, claim.room_id)
        if key not in self._answers:
            query = select(gift_rooms.c.answer_sealed).where(
                gift_rooms.c.tenant_id == claim.tenant_id, gift_rooms.c.id == claim.room_id
            )

            async def read(connection: AsyncConnection) -> str:
                return await connection.scalar(query) or ""

            sealed = await self._database.in_tenant(claim.tenant_id, read)
            if not sealed:
                return False
            if len(self._answers) >= _ANSWERS_KEPT_MAX:
                self._answers.clear()
            self._answers[key] = int(self._keyring.decrypt(sealed))
        return claim.answer == self._answers[key]


def _claimed(row: asyncpg.Record) -> Claimed:
    return Claimed(
        Claiming(row["result"]),
        row["amount_minor"],
        row["ticket"],
        row["reserved_until"],
        row["again"],
    )
