"""A USSD menu turn over HTTP, beside a server that asks Redis as often and answers a constant.

Both sides have the same server, event loop, Redis, load and core; rounds take turns, so that what
else the machine does falls on all of them. A menu turn looks nothing up in the database: its
sessions are opened before the clock starts, and what opening them takes is a figure of its own.
"""

import asyncio
import contextlib
import os
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from core.store.embedded import ServiceUrls, start_services
from tests.bench import reference
from tests.bench.cores import apart
from tests.bench.figures import Figure, Report, at_least, at_most
from tests.bench.load import Ask, Load, Talk, drive, post
from tests.bench.programs import CALLBOX, running
from tests.e2e.program import free_port
from tests.fakes.phone import Phone

USERS = 16
ROUNDS = 9
SESSIONS_EACH = 20
TURNS = ("2", "0") * 5  # Wallet, Back: ten turns are a long call

PROFILE = "CALLBOX_BENCH_PROFILE"
"""Names a file for the profiler's findings about the web process; figures mean little then."""

_PATH = "/ussd/africastalking/demo"
_REQUESTS_EACH = SESSIONS_EACH * len(TURNS)


@dataclass(frozen=True, slots=True)
class Screens:
    """What the handset gets, as bytes: after dialling and after each of the two answers."""

    menu: bytes
    wallet: bytes


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of everybody under the same weather."""

    dials: Load
    turns: Load
    by_redis_py: Load
    by_line: Load


async def measure(home: Path) -> Report:
    with apart() as core:
        async with start_services(home, throwaway=True) as urls, _servers(home, urls, core) as at:
            screens = await _screens(at["callbox"])
            await _round(at, screens, 0)  # caches and connections, for all alike
            rounds = [await _round(at, screens, number + 1) for number in range(ROUNDS)]
    return _report(rounds, core)


@contextlib.asynccontextmanager
async def _servers(
    home: Path, urls: ServiceUrls, core: int | None
) -> AsyncIterator[dict[str, int]]:
    """Callbox and its references, each a process on a port of its own."""
    ports = {name: free_port() for name in ("callbox", *reference.WAYS)}
    async with contextlib.AsyncExitStack() as stack:
        for way in reference.WAYS:
            program = (sys.executable, "-m", "tests.bench.reference")
            arguments = (way, str(ports[way]), urls.redis_url)
            await stack.enter_async_context(
                running((*program, *arguments), ports[way], log=home / f"{way}.log", core=core)
            )
        env = {
            "CALLBOX_HOME": str(home / "web"),
            "CALLBOX_PORT": str(ports["callbox"]),
            "DATABASE_URL": urls.database_url,
            "REDIS_URL": urls.redis_url,
        }
        await stack.enter_async_context(
            running(_web(), ports["callbox"], env=env, log=home / "web.log", core=core)
        )
        yield ports


def _web() -> Sequence[str | Path]:
    """`callbox web`; under the profiler when a file for its findings is named."""
    if profile := os.environ.get(PROFILE):
        return (sys.executable, "-m", "cProfile", "-o", profile, CALLBOX, "web")
    return (CALLBOX, "web")


async def _screens(port: int) -> Screens:
    """Learn them from one call, and check that they are what this measures."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=15) as http:
        phone = Phone(http, "2348039999999")
        await phone.dial()
        menu = phone.raw
        await phone.enter(TURNS[0])
        wallet = phone.raw
        await phone.enter(TURNS[1])
    assert phone.raw == menu != wallet, "the way to the wallet and back is another now"
    return Screens(menu.encode(), wallet.encode())


async def _round(at: dict[str, int], screens: Screens, number: int) -> Round:
    sessions = [[_session(number, user, n) for n in range(SESSIONS_EACH)] for user in range(USERS)]
    constant = Ask(_form(sessions[0][0], TURNS[:5]), reference.ANSWER)
    constants = [[constant] * _REQUESTS_EACH] * USERS
    dials = [[Ask(_form(session, ()), screens.menu) for session in mine] for mine in sessions]
    turns = [[ask for session in mine for ask in _turns(session, screens)] for mine in sessions]
    return Round(
        dials=await _settled(at["callbox"], dials),
        turns=await _settled(at["callbox"], turns),
        by_redis_py=await _settled(at["redis_py"], constants),
        by_line=await _settled(at["line"], constants),
    )


async def _settled(port: int, talks: Sequence[Talk]) -> Load:
    """Drive, with a breath between what came before and this."""
    await asyncio.sleep(0.1)
    return await drive(port, talks)


def _session(number: int, user: int, session: int) -> tuple[str, str]:
    """A session's id and its caller's number: nobody calls twice."""
    caller = (number * USERS + user) * SESSIONS_EACH + session
    return f"ATUid_{caller:032x}", f"234803{caller:07d}"


def _turns(session: tuple[str, str], screens: Screens) -> Talk:
    shown = {"2": screens.wallet, "0": screens.menu}
    return [
        Ask(_form(session, TURNS[: place + 1]), shown[answer]) for place, answer in enumerate(TURNS)
    ]


def _form(session: tuple[str, str], answers: Sequence[str]) -> bytes:
    """The request as the gateway sends it: all answers of the session so far."""
    session_id, msisdn = session
    body = (
        f"sessionId={session_id}&phoneNumber=%2B{msisdn}&networkCode=62130"
        f"&serviceCode=%2A347%2A100%23&text={'%2A'.join(answers)}"
    )
    return post(_PATH, body.encode())


def _report(rounds: Sequence[Round], core: int | None) -> Report:
    turns = [each.turns for each in rounds]
    dials = [each.dials for each in rounds]
    to_redis_py = [each.turns.per_second / each.by_redis_py.per_second for each in rounds]
    to_line = [each.turns.per_second / each.by_line.per_second for each in rounds]
    return Report(
        f"A USSD menu turn with its conversation in Redis, {USERS} users",
        (
            _rate("menu turns", turns),
            _rate("GET, SET by redis-py, a constant", [each.by_redis_py for each in rounds]),
            _rate("GET, SET by our own line, a constant", [each.by_line for each in rounds]),
            Figure("menu turns / by redis-py", statistics.median(to_redis_py), "x", at_least(0.6)),
            Figure("menu turns / by our own line", statistics.median(to_line), "x"),
            Figure("menu turn, p50", _typical_ms(turns, 0.5), "ms"),
            Figure(
                "menu turn, p99, the worst round",
                max(load.quantile_ms(0.99) for load in turns),
                "ms",
                at_most(50),
            ),
            _rate("first dials of new customers (Postgres)", dials),
            Figure("first dial, p99", _typical_ms(dials, 0.99), "ms"),
        ),
        (
            f"Medians of {ROUNDS} rounds by turns, {USERS * _REQUESTS_EACH} requests each.",
            f"Ratios: {_spread(to_redis_py)} to redis-py, {_spread(to_line)} to our own line.",
            "One core for the server, the others for Redis and the load."
            if core is not None
            else "There is no second core to give to the load: figures are lower.",
        ),
    )


def _rate(what: str, loads: Sequence[Load]) -> Figure:
    return Figure(what, statistics.median(load.per_second for load in loads), "/s")


def _typical_ms(loads: Sequence[Load], share: float) -> float:
    return statistics.median(load.quantile_ms(share) for load in loads)


def _spread(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.2f} to {max(ratios):.2f}"
