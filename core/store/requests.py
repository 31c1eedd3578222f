"""What operators ask for and others confirm. The words are sealed with the keyring."""

import datetime as dt
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.operators import Asking, NewRequest, Operator, Request, RequestState, Role
from core.kit.clock import Clock
from core.kit.crypto import Keyring, Unreadable
from core.ports import Event
from core.store.database import Database
from core.store.events import add_event
from core.store.tables import operator_requests as requests
from core.store.tables import operators

_EVENTS = {RequestState.CONFIRMED: "operator.confirmed", RequestState.REJECTED: "operator.rejected"}


class PgRequests:
    """See `core.ports.operators.Requests`."""

    def __init__(self, database: Database, keyring: Keyring, clock: Clock) -> None:
        self._database = database
        self._keyring = keyring
        self._clock = clock

    async def ask(self, request: NewRequest) -> Request:
        tenant_id = request.operator.tenant_id

        async def write(connection: AsyncConnection) -> Request:
            made = (
                insert(requests)
                .values(
                    id=request.id,
                    tenant_id=tenant_id,
                    action=request.asking.value,
                    reference=request.reference,
                    words=self._keyring.encrypt(request.words),
                    asked_by=request.operator.id,
                    chat_id=request.chat_id,
                    asked_at=request.asked_at,
                    expires_at=request.expires_at,
                    state=RequestState.WAITING.value,
                )
                .on_conflict_do_nothing()
                .returning(requests.c.id)
            )
            if await connection.scalar(made) is not None:
                await _note(
                    connection, request, "operator.asked", request.operator, request.asked_at
                )
            found = await self._found(connection, tenant_id, request.id)
            assert found is not None
            return found

        return await self._database.in_tenant(tenant_id, write)

    async def find(self, tenant_id: UUID, request_id: UUID) -> Request | None:
        async def read(connection: AsyncConnection) -> Request | None:
            return await self._found(connection, tenant_id, request_id)

        return await self._database.in_tenant(tenant_id, read)

    async def decide(self, request: Request, operator: Operator, state: RequestState) -> bool:
        async def write(connection: AsyncConnection) -> bool:
            now = self._clock.now()
            confirms = state is RequestState.CONFIRMED
            decider_may = _stands(operator.id, Role.APPROVER if confirms else Role.VIEWER)
            asker_may = _stands(request.asker_id, Role.SUPPORT) if confirms else true()
            deciding = (
                update(requests)
                .where(requests.c.tenant_id == request.tenant_id, requests.c.id == request.id)
                .where(requests.c.state == RequestState.WAITING.value)
                .where(requests.c.expires_at > now)
                .where(decider_may, asker_may)
                .values(state=state.value, decided_by=operator.id, decided_at=now)
            )
            first = (await connection.execute(deciding)).rowcount == 1
            if first:
                await _note(connection, request, _EVENTS[state], operator, now)
            return first

        return await self._database.in_tenant(request.tenant_id, write)

    async def done(self, request: Request, outcome: str) -> None:
        async def write(connection: AsyncConnection) -> None:
            await connection.execute(
                update(requests)
                .where(requests.c.tenant_id == request.tenant_id, requests.c.id == request.id)
                .where(requests.c.outcome.is_(None))
                .values(outcome=outcome)
            )

        await self._database.in_tenant(request.tenant_id, write)

    async def undone(self, before: dt.datetime, count: int) -> Sequence[tuple[UUID, UUID]]:
        rows = await self._database.call(
            "select * from operator_requests_undone($1, $2)", before, count
        )
        return [(row["id"], row["tenant_id"]) for row in rows]

    async def _found(
        self, connection: AsyncConnection, tenant_id: UUID, request_id: UUID
    ) -> Request | None:
        wanted = _wanted().where(requests.c.tenant_id == tenant_id, requests.c.id == request_id)
        row = (await connection.execute(wanted)).mappings().one_or_none()
        if row is None:
            return None
        fields = dict(row)
        return Request(
            asking=Asking(fields.pop("action")),
            words=self._opened(fields.pop("words")),
            state=RequestState(fields.pop("state")),
            **fields,
        )

    def _opened(self, sealed: str) -> str:
        try:
            return self._keyring.decrypt(sealed)
        except Unreadable:
            return "[cannot be read with the present key]"


def _stands(operator_id: UUID, least: Role) -> ColumnElement[bool]:
    """Whether this is an operator still who may do so; nobody removes them before the commit."""
    roles = [role.value for role in Role if role.may(least)]
    return (
        select(operators.c.id)
        .where(operators.c.id == operator_id, operators.c.removed_at.is_(None))
        .where(operators.c.role.in_(roles))
        .with_for_update(read=True)
        .exists()
    )


def _wanted() -> Select[Any]:
    asker, decider = operators.alias("asker"), operators.alias("decider")
    return (
        select(
            requests.c.id,
            requests.c.tenant_id,
            requests.c.action,
            requests.c.reference,
            requests.c.words,
            requests.c.asked_by.label("asker_id"),
            asker.c.name.label("asked_by"),
            requests.c.chat_id,
            requests.c.asked_at,
            requests.c.expires_at,
            requests.c.state,
            requests.c.decided_by.label("decider_id"),
            decider.c.name.label("decided_by"),
            requests.c.outcome,
        )
        .join_from(requests, asker, asker.c.id == requests.c.asked_by)
        .outerjoin(decider, decider.c.id == requests.c.decided_by)
    )


async def _note(
    connection: AsyncConnection,
    request: Request | NewRequest,
    kind: str,
    operator: Operator,
    at: dt.datetime,
) -> None:
    event = Event(
        subject=f"operator_request/{request.id}",
        kind=kind,
        actor=operator.actor,
        facts={"asking": request.asking.value, "reference": request.reference},
    )
    await add_event(connection, operator.tenant_id, event, at)
