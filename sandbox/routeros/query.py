"""The query words of a `print`: a stack of truths over one row.

`?name`, `?-name`, `?name=x`, `?=name=x`, `?<name=x`, `?>name=x` push; `?#` with `!`, `&`, `|`, an
index or `.` works on what is there. In the end everything on the stack must be true.
"""

import re
from collections.abc import Callable, Sequence

from sandbox.routeros.refusals import Trap

Look = Callable[[str], str | None]
_NAME = re.compile(r"\?=?name=(.*)", re.DOTALL)
_OPERATIONS = re.compile(r"\d+|[!&|.]", re.ASCII)


def fits(look: Look, words: Sequence[str]) -> bool:
    """Is it a row that `words` ask for? `look` gives what a row prints under a name, or None."""
    stack: list[bool] = []
    for word in words:
        if word.startswith("?#"):
            _operate(stack, word[2:])
        else:
            stack.append(_holds(look, word[1:]))
    return all(stack)


def wanted_names(words: Sequence[str]) -> list[str] | None:
    """The names that a query of nothing but names asks for."""
    names = [name[1] for word in words if (name := _NAME.fullmatch(word))]
    joined = all(_NAME.fullmatch(word) or set(word) <= set("?#|") for word in words)
    return names if names and joined else None


def _holds(look: Look, test: str) -> bool:
    if test.startswith("-"):
        return look(test[1:]) is None
    compare = test[:1] if test[:1] in "<>=" else ""
    name, equals, wanted = test.removeprefix(compare).partition("=")
    value = look(name)
    if value is None:
        return False
    if not equals:
        return True
    if compare in {"", "="}:
        return value == wanted
    both_count = value.isdecimal() and wanted.isdecimal()
    left, right = (int(value), int(wanted)) if both_count else (value, wanted)
    return left < right if compare == "<" else left > right  # type: ignore[operator]  # of one kind


def _operate(stack: list[bool], operations: str) -> None:
    """An index, counted from the top, pushes a copy of what is there; `.` one of the top.

    After an index `.` only ends the number.
    """
    parts = _OPERATIONS.findall(operations)
    if "".join(parts) != operations:
        raise Trap("invalid query", 5)
    try:
        for at, part in enumerate(parts):
            match part:
                case "!":
                    stack.append(not stack.pop())
                case "&" | "|":
                    second, first = stack.pop(), stack.pop()
                    stack.append(first and second if part == "&" else first or second)
                case ".":
                    if not parts[at - 1 : at] or not parts[at - 1].isdecimal():
                        stack.append(stack[-1])
                case index:
                    stack.append(stack[-1 - int(index)])
    except IndexError:
        raise Trap("invalid query", 5) from None
