"""One script for each flow, read to customers on every channel: what one can do, all can do."""

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

import pytest

from cli.demo import TENANT
from core.domain.ledger import AccountKey, AccountType
from core.flows import FLOWS
from core.kit import ids
from core.kit.msisdn import Msisdn, local
from tests.conversations.test_a_number_in_use import linked_to
from tests.conversations.test_withdrawing import ACCESS, account_of, paid_out
from tests.fakes.phone import Phone
from tests.fakes.sites import CODE
from tests.fakes.talkers import ByTelegram, ByUssd, ByWhatsApp, Talker
from tests.fakes.telegram import TelegramPhone
from tests.fakes.whatsapp import WhatsAppPhone
from tests.fakes.world import NEW_PIN, PIN, PIN_HASH, WRONG_PIN, Caller, World


@dataclass
class Person:
    """A customer on some channel; SMS reach their number whatever it is."""

    world: World
    talker: Talker
    msisdn: str

    async def answers(self, *answers: str) -> None:
        await self.talker.answers(*answers)

    async def gives_pin(self, *pins: str) -> None:
        await self.talker.gives_pin(*pins)

    def sees(self, *words: str) -> None:
        for word in words:
            assert word in self.talker.screen, f"{word!r} is not on {self.talker.screen!r}"

    async def code(self, *words: str) -> str:
        """The one-time code that comes by SMS."""
        caller = Caller(self.world, self.world.main, self.msisdn, "")
        return await self.world.code_of(await caller.sms(*words))

    async def linked(self) -> list[str]:
        """The kinds of their chat accounts, the oldest first."""
        identities = self.world.main.core.conversations._desk.identities
        found = await identities.accounts(await self.world.customer(self.msisdn))
        return [each.identity.kind for each in found]

    async def naira(self) -> int:
        customer = await self.world.customer(self.msisdn)
        wallet = AccountKey(TENANT.id, AccountType.WALLET, str(customer.id), TENANT.currency)
        balance = await self.world.main.core.ledger.balance(wallet)
        return balance.available_minor // 100


Meeting = Callable[[World, str], Awaitable[Talker]]


async def by_ussd(world: World, msisdn: str) -> Talker:
    return ByUssd(Phone(world.main.http, msisdn))


async def by_telegram(world: World, msisdn: str) -> Talker:
    """They have shared their own number, as the first screen asks."""
    phone = TelegramPhone(world.control)
    await phone.start()
    assert "phone number" in phone.screen
    await phone.share_contact(msisdn)
    return ByTelegram(phone, world.main.url)


async def by_whatsapp(world: World, msisdn: str) -> Talker:
    return ByWhatsApp(WhatsAppPhone(world.control, msisdn), world.main.url)


async def stranger_by_telegram(world: World, _: str) -> Talker:
    """They share no number."""
    return ByTelegram(TelegramPhone(world.control), world.main.url)


async def stranger_by_whatsapp(world: World, _: str) -> Talker:
    """They go by a username."""
    name = "@s" + ids.uuid7().hex[-12:]
    return ByWhatsApp(WhatsAppPhone(world.control, name), world.main.url)


MEETINGS: Mapping[str, Meeting] = {
    "ussd": by_ussd,
    "telegram": by_telegram,
    "whatsapp": by_whatsapp,
}
STRANGERS: Mapping[str, Meeting] = {
    "ussd": by_ussd,  # whoever dials is vouched for by the network
    "telegram": stranger_by_telegram,
    "whatsapp": stranger_by_whatsapp,
}


async def airtime(person: Person) -> None:
    """For somebody else, on another network than the number says."""
    friend = person.world.number("234805")
    await person.answers("1", "2", local(Msisdn(friend)), "300", "2", "1")
    person.sees("You pay N300")
    await person.answers("1")
    await person.gives_pin(PIN)

    person.sees("Done")  # on the screen, or in the message that follows a slow end
    assert await person.world.delivered(friend) == ["300.00"]
    assert await person.naira() == 700


async def wallet(person: Person) -> None:
    await person.answers("2", "1")
    person.sees("N1,000")
    await person.answers("0", "3")

    person.sees("+N1,000")


async def fund(person: Person) -> None:
    """By a bank account; then by a link."""
    await person.answers("2", "2", "2000", "2")
    person.sees("Transfer N2,000 to 99", "SIM Bank")
    await person.talker.begins()
    await person.answers("2", "2", "1000", "1")

    person.sees("Pay N1,000")  # on the screen, or in the message that brings the link


async def withdraw(person: Person) -> None:
    account = account_of(ACCESS, serial=int(person.msisdn[-9:]))
    await person.answers("2", "4", "500", "2", account)
    person.sees("N500 to", account, "Access Bank")
    await person.answers("1")
    await person.gives_pin(PIN)

    person.sees("N500", "Access Bank", "Ref ")
    assert await person.naira() == 475
    [made] = await paid_out(person.world, account)
    assert made["amount"] == "500.00"


async def pin(person: Person) -> None:
    """Forgotten, and set anew with a code; then changed by who knows it."""
    await person.answers("3", "2", "1")
    await person.gives_pin(await person.code("PIN"), NEW_PIN, NEW_PIN)
    person.sees("PIN is set")
    await person.talker.begins()
    await person.answers("3", "1")
    await person.gives_pin(NEW_PIN, PIN, PIN)

    person.sees("PIN is set")


async def help_(person: Person) -> None:
    await person.answers("4", "1")
    person.sees("the money comes back")
    await person.answers("0", "2", "1")

    person.sees("We will call you")


async def account(person: Person) -> None:
    """One of two chat accounts is taken off, the newer one."""
    await person.answers("5")
    older = await person.linked()
    for kind in {"telegram", "whatsapp"} - set(older):
        await linked_to(person.world, person.msisdn, kind, f"NG.{person.msisdn}")
    await person.answers("1", "2")
    person.sees("Remove")
    await person.answers("1")
    await person.gives_pin(PIN)

    person.sees("It is removed")
    left = await person.linked()
    assert len(left) == 1
    assert set(older) <= set(left)


async def gifts(person: Person) -> None:
    await person.answers("6")
    person.sees("Gifts")
    await person.answers("3", "2222 2222")

    person.sees("code")


async def gift_create(person: Person) -> None:
    await person.answers("6", "1", "400", "4", "1")
    await person.gives_pin(PIN)

    person.sees("Your gift is ready!")
    assert await person.naira() == 600


async def gift_join(person: Person) -> None:
    """One that somebody else gives."""
    giver = await person.world.caller(1000)
    await giver.dial()
    await giver.enter("6", "1", "400", "1", "1", PIN)
    assert "Your gift is ready!" in giver.screen
    code = "".join(re.findall(r"\b[2-9]{4}\b", giver.screen.partition("Code ")[2])[:2])
    await person.answers("6", "3", code, "1")

    person.sees("You won N400")
    assert await person.naira() == 1400


async def gift_rooms(person: Person) -> None:
    """Given, and taken back."""
    await gift_create(person)
    await person.talker.begins()
    await person.answers("6", "2", "1", "3", "1")

    assert await person.naira() == 1000


async def wifi(person: Person) -> None:
    await person.answers("7", "1", "1", "1")
    await person.gives_pin(PIN)

    person.sees("Your code: ")
    assert await person.naira() == 700


async def language(person: Person) -> None:
    await person.answers("5", "3")

    person.sees("We speak English for now")


async def data_advice(person: Person) -> None:
    await person.answers("data")

    person.sees("data")


async def ask_pin(person: Person) -> None:
    """A wrong one, and then the right one."""
    await person.answers("1", "1", "200", "1")
    await person.gives_pin(WRONG_PIN, PIN)

    person.sees("Done")  # on the screen, or in the message that follows a slow end
    assert await person.world.delivered(person.msisdn) == ["200.00"]


async def set_pin(person: Person) -> None:
    """The first one, on the way to pay."""
    await person.answers("1", "1", "200", "1")
    await person.gives_pin(PIN, PIN)

    person.sees("Done")  # on the screen, or in the message that follows a slow end
    assert await person.world.delivered(person.msisdn) == ["200.00"]


async def link(person: Person) -> None:
    """Whoever is asked for their number proves it by a code; then it is the one wallet."""
    if "phone number" in person.talker.screen:
        await person.answers(local(Msisdn(person.msisdn)))
        await person.answers(await person.code("code to link"))
        person.sees("For safety")
        await person.answers("1")
        await person.gives_pin(PIN)
    person.sees("What would you like?")
    await person.answers("2", "1")

    person.sees("N1,000")


async def my_wifi(person: Person) -> None:
    """The code once more, for the PIN."""
    await wifi(person)
    bought = CODE.findall(person.talker.screen)
    await person.talker.begins()
    await person.answers("7", "3", "1")
    person.sees("Not used yet")
    assert bought[0] not in person.talker.screen
    await person.answers("1")
    await person.gives_pin(PIN)

    person.sees(bought[0])


async def wifi_help(person: Person) -> None:
    """What its router says of a code that nobody has used."""
    await wifi(person)
    await person.talker.begins()
    await person.answers("7", "3", "1", "3")

    person.sees("The code is good, nobody used it yet")


async def wifi_check(person: Person) -> None:
    await person.answers("7", "4", "zzzzz zzzzz")

    person.sees("We know no such code")


Script = Callable[[Person], Awaitable[None]]
SCRIPTS: Mapping[str, Script] = {
    "airtime": airtime,
    "wallet": wallet,
    "fund": fund,
    "withdraw": withdraw,
    "pin": pin,
    "help": help_,
    "account": account,
    "gifts": gifts,
    "wifi": wifi,
    "language": language,
    "data_advice": data_advice,
    "ask_pin": ask_pin,
    "set_pin": set_pin,
    "gift_create": gift_create,
    "gift_join": gift_join,
    "gift_rooms": gift_rooms,
    "link": link,
    "my_wifi": my_wifi,
    "wifi_help": wifi_help,
    "wifi_check": wifi_check,
}


def test_every_flow_has_a_script() -> None:
    assert [*SCRIPTS] == [flow.name for flow in FLOWS]


@pytest.mark.parametrize("channel", MEETINGS)
@pytest.mark.parametrize("flow", SCRIPTS)
async def test_one_script_does_on_every_channel(world: World, flow: str, channel: str) -> None:
    msisdn = world.number()
    customer = await world.customer(msisdn)
    await world.give(customer, 1000)
    if flow != "set_pin":
        core = world.main.core
        await core.customers.set_pin(customer, PIN_HASH, core.clock.now())
    meeting = STRANGERS if flow == "link" else MEETINGS
    person = Person(world, await meeting[channel](world, msisdn), msisdn)
    before, world.paths.places = world.paths.places, set()
    try:
        await person.talker.begins()
        await SCRIPTS[flow](person)
        met = {place for place, _ in world.paths.places}
    finally:
        world.paths.places |= before

    assert flow in met or (flow, channel) == ("link", "ussd")
