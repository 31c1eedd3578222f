"""What is to be done about each error of the Graph API.

The codes come in the answer to a call, or later in the status of a message that was accepted.
Source: https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes (as read by
public clients, November 2026). Only our own words go on: Meta's may hold a number.
"""

import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal, TypeAlias

from core.domain.chat import Closed, Later, Refused, Unreachable
from core.providers.http import NoReply, Reply
from core.providers.values import member, whole

Failure: TypeAlias = Later | Unreachable | Closed | Refused

PAIR_LIMIT = 131056
_DAY_S = 86_400.0
_SOON_S = 5.0
_MINUTE_S = 60.0
_PAIR_TRIES_MAX = 5  # 4 to the 5th: some 17 minutes
_RETRY_AFTER_MAX = 3600
_UNAUTHORIZED = (401, 403)
_TOO_MANY, _SERVER = 429, 500


def failure(code: int | None, *, status: int = 400, pair_tries: int = 1) -> Failure:
    """What is to be done about an error code; None where there was none that could be read.

    Args:
        code: Graph's own.
        status: Of the HTTP answer that told it: it decides about a code that nobody knows.
        pair_tries: How often in a row this person was too much for the pair limit.
    """
    if code == PAIR_LIMIT:
        after_s = _jittered(4.0 ** min(pair_tries, _PAIR_TRIES_MAX))
        return Later(after_s, "131056: pair limit", spares="person")
    known = None if code is None else _known(code)
    return known or _unknown(code, status)


def refusal(answer: Reply, pair_tries: int = 1) -> Failure:
    """What is to be done about an answer that is no success."""
    code = whole(member(answer.json(), "error", "code"))
    found = failure(code, status=answer.status, pair_tries=pair_tries)
    asked = whole(answer.headers.get("retry-after"))
    if isinstance(found, Later) and asked is not None and found.after_s < asked:
        return replace(found, after_s=float(min(asked, _RETRY_AFTER_MAX)))
    return found


def silence(answer: NoReply) -> Later:
    """Nobody knows whether it was taken: a screen twice is better than none."""
    return Later(_jittered(_SOON_S), f"no answer: {answer.reason}")


def unreadable() -> Later:
    """It was taken, or so it seems, but the answer is no JSON."""
    return Later(_jittered(_SOON_S), "an answer that cannot be read")


def _known(code: int) -> Failure | None:
    if code in _LATER:
        after_s, why = _LATER[code]
        spares: Literal["", "channel"] = "channel" if code in _STRAINED else ""
        return Later(_jittered(after_s), f"{code}: {why}", spares)
    if code == 131047:  # noqa: PLR2004 - the table's own number, as below
        return Closed()
    if code in _UNREACHABLE:
        return Unreachable(_UNREACHABLE[code])
    if code in _STOPS:
        return Refused(f"{code}: {_STOPS[code]}", stops=True)
    if code in _REFUSED:
        return Refused(f"{code}: {_REFUSED[code]}")
    return None


def _unknown(code: int | None, status: int) -> Failure:
    if status >= _SERVER or status == _TOO_MANY:
        return Later(_jittered(_SOON_S), f"HTTP {status}")
    named = f"HTTP {status}" if code is None else f"{code}: unknown"
    return Refused(named, stops=status in _UNAUTHORIZED)


def _jittered(seconds: float) -> float:
    """All that failed together shall not come back together."""
    return seconds * random.uniform(1.0, 1.25)  # noqa: S311 - no secret


def _each(codes: Iterable[int], why: str) -> Mapping[int, str]:
    return dict.fromkeys(codes, why)


_LATER: Mapping[int, tuple[float, str]] = {
    1: (_SOON_S, "their trouble"),
    2: (_SOON_S, "their trouble"),
    4: (_MINUTE_S, "too many calls"),
    80007: (_MINUTE_S, "too many calls"),
    130429: (_SOON_S, "throughput"),
    131000: (_SOON_S, "something went wrong"),
    131016: (_SOON_S, "overloaded"),
    131057: (_MINUTE_S, "the number is being upgraded"),
    # What Meta holds back to spare people is held back longer when it is tried soon.
    130472: (_DAY_S, "an experiment"),
    131048: (_DAY_S, "spam limit"),
    131049: (_DAY_S, "held back to spare the person"),
    131064: (_DAY_S, "message limit"),
}
_STRAINED = frozenset({4, 80007, 130429})
"""Of those, what is said to the number, whoever it writes to."""
_UNREACHABLE: Mapping[int, str] = {
    131026: "not on WhatsApp",
    131050: "stopped",
}
_REFUSED: Mapping[int, str] = {
    33: "no such object",
    100: "wrong parameter",
    131008: "parameter missing",
    131009: "wrong value",
    131021: "to ourselves",
    131051: "unsupported kind",
    131052: "media cannot be fetched",
    131053: "media cannot be taken",
    131062: "this person can be written to by number only: it must be asked for",
    **_each(range(132000, 132100), "template"),
}
_STOPS: Mapping[int, str] = {
    **_each((0, 190), "the access token does not hold"),
    **_each((3, 10, 131005, *range(200, 300)), "no permission"),
    **_each((368, 131031), "the account is locked"),
    131042: "payment",
    **_each((131037, 131045, *range(133000, 133020)), "the number is not registered"),
}
