"""A stranger in a chat: asked for a number, sent a code, and let in once it is proven."""

import asyncio
import re

import pytest

from core.engine.outcomes import Failed, Pending
from core.kit import ids
from core.kit.msisdn import Msisdn, local
from core.services.linking import TakenMeanwhile
from core.services.pins import TooManyCodes
from tests.fakes.paths import answering, giving
from tests.fakes.telegram import TelegramPhone
from tests.fakes.whatsapp import WhatsAppPhone
from tests.fakes.world import PIN_HASH, World


def stranger(world: World) -> WhatsAppPhone:
    """Somebody who shows no number."""
    return WhatsAppPhone(world.control, "@s" + ids.uuid7().hex[-12:])


async def code_to(world: World, msisdn: str) -> str:
    caller = await world.caller(pin=False)
    caller.msisdn = msisdn
    return await world.code_of(await caller.sms("code to link"))


async def newest_code_to(world: World, msisdn: str, *, not_: str) -> str:
    """The code after that one."""
    while True:
        found = await code_to_any(world, msisdn)
        if found[-1] != not_:
            return found[-1]
        await asyncio.sleep(0.05)


async def code_to_any(world: World, msisdn: str) -> list[str]:
    texts = [str(each["text"]) for each in await world.outside.messages(msisdn)]
    return [await world.code_of(text) for text in texts if "code to link" in text]


async def known(world: World, naira: int, *, pin: bool = True) -> str:
    """A customer by USSD, with money."""
    msisdn = world.number()
    customer = await world.customer(msisdn)
    if naira:
        await world.give(customer, naira)
    if pin:
        core = world.main.core
        await core.customers.set_pin(customer, PIN_HASH, core.clock.now())
    return msisdn


async def test_a_code_by_sms_opens_the_one_wallet_of_the_number(world: World) -> None:
    msisdn = await known(world, 1250, pin=False)
    phone = stranger(world)

    await phone.say("send 500 mtn to 08031234567")
    phone.sees("What is your phone number?")
    await phone.say("nonsense")
    phone.sees("mobile number")
    await phone.say("+447400123456")
    phone.sees("other countries")
    await phone.say(local(Msisdn(msisdn)))
    phone.sees("sent a code")
    await phone.say("000000")
    phone.sees("not right")
    await phone.say("111111")
    phone.sees("not right")
    await phone.say(await code_to(world, msisdn))
    phone.sees("Callbox. What would you like?")
    await phone.say("/balance")

    phone.sees("N1,250")


async def test_a_stranger_comes_no_further_whatever_is_typed(world: World) -> None:
    phone = stranger(world)

    for words in ("hello", "00", "0", "/balance", "/start airtime", "1", "/menu"):
        await phone.say(words)
        phone.sees("phone number")


async def test_a_shared_number_needs_no_code(world: World) -> None:
    msisdn = await known(world, 300)
    phone = stranger(world)

    await phone.say("hello")
    await phone.share_number(msisdn)

    phone.sees("Callbox. What would you like?")
    await phone.say("/balance")
    phone.sees("N300")


async def test_a_card_that_is_not_international_vouches_for_nobody(world: World) -> None:
    """It is asked to be proven as a typed number is, and leads to the one wallet."""
    msisdn = await known(world, 300, pin=False)
    phone = TelegramPhone(world.control)
    await phone.start()
    await phone.share_contact(local(Msisdn(msisdn)))
    phone.sees("code")
    await phone.say(await code_to(world, msisdn))

    phone.sees("Callbox. What would you like?")
    await phone.say("/balance")
    phone.sees("N300")


async def test_three_wrong_codes_end_one(world: World) -> None:
    msisdn = await known(world, 0, pin=False)
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(msisdn)))
    first = await code_to(world, msisdn)
    for wrong in ("000000", "111111", "222222"):
        await phone.say(wrong)
    phone.sees("Three wrong codes")

    await phone.press("Send a new code")
    phone.sees("sent a code")
    await phone.say(first)
    phone.sees("not right")
    await phone.say(await newest_code_to(world, msisdn, not_=first))

    phone.sees("Callbox. What would you like?")


async def test_after_wrong_codes_another_number_may_be_given(world: World) -> None:
    msisdn = await known(world, 0, pin=False)
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(world.number())))
    with world.paths.instead_of("link", "code", answering("locked")):
        await phone.say("000000")
    phone.sees("Three wrong codes")
    await phone.press("Another number")
    await phone.say(local(Msisdn(msisdn)))
    await phone.say(await code_to(world, msisdn))

    phone.sees("Callbox. What would you like?")


async def test_back_from_the_code_another_number_may_be_given(world: World) -> None:
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(world.number())))
    phone.sees("sent a code")

    await phone.say("0")

    phone.sees("What is your phone number?")


async def test_a_code_is_no_use_to_another_stranger(world: World) -> None:
    msisdn = await known(world, 0, pin=False)
    victim, thief = stranger(world), stranger(world)
    await victim.say("hello")
    await victim.say(local(Msisdn(msisdn)))
    code = await code_to(world, msisdn)
    await thief.say("hello")
    await thief.say(local(Msisdn(msisdn)))

    await thief.say(code)

    thief.sees("not right")


async def test_nothing_tells_whether_a_number_is_known(world: World) -> None:
    known_one, new_one = await known(world, 500), world.number()
    seen = []
    for msisdn in (known_one, new_one):
        phone = stranger(world)
        await phone.say("hello")
        await phone.say(local(Msisdn(msisdn)))
        seen.append(phone.screen.replace(local(Msisdn(msisdn)), "N"))

    assert seen[0] == seen[1]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (TooManyCodes(), "several codes"),
        (Failed(), "did not work"),
        (Pending(), "did not work"),
    ],
)
async def test_a_code_that_cannot_be_sent(world: World, outcome: object, words: str) -> None:
    phone = stranger(world)
    await phone.say("hello")
    with world.paths.instead_of("link", "send", giving(outcome)):
        await phone.say("0" + world.number()[3:])

    phone.sees(words)


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (TakenMeanwhile(), "in use by somebody else"),
        (Failed(), "did not work"),
        (Pending(), "did not work"),
    ],
)
async def test_a_link_that_cannot_be_made(world: World, outcome: object, words: str) -> None:
    phone = stranger(world)
    await phone.say("hello")
    with (
        world.paths.instead_of("link", "code", answering("right")),
        world.paths.instead_of("link", "join", giving(outcome)),
    ):
        await phone.say("0" + world.number()[3:])
        await phone.say("123456")

    phone.sees(words)


async def test_codes_are_not_sent_without_end(world: World) -> None:
    """Neither to one number nor for one stranger."""
    phone = stranger(world)
    for _ in range(7):
        await phone.say("hello")
        if not re.search("phone number", phone.screen):
            await phone.say("0")
        await phone.say("0" + world.number()[3:])
        if "several codes" in phone.screen:
            break
        await phone.say("00")

    phone.sees("several codes")


async def test_a_code_for_one_use_may_stay_in_the_chat(world: World) -> None:
    """Nobody is asked to delete what is worth nothing any more."""
    msisdn = await known(world, 0, pin=False)
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(msisdn)))
    await phone.say(await code_to(world, msisdn))
    phone.sees("What would you like?")

    assert [each for each in await phone.messages() if "delete" in each["text"]] == []
