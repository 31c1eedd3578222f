"""Gift rooms for operators: looked at, stopped, ended, and what they may be."""

import contextlib
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Final
from uuid import UUID

import structlog

from core.domain.gifts import (
    CODE_LENGTH,
    Claim,
    GiftTerms,
    Refusal,
    Room,
    RoomState,
    plain_code,
    seed_alert,
)
from core.domain.ledger import AccountKey, AccountType
from core.kit.clock import Clock
from core.kit.errors import Problem
from core.ports import Alerts, Event, Ledger, Tenants
from core.ports.gifts import Figures, GiftRooms, GiftSort
from core.services.gift_checking import Replay, replay

log = structlog.get_logger()

CLAIMS_SHOWN: Final = 200
REFUSALS_SHOWN: Final = 50
REASON_MIN: Final = 3
WENT_ON: Final = "It went on: all that waited was paid, and it is complete."

_SHARES_MAX: Final = 10_000
_BASIS_POINTS_MAX: Final = 5_000
_OPEN_MAX: Final = 1_000
_MINOR_MAX: Final = 10**12 - 1


class UnknownGift(Problem):
    code = "gift.unknown"


class GiftEnded(Problem):
    """It has ended: nothing is left to be stopped, and nothing was done."""

    code = "gift.ended"


class GiftReasonNeeded(Problem):
    """There is no reason, or one of fewer than `REASON_MIN` characters."""

    code = "gift.reason_needed"


class SeedHidden(Problem):
    """The seed is published when the room ends."""

    code = "gift.seed_hidden"


class BadGiftTerms(Problem):
    """What is wrong with them, by field."""

    code = "gift.bad_terms"

    def __init__(self, wrong: Mapping[str, str]) -> None:
        super().__init__(fields=wrong)
        self.fields = wrong

    def __str__(self) -> str:
        return "; ".join(f"{field}: {what}" for field, what in self.fields.items())


@dataclass(frozen=True, slots=True)
class GiftDetail:
    """A room with who took part, who was kept out and why, and what is in escrow by the books."""

    room: Room
    claims: Sequence[Claim]
    refusals: Sequence[Refusal]
    escrow_minor: int


class GiftDesk:
    def __init__(
        self, rooms: GiftRooms, ledger: Ledger, tenants: Tenants, alerts: Alerts, clock: Clock
    ) -> None:
        self._rooms = rooms
        self._ledger = ledger
        self._tenants = tenants
        self._alerts = alerts
        self._clock = clock

    async def listed(
        self,
        tenant_id: UUID,
        *,
        state: RoomState | None,
        search: str,
        count: int,
        offset: int = 0,
        sort_by: GiftSort = "created_at",
        descending: bool = True,
    ) -> tuple[Sequence[Room], int]:
        """Rooms of this tenant, and how many there are in all."""
        return await self._rooms.listed(
            tenant_id,
            state=state,
            search=plain_code(search),
            count=count,
            offset=offset,
            sort_by=sort_by,
            descending=descending,
        )

    async def find(self, tenant_id: UUID, named: str) -> Room:
        """By its id, or its code as people write it. Raises `UnknownGift`."""
        room = None
        code = plain_code(named)
        if len(code) == CODE_LENGTH:
            room = await self._rooms.by_code(tenant_id, code)
        else:
            with contextlib.suppress(ValueError):
                room = await self._rooms.get(tenant_id, UUID(named))
        if room is None:
            raise UnknownGift
        return room

    async def room(self, tenant_id: UUID, room_id: UUID) -> Room:
        """Raises `UnknownGift`."""
        return _there(await self._rooms.get(tenant_id, room_id))

    async def show(self, tenant_id: UUID, room_id: UUID) -> GiftDetail:
        """Raises `UnknownGift`."""
        room = await self.room(tenant_id, room_id)
        escrow = AccountKey(tenant_id, AccountType.ESCROW, str(room.id), room.total.currency)
        balance = await self._ledger.balance(escrow)
        return GiftDetail(
            room=room,
            claims=await self._rooms.claims(tenant_id, room_id, CLAIMS_SHOWN),
            refusals=await self._rooms.refusals(tenant_id, room_id, REFUSALS_SHOWN),
            escrow_minor=balance.posted_minor,
        )

    async def freeze(
        self, tenant_id: UUID, room_id: UUID, *, frozen: bool, reason: str, actor: str
    ) -> Room:
        """Stop a room, or let it go on, which may pay its last share and end it. Twice is once.

        Raises:
            UnknownGift, GiftReasonNeeded: nothing was done.
            GiftEnded: it had ended before.
        """
        kind = "gift.frozen" if frozen else "gift.unfrozen"
        event = _event(room_id, kind, actor, reason)
        changed = await self._rooms.freeze(tenant_id, room_id, frozen=frozen, event=event)
        if changed is None:
            raise UnknownGift
        if changed.room.state.final and not changed.now:
            raise GiftEnded
        log.info(kind, room=str(room_id))
        return changed.room

    async def cancel(self, tenant_id: UUID, room_id: UUID, *, reason: str, actor: str) -> Room:
        """End a room; what nobody won goes back to the giver. Twice is once.

        Raises:
            UnknownGift, GiftReasonNeeded: nothing was done.
            GiftEnded: it had ended otherwise.
        """
        event = _event(room_id, "gift.cancelled", actor, reason)
        now = self._clock.now()
        room = _there(await self._rooms.end(tenant_id, room_id, RoomState.CANCELLED, event, now))
        await self._alerts.close(tenant_id, seed_alert(room))
        if room.state is not RoomState.CANCELLED:
            raise GiftEnded
        log.info("gift.cancelled", room=str(room_id))
        return room

    async def terms(self, tenant_id: UUID) -> tuple[GiftTerms, str]:
        """What rooms may be, and in which currency that is."""
        tenant = await self._tenants.get(tenant_id)
        return await self._rooms.terms(tenant_id), tenant.currency

    async def change(self, tenant_id: UUID, terms: GiftTerms, *, reason: str, actor: str) -> None:
        """Say what new rooms may be; those that are open stay as they are.

        Raises:
            BadGiftTerms, GiftReasonNeeded: nothing was done.
        """
        _check(terms)
        before = asdict(await self._rooms.terms(tenant_id))
        changed = {name: now for name, now in asdict(terms).items() if before[name] != now}
        if not changed:
            return
        facts = {
            "reason": _said(reason),
            "before": {name: before[name] for name in changed},
            "after": changed,
        }
        event = Event(f"gift_terms/{tenant_id}", "gift.terms_changed", actor, facts)
        await self._rooms.set_terms(tenant_id, terms, event)

    async def figures(self, tenant_id: UUID, since: dt.datetime, until: dt.datetime) -> Figures:
        """Of rooms that were opened from `since` on and before `until`."""
        return await self._rooms.figures(tenant_id, since, until)

    async def verify(self, room: Room) -> Replay:
        """Do its split and its draw again, from the seed, and compare.

        Raises:
            SeedHidden: it has not ended yet.
        """
        if not room.seed:
            raise SeedHidden
        won = await self._rooms.winners(room.tenant_id, room.id, room.shares)
        return replay(room, won)


def _there(room: Room | None) -> Room:
    if room is None:
        raise UnknownGift
    return room


def _event(room_id: UUID, kind: str, actor: str, reason: str) -> Event:
    return Event(str(room_id), kind, actor, {"reason": _said(reason)})


def _said(reason: str) -> str:
    words = reason.strip()
    if len(words) < REASON_MIN:
        raise GiftReasonNeeded
    return words


def _check(terms: GiftTerms) -> None:
    """Raises `BadGiftTerms`."""
    bounds = {
        "total_min_minor": (1, _MINOR_MAX),
        "total_max_minor": (terms.total_min_minor, _MINOR_MAX),
        "day_max_minor": (terms.total_min_minor, _MINOR_MAX),
        "shares_max": (1, _SHARES_MAX),
        "fee_basis_points": (0, _BASIS_POINTS_MAX),
        "open_max": (1, _OPEN_MAX),
    }
    given = {field.name: getattr(terms, field.name) for field in fields(terms)}
    wrong = {
        name.removesuffix("_minor"): f"should be from {least} to {most}"
        for name, (least, most) in bounds.items()
        if not least <= given[name] <= most
    }
    if wrong:
        raise BadGiftTerms(wrong)
