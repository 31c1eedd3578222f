"""Gift rooms as they are read."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any
from uuid import UUID

import asyncpg
import structlog
from sqlalchemy import (
    Column,
    ColumnElement,
    RowMapping,
    Select,
    and_,
    case,
    distinct,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.gifts import (
    AirtimeState,
    Claim,
    ClaimState,
    Door,
    GiftKind,
    PayOut,
    Refusal,
    Room,
    RoomState,
    Split,
)
from core.domain.orders import OrderState
from core.kit.crypto import Keyring, Unreadable
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports.gifts import Figures, GiftSort
from core.store.backoffice import number_like
from core.store.database import Database
from core.store.tables import customers, gift_claims, gift_refusals, gift_rooms, orders, tenants

log = structlog.get_logger()

_LIVE = (RoomState.OPEN.value, RoomState.FROZEN.value)
# Written out, so that the index of a room's people in order is found.
_EVERYBODY: ColumnElement[int] = literal_column("0")
_MADE = ("creator_msisdn", "total", "taken", "seed")
_COLUMNS = tuple(gift_rooms.c[name] for name in Room.__slots__ if name not in _MADE)
_KINDS: Mapping[str, Callable[[str], StrEnum]] = {
    "kind": GiftKind,
    "split": Split,
    "pay_out": PayOut,
    "door": Door,
    "state": RoomState,
}
_AS_ORDERED = {
    OrderState.HELD.value: AirtimeState.UNDER_WAY.value,
    OrderState.IN_DOUBT.value: AirtimeState.UNDER_WAY.value,
    OrderState.DELIVERED.value: AirtimeState.ARRIVED.value,
    OrderState.PAID_BACK.value: AirtimeState.UNSURE.value,
}
_TAKEN = gift_rooms.c.handed - func.cardinality(gift_rooms.c.freed)

_SORTS: Mapping[GiftSort, Column[Any]] = {
    "created_at": gift_rooms.c.created_at,
    "expires_at": gift_rooms.c.expires_at,
    "total": gift_rooms.c.total_minor,
    "joined": gift_rooms.c.joined,
}


class GiftReading:
    """The reading half of `core.ports.gifts.GiftRooms`. Every call but one sees one tenant."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def by_code(self, tenant_id: UUID, code: str) -> Room | None:
        return await self._room(tenant_id, gift_rooms.c.code == code)

    async def get(self, tenant_id: UUID, room_id: UUID) -> Room | None:
        return await self._room(tenant_id, gift_rooms.c.id == room_id)

    async def by_token(self, token: str) -> Room | None:
        rows = await self._database.call("select * from gift_by_token($1)", token)
        return room_of(self._keyring, rows[0]) if rows else None

    async def mine(self, tenant_id: UUID, creator_id: UUID, count: int) -> Sequence[Room]:
        to_win = and_(gift_rooms.c.state.in_(_LIVE), gift_rooms.c.shares > _TAKEN)
        query = (
            _shown()
            .where(gift_rooms.c.tenant_id == tenant_id, gift_rooms.c.creator_id == creator_id)
            .order_by(to_win.desc(), gift_rooms.c.created_at.desc())
            .limit(count)
        )
        return [room_of(self._keyring, row) for row in await self._rows(tenant_id, query)]

    async def claims(
        self, tenant_id: UUID, room_id: UUID, count: int, after: int = 0
    ) -> Sequence[Claim]:
        which = and_(gift_claims.c.number > after, gift_claims.c.number > _EVERYBODY)
        query = _claims(tenant_id, room_id, which).order_by(gift_claims.c.number).limit(count)
        return [_claim(row) for row in await self._rows(tenant_id, query)]

    async def winners(self, tenant_id: UUID, room_id: UUID, count: int) -> Sequence[Claim]:
        won = gift_claims.c.state.in_((ClaimState.PAID.value, ClaimState.RESERVED.value))
        which = and_(won, gift_claims.c.number > _EVERYBODY)
        query = _claims(tenant_id, room_id, which).order_by(gift_claims.c.number).limit(count)
        return [_claim(row) for row in await self._rows(tenant_id, query)]

    async def mine_in(self, tenant_id: UUID, room_id: UUID, customer_id: UUID) -> Claim | None:
        query = _claims(tenant_id, room_id, gift_claims.c.customer_id == customer_id)
        rows = await self._rows(tenant_id, query)
        return _claim(rows[0]) if rows else None

    async def refusals(self, tenant_id: UUID, room_id: UUID, count: int) -> Sequence[Refusal]:
        query = (
            select(*(gift_refusals.c[name] for name in Refusal.__slots__))
            .where(gift_refusals.c.tenant_id == tenant_id, gift_refusals.c.room_id == room_id)
            .order_by(gift_refusals.c.id.desc())
            .limit(count)
        )
        return [Refusal(**row) for row in await self._rows(tenant_id, query)]

    async def listed(
        self,
        tenant_id: UUID,
        *,
        state: RoomState | None,
        search: str,
        count: int,
        offset: int,
        sort_by: GiftSort = "created_at",
        descending: bool = True,
    ) -> tuple[Sequence[Room], int]:
        wanted: list[ColumnElement[bool]] = [gift_rooms.c.tenant_id == tenant_id]
        if state is not None:
            wanted.append(gift_rooms.c.state == state.value)
        if search:
            code = gift_rooms.c.code.contains(search, autoescape=True)
            wanted.append(or_(code, number_like(customers.c.msisdn, search)))
        sorted_by = _SORTS[sort_by]
        order = sorted_by.desc() if descending else sorted_by.asc()
        page = _shown().where(*wanted).order_by(order, gift_rooms.c.id)
        page = page.limit(count).offset(offset)
        total = (
            select(func.count())
            .select_from(gift_rooms)
            .join(customers, customers.c.id == gift_rooms.c.creator_id)
            .where(*wanted)
        )

        async def read(connection: AsyncConnection) -> tuple[Sequence[Room], int]:
            rows = (await connection.execute(page)).mappings()
            found = [room_of(self._keyring, row) for row in rows]
            return found, await connection.scalar(total) or 0

        return await self._database.in_tenant(tenant_id, read)

    async def figures(self, tenant_id: UUID, since: dt.datetime, until: dt.datetime) -> Figures:
        room = gift_rooms.c
        sums = {
            "given_minor": room.total_minor,
            "joined": room.joined,
            "shares": room.shares,
            "won": _TAKEN,
            "paid_minor": room.paid_minor,
            "returned_minor": room.returned_minor,
            "brought": room.brought,
        }
        query = select(
            func.count().label("rooms"),
            func.count(distinct(room.creator_id)).label("creators"),
            *(func.coalesce(func.sum(what), 0).label(name) for name, what in sums.items()),
        ).where(room.tenant_id == tenant_id, room.created_at >= since, room.created_at < until)
        currency = select(tenants.c.currency).where(tenants.c.id == tenant_id)

        async def read(connection: AsyncConnection) -> Figures:
            row = (await connection.execute(query)).mappings().one()
            numbers = {name: int(number) for name, number in row.items()}
            return Figures(**numbers, currency=await connection.scalar(currency) or "")

        return await self._database.in_tenant(tenant_id, read)

    async def _room(self, tenant_id: UUID, which: ColumnElement[bool]) -> Room | None:
        query = _shown().where(gift_rooms.c.tenant_id == tenant_id, which)
        rows = await self._rows(tenant_id, query)
        return room_of(self._keyring, rows[0]) if rows else None

    async def _rows(self, tenant_id: UUID, query: Select[Any]) -> Sequence[RowMapping]:
        async def read(connection: AsyncConnection) -> Sequence[RowMapping]:
            rows: Sequence[RowMapping] = (await connection.execute(query)).mappings().all()
            return rows

        return await self._database.in_tenant(tenant_id, read)


def room_of(keyring: Keyring, row: RowMapping | asyncpg.Record) -> Room:
    """From a row of `_shown`, or of the SQL type `gift_shown`."""
    fields = dict(row)
    made = {
        "creator_msisdn": Msisdn(fields["creator_msisdn"]),
        "total": Money(fields.pop("total_minor"), fields.pop("currency")),
        "seed": _opened(keyring, fields.pop("seed_sealed")),
        "answers": tuple(fields["answers"]),
    }
    kinds = {name: kind(fields[name]) for name, kind in _KINDS.items()}
    return Room(**{**fields, **kinds, **made})


def _opened(keyring: Keyring, sealed: str | None) -> str:
    if sealed is None:
        return ""
    try:
        return keyring.decrypt(sealed)
    except Unreadable:
        log.error("gift.seed_unreadable")  # noqa: TRY400 - nothing of it in a log
        return ""


def _shown() -> Select[Any]:
    """The columns of the SQL type `gift_shown`."""
    room = gift_rooms.c
    return select(
        *_COLUMNS,
        room.currency,
        room.total_minor,
        _TAKEN.label("taken"),
        case((room.ended_at.is_not(None), room.seed_sealed)).label("seed_sealed"),
        customers.c.msisdn.label("creator_msisdn"),
    ).join_from(gift_rooms, customers, customers.c.id == room.creator_id)


def _claims(tenant_id: UUID, room_id: UUID, which: ColumnElement[bool]) -> Select[Any]:
    own = (name for name in Claim.__slots__ if name not in ("msisdn", "ticket", "airtime"))
    return (
        select(
            *(gift_claims.c[name] for name in own),
            gift_claims.c.number.label("ticket"),
            customers.c.msisdn,
            _airtime().label("airtime"),
        )
        .join_from(gift_claims, customers, customers.c.id == gift_claims.c.customer_id)
        .join(gift_rooms, gift_rooms.c.id == gift_claims.c.room_id)
        .where(gift_claims.c.tenant_id == tenant_id, gift_claims.c.room_id == room_id, which)
    )


def _airtime() -> ColumnElement[str | None]:
    """How airtime that was won stands; null where none was."""
    waits = case(
        (gift_rooms.c.state == RoomState.FROZEN.value, AirtimeState.HELD.value),
        else_=AirtimeState.UNDER_WAY.value,
    )
    # Looked up for each share that is an order, and for no other.
    order = (
        select(orders.c.state)
        .where(
            orders.c.tenant_id == gift_claims.c.tenant_id,
            orders.c.reference == gift_claims.c.order_reference,
        )
        .correlate(gift_claims)
        .scalar_subquery()
    )
    stands = case(_AS_ORDERED, value=order, else_=AirtimeState.KEPT.value)
    won = gift_claims.c.state == ClaimState.PAID.value
    return case(
        (or_(~won, gift_rooms.c.pay_out != PayOut.AIRTIME.value), None),
        (gift_claims.c.airtime_at.is_not(None), waits),
        else_=stands,
    )


def _claim(row: RowMapping) -> Claim:
    fields = dict(row)
    airtime = fields.pop("airtime")
    return Claim(
        state=ClaimState(fields.pop("state")),
        msisdn=Msisdn(fields.pop("msisdn")),
        airtime=AirtimeState(airtime) if airtime else None,
        **fields,
    )
