"""A handset to try the engine with: it types like a customer and checks every screen."""

from collections.abc import Coroutine
from typing import Any

from core.domain.display import Screen
from core.engine import paging
from core.engine.conversation import Conversation, from_json, to_json
from core.engine.machine import Machine, Outcome, Press, Step
from core.engine.outcomes import Failed
from core.engine.paging import Capability
from core.engine.step import Effect
from core.kit.errors import Problem
from tests.fakes.engine_world import LOCALE, MACHINE, Shop, Visit


class Handset:
    """Types like a customer, runs effects against a shop, and fails a screen that does not hold.

    Every step is taken twice and must come out the same, with a conversation that survives JSON.
    """

    def __init__(
        self,
        shop: Shop | None = None,
        *,
        machine: Machine = MACHINE,
        capability: Capability = paging.USSD,
    ) -> None:
        self.shop = shop or Shop()
        self.machine = machine
        self.capability = capability
        self.conversation: Conversation
        self.screen: Screen
        self.complaints: list[str] = []

    def dial(self, *inputs: str) -> str:
        if inputs:
            return self.take(self.machine.dial("c1", inputs, LOCALE, self.capability))
        return self.take(self.machine.start("c1", LOCALE, self.capability))

    def enter(self, *said: str | Press) -> str:
        """Answer once or several times; returns the page then shown."""
        for each in said:
            before = to_json(self.conversation)
            step = self.machine.step(self.conversation, each, LOCALE, self.capability)
            again = self.machine.step(from_json(before), each, LOCALE, self.capability)
            assert step == again
            assert to_json(self.conversation) == before
            self.take(step)
        return self.screen.body

    def take(self, step: Step) -> str:
        """Run effects until there is a screen."""
        while step.effect is not None:
            assert step.screen is None
            step = self.settle(step)
        assert step.screen is not None
        self.conversation = _survives_json(step.conversation)
        self.screen = step.screen
        self._holds()
        return self.screen.body

    def settle(self, step: Step) -> Step:
        """Run one effect and tell the machine."""
        assert step.effect is not None
        self.shop.seen.append(step.effect)
        waiting = _survives_json(step.conversation)
        outcome = self.outcome(step.effect)
        after = self.machine.resume(waiting, outcome, LOCALE, self.capability)
        assert after == self.machine.resume(waiting, outcome, LOCALE, self.capability)
        if after.complaint:
            self.complaints.append(after.complaint)
        return after

    def outcome(self, effect: Effect) -> Outcome:
        if effect.node in self.shop.scripted:
            return self.shop.scripted[effect.node]
        try:
            answer: Outcome = finished(effect.run(Visit(self.shop, effect)))
        except Problem as problem:
            return problem
        except Exception:  # noqa: BLE001 - as whoever runs the machine does
            return Failed()
        return answer

    @property
    def node(self) -> str:
        return f"{self.conversation.flow}.{self.conversation.node}"

    def keys(self, node: str) -> list[str]:
        """The keys under which effects of that node were asked for, in order."""
        return [effect.key for effect in self.shop.seen if effect.node == node]

    def _holds(self) -> None:
        screen = self.screen
        cost = self.capability.cost(screen.body)
        assert cost is not None
        assert cost <= self.capability.text_max
        assert screen.body.strip()
        on = screen.ends or screen.options or any((screen.nav.back, screen.nav.home))
        assert on or screen.nav.more or screen.input in ("text", "digits")
        assert any(line.startswith("98. ") for line in screen.body.split("\n")) == screen.nav.more


def finished(running: Coroutine[Any, Any, Any]) -> Any:
    """The result of a coroutine that waits for nothing."""
    try:
        running.send(None)
    except StopIteration as stop:
        return stop.value
    running.close()
    raise AssertionError("it waits for something")


def _survives_json(conversation: Conversation) -> Conversation:
    again = from_json(to_json(conversation))
    assert again == conversation
    return again


TO_REVIEW = ("1", "2", "08031234567", "2")
"""From the main menu to the question whether to buy."""
TO_PIN = (*TO_REVIEW, "1")
TO_PAY = (*TO_PIN, "4821")


def dialled(*said: str, shop: Shop | None = None) -> Handset:
    """A handset that dialled the service code and then typed this."""
    handset = Handset(shop)
    handset.dial()
    handset.enter(*said)
    return handset
