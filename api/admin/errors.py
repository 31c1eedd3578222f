"""What can go wrong, in one envelope, whoever notices it."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from core.domain.providers import BadConfiguration, UnknownProvider
from core.kit.errors import Problem
from core.services.credits import KeyUsed, WalletClosed, WrongCurrency
from core.services.order_actions import UnknownOrder
from core.services.provider_configs import ChangedMeanwhile


class ApiError(Exception):
    """An answer that is not a success. `details` says by field what is wrong."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        details: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.details = details
        self.headers = headers


_PROBLEMS: Mapping[type[Problem], tuple[int, str]] = {
    BadConfiguration: (422, "The configuration is not valid."),
    UnknownProvider: (404, "No provider of this name is known."),
    ChangedMeanwhile: (409, "Somebody else is changing this configuration. Try again."),
    UnknownOrder: (404, "There is no transaction of this reference."),
    WrongCurrency: (422, "The wallet is of another currency."),
    KeyUsed: (409, "This idempotency key was used for another credit. Nothing was done."),
    WalletClosed: (409, "This wallet is closed."),
}

_STATUSES: Mapping[int, tuple[str, str]] = {
    404: ("not_found", "There is nothing here."),
    405: ("method_not_allowed", "This cannot be asked in that way."),
    413: ("body.too_large", "The body is too large."),
}


def of_problem(problem: Problem) -> ApiError:
    """An unlisted one is a plain 400 under its own code."""
    status, message = _PROBLEMS.get(type(problem), (400, "This cannot be done."))
    details = None
    if isinstance(problem, BadConfiguration):
        details = problem.fields
    elif isinstance(problem, WrongCurrency):
        details = {"currency": f"should be {problem.facts['currency']}"}
    return ApiError(status, problem.code, message, details)


def of_status(error: HTTPException) -> ApiError:
    """What the framework refuses by itself."""
    phrase = HTTPStatus(error.status_code).phrase
    fallback = (phrase.lower().replace(" ", "_"), f"{phrase}.")
    code, message = _STATUSES.get(error.status_code, fallback)
    return ApiError(error.status_code, code, message, headers=error.headers)


def of_validation(error: RequestValidationError) -> ApiError:
    """What is wrong with a request, by field. What was given may be secret: it is not repeated."""
    details = {}
    for one in error.errors():
        where = [str(part) for part in one["loc"] if part not in {"body", "query", "path"}]
        details[".".join(where) or "body"] = str(one["msg"]).removeprefix("Value error, ")
    return ApiError(422, "request.invalid", "The request is not valid.", details)
