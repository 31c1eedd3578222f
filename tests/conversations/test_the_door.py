"""A stranger in a chat: asked for a number, sent a code, and let in once it is proven."""

import re

import pytest

from core.engine.outcomes import Failed, Pending
from core.kit import ids
from core.kit.msisdn import Msisdn, local
from core.services.linking import TakenMeanwhile
from core.services.pins import TooManyCodes
from tests.fakes.paths import answering, giving
from tests.fakes.talkers import ByWhatsApp
from tests.fakes.whatsapp import WhatsAppPhone
from tests.fakes.world import PIN, PIN_HASH, WRONG_PIN, World


def stranger(world: World) -> WhatsAppPhone:
    """Somebody who shows no number."""
    return WhatsAppPhone(world.control, "@s" + ids.uuid7().hex[-12:])


async def code_to(world: World, msisdn: str) -> str:
    caller = await world.caller(pin=False)
    caller.msisdn = msisdn
    return await world.code_of(await caller.sms("code to link"))


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
    msisdn = await known(world, 1250)
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


async def test_three_wrong_codes_end_one(world: World) -> None:
    msisdn = await known(world, 0)
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(msisdn)))
    code = await code_to(world, msisdn)

    for wrong in ("000000", "111111", "222222"):
        await phone.say(wrong)
    phone.sees("Three wrong codes")
    await phone.say("hello")
    phone.sees("What is your phone number?")
    with world.paths.instead_of("link", "code", answering("locked")):
        await phone.say(local(Msisdn(msisdn)))
        await phone.say(code)
    phone.sees("Three wrong codes")


async def _in_use(world: World, *, pin: bool = True) -> tuple[str, WhatsAppPhone]:
    """A number that another WhatsApp account uses, and who has just proven that they have it."""
    msisdn = await known(world, 900, pin=pin)
    channel = await world.main.core.channels.find("whatsapp", "demo")
    assert channel is not None
    customer = await world.customer(msisdn)
    assert await world.main.core.customers.link(channel, "NG.another" + msisdn, customer)
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(msisdn)))
    await phone.say(await code_to(world, msisdn))
    return msisdn, phone


async def test_a_number_in_use_elsewhere_wants_its_pin(world: World) -> None:
    """A SIM card that was issued again opens nobody's wallet."""
    _, phone = await _in_use(world)
    phone.sees("in use from another account")
    await ByWhatsApp(phone, world.main.url).gives_pin(WRONG_PIN, PIN)

    phone.sees("Callbox. What would you like?")
    await phone.say("/balance")
    phone.sees("N900")


async def test_without_the_pin_a_person_must_help(world: World) -> None:
    _, phone = await _in_use(world)
    await ByWhatsApp(phone, world.main.url).gives_pin(WRONG_PIN, "1379", WRONG_PIN)

    phone.sees("Too many wrong PINs")


async def test_a_number_in_use_without_a_pin_is_held(world: World) -> None:
    _, phone = await _in_use(world, pin=False)

    phone.sees("in use from another account", "Help")


@pytest.mark.parametrize("node", ["pin", "pin_again"])
@pytest.mark.parametrize(
    ("exit_", "words"),
    [
        ("locked", "Too many wrong PINs"),
        ("unset", "in use from another account"),
        ("right", "What would you like?"),
        ("wrong", "not right"),
    ],
)
async def test_every_answer_to_the_pin(world: World, node: str, exit_: str, words: str) -> None:
    _, phone = await _in_use(world)
    talker = ByWhatsApp(phone, world.main.url)
    instead = world.paths.instead_of
    pins = (PIN, PIN) if node == "pin_again" else (PIN,)
    with (
        instead("link", "pin", answering("wrong" if node == "pin_again" else exit_)),
        instead("link", "pin_again", answering(exit_)),
    ):
        if exit_ == "wrong":
            await talker.posts(*pins)
            await phone.shown(words)
        else:
            await talker.gives_pin(*pins)

    phone.sees(words)


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
        (TakenMeanwhile(), "in use from another account"),
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
    msisdn = await known(world, 0)
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(msisdn)))
    await phone.say(await code_to(world, msisdn))
    phone.sees("What would you like?")

    assert [each for each in await phone.messages() if "delete" in each["text"]] == []
