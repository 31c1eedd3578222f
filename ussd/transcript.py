"""New input, a repeat or a latecomer? Told from the text of a whole session.

Many gateways send all that was typed in a session, joined with `*`, at every step. What is new is
the part after the text before, found by comparing the whole and never by splitting at the last
`*`: `1` then `1*1` is a second answer, `1` then `1` is the same request again, and a customer may
type a `*`.

The text may hold a PIN, so it is not kept. What is kept is a mark: how long the text was, a keyed
digest of it, and tags of the session and of a few sessions before it.
"""

import hashlib
from dataclasses import dataclass

from core.domain.turns import Advance, Progress
from core.kit.crypto import Keyring

_SEPARATOR = "*"
# Redials follow each other in seconds, late requests too: a handful of sessions covers both.
_EARLIER_SESSIONS = 4
# Nobody types more answers ahead than a dial string holds; thousands would be an attack.
_AHEAD_MAX = 20


@dataclass(frozen=True, slots=True)
class _Mark:
    """The text last served. `sessions` are tags, the present one first."""

    length: int
    digest: str
    sessions: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.length}:{self.digest}:{','.join(self.sessions)}"


@dataclass(frozen=True, slots=True)
class Transcript:
    """All that was typed in a session so far: a `Cursor` of accumulated text."""

    keyring: Keyring
    session_id: str
    text: str

    def advance(self, mark: str | None) -> Advance:
        """What this text adds to the marked one.

        A session of its own begins, with what was dialled along with the code as its inputs; but a
        latecomer from a session that a newer one has replaced is stale: read as a beginning, its
        answers would be taken for a dialled shortcut.
        """
        session = _tag(self.session_id)
        seen = _read(mark) if mark else None
        if seen is None:
            return self._begin((session,))
        if session != seen.sessions[0]:
            if session in seen.sessions:
                return Advance(Progress.STALE, (), str(seen))
            return self._begin((session, *seen.sessions[:_EARLIER_SESSIONS]))
        return self._go_on(seen)

    def _begin(self, sessions: tuple[str, ...]) -> Advance:
        inputs = _inputs(self.text) if self.text else ()
        return Advance(Progress.BEGIN, inputs, self._mark(sessions))

    def _go_on(self, seen: _Mark) -> Advance:
        before, after = self.text[: seen.length], self.text[seen.length :]
        if len(before) < seen.length or self._digest(before) != seen.digest:
            return Advance(Progress.STALE, (), str(seen))
        if not after:
            return Advance(Progress.REPEAT, (), str(seen))
        if before:
            if not after.startswith(_SEPARATOR):
                return Advance(Progress.STALE, (), str(seen))
            after = after[1:]
        return Advance(Progress.NEW, _inputs(after), self._mark(seen.sessions))

    def _mark(self, sessions: tuple[str, ...]) -> str:
        return str(_Mark(len(self.text), self._digest(self.text), sessions))

    def _digest(self, text: str) -> str:
        return self.keyring.digest("ussd.transcript", self.session_id, text)


def _inputs(added: str) -> tuple[str, ...]:
    """The answers in what was added: one, or several that were typed ahead (`1*2`).

    Two empty ones in a row are a typed `*`, which its own separators surround; a single empty one
    is an empty answer.
    """
    parts = added.split(_SEPARATOR, _AHEAD_MAX)[:_AHEAD_MAX]
    inputs: list[str] = []
    index = 0
    while index < len(parts):
        if parts[index : index + 2] == ["", ""]:
            inputs.append(_SEPARATOR)
            index += 2
        else:
            inputs.append(parts[index])
            index += 1
    return tuple(inputs)


def _tag(session_id: str) -> str:
    return hashlib.blake2b(session_id.encode(), digest_size=6).hexdigest()


def _read(mark: str) -> _Mark | None:
    """None for a mark in another form, as an older release may have left."""
    length, _, rest = mark.partition(":")
    digest, _, sessions = rest.partition(":")
    if not (length.isdecimal() and digest and sessions):
        return None
    return _Mark(int(length), digest, tuple(sessions.split(",")))
