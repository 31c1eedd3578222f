"""Money out: at most one transfer, captured only if it arrived, whatever the gateway does."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import asyncpg
import pytest

from core.domain.ledger import AccountType
from core.domain.payouts import PayoutRuling, PayoutState, PayoutVerdict
from core.domain.vending import Outcome, Result
from core.kit import crash
from core.kit.errors import Fault
from core.services import payout_desk
from core.services.payouts import NotOffered, OverWithdrawLimit, Payouts
from core.services.purchases import InsufficientFunds
from tests.fakes.books import Books, open_books
from tests.fakes.payouts import TERMS, PayoutWorld, payout_world

ACCOUNT = "0123456789"


@pytest.fixture
async def world(books: Books) -> AsyncIterator[PayoutWorld]:
    async with payout_world(books) as opened:
        yield opened


PAID, REFUNDED, WAITS = PayoutState.PAID, PayoutState.REFUNDED, PayoutState.NEEDS_PERSON
ENDS: dict[str, PayoutState] = {
    "ok": PAID,
    "pending_then_ok": PAID,
    "pending_then_fail": REFUNDED,
    "refused": REFUNDED,
    "reply_lost": PAID,
    "delivered_after_timeout": PAID,
    "arrives_late": PAID,
    "never_arrives": REFUNDED,
    "reply_500_no_order": REFUNDED,
    "reply_500_with_order": PAID,
    "html_503": PAID,
    "garbled": PAID,
    "verify_down": PAID,
    "webhook_forged": WAITS,
    "webhook_never": PAID,
    "stuck_pending": WAITS,
}


@pytest.mark.parametrize("gateway", ["paystack", "flutterwave"])
async def test_every_scenario_ends_as_what_really_happened(books: Books, gateway: str) -> None:
    """One customer and one account for each; the promise is checked for all of them."""
    async with payout_world(books, gateway) as world:
        for number, (scenario, expected) in enumerate(ENDS.items()):
            account = f"09{number:08d}"
            customer = await books.customer(number, funds=1000_00)
            await world.plays(scenario, account)
            await world.withdraw(customer, account)

            ended = await world.until_ended(customer)

            assert ended.state is expected, scenario
            await world.check_promise(customer, account)


async def test_a_payout_moves_the_money_to_the_gateway_and_the_fee_to_us(
    world: PayoutWorld,
) -> None:
    books = world.books
    customer = await books.customer(funds=1000_00)

    begun = await world.withdraw(customer, ACCOUNT)
    assert begun.state is PayoutState.HELD
    assert await books.money(customer) == (475_00, 525_00)
    await world.until_ended(customer)

    assert await books.money(customer) == (475_00, 0)
    assert await books.posted(AccountType.REVENUE) == 25_00
    # The gateway took its own fee of ten naira besides.
    assert await books.posted(AccountType.CLEARING, "paystack") == 510_00
    assert await books.posted(AccountType.FEES, "paystack") == -10_00
    [made] = await world.paid_out(ACCOUNT)
    assert made["amount"] == "500.00"


async def test_the_same_confirmation_again_is_the_first_payout(world: PayoutWorld) -> None:
    customer = await world.books.customer(funds=2000_00)

    first, *others = await asyncio.gather(*(world.withdraw(customer, ACCOUNT) for _ in range(5)))
    await world.until_ended(customer)
    again = await world.withdraw(customer, ACCOUNT)

    assert {each.reference for each in others} == {first.reference} == {again.reference}
    assert again.state is PAID
    assert len(await world.paid_out(ACCOUNT)) == 1


async def test_one_confirmation_with_another_account_is_refused(world: PayoutWorld) -> None:
    customer = await world.books.customer(funds=2000_00)
    await world.withdraw(customer, ACCOUNT)

    with pytest.raises(Fault):
        await world.withdraw(customer, "0123456780")


async def test_too_little_money_and_the_day_limit_leave_nothing_behind(world: PayoutWorld) -> None:
    poor = await world.books.customer(1, funds=524_99)
    rich = await world.books.customer(2, funds=500_000_00)

    with pytest.raises(InsufficientFunds):
        await world.withdraw(poor, ACCOUNT)
    await world.withdraw(rich, ACCOUNT, amount=150_000_00, key="first")
    with pytest.raises(OverWithdrawLimit):
        await world.withdraw(rich, ACCOUNT, amount=50_000_01, key="second")
    await world.withdraw(rich, ACCOUNT, amount=50_000_00, key="third")

    assert await world.payouts.latest(poor, 5) == []


async def test_where_it_is_not_offered_nothing_is_taken(world: PayoutWorld) -> None:
    customer = await world.books.customer(funds=1000_00)
    shut = replace(TERMS, offered=False)
    world.payouts = Payouts(
        world.book,
        {world.gateway.name: world.gateway},
        shut,
        world.payouts._keyring,
        world.books.clock,
        world.payouts._bell,
    )

    with pytest.raises(NotOffered):
        await world.withdraw(customer, ACCOUNT)

    assert await world.books.money(customer) == (1000_00, 0)


async def test_two_claims_at_once_never_take_one_payout(world: PayoutWorld) -> None:
    for number in range(12):
        customer = await world.books.customer(number, funds=1000_00)
        await world.withdraw(customer, f"07{number:08d}")

    claims = await asyncio.gather(*(world.book.claim(3, 60) for _ in range(8)))

    claimed = [due.id for claim in claims for due in claim]
    assert len(claimed) == len(set(claimed)) == 12
    assert all(due.first_send for claim in claims for due in claim)


class Died(BaseException):
    """What no code catches: the process is gone."""


@pytest.mark.parametrize(
    "point",
    [
        "payout.before_begin",
        "payout.begun",
        "payout.before_send",
        "payout.recipient_made",
        "payout.answered",
        "payout.booked",
    ],
)
async def test_a_death_at_any_point_pays_at_most_once(world: PayoutWorld, point: str) -> None:
    """The customer presses again, another worker takes over: one payout, one end."""
    customer = await world.books.customer(funds=2000_00)

    def die(passed: str) -> None:
        if passed == point:
            raise Died

    async def live() -> None:
        await world.withdraw(customer, ACCOUNT)
        await world.work_once()

    with crash.watched(die), pytest.raises(Died):
        await live()
    world.later(90)
    await world.withdraw(customer, ACCOUNT)
    ended = await world.until_ended(customer)

    assert ended.state.final
    assert len(await world.payouts.latest(customer, 5)) == 1
    await world.check_promise(customer, ACCOUNT)


async def test_a_machine_that_stood_still_sends_nothing(world: PayoutWorld) -> None:
    """Past the time to send, another worker may have asked and believed that nothing was sent."""
    customer = await world.books.customer(funds=1000_00)
    await world.withdraw(customer, ACCOUNT)
    [due] = await world.book.claim(1, 60)

    world.later(11)
    state = await world.work.see_through(due)

    assert state is PayoutState.HELD
    assert await world.paid_out(ACCOUNT) == []
    world.later(90)
    ended = await world.until_ended(customer)
    assert ended.state is REFUNDED
    await world.check_promise(customer, ACCOUNT)


async def test_no_such_transfer_is_not_believed_at_once(world: PayoutWorld) -> None:
    """It may still be on its way: the money stays held until twice, and late enough, it is not."""
    customer = await world.books.customer(funds=1000_00)
    await world.plays("never_arrives", ACCOUNT)
    await world.withdraw(customer, ACCOUNT)
    await world.work_once()

    for _ in range(7):  # the quarantine is 10 s to send, 35 s of waiting, 120 s inside
        world.later(20)
        await world.work_once()
        [latest] = await world.payouts.latest(customer, 1)
        assert latest.state is PayoutState.IN_DOUBT
    ended = await world.until_ended(customer)

    assert (ended.state, ended.result) == (REFUNDED, "not_found")


@pytest.mark.parametrize(
    ("scenario", "hint"),
    [
        pytest.param("name_changed", "name_changed", id="another holder"),
        pytest.param("resolve_down", "try_later", id="nobody can say who holds it"),
        pytest.param("unknown_account", "wrong_account", id="the account is gone"),
    ],
)
async def test_an_account_that_is_not_as_it_was_confirmed_gets_nothing(
    world: PayoutWorld, scenario: str, hint: str
) -> None:
    customer = await world.books.customer(funds=1000_00)
    await world.withdraw(customer, ACCOUNT)
    await world.plays(scenario, ACCOUNT)

    ended = await world.until_ended(customer)

    assert ended.state is REFUNDED
    assert await world.paid_out(ACCOUNT) == []
    assert await world.books.money(customer) == (1000_00, 0)
    notices = await world.books.outbox.due(10, 60)
    assert [notice.facts.get("hint") for notice in notices] == [hint]


async def test_what_nobody_can_tell_by_the_deadline_goes_to_a_person_and_stays_held(
    world: PayoutWorld,
) -> None:
    customer = await world.books.customer(funds=1000_00)
    await world.plays("stuck_pending", ACCOUNT)
    await world.withdraw(customer, ACCOUNT)

    waiting = await world.until_ended(customer, within_s=2 * 3600)

    assert waiting.state is WAITS
    assert await world.books.money(customer) == (475_00, 525_00)
    assert world.cases.kinds == ["payout_in_doubt"]
    [case] = world.cases.opened.values()
    assert case.subject == waiting.reference
    assert ACCOUNT not in str(case.facts)
    [notice] = await world.books.outbox.due(10, 60)
    assert notice.text == "notice.payout_needs_person"


async def waits_for_a_person(world: PayoutWorld, number: int = 1) -> str:
    customer = await world.books.customer(number, funds=1000_00)
    account = f"06{number:08d}"
    await world.plays("stuck_pending", account)
    await world.withdraw(customer, account)
    waiting = await world.until_ended(customer, within_s=2 * 3600)
    assert waiting.state is WAITS
    return waiting.reference


@pytest.mark.parametrize("paid", [True, False], ids=["paid", "not paid"])
async def test_a_person_settles_once_and_it_is_audited(
    world: PayoutWorld, owner: asyncpg.Connection, *, paid: bool
) -> None:
    reference, tenant_id = await waits_for_a_person(world), world.books.tenant.id
    customer = await world.books.customer(1)

    async def settle(*, word: bool = paid, key: str = "k") -> PayoutState:
        settled = await world.desk.settle(
            tenant_id, reference, paid=word, evidence="session 0001", actor="cli:ada", key=key
        )
        return settled.state

    states = await asyncio.gather(*(settle() for _ in range(4)))

    assert set(states) == {PAID if paid else REFUNDED}
    assert await world.books.money(customer) == ((475_00 if paid else 1000_00), 0)
    with pytest.raises(payout_desk.AlreadySettled):
        await settle(word=not paid)
    with pytest.raises(payout_desk.NotWaiting):
        await settle(word=not paid, key="another")
    [event] = await owner.fetch("select * from events where kind = 'payout.settled'")
    assert event["actor"] == "cli:ada"
    kept = await owner.fetchval("select settled_evidence from payouts")
    assert "session" not in kept


async def test_only_what_waits_for_a_person_is_a_persons(world: PayoutWorld) -> None:
    customer, tenant_id = await world.books.customer(funds=1000_00), world.books.tenant.id
    begun = await world.withdraw(customer, ACCOUNT)

    for reference, evidence, refusal in (
        (begun.reference, "it arrived", payout_desk.NotWaiting),
        ("NOSUCH0000", "it arrived", payout_desk.UnknownPayout),
        (begun.reference, "  ", payout_desk.EvidenceNeeded),
    ):
        with pytest.raises(refusal):
            await world.desk.settle(
                tenant_id, reference, paid=True, evidence=evidence, actor="cli:ada"
            )
    await world.until_ended(customer)


async def test_a_stranger_settles_nothing(world: PayoutWorld) -> None:
    reference = await waits_for_a_person(world)
    stranger = await open_books(world.books.database, "stranger")

    with pytest.raises(payout_desk.UnknownPayout):
        await world.desk.settle(
            stranger.tenant.id, reference, paid=False, evidence="none", actor="cli:eve"
        )


async def test_what_the_bank_sends_back_is_given_back_once(world: PayoutWorld) -> None:
    customer = await world.books.customer(funds=1000_00)
    await world.plays("reversed_after_success", ACCOUNT)
    await world.withdraw(customer, ACCOUNT)
    paid = await world.until_ended(customer)
    assert paid.state is PAID
    world.later(60)
    known = [paid.gateway_reference]

    for _ in range(3):
        assert await world.payouts.hurry("paystack", known) == 1
        await world.work_once()
        world.later(120)

    [latest] = await world.payouts.latest(customer, 1)
    assert latest.state is REFUNDED
    assert await world.books.money(customer) == (1000_00, 0)
    await world.check_promise(customer, ACCOUNT)


async def test_money_that_arrives_after_it_was_given_back_is_our_loss_once(
    world: PayoutWorld,
) -> None:
    """A person said that it was not paid, and the bank paid it after all."""
    reference = await waits_for_a_person(world)
    tenant_id, customer = world.books.tenant.id, await world.books.customer(1)
    settled = await world.desk.settle(
        tenant_id, reference, paid=False, evidence="statement", actor="cli:ada"
    )
    arrived = Outcome(Result.DELIVERED, "success")

    for _ in range(2):
        ruling = PayoutRuling(settled.id, tenant_id, arrived, PayoutVerdict.CAPTURE)
        assert await world.book.rule(ruling) is REFUNDED

    assert await world.books.money(customer) == (1000_00, 0)
    assert await world.books.posted(AccountType.LOSS) == -500_00


async def test_a_webhook_that_names_a_payout_has_it_asked_about_now(world: PayoutWorld) -> None:
    """However long its next look was away, and however often it is told."""
    customer = await world.books.customer(funds=1000_00)
    await world.plays("pending_then_ok", ACCOUNT)
    await world.withdraw(customer, ACCOUNT)
    await world.work_once()
    [before] = await world.payouts.latest(customer, 1)
    world.later(3)
    assert await world.work_once() == 0

    for _ in range(3):
        hurried = await world.payouts.hurry("paystack", [before.gateway_reference, "unknown"])
        assert hurried == 1
    assert await world.work_once() == 1

    [after] = await world.payouts.latest(customer, 1)
    assert after.state is PAID


async def test_two_rulings_at_once_leave_one_outcome(world: PayoutWorld) -> None:
    for number in range(8):
        customer = await world.books.customer(number, funds=1000_00)
        await world.withdraw(customer, f"05{number:08d}")
        [due] = await world.book.claim(5, 600)
        failed = Outcome(Result.FAILED, "failed")
        success = Outcome(Result.DELIVERED, "success")

        await asyncio.gather(
            world.book.rule(PayoutRuling(due.id, due.tenant_id, success, PayoutVerdict.CAPTURE)),
            world.book.rule(PayoutRuling(due.id, due.tenant_id, failed, PayoutVerdict.REFUND)),
        )

        [latest] = await world.payouts.latest(customer, 1)
        left = await world.books.money(customer)
        # Refunded first, then found paid: the customer keeps both, and the loss is ours.
        assert left == ((475_00, 0) if latest.state is PAID else (1000_00, 0))


async def test_the_account_number_is_nowhere_in_the_clear(
    world: PayoutWorld, owner: asyncpg.Connection
) -> None:
    customer = await world.books.customer(funds=1000_00)
    await world.withdraw(customer, ACCOUNT)
    await world.until_ended(customer)

    for table in ("payouts", "payout_answers", "events", "notices", "holds"):
        rows = await owner.fetch(f"select t::text as row from {table} t")
        assert rows
        assert [row["row"] for row in rows if ACCOUNT in row["row"]] == []


async def test_the_functions_scan_no_table(world: PayoutWorld, owner: asyncpg.Connection) -> None:
    """What workers ask all day finds its rows by key."""
    await world.books.customer(funds=1000_00)
    of_a_customer = (
        "select sum(amount_minor) from payouts where tenant_id = gen_random_uuid()"
        " and customer_id = gen_random_uuid() and created_at >= now()"
    )
    await owner.execute("set enable_seqscan = off")
    for query in (
        "select id from payouts where run_at <= now() order by run_at limit 5",
        "select id from payouts where gateway = 'paystack' and gateway_reference = any ('{a,b}')",
        of_a_customer,
    ):
        plan = "\n".join(row[0] for row in await owner.fetch("explain " + query))
        assert "Seq Scan" not in plan, plan
