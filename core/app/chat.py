"""What answers people who write."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.domain.chat import Talk
from core.domain.turns import Channel
from core.engine import paging
from core.engine.paging import Capability
from core.jobs.notices import NoticeSender, Ways
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.texts import Texts
from core.ports import Customers, NoticeFates, Outbox, SmsSender
from core.ports.chat import Pace, Picturing, Unlocks
from core.services.aftermath import ChatAftermath
from core.services.chat import ChatDesk, ChatIngest, Persons
from core.services.chat import Surroundings as ChatSurroundings
from core.services.conversations import Conversations
from core.services.dead_letters import DeadLetters
from core.services.gift_inline import InlineGifts
from core.services.messengers import Messengers
from core.services.reach import ChatReach
from core.services.showing import Showing
from core.services.unlocking import KnownChannels, Unlocking
from core.store.inbox import PgInbox

CAPABILITIES: Mapping[str, Capability] = {
    "ussd": paging.USSD,
    "telegram": paging.TELEGRAM,
    "whatsapp": paging.WHATSAPP,
}
"""What each kind of channel can show; every screen is proven to fit all of them."""

CHATS_AT_ONCE = 64
# Longer than what is answered under one lease may take, shorter than what makes an act lapse.
CHAT_LEASE_S = 50.0


def capability_of(channel: Channel) -> Capability:
    """What a channel can show."""
    if channel.kind == "telegram" and channel.settings.get("typed_pin") is True:
        return paging.TELEGRAM_TYPED
    return CAPABILITIES[channel.kind]


@dataclass(frozen=True, slots=True)
class Chat:
    """What answers people who write."""

    ingest: ChatIngest
    pump: Pump[Talk]
    unlocking: Unlocking
    aftermath: ChatAftermath
    notices: NoticeSender


@dataclass(frozen=True, slots=True)
class SecretPages:
    """What the pages need where a PIN is given. `base_url`: where customers' browsers find them."""

    unlocks: Unlocks
    channels: KnownChannels
    customers: Customers
    base_url: str


@dataclass(frozen=True, slots=True)
class Telling:
    """What is needed to tell people something, and to mind what becomes of it."""

    outbox: Outbox
    fates: NoticeFates
    reach: ChatReach
    dead_letters: DeadLetters
    pace: Pace
    picturing: Picturing
    sms: SmsSender
    inline: InlineGifts


def wired_chat(
    inbox: PgInbox,
    conversations: Conversations,
    texts: Texts,
    clock: Clock,
    pages: SecretPages,
    telling: Telling,
    messengers: Messengers,
    persons: Persons,
) -> Chat:
    bell = Bell()
    aftermath = ChatAftermath(telling.reach, telling.fates, telling.pace, clock, telling.inline)
    ingest = ChatIngest(inbox, clock, bell)
    unlocking = Unlocking(
        pages.unlocks,
        conversations,
        ingest,
        pages.channels,
        pages.customers,
        clock,
        base_url=pages.base_url,
    )
    around = ChatSurroundings(
        turns=conversations,
        persons=persons,
        showing=Showing(telling.pace, telling.picturing, aftermath, telling.outbox, clock),
        unlock_url=unlocking.url,
        unsaid=texts.get("en", "secret.unsaid"),
    )
    desk = ChatDesk(inbox, messengers, around, clock, bell)
    pump = Pump(
        "chat",
        lambda count: inbox.claim(count, CHAT_LEASE_S),
        desk.see_through,
        bell,
        at_once=CHATS_AT_ONCE,
    )
    ways = Ways(telling.sms, messengers, pages.channels.get, telling.pace, telling.picturing)
    notices = NoticeSender(telling.outbox, ways, aftermath, telling.dead_letters, texts, clock)
    return Chat(ingest, pump, unlocking, aftermath, notices)
