"""Drawing a flow: as Mermaid source for documents, and as one self-contained SVG picture."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from itertools import pairwise

from core.engine import layout
from core.engine.flow import Flow
from core.engine.layout import Layout, Spot
from core.engine.screens import Call, Jump, Node

_WIDTH, _HEIGHT = 156, 46
_GAP_X, _GAP_Y = 34, 66
_LANE = 30
_LETTER, _LINE = 5.6, 12
_MARGIN, _TOP, _BOTTOM = 44, 92, 76

_COLOURS: Mapping[str, tuple[str, str]] = {
    "Menu": ("#e3f0fb", "#2f6ea8"),
    "Pick": ("#dff3f4", "#1f7a80"),
    "Ask": ("#e7f4e4", "#3d7a34"),
    "Confirm": ("#fdf1d0", "#9a6b06"),
    "Secret": ("#f4e4f5", "#84388c"),
    "Fact": ("#f1f1ee", "#6b6a63"),
    "Act": ("#fde3dc", "#b43a1c"),
    "Call": ("#e6e4f7", "#4c43a3"),
    "Return": ("#ecebf5", "#6a64a0"),
    "Jump": ("#e6e4f7", "#4c43a3"),
    "End": ("#2b2a27", "#2b2a27"),
}
"""Fill and line of each kind of node."""

_SHAPES: Mapping[str, tuple[str, str]] = {
    "Fact": ("{{", "}}"),
    "Act": ("[[", "]]"),
    "Call": ("[/", "/]"),
    "Jump": ("[/", "/]"),
    "Return": ("([", "])"),
    "End": ("([", "])"),
    "Secret": ("[(", ")]"),
}


def mermaid(flow: Flow) -> str:
    """The flow as a Mermaid flowchart, coloured by kind of node."""
    lines = [f"---\ntitle: {flow.name}\n---", "flowchart TD"]
    for node in flow.screens:
        left, right = _SHAPES.get(_kind(node), ("(", ")"))
        lines.append(f'  {node.name}{left}"{_caption(node)}"{right}:::{_kind(node)}')
    for (a, b), label in _labelled(flow).items():
        lines.append(f'  {a} -->|"{label}"| {b}')
    used = dict.fromkeys(_kind(node) for node in flow.screens)
    for kind in used:
        fill, line = _COLOURS[kind]
        ink = "#ffffff" if kind == "End" else "#1f1e1b"
        lines.append(f"  classDef {kind} fill:{fill},stroke:{line},color:{ink}")
    return "\n".join(lines) + "\n"


def svg(flow: Flow) -> str:
    """The flow as a picture: needs no script, no font and nothing from elsewhere."""
    edges = _labelled(flow)
    placed = layout.layered(
        [node.name for node in flow.screens], edges, width=_WIDTH + _GAP_X, lane=_LANE
    )
    kinds = list(dict.fromkeys(_kind(node) for node in flow.screens))
    legend = len(kinds) * 84
    width = round(max(placed.width + _WIDTH, legend) + 2 * _MARGIN)
    height = _TOP + placed.layers * (_HEIGHT + _GAP_Y) - _GAP_Y + _BOTTOM
    shift = (width - placed.width) / 2
    parts = [
        _head(flow, width, height),
        *_title(flow),
        *_lines(placed, edges, shift),
        *_boxes(flow, placed, shift),
        *_legend(kinds, height),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _head(flow: Flow, width: int, height: int) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" font-family="system-ui, sans-serif" '
        f'role="img" aria-label="Flow {escape(flow.name)}">\n'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" '
        'markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" fill="#8a8880"/></marker></defs>\n'
        f'<rect width="{width}" height="{height}" rx="14" fill="#fcfbf8"/>'
    )


def _kind(node: Node) -> str:
    return type(node).__name__


def _caption(node: Node) -> str:
    return f"{node.name} > {node.flow}" if isinstance(node, Call | Jump) else node.name


def _labelled(flow: Flow) -> dict[tuple[str, str], str]:
    """Each pair of nodes that an edge joins, with the labels of all edges between them."""
    labels: dict[tuple[str, str], list[str]] = {}
    for name, edges in flow.ways.items():
        for edge in edges:
            labels.setdefault((name, edge.to), []).append(edge.label)
    return {pair: " / ".join(each) for pair, each in labels.items()}


def _title(flow: Flow) -> Iterator[str]:
    count = len(flow.screens)
    yield (
        f'<text x="{_MARGIN}" y="44" font-size="22" font-weight="650" fill="#1f1e1b">'
        f"{escape(flow.name)}</text>"
    )
    yield (
        f'<text x="{_MARGIN}" y="65" font-size="12.5" fill="#77756c">'
        f"{count} nodes, begins at {escape(flow.start)}</text>"
    )


def _top(spot: Spot) -> float:
    return _TOP + spot.layer * (_HEIGHT + _GAP_Y)


def _lines(placed: Layout, edges: Mapping[tuple[str, str], str], shift: float) -> Iterator[str]:
    """First all lines, then all labels, so that no line strikes a label out."""
    captions: list[tuple[str, float, float]] = []
    for pair, label in edges.items():
        spots = placed.lines.get(pair)
        path, x, y = _path(spots, shift) if spots else _round_trip(placed.nodes[pair[0]], shift)
        yield f'<path d="{path}" fill="none" stroke="#b9b6ab" marker-end="url(#tip)"/>'
        captions.append((label, x, y))
    for label, x, y in _apart(captions):
        yield _label(label, x, y)


def _apart(captions: Iterable[tuple[str, float, float]]) -> Iterator[tuple[str, float, float]]:
    """Labels that would cover each other, one above the other instead."""
    taken: list[tuple[float, float, float]] = []
    for label, x, y in captions:
        half = len(label) * _LETTER / 2
        place = next(
            (
                y + step
                for step in (0, 13, -13, 24, -24)
                if not any(
                    abs(x - at) < half + other + _LETTER and abs(y + step - height) < _LINE
                    for at, height, other in taken
                )
            ),
            y,
        )
        taken.append((x, place, half))
        yield label, x, place


def _path(spots: Sequence[Spot], shift: float) -> tuple[str, float, float]:
    """A smooth line through the spots, and where its label stands: soon after it begins."""
    downward = spots[0].layer < spots[-1].layer
    points: list[tuple[float, float]] = []
    for at, spot in enumerate(spots):
        x, top = spot.x + shift, _top(spot)
        ends = [top, top + _HEIGHT] if downward else [top + _HEIGHT, top]
        if at == 0:
            ends = ends[1:]
        elif at == len(spots) - 1:
            ends = ends[:1]
        points += [(x, y) for y in ends]
    path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
    for a, b in pairwise(points):
        middle = (a[1] + b[1]) / 2
        path += f"C{a[0]:.1f} {middle:.1f} {b[0]:.1f} {middle:.1f} {b[0]:.1f} {b[1]:.1f}"
    (x0, y0), (x1, y1) = points[0], points[1]
    return path, x0 + (x1 - x0) * 0.5, y0 + (y1 - y0) * 0.5


def _round_trip(spot: Spot, shift: float) -> tuple[str, float, float]:
    """An edge from a node to itself, at its right side."""
    x, y = spot.x + shift + _WIDTH / 2, _top(spot) + _HEIGHT / 2
    return f"M{x:.1f} {y + 10:.1f}c26 10 26 -30 0 -20", x + 20, y - 16


def _label(text: str, x: float, y: float) -> str:
    return (
        f'<text x="{x:.1f}" y="{y + 4:.1f}" font-size="11" fill="#5f5d55" text-anchor="middle" '
        f'paint-order="stroke" stroke="#fcfbf8" stroke-width="4">{escape(text)}</text>'
    )


def _boxes(flow: Flow, placed: Layout, shift: float) -> Iterator[str]:
    for node in flow.screens:
        spot = placed.nodes[node.name]
        x, y = spot.x + shift, _top(spot)
        fill, line = _COLOURS[_kind(node)]
        dark = _kind(node) == "End"
        name_ink, kind_ink = ("#ffffff", "#c9c6bb") if dark else ("#1f1e1b", line)
        bold = 2.4 if node.name == flow.start else 1.2
        yield (
            f'<rect x="{x - _WIDTH / 2:.1f}" y="{y:.1f}" width="{_WIDTH}" height="{_HEIGHT}" '
            f'rx="{_HEIGHT // 2 if dark else 9}" fill="{fill}" stroke="{line}" '
            f'stroke-width="{bold}"/>'
            f'<text x="{x:.1f}" y="{y + 21:.1f}" font-size="13.5" font-weight="600" '
            f'fill="{name_ink}" text-anchor="middle">{escape(_caption(node))}</text>'
            f'<text x="{x:.1f}" y="{y + 36:.1f}" font-size="10" letter-spacing=".06em" '
            f'fill="{kind_ink}" text-anchor="middle">{_kind(node).upper()}</text>'
        )


def _legend(kinds: Sequence[str], height: int) -> Iterator[str]:
    for place, kind in enumerate(kinds):
        x, y = _MARGIN + place * 84, height - 30
        fill, line = _COLOURS[kind]
        yield (
            f'<rect x="{x}" y="{y - 10}" width="13" height="13" rx="4" fill="{fill}" '
            f'stroke="{line}"/>'
            f'<text x="{x + 20}" y="{y + 1}" font-size="11.5" fill="#5f5d55">{kind}</text>'
        )
