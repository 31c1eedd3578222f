"""What is kept of gift rooms."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias
from uuid import UUID

from core.domain.gifts import (
    Claim,
    Claimed,
    GiftTerms,
    NewClaim,
    NewRoom,
    Opening,
    Refusal,
    Room,
    RoomState,
)
from core.ports.administration import Event

GiftSort: TypeAlias = Literal["created_at", "expires_at", "total", "joined"]


@dataclass(frozen=True, slots=True)
class DueDraw:
    """A room whose lots are to be drawn, leased to one worker. `tickets` run from 1 to that.

    `seed_sealed` is the seed in hex, encrypted with the keyring, as `NewRoom` brought it.
    """

    room: Room
    seed_sealed: str
    tickets: int


@dataclass(frozen=True, slots=True)
class DueAirtime:
    """A share that was won and is to go to the winner's number, leased to one worker.

    The money is in the winner's wallet already.
    """

    room_id: UUID
    tenant_id: UUID
    customer_id: UUID
    amount_minor: int
    currency: str
    channel_id: UUID | None
    identity: str


@dataclass(frozen=True, slots=True)
class DueReminder:
    """A share that goes back soon unless its winner chooses a PIN, leased to one worker."""

    room_id: UUID
    tenant_id: UUID
    customer_id: UUID
    code: str
    amount_minor: int
    currency: str
    reserved_until: dt.datetime


@dataclass(frozen=True, slots=True)
class Changed:
    """A room as it stands after something was asked of it. `now`: that changed it just now."""

    room: Room
    now: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """Rooms of a tenant in a time.

    Attributes:
        brought: New customers that came by a gift; by each creator, that is the viral coefficient
            `brought / creators`.
    """

    rooms: int
    creators: int
    given_minor: int
    joined: int
    shares: int
    won: int
    paid_minor: int
    returned_minor: int
    brought: int
    currency: str


class GiftRooms(Protocol):
    """Rooms, who won what, and their money. Each step is one commit, and done once however often.

    Raises `Busy` when too many claims wait already: nothing was done then.
    """

    async def open(self, room: NewRoom, terms: GiftTerms, day_starts_at: dt.datetime) -> Opening:
        """Write the room and move gift and fee from the creator's wallet, all or nothing."""
        ...

    async def claim(self, claim: NewClaim) -> Claimed:
        """Settle what becomes of one person. Claims of many are settled together.

        A share that is won by somebody registered, or as airtime, is paid in the same commit; the
        room completes with the last of them, with the notice to its creator.
        """
        ...

    async def registered(
        self, tenant_id: UUID, customer_id: UUID, at: dt.datetime, *, tell: bool = False
    ) -> int:
        """Pay what waited for this customer to have a PIN; how many shares that were.

        `tell`: they are not looking, and get a notice.
        """
        ...

    async def unfetched(self, count: int) -> Sequence[tuple[UUID, UUID]]:
        """Whose shares still wait though they have a PIN, as (tenant, customer), of all tenants.

        Nearly always nobody: a process died between the PIN and `registered`.
        """
        ...

    async def end(
        self, tenant_id: UUID, room_id: UUID, state: RoomState, event: Event, at: dt.datetime
    ) -> Room | None:
        """Cancel or expire a room and return what nobody won; once, else it is as it was.

        The creator gets a notice, unless the event's actor is `customer`: then it was themselves.
        Reserved shares stay their winners' until they lapse; then they go back to the creator.
        None: there is no such room.
        """
        ...

    async def freeze(
        self, tenant_id: UUID, room_id: UUID, *, frozen: bool, event: Event
    ) -> Changed | None:
        """Stop a room that is open, or let one go on that was stopped.

        Going on gives reservations their time back, and pays and tells winners who have a PIN by
        now: that may complete the room. None: there is no such room.
        """
        ...

    async def expire(self, count: int, at: dt.datetime) -> int:
        """End rooms, and let reservations lapse, whose time is over; how many that were.

        A share that lapses can be won again while its room is open, and goes back to the creator
        after that. Draws are not ended here but by `draw`, with no tickets if nobody joined.
        """
        ...

    async def due_draws(self, count: int, lease_s: float) -> Sequence[DueDraw]: ...

    async def draw(self, draw: DueDraw, winners: Sequence[int], at: dt.datetime) -> bool:
        """Give share after share to these tickets, in order, end the room, and tell everybody.

        Once. False: it is not to be drawn any more, or is frozen, or somebody joined meanwhile.
        """
        ...

    async def draw_later(self, due: DueDraw, at: dt.datetime) -> None:
        """Its lots cannot be drawn now: not to be leased again before that."""
        ...

    async def due_airtime(self, count: int, lease_s: float) -> Sequence[DueAirtime]: ...

    async def airtime_ordered(self, due: DueAirtime, order_reference: str) -> None:
        """It is an order now, or, with "", stays wallet money."""
        ...

    async def due_reminders(self, count: int, lease_s: float) -> Sequence[DueReminder]: ...

    async def reminded(self, due: DueReminder) -> None:
        """Their winner was told, and is not to be told again."""
        ...

    async def by_code(self, tenant_id: UUID, code: str) -> Room | None: ...

    async def by_token(self, token: str) -> Room | None:
        """Of any tenant; nothing of a quiz's answer. Cheap: a page that many look at asks this."""
        ...

    async def get(self, tenant_id: UUID, room_id: UUID) -> Room | None: ...

    async def mine(self, tenant_id: UUID, creator_id: UUID, count: int) -> Sequence[Room]:
        """A creator's rooms, the latest first; before them those with something left to win."""
        ...

    async def claims(
        self, tenant_id: UUID, room_id: UUID, count: int, after: int = 0
    ) -> Sequence[Claim]:
        """Who took part, in order; `after` so many."""
        ...

    async def winners(self, tenant_id: UUID, room_id: UUID, count: int) -> Sequence[Claim]:
        """Who won a share and has it, or may still fetch it, in the order in which they came."""
        ...

    async def mine_in(self, tenant_id: UUID, room_id: UUID, customer_id: UUID) -> Claim | None: ...

    async def refuse(self, tenant_id: UUID, refusal: Refusal) -> None:
        """Write down why somebody was kept out."""
        ...

    async def refusals(self, tenant_id: UUID, room_id: UUID, count: int) -> Sequence[Refusal]: ...

    async def listed(
        self,
        tenant_id: UUID,
        *,
        state: RoomState | None,
        search: str,
        count: int,
        offset: int,
        sort_by: GiftSort = "created_at",
        descending: bool = True,
    ) -> tuple[Sequence[Room], int]:
        """Rooms as operators list them, and how many there are in all.

        `search` is a part of a code, or of the creator's number.
        """
        ...

    async def figures(self, tenant_id: UUID, since: dt.datetime, until: dt.datetime) -> Figures: ...

    async def terms(self, tenant_id: UUID) -> GiftTerms: ...

    async def set_terms(self, tenant_id: UUID, terms: GiftTerms, event: Event) -> None: ...
