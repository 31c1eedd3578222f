"""One number of one business, as the settings and credentials of its channel describe it.

Meta's own API needs `phone_number_id` alone. At 360dialog, the path has neither version nor number,
the key stands bare in a header of its own, and webhooks are not signed:

    {"api_base_url": "https://waba-v2.360dialog.io", "api_version": "",
     "auth_header": "D360-API-KEY", "verifier": "path"}
"""

from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

import httpx
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from core.domain.turns import Channel
from core.providers.values import BaseUrl

_BEARER = "authorization"


class Template(BaseModel):
    """An approved utility template: what may be sent when nobody wrote for a day."""

    model_config = ConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,512}$")]
    language: Annotated[str, Field(pattern=r"^[a-zA-Z_]{2,12}$")] = "en"


class Settings(BaseModel):
    """What `Channel.settings` may hold.

    Attributes:
        phone_number_id: Graph's name of our number. What comes for another one is not ours.
        api_version: "" where paths have neither version nor number.
        auth_header: `Authorization` bears the token as `Bearer`; any other name bears it bare.
        verifier: How a webhook proves itself: by Meta's signature, or by its secret path alone.
    """

    model_config = ConfigDict(
        frozen=True, extra="ignore", hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    api_base_url: BaseUrl = "https://graph.facebook.com"
    api_version: Annotated[str, Field(pattern=r"^(v\d{1,3}\.\d{1,2})?$")] = "v26.0"
    phone_number_id: Annotated[str, Field(pattern=r"^\d{0,32}$")] = ""
    auth_header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,64}$")] = "Authorization"
    verifier: Literal["signature", "path"] = "signature"
    template: Template | None = None

    @field_validator("api_base_url")
    @classmethod
    def _can_be_called(cls, url: str) -> str:
        """Such that no call stumbles over it: hosts and ports that cannot be are found here."""
        try:
            httpx.URL(url)
            port = urlsplit(url).port
        except (httpx.InvalidURL, ValueError):
            port = 0
        if port == 0:
            raise ValueError("names no host and port that could be called")
        return url

    @model_validator(mode="after")
    def _number_where_it_is_needed(self) -> Self:
        if not self.phone_number_id and (self.api_version or self.verifier == "signature"):
            raise ValueError("phone_number_id is missing")
        return self

    def url(self, what: str) -> str:
        """Where `messages` or `media` of this number are."""
        if not self.api_version:
            return f"{self.api_base_url}/{what}"
        return f"{self.api_base_url}/{self.api_version}/{self.phone_number_id}/{what}"

    def auth(self, token: str) -> dict[str, str]:
        bearer = self.auth_header.lower() == _BEARER
        return {self.auth_header: f"Bearer {token}" if bearer else token}


def settings_of(channel: Channel) -> Settings | None:
    """Those of a channel, or None when they will not do."""
    try:
        return Settings.model_validate(dict(channel.settings))
    except ValidationError:
        return None


def token_of(channel: Channel) -> str | None:
    """The access token, or None when it is none that a header could carry."""
    token = channel.credentials.get("access_token", "").strip()
    return token if token and token.isascii() and token.isprintable() else None
