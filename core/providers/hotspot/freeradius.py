"""FreeRADIUS by its SQL tables: the voucher is the row, so it works as soon as it is written.

Source: FreeRADIUS 3.2, raddb/mods-config/sql/main/postgresql (schema.sql, queries.conf), rlm_sql
and rlm_sqlcounter's own pages, read November 2026. The server needs `raddb/modules.conf` and
`raddb/site.conf` beside this file, and `raddb/extras.sql` in its database.

- A login is for one router's hotspot. The server compares the router's id, which stands beside the
  code, with what the hotspot tells as its NAS-Identifier or WISPr-Location-ID (RouterOS sends its
  identity, and radius-location-id of the hotspot's profile). Others, and such as tell no id, are
  refused. Rows from before that have none and let in anywhere until they are put again.
- Speed and sharing are in a group that all vouchers alike have, whosever they are: its name says
  what is in it, so no two differ.
- Codes of all tenants are one name space. Whoever comes second to a code is refused as FOREIGN;
  so is one with which somebody logged in before it was made: its use would be taken off this one.
- What is left is computed by the server at each login, from `radacct`: nothing here goes stale.
- `Class` is the voucher's mark: hotspots repeat it in what they account, and by it a login is ours.
- A login that is disabled or removed is not let in again. A session under way runs to its
  Session-Timeout or limit at most: this speaks SQL alone, and sends no Disconnect-Request.
- Data is counted as hotspots tell it, every minute (Acct-Interim-Interval). A session that told
  nothing for three is over: its hotspot lost power, and the customer must get in again.
- The tables hold codes in clear, as a router does: a password that CHAP can check must be known.
- Rows of `radacct` are what was used: keep those of vouchers that are not over.
"""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final, TypeAlias, TypeVar
from uuid import UUID

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import make_url

from core.domain.vouchers import MARK, Usage, mark_of, wanted_on_router
from core.kit import ids
from core.ports.hotspot import Done, Outcome, Refusal, Refused, Unknown
from core.ports.voucher_backend import Login, LoginUse

INTERIM_S: Final = 60

Rows = list[tuple[str, str, str]]
Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record]"
Answer = TypeVar("Answer")

_CLOCKS_DIFFER: Final = dt.timedelta(hours=1)
_CONNECTIONS: Final = 4
_CUT_OFF = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)
_PERMISSION = (asyncpg.InsufficientPrivilegeError, asyncpg.InvalidAuthorizationSpecificationError)


class Settings(BaseSettings):
    """From `FREERADIUS_*`, or given. `database_url` is of the server's own Postgres."""

    model_config = SettingsConfigDict(env_prefix="FREERADIUS_")

    database_url: str
    timeout_s: float = 5.0


class FreeRadius:
    """See `core.ports.voucher_backend.VoucherBackend`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._pool: asyncpg.Pool | None = None
        self._opening = asyncio.Lock()

    async def put(self, login: Login) -> Outcome[None]:
        spent = wanted_on_router(login.terms, login.base).spent
        return await self._written(login, refused=spent)

    async def disable(self, login: Login) -> Outcome[None]:
        return await self._written(login, refused=True)

    async def remove(self, login: Login) -> Outcome[None]:
        async def gone(connection: Connection) -> None:
            if await _owner(connection, login.code) == mark_of(login.voucher_id):
                await _forget(connection, login.code)

        return await self._asked(gone)

    async def usage(self, logins: Sequence[Login]) -> Outcome[Mapping[UUID, LoginUse]]:
        async def read(connection: Connection) -> Mapping[UUID, LoginUse]:
            rows = await connection.fetch(_USAGE, [login.code for login in logins])
            found = {row["code"]: row for row in rows}
            return {
                login.voucher_id: _use(found[login.code], login)
                for login in logins
                if login.code in found and found[login.code]["mark"] == mark_of(login.voucher_id)
            }

        return await self._asked(read)

    async def aclose(self) -> None:
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def _written(self, login: Login, *, refused: bool) -> Outcome[None]:
        """All its rows anew. The tables know no unique name, so it is locked by ours."""
        mark, profile = mark_of(login.voucher_id), login.terms.profile

        async def write(connection: Connection) -> bool:
            owner = await _owner(connection, login.code)
            if owner not in ("", mark) or (not owner and await _worn(connection, login)):
                return False
            await _forget(connection, login.code)
            await _insert(
                connection, "radcheck", "username", login.code, _checks(login, refused=refused)
            )
            await _insert(connection, "radreply", "username", login.code, _replies(mark))
            await connection.execute(
                "insert into radusergroup (username, groupname, priority) values ($1, $2, 1)",
                *(login.code, profile.name),
            )
            await _group(connection, profile.name, login.terms.shared_users, profile.rate_limit)
            return True

        done = await self._asked(write)
        if isinstance(done, Done):
            return Done(None) if done.value else Refused(Refusal.FOREIGN)
        return done

    async def _asked(self, work: Callable[[Connection], Awaitable[Answer]]) -> Outcome[Answer]:
        """`work` in one transaction: all of it happened, or nothing."""
        try:
            pool = await self._opened()
            connection = await pool.acquire(timeout=self._settings.timeout_s)
        except _PERMISSION as error:
            return Refused(Refusal.CREDENTIALS, type(error).__name__)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            return Refused(Refusal.AWAY, type(error).__name__)
        try:
            async with connection.transaction():
                answer = await work(connection)
            return Done(answer)
        except TimeoutError:
            return Unknown("timeout")
        except _PERMISSION as error:
            return Refused(Refusal.PERMISSION, type(error).__name__)
        except (OSError, asyncpg.InterfaceError, *_CUT_OFF):
            return Unknown("closed")
        except asyncpg.PostgresError as error:  # it said so itself, and rolled back
            return Refused(Refusal.UNSUPPORTED, type(error).__name__)
        finally:
            await pool.release(connection, timeout=self._settings.timeout_s)

    async def _opened(self) -> asyncpg.Pool:
        async with self._opening:
            if self._pool is None:
                url = make_url(self._settings.database_url)
                host = url.query.get("host", url.host)
                self._pool = await asyncpg.create_pool(
                    host=str(host) if host else None,
                    port=url.port or int(str(url.query.get("port", 5432))),
                    user=url.username,
                    password=url.password,
                    database=url.database,
                    min_size=0,
                    max_size=_CONNECTIONS,
                    timeout=self._settings.timeout_s,
                    command_timeout=self._settings.timeout_s,
                )
            return self._pool


def _checks(login: Login, *, refused: bool) -> Rows:
    """What must hold for a login. The server compares limits with what `radacct` counts."""
    wanted, terms = wanted_on_router(login.terms, login.base), login.terms
    rows: Rows = [
        ("Cleartext-Password", ":=", login.code),
        ("NAS-Identifier", ":=", str(login.router_id)),
    ]
    if wanted.online_limit_s > 0:
        rows.append(("Max-All-Session", ":=", str(wanted.online_limit_s)))
    if wanted.data_limit_bytes > 0:
        rows.append(("Max-All-Octets", ":=", str(wanted.data_limit_bytes)))
    if terms.validity_s:
        rows.append(("Expire-After", ":=", str(terms.validity_s)))
    if terms.ends_at is not None:
        rows.append(("Expiration", ":=", str(int(terms.ends_at.timestamp()))))
    if refused:
        rows.append(("Auth-Type", ":=", "Reject"))
    return rows


def _replies(mark: str) -> Rows:
    return [("Class", ":=", mark), ("Acct-Interim-Interval", ":=", str(INTERIM_S))]


async def _owner(connection: Connection, code: str) -> str:
    """The mark of whose login it is: "" of nobody's, "?" of somebody else's. Locks the name."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", code)
    known = await connection.fetchval(
        "select exists (select from radcheck where username = $1)", code
    )
    if not known:
        return ""
    found = await connection.fetchval(
        "select value from radreply where username = $1 and attribute = 'Class'", code
    )
    mark = str(found or "")
    return mark if mark.startswith(MARK) else "?"


async def _worn(connection: Connection, login: Login) -> bool:
    """Whether somebody logged in with the code long before this voucher was made."""
    made_at = ids.made_at(login.voucher_id) - _CLOCKS_DIFFER
    query = "select exists (select from radacct where username = $1 and acctstarttime < $2)"
    return bool(await connection.fetchval(query, login.code, made_at))


async def _forget(connection: Connection, code: str) -> None:
    for table in ("radcheck", "radreply", "radusergroup"):
        await connection.execute(f"delete from {table} where username = $1", code)  # noqa: S608


async def _insert(connection: Connection, table: str, key: str, name: str, rows: Rows) -> None:
    await connection.executemany(
        f"insert into {table} ({key}, attribute, op, value) values ($1, $2, $3, $4)",  # noqa: S608
        [(name, *row) for row in rows],
    )


async def _group(connection: Connection, name: str, shared: int, rate: str) -> None:
    """Speed and sharing, once for all vouchers alike: the name says what is in it."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", name)
    query = "select exists (select from radgroupcheck where groupname = $1)"
    if await connection.fetchval(query, name):
        return
    checks: Rows = [("Simultaneous-Use", ":=", str(shared))]
    await _insert(connection, "radgroupcheck", "groupname", name, checks)
    if rate:
        await _insert(
            connection, "radgroupreply", "groupname", name, [("Mikrotik-Rate-Limit", ":=", rate)]
        )


def _use(row: asyncpg.Record, login: Login) -> LoginUse:
    base, stale = login.base, row["place"] != str(login.router_id)
    counted = Usage(base.online_s + row["online_s"], base.data_bytes + row["bytes"])
    return LoginUse(counted, row["first_login_at"], row["online"], stale)


_USAGE: Final = """
select c.code, r.value as mark, p.value as place, a.* from unnest($1::text[]) as c (code)
join radreply r on r.username = c.code and r.attribute = 'Class'
left join radcheck p on p.username = c.code and p.attribute = 'NAS-Identifier'
cross join lateral (
  select coalesce(sum(x.acctsessiontime), 0)::bigint as online_s,
    coalesce(sum(x.acctinputoctets + x.acctoutputoctets), 0)::bigint as bytes,
    min(x.acctstarttime) as first_login_at,
    count(*) filter (
      where x.acctstoptime is null and x.acctupdatetime > now() - interval '3 minutes') as online
  from radacct x where x.username = c.code
) a
"""
