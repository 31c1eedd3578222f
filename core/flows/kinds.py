"""Kinds of answer that several flows share."""

from core.domain.networks import NAMES
from core.engine.kinds import Kind, Locale, Scalar, named, text

NETWORK = named("network", NAMES)
REFERENCE = text(20)
SERVICE_CODE = text(20)


def _as_it_is(value: Scalar, _: Locale) -> str:
    return str(value)


def _not_typed(_: str, __: Locale) -> Scalar:
    raise TypeError("made by a service, never typed")


STATEMENT = Kind(
    name="statement",
    parse=_not_typed,
    show=_as_it_is,
    longest="\n".join(["31 Dec N99,999 08031234567: on its way"] * 3),
    sample="20 Nov N500 08031234567: done",
)
"""Lines about money, already in the customer's language."""
