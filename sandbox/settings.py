"""What the sandbox may be told, and the demo credentials it knows."""

from pathlib import Path
from typing import Self

from pydantic import model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.kit.errors import Fault

_CREDENTIALS = (
    "vtpass_api_key",
    "vtpass_public_key",
    "vtpass_secret_key",
    "paystack_secret_key",
    "flutterwave_secret_key",
    "flutterwave_secret_hash",
    "monnify_api_key",
    "monnify_secret_key",
    "stripe_secret_key",
    "stripe_webhook_secret",
    "africastalking_api_key",
    "africastalking_username",
    "telegram_token",
    "telegram_operators_token",
    "telegram_webhook_secret",
    "whatsapp_access_token",
    "whatsapp_app_secret",
    "whatsapp_verify_token",
)
_DEMO_MARKS = ("sim", "test", "sandbox")


class SandboxSettings(BaseSettings):
    """Read from `CALLBOX_SANDBOX_*`; every field has the default that the demo uses.

    A credential must say that it is one of the sandbox (`SIM`, `test`), so that a live key put
    here by mistake stops the start instead of travelling through a simulator.

    Attributes:
        database: Where deliveries, payments and messages are kept; None keeps them in memory only.
        callbox_url: The Callbox that webhooks and the phone page reach.
        paystack_webhook_url: Empty means the demo tenant's callback at `callbox_url`.
        vtpass_webhook_url: The same for VTpass.
        flutterwave_webhook_url: The same for Flutterwave's collections.
        monnify_webhook_url: The same for Monnify.
        stripe_webhook_url: The same for Stripe.
        telegram_webhook_url: The demo channel of the customers' bot; setWebhook changes it.
        whatsapp_webhook_url: The same for WhatsApp.
        telegram_operators_token: Of the bot that has no webhook and is asked by getUpdates.
        whatsapp_phone_number_id: The business's number, as the Graph API knows it.
        router_port: Of the demo router's API, on loopback; 0 is any free one.
        vtpass_float: Major units of naira that the float account opens with.
        duplicate_window_s: How long VTpass refuses the same service and number again; 0 never does.
        webhook_backoff_s: The waits between tries of a webhook nobody took.
        chat_backoff_s: The waits between tries of an update of a chat; the last one again and
            again, since they are kept until taken.
        tick_s: How often due deliveries and webhooks are looked for.
    """

    model_config = SettingsConfigDict(env_prefix="CALLBOX_SANDBOX_", extra="ignore")

    database: Path | None = None
    callbox_url: str = "http://127.0.0.1:8000"
    paystack_webhook_url: str = ""
    vtpass_webhook_url: str = ""
    flutterwave_webhook_url: str = ""
    monnify_webhook_url: str = ""
    stripe_webhook_url: str = ""
    telegram_webhook_url: str = ""
    whatsapp_webhook_url: str = ""

    vtpass_api_key: str = "SIM-vtpass-key"
    vtpass_public_key: str = "PK_SIM"
    vtpass_secret_key: str = "SK_SIM"  # noqa: S105 - everybody may know it
    paystack_secret_key: str = "sk_test_SIM"  # noqa: S105 - everybody may know it
    flutterwave_secret_key: str = "FLWSECK_TEST-SIM-X"  # noqa: S105 - everybody may know it
    flutterwave_secret_hash: str = "SIM-flutterwave-hash"  # noqa: S105 - everybody may know it
    monnify_api_key: str = "MK_TEST_SIM"
    monnify_secret_key: str = "SIM-monnify-key"  # noqa: S105 - everybody may know it
    stripe_secret_key: str = "sk_test_SIM"  # noqa: S105 - everybody may know it
    stripe_webhook_secret: str = "whsec_SIM"  # noqa: S105 - everybody may know it
    africastalking_api_key: str = "SIM-at-key"
    africastalking_username: str = "sandbox"
    telegram_token: str = "110201543:SIM-telegram-token"  # noqa: S105 - everybody may know it
    telegram_operators_token: str = "110201544:SIM-operators-token"  # noqa: S105 - everybody may know it
    telegram_webhook_secret: str = "SIM-telegram-secret"  # noqa: S105 - everybody may know it
    whatsapp_access_token: str = "SIM-whatsapp-token"  # noqa: S105 - everybody may know it
    whatsapp_app_secret: str = "SIM-whatsapp-app-secret"  # noqa: S105 - everybody may know it
    whatsapp_verify_token: str = "SIM-whatsapp-verify"  # noqa: S105 - everybody may know it
    whatsapp_phone_number_id: str = "100000000000001"

    router_port: int = 0
    vtpass_float: str = "1000000.00"
    duplicate_window_s: float = 30.0
    webhook_backoff_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0)
    webhook_timeout_s: float = 30.0
    chat_backoff_s: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    tick_s: float = 0.25

    @model_validator(mode="after")
    def _demo_only(self) -> Self:
        for name in _CREDENTIALS:
            value = str(getattr(self, name)).lower()
            if "live" in value or not any(mark in value for mark in _DEMO_MARKS):
                raise Fault(
                    f"CALLBOX_SANDBOX_{name.upper()} does not look like a sandbox credential: "
                    "it must contain SIM, test or sandbox, and the sandbox never takes a live key"
                )
        base = self.callbox_url.rstrip("/")
        self.paystack_webhook_url = self.paystack_webhook_url or f"{base}/callbacks/paystack/demo"
        self.vtpass_webhook_url = self.vtpass_webhook_url or f"{base}/callbacks/vtpass/demo"
        for gateway in ("flutterwave", "monnify", "stripe"):
            field = f"{gateway}_webhook_url"
            setattr(self, field, getattr(self, field) or f"{base}/callbacks/{gateway}/demo")
        self.telegram_webhook_url = self.telegram_webhook_url or f"{base}/telegram/demo"
        self.whatsapp_webhook_url = self.whatsapp_webhook_url or f"{base}/whatsapp/demo"
        return self
