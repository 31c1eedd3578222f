"""What is wrong with something that was given, in words that a person can act on.

pydantic speaks of its own types; here each of its findings says what is expected, with an example.
Nothing that was given is repeated: it may be secret.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from core.kit.counts import counted

_ID = "should be an id, like 0192f0c1-7c1e-7d3a-9b1e-2f6a4c8d1e5f"
_TIME = "should be a time with its zone, like 2026-03-01T08:00:00Z"
_DAY = "should be a day, like 2026-03-01"
_WHOLE = "should be a whole number, like 5"
_NUMBER = "should be a number, like 2.5"
_LIST = "should be a list, like [...]"
_OBJECT = 'should be an object, like {"name": "value"}'
_TEXT = 'should be text, in quotes, like "500.00"'
_ADDRESS = "should be an address, like https://example.com"
_BOOLEAN = "should be true or false"

_FIXED: Final[Mapping[str, str]] = {
    "missing": "is required",
    "missing_argument": "is required",
    "extra_forbidden": "is not known here: is it spelled right?",
    "json_invalid": "should be JSON",
    "json_type": "should be JSON",
    "none_required": "should be null",
    "finite_number": _NUMBER,
    "string_unicode": "should be text in UTF-8",
    "bool_parsing": "should be true or false, on or off",
}
"""By pydantic's name of what it found."""

_FAMILIES: Final[tuple[tuple[str, str], ...]] = (
    ("uuid", _ID),
    ("datetime", _TIME),
    ("timezone", _TIME),
    ("date", _DAY),
    ("int", _WHOLE),
    ("float", _NUMBER),
    ("decimal", _NUMBER),
    ("bool", _BOOLEAN),
    ("list", _LIST),
    ("tuple", _LIST),
    ("set", _LIST),
    ("frozen_set", _LIST),
    ("model", _OBJECT),
    ("dict", _OBJECT),
    ("mapping", _OBJECT),
    ("dataclass", _OBJECT),
    ("string", _TEXT),
    ("url", _ADDRESS),
)
"""By how that name begins, the first that fits."""

_WITH_FACTS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "string_too_short": lambda facts: _at_least(facts["min_length"], "character"),
    "string_too_long": lambda facts: _at_most(facts["max_length"], "character"),
    "too_short": lambda facts: _at_least(facts["min_length"], "entry", "entries"),
    "too_long": lambda facts: _at_most(facts["max_length"], "entry", "entries"),
    "string_pattern_mismatch": lambda facts: _patterns.get(facts["pattern"], "is not written so"),
    "literal_error": lambda facts: f"should be {_plain(facts['expected'])}",
    "enum": lambda facts: f"should be {_plain(facts['expected'])}",
    "union_tag_invalid": lambda facts: (
        f"{_plain(facts['discriminator'])} should be one of {_plain(facts['expected_tags'])}"
    ),
    "union_tag_not_found": lambda facts: f"{_plain(facts['discriminator'])} is required",
    "greater_than": lambda facts: f"should be more than {_figure(facts['gt'])}",
    "greater_than_equal": lambda facts: f"should be {_figure(facts['ge'])} or more",
    "less_than": lambda facts: f"should be less than {_figure(facts['lt'])}",
    "less_than_equal": lambda facts: f"should be {_figure(facts['le'])} or less",
    "multiple_of": lambda facts: f"should be a multiple of {facts['multiple_of']}",
    "url_scheme": lambda facts: f"should begin with {_plain(facts['expected_schemes'])}",
    "value_error": lambda facts: str(facts["error"]),
    "assertion_error": lambda facts: str(facts["error"]),
}

_patterns: dict[str, str] = {}


def shaped(pattern: str, words: str) -> str:
    """The same pattern, for pydantic; whatever does not match it is told `words`."""
    _patterns[pattern] = words
    return pattern


def has_words(pattern: str) -> bool:
    """Whether somebody said what is expected where this pattern is."""
    return pattern in _patterns


def in_words(finding: Mapping[str, Any]) -> str:
    """What is expected, for one of the `errors()` of a pydantic error."""
    kind, facts = finding["type"], finding.get("ctx") or {}
    if facts and kind in _WITH_FACTS:
        return _WITH_FACTS[kind](facts)
    if kind in _FIXED:
        return _FIXED[kind]
    return next(
        (words for begins, words in _FAMILIES if kind.startswith(f"{begins}_")),
        "is not what is expected here",
    )


def _plain(choices: object) -> str:
    return str(choices).replace("'", "")


def _figure(bound: object) -> object:
    return int(bound) if isinstance(bound, float) and bound.is_integer() else bound


def _at_least(many: int, one: str, more: str = "") -> str:
    return "should not be empty" if many == 1 else f"should have {counted(many, one, more)} or more"


def _at_most(many: int, one: str, more: str = "") -> str:
    return f"should have {counted(many, one, more)} at most"
