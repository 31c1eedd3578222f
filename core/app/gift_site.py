"""Gift rooms as everybody sees them on a page, and as operators do."""

from dataclasses import dataclass

from core.app import rules
from core.app.giving import Around
from core.kit.crypto import Keyring
from core.ports import Ledger
from core.ports.gifts import GiftRooms
from core.providers.pictures.gifts import DrawnGifts
from core.services.gift_desk import GiftDesk
from core.services.gift_pages import Counting, GiftPages
from core.services.gift_pictures import GiftPictures
from core.services.gift_sharing import GiftSharing
from core.services.gift_ways import GiftWays
from core.services.gifts import Gifts
from core.services.linking import Counter
from core.services.pins import Pins
from core.store.gift_counts import RedisGiftCounts
from core.store.redis_line import Line


@dataclass(frozen=True, slots=True)
class GiftFront:
    """What the page of a gift is made of, and the operators' desk."""

    pages: GiftPages
    pictures: GiftPictures
    desk: GiftDesk


def gift_front(
    around: Around,
    rooms: GiftRooms,
    gifts: Gifts,
    sharing: GiftSharing,
    pins: Pins,
    counter: Counter,
    line: Line,
    keyring: Keyring,
    ledger: Ledger,
) -> GiftFront:
    pages = GiftPages(
        rooms,
        gifts,
        GiftWays(sharing, around.channels),
        around.tenants,
        around.customers,
        pins,
        Counting(counter, RedisGiftCounts(line, keyring)),
        keyring,
        around.clock,
        rules.gift_page_rules(around.settings),
    )
    airtime = rules.terms(around.settings)
    return GiftFront(
        pages,
        GiftPictures(around.texts, DrawnGifts()),
        GiftDesk(rooms, ledger, around.tenants, airtime, around.clock),
    )
