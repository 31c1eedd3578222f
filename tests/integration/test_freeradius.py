"""Vouchers behind a real FreeRADIUS: who is let in, with what, and what is counted."""

import datetime as dt
from dataclasses import replace

import asyncpg
import pytest

from core.domain.hotspot import DAY_S, GIB, HOUR_S, MIB, Terms
from core.domain.vouchers import Usage, mark_of
from core.kit import ids
from core.ports.hotspot import Done, Refusal, Refused
from core.providers.hotspot.freeradius import FreeRadius, Settings
from core.store.embedded import ServiceUrls
from tests.fakes.database import renamed
from tests.fakes.radius import PLAN, Radius, kept, put, sold, used

pytestmark = pytest.mark.radius


async def test_the_right_code_is_let_in_with_what_it_is_good_for(
    server: Radius, keeper: FreeRadius
) -> None:
    login = await put(keeper, sold())

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
    server: Radius, keeper: FreeRadius
) -> None:
    login = await put(keeper, sold())

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


async def test_what_was_used_is_read_back_and_the_rest_is_given(
    server: Radius, keeper: FreeRadius
) -> None:
    login = await put(keeper, sold())
    started = dt.datetime.now(dt.UTC)  # noqa: TID251 - FreeRADIUS has its own clock
    await server.account(login.code, "s1", "Start")
    await server.account(
        *(login.code, "s1", "Interim-Update"), Acct_Session_Time=60, Acct_Input_Octets=1000
    )
    running = await used(keeper, login)
    await server.account(
        *(login.code, "s1", "Stop"),
        Acct_Session_Time=600,
        Acct_Input_Octets=1000,
        Acct_Output_Octets=24,
        Acct_Output_Gigawords=1,
    )

    ended = await used(keeper, login)
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
    server: Radius, keeper: FreeRadius, spent: dict[str, int]
) -> None:
    login = await put(keeper, sold(Terms(100 * MIB, HOUR_S)))
    await server.account(login.code, "s1", "Start")
    before = await server.login(login.code)
    await server.account(login.code, "s1", "Stop", **spent)

    assert not before.accepted  # as many are online with it as may be
    assert not (await server.login(login.code)).accepted


async def test_validity_runs_from_the_first_login(
    server: Radius, keeper: FreeRadius, tables: asyncpg.Connection
) -> None:
    login = await put(keeper, sold(Terms(validity_s=DAY_S)))
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
    server: Radius, keeper: FreeRadius
) -> None:
    now = dt.datetime.now(dt.UTC)  # noqa: TID251 - FreeRADIUS has its own clock
    soon, past = now + dt.timedelta(minutes=30), now - dt.timedelta(minutes=1)
    good = await put(keeper, sold(replace(PLAN, ends_at=soon)))
    late = await put(keeper, sold(replace(PLAN, ends_at=past)))

    answer = await server.login(good.code)

    assert answer.accepted
    assert 1700 <= int(answer.attributes["Session-Timeout"]) <= 1800
    assert not (await server.login(late.code)).accepted


async def test_a_disabled_voucher_waits_and_a_removed_one_is_gone(
    server: Radius, keeper: FreeRadius, tables: asyncpg.Connection
) -> None:
    login = await put(keeper, sold())

    assert await keeper.disable(login) == Done(None)
    disabled = await server.login(login.code)
    await put(keeper, login)
    enabled = await server.login(login.code)
    assert await keeper.remove(login) == Done(None)
    assert await keeper.remove(login) == Done(None)

    assert (disabled.accepted, enabled.accepted) == (False, True)
    assert not (await server.login(login.code)).accepted
    assert await kept(tables, login.code) == {}


async def test_putting_it_again_leaves_one_of_each(
    keeper: FreeRadius, tables: asyncpg.Connection
) -> None:
    login = await put(keeper, sold())
    before = await kept(tables, login.code)

    await put(keeper, login)

    counts = await tables.fetch(
        "select attribute, count(*) from radcheck where username = $1 group by 1", login.code
    )
    assert await kept(tables, login.code) == before
    assert {row["count"] for row in counts} == {1}
    groups = await tables.fetchval(
        "select count(*) from radgroupcheck where groupname = $1", PLAN.profile.name
    )
    assert groups == 1


async def test_so_many_devices_as_were_sold(server: Radius, keeper: FreeRadius) -> None:
    login = await put(keeper, sold(Terms(GIB, shared_users=2)))

    await server.account(login.code, "phone", "Start")
    second = await server.login(login.code)
    await server.account(login.code, "tablet", "Start")
    third = await server.login(login.code)
    await server.account(login.code, "phone", "Stop", Acct_Session_Time=1)

    assert (second.accepted, third.accepted) == (True, False)
    assert (await server.login(login.code)).accepted


async def test_a_hotspot_that_lost_power_locks_nobody_out(
    server: Radius, keeper: FreeRadius, tables: asyncpg.Connection
) -> None:
    """Its session is never ended by anybody: it told nothing for three minutes."""
    login = await put(keeper, sold())
    await server.account(login.code, "s1", "Start")
    assert not (await server.login(login.code)).accepted

    await tables.execute(
        "update radacct set acctupdatetime = now() - interval '4 minutes' where username = $1",
        login.code,
    )

    assert (await server.login(login.code)).accepted
    assert (await used(keeper, login)).online == 0


async def test_what_was_used_elsewhere_is_taken_off(server: Radius, keeper: FreeRadius) -> None:
    base = Usage(online_s=1800, data_bytes=5 * GIB)
    login = await put(keeper, sold(base=base))

    answer = await server.login(login.code)

    assert answer.attributes["Session-Timeout"] == "1800"
    assert answer.attributes["Mikrotik-Total-Limit"] == str(GIB)
    assert (await used(keeper, login)).used == base
    spent = await put(keeper, sold(base=Usage(online_s=HOUR_S)))
    assert not (await server.login(spent.code)).accepted


async def test_somebody_elses_login_is_never_touched(
    server: Radius, keeper: FreeRadius, tables: asyncpg.Connection
) -> None:
    login, other = sold(), sold()
    await tables.execute(
        "insert into radcheck (username, attribute, op, value) "
        "values ($1, 'Cleartext-Password', ':=', 'theirs')",
        login.code,
    )
    await put(keeper, other)
    twin = replace(other, voucher_id=ids.uuid7())

    for stranger in (login, twin):
        assert await keeper.put(stranger) == Refused(Refusal.FOREIGN)
        assert await keeper.disable(stranger) == Refused(Refusal.FOREIGN)
        assert await keeper.remove(stranger) == Done(None)
        assert await keeper.usage([stranger]) == Done({})

    assert (await server.login(login.code, "theirs")).accepted
    assert (await server.login(other.code)).accepted


async def test_a_database_that_is_away_or_not_ours_is_a_refusal(
    services: ServiceUrls, server: Radius
) -> None:
    nowhere = "postgresql://callbox@127.0.0.1:1/radius"
    bare = renamed(services.database_url, "template1")

    for url, reason in ((nowhere, Refusal.AWAY), (bare, Refusal.UNSUPPORTED)):
        keeper = FreeRadius(Settings(database_url=url))
        answer = await keeper.put(sold())
        await keeper.aclose()
        assert isinstance(answer, Refused)
        assert answer.reason is reason
