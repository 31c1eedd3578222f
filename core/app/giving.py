"""Gift rooms: what people do with them, and what workers see to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core.app import rules
from core.jobs.gift_fetching import GiftFetching
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.kit.texts import Texts
from core.ports import Customers, Outbox
from core.ports.gifts import GiftRooms
from core.services.deep_links import DeepLinks
from core.services.gift_airtime import GiftAirtime
from core.services.gift_guard import GiftGuard
from core.services.gift_inline import InlineGifts
from core.services.gift_sharing import GiftSharing
from core.services.gifts import Gifts
from core.services.messengers import Messengers
from core.services.purchases import Purchases
from core.settings import Settings
from core.store.channels import PgChannels
from core.store.gift_counts import RedisGiftCounts
from core.store.redis_line import Line
from core.store.tenants import PgTenants

AIRTIME_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Around:
    """What gift rooms need that is there anyway."""

    settings: Settings
    tenants: PgTenants
    customers: Customers
    channels: PgChannels
    outbox: Outbox
    texts: Texts
    clock: Clock


def gifts_of(
    settings: Settings, rooms: GiftRooms, line: Line, keyring: Keyring, clock: Clock
) -> Gifts:
    counts = RedisGiftCounts(line, keyring)
    guard = GiftGuard(counts, rules.guard_rules(settings))
    return Gifts(rooms, guard, counts, rules.terms(settings), keyring, clock)


def sharing_of(around: Around, links: DeepLinks) -> GiftSharing:
    return GiftSharing(
        around.channels,
        links,
        around.outbox,
        around.texts,
        around.clock,
        public_url=around.settings.outside_url,
    )


def inline_of(
    around: Around, gifts: Gifts, sharing: GiftSharing, messengers: Messengers
) -> InlineGifts:
    return InlineGifts(gifts, sharing, around.customers, messengers, around.texts)


def giving_pumps(around: Around, rooms: GiftRooms, purchases: Purchases) -> Sequence[Pump[Any]]:
    """Airtime that was won is bought, and what waits for nothing any more is paid."""
    lease_s = around.settings.errand_lease_s
    airtime = GiftAirtime(
        rooms,
        purchases,
        around.tenants,
        around.customers,
        around.channels,
        around.outbox,
        around.clock,
    )
    fetching = GiftFetching(rooms, around.clock)
    return (
        Pump(
            "gift airtime",
            lambda count: rooms.due_airtime(count, lease_s),
            airtime.pay_out,
            Bell(),
            at_once=AIRTIME_AT_ONCE,
            idle_s=0.5,
        ),
        Pump("gift fetching", fetching.due, fetching.run, Bell(), at_once=4, idle_s=2.0),
    )
