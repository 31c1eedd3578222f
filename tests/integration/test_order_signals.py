"""A signal of a provider that comes while an answer is being booked is never lost."""

import asyncio

import asyncpg
import pytest

from core.domain.orders import Verdict
from tests.fakes.books import NOT_FOUND, Books

_WAITING_FOR_A_LOCK = """
    select exists (select from pg_stat_activity where datname = current_database()
      and wait_event_type = 'Lock' and query like '%order_rule%')
"""


@pytest.mark.parametrize("verdict", [Verdict.KEEP, Verdict.WAIT])
async def test_a_signal_about_an_order_without_a_job_outlives_a_late_answer(
    books: Books, owner: asyncpg.Connection, verdict: Verdict
) -> None:
    order = await books.begun(await books.customer(funds=1000))
    await books.claimed(order)
    await books.rule(order, Verdict.CAPTURE)
    async with owner.transaction():
        await owner.execute("select from orders where id = $1 for update", order.id)
        late = asyncio.create_task(books.rule(order, verdict, NOT_FOUND, check_in_s=300))
        async with asyncio.timeout(15):
            while not await owner.fetchval(_WAITING_FOR_A_LOCK):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        # It found no job to lock, and waits for the order.
        await books.orders.hurry("vtpass", [order.provider_reference])
    await late

    assert [due.order_id for due in await books.orders.claim(10, 60)] == [order.id]
