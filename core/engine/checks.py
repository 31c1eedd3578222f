"""What must hold of every flow, text and channel together before the program may start.

The structure of flows is checked when they are made (`BrokenFlow`). Here come the words: that each
exists in each language, names only what was surely kept, and fits every channel with the longest
values.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain

from msgspec import structs

from core.engine import graph
from core.engine.conversation import Conversation, Frame, Offered, Visited
from core.engine.flow import Flow, Flows
from core.engine.kinds import Locale
from core.engine.paging import Capability
from core.engine.screens import Ask, Call, Confirm, End, Jump, Menu, Pick, Return, Secret
from core.engine.words import Words
from core.kit import gsm7
from core.kit.errors import Problem
from core.kit.texts import Texts

ENGINE_TEXTS = (
    "common.yes",
    "common.no",
    "common.back",
    "common.home",
    "common.home_short",
    "common.more",
    "common.choose",
    "common.choose_short",
    "common.decide",
    "common.resume",
    "common.continue",
    "common.updated",
    "common.restart",
    "common.sorry",
    "common.no_shortcut",
    "common.no_command",
    "common.expired",
    "common.open_list",
    "common.unlock",
    "common.share_number",
    "secret.digits",
    "secret.digits_between",
    "secret.out_of_sight",
)
"""Texts that the engine itself shows."""

PAGES_MAX: Mapping[type, int] = {Ask: 1, Confirm: 1, Secret: 1, End: 2, Menu: 3, Pick: 4}
"""Pages that a screen may take with its longest values: who says yes must have seen all of it."""

_FACT = "N5,000,000"
_CHECKED = "M" * 40
"""A bound as a problem names it, and what the check of a question may say before it."""

_LISTED = tuple(Offered(str(place), "M" * 24) for place in range(10))
"""A long list, as a `Pick` may find it: rows of 24 letters are what chat channels allow."""


class Severity(StrEnum):
    ERROR = "error"  # the program must not start
    WARNING = "warning"  # somebody should look


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong, and where. `flow` and `node` are "" where it is everywhere."""

    severity: Severity
    flow: str
    node: str
    problem: str

    def __str__(self) -> str:
        place = ".".join(part for part in (self.flow, self.node) if part)
        return f"{self.severity}: {place + ': ' if place else ''}{self.problem}"


def check(
    flows: Flows, texts: Texts, capabilities: Sequence[Capability], locale: Locale
) -> list[Finding]:
    """Everything that is wrong. `locale` gives country and money; every language is checked."""
    found = [Finding(Severity.ERROR, "", "", fault) for fault in texts.faults()]
    found += _of_engine_texts(flows, texts)
    found += _of_lone_flows(flows)
    for flow in flows.all:
        missing = list(_missing(flow, texts))
        found += missing
        if missing:
            continue
        unkept = list(_of_words(flows, flow, texts))
        found += unkept
        if not unkept:
            found += _of_fit(flows, flow, texts, capabilities, locale)
    return found


def _error(flow: str, node: str, problem: str) -> Finding:
    return Finding(Severity.ERROR, flow, node, problem)


def _of_engine_texts(flows: Flows, texts: Texts) -> Iterator[Finding]:
    for key in (*ENGINE_TEXTS, *(each.bare for each in flows.shortcuts if each.bare)):
        if not texts.has(key):
            yield _error("", "", f"text {key!r} is missing")


def _of_lone_flows(flows: Flows) -> Iterator[Finding]:
    """Flows that neither the main menu, a shortcut nor a keyword leads to."""
    following = {
        flow.name: [node.flow for node in flow.screens if isinstance(node, Call | Jump)]
        for flow in flows.all
    }
    roots = chain(
        [flows.home, *filter(None, [flows.door])],
        (shortcut.flow for shortcut in flows.shortcuts),
        (flow.name for flow in flows.all if flow.keywords and not flow.takes),
    )
    reached = set[str]().union(*(graph.reached(root, following) for root in roots))
    for flow in flows.all:
        if flow.name not in reached:
            yield _error(flow.name, "", "nothing leads into this flow")
        elif _returns(flow) and flow.name not in set(chain.from_iterable(_called(flows))):
            yield _error(flow.name, "", "returns, but nothing calls it")


def _returns(flow: Flow) -> bool:
    return any(isinstance(node, Return) for node in flow.screens)


def _called(flows: Flows) -> Iterator[list[str]]:
    return ([n.flow for n in flow.screens if isinstance(n, Call)] for flow in flows.all)


# Words.


def _missing(flow: Flow, texts: Texts) -> Iterator[Finding]:
    if flow.menu and not texts.has(flow.menu):
        yield _error(flow.name, "", f"text {flow.menu!r} is missing")
    for node in flow.screens:
        for key in graph.text_keys(node):
            if not texts.has(key):
                yield _error(flow.name, node.name, f"text {key!r} is missing")
        for kind in graph.kinds_given(node).values():
            for code in kind.problems if isinstance(node, Ask) else ():
                if not texts.has(code):
                    yield _error(flow.name, node.name, f"text {code!r} is missing")


def _of_words(flows: Flows, flow: Flow, texts: Texts) -> Iterator[Finding]:
    """Every word shown was kept on every path, and may be shown."""
    kept, kinds = flows.kept(flow.name), flows.kinds(flow.name)
    for node in flow.screens:
        for key in dict.fromkeys(graph.text_keys(node)):
            for name in sorted(_names(texts, key)):
                if name not in kept.get(node.name, frozenset()):
                    how = "is never kept" if name not in kinds else "may not have been kept"
                    yield _error(flow.name, node.name, f"shows {{{name}}}, which {how}")
                elif not kinds[name].shown:
                    yield _error(flow.name, node.name, f"shows {{{name}}}, which is not to be seen")
        for link in graph.links_of(node):
            if link.answer not in kept.get(node.name, frozenset()):
                yield _error(flow.name, node.name, f"links to {link.answer!r}, which is not kept")


def _names(texts: Texts, key: str) -> frozenset[str]:
    keys = [each for each in (key, graph.in_chat(key)) if texts.has(each)]
    return frozenset().union(
        *(texts.placeholders(each, language) for each in keys for language in texts.languages)
    )


# Fit.


def _of_fit(
    flows: Flows, flow: Flow, texts: Texts, capabilities: Sequence[Capability], locale: Locale
) -> Iterator[Finding]:
    for language in texts.languages:
        for capability in capabilities:
            words = Words(flows, texts, replace(locale, language=language), capability)
            where = f"on {capability.name} in {language!r}"
            for node in flow.screens:
                if isinstance(node, graph.Shown):
                    for problem in _unfit(flow, node, words):
                        yield _error(flow.name, node.name, f"{problem} {where}")
                if isinstance(node, Secret):
                    for frame in _callers(flows, flow.name):
                        for problem in _unfit(flow, node, words, frame):
                            called = f"{problem} under {frame.flow}.{frame.node}"
                            yield _error(flow.name, node.name, f"{called} {where}")


def _callers(flows: Flows, called: str) -> Iterator[Frame]:
    """Who calls that flow, or one that calls it, and says what about; with the longest answers."""
    for flow in flows.all:
        for node in flow.screens:
            if isinstance(node, Call) and node.flow == called:
                if node.about:
                    kinds = flows.kinds(flow.name)
                    longest = {name: kind.longest for name, kind in kinds.items()}
                    yield Frame(flow.name, node.name, longest)
                yield from _callers(flows, flow.name)


def _unfit(
    flow: Flow, node: graph.Shown, words: Words, caller: Frame | None = None
) -> Iterator[str]:
    """What is wrong with the look of a node when every answer is the longest of its kind."""
    worst = _worst(flow, node, words)
    if caller is not None:
        worst = structs.replace(worst, callers=(caller,))
    pages = words.screen(worst).pages
    if pages > PAGES_MAX[type(node)]:
        yield f"takes {pages} pages"
    for page in range(pages):
        body = words.screen(structs.replace(worst, page=page)).body
        cost = words.capability.cost(body)
        if cost is None or cost > words.capability.text_max:
            yield f"page {page + 1} costs {cost}"
    yield from _unfit_with_notices(worst, node, words)
    own, *labels = (words.filled(worst, key) for key in graph.text_keys(node))
    for label in labels:
        if len(label) > words.capability.label_max:
            yield f"label {label!r} is cut"
    if words.capability.plain:
        for text in (own, *labels):
            if foreign := gsm7.foreign(text):
                yield f"holds {foreign!r}, which becomes {gsm7.plain(foreign)!r}"


def _unfit_with_notices(worst: Conversation, node: graph.Shown, words: Words) -> Iterator[str]:
    plain = words.screen(worst)
    for notice in _notices(node, words):
        noticed = words.screen(words.fitted(structs.replace(worst, notice=notice)))
        if noticed.pages > plain.pages or noticed.last < plain.last:
            yield f"does not fit with {notice!r} above it"


def _notices(node: graph.Shown, words: Words) -> Iterator[str]:
    """The lines that an answer which will not do brings above the same screen."""
    match node:
        case Menu() | Pick() | Confirm():
            yield from words.slight
        case Ask():
            for code in node.kind.problems:
                names = words.texts.placeholders(code)
                yield words.problem(Problem(code, **dict.fromkeys(names, _FACT)))
            if node.check is not None:
                yield _CHECKED
        case Secret():
            yield words.digits_wanted(*node.digits)
            if words.out_of_sight(node):
                yield words.say("secret.out_of_sight")
        case End():
            return


def _worst(flow: Flow, node: graph.Shown, words: Words) -> Conversation:
    kinds = words.flows.kinds(flow.name)
    longest = Conversation(
        id="check",
        flow=flow.name,
        node=node.name,
        origin=node.name,
        language=words.locale.language,
        answers={name: kind.longest for name, kind in kinds.items()},
        back=(Visited(flow.start, flow.start),) if node.name != flow.start else (),
    )
    shown = words.options(longest, node)
    if isinstance(node, Pick):
        shown = (*_LISTED, *shown)
    return structs.replace(longest, shown=shown)
