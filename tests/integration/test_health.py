"""How providers do, by the database: checks taken once, figures of a known past, what is kept."""

import asyncio
import datetime as dt
from dataclasses import replace

import asyncpg
import pytest

from core.domain.circuits import CircuitKey
from core.domain.orders import Verdict
from core.domain.vending import Blame, Outcome, Product, Result
from core.kit.money import Money
from core.ports.health import CheckMade, Reviewed
from core.store.database import Database
from core.store.health import PgStandings
from tests.fakes.books import DELIVERED, UNKNOWN, Books

HOUR, TEN_MINUTES = dt.timedelta(hours=1), dt.timedelta(minutes=10)
CUSTOMERS_FAULT = Outcome(Result.REFUSED, reason="bad_number", blame=Blame.ORDER)
FLOAT_LOW = Outcome(Result.REFUSED, reason="float_low", blame=Blame.OURS)


@pytest.fixture
def standings(books: Books) -> PgStandings:
    return PgStandings(books.database, books.clock)


def key(books: Books, provider: str = "vtpass") -> CircuitKey:
    return CircuitKey(books.tenant.id, Product.AIRTIME, provider)


async def vended(books: Books, number: int, *answers: tuple[float, Verdict, Outcome]) -> None:
    """One order, sent now, and after each pause of so many seconds an answer."""
    order = await books.begun(await books.customer(number, funds=1000))
    await books.claimed(order)
    for pause_s, verdict, outcome in answers:
        books.clock.advance(pause_s)
        await books.rule(order, verdict, outcome, 5 if verdict is Verdict.WAIT else None)


def made(books: Books, *, ok: bool = True, naira: int | None = 500, via: str = "v1") -> CheckMade:
    now = books.clock.now()
    return CheckMade(
        keys=(key(books),),
        via=via,
        ok=ok,
        took_ms=120,
        why=None if ok else "no answer",
        float_balance=Money(naira * 100, "NGN") if naira is not None else None,
        at=now,
        next_at=now + dt.timedelta(minutes=5),
    )


async def test_figures_are_those_of_the_window(books: Books, standings: PgStandings) -> None:
    """What went before it, and what customers got wrong, is not in them."""
    await vended(books, 1, (1.0, Verdict.CAPTURE, DELIVERED))
    books.clock.advance(2 * 3600)
    await vended(books, 2, (1.0, Verdict.CAPTURE, DELIVERED))
    await vended(books, 3, (2.0, Verdict.CAPTURE, DELIVERED))
    await vended(books, 4, (4.0, Verdict.REFUND, CUSTOMERS_FAULT))
    books.clock.advance(1200)
    await vended(books, 5, (3.0, Verdict.WAIT, UNKNOWN))
    await vended(books, 6, (30.0, Verdict.WAIT, UNKNOWN), (60.0, Verdict.CAPTURE, DELIVERED))
    await vended(books, 7, (1.0, Verdict.REFUND, FLOAT_LOW))
    now = books.clock.now()

    found = await standings.figures([books.tenant.id], now - HOUR, now - TEN_MINUTES)

    figures = found[key(books)]
    assert len(found) == 1
    assert (figures.vends, figures.delivered, figures.failed) == (5, 3, 2)
    assert (figures.recent_well, figures.recent_failed, figures.recent_float_low) == (1, 2, 1)
    assert figures.unreadable == 2
    assert figures.p50_ms == pytest.approx(2000)
    assert figures.p95_ms == pytest.approx(24_600)
    assert figures.errors == {"unknown:timeout": 2, "refused:float_low": 1}


async def test_another_tenants_vends_are_not_counted(books: Books, standings: PgStandings) -> None:
    await vended(books, 1, (1.0, Verdict.CAPTURE, DELIVERED))
    now = books.clock.now()

    assert await standings.figures([], now - HOUR, now - HOUR) == {}


async def test_the_last_hour_is_found_by_its_index(books: Books, owner: asyncpg.Connection) -> None:
    await owner.execute("set enable_seqscan = off")
    plan = await owner.fetch("explain select * from answers where at >= now()")

    assert any("answers_at" in row[0] for row in plan)


async def test_of_many_processes_one_takes_a_check(books: Books, database_url: str) -> None:
    others = [Database(database_url, connections=2) for _ in range(4)]
    everybody = [PgStandings(other, books.clock) for other in others]

    async def takers() -> int:
        found = await asyncio.gather(
            *(each.claim({key(books): "v1"}, 60) for each in everybody for _ in range(3))
        )
        return sum(len(taken) for taken in found)

    assert await takers() == 1
    assert await takers() == 0
    books.clock.advance(61)
    assert await takers() == 1, "whoever took it died"
    await everybody[0].note(made(books))
    books.clock.advance(299)
    assert await takers() == 0
    books.clock.advance(2)
    assert await takers() == 1
    for other in others:
        await other.close()


async def test_another_account_is_checked_at_once_and_unknown_until_then(
    books: Books, standings: PgStandings
) -> None:
    await standings.claim({key(books): "v1"}, 60)
    await standings.note(made(books, via="v1"))

    assert await standings.claim({key(books): "v2"}, 60) == {key(books)}

    [standing] = await standings.all()
    assert (standing.float_minor, standing.float_at) == (None, None)
    assert await standings.claim({key(books): "v2"}, 60) == set()


async def test_a_float_that_is_not_told_leaves_the_one_told_before(
    books: Books, standings: PgStandings
) -> None:
    await standings.note(made(books, naira=700))
    told_at = books.clock.now()
    books.clock.advance(300)
    await standings.note(made(books, ok=False, naira=None))

    [standing] = await standings.all()
    known = (await standings.known(books.tenant.id))[key(books)]
    assert (standing.float_minor, standing.float_at) == (70_000, told_at)
    assert (standing.score, standing.float_currency) == (0.5, "NGN")
    assert (known.check_ok, known.check_why) == (False, "no answer")


async def test_uptime_is_of_the_checks_since_then(books: Books, standings: PgStandings) -> None:
    for ok in (False, True, True, False, True):
        await standings.note(made(books, ok=ok))
        books.clock.advance(300)
    since = books.clock.now() - dt.timedelta(seconds=4 * 300)

    assert await standings.uptimes([books.tenant.id], since) == {key(books): (4, 3)}


async def test_what_was_looked_over_is_shown(books: Books, standings: PgStandings) -> None:
    await vended(books, 1, (1.0, Verdict.CAPTURE, DELIVERED))
    now = books.clock.now()
    [(found, figures)] = (
        await standings.figures([books.tenant.id], now - HOUR, now - HOUR)
    ).items()
    row = Reviewed(found, replace(figures, errors={"unknown:timeout": 3}), 0.75, 0.625, 1)

    await standings.reviewed([row])
    await standings.reviewed([row])

    known = (await standings.known(books.tenant.id))[found]
    assert (known.score, known.place, known.uptime) == (0.625, 1, 0.75)
    assert (known.vends, known.delivered, known.p50_ms) == (1, 1, 1000)
    assert known.errors == {"unknown:timeout": 3}


async def test_old_checks_are_forgotten_a_few_at_a_time(
    books: Books, standings: PgStandings, owner: asyncpg.Connection
) -> None:
    for _ in range(5):
        await standings.note(made(books))
        books.clock.advance(60)
    before = books.clock.now() - dt.timedelta(seconds=120)

    assert await standings.prune(before, 2) == 2
    assert await standings.prune(before, 2) == 1
    assert await standings.prune(before, 2) == 0
    assert await owner.fetchval("select min(at) from provider_checks") == before


async def test_tenants_take_turns(books: Books, standings: PgStandings) -> None:
    assert await standings.turn(10, 30) == [books.tenant.id]
    assert await standings.turn(10, 30) == []
    books.clock.advance(31)
    assert await standings.turn(10, 30) == [books.tenant.id]


async def test_orders_that_wait_too_long_name_their_tenant(
    books: Books, standings: PgStandings
) -> None:
    await books.begun(await books.customer(funds=1000))
    books.clock.advance(90)
    now = books.clock.now()

    assert await standings.backlog(now - dt.timedelta(seconds=100)) == []
    assert await standings.backlog(now - dt.timedelta(seconds=60)) == [books.tenant.id]


async def test_the_books_sum_to_zero_in_every_currency(
    books: Books, standings: PgStandings
) -> None:
    await books.customer(funds=1000)

    assert await standings.ledger_sums() == {"NGN": 0}
