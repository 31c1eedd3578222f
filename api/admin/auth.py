"""Who is asking, for which tenant, and whether they may."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.admin.core import AdminCore
from api.admin.errors import ApiError
from core.services.tokens import Caller

_bearer = HTTPBearer(auto_error=False, description="A token made with `callbox tokens create`.")
_CHALLENGE = {"www-authenticate": "Bearer"}


@dataclass(frozen=True, slots=True)
class Access:
    """A caller who may do what is asked, to one tenant."""

    caller: Caller
    tenant_id: UUID

    @property
    def actor(self) -> str:
        return self.caller.actor


Check = Callable[..., Awaitable[Access]]


def needing(core: AdminCore, ability: str) -> Check:
    """A dependency that lets callers in who have `ability`.

    A token of a tenant sees that tenant. A super-admin's names it in `tenant`, and may leave that
    out where there is only one.
    """

    async def check(
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
        tenant: Annotated[str | None, Query(description="Key of the tenant.")] = None,
    ) -> Access:
        caller = await core.tokens.caller(given.credentials) if given else None
        if caller is None:
            raise ApiError(
                401, "auth.required", "A valid bearer token is needed.", None, _CHALLENGE
            )
        if not caller.may(ability):
            raise ApiError(403, "auth.forbidden", f"This token lacks the ability {ability}.")
        return Access(caller, await _tenant(core, caller, tenant))

    return check


async def _tenant(core: AdminCore, caller: Caller, named: str | None) -> UUID:
    if caller.tenant_id is not None and named is None:
        return caller.tenant_id
    known = await core.tenants.keys()
    if named is None:
        if len(known) != 1:
            raise ApiError(
                400,
                "tenant.required",
                "Name the tenant.",
                {"tenant": "is required with this token"},
            )
        return next(iter(known.values()))
    found = known.get(named)
    if caller.tenant_id is not None and found != caller.tenant_id:
        # The same whether it exists or not: a tenant learns nothing of others.
        raise ApiError(403, "tenant.forbidden", "This token is of another tenant.")
    if found is None:
        raise ApiError(404, "tenant.unknown", "There is no such tenant.")
    return found
