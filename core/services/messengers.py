"""The chat channels that this process can speak to."""

from collections.abc import Iterable, Mapping

from core.domain.turns import Channel
from core.ports.chat import Messenger


class Messengers:
    """One for each kind of channel; whoever starts the process brings them (`bots.CHANNELS`)."""

    def __init__(self) -> None:
        self._by_kind: dict[str, Messenger] = {}

    def bring(self, messengers: Iterable[Messenger]) -> None:
        self._by_kind.update({each.kind: each for each in messengers})

    def of(self, channel: Channel) -> Messenger | None:
        """Who speaks that channel, or None for one that is no chat."""
        return self._by_kind.get(channel.kind)

    @property
    def all(self) -> Mapping[str, Messenger]:
        return dict(self._by_kind)
