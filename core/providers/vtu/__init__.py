"""VTU providers by name. A new one is its file and its line here."""

from collections.abc import Callable, Mapping
from typing import Protocol

from core.ports import VtuProvider
from core.providers.values import Closing
from core.providers.vtu import (
    baxi,
    buypower,
    clubkonnect,
    configured,
    configured_model,
    flutterwave,
    inlomax,
    reloadly,
    smeplug,
    vtpass,
)


class OwnedVtuProvider(VtuProvider, Closing, Protocol):
    """A provider, and the end of its connections."""


# Built from explicit settings; what they leave out is read from the environment.
VTU_PROVIDERS: Mapping[str, Callable[[Mapping[str, object]], OwnedVtuProvider]] = {
    "vtpass": lambda given: vtpass.VtPass(vtpass.Settings.model_validate(given)),
    "clubkonnect": lambda given: clubkonnect.ClubKonnect(
        clubkonnect.Settings.model_validate(given)
    ),
    "buypower": lambda given: buypower.BuyPower(buypower.Settings.model_validate(given)),
    "baxi": lambda given: baxi.Baxi(baxi.Settings.model_validate(given)),
    "reloadly": lambda given: reloadly.Reloadly(reloadly.Settings.model_validate(given)),
    "flutterwave_bills": lambda given: flutterwave.FlutterwaveBills(
        flutterwave.Settings.model_validate(given)
    ),
    "smeplug": lambda given: smeplug.SmePlug(smeplug.Settings.model_validate(given)),
    "inlomax": lambda given: inlomax.Inlomax(inlomax.Settings.model_validate(given)),
    # Any number of providers that publish no contract, each by a configuration with its own name.
    "configured": lambda given: configured.ConfiguredVtu(configured_model.configuration(given)),
}
