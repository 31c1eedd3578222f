"""Customers who talk to a person: `/chats`."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import NO_NUL, Answer, Envelope, Listing, PageQuery, Told, Words
from api.admin.resource import resource
from core.domain.live_chat import Heard, LiveChat, LiveMessage, LiveState
from core.kit import ids
from core.services.live_chat import TEXT_MAX

_STATES: Mapping[str | None, tuple[LiveState, ...]] = {
    None: (),
    "open": (LiveState.WAITING, LiveState.TAKEN),
    "waiting": (LiveState.WAITING,),
    "taken": (LiveState.TAKEN,),
    "closed": (LiveState.CLOSED,),
}


class ChatShown(Answer):
    """`code` is what operators call it; `taken_by` who answers, `channel` where the customer is.

    `closed_by` is `customer`, `callbox` (it was quiet), who of us did, or, where the account is the
    customer's no more, `unlinked`, `replaced` or `released`.
    """

    id: UUID
    code: str
    status: LiveState
    customer_id: UUID
    msisdn: str
    channel: str
    taken_by: str | None
    opened_at: dt.datetime
    last_at: dt.datetime
    taken_at: dt.datetime | None
    closed_at: dt.datetime | None
    closed_by: str | None


class MessageShown(Answer):
    """`author` is `customer`, `callbox`, or who of us said it. `why` tells why one `failed`."""

    id: UUID
    author: str
    text: str
    status: Heard
    why: str | None
    at: dt.datetime


class ChatWhole(ChatShown):
    messages: Sequence[MessageShown]


class SayBody(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    text: Annotated[str, StringConstraints(min_length=1, max_length=TEXT_MAX, pattern=NO_NUL)] = (
        Field(description="What the customer is told.")
    )
    idempotency_key: Words | None = Field(None, min_length=1)


def router(core: AdminCore) -> APIRouter:
    routes = resource("/chats", "chats")
    reads = Depends(needing(core, "chats:read"))
    writes = Depends(needing(core, "chats:write"))

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        status: Literal["open", "waiting", "taken", "closed"] | None = None,
        sort_by: Literal["created_at"] = "created_at",
    ) -> Listing[ChatShown]:
        """Talks with a person, the latest first."""
        states = _STATES[status]
        rows = await core.live_chats.listed(access.tenant_id, states, page.paging(sort_by))
        total = await core.live_chats.count(access.tenant_id, states) if page.counted else None
        last = page.last_shown(rows)
        place = (last.opened_at, last.id) if last else None
        shown, pagination = page.listing(rows, total, place=place)
        return Listing(data=[ChatShown(**_fields(row)) for row in shown], pagination=pagination)

    @routes.get("/{chat_id}")
    async def show(chat_id: UUID, access: Annotated[Access, reads]) -> Envelope[ChatWhole]:
        """One talk with what was said, the oldest first."""
        chat, messages = await core.live_chats.show(access.tenant_id, chat_id)
        said = [_message(message) for message in messages]
        return Envelope(data=ChatWhole(**_fields(chat), messages=said))

    @routes.post("/{chat_id}/messages")
    async def say(
        chat_id: UUID, body: SayBody, access: Annotated[Access, writes]
    ) -> Told[MessageShown]:
        """Tell the customer something, once per `idempotency_key`; takes a chat that waits."""
        chat, _ = await core.live_chats.show(access.tenant_id, chat_id)
        key = f"api:{chat_id}:{body.idempotency_key or ids.uuid7()}"
        message = await core.live_chats.say(chat, access.actor, body.text, key=key)
        return Told(data=_message(message), message="It is on its way.")

    @routes.post("/{chat_id}/close")
    async def close(chat_id: UUID, access: Annotated[Access, writes]) -> Told[ChatShown]:
        """Hand the customer back to the menus. Again changes nothing."""
        chat, _ = await core.live_chats.show(access.tenant_id, chat_id)
        closed = await core.live_chats.close(chat, access.actor)
        return Told(data=ChatShown(**_fields(closed)), message="It is closed.")

    return routes


def _fields(chat: LiveChat) -> dict[str, object]:
    own = (name for name in ChatShown.model_fields if name != "status")
    return {**{name: getattr(chat, name) for name in own}, "status": chat.state}


def _message(message: LiveMessage) -> MessageShown:
    return MessageShown(
        id=message.id,
        author=message.author,
        text=message.text,
        status=message.state,
        why=message.why,
        at=message.at,
    )
