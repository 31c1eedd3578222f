"""Funding on a real store: a link comes or a word that none does, and every look ends somewhere."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from core.domain.customers import Customer
from core.kit.bell import Bell
from core.kit.money import Money
from core.ports import (
    Arrival,
    Checkout,
    Intent,
    Payment,
    PaymentRequest,
    PaymentState,
    Verification,
)
from core.services.funding import Asked, Funding, FundingRules, Link, TooManyLinks
from tests.fakes.books import Books
from tests.fakes.waiting import until

OPEN = Verification(PaymentState.OPEN)
UNANSWERED = Verification(PaymentState.UNKNOWN)

Answer = Callable[[PaymentRequest], Awaitable[Checkout | None]]


async def opens(request: PaymentRequest) -> Checkout | None:
    return Checkout(f"https://pay.example/{request.reference}")


async def refuses(_: PaymentRequest) -> Checkout | None:
    return None


async def breaks(_: PaymentRequest) -> Checkout | None:
    raise RuntimeError("broken")


@dataclass
class Gateway:
    """Takes each reference once, as some do. What it answers to a new one is `answer`'s to say."""

    name: str = "paystack"
    answer: Answer = opens
    asked: list[str] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    verifications: dict[str, Verification] = field(default_factory=dict)

    async def initialize(self, request: PaymentRequest) -> Checkout | None:
        self.asked.append(request.reference)
        if request.reference in self.taken:
            return None
        return await self.answer(request)

    async def loses(self, request: PaymentRequest) -> Checkout | None:
        """The reference is taken, and nobody learns of the page."""
        self.taken.add(request.reference)
        return None

    async def verify(self, reference: str) -> Verification:
        return self.verifications.get(reference, OPEN)

    def references_in(self, headers: Mapping[str, str], body: bytes) -> tuple[str, ...]:
        raise NotImplementedError

    async def aclose(self) -> None:
        raise NotImplementedError

    def is_paid(self, reference: str, minor: int, currency: str = "NGN") -> None:
        payment = Payment(f"tx-{reference}", reference, Money(minor, currency))
        self.verifications[reference] = Verification(PaymentState.PAID, (payment,))


@dataclass
class Till:
    """A customer who asks for links, and the worker that looks after them."""

    books: Books
    gateway: Gateway
    funding: Funding
    customer: Customer
    bell: Bell

    async def ask(self, minor: int = 500_00, *, key: str = "", within_s: float = 5.0) -> Asked:
        return await self.funding.start(
            self.customer,
            Money(minor, "NGN"),
            key=key or f"ask-{minor}",
            channel_id=self.books.channel.id,
            identity=self.customer.msisdn,
            until=time.monotonic() + within_s,
        )

    async def due(self) -> list[Intent]:
        return list(await self.books.intents.due(10, 90))

    async def work(self, after_s: float = 0.0) -> int:
        """Let time pass, look after all that is due, and answer how much it was."""
        self.books.clock.advance(after_s)
        due = await self.due()
        for intent in due:
            await self.funding.look_after(intent)
        return len(due)

    async def told(self) -> list[str]:
        """The texts of what was not told before."""
        notices = await self.books.outbox.due(10, 60)
        for notice in notices:
            await self.books.outbox.sent(notice, self.books.clock.now())
        return [notice.text for notice in notices]

    async def statement(self) -> list[tuple[str, str]]:
        lines: list[Arrival] = list(await self.books.intents.latest(self.customer, 9))
        return [(line.state, line.reference) for line in lines]


@pytest.fixture(autouse=True)
def logs() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged: trouble is meant here, and is for nobody else to find."""
    with capture_logs() as lines:
        yield lines


@pytest.fixture
async def till(books: Books) -> Till:
    gateway, bell = Gateway(), Bell()
    rules = FundingRules(amount_min_minor=1, amount_max_minor=10**9)
    funding = Funding(
        books.intents, books.customers, {"paystack": gateway}, rules, books.clock, bell
    )
    return Till(books, gateway, funding, await books.customer(), bell)


# A link.


async def test_a_link_that_came_in_time_is_sent(till: Till) -> None:
    asked = await till.ask()

    assert asked.link is Link.SENT
    assert till.gateway.asked == [asked.reference]
    assert await till.told() == ["notice.pay_link"]
    assert await till.ask() == asked  # the same turn again
    assert await till.told() == []


@pytest.mark.parametrize("answer", [refuses, breaks])
async def test_a_gateway_that_refuses_is_asked_again_in_seconds(till: Till, answer: Answer) -> None:
    till.gateway.answer = answer
    asked = await till.ask()
    assert asked.link is Link.COMING
    await asyncio.wait_for(till.bell.wait(5), 1)  # the worker was called

    till.gateway.answer = opens
    assert await till.work(after_s=0 if answer is refuses else 10) == 1

    assert till.gateway.asked == [asked.reference] * 2
    assert await till.told() == ["notice.pay_link"]


async def test_a_reference_that_was_spent_is_replaced(till: Till) -> None:
    """The gateway took it, its answer was lost, and it refuses that reference for ever."""
    till.gateway.answer = till.gateway.loses
    asked = await till.ask()
    till.gateway.answer = opens
    await till.work()
    assert await till.told() == []

    await till.work(after_s=2)

    first, again, fresh = till.gateway.asked
    assert first == again == asked.reference != fresh
    assert await till.told() == ["notice.pay_link"]
    assert await till.statement() == [("awaited", fresh)]
    till.gateway.is_paid(fresh, 500_00)
    await till.work(after_s=60)
    assert await till.books.money(till.customer) == (500_00, 0)


async def test_what_is_paid_under_a_replaced_reference_is_credited(till: Till) -> None:
    till.gateway.answer = till.gateway.loses
    asked = await till.ask()
    await till.work()
    await till.work(after_s=2)

    till.gateway.is_paid(asked.reference, 500_00)
    await till.work(after_s=60)

    assert await till.books.money(till.customer) == (500_00, 0)


async def test_a_link_that_cannot_be_had_is_given_up_and_told_once(till: Till) -> None:
    till.gateway.answer = refuses
    await till.ask()
    looks = 0

    for _ in range(1000):
        looks += await till.work(after_s=1)

    assert await till.told() == ["notice.no_link"]
    assert await till.statement() == []
    assert len(set(till.gateway.asked)) < 15
    assert looks < 60
    for _ in range(10):
        await till.work(after_s=86_400)
    assert await till.due() == []
    assert await till.told() == []


async def test_a_link_that_comes_after_the_turn_is_kept_and_sent(till: Till) -> None:
    page = asyncio.Event()

    async def slowly(request: PaymentRequest) -> Checkout | None:
        await page.wait()
        return await opens(request)

    till.gateway.answer = slowly
    asked = await till.ask(within_s=0.01)
    assert asked.link is Link.COMING
    page.set()
    await till.funding.close()

    assert await till.told() == ["notice.pay_link"]
    assert (await till.ask()).link is Link.SENT
    assert till.gateway.asked == [asked.reference]


async def test_a_turn_that_is_cut_off_loses_no_link(till: Till) -> None:
    page = asyncio.Event()

    async def slowly(request: PaymentRequest) -> Checkout | None:
        await page.wait()
        return await opens(request)

    till.gateway.answer = slowly
    turn = asyncio.create_task(till.ask())
    await until(lambda: till.gateway.asked)
    turn.cancel()
    with pytest.raises(asyncio.CancelledError):
        await turn
    page.set()
    await till.funding.close()

    assert await till.told() == ["notice.pay_link"]


async def test_a_link_that_comes_after_the_payment_is_not_sent(till: Till) -> None:
    """A webhook may overtake the answer to the first call."""

    async def paid_before(request: PaymentRequest) -> Checkout | None:
        till.gateway.is_paid(request.reference, 500_00)
        await till.funding.hurry("paystack", [request.reference])
        await till.work()
        return await opens(request)

    till.gateway.answer = paid_before
    await till.ask()

    assert await till.told() == ["notice.funded"]
    assert await till.due() == []


# How many.


async def test_the_same_amount_again_is_the_same_link(till: Till) -> None:
    first = await till.ask(key="one")
    assert await till.told() == ["notice.pay_link"]

    again = await till.ask(key="two")

    assert again == Asked(first.reference, Link.SENT_BEFORE)
    assert await till.told() == []
    assert len(await till.statement()) == 1
    till.books.clock.advance(601)
    assert (await till.ask(key="three")).link is Link.SENT


async def test_the_same_amount_after_it_was_paid_is_another_link(till: Till) -> None:
    first = await till.ask(key="one")
    till.gateway.is_paid(first.reference, 500_00)
    await till.work(after_s=11)

    second = await till.ask(key="two")

    assert second.link is Link.SENT
    assert second.reference != first.reference


async def test_five_links_may_wait_to_be_paid_within_an_hour(till: Till) -> None:
    asked = [await till.ask(minor) for minor in (1_00, 2_00, 3_00, 4_00, 5_00)]

    with pytest.raises(TooManyLinks):
        await till.ask(6_00)
    assert await till.ask(5_00) == asked[-1]  # the same turn again
    other = Till(till.books, till.gateway, till.funding, await till.books.customer(2), till.bell)
    assert (await other.ask(6_00)).link is Link.SENT

    till.gateway.is_paid(asked[0].reference, 1_00)
    await till.funding.hurry("paystack", [asked[0].reference])
    await till.work()
    assert (await till.ask(6_00)).link is Link.SENT
    with pytest.raises(TooManyLinks):
        await till.ask(7_00)
    till.books.clock.advance(3601)
    assert (await till.ask(7_00)).link is Link.SENT


# What was found.


async def test_money_in_another_currency_is_told_noted_and_let_go(
    till: Till, owner: asyncpg.Connection, logs: list[MutableMapping[str, Any]]
) -> None:
    asked = await till.ask()
    await till.told()
    till.gateway.is_paid(asked.reference, 500_00, "GHS")

    for _ in range(3):  # the webhook comes again, and again
        await till.funding.hurry("paystack", [asked.reference])
        assert await till.work() == 1

    [told] = await till.books.outbox.due(10, 60)
    assert told.text == "notice.fund_held_up"
    assert told.facts == {
        "amount": 500_00,
        "currency": "GHS",
        "holds": "NGN",
        "hint": "NGN",
        "reference": asked.reference,
    }
    [line] = [line for line in logs if line["event"] == "funding.mismatch"]
    assert line["log_level"] == "error"
    assert till.customer.msisdn not in str(line)
    assert await owner.fetchval("select count(*) from events where kind = 'intent.held_up'") == 1
    [case] = await owner.fetch("select kind, subject, state, facts from cases")
    assert (case["kind"], case["subject"], case["state"]) == (
        "payment_held_up",
        asked.reference,
        "open",
    )
    assert till.customer.msisdn not in str(case)
    assert await till.statement() == [("held_up", asked.reference)]
    assert await till.books.money(till.customer) == (0, 0)
    assert await till.work(after_s=30 * 86_400) == 0


async def test_a_payment_of_another_reference_is_no_evidence(
    till: Till, owner: asyncpg.Connection
) -> None:
    asked, other = await till.ask(1_00), await till.ask(2_00)
    till.gateway.is_paid(other.reference, 2_00)
    till.gateway.verifications[asked.reference] = till.gateway.verifications[other.reference]

    await till.work(after_s=11)

    assert await till.books.money(till.customer) == (2_00, 0)
    [payment] = await owner.fetch("select reference, state from payments_in")
    assert tuple(payment) == (other.reference, "credited")


@pytest.mark.parametrize(
    "says",
    [None, OPEN, Verification(PaymentState.DEAD)],
    ids=["paid, as before", "open", "reversed"],
)
async def test_a_paid_intent_is_looked_at_once_per_webhook(
    till: Till, says: Verification | None
) -> None:
    asked = await till.ask()
    till.gateway.is_paid(asked.reference, 500_00)
    await till.work(after_s=11)
    if says is not None:
        till.gateway.verifications[asked.reference] = says

    await till.funding.hurry("paystack", [asked.reference])

    assert await till.work() == 1
    assert await till.work(after_s=7200) == 0
    assert await till.statement() == [("paid", asked.reference)]


async def test_a_webhook_that_the_gateway_could_not_be_asked_about_is_not_forgotten(
    till: Till,
) -> None:
    """Late money, after the last planned look, while the gateway is down for a while."""
    asked = await till.ask()
    for _ in range(10):
        await till.work(after_s=86_400)
    assert await till.due() == []

    till.gateway.verifications[asked.reference] = UNANSWERED
    await till.funding.hurry("paystack", [asked.reference])
    await till.work()
    till.gateway.is_paid(asked.reference, 500_00)
    await till.work(after_s=1801)

    assert await till.books.money(till.customer) == (500_00, 0)


async def test_a_gateway_that_never_answers_is_let_go_in_the_end(till: Till) -> None:
    asked = await till.ask()
    till.gateway.verifications[asked.reference] = UNANSWERED
    looks = 0

    for _ in range(300):
        looks += await till.work(after_s=3600)

    assert looks == 40
    assert await till.due() == []


async def test_an_intent_of_a_gateway_that_is_gone_ends_as_well(
    till: Till, owner: asyncpg.Connection
) -> None:
    till.gateway.answer = refuses
    await till.ask()
    await owner.execute("update payment_intents set gateway = 'gone'")

    for _ in range(100):
        await till.work(after_s=3600)

    assert await till.told() == ["notice.no_link"]
    assert await till.due() == []


# Several payments, several gateways.


def paid(reference: str, *minors: int, state: PaymentState = PaymentState.PAID) -> Verification:
    payments = [
        Payment(f"tx-{reference}-{place}", reference, Money(minor, "NGN"))
        for place, minor in enumerate(minors)
    ]
    return Verification(state, tuple(payments))


async def test_every_payment_under_one_reference_is_credited(till: Till) -> None:
    asked = await till.ask()
    await till.told()
    till.gateway.verifications[asked.reference] = paid(asked.reference, 500_00, 500_00)

    await till.work(after_s=11)

    assert await till.books.money(till.customer) == (1000_00, 0)
    assert await till.told() == ["notice.funded"] * 2
    assert await till.work(after_s=86_400) == 0


async def test_a_partly_paid_intent_is_looked_at_until_the_rest_has_come(till: Till) -> None:
    asked = await till.ask()
    await till.told()
    till.gateway.verifications[asked.reference] = paid(asked.reference, 200_00)
    await till.work(after_s=11)
    assert await till.told() == ["notice.funded_less"]

    assert await till.work(after_s=60) == 1  # nothing new
    till.gateway.verifications[asked.reference] = paid(asked.reference, 200_00, 300_00)
    assert await till.work(after_s=300) == 1

    assert await till.told() == ["notice.funded"]
    assert await till.books.money(till.customer) == (500_00, 0)
    assert await till.work(after_s=86_400) == 0


async def test_a_part_that_stays_alone_is_let_go_after_the_last_look(till: Till) -> None:
    asked = await till.ask()
    till.gateway.verifications[asked.reference] = paid(asked.reference, 200_00)

    looks = [await till.work(after_s=43_200) for _ in range(12)]

    assert sum(looks) > 2
    assert looks[-3:] == [0, 0, 0]
    assert await till.statement() == [("paid", asked.reference)]


async def test_more_than_asked_is_credited_and_said(till: Till) -> None:
    asked = await till.ask()
    await till.told()
    till.gateway.is_paid(asked.reference, 900_00)

    await till.work(after_s=11)

    assert await till.told() == ["notice.funded_more"]
    assert await till.books.money(till.customer) == (900_00, 0)


async def test_what_is_known_is_credited_though_the_rest_could_not_be_asked(till: Till) -> None:
    asked = await till.ask()
    unfinished = paid(asked.reference, 500_00, state=PaymentState.UNKNOWN)
    till.gateway.verifications[asked.reference] = unfinished
    await till.work(after_s=11)
    assert await till.books.money(till.customer) == (500_00, 0)

    till.gateway.verifications[asked.reference] = paid(asked.reference, 500_00, 70_00)
    await till.work(after_s=60)

    assert await till.books.money(till.customer) == (570_00, 0)


async def test_the_next_gateway_is_asked_where_the_first_gives_no_link(books: Books) -> None:
    first, second = Gateway(answer=refuses), Gateway(name="monnify")
    rules = FundingRules(amount_min_minor=1, amount_max_minor=10**9)
    gateways = {"paystack": first, "monnify": second}
    funding = Funding(books.intents, books.customers, gateways, rules, books.clock, Bell())
    till = Till(books, first, funding, await books.customer(), Bell())

    asked = await till.ask()
    assert asked.link is Link.COMING
    await till.work()

    assert await till.told() == ["notice.pay_link"]
    assert len(second.asked) == 1
    for gateway, reference in ((first, asked.reference), (second, second.asked[0])):
        gateway.is_paid(reference, 500_00)
    await till.work(after_s=60)
    assert await books.money(till.customer) == (1000_00, 0)
