"""My account: what is linked to it, what is taken off, and a link to one more."""

import re
from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_datetime

from cli import demo
from core.domain.chat import ChatMessage, Doing
from core.engine.outcomes import Failed, Pending
from core.kit.msisdn import Msisdn, local
from tests.conversations.test_a_number_in_use import linked_to, names_of
from tests.conversations.test_the_door import code_to, known
from tests.fakes.paths import answering, giving
from tests.fakes.talkers import ByTelegram, ByWhatsApp
from tests.fakes.telegram import TelegramPhone
from tests.fakes.whatsapp import WhatsAppPhone
from tests.fakes.world import PIN, Caller, World

LINK = re.compile(r"https://t\.me/callbox_demo_bot\?start=([\w-]{24})")


async def on_telegram(world: World, msisdn: str, first_name: str | None = None) -> TelegramPhone:
    phone = TelegramPhone(world.control, first_name=first_name)
    await phone.start()
    await phone.share_contact(msisdn)
    phone.sees("What would you like?")
    return phone


async def the_account(caller: Caller) -> None:
    await caller.menu()
    await caller.choose("My account")


async def token_by_sms(caller: Caller) -> str:
    """Asked for by dialling, with the PIN."""
    await the_account(caller)
    await caller.choose("Link Telegram")
    caller.sees("makes a link for you alone")
    await caller.enter("1", PIN)
    caller.sees("sent you a link by SMS")
    found = LINK.search(await caller.sms("use your Callbox wallet"))
    assert found is not None
    return found.group(1)


def _today(world: World) -> str:
    """As a customer of the demo's tenant reads it."""
    now = world.main.core.clock.now()
    return str(
        format_datetime(now, "d MMM yyyy", tzinfo=ZoneInfo(demo.TENANT.time_zone), locale="en")
    )


async def test_what_is_linked_is_listed_and_removed_with_the_pin(world: World) -> None:
    caller = await world.caller(400)
    phone = await on_telegram(world, caller.msisdn, "Adaeze \U0001f98b")
    await phone.say("/balance")
    phone.sees("N400")

    await the_account(caller)
    await caller.choose("Linked accounts")
    today = _today(world)
    known_by = f"Telegram Adaeze ..{str(phone.user)[-3:]}"
    caller.sees(f"{known_by} {today}")
    assert str(phone.user) not in caller.screen
    await caller.enter("1")
    caller.sees(f"Remove {known_by}, linked {today}?")
    await caller.enter("1", PIN)
    caller.sees("It is removed")

    await phone.say("wallet")
    phone.sees("What is your phone number?")
    assert await names_of(world, caller.msisdn, "telegram") == []


async def test_linked_accounts_can_be_told_apart_in_a_chat(world: World) -> None:
    caller = await world.caller()
    phone = await on_telegram(world, caller.msisdn, "Adaeze \U0001f98b")
    other = WhatsAppPhone(world.control, caller.msisdn)
    await other.say("/account")
    await other.say("1")

    today = _today(world)
    [telegram, whatsapp] = (row for s in other.message["list"]["sections"] for row in s["rows"][:2])
    assert telegram["title"].startswith(f"Telegram Adaeze ..{str(phone.user)[-3:]}")
    assert telegram["description"] == (
        f"Telegram Adaeze \U0001f98b ..{str(phone.user)[-3:]}, linked {today}"
    )
    assert whatsapp["title"].startswith("WhatsApp ")
    assert caller.msisdn[-3:] in whatsapp["description"]


async def test_who_was_removed_cannot_go_on_where_they_were(world: World) -> None:
    """Not even by the page for the PIN that they have open already."""
    caller = await world.caller(500)
    phone = await on_telegram(world, caller.msisdn)
    for words in ("/airtime", "1", "200", "1"):
        await phone.say(words)
    page = f"{world.main.url}/p/" + phone.link.rsplit("/", 1)[1]
    assert (await world.main.http.get(page)).status_code == 200
    await the_account(caller)
    await caller.choose("Linked accounts")
    await caller.enter("1", "1", PIN)

    answers = [
        await world.main.http.post(page, data={"pin": PIN}),
        await world.main.http.get(page),
    ]

    assert [answer.status_code for answer in answers] == [410, 410]
    await phone.say("1")
    phone.sees("What is your phone number?")
    assert await world.delivered(caller.msisdn) == []
    assert await caller.money() == (500, 0)


async def test_one_may_remove_the_very_account_one_writes_from(world: World) -> None:
    caller = await world.caller(250)
    phone = await on_telegram(world, caller.msisdn)
    for words in ("/account", "1", "1", "1"):
        await phone.say(words)
    await ByTelegram(phone, world.main.url).gives_pin(PIN)
    phone.sees("It is removed")

    await phone.say("wallet")

    phone.sees("What is your phone number?")


async def test_who_was_removed_comes_back_with_the_pin_only(world: World) -> None:
    """The channel vouches for the number still: that is not enough any more."""
    msisdn = await known(world, 600)
    phone = WhatsAppPhone(world.control, msisdn)
    await phone.say("/account")
    for words in ("1", "1", "1"):
        await phone.say(words)
    await ByWhatsApp(phone, world.main.url).gives_pin(PIN)
    phone.sees("It is removed")
    await phone.say("hello")
    phone.sees("What is your phone number?")

    await phone.share_number()
    phone.sees("show that")
    await phone.press("Enter PIN")
    await ByWhatsApp(phone, world.main.url).gives_pin(PIN)

    phone.sees("What would you like?")
    await phone.say("/balance")
    phone.sees("N600")


async def test_nothing_is_linked_yet(world: World) -> None:
    caller = await world.caller()

    await the_account(caller)
    await caller.choose("Linked accounts")

    caller.sees("No chat account is linked")


async def test_a_removal_may_be_declined(world: World) -> None:
    caller = await world.caller()
    await linked_to(world, caller.msisdn, "telegram", "55" + caller.msisdn[-6:])

    await the_account(caller)
    await caller.choose("Linked accounts")
    await caller.enter("1", "2")

    caller.sees("My account:")


async def test_a_link_from_the_handset_opens_the_wallet_on_telegram(world: World) -> None:
    caller = await world.caller(900)
    token = await token_by_sms(caller)
    phone = TelegramPhone(world.control)

    await phone.start(token)
    phone.sees("This account is linked now", "What would you like?")
    await phone.say("/balance")
    phone.sees("N900")


async def test_a_link_works_once(world: World) -> None:
    caller = await world.caller(900)
    token = await token_by_sms(caller)
    await TelegramPhone(world.control).start(token)
    thief = TelegramPhone(world.control)

    await thief.start(token)

    thief.sees("used already", "What is your phone number?")


async def test_a_link_that_is_nobodys_leads_to_the_door_or_the_menu(world: World) -> None:
    caller = await world.caller()
    stranger = TelegramPhone(world.control)
    await stranger.start("A" * 24)
    stranger.sees("What is your phone number?")
    phone = await on_telegram(world, caller.msisdn)

    await phone.start("A" * 24)

    phone.sees("We do not know that command or link", "What would you like?")


async def test_a_link_is_for_no_account_of_another_number(world: World) -> None:
    caller, other = await world.caller(900), await world.caller(100)
    token = await token_by_sms(caller)
    phone = await on_telegram(world, other.msisdn)

    await phone.start(token)
    phone.sees("linked to another number")
    await phone.say("/balance")
    phone.sees("N100")
    mine = TelegramPhone(world.control)
    await mine.start(token)
    mine.sees("linked now")


async def test_a_link_is_for_telegram_alone(world: World) -> None:
    caller = await world.caller(900)
    token = await token_by_sms(caller)
    phone = WhatsAppPhone(world.control, caller.msisdn)

    await phone.say(f"/start {token}")

    phone.sees("used already, or is too old")


async def test_on_whatsapp_the_link_is_shown(world: World) -> None:
    msisdn = await known(world, 350)
    phone = WhatsAppPhone(world.control, msisdn)
    for words in ("/account", "2", "1"):
        await phone.say(words)
    await ByWhatsApp(phone, world.main.url).gives_pin(PIN)
    found = LINK.search(phone.screen)
    assert found is not None
    telegram = TelegramPhone(world.control)
    await telegram.start(found.group(1))

    await telegram.say("/balance")

    telegram.sees("N350")


async def test_a_link_may_be_declined(world: World) -> None:
    caller = await world.caller()

    await the_account(caller)
    await caller.choose("Link Telegram")
    await caller.enter("2")

    caller.sees("My account:")


async def test_who_is_on_telegram_needs_no_link_there(world: World) -> None:
    caller = await world.caller()
    phone = await on_telegram(world, caller.msisdn)
    await phone.say("/account")

    await phone.say("2")

    phone.sees("You are on Telegram already")


async def test_a_tenant_without_a_bot_has_no_link_to_offer(world: World) -> None:
    caller = await world.caller()
    await the_account(caller)
    with world.paths.instead_of("account", "bot", answering("none")):
        await caller.choose("Link Telegram")
    caller.sees("not on Telegram yet")

    await the_account(caller)
    await caller.choose("Link Telegram")
    with world.paths.instead_of("account", "make", answering("none")):
        await caller.enter("1", PIN)
    caller.sees("not on Telegram yet")


@pytest.mark.parametrize("outcome", [Failed(), Pending()])
async def test_what_cannot_be_done_is_owned_up_to(world: World, outcome: object) -> None:
    caller = await world.caller()
    await linked_to(world, caller.msisdn, "telegram", "66" + caller.msisdn[-6:])
    await the_account(caller)
    await caller.choose("Linked accounts")
    with world.paths.instead_of("account", "remove", giving(outcome)):
        await caller.enter("1", "1", PIN)
    caller.sees("did not work")

    await the_account(caller)
    await caller.choose("Link Telegram")
    with world.paths.instead_of("account", "make", giving(outcome)):
        await caller.enter("1", PIN)
    caller.sees("did not work")


async def test_what_was_removed_elsewhere_meanwhile_is_removed(world: World) -> None:
    caller = await world.caller()
    await linked_to(world, caller.msisdn, "telegram", "77" + caller.msisdn[-6:])
    await the_account(caller)
    await caller.choose("Linked accounts")
    with world.paths.instead_of("account", "remove", answering("gone")):
        await caller.enter("1", "1", PIN)

    caller.sees("It is removed")


async def test_somebody_known_by_number_keeps_the_wallet_with_a_user_id(world: World) -> None:
    """Both names of one WhatsApp account lead to one customer."""
    msisdn = await known(world, 420)
    await linked_to(world, msisdn, "whatsapp", msisdn)
    phone = WhatsAppPhone(world.control, msisdn)

    await phone.say("/balance")

    phone.sees("N420")
    names = await names_of(world, msisdn, "whatsapp")
    assert (msisdn in names, len(names)) == (True, 2)


async def test_somebody_known_by_user_id_is_the_same_with_a_number(world: World) -> None:
    msisdn = await known(world, 430, pin=False)
    phone = WhatsAppPhone(world.control, "@u" + msisdn[-8:])
    await phone.say("hello")
    await phone.say(local(Msisdn(msisdn)))
    await phone.say(await code_to(world, msisdn))
    [user_id] = await names_of(world, msisdn, "whatsapp")
    core = world.main.core
    channel = await core.channels.find("whatsapp", "demo")
    assert channel is not None
    balance = ChatMessage("wamid.number" + msisdn, user_id, Doing.COMMAND, text="balance")
    told = replace(balance, msisdn=msisdn, own=True, also=msisdn)
    await core.chat_ingest.take(channel, [told])
    await phone.shown("N430")

    assert sorted(await names_of(world, msisdn, "whatsapp")) == sorted([user_id, msisdn])
