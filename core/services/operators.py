"""Operators of the bot: made with a code that works once, known by their Telegram user id."""

import datetime as dt
import hashlib
import re
from collections.abc import Sequence
from uuid import UUID

from core.domain.operators import Operator, Role
from core.kit import ids
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports.live_chat import LiveBook
from core.ports.operators import OperatorBook

CODE_LIFE = dt.timedelta(days=1)

_CODE_LETTERS = 12  # sixty random bits: nobody guesses that in a day
_NAME = re.compile(r"[\w][\w .-]{0,39}")


class BadName(Problem):
    """A name has 1 to 40 letters, digits, spaces, dots and dashes."""

    code = "operator.bad_name"


class NameTaken(Problem):
    """Somebody of that name has joined: remove them first."""

    code = "operator.name_taken"


class UnknownOperator(Problem):
    """This tenant has no operator of that name."""

    code = "operator.unknown"


class OperatorDesk:
    """Makes, knows and removes operators."""

    def __init__(self, book: OperatorBook, live: LiveBook, clock: Clock) -> None:
        self._book = book
        self._live = live
        self._clock = clock

    async def add(self, tenant_id: UUID, name: str, role: Role, actor: str) -> str:
        """A code for somebody to join with. This is the only time that it can be seen.

        Raises:
            BadName, NameTaken: nothing was done.
        """
        called = " ".join(name.split())
        if not _NAME.fullmatch(called):
            raise BadName
        code = ids.speakable(_CODE_LETTERS)
        until = self._clock.now() + CODE_LIFE
        added = await self._book.add(
            tenant_id, called, role, code_hash=_hash(code), code_until=until, actor=actor
        )
        if not added:
            raise NameTaken
        return code

    async def join(self, telegram_id: int, code: str) -> Operator | None:
        """Whom this code makes of that user; None where it is nobody's, used or late."""
        joined = await self._book.join(_hash(code), telegram_id)
        return await self._book.by_telegram(telegram_id) if joined else None

    async def known(self, telegram_id: int) -> Operator | None:
        return await self._book.by_telegram(telegram_id)

    async def all(self, tenant_id: UUID) -> Sequence[Operator]:
        return await self._book.all(tenant_id)

    async def remove(self, tenant_id: UUID, name: str, actor: str) -> None:
        """End it at once, with every chat that they subscribed. Whom they talk to, others may take.

        Raises:
            UnknownOperator: there is none of that name.
        """
        called = await self._book.remove(tenant_id, " ".join(name.split()), actor)
        if called is None:
            raise UnknownOperator
        await self._live.set_free(tenant_id, self._clock.now(), actor=f"operator:{called}")


def _hash(code: str) -> str:
    """Plain SHA-256 does, as for tokens. Written in any case, with spaces or dashes."""
    plain = re.sub(r"[\s-]", "", code).upper()
    return hashlib.sha256(f"operator:{plain}".encode()).hexdigest()
