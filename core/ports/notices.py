"""Notices: what customers are to be told outside of a turn, and what becomes of it."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from core.domain.chat import Fate
from core.domain.display import Tells
from core.domain.notices import ChatStanding, Failure, Route
from core.domain.turns import Channel
from core.kit.msisdn import Msisdn
from core.ports.administration import Event


@dataclass(frozen=True, slots=True)
class NewNotice:
    """Something to tell a customer, once per key. `text` names a message, `facts` fill it.

    Attributes:
        secret: Facts are kept encrypted and wiped once sent, and leave by SMS only.
        channel_id, identity: Where the matter began, if it began anywhere: it is told there.
    """

    key: str
    tenant_id: UUID
    customer_id: UUID
    text: str
    facts: Mapping[str, str | int]
    secret: bool = False
    channel_id: UUID | None = None
    identity: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that was leased to one sender.

    Attributes:
        tries: How often it was tried by any route.
        channel_id, identity: Where the matter began, or None and "".
        standing: How the customer stands to that channel now.
        route, route_tries: The route that was tried last, and how often.
        asked_at: Since when somebody tries it; None while nobody does. On one that was just leased:
            whoever tried did not live to tell what became of it.
        leased_until: Tells this lease from every other.
        readable: False where no present key opens what it would say; `facts` are none then.
    """

    id: UUID
    tenant_id: UUID
    to: Msisdn
    language: str
    text: str
    facts: Mapping[str, str | int]
    tries: int
    created_at: dt.datetime
    secret: bool = False
    channel_id: UUID | None = None
    identity: str = ""
    standing: ChatStanding = field(default_factory=ChatStanding)
    route: Route | None = None
    route_tries: int = 0
    asked_at: dt.datetime | None = None
    leased_until: dt.datetime | None = None
    readable: bool = True

    @property
    def try_key(self) -> str:
        """Tells this try from every other, to a channel that brings it back with what became."""
        return f"{self.id}.{self.route_tries}"


@dataclass(frozen=True, slots=True)
class Failed:
    """A channel took a notice and failed it later. `route`, `identity`: how it went, to whom."""

    route: Route
    identity: str
    failed: Failure


class Outbox(Protocol):
    """Notices waiting to be told. At least once each; the key keeps them from doubling."""

    async def add(self, notice: NewNotice, at: dt.datetime) -> None: ...

    async def due(self, count: int, lease_s: float) -> Sequence[Notice]: ...

    async def begin(self, notice: Notice, route: Route, at: dt.datetime) -> Notice | None:
        """Write down, before it is done, that this route is tried now.

        None when the lease ran out meanwhile: it is somebody else's to tell.
        """
        ...

    async def sent(
        self,
        notice: Notice,
        at: dt.datetime,
        *,
        route: Route = Route.SMS,
        sent_as: str = "",
    ) -> Failed | None:
        """It was taken, under this name of the channel's.

        What the channel has told of that name already is answered, and the notice waits again.
        """
        ...

    async def retry(self, notice: Notice, at: dt.datetime) -> None:
        """A try failed; the route that was begun is tried again then."""
        ...

    async def put_off(self, notice: Notice, at: dt.datetime) -> None:
        """It was not tried, and is not before then."""
        ...

    async def give_up(self, notice: Notice, why: str, at: dt.datetime) -> None: ...

    async def seen(
        self,
        tenant_id: UUID,
        reference: str,
        channel_id: UUID,
        identity: str,
        at: dt.datetime,
        tells: Tells = Tells.DONE,
    ) -> bool:
        """The customer saw on a screen there that this order was delivered, or the voucher's code.

        `tells` is how much of it: what the screen did not tell is told later all the same.
        True when a notice of it waited, and need not leave any more.
        """
        ...


class NoticeFates(Protocol):
    """What channels tell later of notices that they took."""

    async def note(
        self, channel: Channel, fates: Sequence[Fate], at: dt.datetime
    ) -> Sequence[Failed]:
        """Keep what became of notices, once, however often, late or early it is told.

        Failures are answered that changed anything: those notices wait again, on their next route.
        A message that is no notice changes nothing.
        """
        ...


@dataclass(frozen=True, slots=True)
class NoticeRecord:
    """A notice as operators see it: nothing that it says, and no number."""

    id: UUID
    customer_id: UUID
    text: str
    state: str  # waiting | sent | given_up
    route: str | None
    arrived: str | None
    tries: int
    why: str | None
    created_at: dt.datetime
    ended_at: dt.datetime | None


class NoticeBook(Protocol):
    """Notices as operators look at them."""

    async def listed(
        self, tenant_id: UUID, state: str | None, count: int
    ) -> Sequence[NoticeRecord]:
        """The latest first."""
        ...

    async def count(self, tenant_id: UUID, state: str) -> int: ...

    async def again(self, tenant_id: UUID, notice_id: UUID, event: Event, at: dt.datetime) -> bool:
        """Have a notice that was given up tried again from the start, and note who wants it.

        False when there is no such one, or when it was a secret: that was wiped.
        """
        ...
