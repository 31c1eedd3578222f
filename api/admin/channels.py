"""The ways by which a tenant is reached: `/channels`.

Keys are shown once, when they are made; credentials go in, never out.
"""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Listing, PageQuery, Told, Words
from api.admin.resource import resource
from core.ports import ChannelQuery, ChannelRecord
from core.services.channel_desk import ChannelChange, Opened

_SOON = "In force in every process within five seconds."
_ONCE = "The key is shown this once."


class ChannelBody(BaseModel):
    """What to set. What is left out stays as it is; an empty credential is taken away.

    `settings` are replaced as a whole; `api_base_url` stands beside them.
    """

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    service_code: Words | None = None
    api_base_url: str | None = Field(None, max_length=500)
    settings: dict[str, Any] | None = None
    credentials: dict[str, SecretStr] | None = None

    def change(self, *, active: bool | None = None) -> ChannelChange:
        given = self.credentials or {}
        return ChannelChange(
            service_code=self.service_code,
            api_base_url=self.api_base_url,
            settings=self.settings,
            credentials={name: each.get_secret_value().strip() for name, each in given.items()},
            active=active,
        )


class NewChannel(ChannelBody):
    """A chat channel's `gateway` may be left out: it is called as its kind."""

    kind: Words
    gateway: Words = ""


class ChangedChannel(ChannelBody):
    is_active: bool | None = None


class ChannelShown(Answer):
    """A channel without its secrets. `credentials` names those that are set."""

    id: UUID
    kind: str
    gateway: str
    service_code: str
    api_base_url: str | None
    settings: dict[str, Any]
    credentials: list[str]
    is_active: bool
    created_at: dt.datetime


class ChannelOpened(ChannelShown):
    """With its key, this once. `path` is what the gateway or the messenger calls."""

    key: str
    path: str


class Tested(Answer):
    """What came of a harmless question. `message` says what is wrong or still to be done."""

    ok: bool
    facts: Mapping[str, str | int | bool]


def router(core: AdminCore, ussd: Collection[str]) -> APIRouter:
    routes = resource("/channels", "channels")
    reads = Depends(needing(core, "channels:read"))
    writes = Depends(needing(core, "channels:write"))
    desk = core.channel_desk.with_gateways(ussd=ussd)

    async def opened(access: Access, made: Opened) -> ChannelOpened:
        record = await desk.show(access.tenant_id, made.id)
        return ChannelOpened(**_fields(record), key=made.key, path=made.path)

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        search: Annotated[Words, Query(description="Part of a code or a gateway's name.")] = "",
        status: Literal["active", "disabled"] | None = None,
        kind: Literal["ussd", "telegram", "whatsapp", "callback"] | None = None,
        sort_by: Literal["created_at"] = "created_at",
    ) -> Listing[ChannelShown]:
        """Channels of this tenant, those that are off included, the latest first."""
        active = None if status is None else status == "active"
        query = ChannelQuery(search.strip(), kind, active)
        rows = await desk.listed(access.tenant_id, query, page.paging(sort_by))
        total = await desk.count(access.tenant_id, query) if page.counted else None
        last = page.last_shown(rows)
        place = (last.created_at, last.id) if last else None
        shown, pagination = page.listing(rows, total, place=place)
        return Listing(data=[ChannelShown(**_fields(row)) for row in shown], pagination=pagination)

    @routes.post("")
    async def create(body: NewChannel, access: Annotated[Access, writes]) -> Told[ChannelOpened]:
        """Open a channel. It serves at once, with no restart."""
        made = await desk.create(
            access.tenant_id,
            body.kind,
            body.gateway,
            body.service_code or "",
            access.actor,
            wanted=body.change(),
        )
        message = f"{_ONCE} {made.remark}".rstrip()
        return Told(data=await opened(access, made), message=message)

    @routes.get("/{channel_id}")
    async def show(channel_id: UUID, access: Annotated[Access, reads]) -> Envelope[ChannelShown]:
        """One channel."""
        return Envelope(data=ChannelShown(**_fields(await desk.show(access.tenant_id, channel_id))))

    @routes.put("/{channel_id}")
    async def put(
        channel_id: UUID, body: ChangedChannel, access: Annotated[Access, writes]
    ) -> Told[ChannelShown]:
        """Change a channel, or switch it on again."""
        wanted = body.change(active=body.is_active)
        record = await desk.change(access.tenant_id, channel_id, wanted, access.actor)
        return Told(data=ChannelShown(**_fields(record)), message=_SOON)

    @routes.delete("/{channel_id}")
    async def disable(channel_id: UUID, access: Annotated[Access, writes]) -> Told[ChannelShown]:
        """Take nothing more from a channel. Its row stays."""
        await desk.disable(access.tenant_id, channel_id, access.actor)
        record = await desk.show(access.tenant_id, channel_id)
        return Told(data=ChannelShown(**_fields(record)), message=_SOON)

    @routes.post("/{channel_id}/test")
    async def test(channel_id: UUID, access: Annotated[Access, writes]) -> Told[Tested]:
        """Ask the messenger something harmless, or tell what to give the gateway."""
        probed = await desk.test(access.tenant_id, channel_id)
        tested = Tested(ok=probed.ok, facts=dict(probed.facts))
        return Told(data=tested, message=probed.why or "All is well.")

    @routes.post("/{channel_id}/rotate-key")
    async def rotate(channel_id: UUID, access: Annotated[Access, writes]) -> Told[ChannelOpened]:
        """Give a channel a new key. The old one ends within five seconds."""
        made = await desk.rotate(access.tenant_id, channel_id, access.actor)
        return Told(data=await opened(access, made), message=_ONCE)

    return routes


def _fields(record: ChannelRecord) -> dict[str, Any]:
    settings = dict(record.settings)
    base_url = settings.pop("api_base_url", None)
    return {
        "id": record.id,
        "kind": record.kind,
        "gateway": record.gateway,
        "service_code": record.service_code,
        "api_base_url": base_url,
        "settings": settings,
        "credentials": list(record.credentials),
        "is_active": record.active,
        "created_at": record.created_at,
    }
