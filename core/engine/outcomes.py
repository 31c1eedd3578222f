"""What the functions of a flow answer with, and what the engine is told of an effect."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NoReturn

from core.engine.kinds import Scalar


@dataclass(frozen=True, slots=True)
class Done:
    """An effect ended: leave by `exit`, and remember `keep`."""

    exit: str
    keep: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Choice:
    """One line of a `Pick`.

    `Pick.keep` takes the value under its own name in `keep`, or else `key`. The whole choice is
    frozen in the conversation when it is shown, so what a digit means never moves under a thumb.
    """

    key: str
    label: str
    hint: str = ""
    keep: Mapping[str, Scalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pending:
    """The effect goes on without us: the outcome is told later, on its own."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The effect broke on our side, or nobody knows what became of it."""


class Masked:
    """A secret in memory. It shows itself to `reveal` only: no repr, no JSON, no pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The secret in plain. Never store it, log it or put it in an answer."""
        return self._value

    def __repr__(self) -> str:
        return "Masked(****)"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Masked) and hmac.compare_digest(
            self._value.encode(), other._value.encode()
        )

    __hash__ = None  # type: ignore[assignment] # a secret is nobody's key

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
