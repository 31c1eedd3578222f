"""Links into a chat that carry a token: single-use, opaque, and good for a while.

A token stands for a shortcut with answers, or for an account that somebody wants to link: it was
asked for on another channel, with the PIN, so whoever brings it is let in. It is derived from the
key of the step that makes it: the same step run again makes the same link.
"""

import datetime as dt
import hashlib
import re
import secrets
from collections.abc import Mapping
from uuid import UUID

import structlog

from core.domain.customers import Customer
from core.domain.linking import DeepLink
from core.domain.turns import Inbound
from core.kit import ids
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.texts import Texts
from core.ports import Customers, NewNotice, Outbox
from core.ports.chat import Proposal
from core.ports.identities import Links
from core.services.identities import ChannelsOfTenant
from core.services.linking import Linking, TakenMeanwhile

log = structlog.get_logger()

LINK_ACCOUNT = "link_account"
"""Not a shortcut: whoever follows the link becomes an identity of the customer's."""

LINK_GOOD_FOR = dt.timedelta(minutes=10)

# What a gift is shared by, however often: it lets nobody in, and a code is no secret.
_GIFT = re.compile(r"gift-([2-9]{8})", re.ASCII)
_TOKEN = re.compile(r"[\w-]{24}", re.ASCII)
_KIND = "kind"
_USERNAME = re.compile(r"\w{5,32}", re.ASCII)


class DeepLinks:
    """Makes links, and keeps `core.ports.identities.StartWords` for whoever follows them."""

    def __init__(
        self,
        links: Links,
        customers: Customers,
        linking: Linking,
        channels: ChannelsOfTenant,
        outbox: Outbox,
        texts: Texts,
        keyring: Keyring,
        clock: Clock,
    ) -> None:
        self._links = links
        self._customers = customers
        self._linking = linking
        self._channels = channels
        self._outbox = outbox
        self._texts = texts
        self._keyring = keyring
        self._clock = clock

    async def make(
        self,
        tenant_id: UUID,
        shortcut: str,
        given: Mapping[str, str] | None = None,
        *,
        good_for: dt.timedelta,
        customer_id: UUID | None = None,
        key: str = "",
    ) -> str:
        """A token for one use, as a link carries it: 24 of `A-Za-z0-9_-`. Kept nowhere itself."""
        token = self._keyring.digest("deep-link", str(tenant_id), key or secrets.token_hex(16))
        now = self._clock.now()
        link = DeepLink(
            id=ids.uuid7(),
            tenant_id=tenant_id,
            shortcut=shortcut,
            given=dict(given or {}),
            expires_at=now + good_for,
            customer_id=customer_id,
        )
        await self._links.keep(_hash(token), link, now)
        return token

    async def make_for_account(self, customer: Customer, kind: str, key: str) -> str:
        """A token that links an account of that kind to this customer. The PIN was given."""
        return await self.make(
            customer.tenant_id,
            LINK_ACCOUNT,
            {_KIND: kind},
            good_for=LINK_GOOD_FOR,
            customer_id=customer.id,
            key=key,
        )

    async def bot_of(self, tenant_id: UUID) -> str | None:
        """The name of this tenant's Telegram bot, if there is one that a link can lead to."""
        for record in await self._channels.of_tenant(tenant_id):
            if record.kind == "telegram" and record.active:
                channel = await self._channels.get(record.id)
                username = str(channel.settings.get("username") or "") if channel else ""
                if _USERNAME.fullmatch(username):
                    return username
        return None

    async def text(self, customer: Customer, link: str, key: str) -> None:
        """Send it by SMS, once per `key`."""
        notice = NewNotice(
            key=f"link:{key}",
            tenant_id=customer.tenant_id,
            customer_id=customer.id,
            text="notice.link_account",
            facts={"link": link, "minutes": int(LINK_GOOD_FOR.total_seconds() // 60)},
            secret=True,
        )
        await self._outbox.add(notice, self._clock.now())

    async def use(self, tenant_id: UUID, token: str, by: str) -> DeepLink | None:
        """Use a token up; None when it is nobody's, was used by another, or is late."""
        link = await self._links.find(tenant_id, _hash(token))
        if link is None or not await self._links.use(link, by, self._clock.now()):
            return None
        return link

    async def follow(
        self, inbound: Inbound, word: str, mark: str, customer: Customer | None, language: str
    ) -> Proposal | None:
        """See `core.ports.identities.StartWords`."""
        if gift := _GIFT.fullmatch(word):
            return Proposal("gift", {"code": gift.group(1)})
        if not _TOKEN.fullmatch(word):
            return None
        link = await self._links.find(inbound.channel.tenant_id, _hash(word))
        if link is None:
            return None
        by = self._keyring.digest("follows", str(inbound.channel.id), inbound.identity, mark)
        if link.shortcut == LINK_ACCOUNT:
            return await self._follow_home(inbound, link, by, customer, language)
        if customer is None:
            return None  # it waits until they have come through the door
        if not await self._links.use(link, by, self._clock.now()):
            return self._told("start.gone", language)
        return Proposal(link.shortcut, link.given)

    async def _follow_home(
        self, inbound: Inbound, link: DeepLink, by: str, customer: Customer | None, language: str
    ) -> Proposal:
        """Let an account in that its owner sent a link to."""
        if inbound.channel.kind != link.given.get(_KIND) or link.customer_id is None:
            return self._told("start.gone", language)
        if customer is not None and customer.id != link.customer_id:
            return self._told("start.taken", language)  # and the link is good for another account
        if not await self._links.use(link, by, self._clock.now()):
            return self._told("start.gone", language)
        whose = await self._customers.get(link.tenant_id, link.customer_id)
        try:
            await self._linking.join_by_link(inbound.channel, inbound.identity, whose, inbound.name)
        except TakenMeanwhile:
            return self._told("start.taken", language)
        return self._told("start.linked", whose.language)

    def _told(self, text: str, language: str) -> Proposal:
        return Proposal("", notice=self._texts.get(language, text))


def _hash(token: str) -> str:
    """Plain SHA-256 does: a token has more random bits than anybody can try."""
    return hashlib.sha256(token.encode()).hexdigest()
