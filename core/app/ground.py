"""What every part of the core stands on."""

import asyncio
import contextlib
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Any

from core.app.outside import Outside
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.texts import Texts
from core.settings import Settings
from core.store.database import Database
from core.store.redis_line import Line


@dataclass(frozen=True, slots=True)
class Ground:
    """Servers, settings and the outside. `stack` closes what was opened, the last one first."""

    settings: Settings
    keyring: Keyring
    clock: Clock
    texts: Texts
    database: Database
    line: Line
    outside: Outside
    stack: contextlib.AsyncExitStack

    def follow(self, doing: Coroutine[Any, Any, None], name: str) -> None:
        """Keep doing that until the core is closed."""
        self.stack.push_async_callback(_ended, asyncio.create_task(doing, name=name))


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
