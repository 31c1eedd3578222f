"""What a command loads before it does anything."""

import gc
import subprocess
import sys

from core.kit import collector

HEAVY = {"api", "bots", "fastapi", "sandbox", "starlette", "uvicorn"}


def test_a_command_loads_nothing_that_serves() -> None:
    program = "import sys, cli.main\nprint(*{name.split('.')[0] for name in sys.modules})"
    answer = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    loaded = set(answer.stdout.split())
    assert "core" in loaded
    assert loaded & HEAVY == set()


def test_what_is_loaded_undisturbed_stays_and_the_collector_goes_on() -> None:
    before = gc.get_freeze_count()
    try:
        with collector.undisturbed():
            assert not gc.isenabled()
        assert gc.isenabled()
        assert gc.get_freeze_count() > before
    finally:
        gc.unfreeze()
