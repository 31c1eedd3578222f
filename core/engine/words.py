"""Putting a conversation in words: its screen in a language, laid out for a channel."""

import contextlib
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import TypeVar

from msgspec.structs import replace

from core.domain import display
from core.domain.display import NavWords
from core.engine import graph, paging
from core.engine.conversation import Conversation, Offered
from core.engine.flow import Flows
from core.engine.kinds import Locale, Scalar
from core.engine.paging import Capability, Pieces
from core.engine.screens import Ask, Call, Confirm, End, Menu, Node, Pick, Secret
from core.kit import money
from core.kit.errors import Problem
from core.kit.texts import MissingText, Texts

_Given = TypeVar("_Given")


class Stranded(Exception):
    """The conversation lacks an answer that this release needs here."""


class Words:
    """What is said, to everybody of one locale on one channel. What never varies is kept."""

    def __init__(self, flows: Flows, texts: Texts, locale: Locale, capability: Capability) -> None:
        self.flows = flows
        self.texts = texts
        self.locale = locale
        self.capability = capability
        self._constant: dict[tuple[str, str], tuple[Offered, ...]] = {}

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

    def digits_wanted(self, least: int, most: int) -> str:
        """What is said of a secret that has fewer digits or more."""
        if least == most:
            return self.problem(Problem("secret.digits", count=least))
        return self.problem(Problem("secret.digits_between", min=least, max=most))

    def options(self, conversation: Conversation, node: Node) -> tuple[Offered, ...]:
        """The fixed options of a node, as they are shown now. Raises `Stranded`."""
        place = (conversation.flow, node.name)
        if (constant := self._constant.get(place)) is not None:
            return constant
        options = tuple(self._options(conversation, node))
        if not any(self._names(key) for key in graph.text_keys(node)[1:]):
            self._constant[place] = options
        return options

    def screen(self, conversation: Conversation) -> display.Screen:
        """The screen that the conversation is at, as often as it is asked for.

        Raises:
            Stranded: a text there needs an answer that was never kept.
        """
        node = self.flows[conversation.flow].nodes[conversation.node]
        ending = conversation.asking == "sorry" or (
            not conversation.asking and isinstance(node, End)
        )
        text = self._text(conversation, node)
        root = self._at_root(conversation)
        in_session = self.capability.sessions
        plain_nav = not ending and not root and conversation.asking != "resume"
        home = plain_nav or (ending and not in_session)
        pieces = Pieces(
            notice=conversation.notice,
            text=text,
            labels=tuple(offered.label for offered in conversation.shown),
            words=self._nav_words,
            back=plain_nav,
            home=home,
            ends=ending and in_session,
        )
        pages = paging.render(pieces, self.capability)
        page = min(conversation.page, len(pages) - 1)
        shown = pages[page]
        last = page == len(pages) - 1
        secret = None if conversation.asking or not isinstance(node, Secret) else node
        return display.Screen(
            key=f"{conversation.flow}.{conversation.asking or conversation.node}",
            talk=conversation.id,
            turn=conversation.turn,
            text=text,
            offered=conversation.shown,
            first=shown.first,
            last=shown.last,
            nav=display.Nav(back=plain_nav or page > 0, home=home, more=not last),
            nav_words=self._nav_words,
            notice=conversation.notice,
            secret=secret is not None and not secret.once,
            out_of_sight=secret is not None and self.out_of_sight(secret),
            receipt=_receipt(conversation, node),
            ends=ending and in_session and last,
            input=_entry(node, conversation, ending=ending),
            page=page,
            pages=len(pages),
            body=shown.body,
            page_text=shown.words,
            digits=(0, 0) if secret is None else secret.digits,
            links=() if in_session else tuple(self._links(conversation, node)),
            tells=node.tells if isinstance(node, End) else display.Tells.DONE,
        )

    def fitted(self, conversation: Conversation) -> Conversation:
        """With the line above the screen short, or without it, where it costs more than it says.

        That is where an option would leave the first page for a line that tells nothing new. What
        was bought, what will not do and what has changed is always told.
        """
        if conversation.notice not in self._slight:
            return conversation
        alone = replace(conversation, notice="")
        plain = self.screen(alone)
        for notice in (conversation.notice, self._slight[conversation.notice]):
            noticed = replace(conversation, notice=notice)
            screen = self.screen(noticed)
            if (screen.pages, -screen.last) <= (plain.pages, -plain.last):
                return noticed
        return alone

    @cached_property
    def _slight(self) -> dict[str, str]:
        """Lines that a screen can do without, each with a short one to stand for it."""
        short = self.say("common.choose_short")
        lines = {self.say("common.choose"): short, self.say("common.decide"): short}
        lines[self.say("common.no_shortcut")] = ""
        return lines | {self.say(each.bare): "" for each in self.flows.shortcuts if each.bare}

    @property
    def slight(self) -> tuple[str, ...]:
        return tuple(self._slight)

    def out_of_sight(self, secret: Secret) -> bool:
        """It must not be typed on this channel."""
        return not (self.capability.typed_secrets or secret.once)

    def _at_root(self, conversation: Conversation) -> bool:
        """At the main menu's own first screen, which nothing lies behind."""
        return (
            conversation.flow in (self.flows.home, self.flows.door)
            and not conversation.back
            and not conversation.callers
        )

    def _options(self, conversation: Conversation, node: Node) -> Iterator[Offered]:
        if isinstance(node, Confirm):
            yield Offered("yes", self._label(conversation, node.yes_text), fixed=True)
            yield Offered("no", self._label(conversation, node.no_text), fixed=True)
        for option in graph.options_of(node):
            label = self._label(conversation, option.text)
            yield Offered(option.key, label, keep=dict(option.keep), fixed=True)

    def _links(self, conversation: Conversation, node: Node) -> Iterator[display.Link]:
        if conversation.asking:
            return
        for link in graph.links_of(node):
            target = str(or_stranded(conversation.answers, link.answer) or "")
            if target:
                yield display.Link(self._label(conversation, link.text), target, link.inline)

    def _label(self, conversation: Conversation, key: str) -> str:
        return paging.label(self.filled(conversation, key), self.capability)

    def _text(self, conversation: Conversation, node: Node) -> str:
        match conversation.asking:
            case "sorry":
                return self.say("common.sorry")
            case "resume":
                return self.say("common.resume")
            case _:
                own = self.filled(conversation, graph.text_keys(node)[0])
                about = self._about(conversation, node) if isinstance(node, Secret) else ""
                return f"{about}\n{own}" if about else own

    def _about(self, conversation: Conversation, secret: Secret) -> str:
        """What the secret is asked for, in the words of whoever called for it.

        Who makes one up has longer questions to read: there it makes room for what was wrong.
        """
        if secret.choosing and conversation.notice:
            return ""
        for frame in reversed(conversation.callers):
            call = self.flows[frame.flow].nodes[frame.node]
            if isinstance(call, Call) and call.about:
                caller = replace(conversation, flow=frame.flow, answers=frame.answers)
                with contextlib.suppress(Stranded):  # begun by an earlier release
                    return self.filled(caller, call.about)
        return ""

    def filled(self, conversation: Conversation, key: str) -> str:
        """A text of the flow, with its answers as their kinds show them. Raises `Stranded`.

        Where the text has a variant for chats, `<key>.chat`, that is what a chat shows.
        """
        key = self._here(key)
        names = self._names(key)
        if not names:
            return self.say(key)
        kinds, answers = self.flows.kinds(conversation.flow), conversation.answers
        try:
            facts = {
                name: or_stranded(kinds, name).show(or_stranded(answers, name), self.locale)
                for name in names
            }
        except (TypeError, ValueError) as error:  # kept as another kind by an earlier release
            raise Stranded(key) from error
        return self.texts.fill(self.locale.language, key, facts)

    def _names(self, key: str) -> frozenset[str]:
        """What the text names, in this language."""
        return self.texts.placeholders(self._here(key), self.locale.language)

    def _here(self, key: str) -> str:
        """The text as this channel says it."""
        in_chat = graph.in_chat(key)
        return in_chat if not self.capability.sessions and self.texts.has(in_chat) else key

    @cached_property
    def _nav_words(self) -> NavWords:
        return NavWords(
            back=self.say("common.back"),
            home=self.say("common.home"),
            home_short=self.say("common.home_short"),
            more=self.say("common.more"),
            choose=self.say("common.open_list"),
            unlock=self.say("common.unlock"),
            share=self.say("common.share_number"),
        )


def _entry(node: Node, conversation: Conversation, *, ending: bool) -> display.Entry:
    if ending:
        return "none"
    if conversation.asking or isinstance(node, Menu | Pick | Confirm):
        return "choice" if conversation.shown else "none"
    if isinstance(node, Secret):
        return "digits"
    return "contact" if isinstance(node, Ask) and node.contact else "text"


def _receipt(conversation: Conversation, node: Node) -> str:
    if conversation.asking or not isinstance(node, End) or not node.receipt:
        return ""
    return str(conversation.answers.get(node.receipt, ""))


def or_stranded(known: Mapping[str, _Given], name: str) -> _Given:
    try:
        return known[name]
    except KeyError:
        raise Stranded(name) from None


def _in_words(fact: object) -> object:
    return money.show(fact) if isinstance(fact, money.Money) else fact


def scalars(facts: Mapping[str, object]) -> dict[str, Scalar]:
    """Those facts of a problem that can be kept as answers; money as its minor units."""
    plain = {
        name: fact.minor if isinstance(fact, money.Money) else fact for name, fact in facts.items()
    }
    return {
        name: fact for name, fact in plain.items() if fact is None or isinstance(fact, str | int)
    }
