"""One world for all tests that leave it standing."""

from collections.abc import AsyncIterator

import pytest

from tests.e2e.program import World, home_folder, running
from tests.e2e.secrecy import leaks


@pytest.fixture(scope="session")
async def world() -> AsyncIterator[World]:
    """Callbox and the outside, up and running; whatever was done there, no log tells a secret.

    What nobody can vouch for is paid back after twenty seconds, and asked about each second then.
    """
    with home_folder() as home:
        async with running(
            home, CALLBOX_IN_DOUBT_DEADLINE_S="20", CALLBOX_PAID_BACK_EVERY_S="1"
        ) as up:
            yield up
        assert leaks(home) == []
