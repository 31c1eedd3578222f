"""The adapter of RouterOS before simulated routers of every age, while all goes well."""

import asyncio
import datetime as dt

import pytest

from core.domain.routers import UserChange, UserProfile
from core.kit.clock import SetClock
from core.ports.hotspot import Done, Refusal, Refused, Removal
from sandbox.routeros import hotspot as play
from sandbox.routeros.hotspot import Device
from sandbox.routeros.plan import Plan
from sandbox.routeros.schema import USERS
from tests.fakes.hotspot import MARK, hotspot, ref, voucher
from tests.fakes.outside import NOON
from tests.fakes.routers import V6, V6_OLD, V7, V7_9, fleet_of, router

VERSIONS = pytest.mark.parametrize("version", [V6_OLD, V6, V7_9, V7])


@VERSIONS
@pytest.mark.parametrize("colons", [False, True])
async def test_a_user_lives_its_life(version: str, colons: bool) -> None:
    async with router(version=version, colons=colons) as one, hotspot(one) as it:
        made = await it.add_user(voucher("K7QM2XV9TA", bytes_limit=10**9))
        assert isinstance(made, Done)
        found = await it.find_users(["K7QM2XV9TA", "NOBODY"])
        assert isinstance(found, Done)
        [user] = found.value
        assert (user.id, user.name, user.server) == (made.value, "K7QM2XV9TA", "hotspot1")
        assert (user.uptime_limit_s, user.bytes_limit, user.profile) == (3600, 10**9, "1h")
        assert (user.comment, user.disabled) == (MARK, False)

        changed = await it.change_user(
            ref("K7QM2XV9TA"), UserChange(uptime_limit_s=93_784, disabled=True)
        )
        assert changed == Done(user)
        everyone = await it.users()
        assert isinstance(everyone, Done)
        [_, again] = everyone.value
        assert (again.uptime_limit_s, again.disabled) == (93_784, True)
        assert await it.remove_users([ref("K7QM2XV9TA")]) == Done(Removal(("K7QM2XV9TA",)))
        assert await it.find_users(["K7QM2XV9TA"]) == Done(())


@pytest.mark.parametrize("name", ["12345678", "no", "true", "007", "-1", "a=b", "x y", "Café"])
async def test_text_stays_text(name: str) -> None:
    """The library turns some of these into numbers and truths, and drops what is not ASCII."""
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher(name, comment=MARK + name))
        found = await it.find_users([name])
        assert isinstance(found, Done)
        assert [(user.name, user.comment) for user in found.value] == [(name, MARK + name)]


async def test_fifty_names_are_looked_for_in_one_request() -> None:
    async with router() as one, hotspot(one) as it:
        names = [f"A{number}" for number in range(60)]
        for name in names:
            await it.add_user(voucher(name))
        before = one.box.record.total
        found = await it.find_users([*names, "NOBODY"])
        assert isinstance(found, Done)
        assert [user.name for user in found.value] == names
        assert one.box.record.total - before == 2


async def test_nobody_elses_user_is_touched() -> None:
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher("A1", comment="the owner's own"))
        assert await it.change_user(ref("A1"), UserChange(disabled=True)) == Refused(
            Refusal.FOREIGN
        )
        assert await it.remove_users([ref("A1"), ref("A2")]) == Done(Removal(("A2",), ("A1",)))
        assert await it.change_user(ref("A2"), UserChange(disabled=True)) == Refused(
            Refusal.MISSING
        )
        assert one.box[USERS].keyed("A1", "hotspot1") is not None
        assert await it.remove_users([ref("A1", mark="")]) == Done(Removal(("A1",)))


async def test_removing_a_user_puts_its_phone_out_for_good() -> None:
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher("A1"))
        await it.add_user(voucher("B1"))
        play.log_in(one.box, Device("02:AA:00:00:00:01", "A1"))
        play.log_in(one.box, Device("02:AA:00:00:00:02", "B1"))
        online = await it.sessions("A1")
        assert isinstance(online, Done)
        assert [(session.user, session.mac) for session in online.value] == [
            ("A1", "02:AA:00:00:00:01")
        ]
        await it.remove_users([ref("A1")])
        online = await it.sessions()
        assert isinstance(online, Done)
        assert [session.user for session in online.value] == ["B1"]
        assert [row.values["user"] for row in one.box["/ip/hotspot/cookie"]] == ["B1"]
        assert await it.kick("B1") == Done(1)
        assert await it.kick("B1") == Done(0)


async def test_a_user_that_is_gone_is_gone_with_its_session() -> None:
    """What a first try left half done, the next one ends."""
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher("A1"))
        play.log_in(one.box, Device("02:AA:00:00:00:01", "A1"))
        row = one.box[USERS].keyed("A1", "hotspot1")
        assert row is not None
        one.box[USERS].drop(row)
        assert await it.remove_users([ref("A1")]) == Done(Removal(("A1",)))
        assert await it.sessions() == Done(())


@VERSIONS
async def test_a_profile_is_made_and_kept_as_told(version: str) -> None:
    async with router(version=version) as one, hotspot(one) as it:
        fast = UserProfile("fast", 2, "5M/20M", session_timeout_s=7200, mac_cookie=False)
        for profile in (fast, fast, UserProfile("fast", None, "1M/1M")):
            assert await it.ensure_profile(profile) == Done(None)
            known = await it.profiles()
            assert isinstance(known, Done)
            assert profile in known.value
        assert one.box.record.commands["/ip/hotspot/user/profile/set"] == 1


@VERSIONS
async def test_how_a_router_fares(version: str) -> None:
    clock = SetClock(NOON)
    async with router(clock, version=version, drift_s=-90) as one, hotspot(one) as it:
        clock.advance(93_784)
        await it.add_user(voucher("A1"))
        play.log_in(one.box, Device("02:AA:00:00:00:01", "A1"))
        told = await it.statistics()
        assert isinstance(told, Done)
        assert (told.value.resource.uptime_s, told.value.resource.version) == (93_784, version)
        assert told.value.clock.at == NOON + dt.timedelta(seconds=93_784 - 90)
        assert told.value.active_users == 1
        assert [each.name for each in told.value.interfaces][:2] == ["ether1", "ether2"]
        pools = await it.pools()
        assert isinstance(pools, Done)
        assert [(pool.size, pool.used) for pool in pools.value] == [(253, 1)]
        identity = await it.identity()
        assert isinstance(identity, Done)
        assert (identity.value.name, identity.value.serial) == ("r1", one.box.serial)
        mode = await it.device_mode()
        assert isinstance(mode, Done)
        assert mode.value.hotspot
        lines = await it.log()
        assert isinstance(lines, Done)
        assert lines.value[0].message == "router rebooted"
        assert ("hotspot" in lines.value[-1].topics) is True


async def test_our_own_path_is_not_switched_off() -> None:
    async with router() as one, hotspot(one) as it:
        assert await it.management_path() == Done(frozenset({"tunnel1", "ether1"}))
        refused = await it.switch_interface("tunnel1", enabled=False)
        assert isinstance(refused, Refused)
        assert refused.reason is Refusal.FOREIGN
        assert await it.switch_interface("ether2", enabled=False) == Done(None)
        assert await it.switch_interface("ether2", enabled=True) == Done(None)
        assert await it.switch_interface("ether1", enabled=False, force=True) == Done(None)
        assert await it.switch_interface("ether9", enabled=False) == Refused(Refusal.MISSING)
        seen = await it.traffic(["ether1", "ether2"])
        assert isinstance(seen, Done)
        assert [(each.interface, each.rx_bps) for each in seen.value] == [
            ("ether1", 0),
            ("ether2", 1_000_000),
        ]


@pytest.mark.parametrize("seen_from", ["2001:db8::7", ""])
async def test_nothing_is_switched_off_where_nobody_can_tell_our_path(seen_from: str) -> None:
    """Seen over IPv6, or not told of at all."""
    async with router(seen_from=seen_from) as one, hotspot(one) as it:
        if not seen_from:
            one.box["/user/active"].clear()
        found = await it.management_path()
        assert isinstance(found, Done)
        assert "ether2" in found.value
        refused = await it.switch_interface("ether2", enabled=False)
        assert isinstance(refused, Refused)
        assert refused.reason is Refusal.FOREIGN
        assert await it.switch_interface("ether2", enabled=False, force=True) == Done(None)


async def test_a_bridge_that_carries_us_carries_its_ports() -> None:
    async with router(seen_from="10.5.50.77") as one, hotspot(one) as it:
        carried = {"bridge1", "ether1", "ether2", "ether3", "wlan1"}
        assert await it.management_path() == Done(frozenset(carried))


async def test_backups_are_written_listed_read_and_gone_back_to() -> None:
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher("A1"))
        saved, text = await asyncio.gather(it.save_backup("night", "pw"), it.export("now"))
        assert isinstance(saved, Done)
        assert (saved.value.name, saved.value.kind) == ("night.backup", "backup")
        assert isinstance(text, Done)
        assert "name=A1" in text.value
        listed = await it.files()
        assert listed == Done((saved.value,))
        await it.remove_users([ref("A1")])
        await it.restore_backup("night", "pw")
        found = await it.find_users(["A1"])
        assert isinstance(found, Done)
        assert len(found.value) == 1
        assert await it.remove_file("night.backup") == Done(None)
        assert await it.remove_file("night.backup") == Refused(Refusal.MISSING)


async def test_an_old_router_exports_nothing_that_can_be_read() -> None:
    async with router(version=V7_9) as one, hotspot(one) as it:
        refused = await it.export("now")
        assert isinstance(refused, Refused)
        assert refused.reason is Refusal.UNSUPPORTED
        assert one.box.record.commands["/export"] == 0


async def test_one_dead_router_delays_no_other() -> None:
    async with fleet_of(Plan("dead"), Plan("well")) as [dead, well]:
        await dead.away()
        async with hotspot(dead, connect_s=0.5) as lost, hotspot(well) as fine:
            away, here = await asyncio.gather(lost.statistics(), fine.statistics())
    assert isinstance(here, Done)
    assert isinstance(away, Refused)
    assert away.reason is Refusal.AWAY
