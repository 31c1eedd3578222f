"""Many tenants behind one real FreeRADIUS: whose hotspot lets whom in, and what they share."""

from dataclasses import replace

import asyncpg
import pytest

from core.domain.hotspot import GIB, HOUR_S, Terms
from core.kit import ids
from core.ports.hotspot import Done, Refusal, Refused
from core.providers.hotspot.freeradius import FreeRadius
from tests.fakes.radius import HERE, Radius, kept, put, sold, used

pytestmark = pytest.mark.radius


async def test_it_logs_in_at_its_own_routers_hotspot_alone(
    server: Radius, keeper: FreeRadius
) -> None:
    """So no tenant's code lets in at another tenant's hotspot."""
    theirs = ids.uuid7()
    ours, other = await put(keeper, sold()), await put(keeper, sold(router_id=theirs))

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
    server: Radius, keeper: FreeRadius
) -> None:
    code = (await put(keeper, sold())).code

    nameless = await server.login(code, at="")
    stranger = await server.login(code, at="MikroTik")
    by_place = await server.login(code, at="MikroTik", WISPr_Location_ID=str(HERE))
    elsewhere = await server.login(code, at="MikroTik", WISPr_Location_ID=str(ids.uuid7()))

    assert [each.accepted for each in (nameless, stranger, by_place, elsewhere)] == [
        *(False, False, True, False)
    ]


async def test_one_kept_before_logins_had_a_place_goes_on_and_is_told_of(
    server: Radius, keeper: FreeRadius, tables: asyncpg.Connection
) -> None:
    login = await put(keeper, sold())
    placed = await used(keeper, login)
    await tables.execute(
        "delete from radcheck where username = $1 and attribute = 'NAS-Identifier'", login.code
    )

    anywhere = await server.login(login.code, at="MikroTik")
    placeless = await used(keeper, login)
    await put(keeper, login)

    assert anywhere.accepted
    assert (placed.stale, placeless.stale) == (False, True)
    assert not (await server.login(login.code, at="MikroTik")).accepted
    assert not (await used(keeper, login)).stale


async def test_plans_of_one_name_keep_their_own_speed_and_sharing(
    server: Radius, keeper: FreeRadius
) -> None:
    """Two tenants sell a "1GB-DAILY", and each its own."""
    slow = await put(keeper, sold(Terms(GIB, down_bps=1_000_000, up_bps=500_000)))
    fast = await put(keeper, sold(Terms(GIB, down_bps=9_000_000, up_bps=500_000, shared_users=2)))
    await put(keeper, slow)
    for login in (slow, fast):
        await server.account(login.code, "phone", "Start")

    second_slow, second_fast = [await server.login(login.code) for login in (slow, fast)]
    await server.account(slow.code, "phone", "Stop", Acct_Session_Time=1)
    first_slow = await server.login(slow.code)

    assert (second_slow.accepted, second_fast.accepted) == (False, True)
    assert second_fast.attributes["Mikrotik-Rate-Limit"] == "500k/9M"
    assert first_slow.attributes["Mikrotik-Rate-Limit"] == "500k/1M"


async def test_a_code_that_somebody_used_before_is_not_given_to_another(
    keeper: FreeRadius, server: Radius, tables: asyncpg.Connection
) -> None:
    """What was used with it then would be taken off the one who buys it now."""
    first = await put(keeper, sold())
    await server.account(first.code, "s1", "Start")
    await server.account(first.code, "s1", "Stop", Acct_Session_Time=HOUR_S)
    assert await keeper.remove(first) == Done(None)
    await tables.execute(
        "update radacct set acctstarttime = acctstarttime - interval '2 hours' where username = $1",
        first.code,
    )

    second = replace(first, voucher_id=ids.uuid7(), router_id=ids.uuid7())

    assert await keeper.put(second) == Refused(Refusal.FOREIGN)
    assert await kept(tables, first.code) == {}
