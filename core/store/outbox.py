"""Notices waiting to be told, in Postgres."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence

from sqlalchemy import case, cast, func, update
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.msisdn import Msisdn
from core.ports import NewNotice, Notice
from core.store.database import Database
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

    async def due(self, count: int, lease_s: float) -> Sequence[Notice]:
        rows = await self._database.call(
            "select * from notice_claim($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return [
            Notice(
                id=row["id"],
                tenant_id=row["tenant_id"],
                to=Msisdn(row["msisdn"]),
                language=row["language"],
                text=row["text"],
                facts=self._facts_opened(row["facts"]),
                tries=row["tries"],
                created_at=row["created_at"],
            )
            for row in rows
        ]

    async def sent(self, notice: Notice, at: dt.datetime) -> None:
        await self._end(notice, "sent", None, at)

    async def retry(self, notice: Notice, at: dt.datetime) -> None:
        await self._change(notice, {"tries": notice.tries + 1, "run_at": at})

    async def give_up(self, notice: Notice, why: str, at: dt.datetime) -> None:
        await self._end(notice, "given_up", why, at)

    async def _end(self, notice: Notice, state: str, why: str | None, at: dt.datetime) -> None:
        changes: dict[str, object] = {
            "state": state,
            "tries": notice.tries + 1,
            "why": why,
            "ended_at": at,
            # A secret is not kept longer than it takes to tell it.
            "facts": case((notices.c.secret, cast({}, JSONB)), else_=notices.c.facts),
        }
        await self._change(notice, changes)

    async def _change(self, notice: Notice, changes: Mapping[str, object]) -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                update(notices)
                .where(notices.c.id == notice.id, notices.c.state == "waiting")
                .values(**changes)
            )

        await self._database.in_tenant(notice.tenant_id, write)

    def _facts_kept(self, notice: NewNotice) -> dict[str, str | int]:
        facts = dict(notice.facts)
        return {_SEALED: self._keyring.encrypt(json.dumps(facts))} if notice.secret else facts

    def _facts_opened(self, kept: dict[str, str | int]) -> Mapping[str, str | int]:
        if _SEALED not in kept:
            return kept
        opened: dict[str, str | int] = json.loads(self._keyring.decrypt(str(kept[_SEALED])))
        return opened


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
    )
    await connection.execute(statement.on_conflict_do_nothing())
