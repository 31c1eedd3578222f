"""A number that somebody proves to have, and that somebody else seems to use."""

import pytest

from cli.demo import TENANT
from core.domain.linking import Linked, Proof, Wish
from core.engine.outcomes import Failed, Pending
from core.kit.msisdn import Msisdn, local
from core.ports import Paging
from core.ports.desk import CaseQuery
from core.services.linking import TakenMeanwhile
from tests.conversations.test_the_door import code_to, known, stranger
from tests.fakes.paths import answering, giving
from tests.fakes.talkers import ByTelegram, ByWhatsApp
from tests.fakes.telegram import TelegramPhone
from tests.fakes.whatsapp import WhatsAppPhone
from tests.fakes.world import PIN, WRONG_PIN, World


async def linked_to(world: World, msisdn: str, kind: str, name: str) -> None:
    core = world.main.core
    customer = await world.customer(msisdn)
    wish = Wish(kind, name, Proof.CHANNEL)
    linked = await core.identities._identities.link(customer, wish, core.clock.now())
    assert isinstance(linked, Linked)


async def names_of(world: World, msisdn: str, kind: str) -> list[str]:
    found = await world.main.core.identities.of(await world.customer(msisdn))
    return [each.name for each in found if each.kind == kind]


async def in_use(world: World, *, pin: bool = True) -> tuple[str, WhatsAppPhone]:
    """A number that another WhatsApp account uses, and who has just proven that they have it."""
    msisdn = await known(world, 900, pin=pin)
    await linked_to(world, msisdn, "whatsapp", "NG.another" + msisdn)
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(msisdn)))
    await phone.say(await code_to(world, msisdn))
    return msisdn, phone


async def test_the_pin_lets_in_and_the_other_account_makes_way(world: World) -> None:
    """A SIM card that was issued again opens nobody's wallet."""
    msisdn, phone = await in_use(world)
    phone.sees("show that", "PIN")
    await phone.press("Enter PIN")
    await ByWhatsApp(phone, world.main.url).gives_pin(WRONG_PIN, PIN)

    phone.sees("Callbox. What would you like?")
    await phone.say("/balance")
    phone.sees("N900")
    assert "NG.another" + msisdn not in await names_of(world, msisdn, "whatsapp")
    caller = await world.caller(pin=False)
    caller.msisdn = msisdn
    await caller.sms("Another WhatsApp account was linked")


async def test_the_one_who_made_way_is_told_and_a_stranger_again(world: World) -> None:
    msisdn = await known(world, 300)
    first, second = TelegramPhone(world.control), TelegramPhone(world.control)
    await first.start()
    await first.share_contact(msisdn)
    first.sees("What would you like?")
    await second.start()
    await second.share_contact(msisdn)
    second.sees("show that")
    await second.press("Enter PIN")
    await ByTelegram(second, world.main.url).gives_pin(PIN)

    second.sees("What would you like?")
    await first.shown("not linked any more")
    await first.say("/balance")
    first.sees("What is your phone number?")


async def test_before_the_pin_nothing_is_shown_of_whose_number_it_is(world: World) -> None:
    _, phone = await in_use(world)
    shown = [str(each["text"]) for each in await phone.messages()]
    for words in ("/balance", "/menu", "00", "wallet"):
        await phone.say(words)
        shown.append(phone.screen)

    assert not [text for text in shown if "900" in text.replace("9000", "")]


async def test_wrong_pins_lock_as_they_do_anywhere(world: World) -> None:
    msisdn, phone = await in_use(world)
    await phone.press("Enter PIN")
    await ByWhatsApp(phone, world.main.url).gives_pin(WRONG_PIN, "1379", WRONG_PIN)

    phone.sees("Too many wrong PINs")
    core = world.main.core
    state = await core.customers.pin(await world.customer(msisdn))
    assert state.locked_until is not None


async def test_a_forgotten_pin_is_for_a_person_and_no_sms(world: World) -> None:
    """Neither here nor, for some days, where it is dialled from the number."""
    msisdn, phone = await in_use(world)
    before = len(await world.outside.messages(msisdn))
    await phone.press("I do not know it")
    phone.sees("A person must look at it")
    await phone.press("Yes")

    phone.sees("We will look at it")
    [case] = [
        each
        for each in await world.main.core.cases.listed(TENANT.id, CaseQuery(), Paging(100))
        if each.subject == f"customer/{(await world.customer(msisdn)).id}"
    ]
    assert (case.kind, msisdn in str(case.facts)) == ("number_changed_hands", False)
    caller = await world.caller(pin=False)
    caller.msisdn = msisdn
    await caller.dial("8")
    await caller.enter("3", "2", "1")
    caller.sees("no code is sent for a few days")
    assert len(await world.outside.messages(msisdn)) == before


async def test_without_a_pin_a_person_must_look(world: World) -> None:
    _, phone = await in_use(world, pin=False)
    phone.sees("may be in use by somebody else")

    await phone.press("No")

    phone.sees("What is your phone number?")


async def test_a_code_is_weaker_than_what_the_network_said(world: World) -> None:
    """Codes are talked out of people: where there is a PIN, it is asked for as well."""
    msisdn = await known(world, 700)
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(msisdn)))
    await phone.say(await code_to(world, msisdn))

    phone.sees("show that")
    await phone.press("Enter PIN")
    await ByWhatsApp(phone, world.main.url).gives_pin(PIN)
    await phone.say("/balance")
    phone.sees("N700")


@pytest.mark.parametrize("node", ["pin", "pin_again"])
@pytest.mark.parametrize(
    ("exit_", "words"),
    [
        ("locked", "Too many wrong PINs"),
        ("unset", "may be in use by somebody else"),
        ("right", "What would you like?"),
        ("wrong", "not right"),
    ],
)
async def test_every_answer_to_the_pin(world: World, node: str, exit_: str, words: str) -> None:
    _, phone = await in_use(world)
    await phone.press("Enter PIN")
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


@pytest.mark.parametrize("standing", ["free", "taken", "held"])
@pytest.mark.parametrize("how", ["vouched", "coded"])
async def test_every_standing_of_a_number(world: World, how: str, standing: str) -> None:
    msisdn = world.number()
    phone = stranger(world)
    await phone.say("hello")
    words = {"free": "What would you like?", "taken": "show that", "held": "A person must look"}
    with world.paths.instead_of("link", how, answering(standing, proof="code")):
        if how == "vouched":
            await phone.share_number(msisdn)
        else:
            await phone.say(local(Msisdn(msisdn)))
            with world.paths.instead_of("link", "code", answering("right")):
                await phone.say("123456")

    phone.sees(words[standing])


async def test_the_second_try_may_be_the_right_code(world: World) -> None:
    phone = stranger(world)
    await phone.say("hello")
    await phone.say(local(Msisdn(world.number())))
    with (
        world.paths.instead_of("link", "code", answering("wrong", wrong_codes=1)),
        world.paths.instead_of("link", "code_again", answering("right")),
    ):
        await phone.say("000000")
        await phone.say("123456")

    phone.sees("What would you like?")


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (TakenMeanwhile(), "may be in use by somebody else"),
        (Failed(), "did not work"),
        (Pending(), "did not work"),
    ],
)
async def test_a_number_that_cannot_be_taken_over(
    world: World, outcome: object, words: str
) -> None:
    _, phone = await in_use(world)
    await phone.press("Enter PIN")
    with world.paths.instead_of("link", "take_over", giving(outcome)):
        await ByWhatsApp(phone, world.main.url).gives_pin(PIN)

    phone.sees(words)


@pytest.mark.parametrize("outcome", [Failed(), Pending()])
async def test_help_that_cannot_be_asked_for(world: World, outcome: object) -> None:
    _, phone = await in_use(world, pin=False)
    with world.paths.instead_of("link", "help", giving(outcome)):
        await phone.press("Yes")

    phone.sees("did not work")


async def test_a_number_that_was_given_free_is_a_new_customers(world: World) -> None:
    """Nobody inherits money: not by dialling, nor by chat."""
    msisdn = await known(world, 800)
    old = await world.customer(msisdn)
    phone = WhatsAppPhone(world.control, msisdn)
    await phone.say("/balance")
    phone.sees("N800")
    core = world.main.core

    await core.identities.release(old, reason="the network gave the number away", actor="test")

    await phone.say("1")
    phone.sees("What would you like?")
    await phone.say("/balance")
    phone.sees("N0")
    caller = await world.caller(pin=False)
    caller.msisdn = msisdn
    await caller.dial()
    await caller.enter("2", "1")
    caller.sees("N0")
    new = await world.customer(msisdn)
    assert (new.id != old.id, new.pin_set) == (True, False)
    assert (await core.customers.get(old.tenant_id, old.id)).released


async def test_a_talk_that_was_open_ends_when_the_number_is_given_free(world: World) -> None:
    """Somebody stands before the PIN of a purchase: it buys nothing."""
    caller = await world.caller(500)
    await caller.dial("1*100")
    await caller.enter("1")
    caller.sees("PIN")
    old = await caller.customer()

    await world.main.core.identities.release(old, reason="given away", actor="test")
    await caller.enter(PIN)

    assert "airtime is on" not in caller.screen
    assert await world.delivered(caller.msisdn) == []
    assert (await caller.customer()).id != old.id
    assert await caller.money() == (0, 0)
