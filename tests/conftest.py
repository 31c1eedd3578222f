"""What tests of every folder may ask for, and how they are shared out to workers."""

import gc
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

from core.kit import collector
from tests.fakes.database import database_template, services

__all__ = ["database_template", "services"]

# How fast this machine is proves nothing.
settings.register_profile("callbox", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("callbox")

_WHOLE = ("tests/conversations/", "tests/e2e/")
"""Each stays with one worker: its tests share a world, and look back on all that was done in it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite golden files instead of comparing with them"
    )


class _Folders(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Hands out test files, and some folders whole, in the order in which they were collected."""

    def _split_scope(self, nodeid: str) -> str:
        whole = (folder for folder in _WHOLE if nodeid.startswith(folder))
        return next(whole, super()._split_scope(nodeid))


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _Folders:
    config.option.loadscopereorder = False
    return _Folders(config, log)


def pytest_collection_finish() -> None:
    """What was imported stays: looking through it, over and over, took 6 % of the whole run."""
    collector.settle()


@pytest.fixture(scope="session", autouse=True)
def _nothing_left_open() -> Iterator[None]:
    """What was forgotten, and would be found by chance only, fails the last test of its worker."""
    yield
    gc.collect()
