"""Operators hear of somebody who tries PINs or codes, and of nobody who mistypes now and then."""

import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.demo import TENANT
from core.domain.customers import Customer
from core.kit.clock import SetClock
from core.ports import Paging
from core.ports.health import AlertRecord
from core.services.pins import PinCheck, Pins
from core.services.suspicions import SuspicionRules, Suspicions
from core.store.embedded import ServiceUrls
from tests.fakes.chat import PIN, House, open_house

NOON = dt.datetime(2026, 3, 2, 12, 0, tzinfo=dt.UTC)
WRONG = ("1111", "2222", "3333")


@pytest.fixture
async def house(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(NOON)) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> Customer:
    return (await house.person("2348031234567")).customer


def pins_of(house: House) -> Pins:
    return house.core.conversations._desk.pins


async def alerts(house: House, status: str = "open") -> list[AlertRecord]:
    found = await house.core.alerts.listed(TENANT.id, status, Paging(10))  # type: ignore[arg-type]
    return [each for each in found if each.kind.value == "suspicious"]


async def locked(house: House, ada: Customer, name: str) -> None:
    """Three wrong PINs, the last of them handed in twice."""
    pins = pins_of(house)
    for number, pin in enumerate(WRONG):
        await pins.check(ada, pin, f"{name} {number}")
    again = await pins.check(ada, WRONG[-1], f"{name} 2")
    assert again.result is PinCheck.LOCKED


async def test_a_pin_that_is_locked_twice_within_a_day_is_told(house: House, ada: Customer) -> None:
    await locked(house, ada, "first")
    assert await alerts(house) == []

    house.clock.advance(16 * 60)
    await locked(house, ada, "second")

    [alert] = await alerts(house)
    assert alert.subject == "234803****567: PIN locked 2 times within a day"
    assert alert.facts == {"number": "234803****567", "times": 2}
    assert ada.msisdn not in str(alert)
    house.clock.advance(3600)
    assert (await pins_of(house).check(ada, PIN, "right")).result is PinCheck.RIGHT


async def test_codes_that_are_refused_too_often_are_told(house: House, ada: Customer) -> None:
    pins = pins_of(house)
    for number in range(6):
        assert not await pins.use_code(ada, "pin_reset", f"{number:06}")
    assert await alerts(house) == []

    await pins.use_code(ada, "pin_reset", "999999")

    [alert] = await alerts(house)
    assert alert.subject == "234803****567: 7 one-time codes refused within a day"


async def test_a_suspicion_stands_for_a_day(house: House, ada: Customer) -> None:
    for number in range(8):
        await pins_of(house).use_code(ada, "pin_reset", f"{number:06}")
    [review] = [pump for pump in house.core.pumps if pump.name == "review"]

    async def reviewed() -> None:
        for each in await review.lease(10):
            await review.handle(each)

    house.clock.advance(86_000)
    await reviewed()
    assert len(await alerts(house)) == 1
    house.clock.advance(500)
    await reviewed()
    assert (len(await alerts(house)), len(await alerts(house, "closed"))) == (0, 1)


async def test_a_customer_notices_nothing_when_nobody_can_count(
    house: House, ada: Customer
) -> None:
    class Broken:
        async def count(self, what: str, whose: str, within_s: int) -> int:
            raise ConnectionError("Redis is away")

    suspicions = Suspicions(Broken(), house.core.alerts, SuspicionRules())
    pins = pins_of(house)
    pins._suspicions = suspicions

    assert not await pins.use_code(ada, "pin_reset", "123456")
    await locked(house, ada, "first")
    assert await alerts(house) == []
