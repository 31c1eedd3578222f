"""What an operator may change about embedded services, read from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class EmbeddedSettings(BaseSettings):
    """Each field is `CALLBOX_` and its name in capitals, for example `CALLBOX_POSTGRES_BIN`."""

    model_config = SettingsConfigDict(env_prefix="CALLBOX_", env_ignore_empty=True)

    postgres_bin: Path | None = None
    """A folder with `initdb` and `postgres`, version 16 or newer."""

    valkey_bin: Path | None = None
    """A folder with `valkey-server`."""

    postgres_shared_buffers: Annotated[str, Field(pattern=r"^\d+(kB|MB|GB)$")] = "128MB"
    """Postgres's page cache. Small, because most embedded servers share a laptop with its owner."""

    recovery_timeout_s: Annotated[float, Field(gt=0)] = 3600
    """How long a server may take to replay what a crash interrupted before a start gives up."""

    state_root: Path = Path("/var/lib/callbox")
    """Where data lives when root runs Callbox in a home that its servers cannot enter."""
