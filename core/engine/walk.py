"""One walk through the flows: from where an input or an outcome leads, on to a screen or an effect.

A `Walk` belongs to one step: it knows whose words and which channel. It never fails: where there is
no way on, it goes to the main menu with a word of apology, and where that fails too, it ends.
"""

from collections.abc import Mapping
from typing import Literal, TypeVar

from msgspec.structs import replace

from core.engine import display, graph, moves, paging
from core.engine.conversation import Answers, Conversation, Offered
from core.engine.flow import Flow, Flows
from core.engine.kinds import Kind, Locale, Scalar
from core.engine.outcomes import Masked
from core.engine.paging import Capability, NavWords, Pieces
from core.engine.screens import (
    Act,
    Ask,
    Call,
    Confirm,
    End,
    Fact,
    Jump,
    Menu,
    Node,
    Option,
    Pick,
    Return,
    Secret,
)
from core.engine.step import Effect, Step
from core.kit import money
from core.kit.errors import Problem
from core.kit.texts import MissingText, Texts

STEPS_MAX = 25
"""Nodes passed, and effects run, for one input."""

_Doing = Literal["options", "check", "secret", "fact", "act"]
_Given = TypeVar("_Given")


class Stranded(Exception):
    """The conversation lacks an answer that this release needs here."""


class Walk:
    """The machine, seen from one step of one conversation."""

    __slots__ = ("capability", "flows", "locale", "texts")

    def __init__(self, flows: Flows, texts: Texts, locale: Locale, capability: Capability) -> None:
        self.flows = flows
        self.texts = texts
        self.locale = locale
        self.capability = capability

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
                        return self.show(conversation, self._fixed(conversation, node))
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
        return Step(ended, self.screen(ended), complaint=complaint)

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
        return self.home(conversation, self.say(notice))

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
        return {theirs: _or_stranded(answers, ours) for theirs, ours in node.give.items()}

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

    # Screens.

    def show(self, conversation: Conversation, shown: tuple[Offered, ...]) -> Step:
        """Show the present node for the first time, with these options."""
        return self._showing(replace(conversation, shown=shown, page=0, asking="", hops=0))

    def again(self, conversation: Conversation, notice: str) -> Step:
        """The same screen once more, with a line above it."""
        return self._showing(replace(conversation, notice=notice, page=0))

    def turned(self, conversation: Conversation, page: int) -> Step:
        """Another page of the same screen."""
        return self._showing(replace(conversation, page=page))

    def _showing(self, conversation: Conversation) -> Step:
        shown = replace(
            conversation,
            turn=conversation.turn + 1,
            language=self.locale.language,
            state="live",
            effect=None,
        )
        try:
            screen = self.screen(shown)
        except Stranded:
            return self._instead(shown, "common.updated")
        last = screen.page == screen.pages - 1
        if last and not shown.asking and isinstance(self.node(shown), End):
            shown = replace(shown, state="ended")
        return Step(shown, screen)

    def screen(self, conversation: Conversation) -> display.Screen:
        """The screen that the conversation is at, as often as it is asked for.

        Raises:
            Stranded: a text there needs an answer that was never kept.
        """
        node = self.node(conversation)
        ending = conversation.asking == "sorry" or (
            not conversation.asking and isinstance(node, End)
        )
        text = self._text(conversation, node)
        root = self.at_root(conversation)
        in_session = self.capability.sessions
        plain_nav = not ending and not root and conversation.asking != "resume"
        home = plain_nav or (ending and not in_session)
        pieces = Pieces(
            notice=conversation.notice,
            text=text,
            labels=tuple(offered.label for offered in conversation.shown),
            words=self._nav_words(),
            back=plain_nav,
            home=home,
            ends=ending and in_session,
        )
        pages = paging.render(pieces, self.capability)
        page = min(conversation.page, len(pages) - 1)
        last = page == len(pages) - 1
        secret = not conversation.asking and isinstance(node, Secret)
        return display.Screen(
            key=f"{conversation.flow}.{conversation.asking or conversation.node}",
            turn=conversation.turn,
            text=text,
            options=tuple(
                display.Line(number, offered.key, offered.label, offered.hint)
                for number, offered in enumerate(conversation.shown, start=1)
            ),
            nav=display.Nav(back=plain_nav or page > 0, home=home, more=not last),
            notice=conversation.notice,
            secret=secret,
            ends=ending and in_session and last,
            input=_entry(node, conversation, ending=ending),
            page=page,
            pages=len(pages),
            body=pages[page],
        )

    def at_root(self, conversation: Conversation) -> bool:
        """At the main menu's own first screen, which nothing lies behind."""
        return (
            conversation.flow == self.flows.home
            and not conversation.back
            and not conversation.callers
        )

    def offered(self, conversation: Conversation, option: Option) -> Offered:
        """A fixed option, as it is shown now."""
        label = paging.label(self._filled(conversation, option.text), self.capability)
        return Offered(option.key, label, keep=dict(option.keep), fixed=True)

    def say(self, key: str) -> str:
        """A text of the engine's own."""
        return self.texts.get(self.locale.language, key)

    def problem(self, problem: Problem) -> str:
        """What the customer is told of a problem; an apology where the catalogue is silent."""
        facts = {name: _in_words(fact) for name, fact in problem.facts.items()}
        try:
            return self.texts.fill(self.locale.language, problem.code, facts)
        except MissingText:
            return self.say("common.sorry")

    def kinds(self, conversation: Conversation) -> Mapping[str, Kind]:
        return self.flows.kinds(conversation.flow)

    def _fixed(self, conversation: Conversation, node: Node) -> tuple[Offered, ...]:
        if isinstance(node, Confirm):
            yes = paging.label(self._filled(conversation, node.yes_text), self.capability)
            no = paging.label(self._filled(conversation, node.no_text), self.capability)
            return (Offered("yes", yes, fixed=True), Offered("no", no, fixed=True))
        return tuple(self.offered(conversation, option) for option in graph.options_of(node))

    def _text(self, conversation: Conversation, node: Node) -> str:
        match conversation.asking:
            case "sorry":
                return self.say("common.sorry")
            case "resume":
                return self.say("common.resume")
            case _:
                return self._filled(conversation, graph.text_keys(node)[0])

    def _filled(self, conversation: Conversation, key: str) -> str:
        names = self.texts.placeholders(key, self.locale.language)
        if not names:
            return self.say(key)
        kinds, answers = self.kinds(conversation), conversation.answers
        facts = {
            name: _or_stranded(kinds, name).show(_or_stranded(answers, name), self.locale)
            for name in names
        }
        return self.texts.fill(self.locale.language, key, facts)

    def _nav_words(self) -> NavWords:
        return NavWords(
            back=self.say("common.back"),
            home=self.say("common.home"),
            home_short=self.say("common.home_short"),
            more=self.say("common.more"),
        )


def _key(conversation: Conversation) -> str:
    """The idempotency key of the present node's effect.

    It holds the turn in which the screen that led here was shown, so two answers to one screen have
    one key; and the calls that are open, so a flow called twice acts twice.
    """
    path = "".join(f"{frame.flow}.{frame.node}>" for frame in conversation.callers)
    return f"{conversation.id}:{conversation.turn}:{path}{conversation.flow}.{conversation.node}"


def _function(node: Node) -> object:
    match node:
        case Fact() | Act():
            return node.run
        case Pick():
            return node.options
        case Ask() | Secret():
            return node.check
        case _:
            return None


def _entry(node: Node, conversation: Conversation, *, ending: bool) -> display.Entry:
    if ending:
        return "none"
    if conversation.asking or isinstance(node, Menu | Pick | Confirm):
        return "choice" if conversation.shown else "none"
    return "digits" if isinstance(node, Secret) else "text"


def _or_stranded(known: Mapping[str, _Given], name: str) -> _Given:
    try:
        return known[name]
    except KeyError:
        raise Stranded(name) from None


def _in_words(fact: object) -> object:
    return money.show(fact) if isinstance(fact, money.Money) else fact


def scalars(facts: Mapping[str, object]) -> dict[str, Scalar]:
    """Those facts of a problem that can be kept as answers."""
    return {
        name: fact for name, fact in facts.items() if fact is None or isinstance(fact, str | int)
    }
