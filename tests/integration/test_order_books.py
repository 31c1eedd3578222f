"""The rules of the books about orders find what is wrong with them, whoever wrote it."""

import asyncpg
import pytest

from core.domain.orders import Verdict
from core.domain.vending import Outcome, Result
from core.store.invariants import RULES
from tests.fakes.books import REFUSED, Books

_HELD, _MOVED = "what an account holds is the sum", "a captured hold was moved out"
_WALLET, _BACK = "an order takes its money from the wallet", "what was moved for an order went back"
_SPENT = "what a wallet remembers as spent"
_NOBODYS = "a hold belongs to a payout"
_A_HOLD = "insert into holds select id, tenant_id, wallet_id, 1, 'voided', 0, now() from orders"


@pytest.mark.parametrize(
    ("stood", "fault", "rule"),
    [
        ("held", "update orders set state = 'delivered'", _MOVED),
        ("held", "update orders set state = 'refunded'", _HELD),
        ("held", "update orders set amount_minor = amount_minor + 1", _HELD),
        ("held", "update orders set wallet_id = 0", _WALLET),
        ("held", "update orders set customer_id = gen_random_uuid()", _WALLET),
        ("held", "update accounts set held_minor = 0", _HELD),
        ("held", "update accounts set spent_minor = spent_minor + 1", _SPENT),
        ("held", "update orders set limited = false", _SPENT),
        ("refunded", "update accounts set spent_since = now() - interval '1 day'", _SPENT),
        ("held", _A_HOLD, _NOBODYS),
        ("held", "delete from orders", _HELD),
        ("delivered", "update orders set state = 'in_doubt'", _HELD),
        ("delivered", "update orders set state = 'refunded'", _MOVED),
        ("delivered", "update orders set amount_minor = amount_minor + 1", _MOVED),
        ("delivered", "delete from orders", _MOVED),
        ("refunded", "update orders set state = 'delivered'", _MOVED),
        ("taken back", "update orders set state = 'delivered'", _BACK),
        ("taken back", "update orders set state = 'paid_back'", _BACK),
    ],
)  # fmt: skip
async def test_a_planted_fault_is_found(
    books: Books, owner: asyncpg.Connection, stood: str, fault: str, rule: str
) -> None:
    order = await books.begun(await books.customer(funds=1000), fee=5)
    await books.claimed(order)
    if stood in {"delivered", "taken back"}:
        await books.rule(order, Verdict.CAPTURE, books.costing(97))
    if stood == "taken back":
        await books.rule(order, Verdict.TAKE_BACK, Outcome(Result.REVERSED, reason="040"))
    if stood == "refunded":
        await books.rule(order, Verdict.REFUND, REFUSED)
    [query] = [query for name, query in RULES.items() if name.startswith(rule)]
    assert not await owner.fetch(query)

    planting = owner.transaction()
    await planting.start()
    await owner.execute(fault)
    found = await owner.fetch(query)
    await planting.rollback()

    assert found
