"""From webhook to reply: both bots of Callbox, beside the bare libraries that only echo.

The Telegram bot beside aiogram's own webhook handler and dispatcher; WhatsApp beside a FastAPI
endpoint that verifies the signature and posts one message by httpx. Same posts, same event loop,
same core for whoever is measured; rounds take turns. Callbox keeps every message in Postgres before
it says that it took it, finds the talk, steps it, keeps it, and paces what it sends.
"""

import asyncio
import contextlib
import itertools
import os
import statistics
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core.app import build
from core.app.outside import Outside
from core.kit.msisdn import Msisdn
from core.ports import Sms, SmsResult
from core.settings import Settings
from core.store.embedded import ServiceUrls, start_services
from tests.bench.chatting import Api, Line, api_at, by_telegram, by_whatsapp, chatted
from tests.bench.cores import apart
from tests.bench.figures import Figure, Report, at_least, at_most
from tests.bench.load import Load
from tests.bench.programs import CALLBOX, running
from tests.e2e.program import free_port

ROUNDS = 5
BUSY, CALM = 64, 20
"""People who chat at once: for the throughput, and for the wait."""

CHATS = 400
"""In one round. Each is short, since channels take no more than that from one chat at once."""

PROFILE = "CALLBOX_BENCH_PROFILE"
"""As in `menu`: names a file for the profiler's findings about the web process."""

_ANSWERED = (Line("/menu", "Callbox"), Line("2", "allet"), Line("0", "Callbox"))
_MEASURED = (ROUNDS + 1) * 2
_SEEDED_AT_ONCE = 200
_SECRET = "a benchmark"
_MESSAGES_PER_S = 100_000
"""What these channels take, of all chats together: the limits of the real ones are not measured."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A channel, what it is compared with, and how people write there."""

    name: str
    reference: str
    written: Callable[[str, str], bytes]


TELEGRAM = Kind("telegram", "aiogram", by_telegram)
WHATSAPP = Kind("whatsapp", "fastapi", by_whatsapp)


@dataclass(frozen=True, slots=True)
class Round:
    """One turn of everybody under the same weather."""

    ours: Load
    calm: Load
    bare: Load


class NoSms:
    """Nobody is told anything by SMS here."""

    name = "none"

    async def send(self, sms: Sms) -> SmsResult:
        return SmsResult.RETRY


async def measure_telegram(home: Path) -> Report:
    return await _measure(home, TELEGRAM)


async def measure_whatsapp(home: Path) -> Report:
    return await _measure(home, WHATSAPP)


async def _measure(home: Path, kind: Kind) -> Report:
    with apart() as core:
        async with (
            start_services(home, throwaway=True) as urls,
            _servers(home, urls, core, kind) as (api, ports),
        ):
            people = await _crowd(home, urls, kind)
            await _round(api, ports, kind, people)  # connections and imports, for all alike
            rounds = [await _round(api, ports, kind, people) for _ in range(ROUNDS)]
    return _report(kind, rounds, core)


@contextlib.asynccontextmanager
async def _servers(
    home: Path, urls: ServiceUrls, core: int | None, kind: Kind
) -> AsyncIterator[tuple[Api, Mapping[str, int]]]:
    """Callbox and what it is compared with, each a process, and the API that both speak to."""
    ports = {name: free_port() for name in ("api", "callbox", kind.reference)}
    env = {
        "CALLBOX_HOME": str(home / "web"),
        "CALLBOX_PORT": str(ports["callbox"]),
        "CALLBOX_SANDBOX_PORT": str(ports["api"]),
        "CALLBOX_SECRET_KEY": _SECRET,
        "DATABASE_URL": urls.database_url,
        "REDIS_URL": urls.redis_url,
    }
    program = (sys.executable, "-m", "tests.bench.bots")
    bare = (*program, kind.reference, str(ports[kind.reference]))
    url = f"http://127.0.0.1:{ports['api']}"
    async with (
        api_at(ports["api"]) as api,
        running((*bare, url), ports[kind.reference], log=home / "bare.log", core=core),
        running(_web(), ports["callbox"], env=env, log=home / "web.log", core=core),
    ):
        yield api, ports


def _web() -> Sequence[str | Path]:
    """`callbox web`; under the profiler when a file for its findings is named."""
    if profile := os.environ.get(PROFILE):
        return (sys.executable, "-m", "cProfile", "-o", profile, CALLBOX, "web")
    return (CALLBOX, "web")


async def _crowd(home: Path, urls: ServiceUrls, kind: Kind) -> Iterator[str]:
    """Customers whom the channel knows, and a channel that takes as much as comes."""
    outside = Outside({}, {}, NoSms())
    async with build(Settings(home=home), urls, _SECRET, outside) as core:
        channel = await core.channels.find(kind.name, "demo")
        assert channel is not None
        settings = {**channel.settings, "messages_per_s": _MESSAGES_PER_S}
        await core.channels.ensure(replace(channel, settings=settings), core.clock.now())
        people = [f"234803{number:07d}" for number in range(CHATS * _MEASURED)]
        for begun in range(0, len(people), _SEEDED_AT_ONCE):
            some = people[begun : begun + _SEEDED_AT_ONCE]
            await asyncio.gather(*(core.customers.at(channel, each, Msisdn(each)) for each in some))
    return iter(people)


async def _round(api: Api, ports: Mapping[str, int], kind: Kind, people: Iterator[str]) -> Round:
    """Both under load, and Callbox once more as it is on most days."""

    async def ours(at_once: int) -> Load:
        chats = ((who, _ANSWERED) for who in itertools.islice(people, CHATS))
        return await chatted(api, ports["callbox"], chats, kind.written, at_once)

    echoed = [Line(line.says, line.says) for line in _ANSWERED]
    echoes = ((f"234805{number:07d}", echoed) for number in range(CHATS))
    bare = await chatted(api, ports[kind.reference], echoes, kind.written, BUSY)
    return Round(bare=bare, ours=await ours(BUSY), calm=await ours(CALM))


def _report(kind: Kind, rounds: Sequence[Round], core: int | None) -> Report:
    ratios = [each.ours.per_second / each.bare.per_second for each in rounds]
    calm = [each.calm for each in rounds]
    return Report(
        f"From webhook to reply on {kind.name}, {BUSY} chats at once",
        (
            _rate("replies", [each.ours for each in rounds]),
            _rate(f"bare {kind.reference}, echoing", [each.bare for each in rounds]),
            Figure("replies / bare", statistics.median(ratios), "x", at_least(0.7)),
            Figure(f"reply, {CALM} chats at once, p50", _typical_ms(calm, 0.5), "ms"),
            Figure(
                f"reply, {CALM} chats at once, p99", _typical_ms(calm, 0.99), "ms", at_most(150)
            ),
        ),
        (
            f"Medians of {ROUNDS} rounds by turns, {CHATS * len(_ANSWERED)} messages each.",
            f"Ratios: {min(ratios):.2f} to {max(ratios):.2f}.",
            "One core for the bot, the others for Postgres, Redis, its API and the people."
            if core is not None
            else "There is no second core to give to the people: figures are lower.",
        ),
    )


def _rate(what: str, loads: Sequence[Load]) -> Figure:
    return Figure(what, statistics.median(load.per_second for load in loads), "/s")


def _typical_ms(loads: Sequence[Load], share: float) -> float:
    return statistics.median(load.quantile_ms(share) for load in loads)
