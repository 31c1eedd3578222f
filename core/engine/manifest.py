"""What running conversations hold on to: the names of nodes and the kinds of answers.

A release writes its manifest; the next one is compared with it before it goes out. A conversation
that stands at a node which the new release neither has nor renames would lose its place.
"""

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import msgspec

from core.engine.checks import Finding, Severity
from core.engine.flow import Flow, Flows

Manifest: TypeAlias = dict[str, Any]
"""Plain JSON: `fingerprint`, `renamed`, and `flows` by name with `nodes`, `answers`, `renamed`."""


def manifest(flows: Flows) -> Manifest:
    """The names and kinds of these flows. The same flows give the same fingerprint."""
    body: Manifest = {
        "renamed": dict(flows.renamed),
        "flows": {flow.name: _of_flow(flows, flow) for flow in flows.all},
    }
    encoded = msgspec.json.encode(body, order="sorted")
    return {"fingerprint": hashlib.sha256(encoded).hexdigest()[:16], **body}


def _of_flow(flows: Flows, flow: Flow) -> Manifest:
    return {
        "nodes": {node.name: type(node).__name__ for node in flow.screens},
        "answers": {name: kind.name for name, kind in flows.kinds(flow.name).items()},
        "renamed": dict(flow.renamed),
    }


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Finding]:
    """What the new release would do to conversations of the old one."""
    if old.get("fingerprint") == new.get("fingerprint"):
        return []
    return [
        finding
        for name, before in old["flows"].items()
        for finding in _of_change(name, before, _successor(name, new))
    ]


def _successor(name: str, new: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found: Mapping[str, Any] | None = new["flows"].get(new["renamed"].get(name, name))
    return found


def _of_change(
    name: str, before: Mapping[str, Any], after: Mapping[str, Any] | None
) -> Iterator[Finding]:
    if after is None:
        yield Finding(Severity.ERROR, name, "", "is gone and not renamed")
        return
    for node, what in before["nodes"].items():
        present = node if node in after["nodes"] else after["renamed"].get(node)
        if present not in after["nodes"]:
            yield Finding(Severity.ERROR, name, node, "is gone and not renamed")
        elif after["nodes"][present] != what:
            became = after["nodes"][present]
            yield Finding(Severity.WARNING, name, node, f"was {what} and is {became}")
    for answer, kind in before["answers"].items():
        present = after["answers"].get(answer, kind)
        if present != kind:
            problem = f"answer {answer!r} was {kind} and is {present}: keep it under a new name"
            yield Finding(Severity.ERROR, name, "", problem)
