"""Gift rooms: `/gift-rooms`."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from api.admin.auth import Access, Check, needing
from api.admin.core import AdminCore
from api.admin.envelope import Envelope, Listing, PageQuery, Told, Words
from api.admin.gift_shapes import (
    GiftFigures,
    GiftRoomDetail,
    GiftRoomShown,
    GiftSettings,
    GiftSettingsBody,
    ReasonBody,
    detail_of,
    figures_of,
    room_of,
    settings_of,
    terms_of,
    wrong,
)
from api.admin.resource import resource
from core.domain.gifts import RoomState
from core.kit.clock import utc_now
from core.ports.gifts import GiftSort
from core.services.gift_desk import WENT_ON

_MONTH = dt.timedelta(days=30)


def router(core: AdminCore) -> APIRouter:
    routes = resource("/gift-rooms", "gift rooms")
    reads = Depends(needing(core, "gifts:read"))
    writes_check = needing(core, "gifts:write")
    writes = Depends(writes_check)

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        search: Annotated[Words, Query(description="Part of a code or of a number.")] = "",
        status: RoomState | None = None,
        sort_by: GiftSort = "created_at",
    ) -> Listing[GiftRoomShown]:
        """Gift rooms of this tenant, the latest first."""
        paging = page.paging(sort_by)
        if paging.after is not None:
            raise wrong({"cursor": "does not go with this list: use page"})
        rows, total = await core.gift_desk.listed(
            access.tenant_id,
            state=status,
            search=search,
            count=paging.per_page,
            offset=(paging.page - 1) * paging.per_page,
            sort_by=sort_by,
            descending=paging.descending,
        )
        shown, pagination = page.listing(rows, total, place=None)
        return Listing(data=[room_of(row, access) for row in shown], pagination=pagination)

    @routes.get("/settings")
    async def settings(access: Annotated[Access, reads]) -> Envelope[GiftSettings]:
        """What new rooms may be."""
        return Envelope(data=settings_of(*await core.gift_desk.terms(access.tenant_id)))

    @routes.put("/settings")
    async def change(
        body: GiftSettingsBody, access: Annotated[Access, writes]
    ) -> Told[GiftSettings]:
        """Change what new rooms may be. Those that are open stay as they are."""
        _, currency = await core.gift_desk.terms(access.tenant_id)
        terms = terms_of(body, currency)
        await core.gift_desk.change(access.tenant_id, terms, reason=body.reason, actor=access.actor)
        return Told(data=settings_of(terms, currency), message="It holds for new gift rooms.")

    @routes.get("/figures")
    async def figures(
        access: Annotated[Access, reads],
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
    ) -> Envelope[GiftFigures]:
        """How gift rooms do: of the last 30 days, where no time is given."""
        end = until or utc_now()
        start = since or end - _MONTH
        if start >= end:
            raise wrong({"since": "should be before until"})
        found = await core.gift_desk.figures(access.tenant_id, start, end)
        return Envelope(data=figures_of(found, start, end))

    @routes.get("/{room_id}")
    async def show(room_id: UUID, access: Annotated[Access, reads]) -> Envelope[GiftRoomDetail]:
        """One room: who took part, who was kept out and why, and what is in escrow."""
        found = await core.gift_desk.show(access.tenant_id, room_id)
        return Envelope(data=detail_of(found, access))

    _actions(routes, core, writes_check)
    return routes


def _actions(routes: APIRouter, core: AdminCore, may_write: Check) -> None:
    """What is done to one room. Each tells how it stands then."""
    writes = Depends(may_write)

    async def done(room_id: UUID, access: Access, message: str) -> Told[GiftRoomDetail]:
        found = await core.gift_desk.show(access.tenant_id, room_id)
        return Told(data=detail_of(found, access), message=message)

    @routes.post("/{room_id}/freeze")
    async def freeze(
        room_id: UUID, body: ReasonBody, access: Annotated[Access, writes]
    ) -> Told[GiftRoomDetail]:
        """Stop it: nobody wins, nothing expires, nothing is paid. Twice is once."""
        await core.gift_desk.freeze(
            access.tenant_id, room_id, frozen=True, reason=body.reason, actor=access.actor
        )
        return await done(room_id, access, "It is frozen.")

    @routes.post("/{room_id}/unfreeze")
    async def unfreeze(
        room_id: UUID, body: ReasonBody, access: Annotated[Access, writes]
    ) -> Told[GiftRoomDetail]:
        """Let it go on: winners who have a PIN by now are paid and told. Twice is once."""
        room = await core.gift_desk.freeze(
            access.tenant_id, room_id, frozen=False, reason=body.reason, actor=access.actor
        )
        return await done(room_id, access, WENT_ON if room.state.final else "It goes on.")

    @routes.post("/{room_id}/cancel")
    async def cancel(
        room_id: UUID, body: ReasonBody, access: Annotated[Access, writes]
    ) -> Told[GiftRoomDetail]:
        """End it. What nobody won goes back to the giver, once; winners keep theirs."""
        await core.gift_desk.cancel(
            access.tenant_id, room_id, reason=body.reason, actor=access.actor
        )
        return await done(room_id, access, "It has ended; what nobody won went back.")
