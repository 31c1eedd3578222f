"""The admin API: `/api/v1/...`, an application of its own beside the edges."""

from collections.abc import Collection

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
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
from api.admin.errors import ApiError, of_problem, of_status, of_validation
from api.admin.guard import Guard, answer
from api.admin.resource import PREFIX
from core.kit.errors import Problem


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
        exception_handlers={
            ApiError: _refused,
            Problem: _problem,
            HTTPException: _status,
            RequestValidationError: _invalid,
        },
    )
    for part in (
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
        admin.router.routes.extend(part.router(core).routes)
    admin.router.routes.extend(channels.router(core, ussd).routes)
    admin.add_middleware(Guard)
    return admin


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
