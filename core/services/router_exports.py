"""A router's configuration as text: vouchers left out, and two of them compared.

An export names every hotspot user, and a voucher's name is its code; it is known by its comment.
Long lines go on after a backslash, the next line indented (RouterOS's own form).
"""

import difflib
from collections.abc import Iterator

from core.domain.vouchers import MARK

_USERS = "/ip hotspot user"
_CONTINUES = "\\"
_DIFF_LINES_MAX = 5000


def without_vouchers(text: str) -> tuple[str, int]:
    """The export without our users, and how many those were."""
    kept: list[str] = []
    left_out = 0
    section = ""
    for command in _commands(text):
        if command.startswith("/"):
            section = command.split("\n", 1)[0].strip()
        if section.startswith(_USERS) and MARK in command.replace(f"{_CONTINUES}\n    ", ""):
            left_out += 1
        else:
            kept.append(command)
    return "\n".join(kept) + "\n", left_out


def differences(before: str, after: str) -> str:
    """A unified diff; empty when they are alike. The first line tells only when it was written."""
    lines = difflib.unified_diff(_body(before), _body(after), "before", "after", lineterm="", n=2)
    found = list(lines)
    if len(found) > _DIFF_LINES_MAX:
        rest = len(found) - _DIFF_LINES_MAX
        found = [*found[:_DIFF_LINES_MAX], f"... and {rest} more lines"]
    return "\n".join(found)


def _body(text: str) -> list[str]:
    lines = text.splitlines()
    return lines[1:] if lines and lines[0].startswith("#") else lines


def _commands(text: str) -> Iterator[str]:
    """Lines as they are, those that go on together with what they go on with."""
    waiting: list[str] = []
    for line in text.splitlines():
        waiting.append(line)
        if not line.endswith(_CONTINUES):
            yield "\n".join(waiting)
            waiting = []
    if waiting:
        yield "\n".join(waiting)
