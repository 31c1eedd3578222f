"""What customers read, in each language: a catalogue of gettext files by dotted key.

`<folder>/<language>.po` holds `msgid "airtime.amount"`, `msgstr "How much for {msisdn}?"`. English
is complete; where another language lacks a text, the English one is shown.
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from babel.messages.pofile import read_po

from core.kit.errors import Fault

FALLBACK = "en"


class MissingText(Fault):
    """A text that no catalogue has: the texts are checked before the program starts."""


@dataclass(frozen=True, slots=True)
class _Text:
    """One text, cut once into its literal and named parts."""

    source: str
    parts: tuple[tuple[str, str | None], ...]

    def filled(self, facts: Mapping[str, object]) -> str:
        if len(self.parts) == 1 and self.parts[0][1] is None:
            return self.source
        return "".join(
            literal + ("" if name is None else str(facts[name])) for literal, name in self.parts
        )

    @property
    def names(self) -> frozenset[str]:
        return frozenset(name for _, name in self.parts if name is not None)


class Texts:
    """The catalogue of every language, read once."""

    def __init__(self, catalogues: Mapping[str, Mapping[str, str]]) -> None:
        """Raises `Fault` when English is not there, or a text is malformed."""
        if FALLBACK not in catalogues:
            raise Fault(f"no texts in {FALLBACK!r}: every other language falls back to it")
        self._texts = {
            language: {key: _cut(language, key, source) for key, source in texts.items()}
            for language, texts in catalogues.items()
        }
        self._fallback = self._texts[FALLBACK]

    @classmethod
    def load(cls, folder: Path) -> "Texts":
        """Read every `<language>.po` in `folder`."""
        return cls({path.stem: _read(path) for path in sorted(folder.glob("*.po"))})

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._texts)

    @property
    def keys(self) -> frozenset[str]:
        """Every key of the English catalogue."""
        return frozenset(self._fallback)

    def has(self, key: str) -> bool:
        return key in self._fallback

    def get(self, language: str, key: str, /, **facts: object) -> str:
        """The text in that language, or else in English, filled with `facts`.

        Raises:
            MissingText: no language has it, or a fact that it names is not given.
        """
        return self.fill(language, key, facts)

    def fill(self, language: str, key: str, facts: Mapping[str, object]) -> str:
        """As `get`, for facts that are a mapping already."""
        found = self._find(language, key)
        try:
            return found.filled(facts)
        except KeyError as missing:
            raise MissingText(f"text {key!r} needs {missing}") from missing

    def placeholders(self, key: str, language: str = FALLBACK) -> frozenset[str]:
        """The names in braces of that text."""
        return self._find(language, key).names

    def faults(self) -> list[str]:
        """What is missing or differs between the languages, one line each."""
        return [
            fault
            for language in sorted(self._texts.keys() - {FALLBACK})
            for fault in self._compared(language)
        ]

    def _compared(self, language: str) -> list[str]:
        texts = self._texts[language]
        faults = [f"{language}: {key!r} is missing" for key in sorted(self.keys - texts.keys())]
        faults += [
            f"{language}: {key!r} is not in English" for key in sorted(texts.keys() - self.keys)
        ]
        for key in sorted(texts.keys() & self.keys):
            ours, english = texts[key].names, self._fallback[key].names
            if ours != english:
                faults.append(
                    f"{language}: {key!r} has {_braced(ours)} where English has {_braced(english)}"
                )
        return faults

    def _find(self, language: str, key: str) -> _Text:
        found = self._texts.get(language, self._fallback).get(key) or self._fallback.get(key)
        if found is None:
            raise MissingText(f"no text {key!r}")
        return found


def _read(path: Path) -> dict[str, str]:
    with path.open("rb") as file:
        catalogue = read_po(file, locale=path.stem, abort_invalid=True)
    return {
        message.id: message.string
        for message in catalogue
        if isinstance(message.id, str)
        and isinstance(message.string, str)
        and message.id
        and message.string
        and not message.fuzzy
    }


def _cut(language: str, key: str, source: str) -> _Text:
    try:
        parts = tuple(
            (literal, name) for literal, name, layout, cast in string.Formatter().parse(source)
        )
        plain = all(
            not layout and not cast and (name is None or name.isidentifier())
            for _, name, layout, cast in string.Formatter().parse(source)
        )
    except ValueError as error:
        raise Fault(f"{language}: text {key!r}: {error}") from error
    if not plain:
        raise Fault(f"{language}: text {key!r} has more than a name in its braces")
    if len(parts) == 1 and parts[0][1] is None:
        return _Text(parts[0][0], parts)
    return _Text(source, parts)


def _braced(names: frozenset[str]) -> str:
    return " ".join(f"{{{name}}}" for name in sorted(names)) or "no names"
