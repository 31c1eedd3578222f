"""What a command loads before it does anything."""

import subprocess
import sys

HEAVY = {"api", "bots", "fastapi", "sandbox", "starlette", "uvicorn"}


def test_a_command_loads_nothing_that_serves() -> None:
    program = "import sys, cli.main\nprint(*{name.split('.')[0] for name in sys.modules})"
    loaded = set(printed(program).split())
    assert "core" in loaded
    assert loaded & HEAVY == set()


def test_what_is_loaded_undisturbed_stays_and_the_collector_goes_on() -> None:
    program = """
import gc
from core.kit import collector
with collector.undisturbed():
    within = gc.isenabled()
print(within, gc.isenabled(), gc.get_freeze_count() > 1000)
"""
    assert printed(program) == "False True True"


def printed(program: str) -> str:
    """By a process of its own."""
    asked = [sys.executable, "-c", program]
    return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
