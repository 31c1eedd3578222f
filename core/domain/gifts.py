"""Gift rooms: money that one customer sets apart and others race, draw lots or answer for.

A room's shares are split when it is funded. Who wins one is settled by one function of the store,
for all channels alike. What chance decides, chance alone decides: a seed that nobody knows while
the room lives, whose digest is published when it opens and which is published when it closes, so
that anybody can do the split and the draw again.
"""

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from core.kit.money import Money
from core.kit.msisdn import Msisdn

CODE_LETTERS = "23456789"
CODE_LENGTH = 8
"""A code is dialled on any handset as `*347*100*9*CODE#`: digits alone, without 0 and 1."""

RESERVED_FOR = dt.timedelta(hours=48)
"""How long a share waits for a winner who has no PIN yet."""

ANSWERS_MAX = 4
MESSAGE_MAX = 60
QUESTION_MAX = 80
ANSWER_MAX = 20

_SEED_ALERT = "gift_seed/"
_BETWEEN = re.compile(r"[\s.\-\u2010-\u2015]")


def plain_code(text: str) -> str:
    """A code as people write it, or a part of one, without what stands between its digits."""
    return _BETWEEN.sub("", text)


class GiftKind(StrEnum):
    """How a share is won."""

    RACE = "race"  # first come, first served
    DRAW = "draw"  # tickets now, lots later
    QUIZ = "quiz"  # right answers, until the shares are gone


class Split(StrEnum):
    EQUAL = "equal"
    RANDOM = "random"


class PayOut(StrEnum):
    """What a winner gets."""

    WALLET = "wallet"
    AIRTIME = "airtime"  # straight to the winner's own number


class Door(StrEnum):
    """Who may join."""

    ANYONE = "anyone"
    LISTED = "listed"  # numbers that the creator gave
    NEW = "new"  # who never bought and never won before


class RoomState(StrEnum):
    """Where a room stands. The last three are final: what nobody won has gone back."""

    OPEN = "open"
    FROZEN = "frozen"  # by an operator: nobody wins, nothing expires, nothing is paid
    COMPLETED = "completed"  # every share was won
    EXPIRED = "expired"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self not in (RoomState.OPEN, RoomState.FROZEN)


class ClaimState(StrEnum):
    """What became of one person in one room."""

    JOINED = "joined"  # holds a ticket of a draw to come
    RESERVED = "reserved"  # won; waits in escrow until the winner has a PIN
    PAID = "paid"  # won, and the money is in the winner's wallet
    LOST = "lost"  # the answer was wrong, or the lot fell on others
    LAPSED = "lapsed"  # won, and not fetched in time: the share went back


class AirtimeState(StrEnum):
    """What became of airtime that was won. Where none arrived, the amount is in the wallet."""

    HELD = "held"  # its room is frozen: it is bought once that goes on
    UNDER_WAY = "under_way"
    ARRIVED = "arrived"
    KEPT = "kept"  # it could not be sent: it stays money in the winner's wallet
    UNSURE = "unsure"  # nobody can tell whether it arrived: the winner was given the amount as well


@dataclass(frozen=True, slots=True)
class NewRoom:
    """What a creator confirmed. `id` is derived from the confirmed screen: the idempotency key.

    Attributes:
        code: As people type it; drawn again by the store's caller where it is taken.
        token: Of the public page: 22 of `A-Za-z0-9_-`, beyond guessing.
        amounts_minor: Of the shares, in the order in which they are won. Their sum is the gift.
        fee_minor: Comes on top, and is not returned.
        commitment: SHA-256 of the seed, hex; `seed_sealed`: the seed in hex, encrypted with the
            keyring.
        answer: Which answer is right, from 1; 0 where there is no quiz. In no URL and no log.
        floor_minor, unit_minor: What a share holds at least, and what it is a multiple of.
        draw_at: When lots are drawn; `seats`: or as soon as so many have joined. Either may be
            none (None, 0); a draw without both is at `expires_at`.
        from_name: What the creator goes by, or "" (a masked number is shown then).
    """

    id: UUID
    tenant_id: UUID
    creator_id: UUID
    code: str
    token: str
    kind: GiftKind
    split: Split
    pay_out: PayOut
    door: Door
    amounts_minor: tuple[int, ...]
    fee_minor: int
    currency: str
    message: str
    commitment: str
    seed_sealed: str
    created_at: dt.datetime
    expires_at: dt.datetime
    channel_id: UUID
    identity: str
    from_name: str = ""
    listed: tuple[Msisdn, ...] = ()
    question: str = ""
    answers: tuple[str, ...] = ()
    answer: int = field(default=0, repr=False)
    draw_at: dt.datetime | None = None
    seats: int = 0
    floor_minor: int = 1
    unit_minor: int = 1


class Opening(StrEnum):
    """What became of a new room."""

    OPENED = "opened"
    DUPLICATE = "duplicate"  # the same confirmation again
    CONFLICT = "conflict"  # the same id with other content
    CODE_TAKEN = "code_taken"  # nothing was done: try another code
    INSUFFICIENT = "insufficient"
    OVER_LIMIT = "over_limit"  # more rooms open, or more given today, than one customer may


@dataclass(frozen=True, slots=True)
class Room:
    """A room as it stands now.

    Attributes:
        total: Without the fee.
        taken: Shares that are won now, fetched or reserved.
        paid_minor, returned_minor: What has left the escrow, to winners and back.
        reserved_minor: What waits for winners who have no PIN yet.
        joined: People who took part, winners or not; in a draw, tickets.
        seed: Hex, once the room is final; "" before.
        floor_minor, unit_minor: As in `NewRoom`.
    """

    id: UUID
    tenant_id: UUID
    creator_id: UUID
    creator_msisdn: Msisdn
    code: str
    token: str
    kind: GiftKind
    split: Split
    pay_out: PayOut
    door: Door
    state: RoomState
    total: Money
    shares: int
    taken: int
    joined: int
    paid_minor: int
    returned_minor: int
    reserved_minor: int
    fee_minor: int
    message: str
    from_name: str
    question: str
    answers: tuple[str, ...]
    commitment: str
    seed: str
    created_at: dt.datetime
    expires_at: dt.datetime
    ended_at: dt.datetime | None
    draw_at: dt.datetime | None
    seats: int
    drawn_at: dt.datetime | None
    floor_minor: int
    unit_minor: int

    @property
    def full(self) -> bool:
        return self.taken >= self.shares


@dataclass(frozen=True, slots=True)
class NewClaim:
    """One person at one room. The same person again finds what became of the first time.

    Attributes:
        registered: Has a PIN, so that money may go to the wallet; airtime needs none.
        answer: What a quiz was answered with, from 1; 0 elsewhere.
        new_here: This person became a customer by this very gift.
        channel_id, identity: Where the person asks, to be told there; None and "" on a page.
    """

    room_id: UUID
    tenant_id: UUID
    customer_id: UUID
    registered: bool
    at: dt.datetime
    answer: int = field(default=0, repr=False)
    new_here: bool = False
    channel_id: UUID | None = None
    identity: str = ""


def seed_alert(room: Room) -> str:
    """The key of the alert that no key opens this room's seed, or its right answer."""
    return f"{_SEED_ALERT}{room.id}"


def room_of_alert(key: str) -> UUID:
    """The room that a `seed_alert` is of."""
    return UUID(key.removeprefix(_SEED_ALERT))


class Claiming(StrEnum):
    """What a claim is answered with."""

    PAID = "paid"
    RESERVED = "reserved"
    JOINED = "joined"  # a ticket
    LOST = "lost"  # the wrong answer, or a draw that is over
    LAPSED = "lapsed"
    FULL = "full"  # every share is won; one may come back until the room ends
    OVER = "over"  # completed, expired or cancelled
    FROZEN = "frozen"
    OWN = "own"  # the creator's
    NOT_LISTED = "not_listed"
    NOT_NEW = "not_new"
    UNANSWERED = "unanswered"  # a quiz, and no answer was given: nothing was done
    NO_ROOM = "no_room"


@dataclass(frozen=True, slots=True)
class Claimed:
    """The answer to a claim.

    `again`: this person had come before, and `result` is what became of that. `airtime`: how that
    stands, where it was won and is such.
    """

    result: Claiming
    amount_minor: int = 0
    ticket: int = 0
    reserved_until: dt.datetime | None = None
    again: bool = False
    airtime: AirtimeState | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """One person in a room as creators and operators see it.

    `airtime`: how it stands, where it was won and is such; None elsewhere.
    """

    customer_id: UUID
    msisdn: Msisdn
    state: ClaimState
    amount_minor: int
    ticket: int
    at: dt.datetime
    reserved_until: dt.datetime | None
    order_reference: str
    new_here: bool
    airtime: AirtimeState | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why somebody was kept out, as an operator reads it."""

    room_id: UUID
    customer_id: UUID
    why: str
    facts: Mapping[str, str | int]
    at: dt.datetime


@dataclass(frozen=True, slots=True)
class GiftTerms:
    """What rooms of one tenant may be, in minor units of its currency and in numbers.

    Attributes:
        fee_basis_points: Of the gift, on top of it; 100 is one per cent.
        open_max, day_max_minor: Of one customer: rooms at a time, and given in one day.
    """

    total_min_minor: int = 10_000
    total_max_minor: int = 10_000_000
    shares_max: int = 1_000
    fee_basis_points: int = 0
    open_max: int = 5
    day_max_minor: int = 20_000_000
    on: bool = True
