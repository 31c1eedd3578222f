"""Notices on their way: a customer who began something in a chat, and all that tells them."""

import asyncio
import datetime as dt
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from core.domain.chat import Address, ChatMessage, Doing, Fate, Moved
from core.domain.customers import Customer
from core.domain.turns import Channel
from core.jobs.notices import NoticeSender, Ways
from core.kit import ids
from core.kit.crypto import Keyring
from core.kit.texts import Texts
from core.ports import NewNotice, Notice
from core.ports.chat import Pace
from core.services.aftermath import ChatAftermath
from core.services.alerts import AlertDesk
from core.services.dead_letters import DeadLetters
from core.services.messengers import Messengers
from core.services.reach import ChatReach
from core.store.alerts import PgAlerts
from core.store.channels import PgChannels
from core.store.inbox import PgInbox
from core.store.notice_book import PgNoticeBook
from core.store.notice_fates import PgNoticeFates
from core.store.pace import NoPace
from tests.fakes.books import NOON, Books
from tests.fakes.chat import Letters, Notebook

TEXTS = Texts.load(Path(__file__).parents[2] / "core" / "texts")
FUNDED = "N500 has arrived in your Callbox wallet. Ref R1"
_ROUNDS_MAX = 20
_LEASE_S = 90.0
_LETTERS = itertools.count(1)


class Album:
    """The `Picturing` port: a picture of everything that is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def receipt(self, tenant_id: object, reference: str) -> bytes | None:
        self.asked.append(reference)
        return b"PNG of " + reference.encode()

    async def login(self, tenant_id: object, voucher_id: object) -> bytes | None:
        self.asked.append(str(voucher_id))
        return b"QR of " + str(voucher_id).encode()


@dataclass
class Post:
    """`work` has everything sent that is due; `row` is what is written down of a notice."""

    books: Books
    channel: Channel
    customer: Customer
    identity: str
    notebook: Notebook
    letters: Letters
    album: Album
    sender: NoticeSender
    aftermath: ChatAftermath
    dead_letters: DeadLetters
    alerts: AlertDesk
    inbox: PgInbox
    pace: Pace = field(default_factory=NoPace)

    @property
    def to(self) -> Address:
        return Address(self.channel.tenant_id, self.channel, self.identity)

    async def heard(self, days_ago: float = 0.0) -> None:
        """The customer wrote in the chat, then or now."""
        at = self.books.clock.now() - dt.timedelta(days=days_ago)
        message = ChatMessage(f"m{next(_LETTERS)}", self.identity, Doing.TEXT, text="hello")
        await self.inbox.put(self.channel, [message], at)

    async def leave(self, key: str = "one", **changes: object) -> NewNotice:
        """A notice about money that came, begun in the chat."""
        facts: dict[str, object] = {
            "key": key,
            "tenant_id": self.books.tenant.id,
            "customer_id": self.customer.id,
            "text": "notice.funded",
            "facts": {"amount": 500_00, "currency": "NGN", "reference": "R1"},
            "channel_id": self.channel.id,
            "identity": self.identity,
        }
        notice = NewNotice(**{**facts, **changes})  # type: ignore[arg-type]
        await self.books.outbox.add(notice, self.books.clock.now())
        return notice

    async def leased(self) -> Notice:
        [notice] = await self.books.outbox.due(10, _LEASE_S)
        return notice

    async def work(self) -> None:
        for _ in range(_ROUNDS_MAX):
            due = await self.books.outbox.due(100, _LEASE_S)
            if not due:
                return
            await asyncio.gather(*map(self.sender.send, due))
        raise AssertionError("there is no end of notices")

    async def later(self, seconds: float) -> None:
        self.books.clock.advance(seconds)
        await self.work()

    async def fates(self, *fates: Fate) -> None:
        await self.aftermath.fates(self.channel, fates)

    @property
    def chatted(self) -> list[str]:
        return [text for _, text in self.notebook.told]

    @property
    def by_template(self) -> list[bool]:
        return [template for _, template in self.notebook.tellings]

    @property
    def texted(self) -> list[tuple[str, str]]:
        return [(sms.to, sms.text) for sms in self.letters.sent]

    async def given_up(self) -> Sequence[str | None]:
        found = await self.dead_letters.listed(self.books.tenant.id, "given_up", 10)
        return [notice.why for notice in found]


class NobodyMoves:
    """Numbers stay with whom they are."""

    async def moved(self, channel: Channel, moved: Moved) -> None:
        raise AssertionError("nobody moves")


async def open_post(books: Books, kind: str = "telegram", pace: Pace | None = None) -> Post:
    """A customer with an account in a chat of that kind, and the sender of one process."""
    database, clock, keyring = books.database, books.clock, Keyring("a test")
    channels = PgChannels(database, keyring)
    channel = Channel(ids.uuid7(), books.tenant.id, kind, kind, f"{kind}-{ids.uuid7()}")
    await channels.ensure(channel, NOON)
    number = next(_LETTERS)
    customer = await books.customer(number)
    identity = f"id-{number}"
    linked = await books.customers.at(channel, identity, customer.msisdn)
    assert linked.id == customer.id
    notebook, letters, album = Notebook(kind), Letters(), Album()
    messengers = Messengers()
    messengers.bring([notebook])
    alerts = AlertDesk(PgAlerts(database, clock))
    pace = pace or NoPace()
    reach = ChatReach(books.customers, alerts, clock, NobodyMoves())
    aftermath = ChatAftermath(reach, PgNoticeFates(database), pace, clock)
    dead_letters = DeadLetters(PgNoticeBook(database), alerts, clock)
    ways = Ways(letters, messengers, channels.get, pace, album)
    sender = NoticeSender(books.outbox, ways, aftermath, dead_letters, TEXTS, clock)
    inbox = PgInbox(database, channels, keyring, clock)
    return Post(
        books,
        channel,
        customer,
        identity,
        notebook,
        letters,
        album,
        sender,
        aftermath,
        dead_letters,
        alerts,
        inbox,
        pace,
    )
