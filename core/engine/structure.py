"""What must hold inside one flow before it may be imported.

What depends on where a flow may be entered (nodes reached, answers kept) is in
`core.engine.wiring`.
"""

from collections.abc import Iterator, Mapping
from typing import Protocol

from core.engine import graph
from core.engine.kinds import Kind
from core.engine.screens import (
    Act,
    Confirm,
    End,
    Fact,
    Jump,
    Menu,
    Node,
    Return,
    Secret,
)

RESERVED = frozenset({"0", "00", "98", "99"})
"""Navigation on every channel: no option may answer to these."""

_SECRET_DIGITS_MIN = 3


class Drawn(Protocol):
    """A flow as far as its structure goes."""

    @property
    def name(self) -> str: ...
    @property
    def screens(self) -> tuple[Node, ...]: ...
    @property
    def start(self) -> str: ...
    @property
    def takes(self) -> Mapping[str, Kind]: ...
    @property
    def renamed(self) -> Mapping[str, str]: ...


def faults(flow: Drawn) -> list[str]:
    """Everything that is wrong with the structure of `flow`, one line each."""
    if not flow.screens:
        return [f"{flow.name} has no screens"]
    found = [f"{flow.name}.{fault}" for fault in _naming(flow)]
    nodes = {node.name: node for node in flow.screens}
    for node in flow.screens:
        found += [f"{flow.name}.{node.name} {fault}" for fault in _of_node(node, nodes)]
    if flow.start not in nodes:
        return [*found, f"{flow.name} starts at {flow.start!r}, which is no screen"]
    found += [f"{flow.name}{fault}" for fault in _of_paths(nodes)]
    found += [f"{flow.name} {fault}" for fault in _of_answers(flow)]
    found += [f"{flow.name} {fault}" for fault in _of_renames(flow, nodes)]
    return found


def _naming(flow: Drawn) -> Iterator[str]:
    seen: set[str] = set()
    for node in flow.screens:
        if node.name in seen:
            yield f"{node.name} is there twice"
        if not node.name.isidentifier():
            yield f"{node.name} is not a plain name"
        seen.add(node.name)


def _of_node(node: Node, nodes: Mapping[str, Node]) -> Iterator[str]:
    for edge in graph.edges(node):
        if edge.to not in nodes:
            yield f"leads to {edge.to!r} ({edge.label}), which is no screen"
    yield from _of_options(node)
    match node:
        case Secret():
            yield from _of_secret(node)
            yield from _of_exits(node)
        case Fact() | Act():
            yield from _of_exits(node)
        case Confirm(yes=yes, no=no) if yes == no:
            yield "leads to the same screen for yes and no"
        case _:
            pass


def _of_options(node: Node) -> Iterator[str]:
    seen: set[str] = set()
    for option in graph.options_of(node):
        if option.key in seen:
            yield f"has option {option.key!r} twice"
        if option.key in RESERVED or RESERVED & set(option.keywords):
            yield f"has option {option.key!r}, which answers to a reserved key"
        seen.add(option.key)


def _of_secret(node: Secret) -> Iterator[str]:
    needed = ("wrong",) if node.choosing else ("wrong", "locked")
    for exit_ in needed:
        if exit_ not in node.exits:
            yield f"has no exit for {exit_!r}"
    least, most = node.digits
    if not _SECRET_DIGITS_MIN <= least <= most:
        yield f"takes {least} to {most} digits, where navigation keys have up to two"
    for exit_ in node.exits:
        if graph.exit_of(node, exit_).to == node.name and exit_ != "wrong":
            yield f"leads back to itself by {exit_!r}"


def _of_exits(node: Secret | Fact | Act) -> Iterator[str]:
    if not node.exits:
        yield "has no exits"
    for exit_ in node.bare:
        if exit_ not in node.exits:
            yield f"calls {exit_!r} bare, which is no exit of it"


def _of_paths(nodes: Mapping[str, Node]) -> Iterator[str]:
    following = {
        name: [edge.to for edge in graph.edges(node) if edge.to in nodes]
        for name, node in nodes.items()
    }
    for name in sorted(following.keys() - _leading_to_an_end(nodes, following)):
        yield f".{name} leads to no end"
    silent = {
        name: [edge.to for edge in graph.edges(node) if edge.silent] for name, node in nodes.items()
    }
    if loop := graph.cycle(silent):
        yield f" goes round without the customer: {' > '.join(loop)}"


def _leading_to_an_end(nodes: Mapping[str, Node], following: Mapping[str, list[str]]) -> set[str]:
    leading = {name for name, node in nodes.items() if _is_an_end(node)}
    while more := {
        name for name, after in following.items() if name not in leading and leading & set(after)
    }:
        leading |= more
    return leading


def _is_an_end(node: Node) -> bool:
    return isinstance(node, End | Return | Jump) or (isinstance(node, Menu) and not node.options)


def _of_answers(flow: Drawn) -> Iterator[str]:
    known: dict[str, Kind] = dict(flow.takes)
    for node in flow.screens:
        for name, kind in graph.kinds_given(node).items():
            first = known.setdefault(name, kind)
            if first.name != kind.name:
                yield f"keeps {name!r} as {first.name} and, at {node.name}, as {kind.name}"


def _of_renames(flow: Drawn, nodes: Mapping[str, Node]) -> Iterator[str]:
    for old, new in flow.renamed.items():
        if old in nodes:
            yield f"renames {old!r}, which is still there"
        if new not in nodes:
            yield f"renames {old!r} to {new!r}, which is no screen"
        elif isinstance(nodes[new], Secret | Act):
            yield f"renames {old!r} to {new!r}, where nobody may land"
