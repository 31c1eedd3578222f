"""What several flows ask of the services in the same way."""

from core.engine.kinds import MONEY
from core.kit.errors import Problem
from core.services.context import Context


def check_bounds(ctx: Context, name: str, least_minor: int, most_minor: int) -> None:
    """Raises `Problem` when the amount just given is outside the bounds, or not whole."""
    amount = int(ctx.answers[name] or 0)
    if amount < least_minor:
        raise Problem("amount.too_small", min=MONEY.show(least_minor, ctx.locale))
    if amount > most_minor:
        raise Problem("amount.too_large", max=MONEY.show(most_minor, ctx.locale))
    if amount % 100:
        raise Problem("amount.not_whole")
