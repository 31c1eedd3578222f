"""SMS senders by name. A new one is its file and its line here."""

from collections.abc import Callable, Mapping
from typing import Protocol

from core.ports import SmsSender
from core.providers.sms import africastalking
from core.providers.values import Closing


class OwnedSmsSender(SmsSender, Closing, Protocol):
    """A sender, and the end of its connections."""


# Built from explicit settings; what they leave out is read from the environment.
SMS_SENDERS: Mapping[str, Callable[[Mapping[str, object]], OwnedSmsSender]] = {
    "africastalking": lambda given: africastalking.AfricasTalking(
        africastalking.Settings.model_validate(given)
    ),
}
