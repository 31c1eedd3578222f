"""One promise, two keepers of vouchers: a router's own users, and FreeRADIUS."""

import dataclasses
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from core.domain.hotspot import HOUR_S, MIB, Terms
from core.domain.vouchers import Usage
from core.kit import ids
from core.ports.hotspot import Done, Refusal, Refused
from core.ports.voucher_backend import VoucherBackend
from core.providers.hotspot.freeradius import FreeRadius
from core.services.router_vouchers import RouterVouchers
from sandbox.routeros import hotspot as play
from sandbox.routeros.hotspot import Device, NotLetIn
from tests.fakes.hotspot import hotspot
from tests.fakes.radius import Radius, sold
from tests.fakes.routers import router


@dataclass(frozen=True)
class House:
    """A keeper, and a phone in front of it.

    Attributes:
        let_in: Whether a code is let in; it goes away again at once.
        spend: A session in which so much is used.
    """

    backend: VoucherBackend
    let_in: Callable[[str], Awaitable[bool]]
    spend: Callable[[str, int], Awaitable[None]]


@pytest.fixture
async def behind_a_router() -> AsyncIterator[House]:
    async with router() as one, hotspot(one) as adapter:

        async def let_in(code: str) -> bool:
            try:
                play.log_in(one.box, Device("02:00:00:00:00:01", code))
            except NotLetIn:
                return False
            play.log_out(one.box, code)
            return True

        async def spend(code: str, count: int) -> None:
            play.log_in(one.box, Device("02:00:00:00:00:01", code))
            play.use(one.box, code, bytes_out=count)
            play.log_out(one.box, code)

        yield House(RouterVouchers(adapter, "hotspot1"), let_in, spend)


@pytest.fixture
async def behind_radius(server: Radius, keeper: FreeRadius) -> House:
    async def let_in(code: str) -> bool:
        return (await server.login(code)).accepted

    async def spend(code: str, count: int) -> None:
        session = ids.uuid7().hex
        await server.account(code, session, "Start")
        await server.account(code, session, "Stop", Acct_Output_Octets=count)

    return House(keeper, let_in, spend)


@pytest.fixture(params=["behind_a_router", pytest.param("behind_radius", marks=pytest.mark.radius)])
def house(request: pytest.FixtureRequest) -> House:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, House)
    return found


async def test_a_voucher_lives_its_life(house: House) -> None:
    login = sold(Terms(100 * MIB, HOUR_S))
    seen = [await house.let_in(login.code)]

    for order in (
        house.backend.put,
        house.backend.disable,
        house.backend.put,
        house.backend.remove,
    ):
        assert await order(login) == Done(None)
        assert await order(login) == Done(None)  # safe to repeat
        seen.append(await house.let_in(login.code))

    assert seen == [False, True, False, True, False]


async def test_what_was_used_is_told_and_counts(house: House) -> None:
    login, idle, unknown = (sold(Terms(100 * MIB)) for _ in range(3))
    for each in (login, idle):
        assert await house.backend.put(each) == Done(None)

    await house.spend(login.code, 60 * MIB)
    some = await house.backend.usage([login, idle, unknown])
    assert await house.let_in(login.code)
    await house.spend(login.code, 40 * MIB)

    assert isinstance(some, Done)
    counted = {voucher: use.used.data_bytes for voucher, use in some.value.items()}
    assert counted == {login.voucher_id: 60 * MIB, idle.voucher_id: 0}
    assert not await house.let_in(login.code)


async def test_with_nothing_left_it_is_not_let_in(house: House) -> None:
    login = sold(Terms(100 * MIB), base=Usage(data_bytes=100 * MIB))

    assert await house.backend.put(login) == Done(None)

    assert not await house.let_in(login.code)


async def test_somebody_elses_login_of_that_name_is_left_alone(house: House) -> None:
    login = sold(Terms(100 * MIB))
    assert await house.backend.put(login) == Done(None)
    other = dataclasses.replace(login, voucher_id=ids.uuid7())

    refused = Refused(Refusal.FOREIGN)
    assert await house.backend.put(other) == refused
    assert await house.backend.disable(other) == refused
    assert await house.backend.remove(other) == Done(None)
    assert await house.backend.usage([other]) == Done({})
    assert await house.let_in(login.code)
