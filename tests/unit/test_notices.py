"""Which way a notice takes, and which one follows."""

import datetime as dt

import pytest

from core.domain.chat import Closed, Later, Refused, Unreachable
from core.domain.notices import Again, ChatStanding, Failure, Route, after, route_of
from core.domain.pacing import limits_of
from core.domain.turns import Channel
from core.kit import ids

NOW = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
HOUR = dt.timedelta(hours=1)
CHAT, TEMPLATE, SMS = Route.CHAT, Route.TEMPLATE, Route.SMS


@pytest.mark.parametrize(
    ("standing", "before", "route"),
    [
        pytest.param(ChatStanding(), None, SMS, id="no chat"),
        pytest.param(ChatStanding("telegram", False, NOW), None, SMS, id="blocked"),
        pytest.param(ChatStanding("telegram", True, None), None, CHAT, id="Telegram at any time"),
        pytest.param(ChatStanding("whatsapp", True, NOW - 23 * HOUR), None, CHAT, id="in the day"),
        pytest.param(ChatStanding("whatsapp", True, NOW - 24 * HOUR), None, TEMPLATE, id="after"),
        pytest.param(ChatStanding("whatsapp", True, None), None, TEMPLATE, id="never wrote"),
        pytest.param(ChatStanding("whatsapp", True, NOW), TEMPLATE, TEMPLATE, id="left the chat"),
        pytest.param(ChatStanding("telegram", True, NOW), SMS, SMS, id="left it for the SMS"),
        pytest.param(ChatStanding("telegram", False, NOW), CHAT, SMS, id="lost meanwhile"),
    ],
)
def test_a_notice_takes(standing: ChatStanding, before: Route | None, route: Route) -> None:
    assert route_of(standing, NOW, by_sms=False, before=before) is route


def test_a_secret_takes_the_sms() -> None:
    assert route_of(ChatStanding("telegram", True, NOW), NOW, by_sms=True) is SMS


@pytest.mark.parametrize(
    ("route", "failed", "kind", "tries", "again"),
    [
        pytest.param(CHAT, Later(1.0, ""), "telegram", 1, Again(CHAT, 3), id="soon"),
        pytest.param(CHAT, Later(60.0, ""), "telegram", 1, Again(CHAT, 60), id="as asked"),
        pytest.param(CHAT, Later(301.0, ""), "telegram", 1, Again(SMS), id="asked too much"),
        pytest.param(CHAT, Later(1.0, ""), "telegram", 5, Again(SMS), id="often enough"),
        pytest.param(CHAT, Closed(), "whatsapp", 1, Again(TEMPLATE), id="closed"),
        pytest.param(CHAT, Closed(), "telegram", 1, Again(SMS), id="closed, and no template"),
        pytest.param(TEMPLATE, Closed(), "whatsapp", 1, Again(SMS), id="closed to templates"),
        pytest.param(TEMPLATE, Refused("no"), "whatsapp", 1, Again(SMS), id="template refused"),
        pytest.param(CHAT, Unreachable("gone"), "whatsapp", 1, Again(SMS), id="gone"),
        pytest.param(CHAT, Refused("no", stops=True), "whatsapp", 1, Again(SMS), id="all stops"),
        pytest.param(SMS, Later(0.0, ""), "", 1, Again(SMS, 5), id="no SMS leaves"),
        pytest.param(SMS, Later(0.0, ""), "", 8, Again(SMS, 3600), id="none for long"),
        pytest.param(SMS, Later(0.0, ""), "", 9, None, id="none at all"),
        pytest.param(SMS, Refused("rejected"), "", 1, None, id="no such number"),
    ],
)
def test_after_a_failure_follows(
    route: Route, failed: Failure, kind: str, tries: int, again: Again | None
) -> None:
    assert after(route, failed, kind, tries) == again


@pytest.mark.parametrize("kind", ["telegram", "whatsapp", "ussd"])
@pytest.mark.parametrize("failed", [Later(1.0, ""), Closed(), Unreachable(""), Refused("")])
def test_every_way_comes_to_an_end(kind: str, failed: Failure) -> None:
    """Whatever fails, and however often: never in a circle."""
    route, tries, steps = CHAT, 0, 0
    while True:
        tries, steps = tries + 1, steps + 1
        again = after(route, failed, kind, tries)
        if again is None:
            break
        if again.route is not route:
            tries = 0
        route = again.route
        assert steps < 30

    assert route is SMS


@pytest.mark.parametrize(
    ("kind", "most"), [("telegram", 30), ("whatsapp", 80)], ids=["telegram", "whatsapp"]
)
def test_no_second_brings_more_than_the_limit(kind: str, most: float) -> None:
    whole = limits_of(_channel(kind)).whole

    assert whole.per_s + whole.burst == most


def test_what_is_no_number_is_no_limit_of_its_own() -> None:
    for odd in ("fast", -1, 0, True, None):
        assert limits_of(_channel("telegram", messages_per_s=odd)) == limits_of(
            _channel("telegram")
        )


def _channel(kind: str, **settings: object) -> Channel:
    return Channel(ids.uuid7(), ids.uuid7(), kind, kind, "k", settings=settings)
