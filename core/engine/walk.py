"""One walk through the flows: from where an input or an outcome leads, on to a screen or an effect.

A `Walk` belongs to one step: it knows whose words and which channel. It never fails: where there is
no way on, it goes to the main menu with a word of apology, and where that fails too, it ends.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from msgspec.structs import replace

from core.engine import moves
from core.engine.conversation import Answers, Conversation, Offered
from core.engine.flow import Flow, Flows
from core.engine.outcomes import Masked
from core.engine.screens import Act, Ask, Call, End, Fact, Jump, Node, Pick, Return, Secret
from core.engine.step import Effect, Step
from core.engine.words import Stranded, Words, or_stranded

STEPS_MAX = 25
"""Nodes passed, and effects run, for one input."""

_Doing: TypeAlias = Literal["options", "check", "secret", "fact", "act"]


class Walk:
    """The machine, seen from one step of one conversation."""

    __slots__ = ("flows", "words")

    def __init__(self, flows: Flows, words: Words) -> None:
        self.flows = flows
        self.words = words

    def flow(self, conversation: Conversation) -> Flow:
        return self.flows[conversation.flow]

    def node(self, conversation: Conversation) -> Node:
        return self.flow(conversation).nodes[conversation.node]

    # Where to go.

    def enter(self, conversation: Conversation) -> Step:
        """On from the node that the conversation was moved to."""
        try:
            for _ in range(STEPS_MAX):
                node = self.node(conversation)
                match node:
                    case Call() | Jump() | Return():
                        conversation = self._crossed(conversation, node)
                    case Fact():
                        return self.effect(conversation, "fact")
                    case Act():
                        return self.effect(conversation, "act")
                    case Pick():
                        return self.effect(conversation, "options")
                    case _:
                        return self.show(conversation, self.words.options(conversation, node))
        except Stranded:
            return self._instead(conversation, "common.updated")
        return self.sorry(conversation, "too many nodes for one input")

    def home(self, conversation: Conversation, notice: str = "") -> Step:
        """To the main menu; `notice` is a line above it."""
        return self.enter(moves.home(conversation, self.flows[self.flows.home], notice))

    def back(self, conversation: Conversation, notice: str = "") -> Step:
        """To the screen before, or else to the main menu."""
        before = moves.before(conversation)
        if before is None:
            return self.home(conversation, notice)
        return self.enter(replace(before, notice=notice))

    def stumbled(self, conversation: Conversation, notice: str, complaint: str = "") -> Step:
        """An effect that shows nothing brought nothing: back to what the customer saw."""
        if moves.before(conversation) is None and conversation.flow == self.flows.home:
            return self.sorry(conversation, complaint)
        step = self.back(conversation, notice)
        return Step(step.conversation, step.screen, step.effect, complaint or step.complaint)

    def sorry(self, conversation: Conversation, complaint: str = "") -> Step:
        """The last resort: an apology, and the end."""
        ended = moves.home(conversation, self.flows[self.flows.home])
        ended = replace(
            ended, asking="sorry", state="ended", effect=None, hops=0, turn=ended.turn + 1
        )
        return Step(ended, self.words.screen(ended), complaint=complaint)

    def reentered(self, conversation: Conversation) -> Step:
        """Take up an interrupted conversation: facts afresh, and never past a secret."""
        place: Conversation | None = replace(conversation, asking="", notice="")
        while place is not None and (place.guarded or isinstance(self.node(place), Secret)):
            place = moves.before(place)
        if place is None or isinstance(self.flow(place).nodes[place.origin], Act | Secret):
            return self.home(conversation)
        return self.enter(moves.to(place, place.origin))

    def _instead(self, conversation: Conversation, notice: str) -> Step:
        if conversation.flow == self.flows.home:
            return self.sorry(conversation, "the main menu needs an answer that nobody gave")
        return self.home(conversation, self.words.say(notice))

    def _crossed(self, conversation: Conversation, node: Call | Jump | Return) -> Conversation:
        match node:
            case Call():
                given = self._given(conversation, node)
                return moves.called(conversation, self.flows[node.flow], given)
            case Jump():
                given = self._given(conversation, node)
                return moves.jumped(conversation, self.flows[node.flow], given)
            case Return():
                return self._returned(conversation, node)

    def _returned(self, conversation: Conversation, node: Return) -> Conversation:
        if conversation.callers:
            frame = conversation.callers[-1]
            call = self.flows[frame.flow].nodes[frame.node]
            if isinstance(call, Call):
                return moves.returned(conversation, call, node)
        return moves.home(conversation, self.flows[self.flows.home])

    def _given(self, conversation: Conversation, node: Call | Jump) -> Answers:
        answers = conversation.answers
        return {theirs: or_stranded(answers, ours) for theirs, ours in node.give.items()}

    # Effects.

    def effect(
        self, conversation: Conversation, kind: _Doing, secret: Masked | None = None
    ) -> Step:
        """Ask whoever runs the machine for the effect of the present node."""
        if conversation.hops >= STEPS_MAX:
            return self.sorry(conversation, "too many effects for one input")
        node = self.node(conversation)
        key = _key(conversation)
        acting = replace(
            conversation, state="acting", effect=key, hops=conversation.hops + 1, asking=""
        )
        effect = Effect(
            kind=kind,
            flow=conversation.flow,
            node=conversation.node,
            key=key,
            answers=conversation.answers,
            function=_function(node),
            commits=isinstance(node, Act) and node.commits,
            secret=secret,
        )
        return Step(acting, effect=effect)

    def checked(self, conversation: Conversation, node: Ask) -> Step:
        """On from an answer that could be read, by way of its check if it has one."""
        if node.check is None:
            return self.enter(moves.to(conversation, node.to))
        return self.effect(conversation, "check")

    # Screens.

    def show(self, conversation: Conversation, shown: tuple[Offered, ...]) -> Step:
        """Show the present node for the first time, with these options."""
        return self._showing(replace(conversation, shown=shown, page=0, asking="", hops=0))

    def listed(self, conversation: Conversation, node: Pick, choices: tuple[Offered, ...]) -> Step:
        """Show a `Pick` with what was found to choose from."""
        try:
            also = self.words.options(conversation, node)
        except Stranded:
            return self._instead(conversation, "common.updated")
        return self.show(conversation, (*choices, *also))

    def again(self, conversation: Conversation, notice: str) -> Step:
        """The same screen once more, with a line above it."""
        return self._showing(replace(conversation, notice=notice, page=0))

    def prompted(self, conversation: Conversation, shown: tuple[Offered, ...]) -> Step:
        """Ask whether to go on, with the place kept."""
        return self._showing(
            replace(conversation, asking="resume", shown=shown, notice="", page=0, hops=0)
        )

    def redisplayed(self, conversation: Conversation) -> Step:
        """The present screen as it is, counted as no turn."""
        try:
            return Step(conversation, self.words.screen(conversation))
        except Stranded:
            return self._instead(conversation, "common.updated")

    def asked_again(self, conversation: Conversation, notice: str, complaint: str = "") -> Step:
        """The answer to an `Ask` will not do: as if it had not been given."""
        before = moves.before(conversation)
        if before is None:
            return self.home(conversation, notice)
        step = self._showing(replace(before, notice=notice, hops=0))
        return Step(step.conversation, step.screen, complaint=complaint)

    def refreshed(self, conversation: Conversation, notice: str) -> Step:
        """What was shown is not to be had any more: the same node, shown afresh."""
        return self.enter(replace(moves.to(conversation, conversation.node), notice=notice))

    def turned(self, conversation: Conversation, page: int) -> Step:
        """Another page of the same screen."""
        return self._showing(replace(conversation, page=page))

    def _showing(self, conversation: Conversation) -> Step:
        shown = replace(
            conversation,
            turn=conversation.turn + 1,
            language=self.words.locale.language,
            state="live",
            effect=None,
        )
        try:
            shown = self.words.fitted(shown)
            screen = self.words.screen(shown)
        except Stranded:
            return self._instead(shown, "common.updated")
        last = screen.page == screen.pages - 1
        if last and not shown.asking and isinstance(self.node(shown), End):
            shown = replace(shown, state="ended")
        return Step(shown, screen)


def _key(conversation: Conversation) -> str:
    """The idempotency key of the present node's effect.

    It holds the turn in which the screen that led here was shown, so two answers to one screen have
    one key; and the calls that are open, so a flow called twice acts twice.
    """
    path = "".join(f"{frame.flow}.{frame.node}>" for frame in conversation.callers)
    return f"{conversation.id}:{conversation.turn}:{path}{conversation.flow}.{conversation.node}"


def _function(node: Node) -> Callable[..., Awaitable[Any]]:
    match node:
        case Fact() | Act():
            return node.run
        case Pick():
            return node.options
        case Secret():
            return node.check
        case Ask(check=check) if check is not None:
            return check
        case _:
            raise Stranded(node.name)
