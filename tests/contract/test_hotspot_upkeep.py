"""Connections, requests a minute, what was read lately, examinations, and hostile routers."""

import asyncio
import dataclasses
import datetime as dt
import random
import tracemalloc

import pytest

from core.domain.circuits import CircuitRules, CircuitState
from core.domain.routers import HotspotUser, RouterAccess
from core.kit.clock import SetClock
from core.ports.hotspot import Done, Lane, Refusal, Refused, Seen, Step, Unknown
from core.providers.hotspot.budget import BudgetRules
from core.providers.hotspot.routeros import RouterOs
from sandbox.routeros.faults import Fault, FaultKind
from sandbox.routeros.plan import VOUCHERS_NEED, Plan
from sandbox.routeros.schema import SERVERS, USERS
from tests.fakes.hotspot import IMPATIENT, QUICK, access, hotspot, ref, voucher
from tests.fakes.outside import NOON
from tests.fakes.routers import V6_OLD, fleet_of, router
from tests.fakes.waiting import until
from tests.unit.test_hotspot_replies import hostile

ADD = "/ip/hotspot/user/add"
FIND = "/ip/hotspot/user/print"


async def test_one_connection_serves_one_after_the_other() -> None:
    async with router() as one, hotspot(one) as it:
        for number in range(20):
            await it.add_user(voucher(f"A{number}"))
        assert one.box.record.connections == 1
        assert one.box.record.commands["/login"] == 1


async def test_no_more_connections_than_ten_and_one_of_them_for_paid_work() -> None:
    async with router() as one, hotspot(one, within_s=10.0) as it:
        one.box.mishaps.add(Fault(FaultKind.DELAY, "/ip/hotspot/active", seconds=0.3))
        crowd = [asyncio.create_task(it.sessions()) for _ in range(30)]
        await until(lambda: one.sessions == 9)
        assert isinstance(await it.add_user(voucher("A1"), Lane.PAID), Done)
        assert not all(task.done() for task in crowd)
        outcomes = await asyncio.gather(*crowd)
        assert one.box.record.connections == 10
    assert all(isinstance(outcome, Done) for outcome in outcomes)


async def test_what_can_wait_takes_two_connections_at_most() -> None:
    async with router() as one, hotspot(one) as it:
        one.box.mishaps.add(Fault(FaultKind.DELAY, ADD, seconds=0.01))
        await asyncio.gather(*(it.add_user(voucher(f"A{n}"), Lane.BULK) for n in range(20)))
        assert one.box.record.connections == 2


async def test_who_waits_for_a_connection_in_vain_blames_no_router() -> None:
    rules = CircuitRules(failures_to_open=1, open_s=30, successes_to_close=1)
    async with router() as one, hotspot(one, circuit=rules, within_s=0.2, attempts=1) as it:
        one.box.mishaps.add(Fault(FaultKind.DELAY, ADD, seconds=0.15))
        many = (it.add_user(voucher(f"A{n}"), Lane.BULK) for n in range(20))
        outcomes = await asyncio.gather(*many)
        busy = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
        assert {refused.reason for refused in busy} == {Refusal.BUSY}
        assert it.circuit is CircuitState.CLOSED


async def test_a_connection_that_nobody_uses_is_closed() -> None:
    async with router() as one, hotspot(one, idle_s=0.05) as it:
        await it.find_users(["A1"])
        assert one.sessions == 1
        await until(lambda: one.sessions == 0)
        assert isinstance(await it.find_users(["A1"]), Done)


async def test_one_that_was_idle_is_asked_something_harmless_first() -> None:
    async with router() as one, hotspot(one, probe_after_s=0.0) as it:
        await it.find_users(["A1"])
        await it.add_user(voucher("A1"))
        assert one.box.record.commands["/system/identity/print"] == 1
        one.box.mishaps.add(Fault(FaultKind.CUT_AFTER, "/system/identity", times=1))
        assert isinstance(await it.add_user(voucher("A2")), Done)
        assert one.box.record.connections == 2


async def test_the_requests_of_a_minute_are_counted_and_the_last_are_for_paid_work() -> None:
    clock, rules = SetClock(NOON), BudgetRules()
    bulk = rules.ceilings[Lane.BULK] - 1  # logging in was a request too
    left = rules.ceilings[Lane.PAID] - rules.ceilings[Lane.BULK]
    async with router(clock) as one, hotspot(one, budget=rules) as it:
        for number in range(bulk):
            assert isinstance(await it.add_user(voucher(f"B{number}"), Lane.BULK), Done)
        spent = await it.add_user(voucher("B-ONE-MORE"), Lane.BULK)
        assert isinstance(spent, Refused)
        assert spent.reason is Refusal.BUSY
        assert spent.retry_after_s is not None
        assert 50 < spent.retry_after_s < 62
        paid = [await it.add_user(voucher(f"P{number}")) for number in range(left + 1)]
        assert all(isinstance(outcome, Done) for outcome in paid[:left])
        assert isinstance(paid[left], Refused)
        assert one.box.record.busiest_minute == 100


async def test_paid_work_overtakes_a_batch_that_is_under_way() -> None:
    rules = BudgetRules(
        window_s=0.5, margin_s=0.0, ceilings={**QUICK.budget.ceilings, Lane.BULK: 20}
    )
    async with router() as one, hotspot(one, budget=rules, within_s=30.0) as it:
        batch = [asyncio.create_task(it.add_user(voucher(f"B{n}"), Lane.BULK)) for n in range(60)]
        await until(lambda: one.box.record.commands[ADD] >= 10)
        await it.add_user(voucher("PAID"))
        assert sum(not task.done() for task in batch) > 20
        assert all(isinstance(outcome, Done) for outcome in await asyncio.gather(*batch))


async def test_what_was_read_lately_is_read_once_for_all() -> None:
    clock = SetClock(NOON)
    async with router() as one, hotspot(one, clock=clock) as it:
        one.box.mishaps.add(Fault(FaultKind.DELAY, FIND, seconds=0.05))
        many = await asyncio.gather(*(it.last_users() for _ in range(50)))
        assert one.box.record.commands[FIND] == 1
        assert all(outcome == many[0] for outcome in many)
        clock.advance(29)
        await it.last_users()
        assert one.box.record.commands[FIND] == 1
        clock.advance(2)
        await it.last_users()
        assert one.box.record.commands[FIND] == 2


async def test_while_the_router_is_away_the_last_known_is_told_with_its_age() -> None:
    clock = SetClock(NOON)
    async with router() as one, hotspot(one, clock=clock) as it:
        await it.add_user(voucher("A1"))
        assert isinstance(await it.last_statistics(), Done)
        assert isinstance(await it.last_interfaces(), Done)
        fresh = await it.last_users()
        assert isinstance(fresh, Done)
        await one.away()
        clock.advance(300)
        old = await it.last_users()
        assert isinstance(old, Done)
        assert (old.value.value, old.value.at) == (fresh.value.value, NOON)
        assert isinstance(old.value.missed, Refused)
        assert old.value.missed.reason is Refusal.AWAY
        await one.up()
        again = await it.last_users()
        assert again == Done(Seen(names_and_all(again), clock.now()))


def names_and_all(outcome: object) -> tuple[HotspotUser, ...]:
    assert isinstance(outcome, Done)
    users: tuple[HotspotUser, ...] = outcome.value.value
    return users


async def test_nothing_known_is_no_answer() -> None:
    async with router() as one, hotspot(one) as it:
        await one.away()
        assert isinstance(await it.last_users(), Refused)


async def test_whoever_waits_while_a_router_is_forgotten_is_told() -> None:
    async with router() as one:
        one.box.mishaps.add(Fault(FaultKind.STALL, FIND))
        async with hotspot(one) as it:
            waiting = asyncio.create_task(it.last_users())
            await until(lambda: one.box.record.commands[FIND])
        assert await waiting == Unknown("closed")


async def test_who_gives_up_takes_the_answer_from_nobody() -> None:
    async with router() as one, hotspot(one) as it:
        one.box.mishaps.add(Fault(FaultKind.DELAY, FIND, seconds=0.1))
        first, second = (asyncio.create_task(it.last_users()) for _ in range(2))
        await until(lambda: one.box.record.commands[FIND])
        first.cancel()
        assert isinstance(await second, Done)


# Examinations.


async def steps(it: RouterOs) -> dict[Step, str]:
    """Each step that was taken, with its cause, or `well`."""
    examination = await it.examine()
    assert examination.well is all(step.well for step in examination.steps)
    return {step.step: "well" if step.well else step.cause for step in examination.steps}


@pytest.mark.parametrize("version", [V6_OLD, "7.20.1 (stable)"])
async def test_a_router_that_is_ready_passes_every_step(version: str) -> None:
    async with router(version=version) as one, hotspot(one) as it:
        assert await steps(it) == dict.fromkeys(Step, "well")
        [login] = [step for step in (await it.examine()).steps if step.step is Step.LOGIN]
        assert login.facts == (("style", "challenge" if version == V6_OLD else "password"),)


async def test_each_step_names_its_cause() -> None:
    to_login = dict.fromkeys((Step.NETWORK, Step.HANDSHAKE), "well")
    to_system = to_login | dict.fromkeys((Step.LOGIN, Step.PERMISSIONS, Step.SYSTEM), "well")
    async with router() as one, hotspot(one) as it:
        for fault, cause in (
            (Fault(FaultKind.CUT_BEFORE, "/login"), "closed"),
            (Fault(FaultKind.RAW, "/login", raw=b"HTTP/1.1 400 Bad Request\r\n"), "not_the_api"),
        ):
            one.box.mishaps.add(fault)
            assert await steps(it) == {Step.NETWORK: "well", Step.HANDSHAKE: cause}
            one.box.mishaps.clear()
        async with hotspot(one, small=IMPATIENT) as impatient:
            one.box.mishaps.add(Fault(FaultKind.STALL, "/login"))
            assert (await steps(impatient))[Step.HANDSHAKE] == "no_answer"
            one.box.mishaps.clear()
        one.box.permit(VOUCHERS_NEED - {"write"})
        assert (await steps(it))[Step.PERMISSIONS] == "policies_missing"
        one.box.permit(VOUCHERS_NEED)
        one.box.mishaps.add(Fault(FaultKind.TRAP, "/user/group"))
        assert (await steps(it))[Step.PERMISSIONS] == "unread"
        one.box.mishaps.clear()

        one.box.hotspot_allowed = False
        late = {Step.DEVICE_MODE: "hotspot_forbidden", Step.HOTSPOT: "not_usable"}
        assert await steps(it) == to_system | late | {Step.CLOCK: "well"}
        one.box.hotspot_allowed = True
        one.box.drift += dt.timedelta(hours=1)
        one.box[SERVERS].clear()
        late = {Step.DEVICE_MODE: "well", Step.HOTSPOT: "none", Step.CLOCK: "drifts"}
        assert await steps(it) == to_system | late

        async with hotspot(one, reached=access(one, password="SIM-wrong")) as wrong:
            assert await steps(wrong) == to_login | {Step.LOGIN: "credentials"}
        nowhere = RouterAccess("nowhere.invalid", "x", "y")
        async with hotspot(one, reached=nowhere) as lost:
            assert await steps(lost) == {Step.NETWORK: "unresolvable"}
        await one.away()
        assert await steps(it) == {Step.NETWORK: "unreachable"}


async def test_tls_to_a_plain_port_is_no_handshake() -> None:
    async with (
        router() as one,
        hotspot(one, connect_s=0.5, reached=access(one, tls=True)) as it,
    ):
        assert await steps(it) == {Step.NETWORK: "well", Step.HANDSHAKE: "no_tls"}


# Hostile routers.


async def test_hostile_replies_never_count_as_success_and_never_hang() -> None:
    """Over real sockets, from many routers at once: no order is done, no memory is kept."""
    dice = random.Random(7)
    small = dataclasses.replace(QUICK.small, seconds=0.05)
    plans = [Plan(f"r{number}") for number in range(20)]
    tracemalloc.start()
    async with fleet_of(*plans) as fleet:

        async def suffer(number: int) -> None:
            one = fleet[number]
            async with hotspot(one, small=small, attempts=1) as impatient:
                for turn in range(25):
                    fault = Fault(FaultKind.RAW, ADD, times=1, raw=spoiled(dice))
                    one.box.mishaps.add(fault)
                    outcome = await impatient.add_user(voucher(f"A{turn}"))
                    assert not isinstance(outcome, Done)
            async with hotspot(one) as it:
                assert isinstance(await it.add_user(voucher("LAST")), Done)
                await it.remove_users([ref("LAST")])

        await asyncio.gather(*(suffer(number) for number in range(len(fleet))))
        assert all(len(one.box[USERS].rows) == 1 for one in fleet)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64 * 1024 * 1024


def spoiled(dice: random.Random) -> bytes:
    """A hostile reply that does not end, by chance, as one to this order would."""
    while b"=ret=*1F\0" in (body := hostile(dice)):
        pass
    return body


@pytest.mark.parametrize(
    "kind", [FaultKind.ENDLESS_ROWS, FaultKind.ENDLESS_SENTENCE, FaultKind.HUGE_WORD]
)
async def test_floods_are_cut_off_within_bounds(kind: FaultKind) -> None:
    async with router() as one, hotspot(one, attempts=1) as it:
        one.box.mishaps.add(Fault(kind, FIND))
        tracemalloc.start()
        outcome = await it.users()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert isinstance(outcome, Unknown)
        assert outcome.reason in {"too_large", "garbled"}
        await until(lambda: one.sessions == 0)
    assert peak < 100 * 1024 * 1024
