"""`callbox payouts`: seen without account numbers, settled by a person once."""

import datetime as dt
import json

from core.domain.payouts import NewPayout, PayoutRuling, PayoutVerdict
from core.domain.vending import Outcome, Result
from core.kit import ids
from core.store.payouts import PgPayouts
from tests.fakes.admin import Desk
from tests.fakes.books import Books
from tests.fakes.commands import Run

UNKNOWN = Outcome(Result.UNKNOWN, "timeout")


async def waiting(books: Books, number: int = 1) -> str:
    """The reference of a payout that waits for a person."""
    customer = await books.customer(number, funds=1000_00)
    book, now = PgPayouts(books.database, books.clock), books.clock.now()
    payout = NewPayout(
        id=ids.uuid7(),
        tenant_id=books.tenant.id,
        customer_id=customer.id,
        reference=ids.speakable(10),
        gateway="paystack",
        gateway_reference=f"cbout{ids.uuid7().hex}",
        amount_minor=500_00,
        fee_minor=25_00,
        currency="NGN",
        bank_code="058",
        bank_name="Guaranty Trust Bank",
        account_sealed="sealed",
        account_tail="6789",
        account_name="ADA OKAFOR",
        account_digest="digest",
        channel_id=books.channel.id,
        identity=customer.msisdn,
        created_at=now,
        deadline_at=now,
        day_starts_at=now,
        day_limit_minor=10**9,
    )
    await book.begin(payout)
    await book.claim(10, 60)
    later = now + dt.timedelta(days=400)  # a worker beside this would look at it otherwise
    ruling = PayoutRuling(payout.id, payout.tenant_id, UNKNOWN, PayoutVerdict.ASK_PERSON, later)
    await book.rule(ruling)
    return payout.reference


async def test_payouts_are_listed_shown_and_settled(operator: Desk, run: Run) -> None:
    reference, books = await waiting(operator.books), operator.books
    settle = ("payouts", "settle", reference, "--outcome", "paid", "--evidence", "session 1")

    listed = await run("payouts", "list", "--state", "needs_person", "--json")
    table = await run("payouts", "list")
    shown = await run("payouts", "show", reference.lower())
    settled = await run(*settle, "--json")
    again = await run(*settle)
    other = await run("payouts", "settle", reference, "--outcome", "not-paid", "--evidence", "x")

    assert [one.status for one in (listed, table, shown, settled, again)] == [0] * 5
    [row] = json.loads(listed.out)
    assert (row["reference"], row["amount"], row["account_tail"]) == (reference, "500.00", "6789")
    assert "ADA OKAFOR, Guaranty Trust Bank ..6789" in table.out
    assert "state: needs_person" in shown.out
    assert json.loads(settled.out)["state"] == "paid"
    assert other.status == 1
    assert "Only a payout that waits for a person" in other.err
    assert "sealed" not in listed.out + shown.out + table.out
    assert await books.money(await books.customer(1)) == (475_00, 0)


async def test_a_payout_that_nobody_knows_is_refused_in_words(operator: Desk, run: Run) -> None:
    told = await run("payouts", "show", "NOSUCH0000")

    assert told.status == 1
    assert "There is no payout of this reference." in told.err
