"""Links that work once, in Postgres. What they bring along is sealed with the keyring."""

import datetime as dt
import json
from uuid import UUID

import structlog
from sqlalchemy import delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.linking import DeepLink
from core.kit.crypto import Keyring, Unreadable
from core.store.database import Database
from core.store.tables import deep_links

log = structlog.get_logger()

# Who comes late is told so for a day; then the link is nobody's.
_KEPT_FOR = dt.timedelta(days=1)


class PgDeepLinks:
    """See `core.ports.identities.Links`."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def keep(self, token_hash: str, link: DeepLink, at: dt.datetime) -> None:
        over = delete(deep_links).where(
            deep_links.c.tenant_id == link.tenant_id, deep_links.c.expires_at < at - _KEPT_FOR
        )
        row = insert(deep_links).values(
            id=link.id,
            tenant_id=link.tenant_id,
            token_hash=token_hash,
            shortcut=link.shortcut,
            customer_id=link.customer_id,
            given=self._keyring.encrypt(json.dumps(dict(link.given))),
            created_at=at,
            expires_at=link.expires_at,
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(over)
            await connection.execute(row.on_conflict_do_nothing())

        await self._database.in_tenant(link.tenant_id, write)

    async def find(self, tenant_id: UUID, token_hash: str) -> DeepLink | None:
        query = select(
            deep_links.c.id,
            deep_links.c.tenant_id,
            deep_links.c.shortcut,
            deep_links.c.given,
            deep_links.c.expires_at,
            deep_links.c.customer_id,
        ).where(deep_links.c.tenant_id == tenant_id, deep_links.c.token_hash == token_hash)

        async def read(connection: AsyncConnection) -> DeepLink | None:
            row = (await connection.execute(query)).mappings().one_or_none()
            return None if row is None else DeepLink(**{**row, "given": self._opened(row["given"])})

        return await self._database.in_tenant(tenant_id, read)

    async def use(self, link: DeepLink, by: str, at: dt.datetime) -> bool:
        free = deep_links.c.used_by.is_(None) & (deep_links.c.expires_at > at)
        mine = (
            update(deep_links)
            .where(deep_links.c.id == link.id, deep_links.c.tenant_id == link.tenant_id)
            .where(or_(free, deep_links.c.used_by == by))
            .values(used_by=by, used_at=at)
        )

        async def write(connection: AsyncConnection) -> bool:
            return bool((await connection.execute(mine)).rowcount)

        return await self._database.in_tenant(link.tenant_id, write)

    def _opened(self, sealed: str) -> dict[str, str]:
        """What no present key opens brings nothing along."""
        try:
            opened: dict[str, str] = json.loads(self._keyring.decrypt(sealed))
        except (Unreadable, ValueError):
            log.error("deep_links.unreadable")  # noqa: TRY400 - nothing of it in a log
            return {}
        return opened
