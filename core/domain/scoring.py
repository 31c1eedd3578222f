"""How good a provider is at one product, from 0 to 1, and who is best. Pure.

Four parts, each from 0 to 1, weigh 0.4, 0.3, 0.2 and 0.1:

- success: delivered, of the vends that ended or are in doubt. What a provider still works on counts
  neither way.
- speed: 1 where 95 of 100 first answers took a second or less, 0 from 30 seconds on, and in between
  by the logarithm: from 1 to 2 s costs as much as from 10 to 20.
- uptime: checks that went well, of those of a day.
- errors: vends whose first answer could be read, of all. Time-outs, resets and pages of HTML leave
  an order in doubt, which is worse for a customer than a clean refusal.

Few samples say little. Each part is drawn to 0.5 as if so many samples of that had been there
before, so that nobody wins or loses by one lucky or unlucky order, and who is unknown has 0.5.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

NEUTRAL = 0.5
SUCCESS, SPEED, UPTIME, ERRORS = 0.4, 0.3, 0.2, 0.1
FAST_MS, SLOW_MS = 1_000.0, 30_000.0

_VENDS_BEFORE = 10
_CHECKS_BEFORE = 6


@dataclass(frozen=True, slots=True)
class Samples:
    """What is known of a provider of one product.

    Attributes:
        vends: Answered ones, customers' own mistakes left out.
        delivered, failed: Those of them that ended well, and those that did not or are in doubt.
        unreadable: Those whose first answer was UNKNOWN.
        p95_ms: Of the time to the first answer; None where there were no vends.
        checks, checks_well: Of the last day.
    """

    vends: int = 0
    delivered: int = 0
    failed: int = 0
    unreadable: int = 0
    p95_ms: float | None = None
    checks: int = 0
    checks_well: int = 0


def score(samples: Samples) -> float:
    """From 0 to 1, higher is better."""
    ended = samples.delivered + samples.failed
    success = _drawn(samples.delivered, ended, _VENDS_BEFORE)
    speed = _drawn(_speed(samples.p95_ms) * samples.vends, samples.vends, _VENDS_BEFORE)
    uptime = _drawn(samples.checks_well, samples.checks, _CHECKS_BEFORE)
    read = _drawn(samples.vends - samples.unreadable, samples.vends, _VENDS_BEFORE)
    return SUCCESS * success + SPEED * speed + UPTIME * uptime + ERRORS * read


def success_rate(samples: Samples) -> float | None:
    """Delivered, of those that ended or are in doubt, as it is; None where there are none."""
    ended = samples.delivered + samples.failed
    return samples.delivered / ended if ended else None


def uptime(samples: Samples) -> float | None:
    return samples.checks_well / samples.checks if samples.checks else None


def ranked(scores: Iterable[tuple[str, float]]) -> dict[str, int]:
    """The place of each name by its score, the best from 1 on; by name where scores are equal."""
    best_first = sorted(scores, key=lambda each: (-each[1], each[0]))
    return {name: place for place, (name, _) in enumerate(best_first, start=1)}


def _drawn(good: float, count: int, before: int) -> float:
    """The share of good ones, with `before` neutral samples among them."""
    return (good + NEUTRAL * before) / (count + before)


def _speed(p95_ms: float | None) -> float:
    if p95_ms is None:
        return NEUTRAL
    within = min(max(p95_ms, FAST_MS), SLOW_MS)
    return 1 - math.log(within / FAST_MS) / math.log(SLOW_MS / FAST_MS)
