"""A provider's adapter that can be let go while others are calling it."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol
from uuid import UUID

from core.domain.vending import Capabilities, Outcome, Vend
from core.kit.money import Money
from core.ports import VtuProvider
from core.ports.statements import NoStatement, StatementLine, Statements


class OwnedProvider(VtuProvider, Protocol):
    """An adapter with connections of its own."""

    async def aclose(self) -> None: ...


class LiveProvider:
    """An adapter under the name it was configured by. Keeps `core.ports.VtuProvider`.

    `aclose` lets it go: a call that has begun still ends, and the last one closes the adapter.
    """

    def __init__(self, name: str, adapter: OwnedProvider) -> None:
        self._name = name
        self._adapter = adapter
        self._calls = 0
        self._let_go = False

    @property
    def name(self) -> str:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        return self._adapter.capabilities

    @property
    def timeout_s(self) -> float:
        return self._adapter.timeout_s

    def new_reference(self, attempt_id: UUID, at: dt.datetime) -> str:
        return self._adapter.new_reference(attempt_id, at)

    def may_send(self, reference: str, at: dt.datetime) -> bool:
        return self._adapter.may_send(reference, at)

    async def vend(self, vend: Vend) -> Outcome:
        async with self._calling():
            return await self._adapter.vend(vend)

    async def requery(self, vend: Vend) -> Outcome:
        async with self._calling():
            return await self._adapter.requery(vend)

    async def float_balance(self) -> Money:
        async with self._calling():
            return await self._adapter.float_balance()

    async def statement(self, since: dt.datetime, until: dt.datetime) -> Sequence[StatementLine]:
        """See `core.ports.statements.Statements`. Raises `NoStatement` where there is none."""
        if not isinstance(self._adapter, Statements):
            raise NoStatement(f"{self._name} lists nothing")
        async with self._calling():
            return await self._adapter.statement(since, until)

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        return self._adapter.references_in(headers, body)

    def callback_answer(self) -> tuple[int, str, str]:
        return self._adapter.callback_answer()

    async def aclose(self) -> None:
        self._let_go = True
        await self._close_if_done()

    @contextlib.asynccontextmanager
    async def _calling(self) -> AsyncIterator[None]:
        self._calls += 1
        try:
            yield
        finally:
            self._calls -= 1
            await self._close_if_done()

    async def _close_if_done(self) -> None:
        if self._let_go and not self._calls:
            await self._adapter.aclose()
