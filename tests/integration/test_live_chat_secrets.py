"""What a customer types to operators by mistake, and how they hear what became of the rest."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.demo import TENANT
from core.domain.chat import Doing
from core.domain.hotspot import Router, RouterStatus
from core.domain.routers import RouterAccess
from core.kit import ids
from core.kit.clock import SetClock
from core.ports import Event
from core.services.voucher_batches import BatchOrder
from core.store.embedded import ServiceUrls
from tests.fakes.chat import House, Person, open_house
from tests.integration.test_live_chat import MORNING, asked_for, said_in


@pytest.fixture
async def house(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(MORNING)) as opened:
        yield opened


@pytest.fixture
async def ada(house: House) -> Person:
    return await house.person("2348031234567", naira=1000)


async def a_code(house: House) -> str:
    """A voucher of this tenant."""
    hotspots, now = house.core.hotspots, house.clock.now()
    router = Router(
        id=ids.uuid7(),
        tenant_id=TENANT.id,
        name="Gate",
        access=RouterAccess("127.0.0.1", "callbox", "secret", port=1),
        status=RouterStatus.ONLINE,
    )
    assert await hotspots.routers.add(router, Event("gate", "router.added", "test", {}), now)
    order = BatchOrder(1, "1GB-DAILY", router.id)
    made = await hotspots.batch_desk.generate(TENANT, order, key="batch", actor="test")
    for batch in await hotspots.batches.due(5, 60):
        await hotspots.batch_desk.fill(batch)
    [voucher] = await hotspots.batches.codes(TENANT.id, made.id, 0, 1)
    assert voucher.code is not None
    return voucher.code


async def test_a_voucher_code_is_shown_as_lists_show_it_and_a_reference_whole(
    house: House, ada: Person
) -> None:
    code = await a_code(house)
    reference, masked = ids.speakable(10), f"{code[:5]}*****"
    await asked_for(ada)
    for text in (
        f"My code {code} does not work, I paid with {reference}",
        f"{code[:5].lower()}-{code[5:].lower()} and again {code[:5]} {code[5:]}!",
    ):
        await ada.says(text)

    assert [text for _, text in await said_in(ada)] == [
        f"My code {masked} does not work, I paid with {reference}",
        f"{masked} and again {masked}!",
    ]


REST = "What else you wrote reached us"
SLIP = "my pin is 6194, where is my airtime?"


@pytest.mark.parametrize(
    ("deleted", "begins"), [(True, "We deleted your message"), (False, "There is a PIN")]
)
async def test_who_wrote_a_pin_to_operators_hears_that_the_rest_of_it_reached_them(
    house: House, ada: Person, begins: str, *, deleted: bool
) -> None:
    house.notebook.can_unsay = deleted
    await asked_for(ada)
    await ada.says(SLIP)

    assert await said_in(ada) == [("customer", "my pin is ****, where is my airtime?")]
    [(_, words)] = house.notebook.told
    assert words.startswith(begins)
    assert REST in words


async def test_what_reached_nobody_is_not_said_to(house: House, ada: Person) -> None:
    await ada.says(SLIP)  # to the menus
    await asked_for(ada)
    await ada.sends(*(ada.message(Doing.TEXT, f"and {number}") for number in range(60)))
    await house.work()
    await ada.says(SLIP)  # beyond the bound

    warned = [words for _, words in house.notebook.told if "never" in words.lower()]
    assert len(warned) == 2
    assert not [words for words in warned if REST in words]
