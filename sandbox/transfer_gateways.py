"""What simulated gateways do alike when they transfer to banks."""

import abc
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from core.kit.money import Money
from sandbox.database import Transaction
from sandbox.scenarios import Scenario, Script
from sandbox.transfers import (
    AT_RESOLVE,
    PLAYS,
    SCENARIOS,
    Answer,
    DuplicateTransfer,
    Play,
    State,
    Transfer,
    TransferBook,
    names_of,
)
from sandbox.webhooks import Webhook
from sandbox.wire import GarbledJson, Json, Severed, hold, html_503
from sandbox.world import Simulator, World


class TransferGateway(abc.ABC):
    """A gateway's transfers but for its own words. Keeps `sandbox.world.Simulator`."""

    name: ClassVar[str]
    scenarios: Mapping[str, Scenario] = SCENARIOS
    plays: ClassVar[Mapping[str, Play]] = PLAYS
    low_balance: ClassVar[str]
    duplicate: ClassVar[str]
    no_account: ClassVar[tuple[str, int]]
    """Their words for a refusal, the last with its status."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._book = TransferBook(world.clock, world.webhooks)
        self._book.register(self.name, self._announced)

    @abc.abstractmethod
    def routes(self) -> list[Route]: ...

    @abc.abstractmethod
    def _announced(self, transfer: Transfer, *, forged: bool = False) -> Webhook:
        """What tells of a transfer's end; `forged` as somebody would who does not know the key."""

    @abc.abstractmethod
    def _placed(self, transfer: Transfer) -> Response:
        """How the request for a transfer is answered."""

    @abc.abstractmethod
    def _refusal(self, message: str, status_code: int) -> Response: ...

    @abc.abstractmethod
    def _named(self, account: str, name: str) -> Response: ...

    async def resolve(self, account: str) -> Response:
        async with self._world.database.transaction() as tx:
            script = await self._choose(tx, account, AT_RESOLVE)
            lookups = await self._book.looked_up(tx, self.name, account)
        if script.name == "resolve_down":
            return html_503()
        if script.name == "unknown_account":
            return self._refusal(*self.no_account)
        before, after = names_of(account)
        changed = script.name == "name_changed" and lookups > 1
        return self._named(account, after if changed else before)

    async def place(
        self, request: Request, reference: str, account: str, bank_code: str, amount: Money
    ) -> Response:
        """Make one transfer, once per reference."""
        async with self._world.database.transaction() as tx:
            await self._book.catch_up(tx, self.name, self.plays)
            if await self._book.is_known(tx, self.name, reference):
                return self._refusal(self.duplicate, 400)
            script = await self._choose(tx, account, self.plays.keys())
            play = self.plays[script.name]
            transfer = Transfer(
                self.name,
                reference,
                account,
                bank_code,
                amount,
                script,
                play.state or State.FAILED,
                self._world.clock.now(),
            )
            if play.state is not None:
                try:
                    transfer = await self._book.place(tx, transfer, self.plays)
                except DuplicateTransfer:
                    return self._refusal(self.duplicate, 400)
            if script.name == "webhook_forged":
                await self._world.webhooks.put(tx, self._forged(transfer))
        return await self._answer(request, transfer, play)

    async def find(self, reference: str) -> Transfer | Response | None:
        """A transfer as it stands now, or the silence that its scenario wants."""
        async with self._world.database.transaction() as tx:
            await self._book.catch_up(tx, self.name, self.plays)
            found = await self._book.find(tx, self.name, reference)
            if found is None or found.script.name != "verify_down":
                return found
            return html_503() if await self._book.is_silent(tx, found) else found

    async def keep_up(self) -> None:
        """What comes due while nobody asks: money arrives, webhooks go out."""
        async with self._world.database.transaction() as tx:
            await self._book.catch_up(tx, self.name, self.plays)

    async def _answer(self, request: Request, transfer: Transfer, play: Play) -> Response:
        match play.answer:
            case Answer.HELD:
                await hold(request.receive, transfer.script.seconds)
                return self._placed(transfer)
            case Answer.SEVERED:
                return Severed()
            case Answer.HTML_503:
                return html_503()
            case Answer.ERROR_500:
                return self._refusal("An error occurred", 500)
            case Answer.GARBLED:
                return GarbledJson({"status": True, "data": {"reference": transfer.reference}})
            case Answer.LOW_BALANCE:
                return self._refusal(self.low_balance, 400)
            case Answer.PLAIN:
                return self._placed(transfer)

    def _forged(self, transfer: Transfer) -> Webhook:
        return self._announced(_as_paid(transfer), forged=True)

    async def _choose(self, tx: Transaction, account: str, among: Collection[str]) -> Script:
        return await self._world.scenarios.choose(tx, self.name, [account], among=among)


def control_routes(world: World) -> list[Route]:
    """`GET /control/payouts?account=`: the money that really left, for one account or for all."""
    book = TransferBook(world.clock, world.webhooks)

    async def payouts(request: Request) -> Response:
        async with world.database.transaction() as tx:
            return Json(await book.listing(tx, request.query_params.get("account") or None))

    return [Route("/payouts", payouts)]


def transfer_gateways(simulators: Mapping[str, Simulator]) -> Sequence[TransferGateway]:
    return [each for each in simulators.values() if isinstance(each, TransferGateway)]


def _as_paid(transfer: Transfer) -> Transfer:
    return replace(transfer, state=State.PAID)
