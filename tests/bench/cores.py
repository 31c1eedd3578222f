"""Which processor cores a process may use, where the system lets us say so."""

import contextlib
import os
from collections.abc import Iterator


def available() -> list[int]:
    """The cores of this process; empty where the system does not tell."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))


@contextlib.contextmanager
def apart() -> Iterator[int | None]:
    """Leave one core to the server that is measured; this process and its children get the rest.

    Gives that core, or None where there are not two to share out.
    """
    cores = available()
    if len(cores) < 2:
        yield None
        return
    first, *rest = cores
    os.sched_setaffinity(0, rest)
    try:
        yield first
    finally:
        os.sched_setaffinity(0, cores)


def confine(pid: int, core: int | None) -> None:
    """Keep a process that just started to one core."""
    if core is not None:
        os.sched_setaffinity(pid, {core})
