"""Many race for the shares of a gift room through the real endpoints of three channels at once.

`RACE_PEOPLE` sets how many; `make race` has five thousand race, and tells how long losers wait.
"""

import os

import pytest

from tests.soak.race import SHARES, race

PEOPLE = int(os.environ.get("RACE_PEOPLE", "150"))


@pytest.mark.parametrize("kill", [False, True], ids=["undisturbed", "killed in the middle"])
async def test_exactly_as_many_win_as_there_are_shares(kill: bool) -> None:
    """The sums add up to the kobo, nobody wins twice, and everybody is told the truth."""
    ran = await race(PEOPLE, at_once=24, kill=kill, seed=7)

    assert ran.wrong == []
    assert ran.answers >= PEOPLE > SHARES
    assert ran.waits_s != []
