"""Placing a directed graph in layers, for drawing.

The steps are Sugiyama's: turn back edges around, give each node a layer below all that lead to it,
break long edges up so that they keep clear of nodes, order each layer by the middle of its
neighbours, then let every node settle near them. Deterministic.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_SWEEPS = 16
_SETTLING = 24


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something is: `layer` from the top, `x` in the unit of the widths, at its middle."""

    layer: int
    x: float


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the nodes are, and the spots that each edge runs through, in its direction."""

    nodes: Mapping[str, Spot]
    lines: Mapping[tuple[str, str], Sequence[Spot]]
    width: float
    layers: int


def layered(
    names: Sequence[str], edges: Iterable[tuple[str, str]], *, width: float, lane: float
) -> Layout:
    """Lay out nodes of that `width`, gap included; `lane` is the room that a passing line gets."""
    wanted = [edge for edge in dict.fromkeys(edges) if edge[0] != edge[1]]
    turned = _back_edges(names, wanted)
    downward = {(b, a) if (a, b) in turned else (a, b) for a, b in wanted}
    layer = _layers(names, sorted(downward, key=lambda edge: _place(names, edge)))
    chains = {edge: _chain(edge, layer) for edge in sorted(downward)}
    rows = _rows(names, chains, layer)
    links = [pair for chain in chains.values() for pair in pairwise(chain)]
    up, down = _neighbours(links)
    rows = _ordered(rows, up, down)
    xs = _settled(rows, up, down, dict.fromkeys(names, width), lane)
    left = min(xs.values())
    spots = {name: Spot(depth, xs[name] - left) for depth, row in enumerate(rows) for name in row}
    lines = {}
    for a, b in wanted:
        chain = chains[(b, a)][::-1] if (a, b) in turned else chains[(a, b)]
        lines[(a, b)] = [spots[name] for name in chain]
    return Layout({name: spots[name] for name in names}, lines, max(xs.values()) - left, len(rows))


def _place(names: Sequence[str], edge: tuple[str, str]) -> tuple[int, int]:
    return names.index(edge[0]), names.index(edge[1])


def _back_edges(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    after: dict[str, list[str]] = {name: [b for a, b in edges if a == name] for name in names}
    back: set[tuple[str, str]] = set()
    done: set[str] = set()

    def visit(name: str, path: frozenset[str]) -> None:
        for each in after[name]:
            if each in path:
                back.add((name, each))
            elif each not in done:
                visit(each, path | {each})
        done.add(name)

    for name in names:
        if name not in done:
            visit(name, frozenset({name}))
    return back


def _layers(names: Sequence[str], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    layer = dict.fromkeys(names, 0)
    for _ in names:
        before = dict(layer)
        for a, b in edges:
            layer[b] = max(layer[b], layer[a] + 1)
        if layer == before:
            break
    return layer


def _chain(edge: tuple[str, str], layer: Mapping[str, int]) -> list[str]:
    a, b = edge
    passing = [f"{a}>{b}@{depth}" for depth in range(layer[a] + 1, layer[b])]
    return [a, *passing, b]


def _rows(
    names: Sequence[str], chains: Mapping[tuple[str, str], list[str]], layer: Mapping[str, int]
) -> list[list[str]]:
    rows: list[list[str]] = [[] for _ in range(max(layer.values()) + 1)]
    for name in names:
        rows[layer[name]].append(name)
    for (a, _), chain in chains.items():
        for depth, name in enumerate(chain[1:-1], start=layer[a] + 1):
            rows[depth].append(name)
    return rows


_Near = dict[str, list[str]]


def _neighbours(links: Iterable[tuple[str, str]]) -> tuple[_Near, _Near]:
    up: _Near = {}
    down: _Near = {}
    for a, b in links:
        down.setdefault(a, []).append(b)
        up.setdefault(b, []).append(a)
    return up, down


def _ordered(rows: list[list[str]], up: _Near, down: _Near) -> list[list[str]]:
    rows = [list(row) for row in rows]
    for sweep in range(_SWEEPS):
        near, order = (up, rows) if sweep % 2 == 0 else (down, rows[::-1])
        for row in order:
            place = {name: at for each in rows for at, name in enumerate(each)}
            middle = {name: _middle(near.get(name, []), place, place[name]) for name in row}
            row.sort(key=middle.__getitem__)
    return rows


def _middle(near: Sequence[str], place: Mapping[str, float], default: float) -> float:
    return sum(place[name] for name in near) / len(near) if near else default


def _settled(
    rows: list[list[str]], up: _Near, down: _Near, widths: Mapping[str, float], lane: float
) -> dict[str, float]:
    xs: dict[str, float] = {}
    for row in rows:
        xs.update(zip(row, _spread([0.0] * len(row), row, widths, lane), strict=True))
    for sweep in range(_SETTLING):
        for row in rows if sweep % 2 == 0 else rows[::-1]:
            wanted = [
                _middle([*up.get(name, []), *down.get(name, [])], xs, xs[name]) for name in row
            ]
            xs.update(zip(row, _spread(wanted, row, widths, lane), strict=True))
    return xs


def _spread(
    wanted: Sequence[float], row: Sequence[str], widths: Mapping[str, float], lane: float
) -> list[float]:
    """Near the wanted places, in this order, and apart: the mean of pushing right and left."""
    gaps = [(widths.get(a, lane) + widths.get(b, lane)) / 2 for a, b in pairwise(row)]
    right = list(wanted)
    for at, gap in enumerate(gaps, start=1):
        right[at] = max(right[at], right[at - 1] + gap)
    left = list(wanted)
    for at in range(len(gaps) - 1, -1, -1):
        left[at] = min(left[at], left[at + 1] - gaps[at])
    return [(a + b) / 2 for a, b in zip(left, right, strict=True)]
