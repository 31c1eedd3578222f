"""Routers in Postgres. Passwords and certificates are sealed with the keyring."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, case, exists, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.hotspot import Limits, Load, Place, Router, RouterStatus
from core.domain.routers import RouterAccess
from core.domain.vouchers import SaleState
from core.kit.crypto import Keyring
from core.ports import Event, Paging
from core.ports.hotspot_books import RouterQuery
from core.store.database import Database
from core.store.events import add_event
from core.store.hotspot_tables import routers, vouchers
from core.store.pages import paged

_LIVING = routers.c.removed_at.is_(None)
_OWED = [state.value for state in SaleState if state.paid or state is SaleState.REFUND_DUE]


class PgRouters:
    """See `core.ports.hotspot_books.RouterBook`."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def add(self, router: Router, event: Event, at: dt.datetime) -> bool:
        row = self._row(router) | {
            "id": router.id,
            "tenant_id": router.tenant_id,
            "status": router.status.value,
            "status_since": at,
            "attention": "",
            "active_users": 0,
            "bandwidth_bps": 0,
            "addresses_used": 0,
            "addresses_total": 0,
            "serial": "",
            "created_at": at,
        }

        async def write(connection: AsyncConnection) -> bool:
            added = insert(routers).values(row).on_conflict_do_nothing(index_elements=["id"])
            if not (await connection.execute(added)).rowcount:
                return False
            await _enlist(connection, router, at)
            await add_event(connection, router.tenant_id, event, at)
            return True

        return await self._unless_named_alike(router.tenant_id, write)

    async def change(self, router: Router, event: Event, at: dt.datetime) -> bool:
        statement = _one(router.tenant_id, router.id).values(self._row(router))

        async def write(connection: AsyncConnection) -> bool:
            if not (await connection.execute(statement)).rowcount:
                return False
            await _enlist(connection, router, at)
            await add_event(connection, router.tenant_id, event, at)
            return True

        return await self._unless_named_alike(router.tenant_id, write)

    async def remove(self, tenant_id: UUID, router_id: UUID, event: Event, at: dt.datetime) -> bool:
        owed = exists().where(
            vouchers.c.router_id == router_id,
            vouchers.c.sync_state != "gone",
            vouchers.c.sale_state.in_(_OWED),
        )
        statement = _one(tenant_id, router_id).where(~owed).values(removed_at=at, selling=False)

        async def write(connection: AsyncConnection) -> bool:
            if not (await connection.execute(statement)).rowcount:
                return False
            await add_event(connection, tenant_id, event, at)
            return True

        return await self._database.in_tenant(tenant_id, write)

    async def get(self, tenant_id: UUID, router_id: UUID) -> Router | None:
        found = await self._read(tenant_id, routers.c.id == router_id)
        return found[0] if found else None

    async def listed(self, tenant_id: UUID, query: RouterQuery, paging: Paging) -> Sequence[Router]:
        wanted = paged(select(routers).where(*_which(tenant_id, query)), routers, paging)

        async def read(connection: AsyncConnection) -> Sequence[Router]:
            return [self._router(row) for row in (await connection.execute(wanted)).mappings()]

        return await self._database.in_tenant(tenant_id, read)

    async def count(self, tenant_id: UUID, query: RouterQuery) -> int:
        counted = select(func.count()).select_from(routers).where(*_which(tenant_id, query))

        async def read(connection: AsyncConnection) -> int:
            return int(await connection.scalar(counted) or 0)

        return await self._database.in_tenant(tenant_id, read)

    async def selling(self, tenant_id: UUID) -> Sequence[Router]:
        return await self._read(tenant_id, routers.c.selling)

    async def all(self) -> Sequence[Router]:
        rows = await self._database.call("select * from router_all()")
        return [self._router(dict(row)) for row in rows]

    def opened(self, row: Mapping[str, Any]) -> Router:
        """A router of a row that another statement read. Raises `Unreadable`."""
        return self._router(row)

    async def found(
        self, router: Router, status: RouterStatus, at: dt.datetime, *, attention: str = ""
    ) -> bool:
        other = routers.c.status != status.value
        # What takes a person stays until one has been there.
        stays = (routers.c.status == "needs_attention") & (routers.c.attention != "")
        answered = status.reachable and status is not RouterStatus.DEGRADED
        seen = {"seen_at": at} if answered else {}
        moved = (
            _one(router.tenant_id, router.id)
            .where(other, ~stays)
            .values(status=status.value, status_since=at, attention=attention, **seen)
        )

        async def write(connection: AsyncConnection) -> bool:
            if (await connection.execute(moved)).rowcount:
                if status.reachable and not router.status.reachable:
                    await _wake(connection, router, at)
                return True
            if seen:
                await connection.execute(_one(router.tenant_id, router.id).values(seen))
            return False

        return await self._database.in_tenant(router.tenant_id, write)

    async def attended(self, router: Router, event: Event, at: dt.datetime) -> None:
        statement = _one(router.tenant_id, router.id).values(
            attention="",
            status_since=at,
            status=case(
                (routers.c.status == "needs_attention", RouterStatus.RECOVERING.value),
                else_=routers.c.status,
            ),
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement)
            await _wake(connection, router, at)
            await add_event(connection, router.tenant_id, event, at)

        await self._database.in_tenant(router.tenant_id, write)

    async def measured(self, router: Router, load: Load) -> None:
        statement = _one(router.tenant_id, router.id).values(
            active_users=load.active_users,
            bandwidth_bps=load.bandwidth_bps,
            addresses_used=load.addresses_used,
            addresses_total=load.addresses_total,
            measured_at=load.at,
        )

        async def write(connection: AsyncConnection) -> None:
            await connection.execute(statement)

        await self._database.in_tenant(router.tenant_id, write)

    async def _unless_named_alike(self, tenant_id: UUID, write: Any) -> bool:
        try:
            return bool(await self._database.in_tenant(tenant_id, write))
        except IntegrityError as error:
            if "routers_living" in str(error.orig):
                return False
            raise

    async def _read(self, tenant_id: UUID, *which: ColumnElement[bool]) -> list[Router]:
        query = select(routers).where(routers.c.tenant_id == tenant_id, _LIVING, *which)

        async def read(connection: AsyncConnection) -> list[Router]:
            rows = await connection.execute(query.order_by(routers.c.name))
            return [self._router(row) for row in rows.mappings()]

        return await self._database.in_tenant(tenant_id, read)

    def _row(self, router: Router) -> dict[str, Any]:
        access = router.access
        secrets = {"password": access.password, "certificate": access.certificate}
        return {
            "name": router.name,
            "host": access.host,
            "port": access.port,
            "username": access.username,
            "tls": access.tls,
            "sealed": self._keyring.encrypt(json.dumps(secrets)),
            "server": router.server,
            "login_url": router.login_url,
            "location": router.place.location,
            "latitude": router.place.latitude,
            "longitude": router.place.longitude,
            "group_name": router.group,
            "active_users_max": router.limits.active_users_max,
            "bandwidth_max_bps": router.limits.bandwidth_max_bps,
            "addresses_used_max_percent": router.limits.addresses_used_max_percent,
            "selling": router.selling,
        }

    def _router(self, row: RowMapping | Mapping[str, Any]) -> Router:
        return Router(
            id=row["id"],
            tenant_id=row["tenant_id"],
            name=row["name"],
            access=access_of(self._keyring, row),
            server=row["server"],
            login_url=row["login_url"],
            place=Place(row["location"], row["latitude"], row["longitude"]),
            group=row["group_name"],
            limits=Limits(
                row["active_users_max"],
                row["bandwidth_max_bps"],
                row["addresses_used_max_percent"],
            ),
            selling=row["selling"],
            status=RouterStatus(row["status"]),
            status_since=row["status_since"],
            seen_at=row["seen_at"],
            load=Load(
                row["active_users"],
                row["bandwidth_bps"],
                row["addresses_used"],
                row["addresses_total"],
                row["measured_at"],
            ),
            serial=row["serial"],
            attention=row["attention"],
        )


def access_of(keyring: Keyring, row: RowMapping | Mapping[str, Any]) -> RouterAccess:
    """How a kept router is reached. Raises `Unreadable` when no present key opens its secrets."""
    secrets = json.loads(keyring.decrypt(row["sealed"]))
    return RouterAccess(
        host=row["host"],
        username=row["username"],
        password=secrets["password"],
        port=row["port"],
        tls=row["tls"],
        certificate=secrets["certificate"],
    )


def _one(tenant_id: UUID, router_id: UUID) -> Any:
    return update(routers).where(
        routers.c.id == router_id, routers.c.tenant_id == tenant_id, _LIVING
    )


def _which(tenant_id: UUID, query: RouterQuery) -> list[ColumnElement[bool]]:
    which = [routers.c.tenant_id == tenant_id, _LIVING]
    if query.search:
        columns = (routers.c.name, routers.c.host, routers.c.location)
        which.append(or_(*(each.icontains(query.search, autoescape=True) for each in columns)))
    if query.status is not None:
        which.append(routers.c.status == query.status.value)
    if query.group:
        which.append(routers.c.group_name == query.group)
    return which


async def _enlist(connection: AsyncConnection, router: Router, at: dt.datetime) -> None:
    await connection.execute(select(func.router_enlist(router.tenant_id, router.id, at)))


async def _wake(connection: AsyncConnection, router: Router, at: dt.datetime) -> None:
    await connection.execute(select(func.router_wake(router.tenant_id, router.id, at)))
