"""The demo tenant: everything wired to the sandbox, with keys anybody may know."""

from collections.abc import Sequence
from dataclasses import replace

from core.app import Core
from core.domain.customers import Tenant
from core.domain.turns import Channel
from core.kit import ids
from ussd.gateways import GATEWAYS

SERVICE_CODE = "*347*100#"
_KEY = "demo"

TENANT = Tenant(
    id=ids.derived("tenant", "demo"),
    key="demo",
    name="Callbox demo",
    country="NG",
    currency="NGN",
    time_zone="Africa/Lagos",
)


async def seed(core: Core) -> None:
    """Make the demo tenant and its channels, or bring them up to date. Safe to repeat."""
    now = core.clock.now()
    await core.tenants.ensure(TENANT, now)
    for channel in _chats(core.settings.sandbox_url):
        await core.channels.ensure(channel, now)
    for gateway in GATEWAYS:
        await core.channels.ensure(_channel("ussd", gateway, SERVICE_CODE), now)
    gateways = dict.fromkeys((*core.payment_gateways, *core.payout_gateways))
    for source in (*core.vtu_providers, *gateways):
        await core.channels.ensure(_channel("callback", source), now)


def _chats(sandbox_url: str) -> Sequence[Channel]:
    """A Telegram bot and a WhatsApp number, at the sandbox."""
    telegram = replace(
        _channel("telegram", "telegram"),
        settings={"api_base_url": f"{sandbox_url}/telegram", "username": "callbox_demo_bot"},
        credentials={
            "token": "110201543:SIM-telegram-token",
            "webhook_secret": "SIM-telegram-secret",
        },
    )
    whatsapp = replace(
        _channel("whatsapp", "whatsapp"),
        settings={
            "api_base_url": f"{sandbox_url}/whatsapp",
            "api_version": "v26.0",
            "phone_number_id": "100000000000001",
            "number": "+15550000001",
            "template": {"name": "callbox_notice", "language": "en"},
        },
        credentials={
            "access_token": "SIM-whatsapp-token",
            "app_secret": "SIM-whatsapp-app-secret",
            "verify_token": "SIM-whatsapp-verify",
        },
    )
    return telegram, whatsapp


def _channel(kind: str, gateway: str, service_code: str = "") -> Channel:
    return Channel(
        id=ids.derived("channel", _KEY, gateway),
        tenant_id=TENANT.id,
        kind=kind,
        gateway=gateway,
        key=_KEY,
        service_code=service_code,
    )
