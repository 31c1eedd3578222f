"""Kinds of transfers that moved money of a customer, and that no line of a statement tells of."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from core.app import TEXTS
from core.kit.texts import Texts
from core.services.wallet import TOLD, TOLD_BY_THEMSELVES

_OUR_OWN = "test"
"""Money that tests bring from outside and take there."""

_MOVED = text(
    "select distinct t.code, case when e.amount_minor > 0 then 'in' else 'out' end as way"
    " from entries e join transfers t on t.id = e.transfer_id"
    " join accounts a on a.id = e.account_id where a.type = 'wallet'"
)


async def untold(engine: AsyncEngine) -> list[str]:
    """Asked of all that tests did: whoever makes a new kind of transfer finds its words missing."""
    async with engine.connect() as connection:
        moved = [(row.code, row.way) for row in await connection.execute(_MOVED)]
    texts = Texts.load(TEXTS)
    return sorted(f"{code} {way}" for code, way in moved if not _told(texts, code, way))


def _told(texts: Texts, code: str, way: str) -> bool:
    if code in TOLD_BY_THEMSELVES:
        return texts.has(f"wallet.line.{code}.{way}")
    return code in TOLD or code == _OUR_OWN
