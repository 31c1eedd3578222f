"""Prices as requests write them: strings of major units."""

from typing import Annotated

from pydantic import StringConstraints

from api.admin.errors import ApiError
from api.admin.users import Major
from core.kit.money import from_major

Price = Annotated[Major, StringConstraints(pattern=r"^[0-9]{1,12}(\.[0-9]{1,4})?$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]

_MINOR_MAX = 10**12 - 1


def minor(price: str, currency: str) -> int:
    """Raises `ApiError` where it is no amount of that currency."""
    try:
        read = from_major(price, currency).minor
    except ValueError as error:
        raise wrong("price", str(error)) from None
    if read > _MINOR_MAX:
        raise wrong("price", "is more than a wallet can hold")
    return read


def wrong(field: str, what: str) -> ApiError:
    return ApiError(422, "request.invalid", "The request is not valid.", {field: what})
