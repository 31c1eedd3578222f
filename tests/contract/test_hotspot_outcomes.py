"""What the adapter of RouterOS makes of routers that fail: done, refused with proof, or unknown."""

import asyncio
import logging
import ssl
import time
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from core.domain.circuits import CircuitRules, CircuitState
from core.domain.routers import UserChange
from core.kit.clock import SystemClock
from core.ports.hotspot import Done, Refusal, Refused, Unknown
from core.providers.addresses import Reach
from core.providers.hotspot.budget import OnlyHere
from core.providers.hotspot.routeros import RouterOs, RouterOsFleet, Settings
from sandbox.routeros.faults import Fault, FaultKind
from sandbox.routeros.plan import VOUCHERS_NEED
from sandbox.routeros.schema import PROFILES, USERS
from tests.fakes.certificates import certificate
from tests.fakes.hotspot import IMPATIENT, QUICK, ROUTER, access, hotspot, ref, voucher
from tests.fakes.routers import V6, V6_OLD, V7, router
from tests.fakes.waiting import until

ADD = "/ip/hotspot/user/add"
FIND = "/ip/hotspot/user/print"

FAULTS = {
    "cut before": (Fault(FaultKind.CUT_BEFORE, ADD), {"closed", "connection_lost"}, False),
    "cut after": (Fault(FaultKind.CUT_AFTER, ADD), {"closed", "connection_lost"}, True),
    "cut midway": (Fault(FaultKind.CUT_MIDWAY, ADD), {"closed", "connection_lost"}, True),
    "no reply": (Fault(FaultKind.STALL, ADD), {"timeout"}, True),
    "slow drip": (Fault(FaultKind.DRIP, ADD, seconds=0.1), {"timeout"}, True),
    "late": (Fault(FaultKind.DELAY, ADD, seconds=1.0), {"timeout"}, True),
    "noise": (
        Fault(FaultKind.GARBAGE, ADD),
        {"garbled", "too_large", "timeout", "closed", "connection_lost"},
        True,
    ),
    "huge word": (Fault(FaultKind.HUGE_WORD, ADD), {"garbled", "too_large"}, True),
    "rows without end": (Fault(FaultKind.ENDLESS_ROWS, ADD), {"too_large"}, True),
    "words without end": (Fault(FaultKind.ENDLESS_SENTENCE, ADD), {"too_large"}, True),
    "twice": (Fault(FaultKind.TWICE, ADD), {"garbled"}, True),
    "no reply word": (Fault(FaultKind.NO_REPLY_WORD, ADD), {"garbled"}, True),
    "fatal": (Fault(FaultKind.FATAL, ADD), {"closed"}, False),
    "a trap that proves nothing": (Fault(FaultKind.TRAP, ADD), {"trap"}, False),
    "an end without an id": (
        Fault(FaultKind.RAW, ADD, raw=b"\x05!done\0"),
        {"garbled"},
        False,
    ),
    "an id that is none": (
        Fault(FaultKind.RAW, ADD, raw=b"\x05!done\x0a=ret=hello\0"),
        {"garbled"},
        False,
    ),
    "a row to an order": (
        Fault(FaultKind.RAW, ADD, raw=b"\x03!re\0\x05!done\x07=ret=*1\0"),
        {"garbled"},
        False,
    ),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_reply_that_proves_nothing_is_unknown_and_spoils_nothing(name: str) -> None:
    """Never repeated by itself, never taken for success, and the next answer is its own."""
    fault, reasons, is_there = FAULTS[name]
    small = IMPATIENT if "timeout" in reasons else QUICK.small
    async with router() as one, hotspot(one, small=small) as impatient, hotspot(one) as it:
        fault = Fault(fault.kind, fault.command, times=1, seconds=fault.seconds, raw=fault.raw)
        one.box.mishaps.add(fault)
        outcome = await impatient.add_user(voucher("A1"))
        assert isinstance(outcome, Unknown)
        assert outcome.reason in reasons
        assert one.box.record.commands[ADD] == 1
        assert (one.box[USERS].keyed("A1", "hotspot1") is not None) is is_there

        after = await impatient.find_users(["A1"])
        found = await it.find_users(["A1"])
        assert isinstance(found, Done)
        assert [user.name for user in found.value] == (["A1"] if is_there else [])
        assert after in (found, Unknown("timeout"))
        again = await it.add_user(voucher("A1"))
        if is_there:
            assert isinstance(again, Refused)
            assert again.reason is Refusal.EXISTS
        else:
            assert isinstance(again, Done)


async def test_the_end_before_the_rows_is_no_empty_list() -> None:
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher("A1"))
        one.box.mishaps.add(Fault(FaultKind.WRONG_ORDER, FIND, times=3))
        assert await it.find_users(["A1"]) == Unknown("garbled")
        found = await it.find_users(["A1"])
        assert isinstance(found, Done)
        assert len(found.value) == 1


@pytest.mark.parametrize("kind", [FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER, FaultKind.GARBAGE])
async def test_a_question_is_asked_again_by_itself(kind: FaultKind) -> None:
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher("A1"))
        one.box.mishaps.add(Fault(kind, FIND, times=2))
        found = await it.find_users(["A1"])
        assert isinstance(found, Done)
        assert one.box.record.commands[FIND] == 3


@pytest.mark.parametrize("kind", [FaultKind.CUT_BEFORE, FaultKind.CUT_AFTER])
async def test_what_is_the_same_done_twice_is_done_again(kind: FaultKind) -> None:
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher("A1"))
        one.box.mishaps.add(Fault(kind, "/ip/hotspot/user/set", times=2))
        assert isinstance(await it.change_user(ref("A1"), UserChange(disabled=True)), Done)
        one.box.mishaps.add(Fault(kind, "/ip/hotspot/user/remove", times=2))
        assert isinstance(await it.remove_users([ref("A1")]), Done)
        assert one.box[USERS].keyed("A1", "hotspot1") is None


async def test_a_refusal_after_a_part_was_done_is_unknown() -> None:
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher("A1"))
        refuse = Fault(FaultKind.TRAP, "/ip/hotspot/cookie", words="not enough permissions (9)")
        one.box.mishaps.add(refuse)
        # The second try finds the user gone and changes nothing: that proves nothing of the first.
        refused = "not enough permissions (9)"
        assert await it.remove_users([ref("A1")]) == Unknown("partly", refused)
        assert one.box[USERS].keyed("A1", "hotspot1") is None
        await it.add_user(voucher("A2"))
        await it.add_user(voucher("A3"))
        one.box.mishaps.clear()
        one.box.mishaps.add(Fault(FaultKind.TRAP, "/ip/hotspot/user/remove", words="no such item"))
        assert await it.remove_users([ref("A2"), ref("A3")]) == Unknown("partly", "no such item")


async def test_nothing_happened_where_only_the_question_before_was_lost() -> None:
    """A change looks first: when that look is cut off, nothing has left that changes anything."""
    async with router() as one, hotspot(one, attempts=1) as it:
        await it.add_user(voucher("A1"))
        one.box.mishaps.add(Fault(FaultKind.CUT_BEFORE, FIND))
        outcome = await it.change_user(ref("A1"), UserChange(disabled=True))
        assert isinstance(outcome, Refused)
        assert outcome.reason is Refusal.AWAY


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("failure: not allowed by device-mode", Refusal.DEVICE_MODE),
        ("failure: configuration flagged, check all router configuration", Refusal.DEVICE_MODE),
        ("std failure: not allowed (9)", Refusal.PERMISSION),
        ("no such command or directory (user)", Refusal.UNSUPPORTED),
        ("invalid value for argument limit-uptime", Refusal.INVALID),
        ("failure: already have user with this name for this server", Refusal.EXISTS),
    ],
)
async def test_a_trap_that_is_known_proves_that_nothing_happened(
    words: str, reason: Refusal
) -> None:
    async with router() as one, hotspot(one) as it:
        one.box.mishaps.add(Fault(FaultKind.TRAP, ADD, words=words))
        assert await it.add_user(voucher("A1")) == Refused(reason, words)
        assert one.box.record.commands[ADD] == 1


async def test_a_router_that_really_refuses() -> None:
    async with router() as one, hotspot(one) as it:
        row = one.box[PROFILES].named("1h")
        assert row is not None
        one.box[PROFILES].drop(row)
        gone = await it.add_user(voucher("A1"))
        assert isinstance(gone, Refused)
        assert gone.reason is Refusal.NO_MATCH
        one.box.permit(VOUCHERS_NEED - {"write"})
        forbidden = await it.add_user(voucher("A1", profile="default"))
        assert isinstance(forbidden, Refused)
        assert forbidden.reason is Refusal.PERMISSION
        assert one.box.record.connections == 1


async def test_a_router_that_is_away_is_left_alone_for_a_while_and_then_tried_by_one() -> None:
    rules = CircuitRules(failures_to_open=5, open_s=0.2, successes_to_close=1)
    async with router() as one, hotspot(one, circuit=rules) as it:
        await one.away()
        for _ in range(2):
            away = await it.find_users(["A1"])
            assert isinstance(away, Refused)
        assert it.circuit is CircuitState.OPEN
        resting = await it.add_user(voucher("A1"))
        assert isinstance(resting, Refused)
        assert resting.reason is Refusal.RESTING
        assert resting.retry_after_s is not None
        assert resting.reason.passes

        await one.up()
        one.box.mishaps.add(Fault(FaultKind.DELAY, FIND, seconds=0.1, times=1))
        await until(lambda: it.circuit is CircuitState.HALF_OPEN)
        first, second = await asyncio.gather(it.find_users(["A1"]), it.find_users(["A1"]))
        assert isinstance(first, Done)
        assert isinstance(second, Refused)
        assert at_rest(it)
        assert isinstance(await it.add_user(voucher("A1")), Done)


def at_rest(it: RouterOs) -> bool:
    return it.circuit is CircuitState.CLOSED


async def test_refusals_open_no_circuit() -> None:
    rules = CircuitRules(failures_to_open=1, open_s=30, successes_to_close=1)
    async with router() as one, hotspot(one, circuit=rules) as it:
        one.box.mishaps.add(Fault(FaultKind.TRAP, ADD))
        await it.add_user(voucher("A1"))
        assert it.circuit is CircuitState.CLOSED


@pytest.mark.parametrize("version", [V6_OLD, V6, V7])
async def test_a_wrong_password_is_not_tried_again_and_again(version: str) -> None:
    async with router(version=version) as one:
        wrong = access(one, password="SIM-wrong")
        async with hotspot(one, reached=wrong) as it:
            for _ in range(3):
                refused = await it.add_user(voucher("A1"))
                assert isinstance(refused, Refused)
                assert refused.reason is Refusal.CREDENTIALS
                assert not refused.reason.passes
        assert one.box.record.connections == 1


async def test_who_gives_up_waiting_leaves_no_reply_to_the_next() -> None:
    """The library would hand the late answer about AAA to whoever asks next."""
    async with router() as one, hotspot(one) as it:
        await it.find_users(["AAA"])
        one.box.mishaps.add(Fault(FaultKind.DELAY, ADD, seconds=0.2, times=1))
        waiting = asyncio.create_task(it.add_user(voucher("AAA")))
        await until(lambda: one.box[USERS].keyed("AAA", "hotspot1"))
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        made = await it.add_user(voucher("BBB"))
        row = one.box[USERS].keyed("BBB", "hotspot1")
        assert row is not None
        assert made == Done(row.id)
        assert it.circuit is CircuitState.CLOSED


async def test_a_reboot_between_two_orders_is_not_noticed() -> None:
    async with router() as one, hotspot(one) as it:
        await it.add_user(voucher("A1"))
        await one.reboot()
        assert isinstance(await it.add_user(voucher("A2")), Done)


async def test_every_voucher_is_there_once_when_half_of_all_orders_are_cut_off() -> None:
    """Added until it is done or there and ours, as its caller would: none missing, none twice."""
    async with router() as one, hotspot(one) as it:
        one.box.mishaps.add(Fault(FaultKind.CUT_BEFORE, ADD, chance=0.25))
        one.box.mishaps.add(Fault(FaultKind.CUT_AFTER, ADD, chance=0.33))

        async def ensure(name: str) -> int:
            for tries in range(1, 100):
                outcome = await it.add_user(voucher(name))
                if isinstance(outcome, Done):
                    return tries
                if isinstance(outcome, Refused) and outcome.reason is Refusal.EXISTS:
                    found = await it.find_users([name])
                    assert isinstance(found, Done)
                    assert found.value[0].bears(voucher(name).comment)
                    return tries
            raise AssertionError(name)

        names = [f"A{number}" for number in range(200)]
        tries = await asyncio.gather(*(ensure(name) for name in names))
        there = [row.values["name"] for row in one.box[USERS] if row.values["server"] != "all"]
    assert sorted(there) == sorted(names)
    assert sum(tries) > len(names)


async def test_no_log_holds_a_password_or_a_code(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with router() as one, hotspot(one) as it:
        with capture_logs() as lines:
            await it.add_user(voucher("K7QM2XV9TA"))
            await it.add_user(voucher("K7QM2XV9TA"))
            await it.find_users(["K7QM2XV9TA"])
            echo = Fault(FaultKind.TRAP, ADD, words="no such command: password=SIM-router")
            one.box.mishaps.add(echo)
            await it.add_user(voucher("B1"))
    written = caplog.text + repr(lines)
    assert len(lines) == 4
    assert "SIM-router" not in written
    assert "K7QM2XV9TA" not in written


async def test_tls_with_the_routers_own_certificate(tmp_path: Path) -> None:
    pem, key = certificate("router.local")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    (tmp_path / "both.pem").write_text(pem + key)
    context.load_cert_chain(tmp_path / "both.pem")
    async with router(tls=context) as one:
        async with hotspot(one, reached=access(one, tls=True, certificate=pem)) as it:
            assert isinstance(await it.add_user(voucher("A1")), Done)
        other, _ = certificate("router.local")
        for trusted in (other, "", "no certificate at all"):
            reached = access(one, tls=True, certificate=trusted)
            async with hotspot(one, reached=reached) as it:
                refused = await it.add_user(voucher("A2"))
                assert isinstance(refused, Refused)
                assert refused.reason is Refusal.UNTRUSTED


async def test_no_router_of_a_tenant_is_in_our_own_network() -> None:
    async with router() as one:
        for networks, reach, reached in (
            ("", Reach.PUBLIC, False),
            ("10.8.0.0/16", Reach.PUBLIC, False),
            ("10.8.0.0/16, 127.0.0.0/8", Reach.PUBLIC, True),
            ("", Reach.PUBLIC_OR_HERE, True),
        ):
            settings = Settings.model_validate({"networks": networks})
            fleet = RouterOsFleet(settings, OnlyHere(), SystemClock(), reach, QUICK)
            outcome = await fleet.of(ROUTER, access(one)).find_users(["A1"])
            await fleet.aclose()
            assert isinstance(outcome, Done) is reached
    assert one.box.record.connections == 2


async def test_another_access_ends_the_old_connections() -> None:
    async with router() as one:
        fleet = RouterOsFleet(Settings(), OnlyHere(), SystemClock(), Reach.ANYWHERE, QUICK)
        before = fleet.of(ROUTER, access(one))
        await before.find_users(["A1"])
        assert fleet.of(ROUTER, access(one)) is before
        after = fleet.of(ROUTER, access(one, host="localhost"))
        assert after is not before
        await until(lambda: one.sessions == 0)
        assert isinstance(await after.find_users(["A1"]), Done)
        await fleet.forget(ROUTER)
        await until(lambda: one.sessions == 0)
        await fleet.aclose()


async def test_nothing_takes_longer_than_it_may() -> None:
    async with router() as one, hotspot(one, within_s=0.3, attempts=3) as it:
        one.box.mishaps.add(Fault(FaultKind.STALL, "/"))
        begun = time.monotonic()
        outcome = await it.find_users(["A1"])
        assert outcome == Unknown("timeout")
        assert time.monotonic() - begun < 5
