"""What is on a router, over the admin API: interfaces, users, sessions, bulks, backups."""

import json
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from core.domain.vouchers import comment_of
from core.kit import ids
from core.kit.crypto import Keyring
from sandbox.routeros import hotspot
from sandbox.routeros.faults import Fault, FaultKind
from sandbox.routeros.fleet import Router
from sandbox.routeros.hotspot import Device
from sandbox.routeros.plan import Plan
from sandbox.routeros.schema import USERS
from tests.contract.admin.test_access import assert_refused
from tests.contract.admin.test_routers import BASE, add, events, watch
from tests.fakes.admin import Desk
from tests.fakes.routers import V6, V7, fleet_of

CODE = "K7QM2XV9TA"
PHONE = "02:AA:00:00:00:01"


@pytest.fixture
async def router() -> AsyncIterator[Router]:
    async with fleet_of(Plan("r1", version=V7)) as [made]:
        yield made


@pytest.fixture
async def path(operator: Desk, router: Router) -> str:
    return f"/mikrotik/{(await add(operator, router))['id']}"


def voucher(router: Router, code: str = CODE) -> None:
    comment = comment_of(ids.uuid7(), 1)
    router.box[USERS].put(
        0, name=code, password=code, server="hotspot1", profile="1h", comment=comment
    )


def names(router: Router) -> set[str]:
    return {row.values["name"] for row in router.box[USERS] if not row.values.get("default")}


def user(router: Router, name: str) -> dict[str, Any]:
    row = router.box[USERS].named(name)
    assert row is not None
    return dict(row.values)


def id_of(path: str) -> str:
    return path.rsplit("/", 1)[1]


async def test_interfaces_are_listed_measured_and_switched(
    operator: Desk, router: Router, path: str, owner: asyncpg.Connection
) -> None:
    assert (await operator.data(f"{path}/interfaces"))["interfaces"] == []
    await watch(operator)
    found = await operator.data(f"{path}/interfaces")
    listed = {each["name"]: each for each in found["interfaces"]}
    assert found["age_s"] <= 30
    assert listed["ether2"]["disabled"] is False
    told = await operator.data(f"{path}/interfaces/traffic", interface=["ether1", "ether2"])
    assert [each["interface"] for each in told] == ["ether1", "ether2"]
    assert (await operator.data(f"{path}/statistics"))["system"]["version"] == V7

    off = await operator.post(f"{path}/interfaces/wlan1/disable")
    assert off.status_code == 200, off.text
    await watch(operator)
    listed = {
        each["name"]: each for each in (await operator.data(f"{path}/interfaces"))["interfaces"]
    }
    assert listed["wlan1"]["disabled"] is True
    assert (await operator.post(f"{path}/interfaces/wlan1/enable")).status_code == 200
    assert_refused(await operator.post(f"{path}/interfaces/none/enable"), 404, "router.missing")
    switched = [facts for kind, _, facts in await events(owner, id_of(path)) if "switched" in kind]
    assert [facts["outcome"] for facts in switched] == ["done", "done", "refused:missing"]


async def test_nobody_locks_us_out_by_mistake(operator: Desk, router: Router, path: str) -> None:
    carrying = sorted(await _management(operator, path))
    assert carrying
    for name in carrying:
        refused = await operator.post(f"{path}/interfaces/{name}/disable")
        assert_refused(refused, 409, "router.foreign")
    forced = await operator.http.post(f"{path}/interfaces/{carrying[0]}/disable?force=true")
    assert forced.status_code == 200


async def _management(operator: Desk, path: str) -> frozenset[str]:
    [site] = await operator.core.hotspots.routers.all()
    outcome = await operator.core.hotspots.fleet.of(site.id, site.access).management_path()
    return outcome.value  # type: ignore[union-attr]  # it answers


async def test_users_are_made_changed_and_removed_by_hand(
    operator: Desk, router: Router, path: str, owner: asyncpg.Connection
) -> None:
    assert (await operator.data(f"{path}/users", search="reception"))["total"] == 0
    made = await operator.post(f"{path}/users", name="reception", password="s3cr3t-one")
    assert made.status_code == 200, made.text
    assert (await operator.data(f"{path}/users", search="reception"))["total"] == 1
    again = await operator.post(f"{path}/users", name="reception")
    assert_refused(again, 409, "router.exists")
    nowhere = await operator.post(f"{path}/users", name="x", profile="no-such-profile")
    assert_refused(nowhere, 422, "router.no_match")

    changed = await operator.put(f"{path}/users/reception", disabled=True, password="s3cr3t-two")
    assert changed.status_code == 200, changed.text
    kept = user(router, "reception")
    assert (kept["server"], kept["password"], kept["disabled"]) == ("hotspot1", "s3cr3t-two", True)
    assert_refused(await operator.put(f"{path}/users/nobody", disabled=True), 404, "router.missing")

    gone = await operator.http.delete(f"{path}/users/reception")
    assert gone.status_code == 200
    assert names(router) == set()
    noted = await events(owner, id_of(path))
    assert [facts["outcome"] for kind, _, facts in noted if "user" in kind] == [
        "done", "refused:exists", "refused:no_match", "done", "done",
    ]  # fmt: skip
    for secret in ("s3cr3t", "reception"):
        assert secret not in json.dumps(noted)


async def test_a_voucher_is_shown_by_its_beginning_and_changed_as_a_voucher_only(
    operator: Desk, router: Router, path: str
) -> None:
    voucher(router)
    router.box[USERS].put(0, name="guest", server="hotspot1", profile="1h", comment="staff")
    hotspot.log_in(router.box, Device(PHONE, CODE, CODE, "hotspot1"))

    found = await operator.get(f"{path}/users")
    shown = {each["name"]: each["is_voucher"] for each in found["data"]["users"]}
    assert shown["K7QM2*****"] is True
    assert shown["guest"] is False
    assert found["data"]["stale"] is False
    online = await operator.get(f"{path}/active")
    assert [each["user"] for each in online["data"]] == ["K7QM2*****"]
    assert CODE not in json.dumps([found, online])
    staff = await operator.data(f"{path}/users", search="STAFF")
    assert [each["name"] for each in staff["users"]] == ["guest"]

    for answer in (
        await operator.put(f"{path}/users/{CODE}", disabled=True),
        await operator.http.delete(f"{path}/users/{CODE}"),
    ):
        assert_refused(answer, 409, "router.user_is_voucher")
    faked = await operator.post(f"{path}/users", name="faked", comment="hb1:000000000000:r1")
    assert_refused(faked, 422, "router.user_invalid")
    assert names(router) == {CODE, "guest"}


async def test_who_is_online_can_be_put_out(operator: Desk, router: Router, path: str) -> None:
    voucher(router)
    hotspot.log_in(router.box, Device(PHONE, CODE, CODE, "hotspot1"))
    [session] = await operator.data(f"{path}/active")

    kicked = await operator.http.delete(f"{path}/active/{session['id']}")
    assert kicked.json()["data"] == {"sessions": 1}
    assert await operator.data(f"{path}/active") == []
    assert names(router) == {CODE}, "a voucher is not used up by that"
    again = await operator.http.delete(f"{path}/active/{session['id']}")
    assert_refused(again, 404, "router.missing")


async def bulk(operator: Desk, path: str, **body: Any) -> str:
    answer = await operator.post(f"{path}/users/bulk", **body)
    assert answer.status_code == 200, answer.text
    return f"{path}/users/bulk/{answer.json()['data']['id']}"


async def work(operator: Desk) -> None:
    """What a worker does, until nothing is due."""
    [pump] = [each for each in operator.core.pumps if each.name == "router bulks"]
    while due := await pump.lease(10):
        for each in due:
            await pump.handle(each)


async def test_many_users_are_worked_off_in_the_background(
    operator: Desk, router: Router, path: str, owner: asyncpg.Connection
) -> None:
    voucher(router)
    router.box[USERS].put(0, name="b", server="hotspot1", profile="1h")
    users = [{"name": name, "password": f"s3cr3t-{name}"} for name in "abcdef"]
    begun = await bulk(operator, path, action="create", users=users)
    before = await operator.data(begun)
    assert (before["status"], before["done"], before["total"]) == ("waiting", 0, 6)
    assert names(router) == {CODE, "b"}

    router.box.mishaps.add(Fault(FaultKind.CUT_AFTER, "/ip/hotspot/user/add", times=1))
    await work(operator)
    await owner.execute("update router_bulks set run_at = now() where run_at is not null")
    await work(operator)
    after = await operator.data(begun)
    assert (after["status"], after["done"], after["failed"]) == ("done", 6, {"2": "exists"})
    assert names(router) == {CODE, *"abcdef"}
    sealed = await owner.fetchval("select sealed from router_bulks")
    assert sealed == "", "passwords are forgotten when they are on the router"

    off = await bulk(operator, path, action="disable", names=["a", "nobody", CODE])
    await work(operator)
    assert (await operator.data(off))["failed"] == {"2": "missing", "3": "voucher"}
    assert user(router, "a")["disabled"] is True
    gone = await bulk(operator, path, action="remove", names=["a", "b", "nobody"])
    await work(operator)
    assert (await operator.data(gone))["failed"] == {}
    assert names(router) == {CODE, *"cdef"}

    twice = await operator.post(f"{path}/users/bulk", action="remove", names=["x", "x"])
    assert_refused(twice, 422, "router.bulk_invalid")
    nothing = await operator.post(f"{path}/users/bulk", action="create", names=["x"])
    assert_refused(nothing, 422, "router.bulk_invalid")
    assert_refused(
        await operator.http.get(f"{path}/users/bulk/{ids.uuid7()}"), 404, "router.bulk_unknown"
    )


async def test_a_backup_is_made_read_compared_and_gone_back_to(
    operator: Desk, router: Router, path: str, owner: asyncpg.Connection
) -> None:
    base = f"{BASE}/{id_of(path)}/backup"
    voucher(router)
    router.box[USERS].put(0, name="guest", server="hotspot1", profile="1h", comment="staff")
    made = (await operator.post(base, name="before the party")).json()["data"]
    assert (made["name"], made["version"], made["has_text"]) == ("before the party", V7, True)
    assert made["note"] == "1 voucher left out of the text"
    assert f"{made['file']}.backup" in router.box.files
    assert f"{made['file']}.rsc" not in router.box.files

    text = await operator.http.get(f"{base}/{made['id']}/download")
    assert text.headers["content-disposition"].endswith('.rsc"')
    assert "name=guest" in text.text
    assert CODE not in text.text
    assert CODE not in repr(await owner.fetch("select * from router_backups"))

    same = await operator.data(f"{base}/compare", before=made["id"])
    assert same == {"alike": True, "diff": ""}
    router.box[USERS].put(0, name="late", server="hotspot1", profile="1h")
    changed = await operator.data(f"{base}/compare", before=made["id"])
    assert "+add name=late" in changed["diff"]
    later = (await operator.post(base)).json()["data"]
    stored = await operator.data(f"{base}/compare", before=made["id"], after=later["id"])
    assert stored["diff"] == changed["diff"]
    listed = await operator.get(base)
    assert [each["id"] for each in listed["data"]] == [later["id"], made["id"]]

    restore = f"{base}/{made['id']}/restore"
    assert_refused(await operator.post(restore, confirm="yes"), 422, "router.not_confirmed")
    assert "late" in names(router)
    done = await operator.post(restore, confirm="r1")
    assert done.status_code == 200, done.text
    assert names(router) == {CODE, "guest"}

    noted = await events(owner, id_of(path))
    assert [kind for kind, _, _ in noted if "backup" in kind] == [
        "router.backup_made",
        "router.backup_downloaded",
        "router.backup_made",
        "router.backup_restored",
    ]
    unknown = f"{base}/{ids.uuid7()}"
    assert_refused(await operator.http.get(unknown), 404, "router.backup_unknown")


async def test_what_an_old_router_cannot_do_is_told(operator: Desk) -> None:
    """Version 6 lets nobody read files: there is a backup, and no text."""
    async with fleet_of(Plan("old", version=V6)) as [router]:
        base = f"{BASE}/{(await add(operator, router))['id']}/backup"
        made = (await operator.post(base)).json()["data"]
        assert (made["has_text"], "7.13" in made["note"]) == (False, True)
        refused = await operator.http.get(f"{base}/{made['id']}/download")
        assert_refused(refused, 409, "router.backup_without_text")
        assert f"{made['file']}.backup" in router.box.files


async def test_what_our_account_may_not_do_is_told(
    operator: Desk, router: Router, path: str
) -> None:
    router.box.permit(frozenset({"api", "read"}))
    refused = await operator.post(f"{path}/users", name="x")
    assert_refused(refused, 409, "router.permission")
    backup = await operator.post(f"{BASE}/{id_of(path)}/backup")
    assert_refused(backup, 409, "router.permission")


async def test_a_lost_reply_is_told_as_what_it_is(
    operator: Desk, router: Router, path: str
) -> None:
    router.box.mishaps.add(Fault(FaultKind.CUT_AFTER, "/ip/hotspot/user/add", times=1))
    doubted = await operator.post(f"{path}/users", name="maybe")
    assert_refused(doubted, 503, "router.in_doubt")
    assert names(router) == {"maybe"}


async def test_a_bulk_that_no_key_opens_holds_up_no_other(
    operator: Desk, router: Router, path: str, owner: asyncpg.Connection
) -> None:
    lost = await bulk(operator, path, action="create", users=[{"name": "lost", "password": "x"}])
    sealed = Keyring("a key that was taken out").encrypt("[]")
    await owner.execute("update router_bulks set sealed = $1", sealed)
    kept = await bulk(operator, path, action="create", users=[{"name": "kept", "password": "x"}])

    await work(operator)

    assert (await operator.data(kept))["status"] == "done"
    assert names(router) >= {"kept"}
    assert (await operator.data(lost))["done"] == 0
    late = await owner.fetchval(
        "select run_at > now() + interval '50 minutes' from router_bulks where run_at is not null"
    )
    assert late, "it is tried again, and not all the time"
