"""Our money at providers: `/providers/{provider}/float`."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.admin.auth import Access, needing
from api.admin.configuration import ProviderName
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Told, Words, major
from api.admin.prices import Currency, Major, wrong
from api.admin.resource import resource
from core.kit.expected import shaped
from core.kit.money import Money, from_major

_AMOUNT = shaped(r"^[0-9]{1,15}(\.[0-9]{1,4})?$", "should be an amount, like 500000.00")
_AMOUNT_MINOR_MAX = 10**15 - 1


class Float(Answer):
    """`booked` is by our books, `told` by the provider's word: null where `error` says why."""

    provider: str
    booked: str
    told: str | None
    currency: str
    error: str | None


class FundBody(BaseModel):
    """Money that was paid to a provider. The same `reference` with the same amount counts once."""

    model_config = ConfigDict(extra="forbid")

    amount: Major = Field(pattern=_AMOUNT, examples=["500000.00"])
    currency: Currency
    reference: Words = Field(min_length=3, description="Of the bank transfer that paid it.")

    def money(self) -> Money:
        """Raises `ApiError` where it is no amount of that currency."""
        try:
            money = from_major(self.amount, self.currency)
        except ValueError as error:
            raise wrong("amount", str(error)) from None
        if not 0 < money.minor <= _AMOUNT_MINOR_MAX:
            raise wrong("amount", "should be above zero, and no more than a ledger can hold")
        return money


class Funded(Answer):
    """`repeated` says that an earlier request with this reference did it already."""

    id: UUID
    provider: str
    amount: str
    currency: str
    repeated: bool


def router(core: AdminCore) -> APIRouter:
    routes = resource("/providers", "providers")

    @routes.get("/{provider}/float")
    async def show(
        provider: ProviderName,
        access: Annotated[Access, Depends(needing(core, "configuration:read"))],
    ) -> Envelope[Float]:
        """Our money there, by our books and by the provider's own word."""
        found = await core.floats.show(access.tenant_id, provider)
        told = found.told
        return Envelope(
            data=Float(
                provider=provider,
                booked=major(found.booked.minor, found.booked.currency),
                told=major(told.minor, told.currency) if told else None,
                currency=found.booked.currency,
                error=found.why,
            )
        )

    @routes.post("/{provider}/float")
    async def fund(
        provider: ProviderName,
        body: FundBody,
        access: Annotated[Access, Depends(needing(core, "float:fund"))],
    ) -> Told[Funded]:
        """Book money that was sent to a provider, once per reference."""
        given = await core.floats.fund(
            access.tenant_id,
            provider,
            body.money(),
            reference=body.reference,
            actor=access.actor,
        )
        funded = Funded(
            id=given.transfer_id,
            provider=provider,
            amount=major(given.amount.minor, given.amount.currency),
            currency=given.amount.currency,
            repeated=given.repeated,
        )
        return Told(data=funded, message="It was booked before." if given.repeated else "Done.")

    return routes
