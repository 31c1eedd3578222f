"""A model sees no digit that a customer wrote, and may only point at what was written."""

import datetime as dt
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.domain.advice import Usage, best_plan, in_words
from core.domain.customers import Customer, Tenant
from core.domain.plans import Plan
from core.engine.kinds import Locale
from core.kit import ids
from core.kit.msisdn import Msisdn
from core.kit.texts import Texts
from core.ports.chat import Proposal, Reading
from core.services.assistant import WordsAssistant, without_numbers
from core.services.greeting import first_name, greeting

TENANT = Tenant(ids.uuid7(), "shop", "Shop", "NG", "NGN", "Africa/Lagos")
ADA = Customer(
    ids.uuid7(),
    TENANT.id,
    Msisdn("2348030000001"),
    "en",
    "active",
    pin_set=True,
    created_at=dt.datetime(2026, 3, 1, tzinfo=dt.UTC),
)
WORDS = "bless my padi 08031234567 make e no pass 500 or 600"


class Model:
    """Says what it is told to say, and keeps what it was asked."""

    def __init__(self, reading: Reading | None) -> None:
        self.reading = reading
        self.asked: list[str] = []

    async def read(self, words: str) -> Reading | None:
        self.asked.append(words)
        return self.reading


async def proposed(text: str, reading: Reading | None) -> tuple[Proposal | None, Model]:
    model = Model(reading)
    assistant = WordsAssistant(model)
    return await assistant.propose(text, tenant=TENANT, customer=ADA, language="en"), model


async def test_a_model_names_the_intent_and_points_at_the_numbers() -> None:
    proposal, model = await proposed(WORDS, Reading("airtime", "#2", "#1", "mtn"))

    assert model.asked == ["bless my padi #1 make e no pass #2 or #3"]
    assert proposal == Proposal(
        "say_airtime", {"amount": "500", "msisdn": "08031234567", "network": "mtn"}
    )


async def test_common_phrases_are_never_shown_to_a_model() -> None:
    proposal, model = await proposed("send 500 mtn to 08031234567", Reading("help"))

    assert proposal is not None
    assert proposal.shortcut == "say_airtime"
    assert model.asked == []


@pytest.mark.parametrize(
    ("reading", "given"),
    [
        pytest.param(Reading("airtime", "#9", "#0", "mtn"), {"network": "mtn"}, id="no such"),
        pytest.param(Reading("airtime", "5000", "08039999999", "vodafone"), None, id="made up"),
        pytest.param(Reading("airtime", "#2", "other"), {"amount": "500", "msisdn": "?"}, id="who"),
        pytest.param(
            Reading("airtime", "#2", "self"), {"amount": "500", "msisdn": ADA.msisdn}, id="oneself"
        ),
    ],
)
async def test_what_a_model_makes_up_counts_for_nothing(
    reading: Reading, given: dict[str, str] | None
) -> None:
    proposal, _ = await proposed(WORDS, reading)

    wanted = Proposal("airtime") if given is None else Proposal("say_airtime", given)
    assert proposal == wanted


@pytest.mark.parametrize("reading", [None, Reading("none"), Reading("rob the bank")])
async def test_no_idea_is_no_proposal(reading: Reading | None) -> None:
    assert (await proposed(WORDS, reading))[0] is None


async def test_without_a_model_rules_are_all() -> None:
    assistant = WordsAssistant()
    assert await assistant.propose(WORDS, tenant=TENANT, customer=ADA, language="en") is None


@given(st.text(max_size=200) | st.from_regex(r"[a-z #]{0,9}[0-9 .,-]{1,30}[a-z]{0,5}"))
def test_no_digit_that_was_written_reaches_a_model(text: str) -> None:
    words, numbers = without_numbers(text)
    for place in range(len(numbers), 0, -1):
        words = words.replace(f"#{place}", "")
    assert not re.search(r"\d", words)


def plan(id_: str, size_mb: int, days: int, naira: int, network: str = "mtn") -> Plan:
    return Plan(id_, network, size_mb, days, "direct", naira * 100)


PLANS = [
    plan("day", 1000, 1, 350),
    plan("week", 2500, 7, 900),
    plan("month", 3500, 30, 1500),
    plan("big", 20_000, 30, 5000),
    plan("glo", 4000, 30, 1000, "glo"),
]


@pytest.mark.parametrize(
    ("size_mb", "best"), [(500, "month"), (3000, "month"), (9000, "month"), (15_000, "big")]
)
def test_the_plan_that_costs_least_a_month_is_advised(size_mb: int, best: str) -> None:
    found = best_plan(PLANS, Usage("mtn", size_mb, 30))
    assert found is not None
    assert found.id == best


def test_another_networks_plan_is_no_advice() -> None:
    assert best_plan(PLANS, Usage("airtel", 1000, 30)) is None


@pytest.mark.parametrize(
    ("size_mb", "words"), [(750, "750MB"), (1000, "1GB"), (1024, "1GB"), (1536, "1.5GB")]
)
def test_sizes_as_people_say_them(size_mb: int, words: str) -> None:
    assert in_words(size_mb) == words


@pytest.mark.parametrize(
    ("hour_utc", "line"), [(5, "Good morning"), (11, "Good afternoon"), (17, "Good evening")]
)
def test_the_hour_is_the_customers(hour_utc: int, line: str) -> None:
    texts = Texts(
        {
            "en": {
                f"greeting.{part}{rest}": f"Good {part}" + (", {name}!" if not rest else "!")
                for part in ("morning", "afternoon", "evening")
                for rest in ("", ".unnamed")
            }
        }
    )
    locale = Locale("en", "NG", "NGN", "Africa/Lagos")
    at = dt.datetime(2026, 3, 2, hour_utc, 30, tzinfo=dt.UTC)
    assert greeting(texts, locale, "Ada Obi", at) == f"{line}, Ada!"
    assert greeting(texts, locale, "", at) == f"{line}!"


@pytest.mark.parametrize(
    ("name", "called"),
    [
        ("Ada Obi", "Ada"),
        ("  Chukwuemeka  ", "Chukwuemeka"),
        ("\u1e1a\u0300de", "\u1e1a\u0300de"),
        ("", ""),
        ("\U0001f525boss\U0001f525", "boss"),
        ("http://evil.example", ""),
        ("x" * 40, ""),
        ("08031234567", ""),
    ],
)
def test_only_what_looks_like_a_name_is_one(name: str, called: str) -> None:
    assert first_name(name) == called
