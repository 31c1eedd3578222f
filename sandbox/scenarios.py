"""Which part each order plays: chosen by recipient, for the next few orders, or for all of them."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

import aiosqlite

from core.kit.errors import Problem
from sandbox.database import Database, Transaction
from sandbox.recipients import normal

OK = "ok"

SCHEMA = """
CREATE TABLE IF NOT EXISTS scenario_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    recipient TEXT,
    orders_left INTEGER,
    scenario TEXT NOT NULL,
    seconds REAL,
    code TEXT
);
"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way an order can go.

    Attributes:
        summary: One line for a person who chooses.
        seconds: The time it is about, unless the choice says otherwise.
        code: The provider's code it is about, likewise.
        recipients: Magic recipients that play it with no control call; the first is advertised.
    """

    summary: str
    seconds: float = 0.0
    code: str = ""
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """A scenario with its figures, as one order plays it."""

    name: str = OK
    seconds: float = 0.0
    code: str = ""


class UnknownChoice(Problem):
    """No such provider or scenario; the fact `known` lists those there are."""

    code = "scenario.unknown"


class ScenarioBook:
    """What every simulator can play, and what it was told to.

    Looked up in this order: a rule for the recipient, the next-N rules in the order they came, a
    rule for everything, the magic recipients, `ok`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Mapping[str, Scenario]] = {}
        self._magic: dict[tuple[str, str], str] = {}

    def register(self, provider: str, scenarios: Mapping[str, Scenario]) -> None:
        self._known[provider] = scenarios
        for name, scenario in scenarios.items():
            for recipient in scenario.recipients:
                self._magic[provider, normal(recipient)] = name

    def listing(self) -> dict[str, dict[str, str]]:
        """For people: provider, scenario, one line that also tells the magic recipient."""
        return {
            provider: {name: _line(scenario) for name, scenario in scenarios.items()}
            for provider, scenarios in self._known.items()
        }

    async def select(
        self, provider: str, script: Script, *, recipient: str | None, orders: int | None
    ) -> None:
        """Play this from now on: for a recipient, for the next `orders`, for both, or for all.

        A later rule of the same reach replaces the earlier one; next-N rules queue up.
        """
        key = normal(recipient) if recipient is not None else None
        async with self._database.transaction() as tx:
            if orders is None:
                await tx.execute(
                    "DELETE FROM scenario_rules"
                    " WHERE provider = ? AND recipient IS ? AND orders_left IS NULL",
                    (provider, key),
                )
            await tx.execute(
                "INSERT INTO scenario_rules"
                " (provider, recipient, orders_left, scenario, seconds, code)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (provider, key, orders, script.name, script.seconds, script.code),
            )

    def script(
        self, provider: str, name: str, *, seconds: float | None = None, code: str | None = None
    ) -> Script:
        """A scenario with its own figures, or with those given.

        Raises:
            UnknownChoice: the provider or its scenario is not one of ours.
        """
        default = self._script(provider, name)
        return Script(
            name,
            default.seconds if seconds is None else seconds,
            default.code if code is None else code,
        )

    async def choose(
        self,
        tx: Transaction,
        provider: str,
        recipients: Iterable[str],
        *,
        among: Collection[str] | None = None,
    ) -> Script:
        """The part for one new order to any of `recipients`; uses up one of a next-N rule.

        With `among`, rules for other scenarios are passed over, not used up.
        """
        keys = {normal(recipient) for recipient in recipients}
        rules = await tx.execute_fetchall(
            "SELECT * FROM scenario_rules WHERE provider = ? ORDER BY id", (provider,)
        )
        fitting = [
            rule
            for rule in rules
            if (rule["recipient"] is None or rule["recipient"] in keys)
            and (among is None or rule["scenario"] in among)
        ]
        if fitting:
            rule = min(fitting, key=_rank)
            await self._use(tx, rule["id"], rule["orders_left"])
            return Script(rule["scenario"], rule["seconds"], rule["code"])
        for key in keys:
            name = self._magic.get((provider, key))
            if name and (among is None or name in among):
                return self._script(provider, name)
        return Script()

    async def standing(self, tx: Transaction, provider: str) -> Script:
        """What is played for everything until told otherwise; nothing is used up."""
        rules = await tx.execute_fetchall(
            "SELECT * FROM scenario_rules WHERE provider = ? AND recipient IS NULL"
            " AND orders_left IS NULL",
            (provider,),
        )
        for rule in rules:
            return Script(rule["scenario"], rule["seconds"], rule["code"])
        return Script()

    async def _use(self, tx: Transaction, rule_id: int, left: int | None) -> None:
        if left is None:
            return
        await tx.execute(
            "UPDATE scenario_rules SET orders_left = ? WHERE id = ?", (left - 1, rule_id)
        )
        await tx.execute("DELETE FROM scenario_rules WHERE orders_left <= 0")

    def _script(self, provider: str, name: str) -> Script:
        scenarios = self._known.get(provider)
        if scenarios is None:
            raise UnknownChoice(what="provider", given=provider, known=sorted(self._known))
        if name not in scenarios:
            raise UnknownChoice(what="scenario", given=name, known=list(scenarios))
        return Script(name, scenarios[name].seconds, scenarios[name].code)


def _rank(rule: aiosqlite.Row) -> tuple[int, int]:
    """Closest first: for the recipient (newest), then the queue (oldest), then for everything."""
    if rule["recipient"] is not None:
        return (0, -rule["id"])
    if rule["orders_left"] is not None:
        return (1, rule["id"])
    return (2, -rule["id"])


def _line(scenario: Scenario) -> str:
    time = f" [{scenario.seconds:g} s]" if scenario.seconds else ""
    magic = f" (always for {scenario.recipients[0]})" if scenario.recipients else ""
    return scenario.summary + time + magic
