"""Orders: `/transactions`."""

import datetime as dt
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.admin.auth import Access, needing
from api.admin.core import AdminCore
from api.admin.envelope import Answer, Envelope, Listing, PageQuery, Told, Words, major
from api.admin.resource import resource
from core.domain.orders import FINAL, OrderState
from core.domain.vending import Product, Result
from core.kit.expected import shaped
from core.ports import AttemptView, EntryView, ListedOrder, OrderDetail, OrderQuery
from core.ports.desk import Acted, Learned
from core.ports.desk import Answer as Booked
from core.services.order_actions import WORDS_MIN, Reconciled

_WRITTEN = shaped(r"^[0-9A-Za-z]{1,64}$", "should be a reference in letters and digits")
Reference = Annotated[str, Path(pattern=_WRITTEN)]
Status = Literal["pending", "held", "in_doubt", "delivered", "refunded", "paid_back"]

_PENDING = frozenset(OrderState) - FINAL
_COLUMNS = {"created_at": "created_at", "amount": "amount_minor", "status": "state"}


class Transaction(Answer):
    """`final` says that the customer's money will not move again by itself."""

    reference: str
    status: OrderState
    final: bool
    service: Product
    network: str
    recipient: str
    amount: str
    fee: str
    currency: str
    provider: str
    user_id: UUID
    hint: str | None
    created_at: dt.datetime
    settled_at: dt.datetime | None


class Attempt(Answer):
    """One order to a provider. `provider_reference` is ours there, `their_reference` theirs."""

    number: int
    provider: str
    provider_reference: str
    state: str
    result: str | None
    reason: str | None
    their_reference: str | None
    cost: str | None
    currency: str
    checks: int
    created_at: dt.datetime
    sent_at: dt.datetime | None
    closed_at: dt.datetime | None


class Entry(Answer):
    """One side of a transfer: credits are positive, and an order's entries sum to zero."""

    transfer_id: UUID
    code: str
    account: str
    owner: str
    amount: str
    currency: str
    at: dt.datetime


class TransactionDetail(Transaction):
    """`hold` is the money set aside for it: open, captured or voided."""

    hold: str
    attempts: list[Attempt]
    entries: list[Entry]


class Acting(TransactionDetail):
    """The order after an action. `done` names what was booked; `repeated`, that it was before."""

    done: str
    repeated: bool


class Reconciliation(TransactionDetail):
    """Our books (`ours`) beside the provider's answer (`theirs`), which is booked.

    `theirs` is null when no answer came in time, or none was ever sent; `agreed` while nobody can
    say.
    """

    ours: OrderState
    theirs: str | None
    reason: str | None
    agreed: bool | None


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    idempotency_key: Words | None = Field(None, min_length=1)


class RetryBody(_Body):
    """May be left out."""


class RefundBody(_Body):
    reason: Words = Field(min_length=WORDS_MIN)


class ResolveBody(_Body):
    """What the provider said, and how we know.

    `evidence` is their reference, a token, the number of a screenshot: kept, encrypted.
    """

    outcome: Learned
    evidence: Words = Field(min_length=WORDS_MIN)


class TransactionFilter:
    """What to list. `pending` is every order that is not final."""

    def __init__(
        self,
        search: Annotated[
            Words, Query(description="Part of a reference or of a recipient's number.")
        ] = "",
        status: Status | None = None,
        service: Product | None = None,
        network: Words | None = None,
        provider: Words | None = None,
        user_id: UUID | None = None,
        since: AwareDatetime | None = None,
        until: AwareDatetime | None = None,
    ) -> None:
        states = _PENDING if status == "pending" else {OrderState(status)} if status else ()
        self.query = OrderQuery(
            search=search.strip(),
            states=frozenset(states),
            service=service.value if service else None,
            network=network,
            provider=provider,
            customer_id=user_id,
            since=since,
            until=until,
        )


def router(core: AdminCore) -> APIRouter:
    routes = resource("/transactions", "transactions")
    reads = Depends(needing(core, "transactions:read"))
    writes = Depends(needing(core, "transactions:write"))

    @routes.get("")
    async def listed(
        access: Annotated[Access, reads],
        wanted: Annotated[TransactionFilter, Depends()],
        page: Annotated[PageQuery, Depends()],
        sort_by: Literal["created_at", "amount", "status"] = "created_at",
    ) -> Listing[Transaction]:
        """Orders of this tenant, the latest first."""
        tenant, paging = access.tenant_id, page.paging(_COLUMNS[sort_by])
        rows = await core.backoffice.orders(tenant, wanted.query, paging)
        total = await core.backoffice.order_count(tenant, wanted.query) if page.counted else None
        last = page.last_shown(rows)
        follows = last is not None and sort_by == "created_at"
        place = (last.order.created_at, last.order.id) if last and follows else None
        shown, pagination = page.listing(rows, total, place=place)
        return Listing(data=[_transaction(row) for row in shown], pagination=pagination)

    @routes.get("/{reference}")
    async def show(
        reference: Reference, access: Annotated[Access, reads]
    ) -> Envelope[TransactionDetail]:
        """One order with every attempt and every movement of money."""
        found = await core.order_actions.show(access.tenant_id, reference)
        return Envelope(data=_detail(found))

    @routes.post("/{reference}/retry")
    async def retry(
        reference: Reference, access: Annotated[Access, writes], body: RetryBody | None = None
    ) -> Told[Acting]:
        """Have a worker ask the provider about it now, final or not. Nothing is sent again."""
        key = body.idempotency_key if body else None
        acted = await core.order_actions.retry(access.tenant_id, reference, access.actor, key=key)
        return await told(access, reference, acted)

    @routes.post("/{reference}/refund")
    async def refund(
        reference: Reference, body: RefundBody, access: Annotated[Access, writes]
    ) -> Told[Acting]:
        """Give the customer the money back.

        Where nobody can say whether it was delivered, it is paid back at our risk, and the provider
        goes on being asked. What was delivered is refused.
        """
        acted = await core.order_actions.refund(
            access.tenant_id,
            reference,
            access.actor,
            reason=body.reason,
            key=body.idempotency_key,
        )
        return await told(access, reference, acted)

    @routes.post("/{reference}/resolve")
    async def resolve(
        reference: Reference, body: ResolveBody, access: Annotated[Access, writes]
    ) -> Told[Acting]:
        """Book what a person learned from the provider about the last attempt."""
        acted = await core.order_actions.resolve(
            access.tenant_id,
            reference,
            access.actor,
            learned=body.outcome,
            evidence=body.evidence,
            key=body.idempotency_key,
        )
        return await told(access, reference, acted)

    @routes.post("/{reference}/reconcile")
    async def reconcile(
        reference: Reference, access: Annotated[Access, writes]
    ) -> Told[Reconciliation]:
        """Ask the provider now, book the answer, and show both sides."""
        made = await core.order_actions.reconcile(access.tenant_id, reference, access.actor)
        return Told(data=_reconciliation(made), message=_compared(made))

    async def told(access: Access, reference: str, acted: Acted) -> Told[Acting]:
        found = await core.order_actions.show(access.tenant_id, reference)
        acting = Acting(**dict(_detail(found)), done=acted.step, repeated=acted.repeated)
        return Told(data=acting, message=_said(acted))

    return routes


_SAID = {
    "ask": "The provider is being asked now.",
    "capture": "It is booked as delivered.",
    "refund": "The customer has the money back.",
    "pay_back": "The customer has the money back, at our risk: the provider goes on being asked.",
    "book_loss": "It is booked as delivered after the refund: our loss.",
    "late": "It is booked as delivered after the refund: our loss.",
    "clear": "It is booked as not delivered: nothing is lost.",
    "take_back": "It is booked as reversed: the customer has the money back.",
}


def _said(acted: Acted) -> str:
    if acted.answer is Booked.ALREADY:
        return "It stood so before: nothing was changed."
    return _SAID.get(acted.step, "Done.")


def _compared(made: Reconciled) -> str:
    if made.theirs is None:
        sent = made.detail.attempts[-1].sent_at is not None
        return (
            "The provider did not answer in time; its answer is booked when it comes."
            if sent
            else "It was not sent to a provider yet: there is nothing to ask about."
        )
    if made.agreed is None:
        cannot_say = made.theirs.result is Result.UNKNOWN
        return "The provider cannot say yet." if cannot_say else "It is booked; the order goes on."
    return "Both sides agree." if made.agreed else "Our books and the provider do not agree."


def _reconciliation(made: Reconciled) -> Reconciliation:
    theirs = made.theirs
    return Reconciliation(
        **dict(_detail(made.detail)),
        ours=made.detail.listed.order.state,
        theirs=theirs.result.value if theirs else None,
        reason=theirs.reason if theirs else None,
        agreed=made.agreed,
    )


def _transaction(listed: ListedOrder) -> Transaction:
    return Transaction(**_fields(listed))


def _fields(listed: ListedOrder) -> dict[str, object]:
    order = listed.order
    return {
        "reference": order.reference,
        "status": order.state,
        "final": order.state.final,
        "service": order.product,
        "network": order.network,
        "recipient": order.recipient,
        "amount": major(order.amount_minor, order.currency),
        "fee": major(order.fee_minor, order.currency),
        "currency": order.currency,
        "provider": listed.provider,
        "user_id": order.customer_id,
        "hint": order.hint,
        "created_at": order.created_at,
        "settled_at": order.settled_at,
    }


def _detail(detail: OrderDetail) -> TransactionDetail:
    currency = detail.listed.order.currency
    return TransactionDetail(
        **_fields(detail.listed),
        hold=detail.held,
        attempts=[_attempt(attempt, currency) for attempt in detail.attempts],
        entries=[_entry(entry, currency) for entry in detail.entries],
    )


def _attempt(attempt: AttemptView, currency: str) -> Attempt:
    cost = attempt.cost_minor
    return Attempt(
        number=attempt.number,
        provider=attempt.provider,
        provider_reference=attempt.provider_reference,
        state=attempt.state,
        result=attempt.result,
        reason=attempt.reason,
        their_reference=attempt.their_reference,
        cost=None if cost is None else major(cost, currency),
        currency=currency,
        checks=attempt.checks,
        created_at=attempt.created_at,
        sent_at=attempt.sent_at,
        closed_at=attempt.closed_at,
    )


def _entry(entry: EntryView, currency: str) -> Entry:
    return Entry(
        transfer_id=entry.transfer_id,
        code=entry.code,
        account=entry.account_type,
        owner=entry.account_owner,
        amount=major(entry.amount_minor, currency),
        currency=currency,
        at=entry.at,
    )
