"""Language models by name. A new one is its file and its line here."""

from collections.abc import Callable, Mapping
from typing import Protocol

from core.ports.chat import LanguageModel
from core.providers.ai import openai
from core.providers.values import Closing


class OwnedModel(LanguageModel, Closing, Protocol):
    """A model, and the end of its connections."""


# Built from explicit settings; what they leave out is read from the environment.
LANGUAGE_MODELS: Mapping[str, Callable[[Mapping[str, object]], OwnedModel]] = {
    "openai": lambda given: openai.OpenAiCompatible(openai.Settings.model_validate(given)),
}
