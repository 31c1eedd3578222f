"""What one step of the machine gives back: a screen to show, or an effect to run first."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from core.domain.display import Screen
from core.engine.conversation import Conversation
from core.engine.kinds import Scalar
from core.engine.outcomes import Masked


@dataclass(frozen=True, slots=True)
class Effect:
    """Something outside the engine that must be done before there is a screen.

    Attributes:
        key: The same whenever this effect is run again for the same answer of the customer.
        answers: Those of the flow; for a `check`, with the new one among them.
        commits: There is no way back past it.
    """

    kind: Literal["options", "check", "secret", "fact", "act"]
    flow: str
    node: str
    key: str
    answers: Mapping[str, Scalar]
    function: Callable[..., Awaitable[Any]] = field(repr=False)
    commits: bool = False
    secret: Masked | None = None

    @property
    def changes(self) -> bool:
        """It changes something outside: keep the conversation before it runs."""
        return self.kind in ("act", "secret")

    async def run(self, context: Any) -> Any:
        """Run it and return what `Machine.resume` takes; may raise `Problem`."""
        if self.secret is not None:
            return await self.function(context, self.secret)
        return await self.function(context)

    @classmethod
    def nothing(cls, conversation: Conversation) -> "Effect":
        """An effect that does nothing: for what needs a context beside the flows."""
        key = f"{conversation.id}:{conversation.turn}:"
        return cls("fact", conversation.flow, "", key, conversation.answers, _nothing)


async def _nothing(_: Any) -> None:
    return


@dataclass(frozen=True, slots=True)
class Step:
    """The conversation after a step, and either a screen or an effect.

    `complaint` is what the engine found wrong with an outcome, for the log; the customer got
    the best way on that there was.
    """

    conversation: Conversation
    screen: Screen | None = None
    effect: Effect | None = None
    complaint: str = ""
