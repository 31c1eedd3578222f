"""How long tests of properties look for what breaks them."""

import os


def examples(count: int) -> int:
    """So many where a change is about to land; a third of it where somebody waits for the end."""
    return count if os.environ.get("CI") else max(3, count // 3)
