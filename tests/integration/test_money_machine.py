"""Any order of steps, against a model that fits on two pages: the money is where the model says.

Hypothesis makes up sequences of everything that can happen to wallets and orders, in time and late,
once and again, and shrinks what goes wrong to the shortest story.
"""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar
from uuid import UUID

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from core.domain.ledger import AccountKey, AccountType, Posting, Transfer
from core.domain.orders import (
    Beginning,
    NewOrder,
    NextAttempt,
    OrderState,
    Ruling,
    Verdict,
)
from core.domain.vending import Outcome, Result
from core.kit import ids
from core.kit.money import Money
from core.store import invariants
from core.store.database import Database, owner_engine
from tests.fakes.books import open_books
from tests.fakes.depth import examples

PEOPLE = st.integers(0, 2)
AMOUNTS = st.integers(1, 400)
SYSTEM = (
    (AccountType.FLOAT, "vtpass"),
    (AccountType.REVENUE, ""),
    (AccountType.COST, ""),
    (AccountType.SUSPENSE, ""),
    (AccountType.LOSS, ""),
)
PROVING = {Result.REFUSED, Result.FAILED, Result.REVERSED, Result.NOT_FOUND}
Answer = TypeVar("Answer")


@dataclass
class Story:
    """One order as the model knows it."""

    order: NewOrder
    person: int
    state: OrderState = OrderState.HELD
    attempts: list[UUID] = field(default_factory=list)
    open: bool = True
    job: bool = True
    hurried: bool = False
    late: set[UUID] = field(default_factory=set)
    cost: int = 0
    cleared: bool = False

    @property
    def total(self) -> int:
        return self.order.amount_minor + self.order.fee_minor


class MoneyMachine(RuleBasedStateMachine):
    """The store beside a model of dictionaries."""

    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]
    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.books = self.run(open_books(self.database, ids.speakable(8)))
        self.people = [self.run(self.books.customer(number)) for number in range(3)]
        self.available = [0, 0, 0]
        self.held = [0, 0, 0]
        self.system: Counter[AccountType] = Counter()
        self.transfers: list[Transfer] = []
        self.stories: list[Story] = []

    def run(self, step: Coroutine[Any, Any, Answer]) -> Answer:
        return self.runner.run(step)

    @rule(person=PEOPLE, amount=AMOUNTS)
    def fund(self, person: int, amount: int) -> None:
        posting = self.move(
            self.books.transfer(self.books.account(AccountType.WORLD), self.wallet(person), amount)
        )
        assert posting is Posting.POSTED
        self.available[person] += amount

    @rule(debit=PEOPLE, credit=PEOPLE, amount=AMOUNTS)
    def give(self, debit: int, credit: int, amount: int) -> None:
        if debit == credit:
            return
        posting = self.move(self.books.transfer(self.wallet(debit), self.wallet(credit), amount))
        if self.available[debit] < amount:
            assert posting is Posting.INSUFFICIENT
            return
        assert posting is Posting.POSTED
        self.available[debit] -= amount
        self.available[credit] += amount

    @rule(which=st.integers(0, 50), changed=st.booleans())
    def post_again(self, which: int, *, changed: bool) -> None:
        if not self.transfers:
            return
        transfer = self.transfers[which % len(self.transfers)]
        if changed:
            transfer = replace(transfer, amount_minor=transfer.amount_minor + 1)
        posting = self.run(self.books.ledger.post(transfer))
        assert posting is (Posting.CONFLICT if changed else Posting.DUPLICATE)

    @rule(person=PEOPLE, amount=AMOUNTS, fee=st.sampled_from([0, 7]), twice=st.booleans())
    def buy(self, person: int, amount: int, fee: int, *, twice: bool) -> None:
        order = self.books.order(self.people[person], amount, fee)

        async def begin() -> list[Beginning]:
            begins = (self.books.orders.begin(order) for _ in range(1 + twice))
            return [begun.result for begun in await asyncio.gather(*begins)]

        results = self.run(begin())
        if self.available[person] < amount + fee:
            assert set(results) == {Beginning.INSUFFICIENT}
            return
        assert results == [Beginning.BEGUN, Beginning.DUPLICATE][: len(results)]
        self.available[person] -= amount + fee
        self.held[person] += amount + fee
        self.stories.append(Story(order, person, attempts=[order.attempt_id]))

    @rule()
    def claim(self) -> None:
        self.books.clock.advance(7200)
        due = self.run(self.books.orders.claim(1000, 60))
        mine = {one.order_id for one in due if one.tenant_id == self.books.tenant.id}
        assert mine == {story.order.id for story in self.stories if story.job}
        for story in self.stories:
            story.hurried = False

    @rule(
        which=st.integers(0, 50),
        verdict=st.sampled_from(Verdict),
        result=st.sampled_from(Result),
        cost=st.one_of(st.none(), st.integers(0, 500)),
        stale=st.integers(0, 5),
    )
    def answer(
        self, which: int, verdict: Verdict, result: Result, cost: int | None, stale: int
    ) -> None:
        """A ruling of any kind, of the present attempt or, now and then, of the first one."""
        if not self.stories:
            return
        story = self.stories[which % len(self.stories)]
        attempt = story.attempts[0 if stale == 0 else -1]
        price = None if cost is None else Money(cost, "NGN")
        following = NextAttempt(ids.uuid7(), "vtpass", ids.speakable(12))
        ruling = Ruling(
            order_id=story.order.id,
            tenant_id=self.books.tenant.id,
            attempt_id=attempt,
            outcome=Outcome(result, reason="made up", cost=price),
            verdict=verdict,
            check_at=self.books.clock.now() + dt.timedelta(seconds=5),
            next_attempt=following if verdict is Verdict.NEXT else None,
        )
        state = self.run(self.books.orders.rule(ruling))
        spent = story.order.amount_minor if cost is None else cost
        if verdict is not Verdict.NEXT or result in PROVING:
            self.expect(story, verdict, attempt, spent, following)
        assert state is story.state

    @rule(which=st.integers(0, 50))
    def signal(self, which: int) -> None:
        """A provider's callback names the first attempt, whatever became of it."""
        if self.stories:
            story = self.stories[which % len(self.stories)]
            reference = story.order.provider_reference
            assert self.run(self.books.orders.hurry("vtpass", [reference])) == 1
            story.job = story.hurried = True

    @invariant()
    def money_is_where_the_model_says(self) -> None:
        async def look() -> None:
            for person, customer in enumerate(self.people):
                expected = (self.available[person], self.held[person])
                assert await self.books.money(customer) == expected
            for kind, owner in SYSTEM:
                assert await self.books.posted(kind, owner) == self.system[kind], kind

        self.run(look())

    def teardown(self) -> None:
        async def check() -> list[str]:
            engine = owner_engine(self.url)
            try:
                return await invariants.check(engine)
            finally:
                await engine.dispose()

        assert self.run(check()) == []

    def wallet(self, person: int) -> AccountKey:
        return self.books.wallet(self.people[person])

    def move(self, transfer: Transfer) -> Posting:
        posting = self.run(self.books.ledger.post(transfer))
        if posting is Posting.POSTED:
            self.transfers.append(transfer)
        return posting

    def expect(
        self, story: Story, verdict: Verdict, attempt: UUID, cost: int, following: NextAttempt
    ) -> None:
        """What the ruling does to the model; nothing, where it does not fit."""
        present = attempt == story.attempts[-1]
        if story.state in {OrderState.HELD, OrderState.IN_DOUBT}:
            if present:
                self.expect_open(story, verdict, cost, following)
        elif story.state is OrderState.PAID_BACK:
            if present and story.open:
                self.expect_paid_back(story, verdict)
            elif present:
                if verdict is Verdict.BOOK_LOSS and story.cleared:
                    self.expect_late(story, attempt, cost)
                story.job = story.hurried
        else:
            self.expect_final(story, verdict, attempt, cost)

    def expect_final(self, story: Story, verdict: Verdict, attempt: UUID, cost: int) -> None:
        if verdict is Verdict.KEEP:
            story.job = story.hurried
        elif story.state is OrderState.DELIVERED:
            if verdict is Verdict.TAKE_BACK and attempt == story.attempts[-1]:
                self.undo(story)
        elif verdict is Verdict.CAPTURE:
            self.expect_late(story, attempt, cost)
            story.job = story.hurried

    def expect_late(self, story: Story, attempt: UUID, cost: int) -> None:
        if attempt not in story.late:
            story.late.add(attempt)
            self.system[AccountType.LOSS] -= cost
            self.system[AccountType.FLOAT] += cost

    def expect_open(
        self, story: Story, verdict: Verdict, cost: int, following: NextAttempt
    ) -> None:
        if verdict is Verdict.CAPTURE:
            story.cost = cost
            story.state = OrderState.DELIVERED
            self.held[story.person] -= story.total
            self.deliver(story, 1)
        elif verdict is Verdict.REFUND:
            story.state = OrderState.REFUNDED
            self.release(story)
        elif verdict is Verdict.PAY_BACK:
            story.state = OrderState.PAID_BACK
            self.release(story)
            self.system[AccountType.FLOAT] += story.total
            self.system[AccountType.SUSPENSE] -= story.total
        elif verdict is Verdict.WAIT:
            story.state = OrderState.IN_DOUBT
        elif verdict is Verdict.NEXT:
            story.attempts.append(following.attempt_id)
        if story.state in {OrderState.DELIVERED, OrderState.REFUNDED}:
            story.open = False
            story.job = story.hurried

    def expect_paid_back(self, story: Story, verdict: Verdict) -> None:
        if verdict in {Verdict.BOOK_LOSS, Verdict.CAPTURE}:
            self.system[AccountType.LOSS] -= story.total
        elif verdict in {Verdict.CLEAR, Verdict.REFUND}:
            self.system[AccountType.FLOAT] -= story.total
            story.cleared = True
        else:
            return
        self.system[AccountType.SUSPENSE] += story.total
        story.open = False
        story.job = story.hurried

    def undo(self, story: Story) -> None:
        story.state = OrderState.REFUNDED
        story.job = story.hurried
        self.available[story.person] += story.total
        self.deliver(story, -1)

    def deliver(self, story: Story, sign: int) -> None:
        self.system[AccountType.FLOAT] += sign * story.cost
        self.system[AccountType.REVENUE] += sign * max(0, story.total - story.cost)
        self.system[AccountType.COST] -= sign * max(0, story.cost - story.total)

    def release(self, story: Story) -> None:
        self.held[story.person] -= story.total
        self.available[story.person] += story.total


def test_any_sequence_of_steps_leaves_the_money_where_the_model_says(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url, connections=2)
        MoneyMachine.runner, MoneyMachine.database = runner, database
        MoneyMachine.url = database_url
        runner.run(database.start())
        try:
            run_state_machine_as_test(
                MoneyMachine,
                settings=settings(
                    max_examples=examples(30),
                    stateful_step_count=40,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(database.close())
