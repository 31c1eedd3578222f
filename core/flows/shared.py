"""What several flows ask of the services in the same way."""

from core.engine.kinds import MONEY
from core.engine.outcomes import Done, Masked
from core.kit.errors import Problem
from core.services.context import Context
from core.services.pins import PinCheck


def check_bounds(ctx: Context, name: str, least_minor: int, most_minor: int) -> None:
    """Raises `Problem` when the amount just given is outside the bounds, or not whole."""
    amount = int(ctx.answers[name] or 0)
    if amount < least_minor:
        raise Problem("amount.too_small", min=MONEY.show(least_minor, ctx.locale))
    if amount > most_minor:
        raise Problem("amount.too_large", max=MONEY.show(most_minor, ctx.locale))
    if amount % 100:
        raise Problem("amount.not_whole")


async def check_pin(ctx: Context, pin: Masked) -> Done:
    """Exits: `right`, `wrong` with the tries left, `locked` with the minutes, `unset`."""
    checked = await ctx.desk.pins.check(ctx.customer, pin.reveal(), ctx.key)
    match checked.result:
        case PinCheck.WRONG:
            return Done("wrong", {"tries_left": checked.tries_left})
        case PinCheck.LOCKED:
            return Done("locked", {"locked_minutes": checked.locked_minutes})
        case PinCheck.RIGHT | PinCheck.UNSET:
            return Done(checked.result.value)
