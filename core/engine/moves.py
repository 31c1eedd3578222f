"""Moving a conversation: on, back, home, into a flow and out of it. Values in, values out."""

from collections.abc import Mapping

from msgspec.structs import replace

from core.engine.conversation import Answers, Conversation, Frame, Visited
from core.engine.flow import Flow
from core.engine.kinds import Scalar
from core.engine.screens import Call, Return

BACK_MAX = 20
"""Screens that the way back remembers; further back lies the main menu."""


def answered(conversation: Conversation, keep: Mapping[str, Scalar]) -> Conversation:
    """The present screen was answered: it becomes the last on the way back."""
    here = Visited(
        conversation.node, conversation.origin, conversation.answers, conversation.guarded
    )
    return replace(
        conversation,
        back=(*conversation.back, here)[-BACK_MAX:],
        answers={**conversation.answers, **keep},
        notice="",
    )


def proven(conversation: Conversation) -> Conversation:
    """The present `Secret` was passed: it is no place to come back to."""
    return replace(conversation, guarded=True, notice="")


def to(conversation: Conversation, node: str, *, origin: str | None = None) -> Conversation:
    """On to a node of the same flow; its facts begin at `origin`, or there."""
    return replace(
        conversation, node=node, origin=origin or node, shown=(), page=0, asking="", state="live"
    )


def keeping(conversation: Conversation, keep: Mapping[str, Scalar]) -> Conversation:
    if not keep:
        return conversation
    return replace(conversation, answers={**conversation.answers, **keep})


def into(conversation: Conversation, flow: Flow, node: str, answers: Answers) -> Conversation:
    """Leave everything behind for another flow."""
    return replace(
        to(conversation, node),
        flow=flow.name,
        answers=answers,
        callers=(),
        back=(),
        guarded=False,
    )


def home(conversation: Conversation, menu: Flow, notice: str = "") -> Conversation:
    """To the main menu, where a new journey begins."""
    return replace(into(conversation, menu, menu.start, {}), notice=notice, begun=conversation.turn)


def jumped(conversation: Conversation, flow: Flow, answers: Answers) -> Conversation:
    """Out to another flow. The way back leads over the main menu."""
    return into(conversation, flow, flow.start, answers)


def called(conversation: Conversation, child: Flow, answers: Answers) -> Conversation:
    """Into a flow that returns."""
    frame = Frame(conversation.flow, conversation.node, conversation.answers, conversation.back)
    return replace(
        to(conversation, child.start),
        flow=child.name,
        answers=answers,
        callers=(*conversation.callers, frame),
        back=(),
    )


def returned(conversation: Conversation, call: Call, ending: Return) -> Conversation:
    """Out of a called flow, with what its caller wanted of it."""
    frame = conversation.callers[-1]
    own = conversation.answers
    brought = {ours: own[theirs] for theirs, ours in call.keep.items() if theirs in own}
    return replace(
        to(conversation, call.exits.get(ending.exit, call.to)),
        flow=frame.flow,
        answers={**frame.answers, **brought},
        callers=conversation.callers[:-1],
        back=frame.back,
    )


def before(conversation: Conversation) -> Conversation | None:
    """Back to the last screen, in whichever flow it was; None where only the main menu is left."""
    flow, callers, back = conversation.flow, conversation.callers, conversation.back
    while not back:
        if not callers:
            return None
        flow, back, callers = callers[-1].flow, callers[-1].back, callers[:-1]
    last = back[-1]
    return replace(
        to(conversation, last.node, origin=last.origin),
        flow=flow,
        callers=callers,
        back=back[:-1],
        answers=last.answers,
        guarded=last.guarded,
        notice="",
    )


def noticed(conversation: Conversation, notice: str) -> Conversation:
    """A line above the next screen."""
    return replace(conversation, notice=notice)


def committed(conversation: Conversation) -> Conversation:
    """Something was done for good: no way leads back past it, in no flow that waits either."""
    return replace(
        conversation,
        back=(),
        callers=tuple(replace(frame, back=()) for frame in conversation.callers),
        guarded=False,
    )
