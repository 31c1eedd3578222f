"""Who is who: PINs, accounts in chats and what links them, and the channels themselves."""

from dataclasses import dataclass

from core.app import rules
from core.app.ground import Ground
from core.app.stores import Stores
from core.providers.addresses import Reach, objection, reaching
from core.providers.channels import CHANNEL_TESTS
from core.providers.payments import PAYMENT_GATEWAYS
from core.providers.vtu import VTU_PROVIDERS
from core.services.alerts import AlertDesk
from core.services.channel_desk import ChannelDesk
from core.services.deep_links import DeepLinks
from core.services.gifts import Gifts
from core.services.identities import IdentityDesk
from core.services.linking import Linking
from core.services.messengers import Messengers
from core.services.pins import PinRules, Pins
from core.services.suspicions import Suspicions
from core.store.cases import PgCases
from core.store.deep_links import PgDeepLinks


@dataclass(frozen=True, slots=True)
class Joining:
    """What links accounts to customers, and parts them."""

    pins: Pins
    linking: Linking
    desk: IdentityDesk
    links: DeepLinks


def joining(
    ground: Ground, kept: Stores, messengers: Messengers, alerts: AlertDesk, gifts: Gifts
) -> Joining:
    settings, keyring, clock, texts = ground.settings, ground.keyring, ground.clock, ground.texts
    suspicions = Suspicions(kept.unlocks, alerts, rules.suspicion_rules(settings))
    pins = Pins(
        kept.customers,
        kept.outbox,
        keyring,
        clock,
        PinRules(),
        suspicions,
        on_first=gifts.registered,
    )
    desk = IdentityDesk(
        kept.identities,
        kept.customers,
        kept.conversations,
        kept.channels,
        messengers.of,
        texts,
        keyring,
        clock,
    )
    linking = Linking(
        kept.customers,
        kept.identities,
        desk,
        pins,
        kept.unlocks,
        PgCases(ground.database, clock, "customer"),
        clock,
        rules.link_rules(settings),
    )
    links = DeepLinks(
        PgDeepLinks(ground.database, keyring),
        kept.customers,
        linking,
        kept.channels,
        kept.outbox,
        texts,
        keyring,
        clock,
    )
    return Joining(pins, linking, desk, links)


def channel_desk(ground: Ground, kept: Stores) -> ChannelDesk:
    """Opens channels of every kind but USSD's, whose gateways an edge knows."""
    reach = Reach.PUBLIC_OR_HERE if ground.settings.demo else Reach.PUBLIC
    with reaching(reach):
        tests = {kind: make(ground.settings.outside_url) for kind, make in CHANNEL_TESTS.items()}
    for each in tests.values():
        ground.stack.push_async_callback(each.aclose)
    gateways = {
        "telegram": ("telegram",),
        "whatsapp": ("whatsapp",),
        "callback": (*VTU_PROVIDERS, *PAYMENT_GATEWAYS),
    }
    return ChannelDesk(
        kept.channels, gateways, ground.clock, lambda url: objection(url, reach), tests
    )
