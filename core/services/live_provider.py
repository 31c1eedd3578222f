"""A provider whose adapter can be changed while others are calling it."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Mapping
from typing import Protocol
from uuid import UUID

from core.domain.vending import Capabilities, Outcome, Vend
from core.kit.money import Money
from core.ports import VtuProvider


class OwnedProvider(VtuProvider, Protocol):
    """An adapter with connections of its own."""

    async def aclose(self) -> None: ...


class LiveProvider:
    """Hands every call to the adapter of the moment. Keeps `core.ports.VtuProvider`.

    A call that has begun ends with the adapter it began with; the last one out of an adapter that
    was changed closes it.
    """

    def __init__(self, name: str, adapter: OwnedProvider) -> None:
        self._name = name
        self._used = _Used(adapter)

    async def change(self, adapter: OwnedProvider) -> None:
        """Have calls from now on served by `adapter`."""
        before, self._used = self._used, _Used(adapter)
        await before.retire()

    async def aclose(self) -> None:
        await self._used.retire()

    @property
    def name(self) -> str:
        return self._name

    @property
    def capabilities(self) -> Capabilities:
        return self._used.adapter.capabilities

    @property
    def timeout_s(self) -> float:
        return self._used.adapter.timeout_s

    def new_reference(self, attempt_id: UUID, at: dt.datetime) -> str:
        return self._used.adapter.new_reference(attempt_id, at)

    def may_send(self, reference: str, at: dt.datetime) -> bool:
        return self._used.adapter.may_send(reference, at)

    async def vend(self, vend: Vend) -> Outcome:
        async with self._used.calling() as adapter:
            return await adapter.vend(vend)

    async def requery(self, vend: Vend) -> Outcome:
        async with self._used.calling() as adapter:
            return await adapter.requery(vend)

    async def float_balance(self) -> Money:
        async with self._used.calling() as adapter:
            return await adapter.float_balance()

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        return self._used.adapter.references_in(headers, body)

    def callback_answer(self) -> tuple[int, str, str]:
        return self._used.adapter.callback_answer()


class _Used:
    """An adapter, how many calls are inside it, and whether it is to be closed after them."""

    def __init__(self, adapter: OwnedProvider) -> None:
        self.adapter = adapter
        self._calls = 0
        self._retired = False

    @contextlib.asynccontextmanager
    async def calling(self) -> AsyncIterator[OwnedProvider]:
        self._calls += 1
        try:
            yield self.adapter
        finally:
            self._calls -= 1
            await self._close_if_done()

    async def retire(self) -> None:
        self._retired = True
        await self._close_if_done()

    async def _close_if_done(self) -> None:
        if self._retired and not self._calls:
            await self.adapter.aclose()
