"""What Callbox wrote down must hold no PIN, no whole number of a customer, no key."""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.e2e.customer import PIN

_KEYS = ("SIM-vtpass-key", "SK_SIM", "sk_test_SIM", "SIM-at-key")
_PIN = re.compile(rf"(?<![0-9A-Za-z.]){PIN}(?![0-9A-Za-z])")
# Servers begin their lines with their process id, which may well be four such digits.
_PROCESS = re.compile(r"\[[0-9]+\]|^[0-9]+:[A-Z]")
_CUSTOMER = re.compile(r"(?:234|0)8034[0-9]{6}(?![0-9])")


def leaks(home: Path) -> list[str]:
    """Lines of any log below `home` that hold what no log may hold."""
    keys = [*_KEYS, *_made_here(home)]
    ours = [home / f"{name}.log" for name in ("callbox", "worker", "operator-bot")]
    logs = [*filter(Path.exists, ours), *home.glob("services/*.log")]
    lines = (line for log in logs for line in log.read_text(errors="replace").splitlines())
    return [line for line in lines if _leaks(line, keys)]


def _leaks(line: str, keys: Sequence[str]) -> bool:
    line = _PROCESS.sub("", line)
    if _CUSTOMER.search(line) or any(key in line for key in keys):
        return True
    return any(_PIN.search(words) for words in _words(line))


def _made_here(home: Path) -> list[str]:
    """The key that encrypts, and the administrator's token."""
    files = [home / name for name in ("secret-key", "admin-token")]
    return [file.read_text().strip() for file in files if file.exists()]


def _words(line: str) -> Iterator[str]:
    """The texts of a line. Its time and its figures may show four such digits by chance."""
    try:
        event = json.loads(line)
    except ValueError:
        yield line
        return
    if isinstance(event, dict):
        yield from (str(event[key]) for key in event if not _is_figure(key, event[key]))


def _is_figure(key: str, value: object) -> bool:
    return key == "timestamp" or isinstance(value, int | float)
