"""The chat channels. A new one is a file here and a line below."""

from collections.abc import Callable, Mapping

from bots.edge import Edge
from core.kit.texts import Texts
from core.ports.chat import Messenger


def _telegram_edge() -> Edge:
    from bots.telegram.edge import TelegramEdge

    return TelegramEdge()


def _telegram_messenger(texts: Texts) -> Messenger:
    from bots.telegram.messenger import TelegramMessenger

    return TelegramMessenger(texts)


def _whatsapp_edge() -> Edge:
    from bots.whatsapp.edge import WhatsAppEdge

    return WhatsAppEdge()


def _whatsapp_messenger(_: Texts) -> Messenger:
    from bots.whatsapp.messenger import WhatsAppMessenger

    return WhatsAppMessenger()


EDGES: Mapping[str, Callable[[], Edge]] = {
    "telegram": _telegram_edge,
    "whatsapp": _whatsapp_edge,
}
"""How what a channel sends is let in and read, by the channel's kind."""

MESSENGERS: Mapping[str, Callable[[Texts], Messenger]] = {
    "telegram": _telegram_messenger,
    "whatsapp": _whatsapp_messenger,
}
"""How a channel is spoken to."""
