"""API tokens in Postgres: `core/store/sql/44_administration.sql`."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from core.ports import Token, TokenRecord
from core.store.database import Database


class PgTokens:
    """See `core.ports.Tokens`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, token: Token, token_hash: str, actor: str, at: dt.datetime) -> None:
        await self._database.call(
            "select token_create($1, $2, $3, $4, $5, $6, $7)",
            token.id,
            token.tenant_id,
            token.name,
            token_hash,
            sorted(token.abilities),
            actor,
            at,
        )

    async def find(self, token_hash: str, at: dt.datetime) -> Token | None:
        rows = await self._database.call("select * from token_find($1, $2)", token_hash, at)
        for row in rows:
            return Token(row["id"], row["tenant_id"], row["name"], frozenset(row["abilities"]))
        return None

    async def all(self) -> Sequence[TokenRecord]:
        rows = await self._database.call("select * from token_all()")
        return [
            TokenRecord(**{**dict(row), "abilities": frozenset(row["abilities"])}) for row in rows
        ]

    async def revoke(self, token_id: UUID, actor: str, at: dt.datetime) -> bool:
        [row] = await self._database.call(
            "select token_revoke($1, $2, $3) as known", token_id, actor, at
        )
        return bool(row["known"])
