"""Findings of pydantic, in words that a person can act on."""

import datetime as dt
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from pydantic_core.core_schema import ErrorType

from core.kit.counts import counted
from core.kit.expected import has_words, in_words, shaped

THEIRS = ("Input", "String should", "Value error", "permitted", "valid dictionary", "^", "UUID")
LETTERS = shaped(r"^[a-c]{2}$", "should be two of a, b and c, like ab")


class Body(BaseModel):
    name: str


def told(kind: Any, given: object) -> str:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(given)
    return in_words(caught.value.errors()[0])


@pytest.mark.parametrize(
    ("kind", "given", "words"),
    [
        (int, "x", "should be a whole number, like 5"),
        (int, 1.5, "should be a whole number, like 5"),
        (float, "x", "should be a number, like 2.5"),
        (bool, "perhaps", "should be true or false, on or off"),
        (str, 1.5, 'should be text, in quotes, like "500.00"'),
        (UUID, "zzz", "should be an id, like 0192f0c1-7c1e-7d3a-9b1e-2f6a4c8d1e5f"),
        (dt.date, "1 March", "should be a day, like 2026-03-01"),
        (dt.datetime, "noon", "should be a time with its zone, like 2026-03-01T08:00:00Z"),
        (list[int], 5, "should be a list, like [...]"),
        (Body, [], 'should be an object, like {"name": "value"}'),
        (Body, {}, "is required"),
        (Literal["open", "closed", "all"], "z", "should be open, closed or all"),
        (Annotated[str, Field(min_length=1)], "", "should not be empty"),
        (Annotated[str, Field(min_length=3)], "", "should have 3 characters or more"),
        (Annotated[str, Field(max_length=1)], "ab", "should have 1 character at most"),
        (Annotated[list[int], Field(max_length=2)], [1, 2, 3], "should have 2 entries at most"),
        (Annotated[int, Field(ge=1)], 0, "should be 1 or more"),
        (Annotated[str, Field(pattern=LETTERS)], "xx", "should be two of a, b and c, like ab"),
    ],
)
def test_what_is_expected_is_said(kind: Any, given: object, words: str) -> None:
    assert told(kind, given) == words


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_no_finding_is_told_in_pydantics_words(kind: str) -> None:
    """Whatever it comes to find, with or without its facts."""
    finding = {"type": kind, "msg": "Input should be 5 and a valid dictionary", "loc": ()}

    words = in_words(finding)

    assert words
    assert not [theirs for theirs in THEIRS if theirs in words]


def test_a_pattern_has_its_own_words() -> None:
    assert has_words(LETTERS)
    assert not has_words(r"^[a-c]{3}$")


def test_one_is_not_several() -> None:
    assert [counted(many, "minute") for many in (0, 1, 2)] == ["0 minutes", "1 minute", "2 minutes"]
    assert [counted(many, "entry", "entries") for many in (1, 1200)] == ["1 entry", "1,200 entries"]
