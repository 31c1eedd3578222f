"""Where one person is in a flow: all that is kept between two turns.

Small, plain JSON, and free of secrets by construction: no field can hold what was typed at a
`Secret`. Fields that a newer or older release wrote are ignored.
"""

from typing import Literal, TypeAlias

import msgspec

from core.engine.kinds import Scalar

Answers: TypeAlias = dict[str, Scalar]
"""What was answered so far in one flow. Never changed in place."""


class Offered(msgspec.Struct, frozen=True, omit_defaults=True):
    """One option as it was shown: its number is its place in the list, from 1.

    `fixed` ones are declared in the flow; the others were listed when the screen was reached.
    """

    key: str
    label: str
    hint: str = ""
    keep: Answers = {}
    fixed: bool = False


class Visited(msgspec.Struct, frozen=True, omit_defaults=True):
    """A screen that the way back leads to, with the answers as they were when it was shown.

    `origin` is where its facts begin: entering there looks them up afresh.
    """

    node: str
    origin: str
    answers: Answers = {}
    guarded: bool = False


class Frame(msgspec.Struct, frozen=True, omit_defaults=True):
    """A flow that waits at a `Call` for another to return."""

    flow: str
    node: str
    answers: Answers = {}
    back: tuple[Visited, ...] = ()


class Conversation(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One person's place in the flows.

    Attributes:
        turn: Counts the screens shown; it never goes down, so an effect key never comes again.
        begun: The turn at which this journey left the main menu.
        hops: Effects run since the last screen.
        origin: The node from which the present screen can be reached again with fresh facts.
        answers: Of the present flow alone; a called flow has its own.
        shown: The options of the present screen; digits mean these and no others.
        notice: A line above the present screen, as it was shown.
        state: `live` waits for the customer, `acting` for an effect, `ended` for nothing.
        effect: The key of the effect that `acting` waits for.
        asking: What is asked instead of the node: `resume` whether to go on; `sorry` nothing, after
            an apology; `updated` nothing yet, since the node is gone and the menu is next.
        guarded: Something was proven by a secret on the way here, and goes stale with time.
        started_at, touched_at: Seconds since 1970, set by whoever stores it.
    """

    id: str
    flow: str
    node: str
    origin: str
    language: str
    state: Literal["live", "acting", "ended"] = "live"
    answers: Answers = {}
    callers: tuple[Frame, ...] = ()
    back: tuple[Visited, ...] = ()
    shown: tuple[Offered, ...] = ()
    notice: str = ""
    page: int = 0
    turn: int = 0
    begun: int = 0
    hops: int = 0
    effect: str | None = None
    asking: Literal["", "resume", "sorry", "updated"] = ""
    guarded: bool = False
    started_at: int = 0
    touched_at: int = 0


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Conversation)


def to_json(conversation: Conversation) -> bytes:
    return _ENCODER.encode(conversation)


def from_json(stored: bytes | str) -> Conversation:
    """Read a stored conversation.

    Raises:
        msgspec.DecodeError: it is not one, or of a shape that this release cannot read.
    """
    return _DECODER.decode(stored)
