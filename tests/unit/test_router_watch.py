"""How looks make a router's status, and what operators are told of it."""

import datetime as dt
from collections.abc import Mapping

import pytest

from core.domain.hotspot import Limits, Load, RouterStatus
from core.domain.router_watch import (
    ATTENTION,
    CLOCK,
    FULL,
    OFFLINE,
    TOLD_EVERY_S,
    Rates,
    Standing,
    Telling,
    Trouble,
    after_answer,
    after_miss,
    rates,
    restarted,
    to_tell,
    troubles,
)
from core.domain.routers import Interface, LogLine
from core.providers.hotspot.traps import words
from core.services.router_log import mark_of, readable, since, warns

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
FINE = Load()


def walked(begin: RouterStatus, looks: str) -> list[str]:
    """The statuses after each look: `+` is answered, `-` is not."""
    standing, seen = Standing(begin), []
    for look in looks:
        standing = after_answer(standing) if look == "+" else after_miss(standing)
        seen.append(standing.status.value)
    return seen


@pytest.mark.parametrize(
    ("begin", "looks", "after"),
    [
        (RouterStatus.ONLINE, "+", ["online"]),
        (RouterStatus.ONLINE, "-+", ["degraded", "online"]),
        (RouterStatus.ONLINE, "---", ["degraded", "degraded", "offline"]),
        (RouterStatus.ONLINE, "--+--", ["degraded", "degraded", "online", "degraded", "degraded"]),
        (RouterStatus.OFFLINE, "-", ["offline"]),
        (RouterStatus.OFFLINE, "++", ["recovering", "online"]),
        (RouterStatus.OFFLINE, "+-", ["recovering", "degraded"]),
        (RouterStatus.NEEDS_ATTENTION, "-", ["needs_attention"]),
        (RouterStatus.NEEDS_ATTENTION, "++", ["recovering", "online"]),
    ],
)
def test_a_status_follows_from_looks(begin: RouterStatus, looks: str, after: list[str]) -> None:
    assert walked(begin, looks) == after


def test_what_takes_a_person_needs_attention_at_once() -> None:
    standing = after_answer(Standing(RouterStatus.ONLINE), "device_mode")
    assert (standing.status, standing.attention) == (RouterStatus.NEEDS_ATTENTION, "device_mode")


def interface(name: str, rx: int, tx: int) -> Interface:
    return Interface("*1", name, "ether", True, False, "", rx, tx, "")


def test_the_busiest_interface_tells_how_busy_a_router_is() -> None:
    before = {"ether1": (0, 0), "ether2": (1000, 1000), "reset": (10**9, 10**9)}
    now = [
        interface("ether1", 3_750_000, 375_000),
        interface("ether2", 2000, 2000),
        interface("reset", 10, 10),
        interface("new", 10**9, 10**9),
    ]
    assert rates(before, now, 30) == Rates(1_000_000, 100_000)
    assert rates(before, now, 30).bandwidth_bps == 1_000_000
    assert rates(before, now, 0) == Rates()
    assert rates({}, now, 30) == Rates()


@pytest.mark.parametrize(
    ("before_s", "now_s", "elapsed_s", "took_s", "answer"),
    [
        (1000, 1030, 30, 0, False),
        (1000, 12, 30, 0, True),
        (5, 34, 30, 0, False),
        (5, 15, 30, 0, True),  # within its first seconds, and twice as long again
        (15, 10, 30, 20, True),  # an uptime never falls
        (5, 20, 30, 15, False),  # each answer was on its way for long
        (100, 90, 60, 0, True),
        (1000, 5000, 10_000, 0, True),
        (10**6, 10**6 + 86_390, 86_400, 0, False),  # its clock is a bad one
        (1000, 1030, -3600, 0, False),  # ours was set back
    ],
)
def test_a_restart_shows_in_the_uptime(
    before_s: int, now_s: int, elapsed_s: float, took_s: float, answer: bool
) -> None:
    assert restarted(before_s, now_s, elapsed_s, took_s) is answer


def kinds(
    standing: Standing = Standing(RouterStatus.ONLINE),  # noqa: B008 - frozen
    load: Load = FINE,
    drift: int | None = 0,
    told: Mapping[str, Telling] | None = None,
) -> dict[str, Mapping[str, object]]:
    limits = Limits(active_users_max=100)
    return {each.kind: each.facts for each in troubles(standing, limits, load, drift, told or {})}


def test_trouble_is_what_operators_can_do_something_about() -> None:
    assert kinds() == {}
    assert kinds(Standing(RouterStatus.DEGRADED, 2)) == {}
    assert kinds(Standing(RouterStatus.OFFLINE, 3)) == {OFFLINE: {}}
    refused = Standing(RouterStatus.NEEDS_ATTENTION, 0, "credentials")
    assert kinds(refused) == {ATTENTION: {"why": "credentials"}}
    assert kinds(drift=-90) == {CLOCK: {"ahead_s": -90}}
    assert kinds(drift=60) == {}
    full = kinds(load=Load(active_users=90))
    assert full == {FULL: {"limit": "active_users", "percent": 90}}


def test_a_comparison_tells_of_a_reset_by_itself() -> None:
    assert kinds(Standing(RouterStatus.NEEDS_ATTENTION, 0, "reset")) == {}


def test_a_router_near_a_limit_is_so_until_it_is_well_below() -> None:
    told = {FULL: Telling(NOON, open=True)}
    assert FULL not in kinds(load=Load(active_users=87))
    assert FULL in kinds(load=Load(active_users=87), told=told)
    assert FULL not in kinds(load=Load(active_users=84), told=told)


def test_a_clock_that_was_not_read_is_as_it_was_told() -> None:
    assert CLOCK in kinds(drift=None, told={CLOCK: Telling(NOON, open=True)})
    assert CLOCK not in kinds(drift=None, told={CLOCK: Telling(NOON, open=False)})


def test_operators_are_told_on_transitions_only() -> None:
    offline = [Trouble(OFFLINE)]
    first = to_tell({}, offline, NOON)
    assert [each.kind for each in first.opened] == [OFFLINE]

    again = to_tell(first.told, offline, NOON + dt.timedelta(seconds=30))
    assert (again.opened, again.closed) == ((), ())

    over = to_tell(again.told, [], NOON + dt.timedelta(seconds=60))
    assert (over.opened, over.closed) == ((), (OFFLINE,))
    assert to_tell(over.told, [], NOON + dt.timedelta(seconds=90)).closed == ()


def test_trouble_that_comes_and_goes_is_told_every_quarter_of_an_hour() -> None:
    told = to_tell({}, [Trouble(OFFLINE)], NOON).told
    told = to_tell(told, [], NOON + dt.timedelta(seconds=60)).told

    soon = to_tell(told, [Trouble(OFFLINE)], NOON + dt.timedelta(seconds=120))
    assert soon.opened == ()
    later = to_tell(soon.told, [Trouble(OFFLINE)], NOON + dt.timedelta(seconds=TOLD_EVERY_S))
    assert [each.kind for each in later.opened] == [OFFLINE]


def line(message: str, *topics: str, at: str = "10:00:00") -> LogLine:
    return LogLine(at, topics, message)


def test_a_log_line_shows_no_code() -> None:
    shown = [
        readable(line("K7QM2XV9TA (10.5.50.9): logged in", "hotspot", "account")),
        readable(line("->: PartyPass (10.5.50.9): trying to log in by http-pap", "hotspot")),
        *(
            readable(line(f"user {code} was removed by callbox", "system", "info"))
            for code in ("K7QM2XV9TA", "KXQMZXVYTA", "LOUIK7QM2XV9TA", "012345678901")
        ),
    ]
    for each in shown:
        assert "K7QM2XV9TA" not in each.message
        assert "PartyPass" not in each.message
    assert "(10.5.50.9): logged in" in shown[0].message
    assert {each.message for each in shown[2:]} == {"user ***** was removed by callbox"}


def test_the_words_of_a_refusal_quote_no_code() -> None:
    assert words(["invalid value K7QM2XV9TA for argument name"]) == (
        "invalid value ***** for argument name"
    )


def test_only_new_lines_of_a_log_are_counted() -> None:
    lines = [line("a", "info"), line("b", "system", "error", at="10:01:00"), line("c", "warning")]
    assert list(since(lines, mark_of(lines[0]))) == lines[1:]
    assert list(since(lines, mark_of(lines[2]))) == []
    assert list(since(lines, "")) == lines
    assert [warns(each) for each in lines] == [False, True, True]
