"""The chat channels. A new one is a file here and a line below."""

from collections.abc import Callable, Mapping

from bots.edge import Edge
from core.ports.chat import Messenger

EDGES: Mapping[str, Callable[[], Edge]] = {}
"""How what a channel sends is let in and read, by the channel's kind."""

MESSENGERS: Mapping[str, Callable[[], Messenger]] = {}
"""How a channel is spoken to."""
