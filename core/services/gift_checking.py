"""Whether chance alone decided: a room's split and draw done again from its published seed."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from core.domain import chance
from core.domain.gifts import Claim, GiftKind, Room
from core.services import gift_wishes
from core.services.gift_wishes import Grain


@dataclass(frozen=True, slots=True)
class Replay:
    """What the seed gives, and whether it is what was given.

    Attributes:
        seal: The seed gives the commitment that was published when the room opened.
        amounts_minor: Of the shares, in the order in which they are won.
        paid: Every winner got one of these shares, each share once; in a draw, the very one of
            the ticket.
        tickets: Those that win, in the order of the shares; none where no lots were drawn.
    """

    seal: bool
    amounts_minor: tuple[int, ...]
    paid: bool
    tickets: tuple[int, ...] = ()

    @property
    def fair(self) -> bool:
        return self.seal and self.paid


def replay(room: Room, won: Sequence[Claim]) -> Replay:
    """`won`: who has, or may still fetch, a share."""
    seed = bytes.fromhex(room.seed)
    grain = Grain(room.floor_minor, room.unit_minor)
    amounts = gift_wishes.amounts(room.total.minor, room.shares, room.split, seed, grain)
    seal = chance.commitment(seed) == room.commitment
    if room.kind is not GiftKind.DRAW or room.drawn_at is None:
        left = Counter(amounts)
        left.subtract(each.amount_minor for each in won)
        return Replay(seal, amounts, paid=min(left.values()) >= 0)
    tickets = chance.draw(seed, room.joined, room.shares)
    given = dict(zip(tickets, amounts, strict=False))
    paid = all(given.get(each.ticket) == each.amount_minor for each in won)
    return Replay(seal, amounts, paid, tickets)
