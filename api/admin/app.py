"""The admin API: `/api/v1/...`, an application of its own beside the edges."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api.admin import (
    alerts,
    cases,
    channels,
    chats,
    configuration,
    floats,
    gifts,
    mikrotik,
    providers,
    reconciliations,
    router_backups,
    routers,
    transactions,
    users,
    voucher_actions,
    voucher_batches,
    voucher_plans,
    vouchers,
)
from api.admin.core import AdminCore
from api.admin.envelope import Refusal
from api.admin.errors import ApiError, of_problem, of_status, of_validation
from api.admin.guard import Guard, answer
from core.kit.errors import Problem

PREFIX = "/api/v1"

_REFUSALS: Mapping[int | str, dict[str, Any]] = {
    status: {"model": Refusal} for status in (400, 401, 403, 404, 405, 413, 422, 500, 503)
}


def create_admin(core: AdminCore, *, ussd: Collection[str] = ()) -> FastAPI:
    """The application, over a core that runs already.

    `ussd`: the gateways whose channels can be opened; their edge is no part of this one.
    """
    admin = FastAPI(
        title="Callbox admin API",
        version="1",
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=dict(_REFUSALS),
        dependencies=[Depends(_known_filters_only)],
        exception_handlers={
            ApiError: _refused,
            Problem: _problem,
            HTTPException: _status,
            RequestValidationError: _invalid,
        },
    )
    for resource in (
        alerts,
        cases,
        chats,
        configuration,
        floats,
        gifts,
        mikrotik,
        providers,
        reconciliations,
        router_backups,
        routers,
        transactions,
        users,
        voucher_plans,
        voucher_batches,  # before vouchers, whose codes would stand for its paths
        vouchers,
        voucher_actions,
    ):
        admin.include_router(resource.router(core), prefix=PREFIX)
    admin.include_router(channels.router(core, ussd), prefix=PREFIX)
    admin.add_middleware(Guard)
    return admin


async def _known_filters_only(request: Request) -> None:
    """A list must not be taken for filtered by what nobody looks at. Raises `ApiError`."""
    route: APIRoute = request.scope["route"]
    unknown = sorted({*request.query_params} - {*_looked_at(route.dependant)})
    if request.method == "GET" and unknown:
        details = dict.fromkeys(unknown, "is no parameter of this address")
        raise ApiError(422, "request.invalid", "The request is not valid.", details)


def _looked_at(dependant: Dependant) -> Iterator[str]:
    """The parameters after the `?` that somebody looks at."""
    yield from (field.alias for field in dependant.query_params)
    for inner in dependant.dependencies:
        yield from _looked_at(inner)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    return answer(error)


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return answer(of_problem(error))


async def _status(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return answer(of_status(error))


async def _invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return answer(of_validation(error))
