"""What a customer types to operators by mistake, and how they hear what became of the rest."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.domain.hotspot import Router, RouterStatus
from core.domain.routers import RouterAccess
from core.kit import ids
from core.kit.clock import SetClock
from core.ports import Event
from core.services.voucher_batches import BatchOrder
from core.store.embedded import ServiceUrls
from tests.fakes.chat import House, Person, open_house
from tests.integration.test_live_chat import MORNING, TENANT, asked_for, said_in


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
