"""VTU providers by name. A new one is its file and its line here."""

from collections.abc import Callable, Mapping
from typing import Protocol

from core.ports import VtuProvider
from core.providers.values import Closing
from core.providers.vtu import vtpass


class OwnedVtuProvider(VtuProvider, Closing, Protocol):
    """A provider, and the end of its connections."""


# Built from explicit settings; what they leave out is read from the environment.
VTU_PROVIDERS: Mapping[str, Callable[[Mapping[str, object]], OwnedVtuProvider]] = {
    "vtpass": lambda given: vtpass.VtPass(vtpass.Settings.model_validate(given)),
}
