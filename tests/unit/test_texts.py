"""The catalogue: read once, English where a language is silent, and equal in all of them."""

import re
from pathlib import Path

import pytest

from core.app import TEXTS
from core.kit.errors import Fault
from core.kit.texts import MissingText, Texts

ENGLISH = {"greet": "Hello {name}.", "bye": "Bye.", "braces": "{{not a name}}"}


def test_a_text_is_filled_with_its_facts() -> None:
    texts = Texts({"en": ENGLISH})

    assert texts.get("en", "greet", name="Ada", unused=1) == "Hello Ada."
    assert texts.get("en", "greet", name="{bye}") == "Hello {bye}."
    assert texts.get("en", "braces") == "{not a name}"
    assert texts.fill("en", "greet", {"name": 7}) == "Hello 7."


def test_english_is_shown_where_a_language_is_silent_or_unknown() -> None:
    texts = Texts({"en": ENGLISH, "yo": {"bye": "O dabo."}})

    assert texts.get("yo", "bye") == "O dabo."
    assert texts.get("yo", "greet", name="Ada") == "Hello Ada."
    assert texts.get("xx", "bye") == "Bye."


def test_the_names_in_a_text_are_known() -> None:
    texts = Texts({"en": ENGLISH})

    assert texts.placeholders("greet") == {"name"}
    assert texts.placeholders("braces") == frozenset()


@pytest.mark.parametrize("key", ["nothing", "greet"])
def test_a_text_or_a_fact_that_is_missing_is_named(key: str) -> None:
    with pytest.raises(MissingText, match=key):
        Texts({"en": ENGLISH}).get("en", key)


def test_languages_are_compared_with_english() -> None:
    texts = Texts({"en": ENGLISH, "ha": {"greet": "Sannu {nmae}.", "extra": "x", "bye": "Sai."}})

    assert texts.faults() == [
        "ha: 'braces' is missing",
        "ha: 'extra' is not in English",
        "ha: 'greet' has {nmae} where English has {name}",
    ]


@pytest.mark.parametrize("source", ["{", "{name!r}", "{name:>5}", "{0}", "{a.b}", "{}"])
def test_a_malformed_text_stops_the_start(source: str) -> None:
    with pytest.raises(Fault, match="en: text 'bad'"):
        Texts({"en": {"bad": source}})


def test_without_english_there_is_no_catalogue() -> None:
    with pytest.raises(Fault, match="'en'"):
        Texts({"yo": {}})


def test_catalogues_are_read_from_gettext_files(tmp_path: Path) -> None:
    head = 'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
    (tmp_path / "en.po").write_text(head + 'msgid "bye"\nmsgstr "Bye,\\n"\n"{name}."\n', "utf-8")
    (tmp_path / "yo.po").write_text(
        head + '#, fuzzy\nmsgid "bye"\nmsgstr "Guess"\n\nmsgid "hi"\nmsgstr "\u1eb8 n l\u1eb9"\n',
        "utf-8",
    )

    texts = Texts.load(tmp_path)

    assert texts.languages == ("en", "yo")
    assert texts.get("en", "bye", name="Ada") == "Bye,\nAda."
    assert texts.get("yo", "hi") == "\u1eb8 n l\u1eb9"
    assert texts.get("yo", "bye", name="Ada") == "Bye,\nAda."


def test_the_catalogues_that_are_shipped_are_sound() -> None:
    texts = Texts.load(Path(__file__).parents[2] / "core" / "texts")

    assert texts.faults() == []
    assert texts.has("common.sorry")


# What these count is never one, or the text of one is another.
_NEVER_ONE = {
    "digits.unreadable",
    "gift.answers_count",
    "gift.numbers_many",
    "home.last.several",
    "secret.digits",
    "secret.digits_between",
    "sheet.days",
    "sheet.hours",
    "text.too_long",
}
_SEVERAL = re.compile(
    r"\} (?:minutes|hours|days|times|tries|people|vouchers|codes|gifts|shares|parts|numbers|"
    r"payments|answers|letters|digits|have)\b|\(s\)"
)


def test_no_text_of_ours_is_wrong_where_what_it_counts_is_one() -> None:
    """It has no plural, or a text of its own for one."""
    texts = Texts.load(TEXTS)
    wrong = {
        key
        for key in texts.keys
        if not texts.has(f"{key}.one")
        and _SEVERAL.search(texts.fill("en", key, dict.fromkeys(texts.placeholders(key), "}")))
    }

    assert wrong == _NEVER_ONE
