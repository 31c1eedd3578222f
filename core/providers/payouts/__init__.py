"""Gateways that transfer to banks, by name. A new one is its file and its line here."""

from collections.abc import Callable, Mapping
from typing import Protocol

from core.ports.payouts import PayoutGateway
from core.providers.payouts import flutterwave, paystack
from core.providers.values import Closing


class OwnedPayoutGateway(PayoutGateway, Closing, Protocol):
    """A gateway, and the end of its connections."""


# Built from explicit settings; what they leave out is read from the environment.
PAYOUT_GATEWAYS: Mapping[str, Callable[[Mapping[str, object]], OwnedPayoutGateway]] = {
    "paystack": lambda given: paystack.PaystackPayouts(paystack.Settings.model_validate(given)),
    "flutterwave": lambda given: flutterwave.FlutterwavePayouts(
        flutterwave.Settings.model_validate(given)
    ),
}
