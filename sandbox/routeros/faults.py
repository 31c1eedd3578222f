"""What can go wrong with one command, and how often it does."""

import random
from dataclasses import dataclass, field
from enum import StrEnum


class FaultKind(StrEnum):
    CUT_BEFORE = "cut_before"  # the connection is cut, nothing is done
    CUT_AFTER = "cut_after"  # it is done, the connection is cut before the reply
    CUT_MIDWAY = "cut_midway"  # it is done, the connection is cut in the middle of the reply
    STALL = "stall"  # it is done, no reply ever comes
    DELAY = "delay"  # it is done, the reply comes after the seconds
    DRIP = "drip"  # it is done, the reply comes byte by byte, the seconds between
    GARBAGE = "garbage"  # it is done, the reply is noise
    HUGE_WORD = "huge_word"  # a word that says it is larger than any memory, and begins to come
    ENDLESS_ROWS = "endless_rows"  # rows without end
    ENDLESS_SENTENCE = "endless_sentence"  # one sentence without end
    WRONG_ORDER = "wrong_order"  # it is done, the end of the reply comes before its rows
    TWICE = "twice"  # it is done, the reply comes twice
    NO_REPLY_WORD = "no_reply_word"  # a sentence that begins with no `!` word
    RAW = "raw"  # nothing is done, the given bytes come
    TRAP = "trap"  # nothing is done, the given message
    FATAL = "fatal"  # nothing is done, the given reason, and the connection ends


@dataclass(slots=True)
class Fault:
    """A fault, and which commands it meets.

    Attributes:
        command: What the command begins with; empty meets all of them, logins included.
        chance: How likely each is met.
        times: How often at most; None is always.
        words: Of a trap or a fatal end.
        raw: The bytes of RAW.
    """

    kind: FaultKind
    command: str = "/ip/"
    chance: float = 1.0
    times: int | None = None
    seconds: float = 0.0
    words: str = "action timed out - try again, if error continues contact MikroTik support (13)"
    raw: bytes = b""


@dataclass(slots=True)
class Mishaps:
    """The faults of one router, in the order they were told; the first that meets is played."""

    seed: int = 1
    told: list[Fault] = field(default_factory=list)
    _dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._dice = random.Random(self.seed)  # noqa: S311 - chance that a test can repeat

    def add(self, fault: Fault) -> None:
        self.told.append(fault)

    def clear(self) -> None:
        self.told.clear()

    def meet(self, command: str) -> Fault | None:
        for fault in self.told:
            if not command.startswith(fault.command) or self._dice.random() >= fault.chance:
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times <= 0:
                    self.told.remove(fault)
            return fault
        return None

    def noise(self, count: int) -> bytes:
        return self._dice.randbytes(count)
