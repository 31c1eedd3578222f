"""What must hold between flows: where they are entered, called, left and dialled."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from core.engine import graph
from core.engine.screens import Act, Ask, Call, Confirm, Fact, Jump, Menu, Pick, Return, Secret

if TYPE_CHECKING:  # they are checked here while they are made
    from core.engine.flow import Flow, Flows, Shortcut


def faults(flows: "Flows") -> list[str]:
    """Everything that is wrong between the flows, one line each."""
    if doubled := _doubled(flow.name for flow in flows.all):
        return [f"flow {name} is there twice" for name in doubled]
    if flows.home not in flows.by_name:
        return [f"{flows.home!r}, the main menu, is no flow"]
    if found := [*_of_targets(flows), *_of_shortcut_targets(flows)]:
        return found
    if ring := graph.cycle(_calls(flows)):
        return [f"flows call each other in a ring: {' > '.join(ring)}"]
    return [
        *_of_home(flows),
        *(fault for flow in flows.all for fault in _of_flow(flows, flow)),
        *_of_silence(flows),
        *(fault for shortcut in flows.shortcuts for fault in _of_shortcut(flows, shortcut)),
        *_of_renames(flows),
    ]


def kept(flows: "Flows", flow: "Flow") -> dict[str, frozenset[str]]:
    """What is surely kept at each node, however a customer came there."""
    return graph.surely_kept(doors(flows, flow), flow.ways)


def doors(flows: "Flows", flow: "Flow") -> list[tuple[str, frozenset[str]]]:
    """Every node where the flow may be entered, with what is surely given there."""
    found = [(flow.start, frozenset(flow.takes))]
    for shortcut in flows.shortcuts:
        if shortcut.flow == flow.name:
            found += _doors_of(flow, shortcut)
    return found


def _doors_of(flow: "Flow", shortcut: "Shortcut") -> Iterator[tuple[str, frozenset[str]]]:
    given = frozenset(shortcut.keep)
    for arg in (*shortcut.args, *shortcut.optional):
        yield opening(flow, shortcut, arg), given
        if arg in shortcut.args:
            given |= {arg}
    yield shortcut.node, given


def opening(flow: "Flow", shortcut: "Shortcut", arg: str) -> str:
    """The node that a shortcut opens when `arg` is missing or cannot be read."""
    if arg in shortcut.otherwise:
        return shortcut.otherwise[arg]
    question = flow.asked_at(arg)
    return question.name if question else flow.start


def _doubled(names: Iterable[str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1)


def _of_targets(flows: "Flows") -> Iterator[str]:
    for flow in flows.all:
        for node in flow.screens:
            if isinstance(node, Call | Jump) and node.flow not in flows:
                yield f"{flow.name}.{node.name} leads to {node.flow!r}, which is no flow"


def _calls(flows: "Flows") -> Mapping[str, list[str]]:
    return {
        flow.name: [node.flow for node in flow.screens if isinstance(node, Call)]
        for flow in flows.all
    }


def _of_home(flows: "Flows") -> Iterator[str]:
    home = flows[flows.home]
    if home.takes:
        yield f"{home.name}, the main menu, takes {sorted(home.takes)}, which nobody brings"
    if isinstance(home.nodes[home.start], Secret | Act | Jump | Return):
        yield f"{home.name}, the main menu, does not start with a screen"


def _of_flow(flows: "Flows", flow: "Flow") -> Iterator[str]:
    following = {name: [edge.to for edge in edges] for name, edges in flow.ways.items()}
    reached = {name for door, _ in doors(flows, flow) for name in graph.reached(door, following)}
    for name in sorted(flow.nodes.keys() - reached):
        yield f"{flow.name}.{name} is reached by nothing"
    known = kept(flows, flow)
    for node in flow.screens:
        if isinstance(node, Call | Jump) and node.name in known:
            for fault in _of_entering(flows, flow, node, known[node.name]):
                yield f"{flow.name}.{node.name} {fault}"
        if isinstance(node, Call):
            for fault in _of_returning(flows, node):
                yield f"{flow.name}.{node.name} {fault}"


def _of_entering(
    flows: "Flows", flow: "Flow", node: Call | Jump, known: frozenset[str]
) -> Iterator[str]:
    takes = flows[node.flow].takes
    for name in sorted(takes.keys() - node.give.keys()):
        yield f"does not give {name!r}, which {node.flow} takes"
    for theirs, ours in node.give.items():
        if theirs not in takes:
            yield f"gives {theirs!r}, which {node.flow} does not take"
        elif ours not in known:
            yield f"gives {ours!r}, which may not have been kept"
        elif ours in flow.kinds and flow.kinds[ours].name != takes[theirs].name:
            yield f"gives {ours!r}, a {flow.kinds[ours].name}, as {takes[theirs].name}"


def _of_returning(flows: "Flows", node: Call) -> Iterator[str]:
    child = flows[node.flow]
    returns = [each for each in child.screens if isinstance(each, Return)]
    if not returns:
        yield f"calls {child.name}, which never returns"
    for exit_ in node.exits:
        if exit_ not in {each.exit for each in returns}:
            yield f"has an exit {exit_!r}, by which {child.name} never returns"
    known = kept(flows, child)
    for each in returns:
        if each.exit not in node.exits:
            for name in sorted(node.keep.keys() - known.get(each.name, frozenset())):
                yield f"keeps {name!r}, which {child.name}.{each.name} may not bring back"


def _of_silence(flows: "Flows") -> Iterator[str]:
    """No way around through several flows without the customer saying anything."""
    passed: dict[str, bool] = {}
    following: dict[str, list[str]] = {}
    for flow in flows.all:
        for node in flow.screens:
            after = [f"{flow.name}.{edge.to}" for edge in flow.ways[node.name] if edge.silent]
            if isinstance(node, Call | Jump):
                after.append(f"{node.flow}.{flows[node.flow].start}")
            if isinstance(node, Call) and _passes_silently(flows, node.flow, passed):
                after += [f"{flow.name}.{edge.to}" for edge in flow.ways[node.name]]
            following[f"{flow.name}.{node.name}"] = after
    if loop := graph.cycle(following):
        yield f"flows go round without the customer: {' > '.join(loop)}"


def _passes_silently(flows: "Flows", name: str, known: dict[str, bool]) -> bool:
    """Whether that flow can be entered and returned from with nothing said."""
    if name not in known:
        flow = flows[name]
        following = {
            node.name: [
                edge.to
                for edge in flow.ways[node.name]
                if edge.silent
                or (isinstance(node, Call) and _passes_silently(flows, node.flow, known))
            ]
            for node in flow.screens
        }
        reached = graph.reached(flow.start, following)
        known[name] = any(isinstance(flow.nodes[each], Return) for each in reached)
    return known[name]


def _of_shortcut_targets(flows: "Flows") -> Iterator[str]:
    words = [word for each in flows.shortcuts for word in (each.code, each.name) if word]
    for word in _doubled(words):
        yield f"shortcut {word} is there twice"
    for shortcut in flows.shortcuts:
        word = shortcut.code or shortcut.name
        if shortcut.bare and len(shortcut.args) != 1:
            yield f"shortcut {word} is entered by one answer alone and takes {len(shortcut.args)}"
        if shortcut.flow not in flows:
            yield f"shortcut {word} leads to {shortcut.flow!r}, which is no flow"
            continue
        for node in (shortcut.node, *shortcut.otherwise.values()):
            if node not in flows[shortcut.flow].nodes:
                yield f"shortcut {word} leads to {node!r}, no screen of {shortcut.flow}"


def _of_shortcut(flows: "Flows", shortcut: "Shortcut") -> Iterator[str]:
    flow = flows[shortcut.flow]
    name = f"shortcut {shortcut.code or shortcut.name}"
    if not (shortcut.code.isdecimal() if shortcut.code else shortcut.name):
        yield f"{name} cannot be dialled"
    if shortcut.name and not (shortcut.name.isidentifier() and shortcut.name.islower()):
        yield f"{name} is called {shortcut.name!r}, which is no plain word"
    for arg in (*shortcut.args, *shortcut.optional):
        if arg not in flow.kinds:
            yield f"{name} gives {arg!r}, which {flow.name} does not keep"
        question = flow.asked_at(arg)
        if question is None and arg not in shortcut.otherwise:
            yield f"{name} has nowhere to ask for {arg!r}"
        if question and question.check and not isinstance(flow.nodes[shortcut.node], Fact):
            yield f"{name} gives {arg!r} without the check that {question.name} makes"
    for door in {door for door, _ in _doors_of(flow, shortcut)}:
        if not isinstance(flow.nodes[door], Fact | Pick | Menu | Confirm | Ask):
            yield f"{name} opens {door}, where nobody may land"
        for gate, act in _skipped(flow, door):
            yield f"{name} opens {door} and so reaches {act} without {gate}"


def _skipped(flow: "Flow", door: str) -> Iterator[tuple[str, str]]:
    """What every path from the start has before a committing act, and some path here has not."""
    gates = [node.name for node in flow.screens if isinstance(node, Confirm | Secret | Call)]
    acts = [node.name for node in flow.screens if isinstance(node, Act) and node.commits]
    for gate in gates:
        following = {
            name: [edge.to for edge in edges] for name, edges in flow.ways.items() if name != gate
        }
        for act in acts:
            guarded = act not in graph.reached(flow.start, following)
            if guarded and act in graph.reached(door, following):
                yield gate, act


def _of_renames(flows: "Flows") -> Iterator[str]:
    for old, new in flows.renamed.items():
        if old in flows or new not in flows:
            yield f"flow {old!r} cannot be renamed to {new!r}"
