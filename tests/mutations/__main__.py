"""Make each of the ten faults in a copy of the source, and show that tests notice it.

`make mutations`. First the tests must pass on the copy as it is.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.mutations.faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[2]
_KEPT = ("core", "ussd", "api", "cli", "sandbox", "bots", "tests", "pyproject.toml")
_PASSED, _FAILED = 0, 1


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="callbox-mutations-") as folder:
        copy = Path(folder)
        copy.chmod(0o711)
        _copy_to(copy)
        every = sorted({test for fault in FAULTS for test in fault.noticed_by})
        print("without a fault:", " ".join(every), flush=True)
        if _run(copy, every) != _PASSED:
            print("these tests fail without any fault: nothing can be shown")
            return 1
        missed = [fault.name for fault in FAULTS if not _noticed(copy, fault)]
    for name in missed:
        print(f"NOT NOTICED: {name}")
    print(f"{len(FAULTS) - len(missed)} of {len(FAULTS)} faults are noticed")
    return 1 if missed else 0


def _noticed(copy: Path, fault: Fault) -> bool:
    before = {edit.file: (copy / edit.file).read_text() for edit in fault.edits}
    for edit in fault.edits:
        source = (copy / edit.file).read_text()
        assert source.count(edit.old) == 1, f"{edit.file} has changed: see {fault.name!r}"
        (copy / edit.file).write_text(source.replace(edit.old, edit.new))
    noticed = _run(copy, fault.noticed_by) == _FAILED
    for file, text in before.items():
        (copy / file).write_text(text)
    print("noticed: " if noticed else "MISSED:  ", fault.name, flush=True)
    return noticed


def _run(copy: Path, tests: Sequence[str]) -> int:
    """Pytest's status: 1 is a test that failed; anything above is a run that broke."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-x",
            "--no-header",
            "-p",
            "no:cacheprovider",
            *tests,
        ],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    ).returncode


def _copy_to(copy: Path) -> None:
    for name in _KEPT:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        elif source.exists():
            shutil.copy(source, copy / name)


if __name__ == "__main__":
    sys.exit(main())
