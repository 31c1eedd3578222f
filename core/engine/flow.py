"""A flow, its nodes in reading order; and all flows together. Both are checked when imported."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from core.engine import graph, structure, wiring
from core.engine.kinds import Kind, Scalar, named
from core.engine.screens import Ask, Call, Node


class BrokenFlow(Exception):
    """A flow that could strand a customer. Lists every fault; raised at import, never later."""

    def __init__(self, faults: Iterable[str]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(self.faults))


@dataclass(frozen=True)
class Flow:
    """A conversation, from its first screen to its endings.

    Constructing one checks all that it can know alone; `Flows` checks the rest.

    Attributes:
        start: The node where it begins; the first one unless named.
        menu: The text of its line in a menu, or None when no menu lists it.
        takes: Answers that whoever enters it must bring.
        renamed: Nodes of earlier releases, as {old name: present name}.
        keywords: Words by which a customer at the main menu may enter it.

    Raises:
        BrokenFlow: on construction.
    """

    name: str
    screens: tuple[Node, ...]
    start: str = ""
    menu: str | None = None
    takes: Mapping[str, Kind] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    keywords: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.start and self.screens:
            object.__setattr__(self, "start", self.screens[0].name)
        if faults := structure.faults(self):
            raise BrokenFlow(faults)

    @cached_property
    def nodes(self) -> dict[str, Node]:
        return {node.name: node for node in self.screens}

    @cached_property
    def ways(self) -> dict[str, tuple[graph.Edge, ...]]:
        """The edges out of each node."""
        return {node.name: graph.edges(node) for node in self.screens}

    @cached_property
    def kinds(self) -> dict[str, Kind]:
        """What its own nodes keep; answers that called flows give are known to `Flows` alone."""
        known: dict[str, Kind] = dict(self.takes)
        for node in self.screens:
            known.update(graph.kinds_given(node))
        for name, values in self._constants().items():
            known.setdefault(name, named(name, {str(value): str(value) for value in values}))
        return known

    def asked_at(self, answer: str) -> Ask | None:
        """The first question that keeps that answer."""
        return next(
            (node for node in self.screens if isinstance(node, Ask) and node.keep == answer), None
        )

    def _constants(self) -> dict[str, list[Scalar]]:
        constants: dict[str, list[Scalar]] = {}
        for node in self.screens:
            for option in graph.options_of(node):
                for name, value in option.keep.items():
                    constants.setdefault(name, []).append(value)
        return constants


@dataclass(frozen=True)
class Shortcut:
    """A code dialled in one go: `*347*100*1*500#` enters `flow` at `node` with the amount given.

    The digits of the menus come first: a code is the digit of its flow there, or one that the main
    menu has not. A name, by which chat commands and links enter, stays whatever the menus become.
    Neither ever passes over a `Confirm` or a `Secret` that the flow has before something
    is committed.

    Attributes:
        code: Digits, or "" for one that cannot be dialled.
        name: A plain word: `balance`, or "" for one that can only be dialled.
        args: Answers dialled after the code, in this order, read by their kinds.
        optional: Further ones that may be left out.
        keep: Answers that the code itself gives.
        otherwise: Where to go when an argument is missing or cannot be read, as {answer: node};
            by default the question that keeps it.
        bare: Its only argument, written alone at the main menu, enters as well, with this text
            above what comes of it; "" where it does not.
    """

    code: str
    flow: str
    node: str
    name: str = ""
    args: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    keep: Mapping[str, Scalar] = field(default_factory=dict)
    otherwise: Mapping[str, str] = field(default_factory=dict)
    bare: str = ""


class Flows:
    """Every flow of the product, checked against each other.

    Raises:
        BrokenFlow: on construction, with every fault.
    """

    def __init__(
        self,
        flows: Iterable[Flow],
        *,
        home: str,
        shortcuts: Iterable[Shortcut] = (),
        renamed: Mapping[str, str] | None = None,
        door: str = "",
    ) -> None:
        """All of them.

        Args:
            flows: In menu order.
            home: Names the main menu.
            shortcuts: Ways into them past the menu.
            renamed: Maps flows of earlier releases to present ones.
            door: Names the flow for people whose number nobody vouches for; they meet no other.
        """
        self.all = tuple(flows)
        self.home = home
        self.door = door
        self.shortcuts = tuple(shortcuts)
        self.renamed = dict(renamed or {})
        self.by_name = {flow.name: flow for flow in self.all}
        self._shortcuts = {
            word: shortcut
            for shortcut in self.shortcuts
            for word in (shortcut.code, shortcut.name)
            if word
        }
        if faults := wiring.faults(self):
            raise BrokenFlow(faults)
        self._kinds: dict[str, dict[str, Kind]] = {}

    def shortcut(self, word: str) -> Shortcut | None:
        """The one of that code or name."""
        return self._shortcuts.get(word.casefold())

    def __getitem__(self, name: str) -> Flow:
        return self.by_name[name]

    def __contains__(self, name: object) -> bool:
        return name in self.by_name

    def kinds(self, flow: str) -> dict[str, Kind]:
        """What each answer of that flow is, those given by flows it calls included."""
        if flow not in self._kinds:
            known = dict(self.by_name[flow].kinds)
            for node in self.by_name[flow].screens:
                if isinstance(node, Call):
                    given = self.kinds(node.flow)
                    known.update({ours: given[theirs] for theirs, ours in node.keep.items()})
            self._kinds[flow] = known
        return self._kinds[flow]

    def kept(self, flow: str) -> dict[str, frozenset[str]]:
        """What is surely kept at each node of that flow, on every path to it."""
        return wiring.kept(self, self.by_name[flow])
