"""Settings of the USSD edge, from the environment."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Each may be set as `USSD_<NAME>`.

    Attributes:
        deadline_s: After this the customer gets a polite last screen. Gateways hang up at 10 s
            (Africa's Talking), some carriers sooner.
        abandon_s: A turn past its deadline is finished in the background, where a payment's
            record may hang on it; after this many seconds more it is given up.
    """

    model_config = SettingsConfigDict(env_prefix="USSD_")

    deadline_s: float = Field(default=8.0, gt=0, le=30)
    abandon_s: float = Field(default=60.0, gt=0, le=600)
