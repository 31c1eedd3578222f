"""What the public page of a gift shows, and what a person is asked there.

What somebody has done so far travels sealed in the page's form (`state`): no cookie is needed, and
nothing is kept for those who never come back.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from core.domain.customers import Tenant
from core.domain.gifts import Claim, Claimed, Claiming, ClaimState, Room
from core.kit.msisdn import Msisdn


@dataclass(frozen=True, slots=True)
class Ways:
    """How else a gift is opened, and passed on.

    Attributes:
        page: Of everybody, where the page is.
        dial: What is dialled to open it, or ""; `home`: what is dialled for our menu.
        telegram, whatsapp: Links into our own chats with the gift, or "".
        share: A link that asks WhatsApp for a chat to pass it on to.
    """

    page: str
    dial: str
    home: str
    telegram: str
    whatsapp: str
    share: str


@dataclass(frozen=True, slots=True)
class GiftSight:
    """A gift as everybody may see it. `winners`: of one that is over, the first of them."""

    room: Room
    tenant: Tenant
    ways: Ways
    winners: tuple[Claim, ...] = ()


def how_it_stands(won: Claim) -> str:
    """What is said beside a share that is not simply in its winner's wallet; "" where it is."""
    return "waits" if won.state is ClaimState.RESERVED else won.airtime or ""


class Slip(StrEnum):
    """What was wrong with an answer."""

    NUMBER = "number"  # no mobile number can be read from it
    ABROAD = "abroad"  # a number of another country
    CODE = "code"  # wrong, used before, or too late
    ANSWER = "answer"  # none was chosen
    STALE = "stale"  # the page was open for too long
    TOO_MANY = "too_many"  # no more codes are sent for now; one that came is good


@dataclass(frozen=True, slots=True)
class Given:
    """What came with a form.

    Attributes:
        again: Another code is asked for, by the same number.
        device, address: Keyed digests of what they ask with and come from, or "".
    """

    state: str
    number: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    answer: int = field(default=0, repr=False)
    again: bool = False
    device: str = field(default="", repr=False)
    address: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class AskNumber:
    state: str
    slip: Slip | None = None


@dataclass(frozen=True, slots=True)
class AskCode:
    """A code is on its way to `msisdn`, unless too many were asked for. `again`: another one."""

    state: str
    msisdn: Msisdn
    slip: Slip | None = None
    again: bool = False


@dataclass(frozen=True, slots=True)
class AskAnswer:
    """The number is proven; the quiz is not answered yet."""

    state: str
    slip: Slip | None = None


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the person whose number was proven."""

    claimed: Claimed
    msisdn: Msisdn


@dataclass(frozen=True, slots=True)
class Shut:
    """Nobody can take part now, so no number was asked for."""

    why: Claiming


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Too many at once: nothing was done, and the same `state` is good for another try."""

    state: str


class Denied(StrEnum):
    """Kept out by the guard: nothing was done. Named as `core.services.gifts.KeptOut.told`."""

    DEVICE = "device"  # too many people with one device
    ADDRESS = "address"  # too many people from one address, with browsers that keep no cookie
    HURRY = "hurry"  # too many gifts in an hour
    SAME_GIVER = "same_giver"  # won too often with one giver
    NEWCOMERS = "newcomers"  # too many new people from one place


Step: TypeAlias = AskNumber | AskCode | AskAnswer | Settled | Shut | TryAgain | Denied
