"""What gift rooms cost: rows by key, whatever the tables hold and whenever plans were made."""

import asyncio
from dataclasses import replace

import asyncpg

from core.domain.gifts import Door, GiftKind, PayOut
from core.kit import ids
from core.store.database import Database
from core.store.gifts import PgGiftRooms
from tests.fakes.books import open_books
from tests.fakes.gifts import KEYRING, Gifts, open_gifts
from tests.fakes.plans import read_by_key, scans

TABLES = (
    "gift_rooms",
    "gift_guests",
    "gift_claims",
    "customers",
    "accounts",
    "transfers",
    "entries",
    "orders",
    "notices",
)
DAY_S = 86_400.0
CREATOR, SLOW, QUICK, OTHER = range(1, 5)


async def test_no_statement_of_gift_rooms_scans_a_table(
    database_url: str, owner: asyncpg.Connection
) -> None:
    """Neither on empty tables that nobody has analysed, nor on full ones."""
    for key in ("empty", "full"):
        if key == "full":
            await fill(owner)
            await owner.execute("analyze")
        database = Database(database_url, connections=1)
        gifts = open_gifts(await open_books(database, key))
        for number in (CREATOR, SLOW, QUICK, OTHER):
            await gifts.person(number, 5_000)
        await database.close()
        before = await scans(owner, TABLES)
        database = Database(database_url, connections=1)
        gifts.rooms = PgGiftRooms(database, KEYRING, gifts.books.clock)
        await life_of_rooms(gifts)
        await database.close()
        assert await scans(owner, TABLES) == before, key


async def test_a_person_is_found_without_looking_at_the_whole_room(
    database_url: str, owner: asyncpg.Connection
) -> None:
    """A plan lives as long as its connection, and is made while all tables are empty."""
    count = 1_000
    await owner.execute("analyze")
    database = Database(database_url, connections=1)
    gifts = open_gifts(await open_books(database))
    creator = await gifts.person(CREATOR, count)
    room = await gifts.opened(creator, *(1,) * count)
    people = [replace(creator, id=ids.uuid7()) for _ in range(count)]
    await owner.executemany(
        "insert into customers (id, tenant_id, msisdn, language, created_at)"
        " values ($1, $2, $1::uuid::text, 'en', now())",
        [(person.id, room.tenant_id) for person in people],
    )
    for _ in range(2):
        await asyncio.gather(*(gifts.claim(room, person) for person in people))
    assert await gifts.escrow(room) == 0
    await database.close()

    assert await read_by_key(owner, "gift_claims") < count * 6
    assert await read_by_key(owner, "accounts") < count * 20
    assert await read_by_key(owner, "gift_rooms") < count * 20


async def life_of_rooms(gifts: Gifts) -> None:
    """Each kind of step once."""
    clock, rooms = gifts.books.clock, gifts.rooms
    creator, slow, quick, other = gifts.people.values()
    race = await gifts.opened(creator, 10, 10, 10, fee_minor=1)
    listed = await gifts.opened(creator, 10, door=Door.LISTED, listed=(slow.msisdn,))
    new = await gifts.opened(creator, 10, door=Door.NEW)
    airtime = await gifts.opened(creator, 10, 10, pay_out=PayOut.AIRTIME)
    drawn = await gifts.opened(creator, 10, kind=GiftKind.DRAW, seats=2)
    for room in (race, listed, new, airtime, drawn):
        for person in (slow, quick, slow):
            await gifts.claim(room, person, registered=person is quick)
    for due in await rooms.due_airtime(10, 60):
        await rooms.airtime_ordered(due, "A1")
    for draw in await rooms.due_draws(10, 60):
        await rooms.draw_later(draw, clock.now())
        assert await rooms.draw(draw, (2,), clock.now())
    await gifts.freeze(race)
    await gifts.freeze(race, frozen=False)
    await rooms.registered(race.tenant_id, slow.id, clock.now())
    await rooms.by_token(race.token)
    await rooms.by_code(race.tenant_id, race.code)
    await rooms.claims(race.tenant_id, race.id, 10, after=1)
    await rooms.mine_in(race.tenant_id, race.id, slow.id)
    await rooms.mine(race.tenant_id, creator.id, 5)
    await gifts.claim(race, other, registered=False)
    await gifts.end(new)
    for _ in range(3):
        clock.advance(DAY_S)
        for reminder in await rooms.due_reminders(10, 60):
            await rooms.reminded(reminder)
        await gifts.expire()


async def fill(owner: asyncpg.Connection) -> None:
    """Other tenants' rooms and people, long ago."""
    tenant = await owner.fetchval("select id from tenants")
    for table, columns, values in (
        (
            "customers",
            "id, tenant_id, msisdn, language, created_at",
            "gen_random_uuid(), $1, 'fill-' || n, 'en', '2020-01-01'",
        ),
        (
            "accounts",
            "tenant_id, type, owner, currency, floor, created_at",
            "$1, 'wallet', n::text, 'NGN', true, '2020-01-01'",
        ),
        (
            "gift_rooms",
            (
                "id, tenant_id, creator_id, code, token, kind, split, pay_out, door, state,"
                " currency, escrow_id, amounts_minor, shares, total_minor, fee_minor, message,"
                " from_name, question, answers, answer_sealed, commitment, seed_sealed, channel_id,"
                " identity, created_at, expires_at, ended_at, seats"
            ),
            (
                "gen_random_uuid(), $1, gen_random_uuid(), 'f' || n, 'f' || n, 'race', 'equal',"
                " 'wallet', 'anyone', 'expired', 'NGN', n, '{1}', 1, 1, 0, '', '', '', '{}', '',"
                " '', '', $1, '', '2020-01-01', '2020-01-02', '2020-01-02', 0"
            ),
        ),
        (
            "gift_claims",
            "room_id, customer_id, tenant_id, number, state, at, new_here, identity",
            "gen_random_uuid(), gen_random_uuid(), $1, 1, 'lost', '2020-01-01', false, ''",
        ),
        (
            "gift_guests",
            "room_id, msisdn, tenant_id",
            "gen_random_uuid(), 'fill-' || n, $1",
        ),
    ):
        await owner.execute(
            f"insert into {table} ({columns}) select {values} from generate_series(1, 5000) n",
            tenant,
        )
