"""PINs and one-time codes: counted before they are compared, so guessing in parallel gains nothing.

Every function here runs in one transaction that first locks the customer's row: what two requests
do at once they do one after the other.
"""

import datetime as dt
from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.domain.customers import CodeAsked, Customer, PinState
from core.kit import ids
from core.store.tables import customers, one_time_codes, pin_tries

# How many codes one asker, and all who name one number, may have in how long, and how many wrong
# tries end one. Who asks is bounded first, so that nobody's own codes are used up by strangers.
_CODES_MAX = 3
_CODES_OF_NUMBER_MAX = 9
_CODES_WITHIN = dt.timedelta(minutes=30)
_CODE_TRIES_MAX = 3


async def lock(connection: AsyncConnection, customer: Customer) -> None:
    await connection.execute(
        select(customers.c.id).where(customers.c.id == customer.id).with_for_update(key_share=True)
    )


async def pin(connection: AsyncConnection, customer: Customer) -> PinState:
    row = (
        await connection.execute(
            select(
                customers.c.pin_hash,
                customers.c.pin_tries,
                customers.c.pin_locks,
                customers.c.pin_locked_until,
            ).where(customers.c.id == customer.id)
        )
    ).one()
    return PinState(row.pin_hash, row.pin_tries, row.pin_locks, row.pin_locked_until)


async def take_try(
    connection: AsyncConnection,
    customer: Customer,
    key: str,
    *,
    tries_max: int,
    lock_s: Sequence[int],
    at: dt.datetime,
) -> PinState:
    """Count one try, once per `key`, and answer how things stand with it.

    The try that uses up the last one sets the lock already and may still be compared: its `tries`
    is `tries_max`. A try while locked answers more than that and must not be.
    """
    await lock(connection, customer)
    now = await pin(connection, customer)
    earlier = (
        await connection.execute(
            select(pin_tries.c.tries, pin_tries.c.locks, pin_tries.c.locked_until).where(
                pin_tries.c.customer_id == customer.id, pin_tries.c.key == key
            )
        )
    ).one_or_none()
    if earlier is not None:
        return PinState(now.hash, earlier.tries, earlier.locks, earlier.locked_until)
    counted = _count(now, tries_max, lock_s, at)
    if counted.tries <= tries_max:
        await connection.execute(
            update(customers)
            .where(customers.c.id == customer.id)
            .values(
                pin_tries=counted.tries,
                pin_locks=counted.locks,
                pin_locked_until=counted.locked_until,
            )
        )
    await connection.execute(
        pin_tries.insert().values(
            tenant_id=customer.tenant_id,
            customer_id=customer.id,
            key=key,
            tries=counted.tries,
            locks=counted.locks,
            locked_until=counted.locked_until,
            at=at,
        )
    )
    return counted


def _count(state: PinState, tries_max: int, lock_s: Sequence[int], at: dt.datetime) -> PinState:
    if state.locked_until is not None and state.locked_until > at:
        return PinState(state.hash, tries_max + 1, state.locks, state.locked_until)
    tries = 1 if state.tries >= tries_max else state.tries + 1
    if tries < tries_max:
        return PinState(state.hash, tries, state.locks, None)
    wait_s = lock_s[min(state.locks, len(lock_s) - 1)]
    return PinState(state.hash, tries, state.locks + 1, at + dt.timedelta(seconds=wait_s))


async def clear_tries(connection: AsyncConnection, customer: Customer) -> None:
    await connection.execute(
        update(customers)
        .where(customers.c.id == customer.id)
        .values(pin_tries=0, pin_locks=0, pin_locked_until=None)
    )
    await connection.execute(delete(pin_tries).where(pin_tries.c.customer_id == customer.id))


async def set_pin(
    connection: AsyncConnection,
    customer: Customer,
    pin_hash: str,
    at: dt.datetime,
    *,
    first: bool,
) -> bool:
    """Set it; with `first`, only where there is none and not this very one."""
    await lock(connection, customer)
    if first and (await pin(connection, customer)).hash not in (None, pin_hash):
        return False
    await clear_tries(connection, customer)
    await connection.execute(
        update(customers)
        .where(customers.c.id == customer.id)
        .values(pin_hash=pin_hash, pin_set_at=at)
    )
    return True


async def make_code(
    connection: AsyncConnection,
    customer: Customer,
    purpose: str,
    code_hash: str,
    expires_at: dt.datetime,
    at: dt.datetime,
    asked_by: str,
) -> CodeAsked:
    await lock(connection, customer)
    named = (one_time_codes.c.customer_id == customer.id) & (one_time_codes.c.purpose == purpose)
    mine = named & (one_time_codes.c.asked_by == asked_by)
    good = one_time_codes.c.ended_at.is_(None) & (one_time_codes.c.expires_at > at)
    same = select(good).where(mine, one_time_codes.c.code_hash == code_hash)
    known = (await connection.scalars(same)).all()
    if known:
        return CodeAsked.KNOWN if any(known) else CodeAsked.OVER
    for whose, most in ((mine, _CODES_MAX), (named, _CODES_OF_NUMBER_MAX)):
        lately = select(func.count()).where(whose, one_time_codes.c.created_at > at - _CODES_WITHIN)
        if (await connection.scalar(lately) or 0) >= most:
            return CodeAsked.TOO_MANY
    await connection.execute(update(one_time_codes).where(mine, good).values(ended_at=at))
    await connection.execute(
        one_time_codes.insert().values(
            id=ids.uuid7(),
            tenant_id=customer.tenant_id,
            customer_id=customer.id,
            purpose=purpose,
            asked_by=asked_by,
            code_hash=code_hash,
            tries=0,
            expires_at=expires_at,
            created_at=at,
        )
    )
    return CodeAsked.NEW


async def use_code(
    connection: AsyncConnection,
    customer: Customer,
    purpose: str,
    code_hash: str,
    at: dt.datetime,
    asked_by: str,
) -> bool:
    """Compare with the code of who asked; what others type, they type against their own."""
    await lock(connection, customer)
    latest = (
        await connection.execute(
            select(one_time_codes.c.id, one_time_codes.c.code_hash, one_time_codes.c.tries)
            .where(
                one_time_codes.c.customer_id == customer.id,
                one_time_codes.c.purpose == purpose,
                one_time_codes.c.asked_by == asked_by,
                one_time_codes.c.ended_at.is_(None),
                one_time_codes.c.expires_at > at,
            )
            .order_by(one_time_codes.c.created_at.desc())
            .limit(1)
        )
    ).one_or_none()
    if latest is None:
        return False
    right = bool(latest.code_hash == code_hash)
    tries = latest.tries + 1
    ended = right or tries >= _CODE_TRIES_MAX
    await connection.execute(
        update(one_time_codes)
        .where(one_time_codes.c.id == latest.id)
        .values(tries=tries, ended_at=at if ended else None)
    )
    return right
