"""What operators do from a chat, and customers who talk to one of them."""

import datetime as dt
from dataclasses import dataclass

from core.app import rules
from core.app.chat import capability_of
from core.domain.live_chat import Answering
from core.jobs.live import LiveRounds
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.texts import Texts
from core.ports.health import AlertBook, ReviewBook
from core.services.aftermath import ChatAftermath
from core.services.approvals import Approvals
from core.services.digests import Digests
from core.services.live_chat import LiveChats, LiveMail
from core.services.messengers import Messengers
from core.services.operators import OperatorDesk
from core.services.order_actions import OrderActions
from core.services.payout_desk import PayoutDesk
from core.settings import Settings
from core.store.channels import PgChannels
from core.store.database import Database
from core.store.days import PgDays
from core.store.live_chats import PgLiveChats
from core.store.operators import PgOperatorChats, PgOperators
from core.store.posts import PgPosts
from core.store.requests import PgRequests

ANSWERS_AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class Talking:
    """Customers who talk to a person."""

    chats: LiveChats
    book: PgLiveChats
    bell: Bell

    def pump(
        self,
        settings: Settings,
        channels: PgChannels,
        messengers: Messengers,
        aftermath: ChatAftermath,
        clock: Clock,
    ) -> Pump[Answering]:
        """Sends what operators say."""
        mail = LiveMail(self.book, channels, messengers, aftermath, clock, self.bell)
        return Pump(
            "answers",
            lambda count: self.book.claim(count, settings.errand_lease_s),
            mail.send,
            self.bell,
            at_once=ANSWERS_AT_ONCE,
            idle_s=0.5,
        )

    def rounds(self, settings: Settings) -> Pump[LiveChats]:
        """Ends what went quiet, and forgets what is old."""
        every = LiveRounds(self.chats, rules.live_rules(settings))
        return Pump("quiet talks", every.due, every.run, Bell(), at_once=1, idle_s=5.0)


def talking(database: Database, keyring: Keyring, texts: Texts, clock: Clock) -> Talking:
    book, bell = PgLiveChats(database, keyring, clock), Bell()
    chats = LiveChats(
        book, texts, clock, bell, pushable=lambda channel: not capability_of(channel).sessions
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
    settings: Settings,
    database: Database,
    keyring: Keyring,
    clock: Clock,
    live: PgLiveChats,
    watched: tuple[ReviewBook, AlertBook],
    acts: tuple[OrderActions, PayoutDesk],
) -> Operations:
    book = PgOperators(database, clock)
    standings, alerts = watched
    orders, payouts = acts
    return Operations(
        desk=OperatorDesk(book, live, clock),
        chats=PgOperatorChats(database, clock),
        posts=PgPosts(database, keyring),
        approvals=Approvals(
            PgRequests(database, keyring, clock),
            book,
            orders,
            payouts,
            keyring,
            clock,
            rules.approval_rules(settings),
        ),
        digests=Digests(PgDays(database), standings, alerts, live, clock),
        digest_at=settings.operator_digest_at,
    )
