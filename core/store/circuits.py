"""Circuits in Redis, shared by all processes: `core.domain.circuits` holds their rules.

They are ours rather than pybreaker's. Its breaker lets every caller through while it is half-open
(and counts a cancelled call as failed); its shared storage asks Redis through a blocking client,
which would stop all turns of a process, and changes state and counter in separate steps.

All circuits that something is held against are fields of one hash, so that one process learns of
all of them in one round trip, every second; a circuit at rest has no field and costs nothing. A
change is the rules' own, written by a script that compares first: of many at once one wins, and
the others look again. Nothing is waited for while a circuit is at rest and all goes well.
"""

import asyncio
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

import msgspec
import structlog

from core.domain.circuits import (
    AT_REST,
    Circuit,
    CircuitKey,
    CircuitRules,
    CircuitState,
    after,
    given_back,
    let_through,
    state_at,
)
from core.domain.vending import Product
from core.kit.clock import Clock
from core.ports import Probe
from core.store.redis_line import Broken, Line, Refused, Stalled

log = structlog.get_logger()

LOOKS_EVERY_S = 1.0

_HASH: Final = "callbox:{circuits}"
_AWAY = (Broken, Stalled, Refused)

# Puts ARGV[3] in place of ARGV[2] in field ARGV[1], '' standing for no field; answers what was
# there before.
_SWAP: Final = """
local is = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if is == ARGV[2] then
  if ARGV[3] == '' then
    redis.call('HDEL', KEYS[1], ARGV[1])
  else
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  end
end
return is
"""


Rule = Callable[[Circuit], Circuit | None]


class RedisCircuits:
    """See `core.ports.Circuits`. While Redis is away, each process counts what it sees itself."""

    def __init__(self, line: Line, rules: CircuitRules, clock: Clock) -> None:
        self._line = line
        self._rules = rules
        self._clock = clock
        self._mirror: dict[CircuitKey, Circuit] = {}
        self._alone = False

    async def follow(self) -> None:
        """Look what other processes have seen, until cancelled."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            await self.refresh()

    async def refresh(self) -> None:
        """Look now. While Redis is away, things stay as this process sees them."""
        try:
            self._mirror = await self._all_of_them()
            self._alone = False
        except _AWAY as error:
            self._now_alone(error)

    def state(self, key: CircuitKey) -> CircuitState:
        circuit = self._mirror.get(key)
        if circuit is None:
            return CircuitState.CLOSED
        return state_at(circuit, self._rules, self._now_ms())

    async def probe(self, key: CircuitKey, wait_s: float) -> Probe | None:
        def taken(circuit: Circuit) -> Circuit | None:
            return let_through(circuit, self._rules, self._now_ms(), wait_s)

        circuit = await self._change(key, taken)
        return Probe(key, circuit.probe_until_ms) if circuit is not None else None

    async def give_back(self, probe: Probe) -> None:
        await self._change(probe.key, lambda circuit: given_back(circuit, probe.until_ms))

    async def record(self, key: CircuitKey, *, well: bool, sent_at: dt.datetime) -> None:
        if well and key not in self._mirror:
            return  # at rest, as far as we know: nothing would change
        sent_ms = _ms(sent_at)

        def told(circuit: Circuit) -> Circuit:
            return after(circuit, self._rules, self._now_ms(), well=well, sent_ms=sent_ms)

        await self._change(key, told)

    async def reset(self, key: CircuitKey) -> CircuitState:
        before = (await self.all()).get(key, AT_REST)
        await self._change(key, lambda _: AT_REST)
        return state_at(before, self._rules, self._now_ms())

    async def all(self) -> Mapping[CircuitKey, Circuit]:
        await self.refresh()
        return dict(self._mirror)

    async def _change(self, key: CircuitKey, rule: Rule) -> Circuit | None:
        """What the rule makes of the circuit, in Redis and here; None where it makes nothing."""
        known = _written(self._mirror.get(key, AT_REST))
        while True:
            circuit = _read(known)
            changed = rule(circuit)
            # Written or not, Redis is asked: what this process knows may be a second old.
            wanted = known if changed is None or changed == circuit else _written(changed)
            try:
                found: bytes = await self._line("EVAL", _SWAP, 1, _HASH, _field(key), known, wanted)
            except _AWAY as error:
                self._now_alone(error)
                return self._keep(key, self._mirror.get(key, AT_REST), rule)
            if found == known:
                return self._keep(key, circuit, rule)
            known = found

    def _keep(self, key: CircuitKey, circuit: Circuit, rule: Rule) -> Circuit | None:
        """Note here what the rule makes of the circuit."""
        changed = rule(circuit)
        left = changed if changed is not None else circuit
        if left.at_rest:
            self._mirror.pop(key, None)
        else:
            self._mirror[key] = left
        if left.state is not circuit.state:
            log.warning("circuit.changed", state=left.state.value, **_named(key))
        return changed

    def _now_alone(self, error: Exception) -> None:
        if not self._alone:
            log.warning("circuits.alone", error=type(error).__name__)
        self._alone = True

    async def _all_of_them(self) -> dict[CircuitKey, Circuit]:
        words: list[bytes] = await self._line("HGETALL", _HASH)
        pairs = zip(words[::2], words[1::2], strict=True)
        found = {_key(field): _read(value) for field, value in pairs}
        return {key: circuit for key, circuit in found.items() if not circuit.at_rest}

    def _now_ms(self) -> int:
        return _ms(self._clock.now())


def _ms(at: dt.datetime) -> int:
    return round(at.timestamp() * 1000)


def _field(key: CircuitKey) -> str:
    return f"{key.tenant_id}:{key.product.value}:{key.provider}"


def _key(field: bytes) -> CircuitKey:
    tenant, product, provider = field.decode().split(":", 2)
    return CircuitKey(UUID(tenant), Product(product), provider)


def _written(circuit: Circuit) -> bytes:
    return b"" if circuit.at_rest else msgspec.json.encode(circuit)


def _read(value: bytes) -> Circuit:
    """What nobody of this release wrote counts as nothing."""
    try:
        return msgspec.json.decode(value, type=Circuit) if value else AT_REST
    except msgspec.MsgspecError:
        return AT_REST


def _named(key: CircuitKey) -> dict[str, str]:
    return {"provider": key.provider, "service": key.product.value, "tenant": str(key.tenant_id)}
