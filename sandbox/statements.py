"""What simulated parties list: everything that really happened there, and their worst days.

`POST /control/statements {provider, play, reference?, amount?, seconds?, page?, at?}` adds to what
a party's statement gets wrong; `DELETE /control/statements` has all of them tell the truth again.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route
from starlette.types import Scope

from core.kit.money import Money
from sandbox import accounts
from sandbox.database import Transaction, stamp, unstamp
from sandbox.orders import State
from sandbox.selling import is_silent
from sandbox.statement_forms import FORMS, SETTLEMENTS, Entry, Form
from sandbox.wire import Json, html_503
from sandbox.world import World

SCHEMA = """
CREATE TABLE IF NOT EXISTS statement_plays (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    play TEXT NOT NULL,
    reference TEXT NOT NULL,
    amount INTEGER NOT NULL,
    seconds REAL NOT NULL,
    page INTEGER NOT NULL,
    at TEXT NOT NULL
);
"""


class Play(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One thing that a statement gets wrong.

    Attributes:
        play: `missing` and `doubled` line, another `amount`, a `stranger` that nobody ordered, a
            page that `fails`, lines that `lag` behind, pages that are `short`, or `unheeded`:
            whichever is asked for, the first comes.
        reference: Ours, of the line it is about.
        amount: In minor units.
        seconds: How far it lags.
        page: Counted as the party counts; for `short`, how many lines one has.
        at: When the stranger came; now when left out.
    """

    provider: str
    play: Literal["missing", "doubled", "amount", "stranger", "fails", "lag", "short", "unheeded"]
    reference: str = ""
    amount: Annotated[int, msgspec.Meta(ge=0)] = 0
    seconds: float = 0.0
    page: int = 0
    at: str = ""


class _WholeList(Route):
    """A list of a time; asked for anything else at its path, the simulator's own route answers."""

    needs: str = ""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        query = bytes(scope.get("query_string", b"")).decode()
        asked = {part.partition("=")[0] for part in query.split("&")}
        if self.needs and self.needs not in asked:
            return Match.NONE, {}
        return super().matches(scope)


class Statements:
    """The routes under each party's path, and the control call."""

    def __init__(self, world: World) -> None:
        self._world = world

    def routes(self, provider: str) -> list[Route]:
        form = FORMS.get(provider)
        if form is None:
            return []

        async def answer(request: Request) -> Response:
            return await self._list(provider, form, request)

        route = _WholeList(form.path, answer, methods=["GET"])
        route.needs = form.needs
        return [route, *self._settlement_routes(provider, form)]

    def _settlement_routes(self, provider: str, form: Form) -> list[Route]:
        if provider not in SETTLEMENTS:
            return []
        path, worded = SETTLEMENTS[provider]

        async def answer(request: Request) -> Response:
            if not form.knows(request.headers.get("authorization", ""), self._world):
                return Json({"message": "who are you?"}, 401)
            since, until = form.window(dict(request.query_params))
            async with self._world.database.transaction() as tx:
                entries = await self._entries(tx, provider, form)
            return Json(worded([each for each in entries if since <= each.at < until]))

        return [Route(path, answer, methods=["GET"])]

    def control_routes(self) -> list[Route]:
        return [
            Route("/statements", self._add, methods=["POST"]),
            Route("/statements", self._forget, methods=["DELETE"]),
        ]

    async def _add(self, request: Request) -> Response:
        try:
            play = msgspec.json.decode(await request.body(), type=Play)
        except msgspec.DecodeError as error:
            return Json({"error": str(error)}, 400)
        if play.provider not in FORMS:
            return Json({"error": "lists nothing", "known": sorted(FORMS)}, 400)
        at = play.at or stamp(self._world.clock.now())
        async with self._world.database.transaction() as tx:
            await tx.execute(
                "INSERT INTO statement_plays (provider, play, reference, amount, seconds, page, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    play.provider,
                    play.play,
                    play.reference,
                    play.amount,
                    play.seconds,
                    play.page,
                    at,
                ),
            )
        return Json(msgspec.structs.asdict(play))

    async def _forget(self, _: Request) -> Response:
        async with self._world.database.transaction() as tx:
            await tx.execute("DELETE FROM statement_plays")
        return Json({"forgotten": True})

    async def _list(self, provider: str, form: Form, request: Request) -> Response:
        if not form.knows(request.headers.get("authorization", ""), self._world):
            return Json({"message": "who are you?"}, 401)
        query = dict(request.query_params)
        since, until = form.window(query)
        async with self._world.database.transaction() as tx:
            plays = await _plays(tx, provider)
            entries = await self._entries(tx, provider, form)
        shown = [each for each in self._played(entries, plays) if since <= each.at < until]
        shown.sort(key=lambda each: (each.at, each.id), reverse=True)
        short = next((play.page for play in plays if play.play == "short"), None)
        number, size = form.page(query, shown, short)
        if any(play.play == "unheeded" for play in plays):
            number = form.first_page
        if any(play.play == "fails" and play.page == number for play in plays):
            return html_503()
        first = (number - form.first_page) * size
        page = shown[first : first + size]
        if form.searched and await self._is_silent(provider, page):
            return html_503()
        return Json(form.answer(page, number, size, len(shown)))

    async def _is_silent(self, provider: str, page: Sequence[Entry]) -> bool:
        """Whether a question about any of these orders goes unanswered."""
        async with self._world.database.transaction() as tx:
            for entry in page:
                order = await self._world.orders.find_theirs(tx, provider, entry.theirs)
                if order and await is_silent(self._world, tx, order):
                    return True
        return False

    def _played(self, entries: Sequence[Entry], plays: Sequence[Play]) -> list[Entry]:
        """The entries as the plays show them."""
        shown = list(entries)
        for play in plays:
            about = [each for each in shown if each.reference == play.reference]
            match play.play:
                case "missing":
                    shown = [each for each in shown if each not in about]
                case "doubled":
                    shown += [replace(each, id=each.id + 1, copied=True) for each in about]
                case "amount":
                    shown = [
                        replace(each, amount=Money(play.amount, each.amount.currency))
                        if each in about
                        else each
                        for each in shown
                    ]
                case "stranger":
                    shown.append(_stranger(play))
                case "lag":
                    horizon = self._world.clock.now() - dt.timedelta(seconds=play.seconds)
                    shown = [each for each in shown if each.at < horizon]
                case _:
                    pass  # what is wrong with pages, not with lines
        return shown

    async def _entries(self, tx: Transaction, provider: str, form: Form) -> list[Entry]:
        if form.of_payments:
            return await self._charges(tx, provider)
        await self._world.orders.catch_up(tx)
        rows = await tx.execute_fetchall(
            "SELECT * FROM orders WHERE provider = ? AND state <> ?", (provider, State.UNSEEN)
        )
        return [
            Entry(
                id=number,
                theirs=row["provider_reference"],
                reference=row["reference"],
                state=State(row["state"]),
                amount=Money(row["charge_minor"], row["currency"]),
                at=unstamp(row["placed_at"]),
            )
            for number, row in enumerate(rows, start=1)
        ]

    async def _charges(self, tx: Transaction, provider: str) -> list[Entry]:
        rows = await tx.execute_fetchall("SELECT * FROM charges WHERE provider = ?", (provider,))
        entries = []
        for row in rows:
            payment = await self._world.payments.find(tx, provider, row["reference"])
            assert payment is not None
            entries.append(
                Entry(
                    id=row["id"],
                    theirs=payment.access_code,
                    reference=payment.reference,
                    state=State.DELIVERED,
                    amount=Money(row["amount_minor"], row["currency"]),
                    at=unstamp(row["paid_at"]),
                    into_account=accounts.is_account(payment),
                )
            )
        return entries


def _stranger(play: Play) -> Entry:
    return Entry(
        id=999_000_000_001,
        theirs="SIM999000000001",
        reference=play.reference or "NOBODYKNOWS",
        state=State.DELIVERED,
        amount=Money(play.amount or 100_00, "NGN"),
        at=unstamp(play.at),
    )


async def _plays(tx: Transaction, provider: str) -> list[Play]:
    rows = await tx.execute_fetchall(
        "SELECT * FROM statement_plays WHERE provider = ? ORDER BY id", (provider,)
    )
    names = Play.__struct_fields__
    return [Play(**{name: row[name] for name in names}) for row in rows]
