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
        home, number = await self._reached(tenant)
        said = quote(f"gift {room.code}", safe="")
        return Ways(
            page=shared.page,
            dial=shared.dial,
            home=home,
            telegram=shared.telegram,
            whatsapp=f"https://wa.me/{number}?text={said}" if number else "",
            share=shared.whatsapp,
        )

    async def _reached(self, tenant: Tenant) -> tuple[str, str]:
        """The service code that this tenant is dialled at, and its WhatsApp number; "" for none."""
        home = number = ""
        for record in await self._channels.of_tenant(tenant.id):
            if not record.active:
                continue
            if record.kind == "ussd":
                home = home or record.service_code
            elif record.kind == "whatsapp":
                told = str(record.settings.get("number") or "")
                number = number or "".join(filter(str.isdecimal, told))
        return home, number
