"""Vouchers behind a real FreeRADIUS: who is let in, with what, and what is counted."""

import datetime as dt
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from uuid import UUID

import asyncpg
import pytest

from core.domain.hotspot import DAY_S, GIB, HOUR_S, MIB, Terms
from core.domain.voucher_codes import new_codes
from core.domain.vouchers import Usage, mark_of
from core.kit import ids
from core.ports.hotspot import Done, Refusal, Refused
from core.ports.voucher_backend import Login, LoginUse
from core.providers.hotspot.freeradius import FreeRadius, Settings
from core.store.embedded import ServiceUrls
from tests.fakes.database import connect, copied, renamed
from tests.fakes.radius import HERE, Radius, radius

pytestmark = pytest.mark.radius

PLAN = Terms(6 * GIB, HOUR_S, DAY_S, down_bps=5_000_000, up_bps=2_000_000)


def sold(terms: Terms = PLAN, base: Usage | None = None, router_id: UUID = HERE) -> Login:
    [code] = new_codes(1)
    return Login(ids.uuid7(), router_id, 1, code, terms, base or Usage())


@pytest.fixture(scope="module")
async def server(
    services: ServiceUrls, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Radius]:
    async for url in copied(services, "template1"):
        async with radius(url, tmp_path_factory.mktemp("radius")) as running:
            yield running


@pytest.fixture
async def backend(server: Radius) -> AsyncIterator[FreeRadius]:
    opened = FreeRadius(Settings(database_url=server.database_url))
    yield opened
    await opened.aclose()


@pytest.fixture
async def tables(server: Radius) -> AsyncIterator[asyncpg.Connection]:
    connection = await connect(server.database_url)
    yield connection
    await connection.close()


async def put(backend: FreeRadius, login: Login) -> Login:
    assert await backend.put(login) == Done(None)
    return login


async def used(backend: FreeRadius, login: Login) -> LoginUse:
    answer = await backend.usage([login])
    assert isinstance(answer, Done)
    return answer.value[login.voucher_id]


async def kept(tables: asyncpg.Connection, code: str) -> Mapping[str, str]:
    rows = await tables.fetch(
        "select attribute, value from radcheck where username = $1 "
        "union all select attribute, value from radreply where username = $1",
        code,
    )
    return {row["attribute"]: row["value"] for row in rows}


async def test_the_right_code_is_let_in_with_what_it_is_good_for(
    server: Radius, backend: FreeRadius
) -> None:
    login = await put(backend, sold())

    answer = await server.login(login.code)

    assert answer.accepted
    told = answer.attributes
    assert told["Session-Timeout"] == str(HOUR_S)
    assert told["Mikrotik-Rate-Limit"] == "2M/5M"
    assert (told["Mikrotik-Total-Limit"], told["Mikrotik-Total-Limit-Gigawords"]) == (
        str(2 * GIB),
        "1",
    )
    assert told["Acct-Interim-Interval"] == "60"
    assert bytes.fromhex(told["Class"][2:]).decode() == mark_of(login.voucher_id)


async def test_a_wrong_or_unknown_code_is_refused_and_told_nothing(
    server: Radius, backend: FreeRadius
) -> None:
    login = await put(backend, sold())

    for name, password in (
        (login.code, "WRONG"),
        ("NOBODY2345", "NOBODY2345"),
        ("x' or username <> '", login.code),
        (f"{login.code}'; delete from radcheck; --", login.code),
    ):
        answer = await server.login(name, password)
        assert not answer.accepted
        assert not {"Class", "Mikrotik-Total-Limit", "Session-Timeout"} & set(answer.attributes)
    assert (await server.login(login.code)).accepted


async def test_it_logs_in_at_its_own_routers_hotspot_alone(
    server: Radius, backend: FreeRadius
) -> None:
    """So no tenant's code lets in at another tenant's hotspot."""
    theirs = ids.uuid7()
    ours, other = await put(backend, sold()), await put(backend, sold(router_id=theirs))

    let_in = {
        (login.code, at): (await server.login(login.code, at=at)).accepted
        for login in (ours, other)
        for at in (HERE, theirs)
    }
    elsewhere = await server.login(ours.code, at=theirs)

    assert let_in == {
        (ours.code, HERE): True,
        (ours.code, theirs): False,
        (other.code, HERE): False,
        (other.code, theirs): True,
    }
    assert elsewhere.attributes == {"Reply-Message": "This code is not for this hotspot."}


async def test_a_hotspot_tells_where_it_is_by_its_name_or_its_place(
    server: Radius, backend: FreeRadius
) -> None:
    code = (await put(backend, sold())).code

    nameless = await server.login(code, at="")
    stranger = await server.login(code, at="MikroTik")
    by_place = await server.login(code, at="MikroTik", WISPr_Location_ID=str(HERE))
    elsewhere = await server.login(code, at="MikroTik", WISPr_Location_ID=str(ids.uuid7()))

    assert [each.accepted for each in (nameless, stranger, by_place, elsewhere)] == [
        *(False, False, True, False)
    ]


async def test_one_kept_before_logins_had_a_place_goes_on_and_is_told_of(
    server: Radius, backend: FreeRadius, tables: asyncpg.Connection
) -> None:
    login = await put(backend, sold())
    placed = await used(backend, login)
    await tables.execute(
        "delete from radcheck where username = $1 and attribute = 'NAS-Identifier'", login.code
    )

    anywhere = await server.login(login.code, at="MikroTik")
    placeless = await used(backend, login)
    await put(backend, login)

    assert anywhere.accepted
    assert (placed.stale, placeless.stale) == (False, True)
    assert not (await server.login(login.code, at="MikroTik")).accepted
    assert not (await used(backend, login)).stale


async def test_plans_of_one_name_keep_their_own_speed_and_sharing(
    server: Radius, backend: FreeRadius
) -> None:
    """Two tenants sell a "1GB-DAILY", and each its own."""
    slow = await put(backend, sold(Terms(GIB, down_bps=1_000_000, up_bps=500_000)))
    fast = await put(backend, sold(Terms(GIB, down_bps=9_000_000, up_bps=500_000, shared_users=2)))
    await put(backend, slow)
    for login in (slow, fast):
        await server.account(login.code, "phone", "Start")

    second_slow, second_fast = [await server.login(login.code) for login in (slow, fast)]
    await server.account(slow.code, "phone", "Stop", Acct_Session_Time=1)
    first_slow = await server.login(slow.code)

    assert (second_slow.accepted, second_fast.accepted) == (False, True)
    assert second_fast.attributes["Mikrotik-Rate-Limit"] == "500k/9M"
    assert first_slow.attributes["Mikrotik-Rate-Limit"] == "500k/1M"


async def test_a_code_that_somebody_used_before_is_not_given_to_another(
    backend: FreeRadius, server: Radius, tables: asyncpg.Connection
) -> None:
    """What was used with it then would be taken off the one who buys it now."""
    first = await put(backend, sold())
    await server.account(first.code, "s1", "Start")
    await server.account(first.code, "s1", "Stop", Acct_Session_Time=HOUR_S)
    assert await backend.remove(first) == Done(None)
    await tables.execute(
        "update radacct set acctstarttime = acctstarttime - interval '2 hours' where username = $1",
        first.code,
    )

    second = replace(first, voucher_id=ids.uuid7(), router_id=ids.uuid7())

    assert await backend.put(second) == Refused(Refusal.FOREIGN)
    assert await kept(tables, first.code) == {}


async def test_what_was_used_is_read_back_and_the_rest_is_given(
    server: Radius, backend: FreeRadius
) -> None:
    login = await put(backend, sold())
    started = dt.datetime.now(dt.UTC)  # noqa: TID251 - FreeRADIUS has its own clock
    await server.account(login.code, "s1", "Start")
    await server.account(
        *(login.code, "s1", "Interim-Update"), Acct_Session_Time=60, Acct_Input_Octets=1000
    )
    running = await used(backend, login)
    await server.account(
        *(login.code, "s1", "Stop"),
        Acct_Session_Time=600,
        Acct_Input_Octets=1000,
        Acct_Output_Octets=24,
        Acct_Output_Gigawords=1,
    )

    ended = await used(backend, login)
    again = await server.login(login.code)

    assert (running.used, running.online) == (Usage(60, 1000), 1)
    assert (ended.used, ended.online) == (Usage(600, 2**32 + 1024), 0)
    assert ended.first_login_at is not None
    assert abs(ended.first_login_at - started) < dt.timedelta(minutes=1)
    assert again.attributes["Session-Timeout"] == str(HOUR_S - 600)
    left = 6 * GIB - 2**32 - 1024
    assert again.attributes["Mikrotik-Total-Limit"] == str(left % 2**32)
    assert again.attributes["Mikrotik-Total-Limit-Gigawords"] == str(left // 2**32)


@pytest.mark.parametrize(
    "spent",
    [{"Acct_Session_Time": HOUR_S}, {"Acct_Session_Time": 9, "Acct_Output_Octets": 100 * MIB}],
    ids=["time", "data"],
)
async def test_a_used_up_voucher_is_refused(
    server: Radius, backend: FreeRadius, spent: dict[str, int]
) -> None:
    login = await put(backend, sold(Terms(100 * MIB, HOUR_S)))
    await server.account(login.code, "s1", "Start")
    before = await server.login(login.code)
    await server.account(login.code, "s1", "Stop", **spent)

    assert not before.accepted  # as many are online with it as may be
    assert not (await server.login(login.code)).accepted


async def test_validity_runs_from_the_first_login(
    server: Radius, backend: FreeRadius, tables: asyncpg.Connection
) -> None:
    login = await put(backend, sold(Terms(validity_s=DAY_S)))
    untouched = await server.login(login.code)
    await server.account(login.code, "s1", "Start")
    await server.account(login.code, "s1", "Stop", Acct_Session_Time=60)
    ago = "update radacct set acctstarttime = acctstarttime - $2::interval where username = $1"

    await tables.execute(ago, login.code, dt.timedelta(hours=23))
    last_hour = await server.login(login.code)
    await tables.execute(ago, login.code, dt.timedelta(hours=2))
    over = await server.login(login.code)

    assert untouched.attributes["Session-Timeout"] == str(DAY_S)
    assert HOUR_S - 60 <= int(last_hour.attributes["Session-Timeout"]) <= HOUR_S
    assert not over.accepted


async def test_an_end_date_ends_it_and_the_nearest_end_counts(
    server: Radius, backend: FreeRadius
) -> None:
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - FreeRADIUS has its own clock
    soon, past = now + dt.timedelta(minutes=30), now - dt.timedelta(minutes=1)
    good = await put(backend, sold(replace(PLAN, ends_at=soon)))
    late = await put(backend, sold(replace(PLAN, ends_at=past)))

    answer = await server.login(good.code)

    assert answer.accepted
    assert 1700 <= int(answer.attributes["Session-Timeout"]) <= 1800
    assert not (await server.login(late.code)).accepted


async def test_a_disabled_voucher_waits_and_a_removed_one_is_gone(
    server: Radius, backend: FreeRadius, tables: asyncpg.Connection
) -> None:
    login = await put(backend, sold())

    assert await backend.disable(login) == Done(None)
    disabled = await server.login(login.code)
    await put(backend, login)
    enabled = await server.login(login.code)
    assert await backend.remove(login) == Done(None)
    assert await backend.remove(login) == Done(None)

    assert (disabled.accepted, enabled.accepted) == (False, True)
    assert not (await server.login(login.code)).accepted
    assert await kept(tables, login.code) == {}


async def test_putting_it_again_leaves_one_of_each(
    backend: FreeRadius, tables: asyncpg.Connection
) -> None:
    login = await put(backend, sold())
    before = await kept(tables, login.code)

    await put(backend, login)

    counts = await tables.fetch(
        "select attribute, count(*) from radcheck where username = $1 group by 1", login.code
    )
    assert await kept(tables, login.code) == before
    assert {row["count"] for row in counts} == {1}
    groups = await tables.fetchval(
        "select count(*) from radgroupcheck where groupname = $1", PLAN.profile.name
    )
    assert groups == 1


async def test_so_many_devices_as_were_sold(server: Radius, backend: FreeRadius) -> None:
    login = await put(backend, sold(Terms(GIB, shared_users=2)))

    await server.account(login.code, "phone", "Start")
    second = await server.login(login.code)
    await server.account(login.code, "tablet", "Start")
    third = await server.login(login.code)
    await server.account(login.code, "phone", "Stop", Acct_Session_Time=1)

    assert (second.accepted, third.accepted) == (True, False)
    assert (await server.login(login.code)).accepted


async def test_a_hotspot_that_lost_power_locks_nobody_out(
    server: Radius, backend: FreeRadius, tables: asyncpg.Connection
) -> None:
    """Its session is never ended by anybody: it told nothing for three minutes."""
    login = await put(backend, sold())
    await server.account(login.code, "s1", "Start")
    assert not (await server.login(login.code)).accepted

    await tables.execute(
        "update radacct set acctupdatetime = now() - interval '4 minutes' where username = $1",
        login.code,
    )

    assert (await server.login(login.code)).accepted
    assert (await used(backend, login)).online == 0


async def test_what_was_used_elsewhere_is_taken_off(server: Radius, backend: FreeRadius) -> None:
    base = Usage(online_s=1800, data_bytes=5 * GIB)
    login = await put(backend, sold(base=base))

    answer = await server.login(login.code)

    assert answer.attributes["Session-Timeout"] == "1800"
    assert answer.attributes["Mikrotik-Total-Limit"] == str(GIB)
    assert (await used(backend, login)).used == base
    spent = await put(backend, sold(base=Usage(online_s=HOUR_S)))
    assert not (await server.login(spent.code)).accepted


async def test_somebody_elses_login_is_never_touched(
    server: Radius, backend: FreeRadius, tables: asyncpg.Connection
) -> None:
    login, other = sold(), sold()
    await tables.execute(
        "insert into radcheck (username, attribute, op, value) "
        "values ($1, 'Cleartext-Password', ':=', 'theirs')",
        login.code,
    )
    await put(backend, other)
    twin = replace(other, voucher_id=ids.uuid7())

    for stranger in (login, twin):
        assert await backend.put(stranger) == Refused(Refusal.FOREIGN)
        assert await backend.disable(stranger) == Refused(Refusal.FOREIGN)
        assert await backend.remove(stranger) == Done(None)
        assert await backend.usage([stranger]) == Done({})

    assert (await server.login(login.code, "theirs")).accepted
    assert (await server.login(other.code)).accepted


async def test_a_database_that_is_away_or_not_ours_is_a_refusal(
    services: ServiceUrls, server: Radius
) -> None:
    nowhere = "postgresql://callbox@127.0.0.1:1/radius"
    bare = renamed(services.database_url, "template1")

    for url, reason in ((nowhere, Refusal.AWAY), (bare, Refusal.UNSUPPORTED)):
        backend = FreeRadius(Settings(database_url=url))
        answer = await backend.put(sold())
        await backend.aclose()
        assert isinstance(answer, Refused)
        assert answer.reason is reason
