"""Gift rooms in memory: the port as far as services need it, for tests of services alone."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from core.domain.gifts import (
    RESERVED_FOR,
    Claim,
    Claimed,
    Claiming,
    ClaimState,
    GiftTerms,
    NewClaim,
    NewRoom,
    Opening,
    PayOut,
    Refusal,
    Room,
    RoomState,
)
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.ports.administration import Event
from core.ports.gifts import DueAirtime

CREATOR = Msisdn("2348030000001")


@dataclass
class Rooms:
    """`opening` is what the next ones become, each once; `asked` counts looks at a code."""

    rules: GiftTerms = field(default_factory=GiftTerms)
    opening: list[Opening] = field(default_factory=list)
    new: dict[UUID, NewRoom] = field(default_factory=dict)
    states: dict[UUID, RoomState] = field(default_factory=dict)
    kept: dict[UUID, list[Claim]] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    ordered: dict[tuple[UUID, UUID], str] = field(default_factory=dict)
    asked: int = 0

    async def terms(self, tenant_id: UUID) -> GiftTerms:
        return self.rules

    async def open(self, room: NewRoom, terms: GiftTerms, day_starts_at: dt.datetime) -> Opening:
        if self.opening:
            return self.opening.pop(0)
        if room.id in self.new:
            return Opening.CONFLICT
        self.new[room.id] = room
        self.states[room.id] = RoomState.OPEN
        self.kept[room.id] = []
        return Opening.OPENED

    async def get(self, tenant_id: UUID, room_id: UUID) -> Room | None:
        new = self.new.get(room_id)
        return self._room(new) if new is not None else None

    async def by_code(self, tenant_id: UUID, code: str) -> Room | None:
        self.asked += 1
        return next((self._room(new) for new in self.new.values() if new.code == code), None)

    async def mine(self, tenant_id: UUID, creator_id: UUID, count: int) -> Sequence[Room]:
        return [self._room(new) for new in self.new.values() if new.creator_id == creator_id]

    async def mine_in(self, tenant_id: UUID, room_id: UUID, customer_id: UUID) -> Claim | None:
        return next((one for one in self.kept[room_id] if one.customer_id == customer_id), None)

    async def claims(
        self, tenant_id: UUID, room_id: UUID, count: int, after: int = 0
    ) -> Sequence[Claim]:
        return self.kept[room_id][after : after + count]

    async def claim(self, claim: NewClaim) -> Claimed:
        new, kept = self.new[claim.room_id], self.kept[claim.room_id]
        if len(kept) >= len(new.amounts_minor):
            return Claimed(Claiming.FULL)
        amount = new.amounts_minor[len(kept)]
        paid = claim.registered or new.pay_out is PayOut.AIRTIME
        until = None if paid else claim.at + RESERVED_FOR
        kept.append(
            Claim(
                customer_id=claim.customer_id,
                msisdn=Msisdn("2348031234567"),
                state=ClaimState.PAID if paid else ClaimState.RESERVED,
                amount_minor=amount,
                ticket=0,
                at=claim.at,
                reserved_until=until,
                order_reference="",
                new_here=claim.new_here,
            )
        )
        return Claimed(Claiming.PAID if paid else Claiming.RESERVED, amount, 0, until)

    async def registered(
        self, tenant_id: UUID, customer_id: UUID, at: dt.datetime, *, tell: bool = False
    ) -> int:
        paid = 0
        for kept in self.kept.values():
            for place, one in enumerate(kept):
                if one.customer_id == customer_id and one.state is ClaimState.RESERVED:
                    kept[place] = replace(one, state=ClaimState.PAID, reserved_until=None)
                    paid += 1
        return paid

    async def unfetched(self, count: int) -> Sequence[tuple[UUID, UUID]]:
        return [
            (self.new[room_id].tenant_id, one.customer_id)
            for room_id, kept in self.kept.items()
            for one in kept
            if one.state is ClaimState.RESERVED
        ][:count]

    async def end(
        self, tenant_id: UUID, room_id: UUID, state: RoomState, event: Event, at: dt.datetime
    ) -> Room | None:
        if not self.states[room_id].final:
            self.states[room_id] = state
        return await self.get(tenant_id, room_id)

    async def refuse(self, tenant_id: UUID, refusal: Refusal) -> None:
        self.refused.append(refusal)

    async def airtime_ordered(self, due: DueAirtime, order_reference: str) -> None:
        self.ordered[due.room_id, due.customer_id] = order_reference

    def _room(self, new: NewRoom) -> Room:
        kept, total = self.kept[new.id], sum(new.amounts_minor)
        paid = sum(one.amount_minor for one in kept if one.state is ClaimState.PAID)
        state = self.states[new.id]
        return Room(
            id=new.id,
            tenant_id=new.tenant_id,
            creator_id=new.creator_id,
            creator_msisdn=CREATOR,
            code=new.code,
            token=new.token,
            kind=new.kind,
            split=new.split,
            pay_out=new.pay_out,
            door=new.door,
            state=state,
            total=Money(total, new.currency),
            shares=len(new.amounts_minor),
            taken=len(kept),
            joined=len(kept),
            paid_minor=paid,
            returned_minor=total - paid if state.final else 0,
            reserved_minor=sum(one.amount_minor for one in kept if one.reserved_until),
            fee_minor=new.fee_minor,
            message=new.message,
            from_name=new.from_name,
            question=new.question,
            answers=new.answers,
            commitment=new.commitment,
            seed="",
            created_at=new.created_at,
            expires_at=new.expires_at,
            ended_at=None,
            draw_at=new.draw_at,
            seats=new.seats,
            drawn_at=None,
            floor_minor=new.floor_minor,
            unit_minor=new.unit_minor,
        )
