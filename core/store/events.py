"""What happened, written beside what it changed."""

import datetime as dt
from uuid import UUID

from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.ports import Event
from core.store.tables import events


async def add_event(
    connection: AsyncConnection, tenant_id: UUID, event: Event, at: dt.datetime
) -> None:
    """Write an event in the caller's transaction."""
    await connection.execute(
        insert(events).values(
            subject=event.subject,
            tenant_id=tenant_id,
            kind=event.kind,
            actor=event.actor,
            facts=dict(event.facts),
            at=at,
        )
    )
