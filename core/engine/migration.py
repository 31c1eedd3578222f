"""Taking a conversation that an earlier release left into this one."""

from collections.abc import Iterable

from msgspec.structs import replace

from core.engine import graph
from core.engine.conversation import Conversation, Frame, Visited
from core.engine.flow import Flow, Flows
from core.engine.screens import Act, Ask, Call, End, Fact, Pick, Secret


def migrated(conversation: Conversation, flows: Flows) -> Conversation:
    """The same conversation in terms of these flows.

    Renamed nodes are mapped. Where the place is gone, the answer says so in `asking`: the main menu
    is next. Nobody is put before a secret or an act that they were not at already.
    """
    flow = _flow(flows, conversation.flow)
    if flow is None:
        return _stranded(conversation)
    node = _node(flow, conversation.node)
    callers = [_frame(flows, frame) for frame in conversation.callers]
    if node is None or not _may_stand(conversation, flow, node) or None in callers:
        return _stranded(conversation)
    return _with(
        conversation,
        flow,
        node,
        tuple(frame for frame in callers if frame is not None),
    )


def _with(
    conversation: Conversation, flow: Flow, node: str, callers: tuple[Frame, ...]
) -> Conversation:
    back = _back(flow, conversation.back)
    origin = _node(flow, conversation.origin) or node
    same = (
        flow.name == conversation.flow
        and node == conversation.node
        and origin == conversation.origin
        and back == conversation.back
        and callers == conversation.callers
    )
    if same:
        return conversation
    return replace(
        conversation, flow=flow.name, node=node, origin=origin, back=back, callers=callers
    )


def _may_stand(conversation: Conversation, flow: Flow, name: str) -> bool:
    node = flow.nodes[name]
    if conversation.state == "acting" and not isinstance(node, Fact | Act | Pick | Ask | Secret):
        return False
    if conversation.state == "live" and not isinstance(node, graph.Shown):
        return False
    if conversation.state == "ended" and not (conversation.asking or isinstance(node, End)):
        return False
    return name == conversation.node or not isinstance(node, Secret | Act)


def _frame(flows: Flows, frame: Frame) -> Frame | None:
    flow = _flow(flows, frame.flow)
    if flow is None:
        return None
    node = _node(flow, frame.node)
    if node is None or not isinstance(flow.nodes[node], Call):
        return None
    back = _back(flow, frame.back)
    if (flow.name, node, back) == (frame.flow, frame.node, frame.back):
        return frame
    return replace(frame, flow=flow.name, node=node, back=back)


def _back(flow: Flow, back: tuple[Visited, ...]) -> tuple[Visited, ...]:
    if all(_can_return(flow, each.node) and each.origin in flow.nodes for each in back):
        return back
    return tuple(_visited(flow, back))


def _visited(flow: Flow, back: Iterable[Visited]) -> Iterable[Visited]:
    for each in back:
        node = _node(flow, each.node)
        if node is not None and _can_return(flow, node):
            yield replace(each, node=node, origin=_node(flow, each.origin) or node)


def _can_return(flow: Flow, name: str) -> bool:
    node = flow.nodes.get(name)
    return isinstance(node, graph.Shown) and not isinstance(node, Secret)


def _flow(flows: Flows, name: str) -> Flow | None:
    return flows.by_name.get(flows.renamed.get(name, name))


def _node(flow: Flow, name: str) -> str | None:
    present = name if name in flow.nodes else flow.renamed.get(name)
    return present if present in flow.nodes else None


def _stranded(conversation: Conversation) -> Conversation:
    return replace(conversation, asking="updated", state="live", effect=None, shown=(), callers=())
