"""Identities and links in the store, and the rules of linking, with two at once."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from core.app import Core
from core.domain.chat import ChatMessage, Doing, Moved
from core.domain.customers import Customer
from core.domain.linking import DeepLink, Linked, Proof, Unlinkable, Wish
from core.domain.turns import Channel, Inbound
from core.kit import ids
from core.kit.clock import SetClock
from core.kit.crypto import Keyring
from core.kit.msisdn import Msisdn
from core.ports import Event
from core.services.chat_turns import MessageCursor
from core.services.deep_links import LINK_ACCOUNT
from core.services.linking import Linking, LinkRules, Standing, TakenMeanwhile
from core.services.people import People
from core.services.pins import PinCheck, TooManyCodes
from core.store.deep_links import PgDeepLinks
from core.store.embedded import ServiceUrls
from core.store.identities import PgIdentities
from core.store.unlocks import RedisUnlocks
from tests.fakes.books import Books
from tests.fakes.chat import PIN, PIN_HASH, House, open_house

MORNING = dt.datetime(2026, 3, 2, 8, 0, tzinfo=dt.UTC)
NUMBER = Msisdn("2348031234567")


@pytest.fixture
async def house(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(MORNING), processes=2) as opened:
        yield opened


@pytest.fixture
def identities(books: Books) -> PgIdentities:
    return PgIdentities(books.database)


def wish(name: str, *, replacing: bool = False, anew: bool = True) -> Wish:
    return Wish("telegram", name, Proof.CHANNEL, replacing=replacing, anew=anew)


async def names(identities: PgIdentities, customer: Customer) -> list[str]:
    return [each.name for each in await identities.of(customer) if each.kind == "telegram"]


def linking_of(core: Core) -> Linking:
    return core.conversations._desk.linking


# The store.


async def test_of_two_accounts_that_want_one_number_at_once_one_is_linked(
    books: Books, identities: PgIdentities
) -> None:
    customer = await books.customer()
    now = books.clock.now()

    results = await asyncio.gather(
        *(identities.link(customer, wish(f"{n}00000000"), now) for n in range(1, 9))
    )

    assert sorted(isinstance(each, Linked) for each in results) == [False] * 7 + [True]
    assert {each for each in results if not isinstance(each, Linked)} == {Unlinkable.OTHERS}
    assert len(await names(identities, customer)) == 1


async def test_one_account_that_proves_two_numbers_at_once_is_one_customers(
    books: Books, identities: PgIdentities
) -> None:
    ada, ben = await books.customer(1), await books.customer(2)
    now = books.clock.now()

    results = await asyncio.gather(
        *(identities.link(each, wish("500000001"), now) for each in (ada, ben) * 4)
    )

    linked = [each for each in results if isinstance(each, Linked)]
    assert [each.fresh for each in linked].count(True) == 1
    assert {each for each in results if not isinstance(each, Linked)} == {Unlinkable.TAKEN}
    assert len(await names(identities, ada)) + len(await names(identities, ben)) == 1


async def test_with_the_pin_another_account_makes_way(
    books: Books, identities: PgIdentities, owner: asyncpg.Connection
) -> None:
    customer = await books.customer()
    now = books.clock.now()
    await identities.link(customer, wish("500000001"), now)

    refused = await identities.link(customer, wish("500000002"), now)
    linked = await identities.link(customer, wish("500000002", replacing=True), now)

    assert refused is Unlinkable.OTHERS
    assert isinstance(linked, Linked)
    assert [each.name for each in linked.replaced] == ["500000001"]
    assert await names(identities, customer) == ["500000002"]
    assert await identities.changed_at(customer) == now
    [*_, row] = await owner.fetch("select kind, facts::text as facts from events order by id")
    assert row["kind"] == "identity.linked"
    assert "500000001" not in row["facts"]


async def test_who_was_taken_off_does_not_come_back_by_the_channels_word(
    books: Books, identities: PgIdentities
) -> None:
    customer = await books.customer()
    now = books.clock.now()
    await identities.link(customer, wish("500000001"), now)
    gone = await books_unlink(identities, customer, "500000001", now)
    again = await books_unlink(identities, customer, "500000001", now)

    by_word = await identities.link(customer, wish("500000001", anew=False), now)
    by_proof = await identities.link(customer, wish("500000001"), now)

    assert (gone, again) == (["500000001"], [])
    assert by_word is Unlinkable.TAKEN_OFF
    assert by_proof == Linked(fresh=True)


async def books_unlink(
    identities: PgIdentities, customer: Customer, name: str, at: dt.datetime
) -> list[str]:
    event = Event(f"customer/{customer.id}", "identity.unlinked", "test", {})
    gone = await identities.unlink(customer, [("telegram", name)], event, at)
    return [each.name for each in gone]


async def test_an_account_of_a_released_customer_may_be_anybodys(
    books: Books, identities: PgIdentities
) -> None:
    old = await books.customer()
    now = books.clock.now()
    await identities.link(old, wish("500000001"), now)
    event = Event(f"customer/{old.id}", "customer.released", "test", {})

    gone = await identities.release(old, event, now)

    assert gone is not None
    assert {each.kind for each in gone} == {"ussd", "telegram"}
    assert await identities.release(old, event, now) is None
    assert await identities.link(old, wish("500000003"), now) is Unlinkable.GONE
    new = await books.customer()
    assert new.id != old.id
    assert await identities.link(new, wish("500000001", anew=False), now) == Linked(fresh=True)
    assert await identities.living(books.tenant.id, old.msisdn) == new


# Links that work once.


@pytest.fixture
def links(books: Books) -> PgDeepLinks:
    return PgDeepLinks(books.database, Keyring("a key for tests"))


def deep_link(books: Books, minutes: int = 10) -> DeepLink:
    expires_at = books.clock.now() + dt.timedelta(minutes=minutes)
    given = {"room": "a private room"}
    return DeepLink(ids.uuid7(), books.tenant.id, "gift", given, expires_at)


async def test_a_link_is_used_once_however_many_follow_it_at_once(
    books: Books, links: PgDeepLinks, owner: asyncpg.Connection
) -> None:
    link, now = deep_link(books), books.clock.now()
    await links.keep("digest", link, now)

    used = await asyncio.gather(*(links.use(link, f"person {n}", now) for n in range(8)))
    first = f"person {used.index(True)}"

    assert sorted(used) == [False] * 7 + [True]
    assert await links.use(link, first, now + dt.timedelta(hours=1)), "the same message again"
    assert await links.find(books.tenant.id, "digest") == link
    [row] = await owner.fetch("select given from deep_links")
    assert "private" not in row["given"]


async def test_a_link_ends(books: Books, links: PgDeepLinks) -> None:
    link, now = deep_link(books), books.clock.now()
    await links.keep("digest", link, now)

    assert not await links.use(link, "somebody", link.expires_at)
    later = now + dt.timedelta(days=2)
    await links.keep("another", deep_link(books, 10**4), later)
    assert await links.find(books.tenant.id, "digest") is None


async def test_another_tenants_link_leads_nowhere(books: Books, links: PgDeepLinks) -> None:
    await links.keep("digest", deep_link(books), books.clock.now())

    assert await links.find(ids.uuid7(), "digest") is None


# The rules.


async def test_codes_are_limited_by_number_by_stranger_and_by_tenant(house: House) -> None:
    core = house.core
    channel = await house.channel()
    desk = core.conversations._desk
    rules = LinkRules(codes_of_one=4, codes_of_all=16)
    counter = desk.linking._counter
    linking = Linking(
        core.customers,
        desk.linking._identities,
        core.identities,
        desk.pins,
        counter,
        desk.linking._cases,
        house.clock,
        rules,
    )
    sent = 0

    async def send(who: str, number: int) -> bool:
        nonlocal sent
        sent += 1
        msisdn = Msisdn(f"234803555{number:04d}")
        try:
            await linking.send_code(channel, who, msisdn, f"key-{sent}", "en")
        except TooManyCodes:
            return False
        return True

    one_of_both = [await send("keen", 1) for _ in range(4)]
    one_number = [await send(f"s{n}", 1) for n in range(7)]
    one_stranger = [await send("greedy", n) for n in range(2, 8)]
    everybody = [await send(f"late{n}", n) for n in range(10, 14)]

    assert one_of_both == [True, True, True, False]
    assert one_number == [True] * 6 + [False]
    assert one_stranger == [True] * 4 + [False] * 2
    assert everybody == [True, False, False, False]
    assert isinstance(counter, RedisUnlocks)
    await house.work()
    assert len(house.letters.sent) == 14


async def test_a_stranger_uses_up_nobody_elses_codes(house: House) -> None:
    """Neither by asking for that number, nor by wrong tries; nor the owner's for a new PIN."""
    core, channel = house.core, await house.channel()
    linking, pins = linking_of(core), core.conversations._desk.pins
    owner = await core.customers.of_number(channel.tenant_id, NUMBER)
    await linking.send_code(channel, "owner", NUMBER, "k1", "en")
    await house.work()
    code = house.letters.sent[-1].text.split()[0]

    for number in range(3):
        await linking.send_code(channel, "stranger", NUMBER, f"s{number}", "en")
        for _ in range(3):
            assert not await linking.use_code(channel, "stranger", NUMBER, code)
    with pytest.raises(TooManyCodes):
        await linking.send_code(channel, "stranger", NUMBER, "s3", "en")

    assert await linking.use_code(channel, "owner", NUMBER, code)
    await linking.send_code(channel, "owner", NUMBER, "k2", "en")
    await pins.send_reset_code(owner, "k3")


@pytest.mark.parametrize(
    ("known_by", "pin", "told"),
    [
        ("nothing", False, None),
        ("nothing", True, "A Telegram account was linked to your number."),
        ("ussd", False, "A Telegram account was linked to your number."),
        ("taken off", False, "A Telegram account was linked to your number."),
        ("telegram", True, "Another Telegram account was linked to your number with your PIN."),
    ],
)
async def test_the_owner_of_a_wallet_in_use_is_told_by_sms_who_is_linked_to_it(
    house: House, known_by: str, pin: bool, told: str | None
) -> None:
    core, channel = house.core, await house.channel()
    customer = await core.customers.of_number(channel.tenant_id, NUMBER)
    if known_by == "ussd":
        ussd = await core.channels.find("africastalking", "demo")
        assert ussd is not None
        await core.customers.at(ussd, NUMBER, NUMBER)
    if known_by in ("telegram", "taken off"):
        await core.customers.at(channel, "another", NUMBER)
    if known_by == "taken off":
        await core.identities.unlink(customer, "telegram", "another", reason="test", actor="test")
    if pin:
        await core.customers.set_pin(customer, PIN_HASH, house.clock.now())

    for _ in range(2):
        await linking_of(core).join(channel, "mine", NUMBER, Proof.CHANNEL, over=pin)
    await house.work()

    texts = [(sms.to, sms.text.split(" If that")[0]) for sms in house.letters.sent]
    assert texts == ([(NUMBER, told)] if told else [])


async def test_an_account_that_was_taken_off_is_not_made_new_by_another_number(
    house: House,
) -> None:
    ada = await house.person(NUMBER)
    desk, linking, channel = house.core.identities, linking_of(house.core), await house.channel()
    await desk.unlink(ada.customer, "telegram", ada.identity, reason="stolen", actor="test")

    async def standing() -> Standing:
        return await linking.standing(channel, ada.identity, NUMBER, Proof.CHANNEL)

    first = await standing()
    throwaway = Msisdn("2348039999999")
    ben = await linking.join(channel, ada.identity, throwaway, Proof.CODE, over=False)
    linked_elsewhere = await standing()
    [account] = await desk.accounts(ben)
    await desk.remove(ben, account.handle, here=(channel.id, ada.identity), key="k")

    assert (first, linked_elsewhere, await standing()) == (Standing.TAKEN,) * 3
    await linking.join(channel, ada.identity, NUMBER, Proof.CHANNEL, over=True)
    assert await standing() is Standing.FREE  # it came back with the PIN


async def test_a_code_that_is_right_is_so_for_the_one_who_asked(house: House) -> None:
    channel, linking = await house.channel(), linking_of(house.core)
    await linking.send_code(channel, "mine", NUMBER, "key", "en")
    await linking.send_code(channel, "mine", NUMBER, "key", "en")
    await house.work()
    [sms] = house.letters.sent
    code = sms.text.split()[0]

    assert not await linking.use_code(channel, "another", NUMBER, code)
    assert await linking.use_code(channel, "mine", NUMBER, code)
    assert not await linking.use_code(channel, "mine", NUMBER, code)


@pytest.mark.parametrize(
    ("known_by", "pin", "proof", "expected"),
    [
        ("nothing", False, Proof.CODE, Standing.FREE),
        ("nothing", False, Proof.CHANNEL, Standing.FREE),
        ("ussd", False, Proof.CODE, Standing.FREE),
        ("ussd", True, Proof.CHANNEL, Standing.FREE),
        ("ussd", True, Proof.CODE, Standing.TAKEN),
        ("telegram", True, Proof.CHANNEL, Standing.TAKEN),
        ("telegram", False, Proof.CHANNEL, Standing.HELD),
        ("taken off", True, Proof.CHANNEL, Standing.TAKEN),
        ("taken off", False, Proof.CHANNEL, Standing.HELD),
    ],
)
async def test_what_else_is_asked_of_who_has_proven_a_number(
    house: House, known_by: str, pin: bool, proof: Proof, expected: Standing
) -> None:
    core, channel = house.core, await house.channel()
    customer = await core.customers.of_number(channel.tenant_id, NUMBER)
    if known_by == "ussd":
        ussd = await core.channels.find("africastalking", "demo")
        assert ussd is not None
        await core.customers.at(ussd, NUMBER, NUMBER)
    if known_by == "telegram":
        await core.customers.at(channel, "another", NUMBER)
    if known_by == "taken off":
        await core.customers.at(channel, "mine", NUMBER)
        await core.identities.unlink(customer, "telegram", "mine", reason="test", actor="test")
    if pin:
        await core.customers.set_pin(customer, PIN_HASH, house.clock.now())

    standing = await linking_of(core).standing(channel, "mine", NUMBER, proof)

    assert standing is expected


async def test_two_strangers_with_one_number_at_once_are_one_and_a_refusal(house: House) -> None:
    """Both were free to join when they were asked."""
    channel = await house.channel()
    first, second = (linking_of(core) for core in house.cores)

    standings = [
        await first.standing(channel, "one", NUMBER, Proof.CHANNEL),
        await second.standing(channel, "two", NUMBER, Proof.CHANNEL),
    ]
    assert standings == [Standing.FREE] * 2

    async def joins(linking: Linking, name: str) -> bool:
        try:
            await linking.join(channel, name, NUMBER, Proof.CHANNEL, over=False)
        except TakenMeanwhile:
            return False
        return True

    done = await asyncio.gather(joins(first, "one"), joins(second, "two"))

    assert sorted(done) == [False, True]


async def test_a_pin_asked_for_at_the_door_is_counted_as_anywhere(house: House) -> None:
    core, channel = house.core, await house.channel()
    customer = await core.customers.of_number(channel.tenant_id, NUMBER)
    await core.customers.set_pin(customer, PIN_HASH, house.clock.now())
    linking = linking_of(core)

    results = [
        (await linking.check_pin(channel.tenant_id, NUMBER, pin, f"turn {n}")).result
        for n, pin in enumerate(("4027", "4028", "4029", PIN))
    ]

    assert results == [PinCheck.WRONG, PinCheck.WRONG, PinCheck.LOCKED, PinCheck.LOCKED]


async def test_for_some_days_after_a_change_no_code_resets_the_pin(house: House) -> None:
    core, channel = house.core, await house.channel()
    customer = await core.customers.at(channel, "first", NUMBER)
    await core.customers.set_pin(customer, PIN_HASH, house.clock.now())
    linking = linking_of(core)
    before = await linking.may_reset(customer)

    await linking.join(channel, "second", NUMBER, Proof.CODE, over=True)
    at_once = await linking.may_reset(customer)
    house.clock.advance(7 * 86_400)

    assert (before, at_once, await linking.may_reset(customer)) == (True, False, True)
    assert [text for who, text in house.notebook.told if who == "first"]


# Numbers that leave, and people with two names.


def inbound(channel: Channel, message: ChatMessage) -> Inbound:
    return Inbound(
        channel=channel,
        identity=message.identity,
        session_id="",
        cursor=MessageCursor(message),
        received_at=MORNING,
        msisdn=Msisdn(message.msisdn) if message.msisdn else None,
        language_hint=message.language,
        also=message.also,
    )


def by_user_id(name: str, number: str = NUMBER, language: str = "") -> ChatMessage:
    return ChatMessage(
        f"m-{name}", name, Doing.TEXT, msisdn=number, own=True, also=number, language=language
    )


@pytest.fixture
async def whatsapp(
    services: ServiceUrls, database_url: str, tmp_path: Path
) -> AsyncIterator[House]:
    urls = ServiceUrls(database_url, services.redis_url)
    async with open_house(urls, tmp_path, SetClock(MORNING), kind="whatsapp") as opened:
        yield opened


async def test_another_user_id_at_a_known_number_is_a_stranger(whatsapp: House) -> None:
    channel, people = await whatsapp.channel(), whatsapp.core.conversations.people
    ada = await people.recognised(inbound(channel, by_user_id("NG.1111111111")))
    assert ada is not None
    again = await people.recognised(inbound(channel, by_user_id("NG.1111111111")))

    stranger = await people.recognised(inbound(channel, by_user_id("NG.2222222222")))

    assert (again, stranger) == (ada, None)
    assert not await linking_of(whatsapp.core).may_reset(ada)


@pytest.mark.parametrize("pin", [False, True])
async def test_whom_whatsapp_vouches_for_is_told_of_at_a_wallet_in_use(
    whatsapp: House, pin: bool
) -> None:
    """Once for the account, which has two names; and not where it makes the wallet."""
    core, channel = whatsapp.core, await whatsapp.channel()
    if pin:
        customer = await core.customers.of_number(channel.tenant_id, NUMBER)
        await core.customers.set_pin(customer, PIN_HASH, whatsapp.clock.now())

    for name in (NUMBER, "NG.1111111111", "NG.1111111111"):
        assert await core.conversations.people.recognised(inbound(channel, by_user_id(name)))
    await whatsapp.work()

    texts = [sms.text.split(" If that")[0] for sms in whatsapp.letters.sent]
    assert texts == ["A WhatsApp account was linked to your number."] * pin


async def test_two_user_ids_at_one_number_at_once_are_one_customer_and_a_stranger(
    whatsapp: House,
) -> None:
    channel, people = await whatsapp.channel(), whatsapp.core.conversations.people

    found = await asyncio.gather(
        *(people.recognised(inbound(channel, by_user_id(f"NG.{n}111111111"))) for n in range(6))
    )

    assert len([each for each in found if each is not None]) == 1


async def test_a_number_that_its_owner_left_is_no_way_in(whatsapp: House) -> None:
    """WhatsApp tells that somebody changed their number; somebody else has it now."""
    core, channel = whatsapp.core, await whatsapp.channel()
    people = core.conversations.people
    before = ChatMessage("m1", NUMBER, Doing.TEXT, msisdn=NUMBER, own=True)
    ada = await people.recognised(inbound(channel, before))
    assert ada is not None

    for _ in range(2):
        await core.aftermath.moved(channel, Moved(NUMBER, "wamid.1"))
    stranger = await people.recognised(inbound(channel, by_user_id("NG.3333333333")))
    by_number = await people.recognised(inbound(channel, before))

    assert (stranger, by_number) == (None, None)
    assert await people.still(inbound(channel, before), ada.id) is None
    standing = await linking_of(core).standing(channel, "NG.3333333333", NUMBER, Proof.CHANNEL)
    assert standing is Standing.HELD
    assert not await linking_of(core).may_reset(ada)


async def test_what_whatsapp_tells_again_of_a_number_that_was_left_takes_nothing_off(
    whatsapp: House,
) -> None:
    """Neither from its owner, who came back with the PIN, nor from who has the old name now."""
    core, channel = whatsapp.core, await whatsapp.channel()
    ada = await whatsapp.person(NUMBER)
    name = "NG.1111111111"
    whatsapp.clock.advance(60)
    first = MORNING + dt.timedelta(seconds=60)
    told = Moved(name, "wamid.1", int(first.timestamp()))
    unknown = Moved(name, "wamid.2")
    linking = linking_of(core)

    async def linked_to() -> Customer | None:
        return await core.customers.linked(channel, name)

    await linking.join(channel, name, NUMBER, Proof.CHANNEL, over=True)
    for _ in range(2):
        await core.aftermath.moved(channel, told)
    assert await linked_to() is None
    changed_at = await linking._identities.changed_at(ada.customer)
    await core.aftermath.moved(channel, unknown)

    whatsapp.clock.advance(600)
    await linking.join(channel, name, NUMBER, Proof.CHANNEL, over=True)
    for late in (told, Moved(name, "wamid.3", told.at), Moved(name, "wamid.3", told.at)):
        await core.aftermath.moved(channel, late)
    assert await linked_to() == await core.customers.of_number(channel.tenant_id, NUMBER)
    assert await linking._identities.changed_at(ada.customer) == changed_at

    moved_on = Moved(name, "wamid.4", int(whatsapp.clock.now().timestamp()))
    await core.aftermath.moved(channel, moved_on)
    assert await linked_to() is None
    ben = Msisdn("2348039999999")
    await linking.join(channel, name, ben, Proof.CHANNEL, over=False)
    for _ in range(2):
        await core.aftermath.moved(channel, moved_on)
    assert await linked_to() == await core.customers.of_number(channel.tenant_id, ben)


async def test_who_is_new_is_spoken_to_in_the_language_of_their_app(whatsapp: House) -> None:
    core, channel = whatsapp.core, await whatsapp.channel()
    people = People(
        core.customers, linking_of(core)._identities, whatsapp.clock, languages=("en", "yo")
    )

    yoruba = await people.recognised(inbound(channel, by_user_id("NG.4444444444", language="yo")))
    other = by_user_id("NG.5555555555", "2348031234568", language="xx")
    english = await people.recognised(inbound(channel, other))

    assert yoruba is not None
    assert english is not None
    assert (yoruba.language, english.language) == ("yo", "en")


async def test_what_was_open_is_forgotten_when_an_identity_goes(house: House) -> None:
    ada = await house.person(NUMBER, naira=900)
    await ada.starts("say_airtime")
    await ada.says("1")
    await ada.says("500")
    assert "You pay N500" in ada.screen.body
    review = ada.screen
    store, channel = house.core.conversations._store, await house.channel()
    assert await store.load(channel.id, ada.identity) is not None

    await house.core.identities.unlink(
        ada.customer, "telegram", ada.identity, reason="stolen", actor="test"
    )

    assert await store.load(channel.id, ada.identity) is None
    await ada.presses("pay", on=review)
    assert "What is your phone number?" in ada.screen.body
    assert await ada.money() == (900, 0)


async def test_an_effect_under_way_elsewhere_finds_nobody_there(house: House) -> None:
    """Its conversation was loaded before: what it does next is done for nobody."""
    ada = await house.person(NUMBER, naira=900)
    await ada.starts("say_airtime")
    await ada.says("1")
    await ada.says("500")
    await ada.presses("pay")
    asked = ada.screen
    assert asked.out_of_sight
    store = house.core.conversations._store
    channel = await house.channel()
    kept = await store.load(channel.id, ada.identity)
    assert kept is not None
    await house.core.identities.unlink(
        ada.customer, "telegram", ada.identity, reason="stolen", actor="test"
    )
    # As if it had not been forgotten: Redis was away.
    assert await store.save(channel.id, ada.identity, kept.record, version_before=None, ttl_s=60)

    await ada.unlocks(on=asked)

    assert "What is your phone number?" in ada.screen.body
    assert await ada.money() == (900, 0)
    assert house.seller.delivered == {}


# Links into a chat.


async def test_a_link_that_is_followed_twice_by_one_message_is_followed_once(
    house: House,
) -> None:
    core, channel = house.core, await house.channel()
    customer = await core.customers.of_number(channel.tenant_id, NUMBER)
    token = await core.conversations._desk.links.make_for_account(customer, "telegram", "key")
    again = await core.conversations._desk.links.make_for_account(customer, "telegram", "key")
    start = ChatMessage("m1", "777000777", Doing.START, text=token)
    with capture_logs() as lines:
        for core in house.cores:
            await core.chat_ingest.take(channel, [start])
            told = await core.conversations.take(inbound(channel, start))
            assert "linked now" in told.text

    assert token == again
    assert token not in str(lines)
    linked = await house.core.customers.linked(channel, "777000777")
    assert linked is not None
    assert linked.id == customer.id


async def test_a_link_with_answers_leads_into_a_flow_once(house: House) -> None:
    links, channel = house.core.conversations._desk.links, await house.channel()
    ada = await house.person(NUMBER, naira=900)
    ben = await house.person("2348057654321")
    token = await links.make(
        channel.tenant_id,
        "say_airtime",
        {"msisdn": "08065550000", "network": "mtn", "amount": "300"},
        good_for=dt.timedelta(days=1),
    )

    await ada.starts(token)
    first = ada.screen.body
    await ben.starts(token)

    assert "You pay N300" in first
    assert "used already" in ben.screen.body
    assert await links.use(channel.tenant_id, token, "another") is None


async def test_a_gift_waits_until_its_guest_is_known(house: House) -> None:
    links, channel = house.core.conversations._desk.links, await house.channel()
    token = await links.make(channel.tenant_id, "wallet", good_for=dt.timedelta(days=1))
    message = ChatMessage("m2", "777000999", Doing.START, text=token)

    told = await house.core.conversations.take(inbound(channel, message))

    assert "What is your phone number?" in told.text
    found = await links.use(channel.tenant_id, token, "whoever")
    assert found is not None
    assert found.shortcut == "wallet"
    assert found.shortcut != LINK_ACCOUNT


async def test_a_late_link_says_so(house: House) -> None:
    core, channel = house.core, await house.channel()
    customer = await core.customers.of_number(channel.tenant_id, NUMBER)
    token = await core.conversations._desk.links.make_for_account(customer, "telegram", "key")
    house.clock.advance(601)
    message = ChatMessage("m3", "777000888", Doing.START, text=token)

    told = await core.conversations.take(inbound(channel, message))

    assert "too old" in told.text
    assert await core.customers.linked(channel, "777000888") is None
