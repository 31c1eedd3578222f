"""The list of faults that the tests are shown to notice keeps step with the source."""

from pathlib import Path

import pytest

from tests.mutations.faults import FAULTS, Fault

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_each_fault_can_still_be_made(fault: Fault) -> None:
    for edit in fault.edits:
        assert (ROOT / edit.file).read_text().count(edit.old) == 1, edit
    for test in fault.noticed_by:
        assert (ROOT / test).exists(), test
