"""Monitoring over real sockets: statuses, figures, history, and what operators are told."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.domain.hotspot import RouterStatus
from core.domain.router_watch import TOLD_EVERY_S
from core.ports.hotspot import Done, Refusal, Refused
from core.providers.hotspot.rules import Rules
from sandbox.routeros import hotspot
from sandbox.routeros.faults import Fault, FaultKind
from sandbox.routeros.fleet import Router
from sandbox.routeros.hotspot import Device
from sandbox.routeros.plan import Plan
from sandbox.routeros.schema import LOG, USERS
from tests.fakes.books import NOON, Books
from tests.fakes.hotspot import QUICK, access, voucher
from tests.fakes.router_office import EVENT, Watching, ago, watching
from tests.fakes.routers import V6, fleet_of

EVERY_S = 33.0  # longer than any look waits for its turn


@pytest.fixture
async def routers(books: Books) -> AsyncIterator[list[Router]]:
    async with fleet_of(Plan("r1"), Plan("r2", version=V6), clock=books.clock) as made:
        yield made


@pytest.fixture
async def watch(books: Books) -> AsyncIterator[Watching]:
    async with watching(books.database, books.tenant.id, books.clock) as opened:
        yield opened


async def looked(watch: Watching, books: Books, times: int = 1) -> None:
    for _ in range(times):
        books.clock.advance(EVERY_S)
        await watch.look()


async def test_a_new_router_is_looked_at_at_once_and_then_every_half_minute(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    site = await watch.add(routers[0])
    assert await watch.look() == 1
    assert await watch.status(site) is RouterStatus.RECOVERING

    assert await watch.look() == 0
    await looked(watch, books)
    assert await watch.status(site) is RouterStatus.ONLINE
    assert watch.alerts.told == []


@pytest.mark.parametrize("number", [0, 1])
async def test_what_a_router_tells_is_kept(
    watch: Watching, books: Books, routers: list[Router], number: int
) -> None:
    """By a router of version 7, and one of version 6."""
    router = routers[number]
    site = await watch.add(router)
    router.box[USERS].put(0, name="guest", password="guest", server="hotspot1", profile="default")
    hotspot.log_in(router.box, Device("02:AA:00:00:00:01", "guest", "guest", "hotspot1"))
    await watch.look()
    first = (await watch.last(site)).last
    hotspot.use(router.box, "guest", bytes_in=1000, bytes_out=9000)
    await looked(watch, books)

    last = (await watch.last(site)).last
    assert last.resource is not None
    assert last.resource.version == router.box.plan.version
    assert (last.active_users, last.drift_s, last.looks) == (1, 0, 2)
    assert {each.name for each in last.interfaces} >= {"ether1"}
    assert last.addresses_total > last.addresses_used >= 0
    assert first.at is not None
    assert last.at == first.at + dt.timedelta(seconds=EVERY_S)
    load = (await watch.site(site)).load
    assert (load.active_users, load.at) == (1, last.at)


async def test_a_router_that_goes_away_is_offline_after_three_looks_and_told_once(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    site = await watch.add(routers[0])
    await looked(watch, books, 2)
    await routers[0].away()
    seen = []
    for _ in range(5):
        await looked(watch, books)
        seen.append((await watch.status(site)).value)

    assert seen == ["degraded", "degraded", "offline", "offline", "offline"]
    assert watch.alerts.told == ["+router_offline"]
    [alert] = watch.alerts.standing.values()
    assert (alert.subject, alert.facts["why"]) == ("r1", "away")
    away_s = (books.clock.now() - ((await watch.site(site)).seen_at or NOON)).total_seconds()
    assert away_s == 5 * EVERY_S, "a look that was missed saw nothing"
    kept = await watch.last(site)
    assert (kept.misses, kept.missed) == (5, "away")
    assert kept.last.resource is not None, "what was last seen is served while it is away"

    await routers[0].up()
    await looked(watch, books)
    assert await watch.status(site) is RouterStatus.RECOVERING
    assert watch.alerts.told == ["+router_offline", "-router_offline"]
    await looked(watch, books)
    assert await watch.status(site) is RouterStatus.ONLINE


async def test_a_router_that_comes_and_goes_wakes_nobody_all_the_time(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    await watch.add(routers[0])
    await looked(watch, books, 2)
    for _ in range(2):
        await routers[0].away()
        await looked(watch, books, 3)
        await routers[0].up()
        await looked(watch, books, 2)
    assert watch.alerts.told == ["+router_offline", "-router_offline"]

    await routers[0].away()
    await looked(watch, books, round(TOLD_EVERY_S / EVERY_S) + 1)
    assert watch.alerts.told[2:] == ["+router_offline"]


async def test_a_refused_password_needs_a_person_until_it_is_right_again(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    site = await watch.add(routers[0])
    await looked(watch, books, 2)
    wrong = replace(site, access=access(routers[0], password="changed"))
    await watch.book.change(wrong, EVENT, books.clock.now())
    await looked(watch, books)

    found = await watch.site(site)
    assert (found.status, found.attention) == (RouterStatus.NEEDS_ATTENTION, "credentials")
    assert watch.alerts.told == ["+router_attention"]
    [alert] = watch.alerts.standing.values()
    assert "password" in str(alert.facts["do"])

    await watch.book.change(site, EVENT, books.clock.now())
    await looked(watch, books)
    found = await watch.site(site)
    assert (found.status, found.attention) == (RouterStatus.RECOVERING, "")
    assert watch.alerts.told == ["+router_attention", "-router_attention"]
    await looked(watch, books)
    assert await watch.status(site) is RouterStatus.ONLINE


async def test_a_forbidden_hotspot_needs_a_person(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    site = await watch.add(routers[0])
    routers[0].box.hotspot_allowed = False
    await looked(watch, books)
    found = await watch.site(site)
    assert (found.status, found.attention) == (RouterStatus.NEEDS_ATTENTION, "device_mode")

    routers[0].box.hotspot_allowed = True
    await looked(watch, books, 2)
    assert await watch.status(site) is RouterStatus.ONLINE


async def test_what_only_a_person_can_put_right_waits_for_one(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    """A comparison found it reset: that it answers well does not end that."""
    site = await watch.add(routers[0])
    await watch.book.found(site, RouterStatus.NEEDS_ATTENTION, books.clock.now(), attention="reset")
    await looked(watch, books, 3)
    found = await watch.site(site)
    assert (found.status, found.attention) == (RouterStatus.NEEDS_ATTENTION, "reset")

    await watch.book.attended(found, EVENT, books.clock.now())
    await looked(watch, books, 1)
    assert await watch.status(site) is RouterStatus.ONLINE


async def test_a_restart_has_the_vouchers_compared(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    site = await watch.add(routers[0])
    await looked(watch, books, 4)
    assert watch.delivery.woken == []
    await routers[0].reboot()
    await looked(watch, books)
    assert watch.delivery.woken == [site.id]


async def test_who_logs_in_is_told_of_once(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    """A voucher's time begins with its first login, wherever it is seen."""
    await watch.add(routers[0])
    await looked(watch, books, 2)
    assert watch.delivery.logins == []
    box = routers[0].box
    for number, name in enumerate("ab"):
        box[USERS].put(0, name=name, password=name, server="hotspot1", profile="default")
        hotspot.log_in(box, Device(f"02:AA:00:00:00:0{number}", name, name, "hotspot1"))
        await looked(watch, books, 2)
    assert watch.delivery.logins == [["a"], ["b"]]


async def test_a_wrong_clock_and_a_full_router_are_told_and_end(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    await watch.add(routers[0], active_users_max=1)
    routers[0].box[USERS].put(0, name="g", password="g", server="hotspot1", profile="default")
    hotspot.log_in(routers[0].box, Device("02:AA:00:00:00:01", "g", "g", "hotspot1"))
    routers[0].box.drift = dt.timedelta(seconds=90)
    await looked(watch, books)
    assert watch.alerts.told == ["+router_full", "+router_clock"]

    routers[0].box.drift = dt.timedelta()
    hotspot.log_out(routers[0].box, "g")
    await looked(watch, books)
    assert sorted(watch.alerts.told[2:]) == ["-router_clock", "-router_full"]


async def test_warnings_of_the_log_are_kept_without_codes(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    site = await watch.add(routers[0])
    await looked(watch, books)
    for message, topics in (("login failure for user root", "system,error"), ("hi", "info")):
        routers[0].box[LOG].put(0, time="10:00:00", topics=topics, message=message)
    await looked(watch, books, 10)

    kept = (await watch.last(site)).last.warnings
    assert [line.message for line in kept] == ["login failure for user root"]
    points = await watch.history.looks(
        books.tenant.id, site.id, ago(books.clock, days=1), books.clock.now() + dt.timedelta(1)
    )
    assert sum(point.warnings for point in points) == 1


async def test_history_is_kept_look_by_look_and_by_the_hour_and_forgotten(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    site = await watch.add(routers[0])
    await looked(watch, books, 3)
    await routers[0].away()
    await looked(watch, books)
    tenant, later = books.tenant.id, books.clock.now() + dt.timedelta(seconds=1)

    looks = await watch.history.looks(tenant, site.id, ago(books.clock, hours=1), later)
    assert [point.answered for point in looks] == [1, 1, 1, 0]
    [hour] = await watch.history.hours(tenant, site.id, ago(books.clock, hours=1), later)
    assert (hour.looks, hour.answered) == (4, 3)
    assert hour.cpu_max >= hour.cpu_mean > 0
    peaks = await watch.history.peaks(tenant, site.id, ago(books.clock, days=2))
    assert [peak.day for peak in peaks.active_users] == [books.clock.now().date()]

    books.clock.advance(8 * 86_400)
    await watch.watch.due(0)
    assert await watch.history.looks(tenant, site.id, ago(books.clock, days=30), later) == []
    assert len(await watch.history.hours(tenant, site.id, ago(books.clock, days=30), later)) == 1
    books.clock.advance(400 * 86_400)
    await watch.watch.due(0)
    assert await watch.history.hours(tenant, site.id, ago(books.clock, days=500), later) == []


async def test_another_worker_takes_over_what_is_late_only(
    watch: Watching, books: Books, routers: list[Router]
) -> None:
    """A router's connection stays where it is open."""
    await watch.add(routers[0])
    await looked(watch, books, 2)
    async with watching(books.database, books.tenant.id, books.clock) as other:
        books.clock.advance(EVERY_S)
        assert await other.look() == 0
        assert await watch.look() == 1
        books.clock.advance(EVERY_S + 15)
        assert await other.look() == 1
        assert await watch.look() == 0


async def test_a_router_that_does_not_answer_delays_no_other(
    books: Books, routers: list[Router]
) -> None:
    asking: Rules = replace(QUICK, attempts=1, small=replace(QUICK.small, seconds=2.0))
    async with watching(books.database, books.tenant.id, books.clock, asking=asking) as watch:
        silent, well = await watch.add(routers[0]), await watch.add(routers[1])
        routers[0].box.mishaps.add(Fault(FaultKind.STALL, "/system"))
        await watch.watch.due(0)
        due = {each.router.id: each for each in await watch.watch.due(10)}
        ended: list[str] = []

        async def look(name: str, which: object) -> None:
            await watch.watch.look(due[which])  # type: ignore[index]  # an id
            ended.append(name)

        await asyncio.gather(look("silent", silent.id), look("well", well.id))

    assert ended == ["well", "silent"]
    assert (await watch.last(silent)).missed == "timeout"
    assert (await watch.last(well)).missed == ""


async def test_a_router_that_is_left_alone_is_looked_at_all_the_same(
    books: Books, routers: list[Router]
) -> None:
    """While its circuit is open others may not ask; yet all must learn that it is away, or back."""
    circuit = replace(QUICK.circuit, failures_to_open=1, open_s=3600)
    asking: Rules = replace(QUICK, attempts=1, circuit=circuit)
    async with watching(books.database, books.tenant.id, books.clock, asking=asking) as watch:
        site = await watch.add(routers[0])
        await routers[0].away()
        await looked(watch, books, 4)
        kept, status = await watch.last(site), await watch.status(site)
        assert (status, kept.misses, kept.missed) == (RouterStatus.OFFLINE, 4, "away")
        asked = watch.fleet.of(site.id, site.access)
        others = await asked.add_user(voucher("A1"))
        assert isinstance(others, Refused)
        assert others.reason is Refusal.RESTING

        await routers[0].up()
        await looked(watch, books)

        assert isinstance(await asked.add_user(voucher("A1")), Done)
