"""Whether anybody could deliver a product now. Pure."""

from dataclasses import dataclass

from core.domain.circuits import CircuitState

_FAILURES_TELL = 3


@dataclass(frozen=True, slots=True)
class Seller:
    """A provider of one product that takes orders, as it is doing.

    Attributes:
        check_well: How its last check went; None where it was never checked.
        recent_well, recent_failed: Vends of the last minutes, as they stand.
        float_minor: Our money there, where it is known.
    """

    provider: str
    circuit: CircuitState = CircuitState.CLOSED
    check_well: bool | None = None
    recent_well: int = 0
    recent_failed: int = 0
    float_minor: int | None = None


def able(seller: Seller, least_minor: int) -> bool:
    """Whether an order would have a fair chance with this provider.

    What it really delivered tells more than a check. Who is unknown is given the chance. One whose
    circuit is half-open has it once its failures are some time ago: nobody else can find out.

    Args:
        seller: The provider.
        least_minor: The float that the smallest order takes.
    """
    if seller.circuit is CircuitState.OPEN:
        return False
    if seller.float_minor is not None and seller.float_minor < least_minor:
        return False
    if seller.recent_well:
        return True
    if seller.check_well is False:
        return False
    tells = 1 if seller.circuit is CircuitState.HALF_OPEN else _FAILURES_TELL
    return seller.recent_failed < tells
