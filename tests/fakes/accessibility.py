"""An accessibility audit of a page by axe-core, as it comes with `axe-playwright-python`.

The score is that of Lighthouse: what was passed, against what failed by its weight.
"""

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

_WEIGHTS = {"critical": 10, "serious": 7, "moderate": 3, "minor": 1}


async def audit(page: Page) -> tuple[float, list[str]]:
    """From 0 to 100, and what is wrong, each with its first place."""
    found: dict[str, Any] = (await Axe().run(page)).response
    passes, violations = len(found["passes"]), found["violations"]
    assert passes, "nothing was audited"
    lost = sum(_WEIGHTS[str(each["impact"])] for each in violations)
    wrong = [f"{each['id']}: {each['help']} {each['nodes'][0]['html']}" for each in violations]
    return 100 * passes / (passes + lost), wrong
