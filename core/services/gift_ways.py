"""The ways into a gift from its page: dialled, in a chat, and passed on to others."""

from urllib.parse import quote

from core.domain.customers import Tenant
from core.domain.gift_pages import Ways
from core.domain.gifts import Room
from core.services.gift_sharing import GiftSharing
from core.services.identities import ChannelsOfTenant


class GiftWays:
    def __init__(self, sharing: GiftSharing, channels: ChannelsOfTenant) -> None:
        self._sharing = sharing
        self._channels = channels

    async def of(self, room: Room, tenant: Tenant) -> Ways:
        shared = await self._sharing.of(room, tenant.language)
        number = await self._whatsapp_number(tenant)
        said = quote(f"gift {room.code}", safe="")
        return Ways(
            page=shared.page,
            dial=shared.dial,
            telegram=shared.telegram,
            whatsapp=f"https://wa.me/{number}?text={said}" if number else "",
            share=shared.whatsapp,
        )

    async def _whatsapp_number(self, tenant: Tenant) -> str:
        """The number that this tenant is written to at, or ""."""
        for record in await self._channels.of_tenant(tenant.id):
            if record.kind == "whatsapp" and record.active:
                number = str(record.settings.get("number") or "")
                if digits := "".join(filter(str.isdecimal, number)):
                    return digits
        return ""
