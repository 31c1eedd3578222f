"""Notices waiting to be told, in Postgres."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import ColumnElement, case, cast, func, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.display import Tells
from core.domain.notices import ChatStanding, Route
from core.domain.voucher_codes import login_link
from core.kit.clock import Clock
from core.kit.crypto import Keyring, Unreadable
from core.kit.msisdn import Msisdn
from core.ports import Failed, NewNotice, Notice
from core.store.database import Database
from core.store.notice_fates import told_already
from core.store.tables import notices

_SEALED = "sealed"


class PgOutbox:
    """See `core.ports.Outbox`. Facts of secret notices are sealed with the keyring."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    async def add(self, notice: NewNotice, at: dt.datetime) -> None:
        async def write(connection: AsyncConnection) -> None:
            await add_notice(connection, notice, self._facts_kept(notice), at)

        await self._database.in_tenant(notice.tenant_id, write)

    async def due(self, count: int, lease_s: float) -> list[Notice]:
        rows = await self._database.call(
            "select * from notice_claim($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return [self._notice(row) for row in rows]

    async def begin(self, notice: Notice, route: Route, at: dt.datetime) -> Notice | None:
        tries = notice.route_tries + 1 if notice.route is route else 1
        changes = {"route": route.value, "route_tries": tries, "asked_at": at, "sent_as": None}
        mine = notices.c.run_at == notice.leased_until
        if not await self._change(notice, changes, mine):
            return None
        return replace(notice, route=route, route_tries=tries, asked_at=at)

    async def sent(
        self,
        notice: Notice,
        at: dt.datetime,
        *,
        route: Route = Route.SMS,
        sent_as: str = "",
    ) -> Failed | None:
        changes = self._ended(notice, "sent", None, at) | {
            "route": route.value,
            "sent_as": sent_as or None,
        }
        if not sent_as:
            await self._change(notice, changes, _this_try(notice))
            return None

        async def write(connection: AsyncConnection) -> Failed | None:
            done = await connection.execute(_waiting(notice, _this_try(notice)).values(**changes))
            if not done.rowcount or notice.channel_id is None:
                return None
            kind = notice.standing.kind
            return await told_already(connection, notice.id, notice.channel_id, kind, sent_as, at)

        return await self._database.in_tenant(notice.tenant_id, write)

    async def retry(self, notice: Notice, at: dt.datetime) -> None:
        changes: dict[str, object] = {"tries": notice.tries + 1, "run_at": at, "asked_at": None}
        if notice.route is not None:
            changes |= {"route": notice.route.value, "route_tries": notice.route_tries}
        await self._change(notice, changes, _this_try(notice))

    async def put_off(self, notice: Notice, at: dt.datetime) -> None:
        await self._change(notice, {"run_at": at}, _this_try(notice))

    async def give_up(self, notice: Notice, why: str, at: dt.datetime) -> None:
        await self._change(notice, self._ended(notice, "given_up", why, at), _this_try(notice))

    async def seen(
        self,
        tenant_id: UUID,
        reference: str,
        channel_id: UUID,
        identity: str,
        at: dt.datetime,
        tells: Tells = Tells.DONE,
    ) -> bool:
        [row] = await self._database.call(
            "select notice_seen($1, $2, $3, $4, $5, $6) as seen",
            tenant_id,
            reference,
            channel_id,
            identity,
            tells.value,
            at,
        )
        return bool(row["seen"])

    def _ended(
        self, notice: Notice, state: str, why: str | None, at: dt.datetime
    ) -> dict[str, object]:
        return {
            "state": state,
            "tries": notice.tries + 1,
            "why": why,
            "ended_at": at,
            "asked_at": None,
            # A secret is not kept longer than it takes to tell it.
            "facts": case((notices.c.secret, cast({}, JSONB)), else_=notices.c.facts),
        }

    async def _change(
        self, notice: Notice, changes: Mapping[str, object], *only: ColumnElement[bool]
    ) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            done = await connection.execute(_waiting(notice, *only).values(**changes))
            return bool(done.rowcount)

        return await self._database.in_tenant(notice.tenant_id, write)

    def _facts_kept(self, notice: NewNotice) -> dict[str, str | int]:
        facts = dict(notice.facts)
        return {_SEALED: self._keyring.encrypt(json.dumps(facts))} if notice.secret else facts

    def _facts_opened(self, kept: dict[str, str | int]) -> Mapping[str, str | int]:
        if _SEALED not in kept:
            return kept
        opened: dict[str, str | int] = json.loads(self._keyring.decrypt(str(kept[_SEALED])))
        return opened

    def _facts_of(self, row: asyncpg.Record) -> Mapping[str, str | int]:
        """With the code of the voucher that it tells of, which is not kept with the notice."""
        facts = self._facts_opened(row["facts"])
        if row["voucher_sealed"] is None:
            return facts
        code = self._keyring.unseal(row["voucher_sealed"], UUID(str(facts["voucher"])).bytes)
        return {**facts, "code": code, "link": login_link(row["login_url"], code)}

    def _notice(self, row: asyncpg.Record) -> Notice:
        facts: Mapping[str, str | int] = {}
        readable = True
        try:
            facts = self._facts_of(row)
        except (Unreadable, ValueError, KeyError):  # one of many: the others are told all the same
            readable = False
        return Notice(
            id=row["id"],
            tenant_id=row["tenant_id"],
            to=Msisdn(row["msisdn"]),
            language=row["language"],
            text=row["text"],
            facts=facts,
            tries=row["tries"],
            created_at=row["created_at"],
            secret=row["secret"],
            channel_id=row["channel_id"],
            identity=row["identity"],
            standing=ChatStanding(row["kind"], row["reachable"], row["heard_at"]),
            route=Route(row["route"]) if row["route"] else None,
            route_tries=row["route_tries"],
            asked_at=row["asked_at"],
            leased_until=row["leased_until"],
            readable=readable,
        )


def _waiting(notice: Notice, *only: ColumnElement[bool]) -> Any:
    return update(notices).where(notices.c.id == notice.id, notices.c.state == "waiting", *only)


def _this_try(notice: Notice) -> ColumnElement[bool]:
    """Nothing came of the try that the caller knows of: no failure was told, no other one begun."""
    return notices.c.asked_at.is_not_distinct_from(notice.asked_at)


async def add_notice(
    connection: AsyncConnection,
    notice: NewNotice,
    facts: Mapping[str, str | int],
    at: dt.datetime,
) -> None:
    """Write a notice in the caller's transaction, once per key."""
    statement = insert(notices).values(
        id=func.notice_id(notice.tenant_id, notice.key, type_=notices.c.id.type),
        tenant_id=notice.tenant_id,
        key=notice.key,
        customer_id=notice.customer_id,
        text=notice.text,
        facts=dict(facts),
        secret=notice.secret,
        state="waiting",
        tries=0,
        run_at=at,
        created_at=at,
        channel_id=notice.channel_id,
        identity=notice.identity,
        route_tries=0,
    )
    await connection.execute(statement.on_conflict_do_nothing())
