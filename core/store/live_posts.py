"""What chats of the operators' bot are still to be told of talks with a person.

A row is written in the commit that makes it news, and deleted once it was told.
"""

import datetime as dt
from uuid import UUID

from sqlalchemy import and_, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.store.tables import live_chats, operator_chats, operator_posts


async def post(
    connection: AsyncConnection,
    live_chat: UUID,
    kind: str,
    at: dt.datetime,
    live_message: UUID | None = None,
) -> None:
    """Have whoever answers this chat told; where nobody has taken it, all who subscribed."""
    waits = live_chats.c.taken_by.is_(None)
    whom = or_(
        and_(waits, operator_chats.c.subscribed),
        operator_chats.c.chat_id == live_chats.c.operator_chat,
    )
    each = (
        select(
            live_chats.c.tenant_id,
            operator_chats.c.chat_id,
            literal(kind),
            live_chats.c.id,
            literal(live_message, operator_posts.c.live_message.type),
            literal(at, operator_posts.c.at.type),
        )
        .join_from(live_chats, operator_chats, operator_chats.c.tenant_id == live_chats.c.tenant_id)
        .where(live_chats.c.id == live_chat, whom)
        .order_by(operator_chats.c.chat_id)
    )
    columns = ["tenant_id", "chat_id", "kind", "live_chat", "live_message", "at"]
    await connection.execute(insert(operator_posts).from_select(columns, each))
