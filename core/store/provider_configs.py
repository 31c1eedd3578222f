"""Configurations of providers in Postgres, their secrets sealed with the keyring."""

import json
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import ColumnElement, RowMapping, Table, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.providers import ConfigKey, ProviderConfig
from core.domain.vending import Product
from core.kit.crypto import Keyring, Unreadable
from core.ports import Event
from core.store.database import Database
from core.store.events import add_event
from core.store.tables import provider_config_versions, provider_configs

log = structlog.get_logger()
_table = provider_configs.c


class PgProviderConfigs:
    """See `core.ports.ProviderConfigs`."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def version(self) -> int:
        [row] = await self._database.call("select provider_configs_version() as version")
        return int(row["version"])

    async def all(self) -> Sequence[ProviderConfig]:
        rows = await self._database.call("select * from provider_configs_all()")
        return [self._opened(dict(row)) for row in rows]

    async def find(self, key: ConfigKey) -> ProviderConfig | None:
        async def read(connection: AsyncConnection) -> RowMapping | None:
            query = select(provider_configs).where(*_is(key))
            return (await connection.execute(query)).mappings().one_or_none()

        row = await self._database.in_tenant(key.tenant_id, read)
        return self._opened(dict(row)) if row else None

    async def as_of(self, key: ConfigKey, version: int) -> ProviderConfig | None:
        kept = provider_config_versions

        async def read(connection: AsyncConnection) -> RowMapping | None:
            query = select(kept).where(*_is(key, kept), kept.c.version == version)
            return (await connection.execute(query)).mappings().one_or_none()

        row = await self._database.in_tenant(key.tenant_id, read)
        return self._opened(dict(row)) if row else None

    async def save(self, config: ProviderConfig, event: Event) -> bool:
        fields = self._fields(config)

        async def write(connection: AsyncConnection) -> bool:
            if config.version == 1:
                statement = insert(provider_configs).values(**fields).on_conflict_do_nothing()
                written = await connection.execute(statement)
            else:
                written = await connection.execute(
                    update(provider_configs)
                    .where(*_is(config.key), _table.version == config.version - 1)
                    .values(**fields)
                )
            if written.rowcount != 1:
                return False
            await add_event(connection, config.key.tenant_id, event, config.updated_at)
            return True

        return await self._database.in_tenant(config.key.tenant_id, write)

    def _fields(self, config: ProviderConfig) -> dict[str, object]:
        secrets = {"credentials": dict(config.credentials), "headers": dict(config.headers)}
        return {
            **config.key._asdict(),
            "service": config.key.service.value,
            "base_url": config.base_url,
            "sealed": self._keyring.encrypt(json.dumps(secrets)),
            "timeout_s": config.timeout_s,
            "retry_attempts": config.retry_attempts,
            "endpoints": dict(config.endpoints),
            "priority": config.priority,
            "active": config.active,
            "version": config.version,
            "updated_at": config.updated_at,
            "updated_by": config.updated_by,
        }

    def _opened(self, fields: dict[str, Any]) -> ProviderConfig:
        key = ConfigKey(
            fields.pop("tenant_id"), Product(fields.pop("service")), fields.pop("provider")
        )
        secrets = self._secrets(key, fields.pop("sealed"))
        return ProviderConfig(key=key, **fields, **secrets)

    def _secrets(self, key: ConfigKey, sealed: str) -> dict[str, Any]:
        try:
            opened: dict[str, Any] = json.loads(self._keyring.decrypt(sealed))
        except Unreadable:
            log.exception("provider_config.unreadable", provider=key.provider)
            return {}
        return opened


def _is(key: ConfigKey, table: Table = provider_configs) -> tuple[ColumnElement[bool], ...]:
    return (
        table.c.tenant_id == key.tenant_id,
        table.c.service == key.service.value,
        table.c.provider == key.provider,
    )
