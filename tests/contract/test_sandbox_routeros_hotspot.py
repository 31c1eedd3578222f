"""The hotspot behind the simulated router, and what power does: who is let in, and what is lost."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from librouteros import async_connect
from librouteros.exceptions import TrapError

from core.kit.clock import SetClock
from sandbox.routeros import hotspot
from sandbox.routeros.fleet import Router
from sandbox.routeros.hotspot import Device, NotLetIn
from sandbox.routeros.plan import ACCOUNT, PASSWORD
from sandbox.routeros.schema import ACTIVE, COOKIES, PROFILES, USERS
from tests.fakes.outside import NOON, Outside, outside
from tests.fakes.routers import api, raw, router, rows

HOUR = 3600
PHONE = "02:AA:00:00:00:01"
OTHER = "02:AA:00:00:00:02"


class Site:
    """A router, its clock, and vouchers put on it by hand."""

    def __init__(self, one: Router, clock: SetClock) -> None:
        self.router, self.box, self.clock = one, one.box, clock

    def voucher(self, name: str, **limits: str) -> None:
        told = {"name": name, "password": name, "server": "hotspot1"}
        told |= {key.replace("_", "-"): value for key, value in limits.items()}
        self.box[USERS].add(told, self.box.__getitem__, self.box.now_s())

    def enter(self, code: str, mac: str = PHONE) -> str:
        """Empty when let in, else why not."""
        try:
            hotspot.log_in(self.box, Device(mac, code))
        except NotLetIn as reason:
            return str(reason)
        return ""

    def used(self, code: str) -> tuple[int, int]:
        user = self.box[USERS].keyed(code, "hotspot1")
        assert user is not None
        return user.values["uptime"], user.values["bytes-in"] + user.values["bytes-out"]

    @property
    def online(self) -> list[str]:
        hotspot.catch_up(self.box)
        return [row.values["user"] for row in self.box[ACTIVE]]


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    clock = SetClock(NOON)
    async with router(clock) as one:
        yield Site(one, clock)


def test_a_code_lets_in_whoever_knows_it(site: Site) -> None:
    site.voucher("A1")
    assert site.enter("A1") == ""
    assert site.enter("a1") == "invalid username or password"
    assert site.enter("A2") == "invalid username or password"
    assert site.online == ["A1"]


def test_one_device_at_a_time_unless_the_profile_shares(site: Site) -> None:
    site.voucher("A1")
    assert site.enter("A1") == ""
    assert site.enter("A1", OTHER) == "no more sessions are allowed for user A1"
    assert site.enter("A1") == ""
    row = site.box[PROFILES].named("default")
    assert row is not None
    row.values["shared-users"] = "2"
    assert site.enter("A1", OTHER) == ""


def test_online_time_is_counted_over_all_sessions(site: Site) -> None:
    site.voucher("A1", limit_uptime="1h")
    site.enter("A1")
    site.clock.advance(HOUR / 2)
    assert hotspot.log_out(site.box, "A1") == 1
    assert site.used("A1") == (HOUR / 2, 0)
    site.clock.advance(HOUR)
    assert site.enter("A1") == ""
    site.clock.advance(HOUR)
    assert site.online == []
    assert site.used("A1") == (HOUR, 0)
    assert site.enter("A1") == "user A1 has reached uptime limit"


def test_data_is_counted_over_all_sessions(site: Site) -> None:
    site.voucher("A1", limit_bytes_total="1G")
    site.enter("A1")
    hotspot.use(site.box, "A1", bytes_in=2**29)
    assert site.online == ["A1"]
    hotspot.use(site.box, "A1", bytes_out=2**29)
    assert site.online == []
    assert site.enter("A1") == "user A1 has reached traffic limit"


def test_a_session_may_have_a_limit_of_its_own(site: Site) -> None:
    row = site.box[PROFILES].named("1h")
    assert row is not None
    row.values["session-timeout"] = HOUR
    site.voucher("A1", profile="1h")
    site.enter("A1")
    site.clock.advance(2 * HOUR)
    assert site.online == []
    assert site.used("A1") == (HOUR, 0)
    assert site.enter("A1") == ""


@pytest.mark.parametrize("limits", [{"disabled": "yes"}, {"mac_address": OTHER}])
def test_some_codes_let_nobody_in(site: Site, limits: dict[str, str]) -> None:
    site.voucher("A1", **limits)
    assert site.enter("A1")


def test_no_code_works_where_the_hotspot_may_not_run(site: Site) -> None:
    site.voucher("A1")
    site.box.hotspot_allowed = False
    assert site.enter("A1") == "no hotspot here"


def test_a_cookie_lets_the_same_phone_in_again_until_the_user_goes(site: Site) -> None:
    site.voucher("A1")
    site.enter("A1")
    hotspot.log_out(site.box, "A1")
    assert site.enter("") == ""
    user = site.box[USERS].keyed("A1", "hotspot1")
    assert user is not None
    site.box[USERS].drop(user)
    assert site.enter("") == "no cookie"


async def test_removing_a_user_ends_no_session_kicking_does(site: Site) -> None:
    site.voucher("A1")
    site.enter("A1")
    async with api(site.router) as client:
        await rows(client, "/ip/hotspot/user/remove", "=.id=A1")
        assert site.online == ["A1"]
        [session] = await rows(client, "/ip/hotspot/active/print", "?user=A1")
        assert session["mac-address"] == PHONE
        await rows(client, "/ip/hotspot/active/remove", f"=.id={session['.id']}")
        [cookie] = await rows(client, "/ip/hotspot/cookie/print", "?user=A1")
        await rows(client, "/ip/hotspot/cookie/remove", f"=.id={cookie['.id']}")
    assert site.online == []
    assert not site.box[COOKIES].rows


async def test_a_clean_restart_keeps_what_was_used(site: Site) -> None:
    site.voucher("A1")
    site.enter("A1")
    site.clock.advance(60)
    async with raw(site.router) as line:
        await site.router.reboot()
        assert await line.rest() == b""
    assert site.online == []
    assert site.used("A1") == (60, 0)
    assert site.box.uptime_s == 0
    assert site.enter("A1") == ""


async def test_a_power_cut_gives_back_what_the_session_used(site: Site) -> None:
    site.voucher("A1")
    site.enter("A1")
    site.clock.advance(60)
    await site.router.power_cut()
    assert site.used("A1") == (0, 0)
    assert site.online == []


async def test_a_power_cut_may_lose_what_was_just_added(site: Site) -> None:
    site.voucher("A1")
    site.clock.advance(10)
    site.voucher("A2")
    await site.router.power_cut(lose_s=5)
    assert site.enter("A1") == ""
    assert site.enter("A2") == "invalid username or password"


async def test_without_ntp_the_clock_begins_anew_after_a_power_cut() -> None:
    async with router(SetClock(NOON), ntp=False) as one:
        assert one.box.now().year == 2026
        await one.power_cut()
        assert one.box.now().year == 1970


async def test_a_factory_reset_leaves_nothing_of_ours(site: Site) -> None:
    site.voucher("A1")
    serial = site.box.serial
    await site.router.factory_reset()
    with pytest.raises(TrapError, match="invalid user name"):
        async with api(site.router):
            pass
    assert site.enter("A1") == "no hotspot here"
    assert site.box.serial == serial
    site.box.set_up_again()
    async with api(site.router) as client:
        found = await rows(client, "/ip/hotspot/user/print")
        assert [row["name"] for row in found] == ["default-trial"]


async def test_another_box_has_another_serial(site: Site) -> None:
    serial = site.box.serial
    await site.router.factory_reset(replaced=True)
    assert site.box.serial != serial


async def test_away_refuses_and_comes_back_on_its_port(site: Site) -> None:
    port = site.router.port
    await site.router.away()
    with pytest.raises(OSError, match=r"[Cc]onnect"):
        async with raw(site.router):
            pass
    await site.router.up()
    assert site.router.port == port
    async with raw(site.router):
        pass


@pytest_asyncio.fixture(scope="module")
async def sandbox() -> AsyncIterator[Outside]:
    async with outside() as running:
        yield running


async def test_routers_are_steered_over_http(sandbox: Outside) -> None:
    http = sandbox.http
    base = "/control/routers"
    [demo] = (await http.get(f"{base}/")).json()
    assert (demo["name"], demo["up"]) == ("demo", True)
    made = (await http.post(f"{base}/", json={"name": "far", "count": 3})).json()
    assert [one["name"] for one in made] == ["far-1", "far-2", "far-3"]
    assert len({one["port"] for one in made} | {demo["port"]}) == 4

    assert (await http.post(f"{base}/far-1/login", json={"code": "A1"})).json() == {
        "logged_in": False,
        "reason": "invalid username or password",
    }
    told = await http.post(f"{base}/far-1/fault", json={"kind": "cut_after", "times": 2})
    assert told.json()["name"] == "far-1"
    assert (await http.get(f"{base}/far-1")).json()["faults"] == ["cut_after"]
    for action in ("clear", "away", "back", "reboot", "power-cut", "reset"):
        assert (await http.post(f"{base}/far-1/{action}")).status_code == 200
    assert (await http.post(f"{base}/far-1/permit", json={"policies": ["api"]})).is_success
    assert (await http.post(f"{base}/far-1/device-mode", json={"hotspot": False})).is_success
    assert (await http.post(f"{base}/far-1/clock", json={"drift_s": -90})).is_success
    for users in (3, 2, 0):
        assert (await http.post(f"{base}/far-2/crowd", json={"users": users})).is_success
        assert len((await http.get(f"{base}/far-2")).json()["active"]) == users
    assert (await http.get(f"{base}/far-1/requests")).json() == []
    assert (await http.get(f"{base}/far-1/log")).json()
    assert (await http.delete(f"{base}/far-3")).json() == {"dropped": "far-3"}

    await http.post("/control/reset")
    [again] = (await http.get(f"{base}/")).json()
    assert again["port"] == demo["port"]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nobody/away", {}, 404),
        ("demo/explode", {}, 404),
        ("demo/fault", {"kind": "sometimes"}, 400),
        ("demo/fault", {"kind": "trap", "chance": 2}, 400),
        ("", {"name": "a b"}, 400),
    ],
)
async def test_what_cannot_be_told_is_said(
    sandbox: Outside, path: str, body: dict[str, object], status: int
) -> None:
    reply = await sandbox.http.post(f"/control/routers/{path}", json=body)
    assert reply.status_code == status
    assert reply.json()["error"]


async def test_a_voucher_is_used_up_over_http(sandbox: Outside) -> None:
    http = sandbox.http
    base = "/control/routers/demo"
    port = (await http.get(base)).json()["port"]
    client = await async_connect("127.0.0.1", ACCOUNT, PASSWORD, port=port)
    limit = "=limit-bytes-total=1000"
    await rows(client, "/ip/hotspot/user/add", "=name=A1", "=server=hotspot1", limit)
    client.protocol.transport.writer.transport.abort()
    assert (await http.post(f"{base}/login", json={"code": "A1"})).json()["logged_in"]
    await http.post(f"{base}/use", json={"code": "A1", "bytes_in": 400})
    assert (await http.post(f"{base}/logout", json={"code": "A1"})).json() == {"logged_out": 1}
    [user] = [each for each in (await http.get(base)).json()["users"] if each["name"] == "A1"]
    assert user["bytes-in"] == 400
