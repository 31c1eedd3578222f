"""Payment gateways by name. A new one is its file and its line here."""

from collections.abc import Callable, Mapping
from typing import Protocol

from core.ports import PaymentGateway
from core.providers.payments import flutterwave, monnify, paystack, stripe
from core.providers.values import Closing


class OwnedPaymentGateway(PaymentGateway, Closing, Protocol):
    """A gateway, and the end of its connections."""


# Built from explicit settings; what they leave out is read from the environment.
PAYMENT_GATEWAYS: Mapping[str, Callable[[Mapping[str, object]], OwnedPaymentGateway]] = {
    "paystack": lambda given: paystack.Paystack(paystack.Settings.model_validate(given)),
    "flutterwave": lambda given: flutterwave.Flutterwave(
        flutterwave.Settings.model_validate(given)
    ),
    "monnify": lambda given: monnify.Monnify(monnify.Settings.model_validate(given)),
    "stripe": lambda given: stripe.Stripe(stripe.Settings.model_validate(given)),
}
