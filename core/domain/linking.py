"""Identities: by which names a customer is known on chat channels, and how that was proven."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from core.kit.msisdn import masked

BY_NUMBER = "ussd"
"""The kind of channel on which the number itself is the identity: nobody links or unlinks it."""

_MASKABLE_MIN = 8
_ENDS = 2
_ENDS_SHOWN = 3


class Proof(StrEnum):
    """How an identity was shown to belong to a number."""

    NETWORK = "network"  # the mobile network: somebody dialled from it
    CHANNEL = "channel"  # the chat channel: the person's own contact, the number they go by
    CODE = "code"  # a one-time code that was sent there by SMS
    TOKEN = "token"  # a link that was asked for on another channel, with the PIN  # noqa: S105

    def weaker_than(self, other: "Proof") -> bool:
        """A code can be talked out of people; what a network or a channel says cannot."""
        return _STRENGTH[self] < _STRENGTH[other]


_STRENGTH = {Proof.CODE: 1, Proof.CHANNEL: 2, Proof.NETWORK: 2, Proof.TOKEN: 3}


@dataclass(frozen=True, slots=True)
class Identity:
    """A customer on one kind of channel.

    `name` is what the channel calls them, `called` what they called themselves there when it was
    linked, or "".
    """

    kind: str
    name: str = field(repr=False)
    proof: Proof
    linked_at: dt.datetime
    reachable: bool = True
    called: str = field(default="", repr=False)

    @property
    def ends(self) -> str:
        """The last signs of the name: enough for its owner, with the rest of what is shown."""
        return f"..{self.name[-_ENDS_SHOWN:]}"

    @property
    def shown(self) -> str:
        """Enough of the name to tell two apart."""
        if self.name.isdecimal() and self.kind != "telegram":
            return masked(self.name)
        return mask(self.name)


@dataclass(frozen=True, slots=True)
class Wish:
    """An identity that is to be a customer's.

    Attributes:
        replacing: The PIN was given: another account of that kind makes way for this one.
        anew: It may come back after it was taken off: more was proven than the channel's word.
        called: What the person calls themselves there, or "".
    """

    kind: str
    name: str = field(repr=False)
    proof: Proof
    replacing: bool = False
    anew: bool = True
    called: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Linked:
    """It is theirs now. `fresh`: since this call. `replaced`: who made way for it."""

    fresh: bool
    replaced: tuple[Identity, ...] = ()


class Unlinkable(StrEnum):
    """Why an identity could not be linked."""

    TAKEN = "taken"  # it is another customer's
    OTHERS = "others"  # another account of that kind is linked to this customer
    TAKEN_OFF = "taken_off"  # it was theirs, and was taken off on purpose
    GONE = "gone"  # the customer was released


@dataclass(frozen=True, slots=True)
class DeepLink:
    """What a link leads to.

    Attributes:
        shortcut: The name of a shortcut.
        given: Answers that it brings along, as a customer would type them.
        customer_id: Whom the link is about, or None.
    """

    id: UUID
    tenant_id: UUID
    shortcut: str
    given: Mapping[str, str] = field(repr=False)
    expires_at: dt.datetime
    customer_id: UUID | None = None


def mask(name: str) -> str:
    """The two ends of an identity: `12****89`."""
    if len(name) < _MASKABLE_MIN:
        return "****"
    return f"{name[:_ENDS]}****{name[-_ENDS:]}"
