"""Tables of a router's configuration: rows with ids, typed fields, uniqueness."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from sandbox.routeros import forms
from sandbox.routeros.refusals import ALREADY, NO_ITEM, Trap, no_match


class Kind(Enum):
    TEXT = "text"
    TRUTH = "truth"
    FLAG = "flag"  # a truth that the router itself sets; v6 writes true and false here
    TIME = "time"  # kept in seconds
    SIZE = "size"  # kept in bytes
    SECRET = "secret"  # noqa: S105 - text that takes the policy `sensitive`


@dataclass(frozen=True, slots=True)
class Field:
    """One property. `of`: the table whose names are all that it may hold; `also` lists others."""

    kind: Kind = Kind.TEXT
    default: Any = None
    fixed: bool = False
    of: str = ""
    also: tuple[str, ...] = ()


@dataclass(eq=False, slots=True)
class Row:
    id: str
    values: dict[str, Any]
    born_s: float = 0.0


@dataclass(slots=True)
class Table:
    """Rows under one path.

    Attributes:
        unique: The fields that no two rows may share together.
        required: Fields that `add` must be given.
        duplicate: What is said of a second one.
    """

    path: str
    fields: Mapping[str, Field]
    unique: tuple[str, ...] = ("name",)
    required: tuple[str, ...] = ("name",)
    duplicate: str = ALREADY
    rows: dict[str, Row] = field(default_factory=dict)
    made: int = 0
    _taken: dict[tuple[Any, ...], str] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows.values())

    def put(self, now_s: float, /, **values: Any) -> Row:
        """A row as the router itself makes it; names with `_` for `-`."""
        given = {name.replace("_", "-"): value for name, value in values.items()}
        return self._keep({**self._defaults(), **given}, now_s)

    def add(self, told: Mapping[str, str], known: Callable[[str], "Table"], now_s: float) -> Row:
        values = {**self._defaults(), **self.read(told, known)}
        for name in self.required:
            if not values.get(name):
                raise Trap(f"missing ={name}=", 1)
        if self._key(values) in self._taken:
            raise Trap(self.duplicate)
        return self._keep(values, now_s)

    def change(self, row: Row, told: Mapping[str, str], known: Callable[[str], "Table"]) -> None:
        values = {**row.values, **self.read(told, known)}
        if self._taken.get(self._key(values), row.id) != row.id:
            raise Trap(self.duplicate)
        if self.unique:
            del self._taken[self._key(row.values)]
            self._taken[self._key(values)] = row.id
        row.values = values

    def drop(self, row: Row) -> None:
        del self.rows[row.id]
        self._taken.pop(self._key(row.values), None)

    def clear(self) -> None:
        self.rows.clear()
        self._taken.clear()

    def find(self, words: str) -> list[Row]:
        """The rows of `=.id=`, a comma list of ids or names; raises `Trap` where one is none."""
        found = []
        for word in words.split(","):
            row = self.rows.get(word) or self.named(word)
            if row is None:
                raise Trap(NO_ITEM, 0)
            found.append(row)
        return found

    def named(self, name: str) -> Row | None:
        return next((row for row in self if row.values.get("name") == name), None)

    def keyed(self, *key: Any) -> Row | None:
        return self.rows.get(self._taken.get(key, ""))

    def read(self, told: Mapping[str, str], known: Callable[[str], "Table"]) -> dict[str, Any]:
        """Values as they are kept; raises `Trap` for what does not fit."""
        return {name: self._value(name, text, known) for name, text in told.items()}

    def _value(self, name: str, text: str, known: Callable[[str], "Table"]) -> Any:
        kept = self.fields.get(name)
        if kept is None or kept.fixed:
            raise Trap("unknown parameter", 1)
        if kept.of and text not in kept.also and known(kept.of).named(text) is None:
            raise no_match(name)
        match kept.kind:
            case Kind.TRUTH | Kind.FLAG:
                return forms.truth(text, name)
            case Kind.TIME:
                return forms.seconds(text, name)
            case Kind.SIZE:
                return forms.size(text, name)
            case Kind.TEXT | Kind.SECRET:
                return text

    def _defaults(self) -> dict[str, Any]:
        return {name: kept.default for name, kept in self.fields.items()}

    def _keep(self, values: dict[str, Any], now_s: float) -> Row:
        self.made += 1
        row = Row(f"*{self.made:X}", values, now_s)
        self.rows[row.id] = row
        if self.unique:
            self._taken[self._key(values)] = row.id
        return row

    def _key(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(values.get(name) for name in self.unique)


def written(kept: Field, value: Any, *, v7: bool, colons: bool) -> str | None:
    """A value as it is printed; None is not printed at all."""
    if value is None:
        return None
    match kept.kind:
        case Kind.FLAG:
            return "true" if value else "false"
        case Kind.TRUTH:
            return ("true" if value else "false") if v7 else ("yes" if value else "no")
        case Kind.TIME:
            return forms.duration(value, colons=colons)
        case Kind.TEXT | Kind.SECRET | Kind.SIZE:
            return str(value)
