"""What looks after gift rooms while nobody looks."""

from collections.abc import Sequence
from typing import Any

from core.jobs.gifts import GiftDraws, GiftEnds
from core.jobs.workers import Pump
from core.kit.bell import Bell
from core.kit.clock import Clock
from core.kit.crypto import Keyring
from core.ports.gifts import GiftRooms
from core.settings import Settings


def gift_pumps(
    settings: Settings, rooms: GiftRooms, keyring: Keyring, clock: Clock
) -> Sequence[Pump[Any]]:
    """Ends rooms and reservations whose time is over, and draws lots."""
    ends = GiftEnds(rooms, clock)
    draws = GiftDraws(rooms, keyring, clock, lease_s=settings.errand_lease_s)
    return (
        Pump("gift ends", ends.due, ends.note, Bell(), at_once=1, idle_s=0.5),
        Pump("gift draws", draws.due, draws.draw, Bell(), at_once=2, idle_s=0.5),
    )
