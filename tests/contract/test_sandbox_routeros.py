"""The simulated router as the real client meets it: librouteros, and what it is known to do."""

import asyncio
import time

import pytest
from librouteros.exceptions import ConnectionClosed, FatalError, MultiTrapError, TrapError
from librouteros.login import async_token
from librouteros.query import Key

from core.kit.clock import SetClock
from sandbox.routeros.faults import Fault, FaultKind
from sandbox.routeros.plan import VOUCHERS_NEED, Plan
from tests.fakes.outside import NOON
from tests.fakes.routers import V6, V6_OLD, V7, V7_9, api, fleet_of, router, rows
from tests.fakes.waiting import until


async def test_a_user_is_made_found_changed_and_removed() -> None:
    async with router() as one, api(one) as client:
        users = client.path("ip", "hotspot", "user")
        made = await users.add(
            name="K7QM2XV9TA", server="hotspot1", **{"limit-uptime": "01:30:00", "comment": "hb1"}
        )
        assert made.startswith("*")
        name, uptime = Key("name"), Key("limit-uptime")
        asked = users.select(name, uptime).where(name == "K7QM2XV9TA")
        assert [row async for row in asked] == [{"name": "K7QM2XV9TA", "limit-uptime": "1h30m"}]
        await users.update(**{".id": made, "limit-uptime": "5400", "disabled": True})
        [row] = await rows(client, "/ip/hotspot/user/print", "?name=K7QM2XV9TA")
        assert (row["limit-uptime"], row["disabled"]) == ("1h30m", True)
        await users.remove(made)
        assert await rows(client, "/ip/hotspot/user/print", "?name=K7QM2XV9TA") == []


async def test_a_name_is_taken_once_for_each_server() -> None:
    async with router(servers=("hotspot1", "hotspot2")) as one, api(one) as client:
        users = client.path("ip", "hotspot", "user")
        await users.add(name="A1", server="hotspot1")
        await users.add(name="A1", server="hotspot2")
        await users.add(name="A1")
        with pytest.raises(TrapError, match="already have user with this name for this server"):
            await users.add(name="A1", server="hotspot1")


async def test_several_are_removed_by_one_command_or_none() -> None:
    async with router() as one, api(one) as client:
        users = client.path("ip", "hotspot", "user")
        made = [await users.add(name=name) for name in ("A1", "A2", "A3")]
        with pytest.raises(TrapError, match="no such item"):
            await users.remove(made[0], "*FFFF")
        await users.remove(*made)
        with pytest.raises(TrapError, match="default"):
            await users.remove("*1")


@pytest.mark.parametrize(
    ("version", "date", "truth"),
    [(V6, "nov/21/2026", True), (V7_9, "nov/21/2026", True), (V7, "2026-11-21", True)],
)
async def test_forms_follow_the_version(version: str, date: str, truth: bool) -> None:

    async with router(SetClock(NOON), version=version, drift_s=90) as one, api(one) as client:
        [clock] = await rows(client, "/system/clock/print")
        assert (clock["date"], clock["time"]) == (date, "13:01:30")
        assert clock["gmt-offset"] == "+01:00"
        [resource] = await rows(client, "/system/resource/print")
        assert (resource["version"], resource["uptime"]) == (version, "0s")
        [profile] = await rows(client, "/ip/hotspot/user/profile/print", "?name=1h")
        assert profile["add-mac-cookie"] is truth
        assert profile["rate-limit"] == "2M/5M"


async def test_durations_may_come_with_colons() -> None:
    async with router(colons=True) as one, api(one) as client:
        users = client.path("ip", "hotspot", "user")
        await users.add(name="A1", **{"limit-uptime": "9d1h"})
        [row] = await rows(client, "/ip/hotspot/user/print", "?name=A1", "=.proplist=limit-uptime")
        assert row == {"limit-uptime": "1w2d01:00:00"}


async def test_an_old_router_needs_the_challenge() -> None:
    """Librouteros logs in plainly without noticing that it did not; then all ends."""
    async with router(version=V6_OLD) as one:
        async with api(one, login_method=async_token) as client:
            assert await rows(client, "/system/identity/print") == [{"name": "r1"}]
        async with api(one) as fooled:
            with pytest.raises(FatalError, match="not logged in"):
                await rows(fooled, "/system/identity/print")


async def test_what_the_account_may_not_do_is_refused() -> None:
    async with router(policies=VOUCHERS_NEED - {"write", "sensitive"}) as one, api(one) as client:
        for command in ("/ip/hotspot/user/add", "/interface/disable", "/system/reboot"):
            with pytest.raises(TrapError, match="not enough permissions"):
                await rows(client, command, "=name=x", "=.id=ether1")
        one.box.permit(VOUCHERS_NEED - {"sensitive"})
        with pytest.raises(TrapError, match="not enough permissions"):
            await rows(client, "/ip/hotspot/user/add", "=name=x", "=password=x")
        await rows(client, "/ip/hotspot/user/add", "=name=x")
        [row] = await rows(client, "/ip/hotspot/user/print", "?name=x")
        assert "password" not in row
        one.box.permit(VOUCHERS_NEED)
        [row] = await rows(client, "/ip/hotspot/user/print", "?name=x")
        assert row["password"] == ""
        one.box.permit(frozenset())
        with pytest.raises(TrapError, match="invalid user name or password"):
            async with api(one):
                pass


async def test_device_mode_tells_and_refuses() -> None:
    async with router(hotspot_allowed=False) as one, api(one) as client:
        [mode] = await rows(client, "/system/device-mode/print")
        assert (mode["mode"], mode["hotspot"]) == ("home", False)
        [server] = await rows(client, "/ip/hotspot/print")
        assert server["comment"] == "inactivated, not allowed by device-mode"
        with pytest.raises(TrapError, match="not allowed by device-mode"):
            await rows(client, "/ip/hotspot/enable", "=.id=hotspot1")
    async with router(version=V6) as old, api(old) as client:
        with pytest.raises(TrapError, match="no such command prefix"):
            await rows(client, "/system/device-mode/print")


async def test_interfaces_are_switched_and_measured() -> None:
    async with router() as one, api(one) as client:
        await rows(client, "/interface/disable", "=.id=ether2")
        [row] = await rows(client, "/interface/print", "?name=ether2")
        assert (row["disabled"], row["running"]) == (True, False)
        traffic = "/interface/monitor-traffic"
        rates = await rows(client, traffic, "=interface=ether1,ether2", "=once=")
        assert [(rate["name"], rate["rx-bits-per-second"]) for rate in rates] == [
            ("ether1", 1_000_000),
            ("ether2", 0),
        ]


async def test_exports_are_written_in_the_background_and_read_in_pieces() -> None:
    async with router() as one, api(one) as client:
        await rows(client, "/ip/hotspot/user/add", "=name=A1", "=password=secret", "=comment=a b")
        await rows(client, "/export", "=file=night")
        [file] = await rows(client, "/file/print", "?name=night.rsc")
        assert file["size"] == 0
        await until(lambda: one.box.files["night.rsc"].ready_s <= time.monotonic())
        [file] = await rows(client, "/file/print", "?name=night.rsc")
        assert file["size"] > 0
        [head] = await rows(client, "/file/read", "=file=night.rsc", "=chunk-size=10")
        [rest] = await rows(client, "/file/read", "=file=night.rsc", "=offset=10")
        text = f"{head['data']}{rest['data']}"
        assert "by RouterOS 7.18.2" in text
        assert 'add comment="a b" name=A1' in text
        assert "secret" not in text


async def test_a_backup_is_gone_back_to_with_a_restart() -> None:
    async with router() as one:
        async with api(one) as client:
            await rows(client, "/ip/hotspot/user/add", "=name=before")
            await rows(client, "/system/backup/save", "=name=good")
            await rows(client, "/ip/hotspot/user/add", "=name=after")
            assert await rows(client, "/system/backup/load", "=name=good") == []
            with pytest.raises((OSError, ConnectionClosed)):
                await rows(client, "/system/identity/print")
        async with api(one) as client:
            found = [row["name"] for row in await rows(client, "/ip/hotspot/user/print")]
            assert found == ["default-trial", "before"]


async def test_a_reply_that_comes_twice_spoils_the_next_command() -> None:
    """Why a connection that did anything unusual must not be used again."""
    async with router() as one, api(one) as client:
        one.box.mishaps.add(Fault(FaultKind.TWICE, "/ip/hotspot/user/add", times=1))
        users = client.path("ip", "hotspot", "user")
        made = await users.add(name="A1")
        assert await rows(client, "/system/identity/print") == [{"ret": made}]


async def test_the_real_client_sees_traps_and_cuts() -> None:
    async with router() as one:
        one.box.mishaps.add(Fault(FaultKind.TRAP, "/ip/hotspot/user/add", times=1))
        async with api(one) as client:
            with pytest.raises((TrapError, MultiTrapError), match="timed out"):
                await client.path("ip", "hotspot", "user").add(name="A1")
            one.box.mishaps.add(Fault(FaultKind.CUT_AFTER, times=1))
            with pytest.raises((OSError, ConnectionClosed)):
                await client.path("ip", "hotspot", "user").add(name="A1")
        assert one.box["/ip/hotspot/user"].named("A1") is not None


async def test_a_hundred_routers_stand_in_one_process() -> None:
    plans = [Plan(f"r{number}", delay_s=0.02) for number in range(100)]
    async with fleet_of(*plans) as fleet:

        async def name_of(port: int) -> str:
            one = fleet[port]
            async with api(one) as client:
                [row] = await rows(client, "/system/identity/print")
                return str(row["name"])

        found = await asyncio.gather(*(name_of(number) for number in range(100)))
        assert found == [plan.name for plan in plans]
        assert all(one.box.record.total == 2 for one in fleet)
