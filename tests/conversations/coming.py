"""People with a PIN, and money if they are given some, who come by each channel."""

from collections.abc import Awaitable, Callable

import pytest

from tests.conversations import test_every_channel as every_channel
from tests.conversations.test_every_channel import Meeting
from tests.fakes.talkers import Talker
from tests.fakes.world import PIN_HASH, World

Coming = Callable[[World, int], Awaitable[tuple[Talker, str]]]
"""From naira to who came, and their number."""


def _coming(meeting: Meeting) -> Coming:
    async def come(world: World, naira: int) -> tuple[Talker, str]:
        msisdn = world.number()
        customer = await world.customer(msisdn)
        if naira:
            await world.give(customer, naira)
        core = world.main.core
        await core.customers.set_pin(customer, PIN_HASH, core.clock.now())
        return await meeting(world, msisdn), msisdn

    return come


by_ussd = _coming(every_channel.by_ussd)
by_telegram = _coming(every_channel.by_telegram)
by_whatsapp = _coming(every_channel.by_whatsapp)

CHANNELS = [
    pytest.param(by_ussd, id="ussd"),
    pytest.param(by_telegram, id="telegram"),
    pytest.param(by_whatsapp, id="whatsapp"),
]


def sees(talker: Talker, *words: str) -> None:
    for word in words:
        assert word in talker.screen, f"{word!r} is not on {talker.screen!r}"
