"""Customers and their wallets: `/users`."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict, Field

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Listing, PageQuery, Told, Words, major
from api.admin.errors import ApiError
from api.admin.prices import Currency, Price, wrong
from api.admin.resource import resource
from core.domain.customers import Customer
from core.kit.expected import shaped
from core.kit.money import Money, from_major
from core.ports import CustomerQuery

_AMOUNT_MINOR_MAX = 10**12 - 1
_PHONE = shaped(r"^[ +]?[0-9][0-9 -]{6,24}$", "should be a whole number, like 08031234567")
_COLUMNS = {"created_at": "created_at", "phone": "msisdn"}


class User(Answer):
    """A customer, known by the number: `phone` is as networks write it, `2348031234567`."""

    id: UUID
    phone: str
    status: str
    language: str
    pin_set: bool
    created_at: dt.datetime


class Wallet(Answer):
    """`available` can be spent; `held` is set aside for orders under way."""

    available: str
    held: str
    currency: str


class IdentityShown(Answer):
    """By what a user is known on a kind of channel: enough of it to tell two apart."""

    kind: str
    identity: str
    linked_at: dt.datetime
    reachable: bool


class UserDetail(User):
    wallet: Wallet
    identities: list[IdentityShown]


class UnlinkBody(BaseModel):
    """`identity` in full, or as it is shown."""

    model_config = ConfigDict(extra="forbid")

    kind: Words = Field(min_length=1)
    identity: Words = Field(min_length=1)
    reason: Words = Field(min_length=3)


class ReleaseBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Words = Field(min_length=3)


class CreditBody(BaseModel):
    """Money for a customer. The same `idempotency_key` with the same content counts once."""

    model_config = ConfigDict(extra="forbid")

    amount: Price = Field(examples=["500.00"])
    currency: Currency
    reason: Words = Field(min_length=3)
    idempotency_key: Words = Field(min_length=1)

    def money(self) -> Money:
        """Raises `ApiError` where it is no amount of that currency."""
        try:
            money = from_major(self.amount, self.currency)
        except ValueError as error:
            raise wrong("amount", str(error)) from None
        if not 0 < money.minor <= _AMOUNT_MINOR_MAX:
            raise wrong("amount", "should be above zero, and no more than a wallet can hold")
        return money


class Credited(Answer):
    """`repeated` says that an earlier request with this key did it already."""

    id: UUID
    amount: str
    currency: str
    repeated: bool
    wallet: Wallet


def router(core: AdminCore) -> APIRouter:
    routes = resource("/users", "users")
    reads = Depends(needing(core, "users:read"))
    writes = Depends(needing(core, "users:write"))

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        page: Annotated[PageQuery, Depends()],
        search: Annotated[Words, Query(description="A number in any form, or part of it.")] = "",
        phone: Annotated[
            str | None,
            Query(description="A whole number in any form.", pattern=_PHONE),
        ] = None,
        status: Literal["active", "released"] | None = None,
        sort_by: Literal["created_at", "phone"] = "created_at",
    ) -> Listing[User]:
        """Customers of this tenant, the latest first."""
        tenant, query = access.tenant_id, CustomerQuery(search.strip(), status, phone)
        rows = await core.backoffice.customers(tenant, query, page.paging(_COLUMNS[sort_by]))
        total = await core.backoffice.customer_count(tenant, query) if page.counted else None
        last = page.last_shown(rows)
        follows = last is not None and sort_by == "created_at"
        place = (last.created_at, last.id) if last and follows else None
        shown, pagination = page.listing(rows, total, place=place)
        return Listing(data=[User(**_fields(row)) for row in shown], pagination=pagination)

    @routes.get("/{user_id}")
    async def show(user_id: UUID, access: Annotated[Access, reads]) -> Envelope[UserDetail]:
        """One customer with the wallet and the linked identities."""
        return Envelope(data=await _detail(core, await _customer(core, access, user_id)))

    @routes.post("/{user_id}/unlink")
    async def unlink(
        user_id: UUID, body: UnlinkBody, access: Annotated[Access, writes]
    ) -> Told[UserDetail]:
        """Take an identity off a customer: what it was at ends at once."""
        customer = await _customer(core, access, user_id)
        await core.identities.unlink(
            customer, body.kind, body.identity, reason=body.reason, actor=access.actor
        )
        return Told(data=await _detail(core, customer), message="It can do nothing any more.")

    @routes.post("/{user_id}/release")
    async def release(
        user_id: UUID, body: ReleaseBody, access: Annotated[Access, writes]
    ) -> Told[UserDetail]:
        """Give a number free that is another person's now. Wallet and history stay where they are.

        Whoever comes with that number next is a new customer.
        """
        customer = await _customer(core, access, user_id)
        await core.identities.release(customer, reason=body.reason, actor=access.actor)
        released = await _customer(core, access, user_id)
        return Told(data=await _detail(core, released), message="The number is free.")

    @routes.post("/{user_id}/credit")
    async def credit(
        user_id: UUID,
        body: CreditBody,
        access: Annotated[Access, Depends(needing(core, "users:credit"))],
    ) -> Told[Credited]:
        """Put money into a customer's wallet, from outside, once per key."""
        customer = await _customer(core, access, user_id)
        given = await core.credits.give(
            customer,
            body.money(),
            reason=body.reason,
            key=body.idempotency_key,
            actor=access.actor,
        )
        credited = Credited(
            id=given.transfer_id,
            amount=major(given.amount.minor, given.amount.currency),
            currency=given.amount.currency,
            repeated=given.repeated,
            wallet=await _wallet(core, customer),
        )
        return Told(data=credited, message="It was credited before." if given.repeated else "Done.")

    return routes


async def _customer(core: AdminCore, access: Access, user_id: UUID) -> Customer:
    found = await core.backoffice.customer(access.tenant_id, user_id)
    if found is None:
        raise ApiError(404, "user.unknown", "There is no such user.")
    return found


async def _detail(core: AdminCore, customer: Customer) -> UserDetail:
    identities = [
        IdentityShown(
            kind=each.kind,
            identity=each.shown,
            linked_at=each.linked_at,
            reachable=each.reachable,
        )
        for each in await core.identities.of(customer)
    ]
    wallet = await _wallet(core, customer)
    return UserDetail(**_fields(customer), wallet=wallet, identities=identities)


async def _wallet(core: AdminCore, customer: Customer) -> Wallet:
    balance = await core.credits.wallet(customer)
    return Wallet(
        available=major(balance.available_minor, balance.currency),
        held=major(balance.held_minor, balance.currency),
        currency=balance.currency,
    )


def _fields(customer: Customer) -> dict[str, object]:
    return {
        "id": customer.id,
        "phone": customer.msisdn,
        "status": customer.status,
        "language": customer.language,
        "pin_set": customer.pin_set,
        "created_at": customer.created_at,
    }
