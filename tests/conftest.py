"""What tests of every folder may ask for."""

import pytest

from tests.fakes.database import database_template, services

__all__ = ["database_template", "services"]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite golden files instead of comparing with them"
    )
