"""Gift rooms: what people do with them, what everybody sees, and what workers see to."""

from dataclasses import dataclass
from typing import Any

from core.app import rules
from core.app.ground import Ground
from core.app.people import Joining
from core.app.stores import Stores
from core.jobs.gift_fetching import GiftFetching
from core.jobs.gifts import GiftDraws, GiftEnds
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports import Alerts
from core.providers.pictures.gifts import DrawnGifts
from core.services.gift_airtime import GiftAirtime
from core.services.gift_desk import GiftDesk
from core.services.gift_guard import GiftGuard
from core.services.gift_inline import InlineGifts
from core.services.gift_pages import Counting, GiftPages
from core.services.gift_pictures import GiftPictures
from core.services.gift_reminding import GiftReminding
from core.services.gift_sharing import GiftSharing
from core.services.gift_ways import GiftWays
from core.services.gifts import Gifts
from core.services.messengers import Messengers
from core.services.purchases import Purchases
from core.store.gift_counts import RedisGiftCounts
from core.store.gifts import PgGiftRooms

AIRTIME_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Rooms:
    """Gift rooms and who may open one."""

    book: PgGiftRooms
    counts: RedisGiftCounts
    gifts: Gifts


def rooms(ground: Ground, alerts: Alerts) -> Rooms:
    settings, keyring, clock = ground.settings, ground.keyring, ground.clock
    book = PgGiftRooms(ground.database, keyring, clock)
    ground.stack.push_async_callback(book.close)
    counts = RedisGiftCounts(ground.line, keyring)
    guard = GiftGuard(counts, rules.guard_rules(settings))
    gifts = Gifts(book, guard, counts, rules.terms(settings), keyring, clock, alerts)
    return Rooms(book, counts, gifts)


@dataclass(frozen=True, slots=True)
class GiftFront:
    """How rooms are shared and shown: links, inline answers, pages, pictures, operators' desk."""

    sharing: GiftSharing
    inline: InlineGifts
    pages: GiftPages
    pictures: GiftPictures
    desk: GiftDesk


def gift_front(
    ground: Ground,
    kept: Stores,
    opened: Rooms,
    joined: Joining,
    messengers: Messengers,
    alerts: Alerts,
) -> GiftFront:
    settings, texts, clock = ground.settings, ground.texts, ground.clock
    sharing = GiftSharing(
        kept.channels, joined.links, kept.outbox, texts, clock, public_url=settings.outside_url
    )
    pages = GiftPages(
        opened.book,
        opened.gifts,
        GiftWays(sharing, kept.channels),
        kept.tenants,
        kept.customers,
        joined.pins,
        Counting(kept.unlocks, opened.counts),
        ground.keyring,
        clock,
        rules.gift_page_rules(settings),
    )
    return GiftFront(
        sharing=sharing,
        inline=InlineGifts(opened.gifts, sharing, kept.customers, messengers, texts),
        pages=pages,
        pictures=GiftPictures(texts, DrawnGifts()),
        desk=GiftDesk(opened.book, kept.ledger, kept.tenants, alerts, clock),
    )


def gift_pumps(
    ground: Ground,
    kept: Stores,
    opened: Rooms,
    purchases: Purchases,
    sharing: GiftSharing,
    alerts: Alerts,
) -> tuple[Pump[Any], ...]:
    """Rooms end, airtime that was won is bought, and what waits is paid or reminded of."""
    book, clock, lease_s = opened.book, ground.clock, ground.settings.errand_lease_s
    airtime = GiftAirtime(
        book, purchases, kept.tenants, kept.customers, kept.channels, kept.outbox, clock
    )
    fetching = GiftFetching(book, clock)
    reminding = GiftReminding(book, sharing, kept.outbox, clock)
    return (
        *ending_pumps(book, ground.keyring, alerts, clock, lease_s=lease_s),
        Pump(
            "gift airtime",
            lambda count: book.due_airtime(count, lease_s),
            airtime.pay_out,
            Bell(),
            at_once=AIRTIME_AT_ONCE,
            idle_s=0.5,
        ),
        Pump(
            "gift reminders",
            lambda count: book.due_reminders(count, lease_s),
            reminding.remind,
            Bell(),
            at_once=4,
            idle_s=5.0,
        ),
        Pump("gift fetching", fetching.due, fetching.run, Bell(), at_once=4, idle_s=2.0),
    )


def ending_pumps(
    book: PgGiftRooms, keyring: Keyring, alerts: Alerts, clock: Clock, *, lease_s: float
) -> tuple[Pump[Any], ...]:
    """Ends rooms and reservations whose time is over, and draws lots."""
    ends = GiftEnds(book, clock)
    draws = GiftDraws(book, keyring, alerts, clock, lease_s=lease_s)
    return (
        Pump("gift ends", ends.due, ends.note, Bell(), at_once=1, idle_s=0.5),
        Pump("gift draws", draws.due, draws.draw, Bell(), at_once=2, idle_s=0.5),
    )
