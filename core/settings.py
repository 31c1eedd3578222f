"""Settings that all processes share, read from the environment once."""

import contextlib
import datetime as dt
import math
import os
import re
import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from core.kit.errors import Fault
from core.kit.expected import in_words


class BadSettings(Fault):
    """A setting is missing or wrong; the message names it and says what it should be."""


class Environment(StrEnum):
    DEMO = "demo"
    PRODUCTION = "production"


_MONTH_S = 30 * 86_400
_KEY_CHARS_MIN = 16
_PUBLIC_URL = re.compile(r"https?://([A-Za-z0-9.-]+|\[[0-9a-f:]+\])(:[0-9]{1,5})?(/[^\s?#]*)?")
_SCHEMES = {
    "DATABASE_URL": ("postgresql://", "postgres://", "postgresql+asyncpg://"),
    "REDIS_URL": ("redis://", "rediss://", "unix://"),
}

BOT_API_URL = "https://api.telegram.org"
SANDBOX_OPERATORS_TOKEN = "110201544:SIM-operators-token"  # noqa: S105 - the sandbox's own bot

Minor = Annotated[int, Field(ge=0, le=10**12)]


class Settings(BaseSettings):
    """Each field is the environment variable `CALLBOX_<FIELD>`, unless it names another."""

    model_config = SettingsConfigDict(env_prefix="CALLBOX_", extra="ignore", env_ignore_empty=True)

    home: Path = Path(".callbox")
    # Where customers' browsers reach the web process: one-time pages are linked to there.
    public_url: str = ""
    env: Environment = Environment.DEMO
    host: str = "127.0.0.1"
    port: int = Field(8000, ge=0, le=65535)
    database_url: SecretStr | None = Field(None, validation_alias="DATABASE_URL")
    redis_url: SecretStr | None = Field(None, validation_alias="REDIS_URL")
    database_connections: int = Field(12, ge=2, le=100)
    secret_key: SecretStr | None = None
    admin_token: SecretStr | None = None
    sandbox: bool | None = None
    sandbox_port: int = Field(8001, ge=0, le=65535)
    sandbox_router_port: int = Field(8002, ge=0, le=65535)
    log_level: str = "INFO"
    log_json: bool | None = None

    # How long a USSD turn may take, in seconds, and how much of it may be spent on waiting for the
    # provider's answer: a gateway gives up after ten.
    turn_deadline_s: float = Field(8.0, gt=0, le=30)
    turn_wait_s: float = Field(3.0, ge=0, le=20)
    resume_within_s: int = Field(15 * 60, ge=0)

    # What is sold, in minor units of the tenant's currency.
    airtime_min_minor: Minor = 50_00
    airtime_max_minor: Minor = 50_000_00
    airtime_fee_minor: Minor = 0
    airtime_day_limit_minor: Minor = 200_000_00
    fund_min_minor: Minor = 100_00
    fund_max_minor: Minor = 500_000_00

    # What may be taken out to a bank account, and when a payout of which nobody can tell the end
    # goes to a person. Off in production unless set: paying out prepaid balances takes a licence.
    withdrawals: bool | None = None
    withdraw_min_minor: Minor = 100_00
    withdraw_max_minor: Minor = 100_000_00
    withdraw_fee_minor: Minor = 25_00
    withdraw_day_limit_minor: Minor = 200_000_00
    withdraw_deadline_s: float = Field(6 * 3600, gt=0, le=_MONTH_S)

    # What keeps hotspot vouchers: the routers' own users, or a FreeRADIUS that all routers ask.
    vouchers_by: Literal["routers", "radius"] = "routers"
    # When a paid voucher that does not work yet is taken back and paid back, how long its router is
    # waited for then, and how often each router is compared with our books (all in seconds).
    voucher_refund_after_s: float = Field(1800.0, gt=0, le=_MONTH_S)
    voucher_void_after_s: float = Field(120.0, ge=0, le=86_400)
    router_compare_every_s: float = Field(600.0, ge=30, le=86_400)
    # How long a worker may be silent before another takes its router over (seconds).
    router_lease_s: float = Field(30.0, ge=5, le=600)

    # How many codes strangers in a chat may have sent in an hour, one of them and all of a tenant's
    # together; for how many days a PIN is not set anew by SMS alone after somebody new turned up at
    # a number.
    link_codes_of_one: int = Field(6, ge=1, le=100)
    link_codes_of_all: int = Field(1000, ge=1, le=10**6)
    pin_reset_wait_days: float = Field(7.0, ge=0, le=365)

    # How much is too much of gift rooms: rooms that one person tries in an hour; rooms of one
    # creator that one person wins in, or holds a ticket of, in a day; people from one device in one
    # room, and in a day, and from one address where browsers keep no cookie; new accounts from one
    # device or address in one room and minute.
    gift_rooms_an_hour: int = Field(30, ge=1, le=10_000)
    gift_of_one_giver_a_day: int = Field(10, ge=1, le=10_000)
    gift_people_of_device_a_room: int = Field(3, ge=1, le=10_000)
    gift_people_of_device_a_day: int = Field(10, ge=1, le=10_000)
    gift_people_of_address_a_room: int = Field(10, ge=1, le=10_000)
    gift_people_of_address_a_day: int = Field(50, ge=1, le=10_000)
    gift_newcomers_a_minute: int = Field(20, ge=1, le=100_000)
    # Codes by SMS that may be asked for within an hour on the pages of gifts: by one network
    # address, for one gift, and for all of a tenant's.
    gift_codes_of_address: int = Field(60, ge=1, le=10**6)
    gift_codes_of_room: int = Field(2_000, ge=1, le=10**6)
    gift_codes_of_all: int = Field(10_000, ge=1, le=10**7)

    # Which payment gateways collect, the first one asked first; those with keys when left out.
    payment_gateways: Annotated[tuple[str, ...], NoDecode] = ()

    # When a day that is over is compared with everybody's records, in the tenant's local time; how
    # many single orders a provider without a list is then asked about each second, and how long one
    # list may take to read.
    reconcile_at: dt.time = dt.time(3, 0)
    reconcile_asks_per_s: float = Field(5.0, gt=0, le=1000)
    reconcile_lease_s: float = Field(900.0, ge=60, le=86_400)

    # How patient to be with a provider that cannot say (seconds).
    in_doubt_deadline_s: float = Field(24 * 3600, gt=0, le=_MONTH_S)
    requery_after_s: Annotated[tuple[float, ...], NoDecode] = (
        5, 15, 30, 60, 120, 300, 600, 1200, 900,
    )  # fmt: skip
    not_found_apart_s: float = Field(60.0, ge=0)
    settle_s: float | None = Field(None, ge=0)
    send_within_s: float = Field(10.0, gt=0)
    lease_margin_s: float = Field(15.0, gt=0)
    # How long sending a notice or looking at a payment may take before another worker does it: more
    # than the two calls that either may make, or a slow one is made twice.
    errand_lease_s: float = Field(90.0, gt=0)
    # Whether we keep to the limits of chat channels and SMS senders, counted for all processes
    # together (off only for channels that are simulated), and what our SMS sender takes a second.
    channel_limits: bool = True
    sms_per_s: float = Field(100.0, ge=0, le=10_000)
    paid_back_every_s: float = Field(3600.0, gt=0)
    # How many failures in a row keep a provider from new orders, for how long (seconds), and how
    # many successes one by one end that.
    circuit_failures: int = Field(5, ge=1, le=1000)
    circuit_open_s: float = Field(300.0, gt=0, le=86_400)
    circuit_successes: int = Field(3, ge=1, le=1000)
    # How many attempts an order may have, how much more a plan may cost at another provider than at
    # the first, and whether it may cost more than the customer pays.
    attempts_max: int = Field(4, ge=1, le=20)
    failover_extra_cost_percent: float = Field(5.0, ge=0, le=100)
    failover_may_lose: bool = False
    # When a person is called: for an order in doubt that nobody can be asked about, and for one
    # that is delivered by the provider's word without the value itself. How long an operator waits
    # for a provider's answer.
    case_in_doubt_after_s: float = Field(3600.0, gt=0, le=_MONTH_S)
    case_evidence_after_s: float = Field(900.0, gt=0, le=_MONTH_S)
    reconcile_wait_s: float = Field(20.0, gt=0, le=120)
    # How providers are looked after: how often each is checked and all are looked over, the vends
    # that count, how long checks are kept (days), how long nobody may be able to deliver a product
    # before its sale pauses, and the float under which an operator is told, for all and for some.
    health_check_every_s: float = Field(300.0, ge=0.2, le=86_400)
    health_review_every_s: float = Field(30.0, ge=0.2, le=3600)
    health_window_s: float = Field(3600.0, ge=60, le=7 * 86_400)
    health_kept_days: float = Field(30.0, ge=1, le=3650)
    outage_after_s: float = Field(600.0, ge=1, le=86_400)
    float_low_minor: Minor = 20_000_00
    float_low_of: Annotated[Mapping[str, Minor], NoDecode] = {}
    # How often each hotspot router is looked at (seconds), and how long looks are kept one by one
    # and by the hour (days).
    router_watch_every_s: float = Field(30.0, ge=0.5, le=3600)
    router_looks_kept_days: float = Field(7.0, ge=1, le=365)
    router_hours_kept_days: float = Field(400.0, ge=30, le=3650)
    # The operators' bot, in a process of its own: its token, and where its Bot API is (in demo the
    # sandbox's); whether only another than who asked may confirm, and how long (seconds); when a
    # day is summed up, in the tenant's local time.
    operator_bot_token: SecretStr | None = None
    operator_bot_api_url: str = ""
    operator_second_person: bool = False
    operator_confirm_s: float = Field(120.0, ge=10, le=3600)
    operator_digest_at: dt.time = dt.time(8, 0)
    # When a quiet talk with a person ends (seconds), and how long what was said is kept then
    # (days). How much one customer may write in an hour to operators. How many wrong one-time codes
    # of a customer a day no operator is told of.
    live_chat_idle_s: float = Field(86_400.0, ge=60, le=_MONTH_S)
    live_chat_kept_days: float = Field(90.0, ge=1, le=3650)
    live_chat_messages_an_hour: int = Field(60, ge=5, le=10_000)
    suspicious_codes: int = Field(6, ge=1, le=1000)
    fund_checks_after_s: Annotated[tuple[float, ...], NoDecode] = (
        60, 300, 900, 3600, 86_400, 172_800, 259_200,
    )  # fmt: skip

    @field_validator("requery_after_s", "fund_checks_after_s", mode="before")
    @classmethod
    def _seconds(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        seconds = tuple(float(part) for part in value.split(",") if part.strip())
        if not seconds or not all(math.isfinite(s) and 0 < s <= _MONTH_S for s in seconds):
            raise ValueError("should be seconds above zero, separated by commas, like 5,15,30")
        return seconds

    @field_validator("public_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if value and not _PUBLIC_URL.fullmatch(value):
            raise ValueError("should be like https://shop.example, with a path where it has one")
        return value

    @field_validator("float_low_of", mode="before")
    @classmethod
    def _bounds(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        pairs = (part.partition("=") for part in value.split(",") if part.strip())
        bounds = {name.strip().lower(): amount.strip() for name, _, amount in pairs}
        if not all(name and amount.isdecimal() for name, amount in bounds.items()):
            raise ValueError("should be minor units by provider, like vtpass=5000000,baxi=1000000")
        return {name: int(amount) for name, amount in bounds.items()}

    @field_validator("payment_gateways", mode="before")
    @classmethod
    def _names(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return tuple(part.strip().lower() for part in value.split(",") if part.strip())

    @property
    def demo(self) -> bool:
        return self.env is Environment.DEMO

    @property
    def with_sandbox(self) -> bool:
        return self.demo if self.sandbox is None else self.sandbox

    @property
    def with_withdrawals(self) -> bool:
        return self.demo if self.withdrawals is None else self.withdrawals

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    @property
    def operator_bot(self) -> tuple[str, str]:
        """The token of the operators' bot, and where its Bot API is.

        Raises:
            BadSettings: there is no token.
        """
        url = self.operator_bot_api_url.rstrip("/")
        if self.operator_bot_token is not None:
            sandbox = f"{self.sandbox_url}/telegram" if self.with_sandbox else BOT_API_URL
            return self.operator_bot_token.get_secret_value(), url or sandbox
        if not self.with_sandbox:
            raise BadSettings(
                "CALLBOX_OPERATOR_BOT_TOKEN: the operators' bot needs one, from @BotFather"
            )
        return SANDBOX_OPERATORS_TOKEN, url or f"{self.sandbox_url}/telegram"

    @property
    def outside_url(self) -> str:
        """Where customers' browsers reach the web process, without a slash at the end."""
        return (self.public_url or self.callbox_url).rstrip("/")

    @property
    def callbox_url(self) -> str:
        """Where this machine reaches the web process."""
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104
        return f"http://{host}:{self.port}"


def read_settings() -> Settings:
    """Read and check the environment.

    Raises:
        BadSettings: one line that a person can act on.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        raise bad_setting(error, "CALLBOX_") from None
    _check_together(settings)
    if settings.env is Environment.PRODUCTION:
        _check_production(settings)
    return settings


def bad_setting(error: ValidationError, prefix: str) -> BadSettings:
    """The first thing that is wrong, under the name of its variable, without what it was set to."""
    first = error.errors(include_url=False, include_input=False)[0]
    field = str(first["loc"][0]) if first["loc"] else "settings"
    name = field if field.isupper() else prefix + field.upper()
    return BadSettings(f"{name}: {in_words(first)}")


def _check_together(settings: Settings) -> None:
    """What one field alone cannot say."""
    for name, schemes in _SCHEMES.items():
        url: SecretStr | None = getattr(settings, name.lower())
        if url and not url.get_secret_value().startswith(schemes):
            raise BadSettings(f"{name}: should begin with {' or '.join(schemes)}")
    for low, high in (
        ("airtime_min_minor", "airtime_max_minor"),
        ("fund_min_minor", "fund_max_minor"),
        ("withdraw_min_minor", "withdraw_max_minor"),
        ("turn_wait_s", "turn_deadline_s"),
    ):
        if getattr(settings, low) > getattr(settings, high):
            raise BadSettings(
                f"CALLBOX_{low.upper()}: should be at most CALLBOX_{high.upper()}, "
                f"which is {getattr(settings, high)}"
            )


def _check_production(settings: Settings) -> None:
    if settings.secret_key is None:
        raise BadSettings(
            "CALLBOX_SECRET_KEY: required in production; it encrypts credentials. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(32))'"
        )
    newest = settings.secret_key.get_secret_value().split(",")[0].strip()
    if len(newest) < _KEY_CHARS_MIN:
        raise BadSettings(f"CALLBOX_SECRET_KEY: should have {_KEY_CHARS_MIN} characters or more")
    if settings.with_sandbox:
        raise BadSettings("CALLBOX_SANDBOX: the sandbox sells nothing; it is off in production")


def secret_key(settings: Settings) -> str:
    """The key that encrypts. In demo it is made once and kept in the home folder."""
    if settings.secret_key is not None:
        return settings.secret_key.get_secret_value()
    return _made_once(settings.home / "secret-key")


def admin_token(settings: Settings) -> str | None:
    """The first super-admin token; in demo made once and kept in `$CALLBOX_HOME/admin-token`."""
    if settings.admin_token is not None:
        return settings.admin_token.get_secret_value()
    return _made_once(settings.home / "admin-token") if settings.demo else None


def _made_once(path: Path) -> str:
    """The secret kept in `path`; of several processes that start at once all get the same."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # whole or not at all, and the first wins
        draft.unlink()
    kept = path.read_text().strip()
    if not kept:
        raise BadSettings(f"{path} is empty: remove it, and a new secret is made")
    return kept
