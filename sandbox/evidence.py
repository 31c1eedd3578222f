"""Tokens and PINs, made up from the order so that each question gets the same ones."""

import datetime as dt
import hashlib
from dataclasses import dataclass

from sandbox.orders import Order, State


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a delivery consists of where a product is a number: a token, or PINs with serials."""

    token: str = ""
    pins: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, order: Order) -> "Evidence":
        """By the order's product: `token:...`, or `pins:<how many>:...`; nothing for others."""
        kind, _, number = order.product.partition(":")
        if kind == "token":
            return cls(token=_digits(order, "token", 20))
        if kind == "pins":
            count = int(number.partition(":")[0])
            return cls(
                pins=tuple(
                    (f"SIM{_digits(order, f'serial{n}', 9)}", _digits(order, f"pin{n}", 12))
                    for n in range(count)
                )
            )
        return cls()


def told(order: Order, now: dt.datetime, *, late: bool) -> Evidence:
    """What of it may be told now: nothing before delivery, nor, if `late`, before its seconds."""
    told_at = order.placed_at + dt.timedelta(seconds=order.script.seconds)
    if order.state is not State.DELIVERED or (late and now < told_at):
        return Evidence()
    return Evidence.of(order)


def _digits(order: Order, what: str, length: int) -> str:
    made = hashlib.sha256(f"{order.provider_reference}/{what}".encode()).hexdigest()
    return str(int(made, 16))[:length]
