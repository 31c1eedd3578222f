"""What every resource of the admin API is made of.

Each route is made once, whole, and put among the application's as it is: included in the way of the
framework it would be made a second time, all of them when the first request comes.
"""

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.requests import Request

from api.admin.envelope import Refusal
from api.admin.errors import ApiError

PREFIX = "/api/v1"

# One is made from the model; the others point to what became of it: making it for each of nine
# answers of each route took most of the time in which a process starts.
_ALIKE: Mapping[str, Any] = {
    "application/json": {"schema": {"$ref": f"#/components/schemas/{Refusal.__name__}"}}
}
_REFUSALS: Mapping[int | str, dict[str, Any]] = {
    400: {"model": Refusal},
    **{
        status: {"description": HTTPStatus(status).phrase, "content": _ALIKE}
        for status in (401, 403, 404, 405, 413, 422, 500, 503)
    },
}


def resource(path: str, tag: str) -> APIRouter:
    """Where its routes go, at `/api/v1` and `path`."""
    return APIRouter(
        prefix=f"{PREFIX}{path}",
        tags=[tag],
        responses=dict(_REFUSALS),
        dependencies=[Depends(_known_filters_only)],
    )


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
