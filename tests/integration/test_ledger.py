"""The ledger: money is conserved, whoever writes at once and whatever breaks."""

import asyncio
import random
import time
from dataclasses import replace

import asyncpg
from msgspec import structs

from core.domain.ledger import AccountType, Posting, Transfer
from core.domain.orders import DueOrder, NextAttempt, Verdict
from core.kit import ids
from core.kit.hand import Hand
from core.store import invariants
from core.store.database import Database, owner_engine
from core.store.orders import AtOnce
from tests.fakes.books import REFUSED, Books, open_books
from tests.fakes.plans import scans
from tests.integration.test_orders_in_hand import Taking

# What only functions of the money path read and write: a scan of these never ends well.
MONEY_TABLES = (
    "accounts",
    "transfers",
    "entries",
    "holds",
    "orders",
    "attempts",
    "jobs",
    "answers",
)


async def test_an_account_that_never_moved_has_zero(books: Books) -> None:
    balance = await books.ledger.balance(books.account(AccountType.LOSS))

    assert (balance.posted_minor, balance.held_minor) == (0, 0)


async def test_the_same_transfer_again_is_done_once(books: Books) -> None:
    a, b = books.account(AccountType.WORLD), books.wallet(await books.customer())
    transfer = books.transfer(a, b, 100)

    answers = [await books.ledger.post(transfer) for _ in range(3)]

    assert answers == [Posting.POSTED, Posting.DUPLICATE, Posting.DUPLICATE]
    assert (await books.ledger.balance(b)).posted_minor == 100


async def test_the_same_id_with_other_content_is_refused(books: Books) -> None:
    a, b = books.account(AccountType.WORLD), books.wallet(await books.customer())
    transfer = books.transfer(a, b, 100)
    await books.ledger.post(transfer)

    for other in (
        replace(transfer, amount_minor=101),
        replace(transfer, debit=b, credit=a),
        replace(transfer, code="other"),
        replace(transfer, event_id=ids.uuid7()),
    ):
        assert await books.ledger.post(other) is Posting.CONFLICT
    assert (await books.ledger.balance(b)).posted_minor == 100


async def test_a_wallet_never_goes_below_zero_nor_below_what_is_held(books: Books) -> None:
    customer = await books.customer(funds=1000)
    wallet, world = books.wallet(customer), books.account(AccountType.WORLD)
    await books.begun(customer, amount=300)

    assert await books.move(wallet, world, 701) is Posting.INSUFFICIENT
    assert await books.move(wallet, world, 700) is Posting.POSTED
    assert await books.money(customer) == (0, 300)


async def test_a_closed_account_neither_gives_nor_takes(
    books: Books, owner: asyncpg.Connection
) -> None:
    customer = await books.customer(funds=1000)
    wallet, world = books.wallet(customer), books.account(AccountType.WORLD)
    await owner.execute("update accounts set closed_at = now() where type = 'wallet'")

    assert await books.move(wallet, world, 1) is Posting.CLOSED
    assert await books.move(world, wallet, 1) is Posting.CLOSED


async def test_currencies_do_not_mix(books: Books) -> None:
    wallet = books.wallet(await books.customer())
    dollars = replace(books.account(AccountType.WORLD), currency="USD")

    assert await books.move(dollars, wallet, 1) is Posting.FOREIGN


async def test_a_transfer_is_reversed_once_and_for_no_more_than_it_moved(books: Books) -> None:
    world, wallet = books.account(AccountType.WORLD), books.wallet(await books.customer(funds=50))
    paid = books.transfer(world, wallet, 100)
    await books.ledger.post(paid)

    def back(amount: int) -> Transfer:
        return replace(books.transfer(wallet, world, amount), reverses=paid.id)

    assert await books.ledger.post(back(101)) is Posting.CONFLICT
    assert await books.ledger.post(back(100)) is Posting.POSTED
    assert await books.ledger.post(back(1)) is Posting.CONFLICT


async def test_every_item_of_a_batch_gets_its_own_answer(books: Books) -> None:
    """What is refused, repeated or in conflict does nothing to its neighbours."""
    world = books.account(AccountType.WORLD)
    rich = books.wallet(await books.customer(1, funds=1000))
    poor = books.wallet(await books.customer(2))
    done = books.transfer(world, rich, 1)
    await books.ledger.post(done)

    answers = await asyncio.gather(
        *(
            books.ledger.post(transfer)
            for transfer in (
                books.transfer(rich, poor, 10),
                books.transfer(poor, rich, 5000),
                done,
                replace(done, amount_minor=2),
                books.transfer(world, poor, 7),
                replace(books.transfer(world, poor, 7), tenant_id=ids.uuid7()),
            )
        )
    )

    assert answers == [
        Posting.POSTED,
        Posting.INSUFFICIENT,
        Posting.DUPLICATE,
        Posting.CONFLICT,
        Posting.POSTED,
        Posting.FOREIGN,
    ]
    assert (await books.ledger.balance(rich)).posted_minor == 991
    assert (await books.ledger.balance(poor)).posted_minor == 17


async def test_a_batch_spends_an_account_in_order_as_far_as_it_goes(
    books: Books, owner: asyncpg.Connection
) -> None:
    """Many debits of one wallet in one call: exact, without a batch each."""
    wallet = books.wallet(await books.customer(funds=100))
    world = books.account(AccountType.WORLD)
    amounts = (60, 50, 40, 10, 1)

    answers = await asyncio.gather(*(books.move(wallet, world, amount) for amount in amounts))

    assert answers == [
        Posting.POSTED,
        Posting.INSUFFICIENT,
        Posting.POSTED,
        Posting.INSUFFICIENT,
        Posting.INSUFFICIENT,
    ]


async def test_one_id_twice_in_one_call_is_answered_as_if_it_came_later(
    books: Books, owner: asyncpg.Connection
) -> None:
    """The batcher keeps them apart; another caller of the function might not."""
    wallet = books.wallet(await books.customer(funds=100))
    world = books.account(AccountType.WORLD)
    await books.move(world, wallet, 1)
    wallet_id = await owner.fetchval("select id from accounts where type = 'wallet'")
    world_id = await owner.fetchval("select id from accounts where type = 'world'")
    same, event = ids.uuid7(), ids.uuid7()

    def item(amount: int, transfer_id: object = same) -> tuple[object, ...]:
        return (transfer_id, books.tenant.id, wallet_id, world_id, amount, "test", event, None)

    [row] = await books.database.call(
        "select ledger_post($1::ledger_item[], now()) as answers",
        [item(5), item(5), item(6), item(500, event), item(500, event)],
    )

    assert row["answers"] == ["posted", "duplicate", "conflict", "insufficient", "insufficient"]
    assert (await books.ledger.balance(wallet)).posted_minor == 96


async def test_a_hot_account_takes_a_crowd_without_losing_one(books: Books) -> None:
    world, pot = books.account(AccountType.WORLD), books.account(AccountType.ESCROW, "room")

    answers = await asyncio.gather(*(books.move(world, pot, 1) for _ in range(1000)))

    assert set(answers) == {Posting.POSTED}
    assert await books.posted(AccountType.ESCROW, "room") == 1000


async def test_money_is_conserved_while_many_write(
    books: Books, database_url: str, owner: asyncpg.Connection
) -> None:
    """Two processes' worth of writers, transfers and purchases mixed; every snapshot is sound."""
    until = time.monotonic() + 8
    second = Database(database_url, connections=4)
    other = replace_database(books, second)
    customers = [await books.customer(number, funds=10_000) for number in range(20)]
    refused = sound = 0

    async def transfers(side: Books) -> None:
        nonlocal refused
        while time.monotonic() < until:
            debit, credit = random.sample(customers, 2)
            amount = random.randint(1, 8000)
            posting = await side.move(side.wallet(debit), side.wallet(credit), amount)
            refused += posting is Posting.INSUFFICIENT
            assert posting in {Posting.POSTED, Posting.INSUFFICIENT}

    async def purchases(side: Books) -> None:
        while time.monotonic() < until:
            order = side.order(random.choice(customers), amount=random.randint(1, 500))
            if (await side.orders.begin(order)).state is None:
                continue
            await side.orders.claim(20, 60)
            verdict = random.choice([Verdict.CAPTURE, Verdict.REFUND])
            await asyncio.gather(*(side.rule(order, verdict, REFUSED) for _ in range(2)))

    async def reads() -> None:
        nonlocal sound
        engine = owner_engine(database_url)
        while time.monotonic() < until:
            assert await invariants.check(engine) == []
            sound += 1
            await asyncio.sleep(0.1)
        await engine.dispose()

    async with asyncio.TaskGroup() as group:
        for side in (books, other):
            for _ in range(8):
                group.create_task(transfers(side))
                group.create_task(purchases(side))
        group.create_task(reads())
        group.create_task(reads())
    await second.close()

    assert refused > 0
    assert sound > 4
    deadlocks = await owner.fetchval(
        "select deadlocks from pg_stat_database where datname = current_database()"
    )
    assert deadlocks == 0


async def test_a_connection_that_dies_loses_and_doubles_nothing(
    books: Books, owner: asyncpg.Connection
) -> None:
    """Callers do not even notice: the same ids are asked for again on another connection."""
    customers = [await books.customer(number, funds=10_000) for number in range(10)]
    world, stop = books.account(AccountType.WORLD), asyncio.Event()
    killed = 0

    async def kill() -> None:
        nonlocal killed
        while not stop.is_set():
            killed += await owner.fetchval(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
            await asyncio.sleep(0.05)

    async def spend(number: int) -> None:
        customer = customers[number % 10]
        assert await books.move(books.wallet(customer), world, 10) in {
            Posting.POSTED,
            Posting.DUPLICATE,
        }
        order = await books.begun(customer, amount=10)
        await books.rule(order, Verdict.CAPTURE)

    killer = asyncio.create_task(kill())
    for start in range(0, 500, 50):
        await asyncio.gather(*(spend(number) for number in range(start, start + 50)))
    stop.set()
    await killer

    assert killed > 10
    spent = [10_000 - sum(await books.money(customer)) for customer in customers]
    assert spent == [50 * 20] * 10


async def test_no_statement_of_the_money_path_scans_a_table(
    database_url: str, owner: asyncpg.Connection
) -> None:
    """Neither on empty tables that nobody has analysed, nor on full ones."""
    await life_of_purchases(database_url, "empty")
    assert await scans(owner, MONEY_TABLES) == {}

    await fill(owner)
    await owner.execute("analyze")
    before = await scans(owner, MONEY_TABLES)
    await life_of_purchases(database_url, "full")
    assert await scans(owner, MONEY_TABLES) == before


async def life_of_purchases(database_url: str, key: str) -> None:
    """Each kind of step once; its connections are closed, so their statistics are counted."""
    database = Database(database_url, connections=2)
    books = await open_books(database, key)
    customer = await books.customer(funds=10_000)
    for verdict in (Verdict.CAPTURE, Verdict.REFUND, Verdict.WAIT, Verdict.PAY_BACK):
        order = structs.replace(books.order(customer), day_limit_minor=9000)
        await books.orders.begin(order)
        await books.orders.begin(order)
        await books.orders.claim(10, 60)
        await books.rule(order, verdict, check_in_s=5)
        await books.orders.states([order.id])
        await books.orders.hurry("vtpass", [order.provider_reference])
        await books.rule(order, Verdict.TAKE_BACK)
        await books.rule(order, Verdict.BOOK_LOSS)
    hand, order = Hand[DueOrder](), books.order(customer)
    hand.served_by(Taking())
    books.orders.hand_over(AtOnce(hand, lambda: 45.0))
    await books.orders.begin(order)
    await books.orders.begin(order)
    following = NextAttempt(ids.uuid7(), "clubkonnect", f"next-{key}", "", "")
    moved_on = books.ruling(order, Verdict.NEXT, REFUSED)
    await books.orders.rule(structs.replace(moved_on, next_attempt=following))
    paid = books.transfer(books.account(AccountType.WORLD), books.wallet(customer), 5)
    await books.ledger.post(paid)
    await books.ledger.post(paid)
    back = books.transfer(paid.credit, paid.debit, 5)
    await books.ledger.post(replace(back, reverses=paid.id))
    await books.outbox.due(10, 60)
    if key == "full":
        await books.ledger.balance(books.wallet(customer))
        await books.orders.latest(books.tenant.id, customer.id, 5)
        await books.orders.find(books.tenant.id, "nothing")
    await database.close()


async def fill(owner: asyncpg.Connection) -> None:
    tenant = await owner.fetchval("select id from tenants")
    await owner.execute(
        "insert into accounts (tenant_id, type, owner, currency, floor, created_at)"
        " select $1, 'wallet', n::text, 'NGN', true, now() from generate_series(1, 20000) n",
        tenant,
    )
    await owner.execute(
        "insert into orders (id, tenant_id, customer_id, reference, product, network, recipient,"
        " amount_minor, fee_minor, currency, state, channel_id, identity, created_at, deadline_at,"
        " wallet_id)"
        " select gen_random_uuid(), $1, gen_random_uuid(), 'fill-' || n, 'airtime', 'mtn', '234',"
        " 1, 0, 'NGN', 'held', $1, '234', '2020-01-01', now(), 1 from generate_series(1, 20000) n",
        tenant,
    )
    await owner.execute(
        "insert into attempts (order_id, number, id, tenant_id, provider, provider_reference,"
        " state, created_at) select id, 1, id, tenant_id, 'vtpass', reference, 'created', now()"
        " from orders where reference like 'fill-%'"
    )
    await owner.execute(
        "insert into jobs (ref, tenant_id, run_at) select id, tenant_id, '2100-01-01' from orders"
        " where reference like 'fill-%'"
    )
    await owner.execute(
        "insert into transfers (id, tenant_id, debit_id, credit_id, amount_minor, code, event_id,"
        " created_at) select id, tenant_id, 1, 2, 1, 'x', id, now() from orders"
        " where reference like 'fill-%'"
    )


def replace_database(books: Books, database: Database) -> Books:
    """The same tenant's store as another process has it."""
    return replace(
        books,
        database=database,
        ledger=type(books.ledger)(database, books.clock),
        orders=type(books.orders)(database, books.clock),
    )
