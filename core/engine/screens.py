"""The kinds of node a flow is made of.

Texts are keys of the message catalogue; the words in braces there are answers, shown by their kind.
Functions are asynchronous and take one context, which the runtime makes for each effect: they alone
reach services. Everything else is data, so that every exit is visible without running.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from core.domain.display import Tells
from core.engine.kinds import Kind, Scalar
from core.engine.outcomes import Choice, Done, Masked

Run: TypeAlias = Callable[[Any], Awaitable[Done | str]]
"""Returns the exit to leave by; a plain word is a `Done` that keeps nothing."""

Listing: TypeAlias = Callable[[Any], Awaitable[Sequence[Choice]]]
"""Returns what a customer may choose from now. Only reads."""

Check: TypeAlias = Callable[[Any], Awaitable[None]]
"""Raises `Problem` when the answer just given will not do. Only reads."""

SecretCheck: TypeAlias = Callable[[Any, Masked], Awaitable[Done | str]]
"""Returns the exit to leave by. May count tries; never keeps the secret."""


@dataclass(frozen=True, slots=True)
class Exit:
    """Where an exit leads, when it gives answers that the other exits do not.

    Attributes:
        alone: A line that was to stand above the next screen, on what was looked for, is left out:
            the screen says it better.
    """

    to: str
    keeps: Mapping[str, Kind] = field(default_factory=dict)
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Option:
    """One line of a menu, and where it leads.

    Attributes:
        key: Its lasting name, which buttons send; never a reserved key such as `0`.
        keep: Answers that choosing it gives.
        keywords: Other words by which a customer may choose it.
    """

    key: str
    text: str
    to: str
    keep: Mapping[str, Scalar] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A button in chats that leads to where the answer `answer` says; left out where that is "".

    `inline`: to a chat that the person chooses, with the bot asked for the answer there.
    """

    text: str
    answer: str
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Menu:
    """A text and fixed options; with none it is a page of information, left by navigation.

    `review`: it must be seen before it is answered, so what was typed ahead stops here. `links` are
    shown in chats alone: what matters stands in the text as well.
    """

    name: str
    text: str
    options: tuple[Option, ...] = ()
    review: bool = False
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Pick:
    """Options listed when the screen is reached, then frozen as they were shown.

    Attributes:
        keep: The answer that the choice gives: its value under this name, or else its key.
        keeps: Further answers that every choice gives.
        empty: Where to go when there is nothing to choose from (and `also` is not shown either).
        also: Fixed options after the listed ones.
    """

    name: str
    text: str
    options: Listing
    keep: str
    kind: Kind
    to: str
    empty: str
    also: tuple[Option, ...] = ()
    keeps: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Ask:
    """A question answered in the customer's own words.

    `check` runs after the answer could be read and before it is kept; its `Problem` is shown and
    the question asked again. `contact` makes it a question for the customer's own number: where to
    go when the channel itself vouches for it, and nothing needs to be proven.
    """

    name: str
    text: str
    kind: Kind
    keep: str
    to: str
    check: Check | None = None
    contact: str = ""


@dataclass(frozen=True, slots=True)
class Confirm:
    """What is about to happen, and yes or no."""

    name: str
    text: str
    yes: str
    no: str
    yes_text: str = "common.yes"
    no_text: str = "common.no"


@dataclass(frozen=True, slots=True)
class Secret:
    """A PIN or a one-time code. What is typed reaches `check` and nothing else.

    It is in no answer, no way back, no stored conversation and no representation. To have a new PIN
    typed twice, let the first check keep a keyed digest of it (a bare hash of four digits is read
    back in a moment) under a name in `keeps` of kind `OPAQUE`, and let the second compare.

    Attributes:
        exits: Must hold `wrong` and, unless `choosing`, `locked`. A `Problem` that `check` raises
            leaves by the exit named as its code, or else is a line above the same question.
        digits: Least and most digits; anything else is asked again without a check.
        keeps: Answers that every exit gives, but for `wrong`, `locked` and those in `bare`.
        choosing: The customer makes up a new secret, so there is nothing to guess and to lock.
        once: It is worth nothing once it was used, so it may be typed in a chat, where it stays.
    """

    name: str
    text: str
    check: SecretCheck
    exits: Mapping[str, str | Exit]
    digits: tuple[int, int] = (4, 4)
    keeps: Mapping[str, Kind] = field(default_factory=dict)
    choosing: bool = False
    bare: tuple[str, ...] = ()
    once: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """Looks something up and branches on it. Shows nothing; may run any number of times.

    Attributes:
        exits: Where each answer of `run` leads. A `Problem` leaves by the exit named as its code.
        keeps: Answers it gives on every exit that is not in `bare`.
        bare: Exits that give none; those named as a problem's code (with a dot) always are.
        fault: Where to go when it breaks; without one the customer gets an apology and the menu.
    """

    name: str
    run: Run
    exits: Mapping[str, str | Exit]
    keeps: Mapping[str, Kind] = field(default_factory=dict)
    bare: tuple[str, ...] = ()
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """Changes something outside, under an idempotency key: run twice, it is done once.

    Attributes:
        exits, keeps, bare: As for `Fact`.
        pending: Where to go when the outcome is told later.
        fault: Where to go when it broke on our side, or a `Problem` has no exit of its own.
        commits: There is no way back past it, whatever came of it (a `Problem` excepted: nothing
            happened).
    """

    name: str
    run: Run
    exits: Mapping[str, str | Exit]
    pending: str
    fault: str
    keeps: Mapping[str, Kind] = field(default_factory=dict)
    bare: tuple[str, ...] = ()
    commits: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """Enters another flow and comes back to `to`.

    Attributes:
        keep: The child's answers that become ours, as {child's name: our name}.
        give: Our answers that the child takes, as {child's name: our name}.
        exits: Where to go instead of `to` after a `Return` with that exit; `keep` is not promised
            on these.
        about: A text with our answers, on what it is about: it stands above each secret that is
            asked for there.
    """

    name: str
    flow: str
    to: str
    keep: Mapping[str, str] = field(default_factory=dict)
    give: Mapping[str, str] = field(default_factory=dict)
    exits: Mapping[str, str] = field(default_factory=dict)
    about: str = ""


@dataclass(frozen=True, slots=True)
class Return:
    """Ends a flow that was called. The caller goes on at its `to`, or where `exit` leads there."""

    name: str
    exit: str = ""


@dataclass(frozen=True, slots=True)
class Jump:
    """Leaves for another flow, with no return. `give` is {its answer's name: our name}."""

    name: str
    flow: str
    give: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class End:
    """The last word. Ends the session where there are sessions, leads to the menu elsewhere.

    `receipt` names the answer that holds our reference of what was bought, which `tells` the
    customer so much of: what a notice would tell again. `links` as for `Menu`.
    """

    name: str
    text: str
    receipt: str = ""
    tells: Tells = Tells.DONE
    links: tuple[Link, ...] = ()


Node: TypeAlias = Menu | Pick | Ask | Confirm | Secret | Fact | Act | Call | Return | Jump | End
