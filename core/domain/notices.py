"""By which route a notice is told, and what follows when one fails.

A notice goes back to where its matter began: into the chat; where the chat may be written to by
template alone, as that; and by SMS where the customer dialled, or when the chat does not do. What
is said by SMS is said: there is nothing after it.
"""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.domain.chat import Closed, Delivery, Later, Refused, Sent, Unreachable


class Route(StrEnum):
    """How a notice is told."""

    SCREEN = "screen"  # the customer saw it in the talk itself; nothing is left to tell
    CHAT = "chat"
    TEMPLATE = "template"
    SMS = "sms"


@dataclass(frozen=True, slots=True)
class ChatStanding:
    """How a customer stands to the chat that a matter began in.

    Attributes:
        kind: Of the channel: `telegram`; "" where it is no chat, or one that is off.
        reachable: They are known there as before, and nothing is known of them having left.
        heard_at: When they wrote there last.
    """

    kind: str = ""
    reachable: bool = False
    heard_at: dt.datetime | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """Try this route, now or in so many seconds."""

    route: Route
    after_s: float = 0.0


Failure = Later | Unreachable | Closed | Refused

PATIENCE_S = 300.0
"""Longer than this no chat is waited for: somebody wants to know where their money is."""

# How long a person may be written to after they wrote, where there is such a rule. A little less
# than the channel's own day: what is begun within it must also arrive within it.
_WINDOWS: Mapping[str, dt.timedelta] = {"whatsapp": dt.timedelta(hours=23, minutes=55)}

# After each failed try by a route, in seconds; then the next route is tried. After the last one it
# is given up and an operator sees it.
_CHAT_AGAIN_S = (3, 10, 30, 120)
_AGAIN_S: Mapping[Route, tuple[int, ...]] = {
    Route.CHAT: _CHAT_AGAIN_S,
    Route.TEMPLATE: _CHAT_AGAIN_S,
    Route.SMS: (5, 15, 60, 300, 900, 3600, 3600, 3600),
}


def route_of(
    standing: ChatStanding, now: dt.datetime, *, by_sms: bool, before: Route | None = None
) -> Route:
    """The route that a notice takes now; never back to one that was left before."""
    if by_sms or not standing.kind or not standing.reachable or before is Route.SMS:
        return Route.SMS
    window = _WINDOWS.get(standing.kind)
    if window is None:
        return Route.CHAT
    closed = standing.heard_at is None or standing.heard_at + window <= now
    return Route.TEMPLATE if closed or before is Route.TEMPLATE else Route.CHAT


def after(route: Route, failed: Failure, kind: str, tries: int) -> Again | None:
    """What follows a failed try; None when there is nothing left to try.

    `tries`: how often this route was tried by now.
    """
    match failed:
        case Later(after_s):
            waits = _AGAIN_S.get(route, ())
            patient = route is Route.SMS or after_s <= PATIENCE_S
            if patient and 0 < tries <= len(waits):
                return Again(route, max(after_s, waits[tries - 1]))
        case Closed() if route is Route.CHAT and kind in _WINDOWS:
            return Again(Route.TEMPLATE)
        case Closed() | Unreachable() | Refused():
            pass
    return None if route is Route.SMS else Again(Route.SMS)


def why(delivery: Delivery) -> str:
    """In words for operators, none of them a customer's."""
    match delivery:
        case Sent():
            return ""
        case Closed():
            return "the chat is closed"
        case _:
            return delivery.why
