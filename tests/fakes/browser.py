"""A real Chromium for tests of pages, driven over its own debugging protocol."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

_ARTIFACTS = Path(__file__).parents[2] / "test-artifacts"
_NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium_path() -> str | None:
    """Where Chromium is: what CALLBOX_CHROMIUM names, or else the first one on the path."""
    if named := os.environ.get("CALLBOX_CHROMIUM"):
        return named
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless browser.

    Without Chromium the test is skipped, but fails where CI is set: there it would never be missed.
    """
    path = chromium_path()
    if path is None:
        reason = f"no Chromium: set CALLBOX_CHROMIUM or install one of {', '.join(_NAMES)}"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    async with async_playwright() as playwright:
        # The sandbox of Chromium itself needs rights that a container seldom has.
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            await browser.close()


async def picture(page: Page, name: str) -> Path:
    """Keeps the whole page as `test-artifacts/<name>.png`, for a person to look at."""
    _ARTIFACTS.mkdir(exist_ok=True)
    path = _ARTIFACTS / f"{name}.png"
    await page.screenshot(path=path, full_page=True)
    return path
