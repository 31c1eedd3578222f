"""Which refusals of a server are waited out, and which are told at once."""

import asyncpg
import pytest
from sqlalchemy.ext.asyncio import AsyncConnection

from core.kit import ids
from core.store.database import Database, Unavailable


async def asked(refusal: Exception, monkeypatch: pytest.MonkeyPatch, *, in_tenant: bool) -> None:
    """Ask a server that lets nobody in."""

    async def refuse(*_: object, **__: object) -> asyncpg.Connection:
        raise refusal

    async def read(connection: AsyncConnection) -> None:
        raise AssertionError("nobody was let in")

    monkeypatch.setattr(asyncpg, "connect", refuse)
    database = Database("postgresql://somebody@127.0.0.1/nothing", patience_s=0)
    if in_tenant:
        await database.in_tenant(ids.uuid7(), read)
    else:
        await database.call("select 1")


@pytest.mark.parametrize("in_tenant", [False, True], ids=["call", "in_tenant"])
@pytest.mark.parametrize(
    "refusal",
    [
        asyncpg.CannotConnectNowError("the database system is starting up"),
        asyncpg.TooManyConnectionsError("too many clients already"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle of operation"),
        asyncpg.InterfaceError("connection is closed"),
        ConnectionRefusedError(),
    ],
    ids=lambda refusal: type(refusal).__name__,
)
async def test_a_server_that_is_away_for_a_moment_is_waited_for(
    refusal: Exception, monkeypatch: pytest.MonkeyPatch, *, in_tenant: bool
) -> None:
    with pytest.raises(Unavailable):
        await asked(refusal, monkeypatch, in_tenant=in_tenant)


@pytest.mark.parametrize("in_tenant", [False, True], ids=["call", "in_tenant"])
async def test_a_login_that_is_wrong_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, *, in_tenant: bool
) -> None:
    with pytest.raises(Exception, match="password") as told:
        await asked(asyncpg.InvalidPasswordError("password"), monkeypatch, in_tenant=in_tenant)

    assert not isinstance(told.value, Unavailable)
