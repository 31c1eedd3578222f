"""What operators do from a chat, and customers who talk to one of them."""

import datetime as dt
from dataclasses import dataclass

from core.app import rules
from core.app.chat import capability_of
from core.app.ground import Ground
from core.app.selling import Selling
from core.app.stores import Stores
from core.domain.live_chat import Answering
from core.jobs.live import LiveRounds
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.services.aftermath import ChatAftermath
from core.services.approvals import Approvals
from core.services.digests import Digests
from core.services.live_chat import LiveChats, LiveMail
from core.services.messengers import Messengers
from core.services.operators import OperatorDesk
from core.services.payout_desk import PayoutDesk
from core.settings import Settings
from core.store.alerts import PgAlerts
from core.store.days import PgDays
from core.store.live_chats import PgLiveChats
from core.store.operators import PgOperatorChats, PgOperators
from core.store.posts import PgPosts
from core.store.requests import PgRequests
from core.store.vouchers import PgVouchers

ANSWERS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Talking:
    """Customers who talk to a person."""

    chats: LiveChats
    book: PgLiveChats
    bell: Bell

    def pump(
        self, ground: Ground, kept: Stores, messengers: Messengers, aftermath: ChatAftermath
    ) -> Pump[Answering]:
        """Sends what operators say."""
        mail = LiveMail(self.book, kept.channels, messengers, aftermath, ground.clock, self.bell)
        return Pump(
            "answers",
            lambda count: self.book.claim(count, ground.settings.errand_lease_s),
            mail.send,
            self.bell,
            at_once=ANSWERS_AT_ONCE,
            idle_s=0.5,
        )

    def rounds(self, settings: Settings) -> Pump[LiveChats]:
        """Ends what went quiet, and forgets what is old."""
        every = LiveRounds(self.chats, rules.live_rules(settings))
        return Pump("quiet talks", every.due, every.run, Bell(), at_once=1, idle_s=5.0)


def talking(ground: Ground, vouchers: PgVouchers) -> Talking:
    book, bell = PgLiveChats(ground.database, ground.keyring, ground.clock), Bell()
    chats = LiveChats(
        book,
        vouchers,
        ground.texts,
        ground.clock,
        bell,
        pushable=lambda channel: not capability_of(channel).sessions,
        an_hour=ground.settings.live_chat_messages_an_hour,
    )
    return Talking(chats, book, bell)


@dataclass(frozen=True, slots=True)
class Operations:
    """What the operators' bot needs beside the services that others use too.

    Attributes:
        digest_at: When a day is summed up, in the tenant's local time.
    """

    desk: OperatorDesk
    chats: PgOperatorChats
    posts: PgPosts
    approvals: Approvals
    digests: Digests
    digest_at: dt.time


def operations(
    ground: Ground, live: PgLiveChats, sales: Selling, payouts: PayoutDesk
) -> Operations:
    settings, keyring, clock = ground.settings, ground.keyring, ground.clock
    database = ground.database
    book = PgOperators(database, clock)
    return Operations(
        desk=OperatorDesk(book, live, clock),
        chats=PgOperatorChats(database, clock),
        posts=PgPosts(database, keyring),
        approvals=Approvals(
            PgRequests(database, keyring, clock),
            book,
            sales.order_actions,
            payouts,
            keyring,
            clock,
            rules.approval_rules(settings),
        ),
        digests=Digests(
            PgDays(database), sales.watch.standings, PgAlerts(database, clock), live, clock
        ),
        digest_at=settings.operator_digest_at,
    )
