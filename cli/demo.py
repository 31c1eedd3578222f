"""The demo tenant: everything wired to the sandbox, with keys anybody may know."""

from collections.abc import Sequence
from dataclasses import replace

from core.app import Core
from core.domain.customers import Tenant
from core.domain.hotspot import STANDARD_PROFILES, HotspotPlan, Place, Router
from core.domain.routers import RouterAccess
from core.domain.turns import Channel
from core.kit import ids
from core.ports import Event
from ussd.gateways import GATEWAYS

SERVICE_CODE = "*347*100#"
_KEY = "demo"
_SEEDED = Event("demo", "hotspot.seeded", "demo", {})
_PRICES = {
    "1GB-DAILY": 300_00,
    "UNLIMITED-DAILY": 500_00,
    "5GB-WEEKLY": 1_200_00,
    "UNLIMITED-WEEKLY": 2_500_00,
    "20GB-MONTHLY": 4_000_00,
    "UNLIMITED-MONTHLY": 8_000_00,
}
_DEAR = 4_000_00  # from here on none is made before somebody pays: a stolen router has them too

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
    await _hotspot(core)
    gateways = dict.fromkeys((*core.payment_gateways, *core.payout_gateways))
    for source in (*core.vtu_providers, *gateways):
        await core.channels.ensure(_channel("callback", source), now)


async def _hotspot(core: Core) -> None:
    """A router of the sandbox that sells the standard plans. What operators changed stays so."""
    sites, now = core.hotspots, core.clock.now()
    known = {plan.code for plan in await sites.plans.listed(TENANT.id)}
    for code, price in _PRICES.items():
        if code not in known:
            profile = STANDARD_PROFILES[code]
            plan = HotspotPlan(
                id=ids.derived("plan", _KEY, code),
                tenant_id=TENANT.id,
                code=code,
                name=profile.name,
                terms=profile.terms,
                price_minor=price,
                currency=TENANT.currency,
                pooled=price < _DEAR,
            )
            await sites.plans.save(plan, _SEEDED, now)
    router = Router(
        id=ids.derived("router", _KEY),
        tenant_id=TENANT.id,
        name="Callbox Cafe",
        access=RouterAccess(
            host="127.0.0.1",
            username="callbox",
            password="SIM-router",  # noqa: S106 - everybody may know it
            port=core.settings.sandbox_router_port,
        ),
        login_url="http://login.wifi/login",
        place=Place("12 Marina, Lagos"),
    )
    if not await sites.routers.add(router, _SEEDED, now):
        await _moved(core, router)


async def _moved(core: Core, router: Router) -> None:
    """The sandbox's router may listen elsewhere than at the last start."""
    kept = await core.hotspots.routers.get(TENANT.id, router.id)
    if kept is None or kept.access.host != router.access.host:
        return
    if kept.access.port != router.access.port:
        there = replace(kept, access=replace(kept.access, port=router.access.port))
        await core.hotspots.routers.change(there, _SEEDED, core.clock.now())


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
