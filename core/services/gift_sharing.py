"""How a gift is passed on: the words, and where they lead on each channel."""

from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote
from uuid import UUID

from core.domain.customers import Customer
from core.domain.gifts import Room
from core.kit.clock import Clock
from core.kit.money import show
from core.kit.msisdn import local, masked
from core.kit.texts import Texts
from core.ports import NewNotice, Outbox
from core.services.identities import ChannelsOfTenant

DIALLED_AS = "9"
"""The shortcut that a code is dialled after: `*347*100*9*CODE#`."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a gift is shared by.

    Attributes:
        page: Of everybody, where it can be seen and opened.
        dial: What is dialled to open it, or "" where nothing is.
        whatsapp: A link that asks WhatsApp for a chat to send `text` to.
        telegram: A link into our bot's chat with the gift, or "" where there is no bot.
        text: What is said to friends, links included.
    """

    page: str
    dial: str
    whatsapp: str
    telegram: str
    text: str


class BotName(Protocol):
    """See `core.services.deep_links.DeepLinks`."""

    async def bot_of(self, tenant_id: UUID) -> str | None: ...


class GiftSharing:
    def __init__(
        self,
        channels: ChannelsOfTenant,
        links: BotName,
        outbox: Outbox,
        texts: Texts,
        clock: Clock,
        *,
        public_url: str,
    ) -> None:
        self._channels = channels
        self._links = links
        self._outbox = outbox
        self._texts = texts
        self._clock = clock
        self._public_url = public_url.rstrip("/")

    async def of(self, room: Room, language: str) -> Sharing:
        dial = await self.dial(room.tenant_id, room.code)
        bot = await self._links.bot_of(room.tenant_id)
        page = f"{self._public_url}/gift/{room.token}"
        said = "gift.share_text" if dial else "gift.share_text.undialled"
        facts = {"giver": giver_of(room), "amount": show(room.total), "page": page, "dial": dial}
        text = self._texts.get(language, said, **facts)
        return Sharing(
            page=page,
            dial=dial,
            whatsapp=f"https://wa.me/?text={quote(text, safe='')}",
            telegram=f"https://t.me/{bot}?start=gift-{room.code}" if bot else "",
            text=text,
        )

    async def send(self, room: Room, customer: Customer, key: str) -> None:
        """Text the creator what friends need, to be passed on, once per `key`.

        Nothing can be copied off a dialled screen.
        """
        sharing = await self.of(room, customer.language)
        notice = NewNotice(
            key=f"gift-share:{room.id}:{key}",
            tenant_id=room.tenant_id,
            customer_id=customer.id,
            text="notice.gift_share" if sharing.dial else "notice.gift_share.undialled",
            facts={"page": sharing.page, "dial": sharing.dial},
        )
        await self._outbox.add(notice, self._clock.now())

    async def dial(self, tenant_id: UUID, code: str) -> str:
        """What is dialled to open that gift; "" where the tenant has no service code."""
        for record in await self._channels.of_tenant(tenant_id):
            if record.kind == "ussd" and record.active and record.service_code:
                return f"{record.service_code.removesuffix('#')}*{DIALLED_AS}*{code}#"
        return ""


def giver_of(room: Room) -> str:
    """What the creator is called before others: a name, or a number that nobody can call."""
    return room.from_name or masked(local(room.creator_msisdn))
