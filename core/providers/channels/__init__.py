"""Whether a channel would work, by its kind. A new one is its file and its line here."""

from collections.abc import Callable, Mapping

from core.ports.tenancy import ChannelTest
from core.providers.channels.telegram import TelegramTest
from core.providers.channels.ussd import PathTest
from core.providers.channels.whatsapp import WhatsAppTest

CHANNEL_TESTS: Mapping[str, Callable[[str], ChannelTest]] = {
    "ussd": PathTest,
    "callback": PathTest,
    "telegram": TelegramTest,
    "whatsapp": WhatsAppTest,
}
"""Each is told where the outside reaches the web process."""
