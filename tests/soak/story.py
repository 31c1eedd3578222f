"""All that is known of one order, for whoever has to find out how a promise was broken."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import text

from core.store.database import owner_engine
from tests.soak.world import SoakWorld

_ROWS = text("""
    with chosen as (select * from orders where reference = :reference)
    select 'order' as kind, to_jsonb(o)::text as row, o.created_at as at from chosen o
    union all
    select 'attempt', to_jsonb(a)::text, a.created_at
      from attempts a join chosen o on o.id = a.order_id
    union all
    select 'answer', to_jsonb(a)::text, a.at from answers a join chosen o on o.id = a.order_id
    union all
    select 'event', to_jsonb(e)::text, e.at from events e join chosen o on o.id::text = e.subject
    order by at
""")


async def stories(world: SoakWorld, references: Sequence[str]) -> list[str]:
    """Its rows, what was delivered to its number, and every line that was written of it."""
    deliveries = await world.deliveries()
    return [
        line
        for each in references
        for line in [f"-- {each}", *await _story(world, each, deliveries)]
    ]


async def _story(world: SoakWorld, reference: str, deliveries: Sequence[Any]) -> list[str]:
    engine = owner_engine(world.urls.database_url)
    try:
        async with engine.connect() as connection:
            rows = (await connection.execute(_ROWS, {"reference": reference})).all()
    finally:
        await engine.dispose()
    known = [f"{row.kind}: {row.row}" for row in rows]
    theirs = [item for item in deliveries if any(item["reference"] in each for each in known)]
    return [*known, *(f"delivery: {item}" for item in theirs), *_lines(world, reference)]


def _lines(world: SoakWorld, reference: str) -> Iterator[str]:
    for log in sorted(world.home.glob("*.log")):
        with log.open(errors="replace") as lines:
            yield from (f"{log.stem}: {line.rstrip()}" for line in lines if reference in line)
