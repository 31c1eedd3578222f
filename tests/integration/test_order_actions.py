"""A person acts on an order in any state: the books stay sound, and nothing happens twice."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import asyncpg
import pytest

from core.domain.ledger import AccountType
from core.domain.orders import DueOrder, NewOrder, OrderState, Verdict
from core.domain.vending import Outcome, Result
from core.kit.bell import Bell
from core.kit.crypto import Keyring
from core.ports.desk import Acted, Action, Answer, HandAction, Learned
from core.services.order_actions import (
    ActionKeyUsed,
    OrderActions,
    OrderDelivered,
    UnknownOrder,
    WordsNeeded,
)
from core.store.backoffice import PgBackoffice
from core.store.order_desk import PgOrderDesk
from tests.fakes.books import DELIVERED, REFUSED, UNKNOWN, Books, open_books

FAILED = Outcome(Result.FAILED, reason="016")
REVERSED = Outcome(Result.REVERSED, reason="040")
IN_FLIGHT_S = 60.0
FUNDS = 1000
PRICE = 110  # 100 and a fee of 10


@dataclass
class Phone:
    """A provider that is asked by hand: what it says, or silence until it is cut off."""

    books: Books
    says: Outcome | None
    verdict: Verdict = Verdict.WAIT
    asked: int = 0

    async def see_through(self, due: DueOrder) -> OrderState:
        self.asked += 1
        assert not due.first_send
        if self.says is None:
            await asyncio.Event().wait()
        assert self.says is not None
        order_like = self.books.ruling(_ordered(due), self.verdict, self.says, 30, due.attempt_id)
        return await self.books.orders.rule(order_like)


def _ordered(due: DueOrder) -> NewOrder:
    """Enough of an order for `Books.ruling`."""
    return NewOrder(
        **{
            name: getattr(due, name)
            for name in (
                "tenant_id", "customer_id", "reference", "product", "network", "recipient",
                "amount_minor", "fee_minor", "currency", "attempt_id", "provider",
                "provider_reference", "created_at", "deadline_at",
            )
        },
        id=due.order_id,
        channel_id=due.order_id,
        identity="",
        day_starts_at=due.created_at,
    )  # fmt: skip


def desk_of(books: Books) -> PgOrderDesk:
    return PgOrderDesk(
        books.database, books.clock, in_flight_s=lambda: IN_FLIGHT_S, check_in_s=3600
    )


def actions_of(books: Books, asker: Phone | None = None, wait_s: float = 20) -> OrderActions:
    return OrderActions(
        PgBackoffice(books.database, books.clock),
        desk_of(books),
        asker or Phone(books, UNKNOWN),
        Keyring("a test"),
        Bell(),
        answer_within_s=wait_s,
    )


def action(
    order: NewOrder,
    what: Action,
    learned: Learned | None = None,
    key: str = "k1",
    content: str = "digest",
) -> HandAction:
    return HandAction(
        order.tenant_id, order.reference, what, key, content, "ada", {"reason": "asked"}, learned
    )


# --- every state an order can stand in ---------------------------------------------------------


async def never_sent(books: Books, order: NewOrder) -> None: ...


async def just_sent(books: Books, order: NewOrder) -> None:
    await books.claimed(order)


async def sent_long_ago(books: Books, order: NewOrder) -> None:
    await books.claimed(order)
    books.clock.advance(IN_FLIGHT_S + 1)


async def in_doubt(books: Books, order: NewOrder) -> None:
    await books.claimed(order)
    await books.rule(order, Verdict.WAIT, UNKNOWN, check_in_s=30)


async def delivered(books: Books, order: NewOrder) -> None:
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE, books.costing(95))


async def refunded(books: Books, order: NewOrder) -> None:
    await books.claimed(order)
    await books.rule(order, Verdict.REFUND, REFUSED)


async def refunded_unsent(books: Books, order: NewOrder) -> None:
    assert (await desk_of(books).act(action(order, Action.REFUND, key="before"))) is not None


async def delivered_late(books: Books, order: NewOrder) -> None:
    await refunded(books, order)
    await books.rule(order, Verdict.CAPTURE, DELIVERED)


async def taken_back(books: Books, order: NewOrder) -> None:
    await delivered(books, order)
    await books.rule(order, Verdict.TAKE_BACK, REVERSED)


async def paid_back(books: Books, order: NewOrder) -> None:
    await in_doubt(books, order)
    await books.rule(order, Verdict.PAY_BACK, UNKNOWN, check_in_s=3600)


async def loss_booked(books: Books, order: NewOrder) -> None:
    await paid_back(books, order)
    await books.rule(order, Verdict.BOOK_LOSS, DELIVERED)


async def cleared(books: Books, order: NewOrder) -> None:
    await paid_back(books, order)
    await books.rule(order, Verdict.CLEAR, FAILED)


State = Callable[[Books, NewOrder], Awaitable[None]]
STATES: tuple[State, ...] = (
    never_sent, just_sent, sent_long_ago, in_doubt, delivered, refunded, refunded_unsent,
    delivered_late, taken_back, paid_back, loss_booked, cleared,
)  # fmt: skip
REFUND = "refund"
SAYS_YES, SAYS_NO, SAYS_BACK = "delivered", "not_delivered", "reversed"
# What each action comes to: the step that is booked, `already`, or why it is refused.
EXPECTED: dict[str, tuple[str, str, str, str]] = {
    #                    refund               delivered     not_delivered  reversed
    "never_sent": ("refund", "!never_sent", "refund", "!never_sent"),
    "just_sent": ("pay_back", "capture", "!in_flight", "!in_flight"),
    "sent_long_ago": ("pay_back", "capture", "refund", "refund"),
    "in_doubt": ("pay_back", "capture", "refund", "refund"),
    "delivered": ("!delivered", "already", "!delivered", "take_back"),
    "refunded": ("already", "late", "already", "already"),
    "refunded_unsent": ("already", "!never_sent", "already", "already"),
    "delivered_late": ("already", "already", "!loss_booked", "!loss_booked"),
    "taken_back": ("already", "late", "already", "already"),
    "paid_back": ("already", "book_loss", "clear", "clear"),
    "loss_booked": ("already", "already", "!loss_booked", "!loss_booked"),
    "cleared": ("already", "late", "already", "already"),
}
TABLE = [
    pytest.param(state, what, EXPECTED[state.__name__][column], id=f"{state.__name__}-{what}")
    for state in STATES
    for column, what in enumerate((REFUND, SAYS_YES, SAYS_NO, SAYS_BACK))
]


def asked(order: NewOrder, what: str, key: str = "k1") -> HandAction:
    if what == REFUND:
        return action(order, Action.REFUND, key=key)
    return action(order, Action.RESOLVE, Learned(what), key)


async def made(books: Books, state: State) -> NewOrder:
    order = await books.begun(await books.customer(funds=FUNDS), 100, 10)
    await state(books, order)
    return order


async def acted(books: Books, one: HandAction) -> Acted:
    found = await desk_of(books).act(one)
    assert found is not None
    return found


@pytest.mark.parametrize(("state", "what", "expected"), TABLE)
async def test_an_action_books_what_the_order_allows(
    books: Books, owner: asyncpg.Connection, state: State, what: str, expected: str
) -> None:
    """Whatever is refused or repeated changes nothing; the fixture checks the books after each."""
    order = await made(books, state)
    customer = await books.customer()
    before = await books.money(customer)

    first = await acted(books, asked(order, what))
    after = await books.money(customer)
    again = await acted(books, asked(order, what))
    other_key = await acted(books, asked(order, what, key="k2"))

    noted = await owner.fetch(
        "select 1 from events where subject = $1 and kind like '%_by_hand'"
        " and actor = 'ada' and facts ->> 'key' = 'k1'",
        str(order.id),
    )
    if expected.startswith("!"):
        assert first.answer == f"refused:{expected[1:]}"
        assert again == first
        assert after == before
        assert noted == []
        return
    assert first.step == expected
    assert (again.answer, again.step, again.state) == (first.answer, first.step, first.state)
    assert again.repeated
    assert not first.repeated
    assert other_key.step == "already" or other_key.answer.startswith("refused:")
    assert await books.money(customer) == after
    # Paid once, or not at all: never refunded and charged.
    paid = FUNDS - sum(after)
    assert paid == (PRICE if first.state is OrderState.DELIVERED else 0)
    assert after[1] == 0
    assert len(noted) == 1


async def test_a_key_stands_for_one_thing(books: Books) -> None:
    customer = await books.customer(funds=FUNDS)
    one, two = await books.begun(customer), await books.begun(customer)
    await acted(books, asked(one, REFUND))

    elsewhere = await acted(books, asked(two, REFUND))
    otherwise = await acted(books, replace(asked(one, REFUND), content="another digest"))

    assert {elsewhere.answer, otherwise.answer} == {Answer.KEY_USED}
    assert (await books.orders.states([two.id]))[two.id] is OrderState.HELD


async def test_a_refused_action_leaves_its_key_free(books: Books) -> None:
    order = await made(books, delivered)
    assert (await acted(books, asked(order, REFUND))).answer is Answer.DELIVERED

    reversal = await acted(books, asked(order, SAYS_BACK))

    assert (reversal.answer, reversal.step) == (Answer.DONE, "take_back")


@pytest.mark.parametrize("state", [never_sent, in_doubt, delivered, paid_back, refunded])
async def test_two_people_at_once_settle_it_once(books: Books, state: State) -> None:
    order = await made(books, state)
    everything = [
        asked(order, what, key=f"{what} {number}")
        for number in range(3)
        for what in (REFUND, SAYS_YES, SAYS_NO, SAYS_BACK)
    ]

    await asyncio.gather(*(desk_of(books).act(one) for one in everything))

    final = (await books.orders.states([order.id]))[order.id]
    paid = FUNDS - sum(await books.money(await books.customer()))
    assert final.final
    assert paid == (PRICE if final is OrderState.DELIVERED else 0)


@pytest.mark.parametrize("same_order", [True, False], ids=["one order", "two orders"])
async def test_one_key_at_once_is_used_once(books: Books, same_order: bool) -> None:
    customer = await books.customer(funds=FUNDS)
    one = await books.begun(customer)
    two = one if same_order else await books.begun(customer)

    answers = await asyncio.gather(*(acted(books, asked(order, REFUND)) for order in (one, two)))

    assert sorted(answer.answer for answer in answers) == (
        [Answer.DONE, Answer.DONE] if same_order else [Answer.DONE, Answer.KEY_USED]
    )


@pytest.mark.parametrize("what", [REFUND, SAYS_YES, SAYS_NO])
@pytest.mark.parametrize(
    ("verdict", "outcome"),
    [
        (Verdict.CAPTURE, DELIVERED),
        (Verdict.REFUND, FAILED),
        (Verdict.WAIT, UNKNOWN),
        (Verdict.PAY_BACK, UNKNOWN),
    ],
)
async def test_a_worker_and_a_person_at_once(
    books: Books, what: str, verdict: Verdict, outcome: Outcome
) -> None:
    """The book judges whoever comes first; the customer pays if and only if it says delivered."""
    order = await made(books, in_doubt)

    await asyncio.gather(
        books.rule(order, verdict, outcome, check_in_s=30),
        desk_of(books).act(asked(order, what)),
    )

    final = (await books.orders.states([order.id]))[order.id]
    available, held = await books.money(await books.customer())
    assert held == (0 if final.final else PRICE)
    assert available == FUNDS - held - (PRICE if final is OrderState.DELIVERED else 0)


async def test_a_claim_and_a_refund_at_once(books: Books) -> None:
    """Refunded only if it was not sent: else it is paid back, and goes on being asked about."""
    customer = await books.customer(funds=FUNDS)
    for number in range(20):
        order = await books.begun(customer)
        due, refund = await asyncio.gather(
            books.orders.claim(100, 60), desk_of(books).act(asked(order, REFUND, f"k{number}"))
        )
        assert refund is not None
        assert refund.step == ("pay_back" if due else "refund")


async def test_a_delivery_proven_after_a_refund_by_hand_is_our_loss(books: Books) -> None:
    order = await made(books, just_sent)
    await acted(books, asked(order, REFUND))

    late = await books.rule(order, Verdict.CAPTURE, DELIVERED)  # ruled on the order as it was held
    again = await books.rule(order, Verdict.BOOK_LOSS, DELIVERED)

    assert (late, again) == (OrderState.PAID_BACK, OrderState.PAID_BACK)
    books.clock.advance(7200)
    assert await books.orders.claim(100, 60) == []
    assert await books.money(await books.customer()) == (FUNDS, 0)
    assert await books.posted(AccountType.LOSS) == -PRICE
    assert await books.posted(AccountType.SUSPENSE) == 0


async def test_a_refund_by_hand_does_not_put_off_the_next_question(
    books: Books, owner: asyncpg.Connection
) -> None:
    order = await made(books, in_doubt)  # looked at again in 30 s
    await acted(books, asked(order, REFUND))

    run_at = await owner.fetchval("select run_at from jobs where ref = $1", order.id)

    assert run_at == books.clock.now() + dt.timedelta(seconds=30)


# --- the service around it --------------------------------------------------------------------


async def test_evidence_is_kept_sealed_and_shown_to_operators(
    books: Books, owner: asyncpg.Connection
) -> None:
    order = await made(books, in_doubt)
    token = "1234-5678-9012-3456-7890"

    acted = await actions_of(books).resolve(
        books.tenant.id, order.reference, "cli:ada", learned=Learned.DELIVERED, evidence=token
    )

    kept = await owner.fetchval(
        "select facts::text from events where kind = 'order.resolve_by_hand'"
    )
    [past] = [
        past
        for past in await actions_of(books).history(books.tenant.id, order.id)
        if past.kind == "order.resolve_by_hand"
    ]
    assert acted.state is OrderState.DELIVERED
    assert token not in kept
    assert (past.actor, past.facts["evidence"], past.facts["outcome"]) == (
        "cli:ada", token, "delivered",
    )  # fmt: skip


async def test_what_a_worker_did_is_part_of_the_history(books: Books) -> None:
    order = await made(books, delivered)

    past = await actions_of(books).history(books.tenant.id, order.id)

    assert [(each.kind, each.actor, each.facts["provider"]) for each in past] == [
        ("order.delivered", "worker", "vtpass")
    ]


async def test_what_cannot_be_is_a_problem_of_its_own(books: Books) -> None:
    actions, tenant_id = actions_of(books), books.tenant.id
    order = await made(books, delivered)

    with pytest.raises(UnknownOrder):
        await actions.refund(tenant_id, "NOSUCH", "ada", reason="gone")
    with pytest.raises(WordsNeeded):
        await actions.refund(tenant_id, order.reference, "ada", reason=" x ")
    with pytest.raises(OrderDelivered):
        await actions.refund(tenant_id, order.reference, "ada", reason="asked for")
    await actions.retry(tenant_id, order.reference, "ada", key="taken")
    with pytest.raises(ActionKeyUsed):
        await actions.refund(tenant_id, order.reference, "ada", reason="asked for", key="taken")


async def test_an_order_of_another_tenant_cannot_be_acted_on(books: Books) -> None:
    stranger = await open_books(books.database, "stranger")
    theirs = await stranger.begun(await stranger.customer(funds=FUNDS))

    with pytest.raises(UnknownOrder):
        await actions_of(books).refund(books.tenant.id, theirs.reference, "ada", reason="mine")
    assert (await stranger.orders.states([theirs.id]))[theirs.id] is OrderState.HELD


async def test_retry_has_the_provider_asked_now_and_once_per_key(
    books: Books, owner: asyncpg.Connection
) -> None:
    order = await made(books, delivered)
    for _ in range(2):
        await actions_of(books).retry(books.tenant.id, order.reference, "ada", key="k")

    due = await books.claimed(order)

    assert due.state is OrderState.DELIVERED
    assert not due.first_send
    assert await owner.fetchval("select count(*) from events where kind like '%_by_hand'") == 1


@pytest.mark.parametrize(
    ("state", "says", "verdict", "expected"),
    [
        (in_doubt, DELIVERED, Verdict.CAPTURE, ("delivered", "delivered", True)),
        (in_doubt, FAILED, Verdict.REFUND, ("refunded", "failed", True)),
        (in_doubt, UNKNOWN, Verdict.WAIT, ("in_doubt", "unknown", None)),
        (delivered, FAILED, Verdict.WAIT, ("delivered", "failed", False)),
        (delivered, REVERSED, Verdict.TAKE_BACK, ("refunded", "reversed", True)),
        (refunded, DELIVERED, Verdict.CAPTURE, ("refunded", "delivered", False)),
        (paid_back, DELIVERED, Verdict.BOOK_LOSS, ("paid_back", "delivered", True)),
    ],
)
async def test_reconcile_asks_books_and_compares(
    books: Books,
    state: State,
    says: Outcome,
    verdict: Verdict,
    expected: tuple[str, str, bool | None],
) -> None:
    order = await made(books, state)
    phone = Phone(books, says, verdict)

    made_up = await actions_of(books, phone).reconcile(books.tenant.id, order.reference, "ada")

    assert made_up.theirs is not None
    found = (made_up.detail.listed.order.state, made_up.theirs.result, made_up.agreed)
    assert (found, phone.asked) == (expected, 1)


async def test_a_provider_that_does_not_answer_in_time_is_told_so(books: Books) -> None:
    order = await made(books, in_doubt)
    actions = actions_of(books, Phone(books, None), wait_s=0.01)

    made_up = await actions.reconcile(books.tenant.id, order.reference, "ada")
    await actions.close()

    assert (made_up.theirs, made_up.agreed) == (None, None)
    assert made_up.detail.listed.order.state is OrderState.IN_DOUBT


async def test_what_was_never_sent_is_not_asked_about(books: Books) -> None:
    order = await made(books, never_sent)
    phone = Phone(books, DELIVERED, Verdict.CAPTURE)

    made_up = await actions_of(books, phone).reconcile(books.tenant.id, order.reference, "ada")

    assert (phone.asked, made_up.theirs) == (0, None)


async def test_pending_orders_come_oldest_first_with_the_reason(books: Books) -> None:
    await made(books, delivered)
    first = await made(books, in_doubt)
    books.clock.advance(1)
    second = await made(books, never_sent)

    waiting = await desk_of(books).waiting(books.tenant.id, 10)

    assert [one.order.id for one in waiting] == [first.id, second.id]
    assert [(one.result, one.reason) for one in waiting] == [("unknown", "timeout"), (None, None)]
    assert waiting[1].sent_at is None


def test_the_table_names_every_state_and_every_word() -> None:
    assert set(EXPECTED) == {state.__name__ for state in STATES}
    said = {word for row in EXPECTED.values() for word in row}
    refusals = {f"refused:{word[1:]}" for word in said if word.startswith("!")}
    assert refusals == {answer.value for answer in Answer if answer.startswith("refused:")}
