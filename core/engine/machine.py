"""The machine: from a conversation and what was said to the next one, and a screen or an effect.

Pure: no input or output, no clock, no chance; the same arguments give the same answer, and no
conversation is changed in place. Whoever runs it stores conversations and runs effects:

    step = machine.step(conversation, text, locale, capability)
    while step.effect:
        step = machine.resume(step.conversation, await run(step.effect), locale, capability)
    show(step.screen)
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial

from msgspec.structs import replace

from core.domain.turns import Press, Said, Unlock
from core.engine import answering, hearing, moves, paging, settling, wiring
from core.engine.conversation import Answers, Conversation, Offered
from core.engine.flow import Flow, Flows, Shortcut
from core.engine.kinds import Locale, Scalar
from core.engine.migration import migrated
from core.engine.paging import Capability
from core.engine.screens import Act, Ask, Confirm, Menu, Secret
from core.engine.settling import Outcome
from core.engine.step import Effect, Step
from core.engine.walk import Walk
from core.engine.words import Words
from core.kit.errors import Problem
from core.kit.texts import Texts

__all__ = ["Effect", "Machine", "Outcome", "Press", "Step"]  # what callers of the machine name

TURNS_MAX = 500
"""Screens of one journey; then it starts again at the menu, as something is going in circles."""

# Locales times channels; those of a tenant with few customers are made again when they are needed.
_WORDS_KEPT = 256


class Machine:
    """Steps conversations through flows. Holds no state of its own; safe to share."""

    def __init__(self, flows: Flows, texts: Texts) -> None:
        self._flows = flows
        self._texts = texts
        self.door = flows.door or flows.home  # where strangers are let in
        self._words = lru_cache(_WORDS_KEPT)(partial(Words, flows, texts))

    def start(
        self,
        conversation_id: str,
        locale: Locale,
        capability: Capability,
        *,
        flow: str | None = None,
        answers: Mapping[str, Scalar] | None = None,
        notice: str = "",
        now: int = 0,
    ) -> Step:
        """Begin at the main menu, or at a flow with the answers that it takes.

        `conversation_id` must never have been used: effect keys are made of it. `notice` is a line
        above the first screen. `now` is in seconds since 1970.
        """
        entered = self._flows[flow or self._flows.home]
        begun = self._fresh(conversation_id, locale, entered, now)
        begun = replace(begun, answers=dict(answers or {}), notice=notice)
        return self._walk(locale, capability).enter(begun)

    def dial(
        self,
        conversation_id: str,
        inputs: Sequence[str],
        locale: Locale,
        capability: Capability,
        *,
        now: int = 0,
    ) -> Step:
        """Begin where a code dialled in one go leads, or a named shortcut, with the answers in it.

        An argument that is missing or cannot be read is asked for; an unknown code gets the menu.
        """
        walk = self._walk(locale, capability)
        begun = self._fresh(conversation_id, locale, self._flows[self._flows.home], now)
        if not inputs:
            return walk.enter(begun)
        typed = answering.read(inputs[0])
        shortcut = self._flows.shortcut(typed.text)
        if shortcut is None:
            if capability.sessions:
                return walk.home(begun, hearing.unknown(walk, typed))
            return walk.home(begun, walk.words.say("common.no_command"))
        node, answers, notice = self._dialled(walk, shortcut, inputs[1:])
        entered = moves.into(begun, self._flows[shortcut.flow], node, answers)
        return walk.enter(replace(entered, notice=notice))

    def knows(self, word: str) -> bool:
        """Whether it is the code or the name of a shortcut."""
        return self._flows.shortcut(answering.read(word).text) is not None

    def greet(
        self,
        conversation_id: str,
        said: Said,
        locale: Locale,
        capability: Capability,
        *,
        notice: str = "",
    ) -> Step:
        """Begin with what somebody wrote unasked: at the flow that a keyword names, or the menu.

        `notice` is a line above the first screen.
        """
        begun = self._fresh(conversation_id, locale, self._flows[self._flows.home], 0)
        walk = self._walk(locale, capability)
        return hearing.greeted(walk, replace(begun, notice=notice), said)

    def puzzled(
        self, conversation: Conversation, text: str, locale: Locale, capability: Capability
    ) -> bool:
        """Words that name nothing here, where a customer may ask for anything."""
        walk = self._walk(locale, capability)
        return hearing.puzzling(walk, migrated(conversation, self._flows), text)

    def bare(
        self, text: str, locale: Locale, capability: Capability
    ) -> tuple[str, Mapping[str, str]] | None:
        """The shortcut that a customer enters by this alone, with what it is given."""
        typed = answering.read(text)
        found = hearing.bare(self._walk(locale, capability), typed)
        if found is None:
            return None
        shortcut, _ = found
        return shortcut.name or shortcut.code, {shortcut.args[0]: typed.text}

    def propose(
        self,
        conversation: Conversation,
        shortcut: str,
        given: Mapping[str, str],
        locale: Locale,
        capability: Capability,
        *,
        notice: str = "",
    ) -> Step:
        """On from here by a named shortcut with answers in words, as if they had been dialled.

        What is missing or cannot be read is asked for. Nothing that the flow confirms is skipped.
        """
        walk = self._walk(locale, capability)
        conversation = migrated(conversation, self._flows)
        found = self._flows.shortcut(shortcut)
        if found is None or conversation.state == "acting":
            return self.redisplay(conversation, locale, capability)
        node, answers, wrong = self._given(walk, found, given)
        home = moves.home(conversation, self._flows[self._flows.home])
        entered = moves.into(home, self._flows[found.flow], node, answers)
        return walk.enter(replace(entered, notice=wrong or notice))

    def step(
        self,
        conversation: Conversation,
        said: Said,
        locale: Locale,
        capability: Capability,
    ) -> Step:
        """Take an answer to the present screen. Never fails, whatever was said."""
        walk = self._walk(locale, capability)
        conversation = migrated(conversation, self._flows)
        if conversation.asking == "updated":
            return walk.home(conversation, walk.words.say("common.updated"))
        if conversation.state == "acting":
            return self.recover(conversation, locale, capability)
        if isinstance(said, Press | Unlock) and _is_old(said, conversation):
            expired = replace(conversation, notice=walk.words.say("common.expired"))
            return walk.redisplayed(expired)
        if conversation.turn - conversation.begun >= TURNS_MAX:
            return walk.home(conversation, walk.words.say("common.restart"))
        return hearing.heard(walk, conversation, said)

    def resume(
        self, conversation: Conversation, outcome: Outcome, locale: Locale, capability: Capability
    ) -> Step:
        """Go on after an effect, with what came of it."""
        walk = self._walk(locale, capability)
        conversation = migrated(conversation, self._flows)
        if conversation.asking == "updated":
            return walk.home(conversation, walk.words.say("common.updated"))
        if conversation.state != "acting":
            return self.redisplay(conversation, locale, capability)
        return settling.settled(walk, conversation, outcome)

    def redisplay(self, conversation: Conversation, locale: Locale, capability: Capability) -> Step:
        """The present screen once more, as for a request that came late. Counts as no turn."""
        walk = self._walk(locale, capability)
        conversation = migrated(conversation, self._flows)
        if conversation.asking == "updated":
            return walk.home(conversation, walk.words.say("common.updated"))
        if conversation.state == "acting":
            return self.recover(conversation, locale, capability)
        return walk.redisplayed(conversation)

    def recover(self, conversation: Conversation, locale: Locale, capability: Capability) -> Step:
        """Take up a conversation whose effect was begun and its outcome never kept.

        Gives the same effect with the same key; but a secret is asked for again, since what was
        typed is gone.
        """
        walk = self._walk(locale, capability)
        conversation = migrated(conversation, self._flows)
        if conversation.state != "acting":
            return self.redisplay(conversation, locale, capability)
        held = replace(conversation, hops=max(0, conversation.hops - 1))
        match walk.node(conversation):
            case Secret():
                return walk.again(conversation, "")
            case Ask() as node:
                return walk.checked(held, node)
            case _:
                return walk.enter(held)

    def resumable(self, conversation: Conversation) -> bool:
        """There is something to go on with, for somebody who comes back."""
        conversation = migrated(conversation, self._flows)
        if conversation.state == "ended" or conversation.asking in ("sorry", "updated"):
            return False
        node = self._flows[conversation.flow].nodes[conversation.node]
        if isinstance(node, Menu) and not node.options:
            return False  # A page of information: it was read.
        return conversation.flow != self._flows.home or bool(conversation.back)

    def resume_prompt(
        self,
        conversation: Conversation,
        locale: Locale,
        capability: Capability,
        *,
        said: Said = "",
    ) -> Step:
        """Ask whether to go on; the answer is taken by `step`.

        Who came back with the name of a flow is led there instead.
        """
        walk = self._walk(locale, capability)
        if not self.resumable(conversation):
            return walk.home(conversation)
        conversation = migrated(conversation, self._flows)
        offered = tuple(
            Offered(key, paging.label(walk.words.say(f"common.{key}"), capability), fixed=True)
            for key in ("continue", "home")
        )
        prompt = walk.prompted(conversation, offered)
        return hearing.elsewhere(walk, prompt.conversation, said) or prompt

    def migrate(self, conversation: Conversation) -> Conversation:
        """The conversation in terms of these flows; every other call does this by itself."""
        return migrated(conversation, self._flows)

    def guarded(self, step: Step) -> bool:
        """What was typed ahead must not answer this: it wants the customer's eyes."""
        conversation = step.conversation
        if conversation.state == "ended" or conversation.asking:
            return True
        flow = self._flows.by_name.get(conversation.flow)
        node = flow and flow.nodes.get(conversation.node)
        if isinstance(node, Menu):
            return node.review
        return node is None or isinstance(node, Confirm | Secret | Act)

    # Inputs.

    def _walk(self, locale: Locale, capability: Capability) -> Walk:
        return Walk(self._flows, self._words(locale, capability))

    def _fresh(self, conversation_id: str, locale: Locale, flow: Flow, now: int) -> Conversation:
        return Conversation(
            id=conversation_id,
            flow=flow.name,
            node=flow.start,
            origin=flow.start,
            language=locale.language,
            started_at=now,
            touched_at=now,
        )

    def _dialled(
        self, walk: Walk, shortcut: Shortcut, given: Sequence[str]
    ) -> tuple[str, Answers, str]:
        """The node to enter, the answers read, and a notice on the first that was not."""
        names = (*shortcut.args, *shortcut.optional)
        return self._given(walk, shortcut, dict(zip(names, given, strict=False)))

    def _given(
        self, walk: Walk, shortcut: Shortcut, given: Mapping[str, str]
    ) -> tuple[str, Answers, str]:
        """As `_dialled`, for answers by name."""
        flow = self._flows[shortcut.flow]
        answers: Answers = dict(shortcut.keep)
        for name in (*shortcut.args, *shortcut.optional):
            if name not in given:
                if name in shortcut.optional:
                    continue
                return wiring.opening(flow, shortcut, name), answers, ""
            try:
                answers[name] = flow.kinds[name].parse(
                    answering.read(given[name]).text, walk.words.locale
                )
            except Problem as problem:
                return wiring.opening(flow, shortcut, name), answers, walk.words.problem(problem)
        return shortcut.node, answers, ""


def _is_old(said: Press | Unlock, conversation: Conversation) -> bool:
    """It belongs to another showing, of this talk or of an earlier one."""
    if said.talk and said.talk != conversation.id:
        return True
    return said.turn not in (None, conversation.turn)
