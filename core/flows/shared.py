"""What several flows ask of the services in the same way."""

from core.engine.kinds import MONEY
from core.kit.errors import Problem
from core.kit.letters import cut, one_line
from core.services.context import Context

_GOES_ON = ".."


def check_bounds(ctx: Context, name: str, least_minor: int, most_minor: int) -> None:
    """Raises `Problem` when the amount just given is outside the bounds, or not whole."""
    amount = int(ctx.answers[name] or 0)
    if amount < least_minor:
        raise Problem("amount.too_small", min=MONEY.show(least_minor, ctx.locale))
    if amount > most_minor:
        raise Problem("amount.too_large", max=MONEY.show(most_minor, ctx.locale))
    if amount % 100:
        raise Problem("amount.not_whole")


def short(name: str, chars: int) -> str:
    """As much of a name as a screen has room for, in whole words, with a mark where it goes on."""
    whole = one_line(name)
    if len(whole) <= chars:
        return whole
    head = cut(whole, chars - len(_GOES_ON) + 1)
    return (head.rpartition(" ")[0] or cut(whole, chars - len(_GOES_ON))) + _GOES_ON
