"""What chats of the operators' bot are still to be told of talks with a person."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.live_chat import Post
from core.kit.crypto import Keyring
from core.store.database import Database
from core.store.live_rows import chat_where, message_of
from core.store.tables import live_chats, live_messages, operator_posts


class PgPosts:
    """See `core.ports.live_chat.Posts`."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def due(self, tenant_id: UUID, chat_id: int, count: int) -> Sequence[Post]:
        waiting = (
            select(operator_posts)
            .where(operator_posts.c.tenant_id == tenant_id, operator_posts.c.chat_id == chat_id)
            .order_by(operator_posts.c.id)
            .limit(count)
        )

        async def read(connection: AsyncConnection) -> list[Post]:
            rows = (await connection.execute(waiting)).mappings().all()
            found = []
            for row in rows:
                chat = await chat_where(connection, live_chats.c.id == row["live_chat"])
                said = select(live_messages).where(live_messages.c.id == row["live_message"])
                message = (await connection.execute(said)).mappings().one_or_none()
                assert chat is not None
                found.append(
                    Post(
                        id=row["id"],
                        tenant_id=tenant_id,
                        chat_id=chat_id,
                        kind=row["kind"],
                        at=row["at"],
                        chat=chat,
                        message=message_of(self._keyring, message) if message else None,
                    )
                )
            return found

        return await self._database.in_tenant(tenant_id, read)

    async def told(self, post: Post) -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                delete(operator_posts).where(
                    operator_posts.c.tenant_id == post.tenant_id, operator_posts.c.id == post.id
                )
            )

        await self._database.in_tenant(post.tenant_id, write)
