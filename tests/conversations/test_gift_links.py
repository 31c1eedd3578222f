"""Gifts by a link: from a friend's chat, through the door, and to the gift; and passing one on."""

import asyncio
import itertools
import time
from typing import Any

import httpx

from cli.demo import TENANT
from core.domain.gifts import Room
from core.kit.money import Money
from core.services.gift_giving import Giver
from core.services.gift_wishes import GiftWish
from tests.conversations.coming import by_telegram, by_whatsapp, sees
from tests.conversations.test_the_door import code_to, stranger
from tests.fakes.talkers import ByTelegram, ByWhatsApp
from tests.fakes.telegram import TelegramPhone
from tests.fakes.whatsapp import WhatsAppPhone
from tests.fakes.world import PIN, World

_WAIT_S = 8.0


async def given(world: World, naira: int = 1000, shares: int = 2) -> Room:
    """A room of somebody who dialled."""
    caller = await world.caller(naira)
    giver = Giver(TENANT, await caller.customer(), (await world.channel()).id, caller.msisdn)
    wish = GiftWish(Money(naira * 100, "NGN"), shares, message="Chop life")
    return await world.main.core.gifts.open(wish, giver, f"test {caller.msisdn}")


async def joined(world: World, room: Room) -> int:
    found = await world.main.core.gift_rooms.get(room.tenant_id, room.id)
    assert found is not None
    return found.joined


async def test_a_stranger_on_telegram_comes_through_the_door_to_the_gift(world: World) -> None:
    room = await given(world)
    phone = TelegramPhone(world.control)

    await phone.start(f"gift-{room.code}")
    phone.sees("phone number")
    await phone.share_contact(world.number())

    phone.sees("has a gift for you", "Chop life")
    await phone.press("Open it")
    phone.sees("You won N", "Choose a PIN")


async def test_a_stranger_on_whatsapp_comes_by_code_and_other_numbers_too(world: World) -> None:
    """Whatever they type on the way: the gift is not forgotten."""
    room = await given(world)
    phone, msisdn = stranger(world), world.number()

    await phone.say(f"gift {room.code}")
    phone.sees("phone number")
    await phone.say("nonsense")
    await phone.say("0" + msisdn[3:])
    await phone.say(await code_to(world, msisdn))

    phone.sees("has a gift for you", "Chop life")


async def test_a_code_alone_that_a_stranger_types_is_kept_at_the_door(world: World) -> None:
    """As their first words, or asked for something else; it is not read as that."""
    room, other = await given(world), await given(world)
    telegram, phone, msisdn = TelegramPhone(world.control), stranger(world), world.number()

    await telegram.say(f"{room.code[:4]} {room.code[4:]}")
    telegram.sees("phone number")
    await telegram.share_contact(world.number())
    telegram.sees("has a gift for you", "Chop life")

    in_words = TelegramPhone(world.control)
    await in_words.say(f"Please open gift {room.code[:4]} {room.code[4:]} for me")
    in_words.sees("phone number")
    await in_words.share_contact(world.number())
    in_words.sees("has a gift for you", "Chop life")

    await phone.say("hello")
    await phone.say(room.code)
    phone.sees("phone number")
    assert "Please enter a mobile number" not in phone.screen
    await phone.say("0" + msisdn[3:])
    await phone.say(f"gift code {other.code}")
    phone.sees("code")
    await phone.say(await code_to(world, msisdn))
    phone.sees("has a gift for you", "Chop life")
    await phone.press("Open it")
    phone.sees("You won N")
    assert await joined(world, other) == 1
    assert await joined(world, room) == 0


async def test_somebody_known_is_there_at_once_from_anywhere(world: World) -> None:
    room = await given(world)
    phone = WhatsAppPhone(world.control, world.number())
    await phone.say("/menu")
    await phone.say("1")
    await phone.say(f"Gift {room.code[:4]} {room.code[4:]}")
    phone.sees("Chop life")
    await phone.say("00")
    await phone.say(f"please open gift {room.code} for me")
    phone.sees("Chop life")


async def test_free_words_lead_to_gifts(world: World) -> None:
    phone = WhatsAppPhone(world.control, world.number())
    for words in ("/gifts", "I want to do giveaway", "gift"):
        await phone.say("/menu")
        await phone.say(words)
        phone.sees("Gifts:")
    await phone.say("/gift")
    phone.sees("The code of the gift")


async def test_a_code_alone_leads_to_the_gift_with_a_word_on_it(world: World) -> None:
    """At the menu and after the end of a talk, on every channel; a wrong one is asked for anew."""
    room = await given(world)
    phone, caller = WhatsAppPhone(world.control, world.number()), await world.caller()
    for code in (room.code, f"{room.code[:4]} {room.code[4:]}"):
        await phone.say("/menu")
        await phone.say(code)
        phone.sees("You wrote the code of a gift", "has a gift for you", "Chop life")
    await phone.press("Open it")
    await phone.say("later")
    await phone.say(room.code)
    phone.sees("You wrote the code of a gift", "You won N")
    await phone.say("/menu")
    await phone.say("22222222")
    phone.sees("No gift has the code 2222 2222")
    assert "the code of a gift" not in phone.screen
    await phone.say("00")
    for wrong in ("33333333", "44444444", "55555555", "66666666", "77777777"):
        await phone.say(wrong)
        await phone.say("00")
    await phone.say("88888888")
    phone.sees("wrong codes")
    assert "the code of a gift" not in phone.screen
    await caller.dial()
    await caller.enter(room.code)
    caller.sees("You wrote the code of a gift", "Chop life")


async def test_an_unknown_command_is_no_code(world: World) -> None:
    phone, telegram = WhatsAppPhone(world.control, world.number()), TelegramPhone(world.control)
    await telegram.start()
    await telegram.share_contact(world.number())
    await phone.say("/menu")
    for someone in (phone, telegram):
        await someone.say("/whatever")
        someone.sees("We do not know that command", "What would you like?")
        assert "code" not in someone.screen


async def test_a_code_in_a_link_that_is_none(world: World) -> None:
    phone = TelegramPhone(world.control)
    await phone.start()
    await phone.share_contact(world.number())
    await phone.start("gift-22222222")
    phone.sees("No gift has the code 2222 2222")


async def asks(world: World, user: int, query: str) -> dict[str, Any]:
    """What our bot answers somebody who writes its name in another chat."""
    path = f"/control/telegram/{user}"
    (await world.control.post(f"{path}/inline", json={"query": query})).raise_for_status()
    until = time.monotonic() + _WAIT_S
    while time.monotonic() < until:
        offered = (await world.control.get(f"{path}/messages")).json()["offered"]
        if offered is not None:
            return dict(offered)
        await asyncio.sleep(0.05)
    raise AssertionError("no answer to an inline query")


async def test_a_gift_is_passed_on_in_a_group_and_opened_from_there(world: World) -> None:
    """With the real client of the Bot API on our side, and its limits on the other."""
    msisdn = world.number()
    await world.give(await world.customer(msisdn), 2000)
    core, phone = world.main.core, TelegramPhone(world.control)
    await phone.start()
    await phone.share_contact(msisdn)
    customer = await world.customer(msisdn)
    telegram = (await core.channels.of_kind("telegram"))[0]
    giver = Giver(TENANT, customer, telegram.id, str(phone.user), "Ada")
    room = await core.gifts.open(GiftWish(Money(500_00, "NGN"), 2), giver, "inline")
    other = await given(world)

    assert [each["title"] for each in (await asks(world, phone.user, ""))["results"]] == [
        "N500 for 2"
    ]
    assert (await asks(world, phone.user, other.code))["results"] == []
    offered = await asks(world, phone.user, room.code)
    assert offered["is_personal"] is True
    assert offered["button"] == {"text": "Give to friends", "start_parameter": "gifts"}
    body = {"result_id": room.id.hex, "to": -77}
    path = f"/control/telegram/{phone.user}/choose"
    (await world.control.post(path, json=body)).raise_for_status()

    group = (await world.control.get("/control/telegram/-77/messages")).json()
    message = group["messages"][-1]
    assert "Ada has a gift for you: N500 to share!" in message["text"]
    [[button]] = message["buttons"]
    link = httpx.URL(button["url"])
    assert (link.host, link.params["start"]) == ("t.me", f"gift-{room.code}")
    friend = TelegramPhone(world.control)
    await friend.start(link.params["start"])
    await friend.share_contact(world.number())
    friend.sees("Ada has a gift for you")


async def test_strangers_are_offered_nothing_but_a_way_in(world: World) -> None:
    offered = await asks(world, TelegramPhone(world.control).user, "gift")
    assert offered["results"] == []
    assert PIN not in str(offered)


async def test_the_screen_of_a_new_gift_leads_to_friends(world: World) -> None:
    """To WhatsApp, to a chat of one's own choice, and to the page; on WhatsApp to friends there."""
    on_telegram, _ = await by_telegram(world, 2000)
    on_whatsapp, _ = await by_whatsapp(world, 2000)
    for talker in (on_telegram, on_whatsapp):
        await talker.begins()
        await talker.answers("6", "1", "1000", "3", "1")
        await talker.gives_pin(PIN)
        sees(talker, "Your gift is ready!")

    assert isinstance(on_telegram, ByTelegram)
    assert isinstance(on_whatsapp, ByWhatsApp)
    shown = on_telegram.phone.message["buttons"]
    buttons = {each["text"]: each for each in itertools.chain(*shown)}
    code = "".join(on_telegram.screen.split("Code ")[1].split(".")[0].split())
    assert buttons["Share on Telegram"]["switch_inline_query"] == code
    assert "/gift/" in buttons["Open the page"]["url"]
    text = httpx.URL(buttons["Share on WhatsApp"]["url"]).params["text"]
    assert f"*347*100*9*{code}#" in text
    assert buttons["Open the page"]["url"] in text
    assert on_whatsapp.phone.link.startswith("https://wa.me/?text=")
