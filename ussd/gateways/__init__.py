"""USSD gateways. A new one is a file here and a line below; its name is a segment of its URL."""

from collections.abc import Callable, Mapping

from core.kit.crypto import Keyring
from ussd.gateways.africastalking import AfricasTalking
from ussd.request import Gateway

GATEWAYS: Mapping[str, Callable[[Keyring], Gateway]] = {
    "africastalking": AfricasTalking,
}
