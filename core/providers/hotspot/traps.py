"""What a trap says, where it proves that nothing happened.

RouterOS sends a category only sometimes and spells a message differently from version to version,
so the words decide, without `failure: ` before and ` (9)` after them. A message that is not known
proves nothing: `action timed out` (13) has been seen where the thing was done.
"""

import re
from collections.abc import Mapping, Sequence

from core.domain.voucher_codes import without_codes
from core.kit.masking import text as masked
from core.ports.hotspot import Refusal

_BEFORE = re.compile(r"^(?:std )?failure: ")
_AFTER = re.compile(r"\s*\(\d{1,4}\)\.?$")
_WORDS_MAX = 200

_BEGINNINGS: Mapping[str, Refusal] = {
    "already have user with this name": Refusal.EXISTS,
    "already have such item": Refusal.EXISTS,
    "profile with the same name already exists": Refusal.EXISTS,
    "no such item": Refusal.MISSING,
    "input does not match any value of": Refusal.NO_MATCH,
    "not enough permissions": Refusal.PERMISSION,
    "not allowed by device-mode": Refusal.DEVICE_MODE,
    "configuration flagged": Refusal.DEVICE_MODE,
    "not allowed": Refusal.PERMISSION,
    "no such command": Refusal.UNSUPPORTED,
    "unknown parameter": Refusal.UNSUPPORTED,
    "invalid value": Refusal.INVALID,
    "invalid time value": Refusal.INVALID,
    "ambiguous value": Refusal.INVALID,
    "value of": Refusal.INVALID,
    "missing =": Refusal.INVALID,
    "can not remove default": Refusal.INVALID,
    "no such file": Refusal.MISSING,
    "invalid user name or password": Refusal.CREDENTIALS,
    "cannot log in": Refusal.CREDENTIALS,
}


def refusal(messages: Sequence[str]) -> Refusal | None:
    """What all of these messages prove together; None where they prove nothing."""
    found = {_one(message) for message in messages}
    return found.pop() if len(found) == 1 else None


def words(messages: Sequence[str]) -> str:
    """The router's own words, fit for logs and operators: it may quote what it was told."""
    return masked(without_codes("; ".join(messages))[:_WORDS_MAX])


def _one(message: str) -> Refusal | None:
    plain = _AFTER.sub("", _BEFORE.sub("", message.strip()))
    matching = (kind for start, kind in _BEGINNINGS.items() if plain.startswith(start))
    return next(matching, None)
