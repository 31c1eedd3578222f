"""Gift rooms as the admin API writes them."""

import datetime as dt
from collections.abc import Mapping
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from api.admin.auth import Access
from api.admin.envelope import Answer, Words, major
from api.admin.errors import ApiError
from api.admin.prices import Currency, Price
from core.domain.gifts import AirtimeState, Claim, ClaimState, GiftTerms, Refusal, Room, RoomState
from core.kit.money import from_major
from core.kit.msisdn import masked
from core.ports.gifts import Figures
from core.services.gift_desk import GiftDetail


class GiftRoomShown(Answer):
    """`taken` counts shares that are won now, `joined` people who took part.

    `seed` is published when the room has ended; `commitment` is its SHA-256, published from the
    start. Numbers are masked for a token that may not read users.
    """

    id: UUID
    code: str
    kind: str
    split: str
    pay_out: str
    door: str
    status: RoomState
    creator_id: UUID
    creator: str
    message: str
    total: str
    fee: str
    paid: str
    returned: str
    currency: str
    shares: int
    taken: int
    joined: int
    seats: int
    created_at: dt.datetime
    expires_at: dt.datetime
    draw_at: dt.datetime | None
    drawn_at: dt.datetime | None
    ended_at: dt.datetime | None
    commitment: str
    seed: str | None


class ClaimShown(Answer):
    """`airtime`: how it stands, where it was won; `kept` and `unsure`: it went to the wallet."""

    customer_id: UUID
    phone: str
    status: ClaimState
    amount: str
    ticket: int
    at: dt.datetime
    reserved_until: dt.datetime | None
    transaction: str | None
    airtime: AirtimeState | None
    new_customer: bool


class RefusalShown(Answer):
    """Why somebody was kept out."""

    customer_id: UUID
    why: str
    facts: Mapping[str, str | int]
    at: dt.datetime


class GiftRoomDetail(GiftRoomShown):
    """`escrow` is what the books hold of it now."""

    escrow: str
    claims: list[ClaimShown]
    refusals: list[RefusalShown]


class ReasonBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Words = Field(min_length=3)


class GiftSettings(BaseModel):
    """What new rooms may be. `fee_basis_points` come on top of the gift; 100 is one per cent.

    `open_max` and `day_max` are of one customer: rooms at a time, and given in one day.
    """

    model_config = ConfigDict(extra="forbid")

    enabled: bool
    total_min: Price
    total_max: Price
    day_max: Price
    currency: Currency
    shares_max: int
    fee_basis_points: int
    open_max: int


class GiftSettingsBody(GiftSettings):
    reason: Words = Field(min_length=3)


class GiftFigures(Answer):
    """Of rooms that were opened in a time.

    `claim_rate` is shares won of all shares, `participation` people a room, `viral_coefficient`
    new customers that came by a gift for each customer who gave; null where there were none.
    """

    since: dt.datetime
    until: dt.datetime
    currency: str
    rooms: int
    creators: int
    given: str
    paid: str
    returned: str
    shares: int
    won: int
    joined: int
    participation: float | None
    claim_rate: float | None
    new_customers: int
    viral_coefficient: float | None


def _number(msisdn: str, access: Access) -> str:
    return msisdn if access.caller.may("users:read") else masked(msisdn)


def room_of(room: Room, access: Access) -> GiftRoomShown:
    return GiftRoomShown.model_validate(_fields(room, access))


def _fields(room: Room, access: Access) -> dict[str, object]:
    currency = room.total.currency
    return {
        "id": room.id,
        "code": room.code,
        "kind": room.kind.value,
        "split": room.split.value,
        "pay_out": room.pay_out.value,
        "door": room.door.value,
        "status": room.state,
        "creator_id": room.creator_id,
        "creator": _number(room.creator_msisdn, access),
        "message": room.message,
        "total": major(room.total.minor, currency),
        "fee": major(room.fee_minor, currency),
        "paid": major(room.paid_minor, currency),
        "returned": major(room.returned_minor, currency),
        "currency": currency,
        "shares": room.shares,
        "taken": room.taken,
        "joined": room.joined,
        "seats": room.seats,
        "created_at": room.created_at,
        "expires_at": room.expires_at,
        "draw_at": room.draw_at,
        "drawn_at": room.drawn_at,
        "ended_at": room.ended_at,
        "commitment": room.commitment,
        "seed": room.seed or None,
    }


def detail_of(found: GiftDetail, access: Access) -> GiftRoomDetail:
    currency = found.room.total.currency
    return GiftRoomDetail.model_validate(
        {
            **_fields(found.room, access),
            "escrow": major(found.escrow_minor, currency),
            "claims": [_claim(claim, currency, access) for claim in found.claims],
            "refusals": [_refusal(each) for each in found.refusals],
        }
    )


def _claim(claim: Claim, currency: str, access: Access) -> ClaimShown:
    return ClaimShown(
        customer_id=claim.customer_id,
        phone=_number(claim.msisdn, access),
        status=claim.state,
        amount=major(claim.amount_minor, currency),
        ticket=claim.ticket,
        at=claim.at,
        reserved_until=claim.reserved_until,
        transaction=claim.order_reference or None,
        airtime=claim.airtime,
        new_customer=claim.new_here,
    )


def _refusal(refusal: Refusal) -> RefusalShown:
    return RefusalShown(
        customer_id=refusal.customer_id, why=refusal.why, facts=refusal.facts, at=refusal.at
    )


def settings_of(terms: GiftTerms, currency: str) -> GiftSettings:
    return GiftSettings(
        enabled=terms.on,
        total_min=major(terms.total_min_minor, currency),
        total_max=major(terms.total_max_minor, currency),
        day_max=major(terms.day_max_minor, currency),
        currency=currency,
        shares_max=terms.shares_max,
        fee_basis_points=terms.fee_basis_points,
        open_max=terms.open_max,
    )


def terms_of(body: GiftSettings, currency: str) -> GiftTerms:
    """Raises `ApiError` where something is no amount of that currency."""
    if body.currency != currency:
        raise wrong({"currency": f"should be {currency}"})
    minor = {}
    for name in ("total_min", "total_max", "day_max"):
        try:
            minor[f"{name}_minor"] = from_major(getattr(body, name), currency).minor
        except ValueError as error:
            raise wrong({name: str(error)}) from None
    return GiftTerms(
        shares_max=body.shares_max,
        fee_basis_points=body.fee_basis_points,
        open_max=body.open_max,
        on=body.enabled,
        **minor,
    )


def figures_of(found: Figures, since: dt.datetime, until: dt.datetime) -> GiftFigures:
    return GiftFigures(
        since=since,
        until=until,
        currency=found.currency,
        rooms=found.rooms,
        creators=found.creators,
        given=major(found.given_minor, found.currency),
        paid=major(found.paid_minor, found.currency),
        returned=major(found.returned_minor, found.currency),
        shares=found.shares,
        won=found.won,
        joined=found.joined,
        participation=_rate(found.joined, found.rooms),
        claim_rate=_rate(found.won, found.shares),
        new_customers=found.brought,
        viral_coefficient=_rate(found.brought, found.creators),
    )


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def wrong(fields: Mapping[str, str]) -> ApiError:
    return ApiError(422, "request.invalid", "The request is not valid.", fields)
