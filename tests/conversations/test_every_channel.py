"""One script, read to customers on every channel: what can be done on one can be done on all."""

from collections.abc import Awaitable, Callable

import pytest

from cli.demo import TENANT
from core.domain.ledger import AccountKey, AccountType
from tests.fakes.phone import Phone
from tests.fakes.talkers import ByUssd, ByWhatsApp, Talker
from tests.fakes.whatsapp import WhatsAppPhone
from tests.fakes.world import PIN, PIN_HASH, World

Coming = Callable[[World, int], Awaitable[tuple[Talker, str]]]


async def by_ussd(world: World, naira: int) -> tuple[Talker, str]:
    caller = await world.caller(naira)
    return ByUssd(Phone(world.main.http, caller.msisdn)), caller.msisdn


async def by_whatsapp(world: World, naira: int) -> tuple[Talker, str]:
    msisdn = world.number()
    customer = await world.customer(msisdn)
    if naira:
        await world.give(customer, naira)
    core = world.main.core
    await core.customers.set_pin(customer, PIN_HASH, core.clock.now())
    return ByWhatsApp(WhatsAppPhone(world.control, msisdn), world.main.url), msisdn


CHANNELS = [pytest.param(by_ussd, id="ussd"), pytest.param(by_whatsapp, id="whatsapp")]


def sees(talker: Talker, *words: str) -> None:
    for word in words:
        assert word in talker.screen, f"{word!r} is not on {talker.screen!r}"


@pytest.mark.parametrize("coming", CHANNELS)
async def test_airtime_for_oneself(world: World, coming: Coming) -> None:
    talker, msisdn = await coming(world, 1000)

    await talker.begins()
    await talker.answers("1", "1", "500")
    sees(talker, "You pay N500")
    await talker.answers("1")
    await talker.gives_pin(PIN)

    sees(talker, "Done.")
    assert await world.delivered(msisdn) == ["500.00"]
    balance = await world.main.core.ledger.balance(_wallet_of((await world.customer(msisdn)).id))
    assert balance.available_minor == 500_00


@pytest.mark.parametrize("coming", CHANNELS)
async def test_a_wrong_pin_and_then_the_right_one(world: World, coming: Coming) -> None:
    talker, msisdn = await coming(world, 1000)

    await talker.begins()
    await talker.answers("1", "1", "200", "1")
    await talker.gives_pin("4027", PIN)

    sees(talker, "Done.")
    assert await world.delivered(msisdn) == ["200.00"]


@pytest.mark.parametrize("coming", CHANNELS)
async def test_airtime_for_somebody_else_on_another_network(world: World, coming: Coming) -> None:
    talker, _ = await coming(world, 1000)
    friend = world.number("234805")

    await talker.begins()
    await talker.answers("1", "2", "0" + friend[3:], "300", "2", "1", "1")
    await talker.gives_pin(PIN)

    sees(talker, "Done.")
    assert await world.delivered(friend) == ["300.00"]


@pytest.mark.parametrize("coming", CHANNELS)
async def test_the_wallet(world: World, coming: Coming) -> None:
    talker, _ = await coming(world, 1250)

    await talker.begins()
    await talker.answers("2", "1")
    sees(talker, "N1,250")
    await talker.answers("0", "3")
    sees(talker, "transactions")


@pytest.mark.parametrize("coming", CHANNELS)
async def test_a_new_pin(world: World, coming: Coming) -> None:
    talker, _ = await coming(world, 0)

    await talker.begins()
    await talker.answers("3", "1")
    await talker.gives_pin(PIN, "9573", "9573")

    sees(talker, "PIN is set")


@pytest.mark.parametrize("coming", CHANNELS)
async def test_help_and_a_call(world: World, coming: Coming) -> None:
    talker, _ = await coming(world, 0)

    await talker.begins()
    await talker.answers("4", "2", "1")

    sees(talker, "call")


@pytest.mark.parametrize("coming", CHANNELS)
async def test_funding_by_a_link(world: World, coming: Coming) -> None:
    talker, _ = await coming(world, 0)

    await talker.begins()
    await talker.answers("2", "2", "1000", "1")

    sees(talker, "SMS")


def _wallet_of(customer_id: object) -> AccountKey:
    return AccountKey(TENANT.id, AccountType.WALLET, str(customer_id), TENANT.currency)
