"""Prices as requests write them: strings of major units."""

from typing import Annotated

from pydantic import BeforeValidator, StringConstraints

from api.admin.errors import ApiError
from core.kit.expected import shaped
from core.kit.money import from_major

_MINOR_MAX = 10**12 - 1


def _written(given: object) -> object:
    """A whole number may come as a number; nothing with a fraction does, or it would be rounded."""
    return str(given) if isinstance(given, int) and not isinstance(given, bool) else given


_AMOUNT = shaped(r"^[0-9]{1,12}(\.[0-9]{1,4})?$", "should be an amount, like 500 or 500.00")
_CODE = shaped(r"^[A-Z]{3}$", "should be a currency in three capital letters, like NGN")

Major = Annotated[str, BeforeValidator(_written)]
Price = Annotated[Major, StringConstraints(pattern=_AMOUNT)]
Currency = Annotated[str, StringConstraints(pattern=_CODE)]


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
