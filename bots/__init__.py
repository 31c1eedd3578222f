"""The chat channels. A new one is a file here and a line below."""

from collections.abc import Callable, Mapping

from bots.edge import Edge
from core.ports.chat import Messenger


def _whatsapp_edge() -> Edge:
    from bots.whatsapp.edge import WhatsAppEdge

    return WhatsAppEdge()


def _whatsapp_messenger() -> Messenger:
    from bots.whatsapp.messenger import WhatsAppMessenger

    return WhatsAppMessenger()


EDGES: Mapping[str, Callable[[], Edge]] = {"whatsapp": _whatsapp_edge}
"""How what a channel sends is let in and read, by the channel's kind."""

MESSENGERS: Mapping[str, Callable[[], Messenger]] = {"whatsapp": _whatsapp_messenger}
"""How a channel is spoken to."""
