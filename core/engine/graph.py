"""What a node says of itself without running: its edges, its texts, the answers it gives."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from core.engine.kinds import Kind
from core.engine.screens import (
    Act,
    Ask,
    Call,
    Confirm,
    End,
    Exit,
    Fact,
    Jump,
    Link,
    Menu,
    Node,
    Option,
    Pick,
    Return,
    Secret,
)

Shown: TypeAlias = Menu | Pick | Ask | Confirm | Secret | End
"""The nodes that a customer sees."""

REFUSALS = ("wrong", "locked")
"""Exits of a `Secret` by which nothing was proven."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One way out of a node.

    Attributes:
        keeps: Answers that are certainly kept on this way.
        silent: Taken without the customer saying anything.
    """

    to: str
    label: str
    keeps: frozenset[str] = frozenset()
    silent: bool = False


def edges(node: Node) -> tuple[Edge, ...]:
    """Every way out of `node` to another node of its flow."""
    return tuple(_edges(node))


def _edges(node: Node) -> Iterator[Edge]:
    match node:
        case Menu():
            yield from _option_edges(node.options)
        case Pick():
            yield Edge(node.to, "chosen", frozenset({node.keep, *node.keeps}))
            yield from _option_edges(node.also)
            yield Edge(node.empty, "nothing to choose", silent=True)
        case Ask():
            yield Edge(node.to, "answered", frozenset({node.keep}))
            if node.contact:
                yield Edge(node.contact, "shared", frozenset({node.keep}))
        case Confirm():
            yield Edge(node.yes, "yes")
            yield Edge(node.no, "no")
        case Secret() | Fact() | Act():
            yield from _exit_edges(node)
        case Call():
            yield Edge(node.to, "returned", frozenset(node.keep.values()))
            for exit_, to in node.exits.items():
                yield Edge(to, exit_)
        case Return() | Jump() | End():
            return
        case _:
            assert_never(node)


def _option_edges(options: Iterable[Option]) -> Iterator[Edge]:
    for option in options:
        yield Edge(option.to, option.key, frozenset(option.keep))


def _exit_edges(node: Secret | Fact | Act) -> Iterator[Edge]:
    silent = not isinstance(node, Secret)
    for name in node.exits:
        yield Edge(exit_of(node, name).to, name, promised(node, name), silent)
    if isinstance(node, Act):
        yield Edge(node.pending, "pending", silent=True)
    if isinstance(node, Fact | Act) and node.fault is not None:
        yield Edge(node.fault, "fault", silent=True)


def exit_of(node: Secret | Fact | Act, name: str) -> Exit:
    """That exit in its long form. Raises KeyError."""
    found = node.exits[name]
    return Exit(found) if isinstance(found, str) else found


def promised(node: Secret | Fact | Act, name: str) -> frozenset[str]:
    """The answers that leaving by the exit `name` must give."""
    own = frozenset(exit_of(node, name).keeps)
    refusal = isinstance(node, Secret) and name in REFUSALS
    if refusal or "." in name or name in node.bare:
        return own
    return own | frozenset(node.keeps)


def text_keys(node: Node) -> tuple[str, ...]:
    """The texts that the node shows, its own first and then those of its options."""
    match node:
        case Menu():
            options = (option.text for option in node.options)
            return (node.text, *options, *(link.text for link in node.links))
        case Pick():
            return (node.text, *(option.text for option in node.also))
        case Confirm():
            return (node.text, node.yes_text, node.no_text)
        case End():
            return (node.text, *(link.text for link in node.links))
        case Ask() | Secret():
            return (node.text,)
        case Call(about=about) if about:
            return (about,)
        case _:
            return ()


def in_chat(key: str) -> str:
    """The variant of a text that chats show, where there is one."""
    return f"{key}.chat"


def kinds_given(node: Node) -> Mapping[str, Kind]:
    """The answers that the node gives and what each is."""
    match node:
        case Ask():
            return {node.keep: node.kind}
        case Pick():
            return {node.keep: node.kind, **node.keeps}
        case Secret() | Fact() | Act():
            own = [exit_of(node, name).keeps for name in node.exits]
            return {name: kind for keeps in (node.keeps, *own) for name, kind in keeps.items()}
        case _:
            return {}


def options_of(node: Node) -> tuple[Option, ...]:
    """The fixed options of the node."""
    match node:
        case Menu():
            return node.options
        case Pick():
            return node.also
        case _:
            return ()


def links_of(node: Node) -> tuple[Link, ...]:
    """Where the node leads besides."""
    return node.links if isinstance(node, Menu | End) else ()


def reached(start: str, following: Mapping[str, Iterable[str]]) -> set[str]:
    """Every node that can be reached from `start`, itself included."""
    seen: set[str] = set()
    todo = [start]
    while todo:
        name = todo.pop()
        if name not in seen and name in following:
            seen.add(name)
            todo.extend(following[name])
    return seen


def cycle(following: Mapping[str, Iterable[str]]) -> list[str]:
    """The nodes of one cycle in this graph, in order, or nothing."""
    done: set[str] = set()
    for name in following:
        if found := _cycle_from(name, following, done, []):
            return found
    return []


def _cycle_from(
    name: str, following: Mapping[str, Iterable[str]], done: set[str], path: list[str]
) -> list[str]:
    if name in path:
        return path[path.index(name) :]
    if name in done or name not in following:
        return []
    for after in following[name]:
        if found := _cycle_from(after, following, done, [*path, name]):
            return found
    done.add(name)
    return []


def surely_kept(
    entries: Iterable[tuple[str, frozenset[str]]], ways: Mapping[str, tuple[Edge, ...]]
) -> dict[str, frozenset[str]]:
    """What is kept at each node on every path to it.

    `entries` are the nodes where a conversation may begin, with what it brings along. A node that
    nothing reaches is not in the answer.
    """
    kept: dict[str, frozenset[str]] = {}
    todo = list(entries)
    while todo:
        name, brought = todo.pop()
        if name not in ways:
            continue
        known = kept.get(name)
        now = brought if known is None else known & brought
        if now == known:
            continue
        kept[name] = now
        todo.extend((edge.to, now | edge.keeps) for edge in ways[name])
    return kept
