"""Anything that can happen, in any order, with the process dying anywhere: every promise is kept.

Real services over real Postgres and Redis, real adapters over real sockets to the simulators, and
one clock for all of it. Hypothesis makes up the stories and shrinks what goes wrong.
"""

import asyncio
import contextlib
import itertools
from collections import Counter
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.domain.customers import Customer
from core.kit.errors import Problem
from core.kit.money import Money
from core.ports.desk import Learned
from core.store import invariants
from core.store.database import owner_engine
from core.store.embedded import ServiceUrls
from tests.fakes.depth import examples
from tests.fakes.promises import PROVIDER_TIMEOUT_S, Bomb, Kingdom, kingdom

PEOPLE = st.integers(0, 1)
NAIRA = st.sampled_from((50, 75, 100, 120, 300))
PAST_PATIENCE_S = PROVIDER_TIMEOUT_S * 2
# A held reply is waited for in real seconds, what becomes of an order in seconds of the clock.
SECONDS = st.sampled_from((0.05, PAST_PATIENCE_S, 45.0))
FIRST_PLAYS = (
    "ok",
    "accepted_then_ok",
    "accepted_then_fail",
    "stuck_pending",
    "refused",
    "refused_html_503",
    "lost_before_order",
    "delivered_but_reply_lost",
    "delivered_after_timeout",
    "arrives_late",
    "reply_500_no_order",
    "reply_500_with_order",
    "garbage_json",
    "unexpected_code",
    "low_float",
    "wrong_network",
    "requery_down",
    "reversed_after_delivered",
)
BANK_PLAYS = (
    "ok",
    "pending_then_ok",
    "pending_then_fail",
    "refused",
    "reply_lost",
    "reply_500_no_order",
    "reply_500_with_order",
    "garbled",
    "stuck_pending",
)
NOTHING_ARRIVES_AFTER_S = 200.0
SECOND_PLAYS = ("ok", "refused", "delivered_but_reply_lost", "garbage_json")
POINTS = (
    "purchase.before_begin",
    "purchase.begun",
    "vend.before_send",
    "vend.answered",
    "vend.booked",
    "notice.before_send",
    "notice.sent",
    "funding.intent_written",
    "funding.initialized",
    "funding.before_credit",
    "funding.credited",
)
Answer = TypeVar("Answer")

_numbers = itertools.count(2348037000001)
_ORDERS = text("""
    select o.id::text, o.state, a.provider_reference, a.provider from orders o
    join attempts a on a.order_id = o.id join customers c on c.id = o.customer_id
    where c.msisdn = any (:numbers)
""")
_LAST_ATTEMPTS = text("""
    select o.tenant_id, o.reference, o.created_at, a.provider_reference from orders o
    join attempts a on a.order_id = o.id and a.number = o.attempt_number
    join customers c on c.id = o.customer_id where c.msisdn = any (:numbers)
    order by o.created_at, o.id
""")
_PAYOUTS = text("""
    select p.state, p.gateway_reference as provider_reference from payouts p
    join customers c on c.id = p.customer_id where c.msisdn = any (:numbers)
""")
_HELD = text("""
    select coalesce(sum(a.held_minor), 0) - (
      select coalesce(sum(p.amount_minor + p.fee_minor), 0) from payouts p
      join customers c on c.id = p.customer_id
      where c.msisdn = any (:numbers) and p.state = 'needs_person'
    ) from accounts a
    join customers c on c.id::text = a.owner where c.msisdn = any (:numbers)
""")
_CREDITED = text("""
    select coalesce(sum(p.amount_minor), 0) from payments_in p
    join customers c on c.id = p.customer_id
    where c.msisdn = any (:numbers) and p.state = 'credited'
""")
_WAITING = text("""
    select count(*) from notices n join customers c on c.id = n.customer_id
    where c.msisdn = any (:numbers) and n.state = 'waiting'
""")


class Promises(RuleBasedStateMachine):
    """Two people, two providers, a payment gateway, and no luck."""

    runner: ClassVar[asyncio.Runner]
    kingdom: ClassVar[Kingdom]
    engine: ClassVar[AsyncEngine]

    def __init__(self) -> None:
        super().__init__()
        self.numbers = [str(next(_numbers)) for _ in range(2)]
        self.keys = itertools.count()
        self.bought: list[tuple[int, str, int]] = []
        self.links: list[str] = []
        self.paid_minor = 0
        self.given_minor = 0
        self.accounts: list[str] = []
        for person in range(2):
            self.fund(person, 300)
            self.pay(0, "exactly")
        self.run(self.work(3))

    def run(self, step: Coroutine[Any, Any, Answer]) -> Answer:
        return self.runner.run(step)

    async def customer(self, person: int) -> Customer:
        return await self.kingdom.customer(self.numbers[person])

    async def work(self, rounds: int = 1) -> None:
        for _ in range(rounds):
            await self.kingdom.live(self.kingdom.work())

    async def control(self, path: str, **body: object) -> Any:
        reply = await self.kingdom.control.post(f"/control/{path}", json=body)
        return reply.json()

    # What people do.

    @rule(
        person=PEOPLE,
        naira=NAIRA,
        play=st.sampled_from(FIRST_PLAYS),
        second_play=st.sampled_from(SECOND_PLAYS),
        seconds=SECONDS,
        then=st.sampled_from(((), (0,), (0, 7), (0, 7, 7))),
    )
    def buy(
        self,
        person: int,
        naira: int,
        play: str,
        second_play: str,
        seconds: float,
        then: tuple[int, ...],
    ) -> None:
        """While the providers play these parts; workers look after each of `then` seconds."""
        self.bought.append((person, f"key {next(self.keys)}", naira))
        self.run(self._plays("vtpass", play, person, seconds))
        self.run(self._plays("clubkonnect", second_play, person, seconds))
        self.run(self._buy(*self.bought[-1]))
        for wait_s in then:
            self.time_passes(wait_s)

    @precondition(lambda self: self.bought)
    @rule(which=st.integers(0, 20))
    def confirm_again(self, which: int) -> None:
        self.run(self._buy(*self.bought[which % len(self.bought)]))

    async def _buy(self, person: int, key: str, naira: int) -> None:
        customer = await self.customer(person)
        # Too little money, or nobody sells: nothing was done, as the books must show.
        with contextlib.suppress(Problem):
            await self.kingdom.live(self.kingdom.buy(customer, key, naira))

    @rule(person=PEOPLE, naira=st.sampled_from((100, 250)))
    def fund(self, person: int, naira: int) -> None:
        async def ask() -> str | None:
            customer = await self.customer(person)
            step = self.kingdom.ask_to_fund(customer, f"fund {next(self.keys)}", naira)
            try:
                asked: str | None = await self.kingdom.live(step)
            except Problem:
                return None
            return asked

        if reference := self.run(ask()):
            self.links.append(reference)

    @precondition(lambda self: self.links)
    @rule(which=st.integers(0, 20), how=st.sampled_from(("exactly", "less", "more", "twice")))
    def pay(self, which: int, how: str) -> None:
        reference = self.links[which % len(self.links)]
        amount = {"less": {"amount": "40"}, "more": {"amount": "333"}}.get(how, {})

        async def pay() -> None:
            for again in (False, True)[: 2 if how == "twice" else 1]:
                said = await self.control(f"payments/{reference}/pay", **amount, again=again)
                if said.get("paid"):
                    self.paid_minor += round(float(said["amount"]) * 100)

        self.run(pay())

    @rule(person=PEOPLE, naira=st.sampled_from((100, 200)), play=st.sampled_from(BANK_PLAYS))
    def withdraw(self, person: int, naira: int, play: str) -> None:
        account = f"0{next(_numbers) % 10**9:09d}"
        self.accounts.append(account)

        async def take_out() -> None:
            said = await self.control(
                "scenarios", provider="paystack_transfers", scenario=play, recipient=account
            )
            assert "error" not in said, said
            customer = await self.customer(person)
            key = f"out {next(self.keys)}"
            for _ in range(2):  # confirmed twice is confirmed once
                with contextlib.suppress(Problem):
                    await self.kingdom.live(self.kingdom.withdraw(customer, key, naira, account))

        self.run(take_out())

    @rule(person=PEOPLE, naira=st.sampled_from((10, 60)))
    def an_operator_gives(self, person: int, naira: int) -> None:
        async def give() -> None:
            customer, key = (
                await self.customer(person),
                f"credit {self.numbers[0]} {next(self.keys)}",
            )
            for _ in range(2):
                await self.kingdom.core.credits.give(
                    customer, Money(naira * 100, "NGN"), reason="a test", key=key, actor="a test"
                )

        self.run(give())
        self.given_minor += naira * 100

    @precondition(lambda self: self.bought)
    @rule(which=st.integers(0, 20), does=st.sampled_from(("retry", "refund", "resolve", "ask")))
    def an_operator_acts(self, which: int, does: str) -> None:
        """By hand, and telling the truth as a provider's own desk would know it."""

        async def act() -> None:
            orders = await self.rows(_LAST_ATTEMPTS)
            if not orders:
                return
            order = orders[which % len(orders)]
            actions, tenant = self.kingdom.core.order_actions, order.tenant_id
            with contextlib.suppress(Problem):
                match does:
                    case "retry":
                        await actions.retry(tenant, order.reference, "a test")
                    case "refund":
                        await actions.refund(tenant, order.reference, "a test", reason="a test")
                    case "ask":
                        await self.kingdom.live(
                            actions.reconcile(tenant, order.reference, "a test")
                        )
                    case "resolve":
                        if learned := await self._truth(order):
                            await actions.resolve(
                                tenant,
                                order.reference,
                                "a test",
                                learned=learned,
                                evidence="a note",
                            )

        self.run(act())

    async def _truth(self, order: Any) -> Learned | None:
        for _, reference, reversed_ in await self.delivered():
            if reference == order.provider_reference:
                return Learned.REVERSED if reversed_ else Learned.DELIVERED
        age_s = (self.kingdom.clock.now() - order.created_at).total_seconds()
        return Learned.NOT_DELIVERED if age_s > NOTHING_ARRIVES_AFTER_S else None

    # What the outside, time and workers do.

    async def _plays(self, provider: str, play: str, person: int, seconds: float) -> None:
        recipient = self.numbers[person]
        said = await self.control(
            "scenarios", provider=provider, scenario=play, recipient=recipient, seconds=seconds
        )
        assert "error" not in said, said

    @rule(rounds=st.integers(1, 3))
    def workers_work(self, rounds: int) -> None:
        self.run(self.work(rounds))

    @rule(seconds=st.sampled_from((1, 7, 45, 130, 700, 90_000)))
    def time_passes(self, seconds: int) -> None:
        self.kingdom.clock.advance(seconds)
        self.run(self.work())

    @rule(forged=st.booleans())
    def everybody_calls_back(self, *, forged: bool) -> None:
        """Webhooks for all that was ever asked, true or not: hints, and nothing but hints."""

        async def call() -> None:
            tenant = (await self.customer(0)).tenant_id
            orders = await self.rows(_ORDERS)
            made_up = ["2026030210000000000000000000000000", "CB0000000000000000"]
            references = [row.provider_reference for row in orders] + made_up * forged
            for provider in ("vtpass", "clubkonnect"):
                take = self.kingdom.core.callbacks.take(tenant, provider, references)
                await self.kingdom.live(take)
            await self.kingdom.live(
                self.kingdom.core.callbacks.take(tenant, "paystack", [*self.links, *made_up])
            )

        self.run(call())

    @rule(point=st.sampled_from(POINTS), nth=st.integers(1, 3))
    def death_is_near(self, point: str, nth: int) -> None:
        self.kingdom.bomb = Bomb(point, nth)

    @rule()
    def the_process_is_killed(self) -> None:
        async def die() -> None:
            await self.kingdom.fall()
            await self.kingdom.rise()

        self.run(die())

    # What must hold.

    @invariant()
    def the_books_are_sound(self) -> None:
        assert self.run(invariants.check(self.engine)) == []

    @invariant()
    def nothing_is_delivered_twice(self) -> None:
        reached = Counter(order for order, _, _ in self.run(self.delivered()))
        assert all(times == 1 for times in reached.values()), reached

    def teardown(self) -> None:
        self.kingdom.bomb = None
        self.run(self.kingdom.until_quiet(days=4))
        self.the_books_are_sound()
        self.nothing_is_delivered_twice()
        self.run(self._all_is_settled())

    async def _all_is_settled(self) -> None:
        orders = {row.id: row.state for row in await self.rows(_ORDERS)}
        delivered = await self.delivered()
        kept = {order for order, _, reversed_ in delivered if not reversed_}
        taken_back = {order for order, _, reversed_ in delivered if reversed_}
        captured = {order for order, state in orders.items() if state == "delivered"}
        in_doubt_to_the_end = {order for order, state in orders.items() if state == "paid_back"}
        assert set(orders.values()) <= {"delivered", "refunded", "paid_back"}
        assert captured - taken_back == kept - in_doubt_to_the_end
        assert (await self.rows(_HELD))[0][0] == 0
        assert (await self.rows(_CREDITED))[0][0] <= self.paid_minor
        assert (await self.rows(_WAITING))[0][0] == 0
        await self._what_was_taken_out_arrived()

    async def _what_was_taken_out_arrived(self) -> None:
        left = Counter[str]()
        for account in self.accounts:
            reply = await self.kingdom.control.get("/control/payouts", params={"account": account})
            for one in reply.json():
                left[one["reference"]] += not one["returned"]
        assert all(times <= 1 for times in left.values()), left
        states = {row.provider_reference: row.state for row in await self.rows(_PAYOUTS)}
        assert set(states.values()) <= {"paid", "refunded", "needs_person"}
        sure = {one for one, state in states.items() if state != "needs_person"}
        paid = {one for one in sure if states[one] == "paid"}
        assert paid == {one for one, times in left.items() if times and one in sure}

    async def delivered(self) -> list[tuple[str, str, bool]]:
        """What reached these people: the order, our reference, and whether it was taken back."""
        order_of = {row.provider_reference: row.id for row in await self.rows(_ORDERS)}
        found = []
        for number in self.numbers:
            reply = await self.kingdom.control.get(
                "/control/deliveries", params={"recipient": number}
            )
            found += [
                (order_of[item["reference"]], item["reference"], item["reversed"])
                for item in reply.json()
            ]
        return found

    async def rows(self, query: Any) -> list[Any]:
        async with self.engine.connect() as connection:
            return list((await connection.execute(query, {"numbers": self.numbers})).all())


@pytest.mark.timeout(600)  # many stories, each of real waits
def test_every_promise_is_kept_whatever_happens(
    services: ServiceUrls, database_url: str, tmp_path: Path
) -> None:
    with asyncio.Runner() as runner:
        urls = ServiceUrls(database_url, services.redis_url)
        opening = kingdom(urls, tmp_path)
        Promises.runner = runner
        Promises.engine = owner_engine(database_url)
        Promises.kingdom = runner.run(opening.__aenter__())
        try:
            run_state_machine_as_test(
                Promises,
                settings=settings(
                    max_examples=examples(15),
                    stateful_step_count=20,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(opening.__aexit__(None, None, None))
            runner.run(Promises.engine.dispose())
