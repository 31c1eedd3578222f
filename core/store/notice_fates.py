"""What became of notices after a channel took them, in Postgres.

A channel tells of one message several times, late, in any order, and sometimes before we have
written down how it named it. What arrived has arrived; a failure counts while nothing else is
known, once; and one that is told too early waits for the name.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, delete, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.chat import Closed, Fate, Later, Refused, Unreachable
from core.domain.notices import Failure, Route, after, why
from core.domain.turns import Channel
from core.ports import Failed
from core.store.database import Database
from core.store.tables import notice_strays, notices

_STRAYS_KEPT = dt.timedelta(hours=1)
_ARRIVED = ("delivered", "read")
_READ = "read"
_CHATS = (Route.CHAT.value, Route.TEMPLATE.value)


class PgNoticeFates:
    """See `core.ports.NoticeFates`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, channel: Channel, fates: Sequence[Fate], at: dt.datetime) -> list[Failed]:
        known = await self._known(channel, fates)
        failures = []
        for fate in fates:
            notice_id, _ = _read_key(fate.key)
            if fate.failed is None and known.isdisjoint((fate.message_id, str(notice_id))):
                continue
            failures.append(await self._note(channel, fate, at))
        return [failed for failed in failures if failed is not None]

    async def _known(self, channel: Channel, fates: Sequence[Fate]) -> set[str]:
        """Names and ids of notices among them: most of what a channel tells of are screens."""
        named = notices.c.sent_as.in_([fate.message_id for fate in fates])
        keys = [_read_key(fate.key)[0] for fate in fates]
        keyed = notices.c.id.in_([key for key in keys if key is not None])
        query = select(notices.c.id, notices.c.sent_as).where(
            notices.c.channel_id == channel.id, or_(named, keyed)
        )

        async def read(connection: AsyncConnection) -> set[str]:
            rows = await connection.execute(query)
            return {str(each) for row in rows for each in row if each is not None}

        return await self._database.in_tenant(channel.tenant_id, read)

    async def _note(self, channel: Channel, fate: Fate, at: dt.datetime) -> Failed | None:
        """One by one, so that two who tell of the same notices wait for nobody but each other."""

        async def write(connection: AsyncConnection) -> Failed | None:
            row = await _named(connection, channel.id, fate)
            by_name = row is not None and row["sent_as"] == fate.message_id
            if fate.failed is not None and (row is None or not by_name):
                await _keep(connection, channel, fate.message_id, fate.failed, at)
                return None
            if row is None:
                return None
            if fate.failed is not None:
                return await _put_back(connection, row, channel.kind, fate.failed, at)
            return await _went(connection, row, channel, fate, at)

        return await self._database.in_tenant(channel.tenant_id, write)


async def told_already(
    connection: AsyncConnection,
    notice_id: UUID,
    channel_id: UUID,
    kind: str,
    sent_as: str,
    at: dt.datetime,
) -> Failed | None:
    """A failure of that name that came before the name was known; the notice waits again then."""
    mine = (notice_strays.c.channel_id == channel_id, notice_strays.c.message_id == sent_as)
    gone = delete(notice_strays).where(*mine).returning(notice_strays.c.failed)
    failed = await connection.scalar(gone)
    if failed is None:
        return None
    row = (await connection.execute(_rows().where(notices.c.id == notice_id))).mappings().one()
    return await _put_back(connection, row, kind, _opened(failed), at)


async def _named(connection: AsyncConnection, channel_id: UUID, fate: Fate) -> RowMapping | None:
    """The notice that went out under that name, or says by its key that it did."""
    by_name = notices.c.sent_as == fate.message_id
    notice_id, _ = _read_key(fate.key)
    told = by_name if notice_id is None else or_(by_name, notices.c.id == notice_id)
    found = _rows().where(notices.c.channel_id == channel_id, told).with_for_update()
    rows = (await connection.execute(found)).mappings().all()
    return min(rows, key=lambda row: row["sent_as"] != fate.message_id, default=None)


def _rows() -> Any:
    columns = ("id", "state", "route", "route_tries", "sent_as", "arrived", "identity")
    return select(*(notices.c[name] for name in columns))


async def _went(
    connection: AsyncConnection, row: RowMapping, channel: Channel, fate: Fate, at: dt.datetime
) -> Failed | None:
    """It did leave, whatever we knew of it: what was about to be tried in its place is not."""
    arrived = fate.status in _ARRIVED
    changes: dict[str, object] = {}
    if arrived and row["arrived"] not in (_READ, fate.status):
        changes |= {"arrived": fate.status, "arrived_at": at}
    left = row["state"] == "waiting" and (arrived or _is_news(row, fate))
    if left:
        route = row["route"] if row["route"] in _CHATS else Route.CHAT.value
        changes |= {"state": "sent", "route": route, "ended_at": at, "asked_at": None, "why": None}
    if changes:
        changes["sent_as"] = fate.message_id
        await connection.execute(update(notices).where(notices.c.id == row["id"]).values(**changes))
    if not left or arrived:
        return None
    return await told_already(connection, row["id"], channel.id, channel.kind, fate.message_id, at)


def _is_news(row: RowMapping, fate: Fate) -> bool:
    """That it left says something of the latest try, of which nobody could tell what became.

    Of one that failed since it says nothing.
    """
    _, tries = _read_key(fate.key)
    unknown = row["sent_as"] is None and row["route"] in _CHATS
    return unknown and tries == row["route_tries"]


async def _put_back(
    connection: AsyncConnection, row: RowMapping, kind: str, failed: Failure, at: dt.datetime
) -> Failed | None:
    """Have it told again, by the route that follows. None where it is told, or waits already."""
    if row["state"] != "sent" or row["arrived"] is not None or row["route"] not in _CHATS:
        return None
    route = Route(row["route"])
    again = after(route, failed, kind, row["route_tries"])
    assert again is not None  # after a chat there is always the SMS
    changes = {
        "state": "waiting",
        "route": again.route.value,
        "route_tries": row["route_tries"] if again.route is route else 0,
        "run_at": at + dt.timedelta(seconds=again.after_s),
        "asked_at": None,
        "ended_at": None,
        "why": why(failed),
    }
    await connection.execute(update(notices).where(notices.c.id == row["id"]).values(**changes))
    return Failed(route, row["identity"], failed)


async def _keep(
    connection: AsyncConnection, channel: Channel, message_id: str, failed: Failure, at: dt.datetime
) -> None:
    await connection.execute(delete(notice_strays).where(notice_strays.c.at < at - _STRAYS_KEPT))
    stray = insert(notice_strays).values(
        channel_id=channel.id,
        message_id=message_id,
        tenant_id=channel.tenant_id,
        failed=_kept(failed),
        at=at,
    )
    await connection.execute(stray.on_conflict_do_nothing())


def _read_key(key: str) -> tuple[UUID | None, int]:
    """Which notice, and which try of it: see `core.ports.Notice.try_key`."""
    name, _, tries = key.partition(".")
    try:
        return UUID(name), int(tries)
    except ValueError:
        return None, 0


def _kept(failed: Failure) -> Mapping[str, object]:
    match failed:
        case Later(after_s, reason, spares):
            return {"what": "later", "after_s": after_s, "why": reason, "spares": spares}
        case Unreachable(reason):
            return {"what": "unreachable", "why": reason}
        case Closed():
            return {"what": "closed"}
        case Refused(reason, stops):
            return {"what": "refused", "why": reason, "stops": stops}


def _opened(kept: Mapping[str, Any]) -> Failure:
    makers: Mapping[str, Callable[[], Failure]] = {
        "later": lambda: Later(kept["after_s"], kept["why"], spares=kept["spares"]),
        "unreachable": lambda: Unreachable(kept["why"]),
        "closed": Closed,
        "refused": lambda: Refused(kept["why"], stops=kept["stops"]),
    }
    return makers[kept["what"]]()
