"""What the outcome of an effect does to a conversation."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from core.engine import graph, moves, paging
from core.engine.conversation import Conversation, Offered
from core.engine.kinds import Scalar
from core.engine.outcomes import Choice, Done, Failed, Pending
from core.engine.screens import Act, Ask, Fact, Pick, Secret
from core.engine.step import Step
from core.engine.walk import Walk
from core.engine.words import scalars
from core.kit.errors import Problem

Outcome: TypeAlias = Done | str | Sequence[Choice] | Problem | Failed | Pending | None
"""What the function of a node returned or raised; `Failed` for anything that is no `Problem`."""

CHOICES_MAX = 50
"""Options of one `Pick`; more could not be read on any channel."""


class _Unkept(Exception):
    """The function of a node broke its declaration."""


def settled(walk: Walk, conversation: Conversation, outcome: Outcome) -> Step:
    """On from an effect. An outcome that the node did not declare counts as failed."""
    match walk.node(conversation):
        case Pick() as node:
            return _listed(walk, conversation, node, outcome)
        case Ask() as node:
            return _checked(walk, conversation, node, outcome)
        case Secret() as node:
            return _unlocked(walk, conversation, node, outcome)
        case Fact() as node:
            return _found(walk, conversation, node, outcome)
        case Act() as node:
            return _acted(walk, conversation, node, outcome)
        case _:
            return walk.stumbled(conversation, walk.words.say("common.sorry"), "no effect was due")


def _listed(walk: Walk, conversation: Conversation, node: Pick, outcome: Outcome) -> Step:
    if isinstance(outcome, Problem):
        return walk.stumbled(conversation, walk.words.problem(outcome))
    if not isinstance(outcome, Sequence) or isinstance(outcome, str):
        return _failed(walk, conversation, outcome)
    if not outcome:
        return walk.enter(moves.to(conversation, node.empty, origin=conversation.origin))
    if any(node.keeps.keys() - choice.keep.keys() for choice in outcome):
        return _failed(walk, conversation, "a choice lacks an answer that it should keep")
    listed = tuple(_frozen(walk, node, choice) for choice in outcome[:CHOICES_MAX])
    return walk.listed(conversation, node, listed)


def _frozen(walk: Walk, node: Pick, choice: Choice) -> Offered:
    declared = {name: choice.keep[name] for name in node.keeps}
    keep = {**declared, node.keep: choice.keep.get(node.keep, choice.key)}
    return Offered(choice.key, paging.label(choice.label, walk.words.capability), choice.hint, keep)


def _checked(walk: Walk, conversation: Conversation, node: Ask, outcome: Outcome) -> Step:
    if outcome is None:
        return walk.enter(moves.to(conversation, node.to))
    if isinstance(outcome, Problem):
        return walk.asked_again(conversation, walk.words.problem(outcome))
    return walk.asked_again(conversation, walk.words.say("common.sorry"), _wrong(outcome))


def _unlocked(walk: Walk, conversation: Conversation, node: Secret, outcome: Outcome) -> Step:
    if isinstance(outcome, Problem) and outcome.code not in node.exits:
        return walk.again(conversation, walk.words.problem(outcome))
    try:
        name, keep = _exit(node, outcome)
    except _Unkept as wrong:
        step = walk.again(conversation, walk.words.say("common.sorry"))
        return Step(step.conversation, step.screen, complaint=str(wrong))
    passed = moves.keeping(conversation, keep)
    if name not in graph.REFUSALS:
        passed = moves.proven(passed)
    return walk.enter(moves.to(passed, graph.exit_of(node, name).to))


def _found(walk: Walk, conversation: Conversation, node: Fact, outcome: Outcome) -> Step:
    try:
        name, keep = _exit(node, outcome)
    except _Unkept as wrong:
        if isinstance(outcome, Problem):
            return _without(walk, conversation, node, walk.words.problem(outcome), "")
        return _without(walk, conversation, node, walk.words.say("common.sorry"), str(wrong))
    found, exit_ = moves.keeping(conversation, keep), graph.exit_of(node, name)
    if exit_.alone:
        found = moves.noticed(found, "")
    return walk.enter(moves.to(found, exit_.to, origin=conversation.origin))


def _without(
    walk: Walk, conversation: Conversation, node: Fact, notice: str, complaint: str
) -> Step:
    """A fact could not be had."""
    if node.fault is None:
        return walk.stumbled(conversation, notice, complaint)
    step = walk.enter(moves.to(conversation, node.fault, origin=conversation.origin))
    return Step(step.conversation, step.screen, step.effect, complaint or step.complaint)


def _acted(walk: Walk, conversation: Conversation, node: Act, outcome: Outcome) -> Step:
    """An act ended. Only a `Problem` says for certain that nothing was done."""
    after = conversation
    if node.commits and not isinstance(outcome, Problem):
        after = moves.committed(conversation)
    if isinstance(outcome, Pending):
        return walk.enter(moves.to(after, node.pending))
    try:
        name, keep = _exit(node, outcome)
    except _Unkept as wrong:
        if isinstance(outcome, Problem):
            return walk.enter(
                moves.noticed(moves.to(after, node.fault), walk.words.problem(outcome))
            )
        step = walk.enter(moves.to(after, node.fault))
        return Step(step.conversation, step.screen, step.effect, str(wrong) or step.complaint)
    return walk.enter(moves.to(moves.keeping(after, keep), graph.exit_of(node, name).to))


def _exit(node: Secret | Fact | Act, outcome: Outcome) -> tuple[str, Mapping[str, Scalar]]:
    """The exit to leave by, and the declared answers that came along."""
    match outcome:
        case str():
            name, given = outcome, {}
        case Done():
            name, given = outcome.exit, dict(outcome.keep)
        case Problem():
            name, given = outcome.code, scalars(outcome.facts)
        case _:
            raise _Unkept(_wrong(outcome))
    if name not in node.exits:
        raise _Unkept(f"{node.name} has no exit {name!r}")
    if missing := graph.promised(node, name) - given.keys():
        raise _Unkept(f"{node.name} left by {name!r} without {sorted(missing)}")
    declared = graph.kinds_given(node)
    return name, {key: value for key, value in given.items() if key in declared}


def _failed(walk: Walk, conversation: Conversation, outcome: object) -> Step:
    return walk.stumbled(conversation, walk.words.say("common.sorry"), _wrong(outcome))


def _wrong(outcome: object) -> str:
    """For the log: nothing for a failure that was reported already."""
    if isinstance(outcome, Failed):
        return ""
    return outcome if isinstance(outcome, str) else f"answered with a {type(outcome).__name__}"
