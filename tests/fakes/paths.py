"""Which ways through the flows a test run took, and a means to have any step go wrong."""

import contextlib
import dataclasses
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeAlias

from core.domain.turns import Said
from core.engine.conversation import Conversation
from core.engine.flow import Flows
from core.engine.graph import options_of
from core.engine.kinds import Locale
from core.engine.machine import Machine, Outcome, Step
from core.engine.outcomes import Done, Failed, Masked, Pending
from core.engine.paging import Capability
from core.engine.screens import Call, Jump, Return
from core.engine.walk import Walk
from core.engine.words import Words
from core.kit.errors import Problem
from core.kit.texts import Texts

Place: TypeAlias = tuple[str, str]
"""A flow and a node of it."""

Way: TypeAlias = tuple[str, str, str]
"""A flow, a node of it, and the label of an edge out of that node."""

Instead: TypeAlias = Callable[..., Awaitable[Any]]


class Paths:
    """Remembers the nodes that were reached and the edges that were taken."""

    def __init__(self, flows: Flows) -> None:
        self.flows = flows
        self.places: set[Place] = set()
        self.ways: set[Way] = set()
        self.instead: dict[Place, Instead] = {}

    @contextlib.contextmanager
    def instead_of(self, flow: str, node: str, function: Instead) -> Iterator[None]:
        """Have this run where the function of that node would."""
        assert node in self.flows[flow].nodes
        self.instead[flow, node] = function
        try:
            yield
        finally:
            del self.instead[flow, node]

    def broken(self, flow: str, node: str) -> contextlib.AbstractContextManager[None]:
        """Have the function of that node fail as only a fault of ours does."""
        return self.instead_of(flow, node, _break)

    def took(self, before: Conversation, after: Conversation, label: str | None) -> None:
        """Note the edge between two places; without a label it is told from where it leads."""
        if before.flow != after.flow:
            return
        flow = self.flows[before.flow]
        found = [
            edge.label
            for edge in flow.ways[before.node]
            if edge.to == after.node and (edge.label == label if label else not edge.silent)
        ]
        if len(found) > 1:  # options that lead to one place, told apart by what they keep
            kept = {option.key: option.keep for option in options_of(flow.nodes[before.node])}
            found = [each for each in found if kept.get(each, {}).items() <= after.answers.items()]
        if len(found) == 1:
            self.ways.add((before.flow, before.node, found[0]))

    def unwalked(self) -> set[Way]:
        return {
            (flow.name, name, edge.label)
            for flow in self.flows.all
            for name, edges in flow.ways.items()
            for edge in edges
        } - self.ways

    def unreached(self) -> set[Place]:
        return {(flow.name, name) for flow in self.flows.all for name in flow.nodes} - self.places


class WalkedMachine(Machine):
    """A machine that tells `paths` where its conversations go."""

    def __init__(self, flows: Flows, texts: Texts, paths: Paths) -> None:
        super().__init__(flows, texts)
        self._paths = paths
        self._leaving: tuple[Conversation, str | None] | None = None

    def step(
        self,
        conversation: Conversation,
        said: Said,
        locale: Locale,
        capability: Capability,
    ) -> Step:
        known = conversation.flow in self._flows
        if known and conversation.state == "live" and not conversation.asking:
            self._leaving = (conversation, None)
        try:
            return super().step(conversation, said, locale, capability)
        finally:
            self._leaving = None

    def resume(
        self, conversation: Conversation, outcome: Outcome, locale: Locale, capability: Capability
    ) -> Step:
        exits = getattr(self._flows[conversation.flow].nodes[conversation.node], "exits", {})
        self._leaving = (conversation, _label(outcome, exits))
        try:
            return super().resume(conversation, outcome, locale, capability)
        finally:
            self._leaving = None

    def _walk(self, locale: Locale, capability: Capability) -> Walk:
        words = Words(self._flows, self._texts, locale, capability)
        return _Trail(self._flows, words, self._paths, self._leaving)


class _Trail(Walk):
    def __init__(
        self,
        flows: Flows,
        words: Words,
        paths: Paths,
        leaving: tuple[Conversation, str | None] | None,
    ) -> None:
        super().__init__(flows, words)
        self._paths = paths
        self._leaving = leaving

    def enter(self, conversation: Conversation) -> Step:
        if self._leaving is not None:
            before, label = self._leaving
            self._paths.took(before, conversation, label)
            self._leaving = None
        return super().enter(conversation)

    def home(self, conversation: Conversation, notice: str = "") -> Step:
        self._leaving = None
        return super().home(conversation, notice)

    def back(self, conversation: Conversation, notice: str = "") -> Step:
        self._leaving = None
        return super().back(conversation, notice)

    def show(self, conversation: Conversation, shown: Any) -> Step:
        self._paths.places.add((conversation.flow, conversation.node))
        return super().show(conversation, shown)

    def effect(self, conversation: Conversation, kind: Any, secret: Masked | None = None) -> Step:
        step = super().effect(conversation, kind, secret)
        place = (conversation.flow, conversation.node)
        self._paths.places.add(place)
        instead = self._paths.instead.get(place)
        if step.effect is None or instead is None:
            return step
        effect = dataclasses.replace(step.effect, function=instead)
        return dataclasses.replace(step, effect=effect)

    def _crossed(self, conversation: Conversation, node: Call | Jump | Return) -> Conversation:
        self._paths.places.add((conversation.flow, node.name))
        if isinstance(node, Return) and conversation.callers:
            frame = conversation.callers[-1]
            self._paths.ways.add((frame.flow, frame.node, node.exit or "returned"))
        return super()._crossed(conversation, node)


def _label(outcome: Outcome, exits: Any) -> str:
    match outcome:
        case Failed():
            return "fault"
        case Pending():
            return "pending"
        case Problem():
            return outcome.code if outcome.code in exits else "fault"
        case Done():
            return outcome.exit
        case str():
            return outcome
        case None:
            return "answered"
        case _:
            return "chosen" if outcome else "nothing to choose"


def answering(exit_: str, **keep: Any) -> Instead:
    """A function that leaves by an exit, whoever asks."""

    async def answer(*_: object) -> Done:
        return Done(exit_, keep)

    return answer


def giving(outcome: Any) -> Instead:
    """A function that returns this, or raises it where it is an exception."""

    async def give(*_: object) -> Any:
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome

    return give


async def _break(*_: object) -> None:
    raise RuntimeError("broken on purpose")
