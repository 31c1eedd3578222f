"""Days of a shop beside the sandbox, compared with the sandbox's own word over HTTP."""

import datetime as dt
from collections.abc import AsyncIterator

import pytest

from core.domain.orders import Verdict
from core.domain.reconciliation import DifferenceKind, Side
from core.jobs.reconciling import DailyReconciliation
from core.kit.money import Money
from core.ports import Paging
from core.ports.statements import DayRun, Party
from core.services.floats import ReferenceUsed
from core.services.reconciliation import DayNotOver, UnknownParty
from core.store.tenants import PgTenants
from tests.fakes.books import Books, open_books
from tests.fakes.reconciling import NAIRA, Shop, open_shop

KIND = DifferenceKind


@pytest.fixture
async def shop(books: Books) -> AsyncIterator[Shop]:
    async with open_shop(books) as opened:
        yield opened


def found(run: DayRun) -> dict[str, str]:
    """Open differences: which kind, by what they are about."""
    return {each.subject: each.kind.value for each in run.found if each.state == "open"}


@pytest.mark.parametrize("provider", ["reloadly", "smeplug", "vtpass"])
async def test_a_clean_day_has_no_difference(shop: Shop, provider: str) -> None:
    """By a list, by one whose costs only they tell, and by asking about one after another."""
    buyer = await shop.buyer()
    for _ in range(3):
        await shop.sell(buyer, provider)
    shop.overnight()

    run = await shop.reconcile(provider)

    assert (run.state, run.lines, run.matched, run.differences) == ("done", 3, 3, 0)
    assert run.totals["read_by"] == ("requery" if provider == "vtpass" else "statement")
    assert (shop.office.cases, shop.office.alarms, shop.office.hints) == ({}, set(), [])


async def test_a_day_with_every_kind_of_difference_yields_exactly_these(shop: Shop) -> None:
    buyer = await shop.buyer()
    fine = await shop.sell(buyer)
    missing = await shop.sell(buyer)
    dearer = await shop.sell(buyer)
    twice = await shop.sell(buyer)
    refunded = await shop.sell(buyer, verdict=Verdict.REFUND)
    in_doubt = await shop.sell(buyer, verdict=Verdict.WAIT)
    unheard_of = await shop.sell(buyer, verdict=Verdict.WAIT)
    await shop.lie("reloadly", "missing", missing.provider_reference)
    await shop.lie("reloadly", "missing", unheard_of.provider_reference)
    await shop.lie("reloadly", "amount", dearer.provider_reference, amount=99 * NAIRA)
    await shop.lie("reloadly", "doubled", twice.provider_reference)
    await shop.lie("reloadly", "stranger", "NOBODYS")
    shop.overnight()

    run = await shop.reconcile()

    assert found(run) == {
        missing.reference: "delivery_without_debit",
        dearer.reference: "amount_differs",
        twice.reference: "duplicate",
        refunded.reference: "debit_without_delivery",
        in_doubt.reference: "state_differs",
        unheard_of.reference: "unknown_to_them",
        "999000000001": "unknown_to_us",
    }
    assert (run.matched, run.differences) == (1, 7)
    told = {case.subject for case in shop.office.cases.values()}
    assert told == found(run).keys() - {in_doubt.reference}
    assert {case.kind for case in shop.office.cases.values()} == {"statement_difference"}
    [(provider, hurried)] = shop.office.hints
    assert provider == "reloadly"
    assert in_doubt.provider_reference in hurried
    assert fine.provider_reference not in hurried
    assert shop.office.alarms == {f"statement/vends/reloadly/{shop.day}"}


async def test_nothing_is_booked_from_a_statement(shop: Shop) -> None:
    buyer = await shop.buyer()
    await shop.sell(buyer, verdict=Verdict.WAIT)
    await shop.collect(buyer, book=False)
    shop.overnight()
    before = await shop.books.money(buyer)

    await shop.reconcile()
    await shop.reconcile_payments()

    assert await shop.books.money(buyer) == before


async def test_run_twice_a_day_is_as_run_once(shop: Shop) -> None:
    buyer = await shop.buyer()
    missing = await shop.sell(buyer)
    await shop.lie("reloadly", "missing", missing.provider_reference)
    shop.overnight()

    first = await shop.reconcile()
    second = await shop.reconcile()

    assert (first.id, found(first)) == (second.id, found(second))
    assert [each.seen for each in second.found] == [2]
    assert len(shop.office.cases) == 1
    assert await shop.book.run_count(shop.books.tenant.id) == 1


async def test_what_is_gone_is_closed_and_the_alarm_with_it(shop: Shop) -> None:
    buyer = await shop.buyer()
    late = await shop.sell(buyer)
    await shop.lie("reloadly", "missing", late.provider_reference)
    shop.overnight()
    await shop.reconcile()
    await shop.tell_the_truth()

    run = await shop.reconcile()

    assert [each.state for each in run.found] == ["closed"]
    assert (run.differences, shop.office.alarms) == (0, set())


async def test_what_should_mend_itself_and_does_not_is_a_case_in_the_end(shop: Shop) -> None:
    buyer = await shop.buyer()
    order = await shop.sell(buyer, verdict=Verdict.WAIT)
    shop.overnight()
    await shop.reconcile()
    assert shop.office.cases == {}

    await shop.reconcile()

    assert [case.subject for case in shop.office.cases.values()] == [order.reference]


async def test_a_statement_that_lags_is_whole_a_day_later(shop: Shop) -> None:
    buyer = await shop.buyer()
    await shop.sell(buyer)
    await shop.lie("reloadly", "lag", seconds=20 * 3600)
    shop.overnight()
    assert (await shop.reconcile()).differences == 1
    shop.clock.advance(86_400)

    assert (await shop.reconcile()).differences == 0


@pytest.mark.parametrize("party", ["reloadly", "smeplug"])
async def test_pages_are_followed_to_the_end(shop: Shop, party: str) -> None:
    buyer = await shop.buyer()
    for _ in range(5):
        await shop.sell(buyer, party)
    await shop.lie(party, "short", page=2)
    shop.overnight()

    run = await shop.reconcile(party)

    assert (run.lines, run.matched) == (5, 5)


async def test_a_page_that_fails_midway_makes_it_unread_and_never_empty(shop: Shop) -> None:
    buyer = await shop.buyer()
    for _ in range(3):
        await shop.sell(buyer)
    await shop.lie("reloadly", "short", page=2)
    await shop.lie("reloadly", "fails", page=2)
    shop.overnight()

    run = await shop.reconcile()

    assert (run.state, run.lines, run.differences) == ("unread", 0, 0)
    assert run.why is not None
    assert "page 2" in run.why
    assert (shop.office.cases, shop.office.alarms) == ({}, set())


async def test_a_day_that_cannot_be_read_again_keeps_what_was_found(shop: Shop) -> None:
    buyer = await shop.buyer()
    missing = await shop.sell(buyer)
    await shop.lie("reloadly", "missing", missing.provider_reference)
    shop.overnight()
    await shop.reconcile()
    await shop.lie("reloadly", "fails", page=1)

    run = await shop.reconcile()

    assert run.state == "unread"
    assert found(run) == {missing.reference: "delivery_without_debit"}


async def test_an_attempt_that_nobody_can_tell_about_leaves_the_day_unread(shop: Shop) -> None:
    buyer = await shop.buyer()
    await shop.sell(buyer, "vtpass")
    await shop.scenario("vtpass", "requery_down")
    shop.overnight()

    run = await shop.reconcile("vtpass")

    assert (run.state, run.differences, run.totals["unasked"]) == ("unread", 0, 1)


async def test_an_order_of_a_second_before_midnight_is_no_difference(shop: Shop) -> None:
    """The day is the tenant's: in Lagos it ends at 23:00 UTC."""
    buyer = await shop.buyer()
    shop.clock.advance(11 * 3600 - 1)
    await shop.sell(buyer)
    shop.clock.advance(2)
    await shop.sell(buyer)
    shop.clock.advance(4 * 3600)

    run = await shop.reconcile()

    assert (run.matched, run.differences) == (1, 0)


# Payments.

GATEWAYS = ["paystack", "flutterwave", "monnify", "stripe"]


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_payments_that_agree(shop: Shop, gateway: str) -> None:
    buyer = await shop.buyer()
    for _ in range(3):
        await shop.collect(buyer, gateway)
    await shop.lie(gateway, "short", page=2)
    shop.overnight()

    run = await shop.reconcile_payments(gateway)

    assert (run.state, run.lines, run.matched, run.differences) == ("done", 3, 3, 0)
    assert run.totals["our_paid_minor"] == run.totals["their_paid_minor"] == 1500 * NAIRA
    # Monnify lists no fees.
    fees = 0 if gateway == "monnify" else run.totals["our_fee_minor"]
    assert run.totals["their_fee_minor"] == fees


@pytest.mark.parametrize("gateway", GATEWAYS)
async def test_a_gateway_whose_page_fails_is_unread(shop: Shop, gateway: str) -> None:
    buyer = await shop.buyer()
    for _ in range(3):
        await shop.collect(buyer, gateway)
    await shop.lie(gateway, "short", page=1)
    await shop.lie(gateway, "fails", page=2)
    shop.overnight()

    run = await shop.reconcile_payments(gateway)

    assert (run.state, run.differences) == ("unread", 0)


async def test_payments_with_every_kind_of_difference(shop: Shop) -> None:
    buyer = await shop.buyer()
    await shop.collect(buyer)
    missing = await shop.collect(buyer)
    other = await shop.collect(buyer)
    unnoticed = await shop.collect(buyer, book=False)
    await shop.lie("paystack", "missing", missing)
    await shop.lie("paystack", "amount", other, amount=1)
    await shop.lie("paystack", "stranger", "NOBODYS")
    shop.overnight()

    run = await shop.reconcile_payments()

    by_reference = {each.our_reference: each.kind for each in run.found}
    assert by_reference == {
        missing: KIND.UNKNOWN_TO_THEM,
        other: KIND.AMOUNT_DIFFERS,
        unnoticed: KIND.UNKNOWN_TO_US,
        "NOBODYS": KIND.UNKNOWN_TO_US,
    }
    assert shop.office.hints == [("paystack", (unnoticed,))]
    told = {str(case.facts["our_reference"]) for case in shop.office.cases.values()}
    assert told == {missing, other, "NOBODYS"}


async def test_what_belongs_to_another_tenant_is_none_of_ours(shop: Shop, books: Books) -> None:
    """The gateway's account is shared: its statement shows everybody's payments."""
    stranger = await open_books(books.database, "stranger")
    customer = await stranger.customer()
    await stranger.intents.open(
        intent_id=stranger.order(customer).id,
        customer=customer,
        gateway="paystack",
        reference="THEIRS",
        amount=Money(100, "NGN"),
        channel_id=stranger.channel.id,
        identity=customer.msisdn,
        at=shop.clock.now(),
    )
    await shop.lie("paystack", "stranger", "THEIRS")
    shop.overnight()

    assert (await shop.reconcile_payments()).differences == 0


# The float.


async def test_the_float_moves_as_the_books_say(shop: Shop) -> None:
    """From reading to reading: what was sold, and what was paid in."""
    buyer = await shop.buyer()
    shop.clock.advance(-86_400)
    shop.overnight()
    await shop.floats.show(shop.books.tenant.id, "vtpass")
    shop.clock.advance(10 * 3600)
    order = await shop.sell(buyer, "vtpass")
    shop.overnight()

    run = await shop.reconcile("vtpass")

    assert run.differences == 0
    equation = run.totals["float"]
    assert isinstance(equation, dict)
    assert 0 < equation["spent"] < order.amount_minor
    assert equation["gap"] == 0


async def test_money_that_is_booked_and_never_arrived_is_a_gap(shop: Shop) -> None:
    shop.clock.advance(-86_400)
    shop.overnight()
    await shop.floats.show(shop.books.tenant.id, "vtpass")
    shop.clock.advance(10 * 3600)
    amount = Money(5000 * NAIRA, "NGN")
    await shop.floats.fund(
        shop.books.tenant.id, "vtpass", amount, reference="bank 1", actor="a test"
    )
    shop.overnight()

    run = await shop.reconcile("vtpass")

    assert found(run) == {"vtpass": "float_differs"}
    assert run.found[0].facts["gap_minor"] == -5000 * NAIRA


async def test_a_float_is_funded_once_per_reference(shop: Shop) -> None:
    tenant = shop.books.tenant.id
    amount = Money(700, "NGN")

    first = await shop.floats.fund(tenant, "vtpass", amount, reference="bank 1", actor="a test")
    again = await shop.floats.fund(tenant, "vtpass", amount, reference="bank 1", actor="a test")
    with pytest.raises(ReferenceUsed):
        await shop.floats.fund(
            tenant, "vtpass", Money(701, "NGN"), reference="bank 1", actor="a test"
        )

    assert (first.repeated, again.repeated, first.transfer_id) == (False, True, again.transfer_id)
    standing = await shop.floats.show(tenant, "vtpass")
    assert (standing.booked, standing.why) == (amount, None)


# Runs.


async def test_only_one_process_is_at_a_day(shop: Shop) -> None:
    tenant, party = shop.books.tenant.id, Party(Side.VENDS, "reloadly")
    shop.overnight()
    held = await shop.book.lease(tenant, party, shop.day, 60)
    assert held is not None

    assert await shop.reconciliation.run(tenant, party, shop.day) is None
    shop.clock.advance(61)
    assert await shop.reconciliation.run(tenant, party, shop.day) is not None
    assert await shop.reconciliation.work_off(held) is None


async def test_a_day_that_is_not_over_has_no_statement(shop: Shop) -> None:
    with pytest.raises(DayNotOver):
        await shop.reconciliation.run_day(shop.books.tenant.id, shop.day)


async def test_nobody_knows_a_party_of_another_name(shop: Shop) -> None:
    shop.overnight()
    with pytest.raises(UnknownParty):
        await shop.reconciliation.run_day(shop.books.tenant.id, shop.day, "acme")


async def test_every_party_of_a_day_is_looked_at(shop: Shop) -> None:
    shop.overnight()

    runs = await shop.reconciliation.run_day(shop.books.tenant.id, shop.day)

    assert {run.party.name for run in runs} == {*shop.providers, *shop.gateways}
    assert {run.state for run in runs} == {"done"}
    assert len(await shop.book.runs(shop.books.tenant.id, Paging(per_page=3))) == 4


async def test_a_day_comes_due_at_its_hour_once_and_again_while_it_does_not_agree(
    shop: Shop,
) -> None:
    buyer = await shop.buyer()
    missing = await shop.sell(buyer)
    await shop.lie("reloadly", "missing", missing.provider_reference)
    tenants = PgTenants(shop.books.database)
    daily = DailyReconciliation(
        shop.reconciliation,
        shop.book,
        tenants,
        tenants,
        shop.clock,
        at=dt.time(3, 0),
        lease_s=900,
    )
    shop.clock.advance(13 * 3600)
    before_hour = await daily.due(100)
    shop.clock.advance(3600)
    due = await daily.due(100)
    for run in due:
        await daily.handle(run)
    same_day = await daily.due(100)
    shop.clock.advance(86_400)
    next_day = [(run.party.name, run.day) for run in await daily.due(100)]

    assert before_hour == []
    assert {run.day for run in due} == {shop.day}
    assert {run.party.name for run in due} == {*shop.providers, *shop.gateways}
    assert same_day == []
    assert ("reloadly", shop.day) in next_day
    assert ("vtpass", shop.day) not in next_day
    assert ("vtpass", shop.day + dt.timedelta(days=1)) in next_day
