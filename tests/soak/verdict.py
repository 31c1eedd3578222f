"""What must hold when the dust has settled, and the figures that go with it."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.domain.requery import Policy
from core.store import invariants
from core.store.database import owner_engine
from tests.soak.world import SoakWorld

# A final order that a late signal had asked about, in vain, is asked about again in five minutes.
_SETTLE_S = Policy().late_every_s + 120.0
_SHOWN_MAX = 5

_LEFT = text("""
    select (select count(*) from orders where state in ('held', 'in_doubt')),
      (select count(*) from notices where state = 'waiting'),
      (select count(*) from jobs)
""")
_LEFT_SHOWN = text("""
    (select 'order ' || reference || ' ' || state from orders
      where state in ('held', 'in_doubt') limit 3)
    union all
    (select concat_ws(' ', 'notice', key, 'tries', tries, 'route', route, 'run_at', run_at,
        'asked_at', asked_at, 'why', why) from notices where state = 'waiting' limit 3)
    union all
    (select concat_ws(' ', 'job of an order', o.state, 'run_at', j.run_at, 'tries', j.tries,
        'hurried', j.hurried, 'made', o.created_at)
      from jobs j join orders o on o.id = j.ref limit 3)
""")
_STATES = text("select state, count(*) as times from orders group by state")
_ORDERS = text("""
    select o.reference, o.state, a.provider_reference from orders o
    join attempts a on a.order_id = o.id
""")
_ATTEMPTS = text("select provider, count(*) as times from attempts group by provider")
_REFUNDS = text("""
    select concat_ws(' ', a.provider, a.result, a.reason) as why, count(*) as times
    from orders o join attempts a on a.order_id = o.id and a.number = o.attempt_number
    where o.state = 'refunded' group by 1
""")
_HELD = text("select coalesce(sum(held_minor), 0) from accounts")
_SUSPENSE = text("select coalesce(sum(posted_minor), 0) from accounts where type = 'suspense'")
_UNTOLD = text("""
    select count(*) from orders o where not exists (select from notices n
      where n.tenant_id = o.tenant_id and n.key = 'order:' || o.id || ':' || o.state)
""")
_GIVEN_UP = text("select count(*) from notices where state = 'given_up'")
_WALLETS = text("""
    select count(*) from accounts a
    left join (select customer_id, sum(amount_minor) as paid from payments_in
      where state = 'credited' group by 1) p on p.customer_id::text = a.owner
    left join (select customer_id, sum(amount_minor + fee_minor) as spent from orders
      where state = 'delivered' group by 1) o on o.customer_id::text = a.owner
    where a.type = 'wallet' and a.posted_minor <> coalesce(p.paid, 0) - coalesce(o.spent, 0)
""")


@dataclass(frozen=True, slots=True)
class Verdict:
    """`broken` is empty when every promise was kept; `states` are the orders by how they ended.

    `wrong` are references of some orders that broke one. `refunds` are the refunded ones by what
    was answered last.
    """

    broken: Sequence[str]
    wrong: Sequence[str]
    states: Mapping[str, int]
    attempts: Mapping[str, int]
    refunds: Mapping[str, int]
    deliveries: int


async def settled(world: SoakWorld) -> Sequence[str]:
    """Wait until nothing is under way any more. Answers some of what still is in the end."""
    engine = owner_engine(world.urls.database_url)
    deadline = time.monotonic() + _SETTLE_S
    try:
        while time.monotonic() < deadline:
            async with engine.connect() as connection:
                if not any((await connection.execute(_LEFT)).one()):
                    return []
            await asyncio.sleep(1)
        async with engine.connect() as connection:
            counts = (await connection.execute(_LEFT)).one()
            shown = (await connection.scalars(_LEFT_SHOWN)).all()
        return [f"{counts[0]} orders, {counts[1]} notices, {counts[2]} jobs", *shown]
    finally:
        await engine.dispose()


async def judge(world: SoakWorld) -> Verdict:
    """Hold the books against what the sandbox really delivered."""
    engine = owner_engine(world.urls.database_url)
    try:
        broken = await invariants.check(engine)
        states = {row.state: row.times for row in await _rows(engine, _STATES)}
        attempts = {row.provider: row.times for row in await _rows(engine, _ATTEMPTS)}
        refunds = {row.why: row.times for row in await _rows(engine, _REFUNDS)}
        deliveries = await world.deliveries()
        against = _against(await _rows(engine, _ORDERS), deliveries)
        broken += [f"{len(which)} {what}: {which[:_SHOWN_MAX]}" for what, which in against.items()]
        for what, query in (
            ("minor units still held", _HELD),
            ("minor units in suspense", _SUSPENSE),
            ("orders that nobody was told of", _UNTOLD),
            ("notices given up", _GIVEN_UP),
            ("wallets that are not what was paid in less what was delivered", _WALLETS),
        ):
            [[count]] = await _rows(engine, query)
            if count:
                broken.append(f"{count} {what}")
    finally:
        await engine.dispose()
    wrong = list(dict.fromkeys(chain.from_iterable(against.values())))[:_SHOWN_MAX]
    return Verdict(broken, wrong, states, attempts, refunds, len(deliveries))


def _against(
    orders: Sequence[Any], deliveries: Sequence[Mapping[str, Any]]
) -> dict[str, list[str]]:
    """Where captured is not delivered, or delivered is more than once."""
    order_of = {reference: (order, state) for order, state, reference in orders}
    reached: defaultdict[str, int] = defaultdict(int)
    unknown = []
    for item in deliveries:
        if (known := order_of.get(item["reference"])) is None:
            unknown.append(item["reference"])
        elif not item["reversed"]:
            reached[known[0]] += 1
    twice = [order for order, times in reached.items() if times > 1]
    state_of = dict(order_of.values())
    unpaid = [order for order in reached if state_of[order] != "delivered"]
    lost = [o for o, state in state_of.items() if state == "delivered" and o not in reached]
    found = {
        "delivered more than once": twice,
        "delivered and not captured": unpaid,
        "captured and not delivered": lost,
        "delivered without an order of ours": unknown,
    }
    return {what: which for what, which in found.items() if which}


async def _rows(engine: AsyncEngine, query: Any) -> Sequence[Any]:
    async with engine.connect() as connection:
        return (await connection.execute(query)).all()


def tally(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in Counter(counts).most_common())
