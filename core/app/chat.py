"""What answers people who write."""

from collections.abc import Mapping
from dataclasses import dataclass

from core.app.ground import Ground
from core.app.people import Joining
from core.app.stores import Stores
from core.domain.chat import Talk
from core.domain.turns import Channel
from core.engine import paging
from core.engine.paging import Capability
from core.jobs.forgetting import ForgettingRounds, Kept
from core.jobs.notices import NoticeSender, Ways
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.ports import Notice
from core.ports.chat import Pace
from core.providers.pictures.receipts import DrawnReceipts
from core.services.aftermath import ChatAftermath
from core.services.alerts import AlertDesk
from core.services.chat import ChatDesk, ChatIngest, Persons, Surroundings
from core.services.conversations import Conversations
from core.services.dead_letters import DeadLetters
from core.services.gift_inline import InlineGifts
from core.services.login_pictures import LoginPictures, Pictures
from core.services.messengers import Messengers
from core.services.parked import ParkedMessages
from core.services.reach import ChatReach
from core.services.receipts import Receipts
from core.services.showing import Showing
from core.services.unlocking import Unlocking
from core.store.notice_book import PgNoticeBook
from core.store.notice_fates import PgNoticeFates
from core.store.pace import NoPace, RedisPace
from core.store.parked import PgParked

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
    unlocking: Unlocking
    aftermath: ChatAftermath
    dead_letters: DeadLetters
    parked: ParkedMessages
    pump: Pump[Talk]
    notices: Pump[Notice]
    forgetting: Pump[Kept]


def answering(
    ground: Ground,
    kept: Stores,
    conversations: Conversations,
    messengers: Messengers,
    joined: Joining,
    alerts: AlertDesk,
    persons: Persons,
    inline: InlineGifts,
    logins: LoginPictures,
) -> Chat:
    settings, texts, clock, bell = ground.settings, ground.texts, ground.clock, Bell()
    pace: Pace = NoPace()
    if settings.channel_limits:
        pace = RedisPace(ground.line, ground.keyring, sms_per_s=settings.sms_per_s)
    receipts = Receipts(kept.orders, kept.tenants, kept.customers, texts, DrawnReceipts())
    picturing = Pictures(receipts, logins)
    reach = ChatReach(kept.customers, alerts, clock, joined.desk)
    dead_letters = DeadLetters(PgNoticeBook(ground.database), alerts, clock)
    parked = ParkedMessages(PgParked(ground.database), alerts, clock, bell)
    aftermath = ChatAftermath(reach, PgNoticeFates(ground.database), pace, clock, inline)
    ingest = ChatIngest(kept.inbox, clock, bell)
    unlocking = Unlocking(
        kept.unlocks,
        conversations,
        ingest,
        kept.channels,
        kept.customers,
        clock,
        base_url=settings.outside_url,
    )
    around = Surroundings(
        turns=conversations,
        persons=persons,
        parking=parked,
        showing=Showing(pace, picturing, aftermath, kept.outbox, clock),
        unlock_url=unlocking.url,
        unsaid=texts.get("en", "secret.unsaid"),
        parked=texts.get("en", "common.parked"),
        slipped={
            True: texts.get("en", "secret.slipped"),
            False: texts.get("en", "secret.slipped_stays"),
        },
        reached=texts.get("en", "secret.slipped_reached"),
    )
    desk = ChatDesk(kept.inbox, messengers, around, clock, bell)
    ways = Ways(ground.outside.sms, messengers, kept.channels.get, pace, picturing)
    forgetting = ForgettingRounds(kept.inbox)
    notices = NoticeSender(kept.outbox, ways, aftermath, dead_letters, texts, clock)
    return Chat(
        ingest=ingest,
        unlocking=unlocking,
        aftermath=aftermath,
        dead_letters=dead_letters,
        parked=parked,
        pump=Pump(
            "chat",
            lambda count: kept.inbox.claim(count, CHAT_LEASE_S),
            desk.see_through,
            bell,
            at_once=CHATS_AT_ONCE,
        ),
        notices=Pump(
            "notices",
            lambda count: kept.outbox.due(count, settings.errand_lease_s),
            notices.send,
            Bell(),
            at_once=32,
        ),
        forgetting=Pump(
            "forgetting", forgetting.due, forgetting.run, Bell(), at_once=1, idle_s=5.0
        ),
    )
