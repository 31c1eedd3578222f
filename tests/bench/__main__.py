"""`python -m tests.bench` measures everything; with names (`menu start`), only those.

Each figure stands beside the one to reach. The status is 1 when one of them is missed, 2 for a
name that is not known.
"""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import uvloop

from core.kit import logging
from tests.bench import (
    chats,
    failover,
    gifts,
    menu,
    mixups,
    purchase,
    routers,
    start,
    transfers,
    vouchers,
)
from tests.bench.figures import Report, show
from tests.e2e.program import home_folder

Benchmark = Callable[[Path], Coroutine[Any, Any, Report]]

BENCHMARKS: Mapping[str, Benchmark] = {
    "menu": menu.measure,
    "telegram": chats.measure_telegram,
    "whatsapp": chats.measure_whatsapp,
    "mixups": mixups.measure,
    "start": start.measure,
    "transfers": transfers.measure,
    "purchase": purchase.measure,
    "gifts": gifts.measure,
    "failover": failover.measure,
    "routers": routers.measure,
    "vouchers": vouchers.measure,
}

_SETTINGS = ("CALLBOX_", "VTPASS_", "PAYSTACK_", "AFRICASTALKING_", "DATABASE_URL", "REDIS_URL")
_KEPT = ("CALLBOX_POSTGRES_BIN", "CALLBOX_VALKEY_BIN", "CALLBOX_STATE_ROOT", menu.PROFILE)


def main(names: list[str]) -> int:
    unknown = sorted(set(names) - BENCHMARKS.keys())
    if unknown:
        known = ", ".join(BENCHMARKS)
        print(f"no benchmark {', '.join(unknown)}; there are {known}", file=sys.stderr)
        return 2
    _forget_settings()
    logging.configure(json=True, level="ERROR")
    missed = [name for name in names or BENCHMARKS if not _met(name)]
    if missed:
        print(f"Missed: {', '.join(missed)}", file=sys.stderr)
    return 1 if missed else 0


def _met(name: str) -> bool:
    """Measure in a home of its own, print, and tell whether all that is to be reached was."""
    with (
        home_folder() as home,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        home.mkdir()
        report = runner.run(BENCHMARKS[name](home))
    show(report)
    return report.met


def _forget_settings() -> None:
    """What is measured is Callbox as it comes, not as somebody has set it up in this shell."""
    for name in tuple(os.environ):
        if name.startswith(_SETTINGS) and name not in _KEPT:
            del os.environ[name]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
