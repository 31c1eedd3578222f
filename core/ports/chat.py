"""Chat: the channels that carry screens and words, and where messages wait."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable
from uuid import UUID

from core.domain.chat import (
    Address,
    ChatMessage,
    Delivery,
    InlineQuery,
    Later,
    Offers,
    Talk,
    Telling,
)
from core.domain.customers import Customer, Tenant
from core.domain.display import Screen
from core.domain.turns import Channel
from core.domain.unlocking import KeptPass, Pass
from core.ports.administration import Event


@dataclass(frozen=True, slots=True)
class Moment:
    """What a screen answers, for channels that can put it in the place of another.

    Attributes:
        answering: What the person did; None when nobody did anything.
        last_shown: The channel's name for the screen before, or "".
        unlock_url: Where the secret is given that the screen asks for, or "".
        picture: A PNG that belongs to the screen, or None.
    """

    answering: ChatMessage | None = None
    last_shown: str = ""
    unlock_url: str = ""
    picture: bytes | None = field(default=None, repr=False)


class Messenger(Protocol):
    """Speaks one kind of chat channel. Raises for nothing outside: what failed is a `Delivery`.

    A request whose answer was lost counts as not sent: a screen twice is better than none.
    """

    @property
    def kind(self) -> str: ...

    async def received(self, channel: Channel, message: ChatMessage) -> None:
        """Tell the person at once that we are at it: read, typing, the tap taken. Best effort."""
        ...

    async def show(self, to: Address, screen: Screen, moment: Moment) -> Delivery:
        """Show a screen, in the place of the last one where that is what the person tapped."""
        ...

    async def tell(self, to: Address, telling: Telling, *, template: bool = False) -> Delivery:
        """Send words that answer nothing; with `template` as the channel's template."""
        ...

    async def unsay(self, channel: Channel, message: ChatMessage) -> bool:
        """Delete what the person wrote. False where the channel cannot, or did not."""
        ...

    async def aclose(self) -> None: ...


@runtime_checkable
class Offering(Protocol):
    """A messenger of a channel where people ask our bot from other chats."""

    async def offer(self, channel: Channel, query: InlineQuery, offers: Offers) -> Delivery:
        """Answer it, for this person alone. One that is too old is `Refused`."""
        ...


class Inbox(Protocol):
    """Messages that were taken and are not answered yet. Kept before anything is acknowledged."""

    async def put(
        self,
        channel: Channel,
        messages: Sequence[ChatMessage],
        at: dt.datetime,
        *,
        not_before: dt.datetime | None = None,
    ) -> int:
        """Keep them, each once per channel and `external_id`; answers how many were new."""
        ...

    async def claim(self, count: int, lease_s: float) -> Sequence[Talk]:
        """Lease talks in which something waits, each to one worker at a time, of all tenants.

        A dead worker's talks come due again when the lease ends.
        """
        ...

    async def answered(
        self, talk: Talk, message: ChatMessage, shown: str | None, *, last: bool
    ) -> bool:
        """This message is dealt with. `shown` names the screen that is shown now; None as before.

        What it said is wiped; that it came is remembered. `last` gives the talk back too; True
        when something waits that came meanwhile.
        """
        ...

    async def release(
        self, talk: Talk, *, again_at: dt.datetime | None = None, counted: bool = True
    ) -> bool:
        """Give the talk back; True when something waits.

        With `again_at` what is not answered waits until then, whatever comes meanwhile. What was
        not its messages' fault is not `counted` among their tries.
        """
        ...

    async def park(self, talk: Talk, message: ChatMessage, why: str, *, last: bool) -> bool:
        """Give a message up that fails whenever it is taken up. As `answered` otherwise."""
        ...

    async def hurry(self, channel: Channel, identity: str) -> None:
        """Have what waits in a talk taken up now."""
        ...

    async def lag_s(self) -> float:
        """How long the oldest message that could be taken up waits."""
        ...


@dataclass(frozen=True, slots=True)
class ParkedMessage:
    """A message that failed whenever it was taken up.

    Attributes:
        number: What it is called.
        channel: The kind of its channel: `telegram`.
        why: What went wrong, by the name of the error; nothing of what was written.
    """

    number: int
    channel: str
    why: str
    received_at: dt.datetime


class ParkedBook(Protocol):
    """Messages that were given up, of one tenant."""

    async def listed(self, tenant_id: UUID, count: int) -> Sequence[ParkedMessage]:
        """The latest first."""
        ...

    async def again(self, tenant_id: UUID, number: int, event: Event, at: dt.datetime) -> bool:
        """Have it taken up as if it had just come; False where none of that number is parked."""
        ...


class Pace(Protocol):
    """How fast channels are spoken to, counted for all processes together.

    Never raises: where nobody can count, nobody waits. Waits are in seconds.
    """

    async def answer(self, to: Address, *, within_s: float) -> float:
        """How long an answer must wait. Up to `within_s` its place is taken: it leaves then.

        Longer than that, nothing is taken: ask again then.
        """
        ...

    async def notice(self, to: Address, name: str) -> float:
        """How long a notice must wait; 0 when it may leave now.

        Else a place is kept for that name: ask again, under the same name, then.
        """
        ...

    async def sms(self, sender: str, name: str) -> float:
        """As `notice`, for an SMS by that sender."""
        ...

    async def hold(self, to: Address, later: Later) -> None:
        """The channel asked to be spared, with this person or altogether: nobody speaks before.

        A `Later` that spares nobody changes nothing.
        """
        ...

    async def pause(self, channel: Channel, for_s: float) -> None:
        """Have notices wait so long for a channel that refuses everything."""
        ...

    async def resume(self, channel: Channel) -> None:
        """It takes what it is given again."""
        ...


class Picturing(Protocol):
    """Makes pictures that go with words."""

    async def receipt(self, tenant_id: UUID, reference: str) -> bytes | None:
        """A PNG of what was delivered under our reference; None where there is none to make.

        Never raises: the words do without.
        """
        ...

    async def login(self, tenant_id: UUID, voucher_id: UUID) -> bytes | None:
        """A PNG whose QR code logs in with a voucher, or None, as above."""
        ...


@dataclass(frozen=True, slots=True)
class Proposal:
    """What somebody seems to want: a named shortcut, and answers in words for it.

    Nothing is done by it: the flow shows its review, and asks for the PIN, as always.

    Attributes:
        shortcut: Its name: `airtime`.
        given: Answers by name, as a customer would type them: {"amount": "500"}.
        notice: A line above the first screen, or "".
    """

    shortcut: str
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    notice: str = ""


class Assistant(Protocol):
    """Makes sense of free words."""

    async def propose(
        self, text: str, *, tenant: Tenant, customer: Customer, language: str
    ) -> Proposal | None:
        """What the customer seems to want; None when that cannot be told. Never raises."""
        ...

    def for_later(self, text: str) -> Proposal | None:
        """What somebody wants whom nobody knows yet, where that can be kept for them."""
        ...


INTENTS = ("airtime", "data", "balance", "fund", "withdraw", "status", "pin", "help", "none")
"""What a message may be about."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model makes of a message whose numbers were replaced by `#1`, `#2`, ...

    Attributes:
        intent: One of `INTENTS`.
        amount: Which of the numbers is the amount, like `#1`.
        recipient: Which one is the number to recharge, or `self`, or `other` for a person who is
            named without a number.
        network: `mtn`, `airtel`, ...
    """

    intent: str
    amount: str | None = None
    recipient: str | None = None
    network: str | None = None


class LanguageModel(Protocol):
    """Sorts messages. It never sees a digit that a customer wrote, and nothing it says is done."""

    async def read(self, words: str) -> Reading | None:
        """What it makes of them; None when it cannot say, or cannot be reached. Never raises."""
        ...


class Unlocks(Protocol):
    """Passes to pages where a secret is given. Raises `Unavailable` when the store is down."""

    async def issue(self, wanted: Pass) -> str:
        """Keep a pass and make the token that finds it. The token itself is kept nowhere."""
        ...

    async def find(self, token: str) -> KeptPass | None:
        """The pass of a token, for a while also when it is used or late."""
        ...

    async def use(self, name: str) -> bool:
        """Use a pass up. True for the first one who does, and for nobody after."""
        ...

    async def count(self, what: str, whose: str, within_s: int) -> int:
        """Count this time too; how often since counting began, which it does anew in time."""
        ...
