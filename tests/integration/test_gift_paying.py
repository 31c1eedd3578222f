"""What was won is paid once, wherever a process dies: with the PIN, and as airtime."""

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.domain.customers import Customer
from core.domain.gifts import ClaimState, PayOut, Room, Split
from core.domain.ledger import AccountKey, AccountType, Transfer
from core.domain.turns import Channel
from core.kit import crash, ids
from core.kit.crypto import Keyring
from core.kit.money import Money
from core.kit.msisdn import local
from core.services.gift_giving import Giver
from core.services.gift_wishes import GiftWish
from core.services.gifts import Guest
from core.services.purchases import OverDayLimit
from core.store.embedded import ServiceUrls
from core.store.gift_counts import RedisGiftCounts
from core.store.redis_line import open_line
from tests.fakes.promises import Bomb, Died, Kingdom, kingdom

PIN = "6194"
_numbers = itertools.count(2348037300001)
# Together longer than any lease.
_ROUNDS, _ROUND_S = 12, 40.0


@pytest.fixture
async def realm(services: ServiceUrls, database_url: str, tmp_path: Path) -> AsyncIterator[Kingdom]:
    async with kingdom(ServiceUrls(database_url, services.redis_url), tmp_path) as made:
        yield made


async def person(realm: Kingdom, naira: int = 0, prefix: str = "") -> Customer:
    number = str(next(_numbers))
    customer = await realm.customer(prefix + number[len(prefix) :])
    if naira:
        tenant = await realm.core.tenants.get(customer.tenant_id)
        world = AccountKey(tenant.id, AccountType.WORLD, "", tenant.currency)
        wallet = AccountKey(tenant.id, AccountType.WALLET, str(customer.id), tenant.currency)
        moved = Transfer(ids.uuid7(), tenant.id, world, wallet, naira * 100, "test", ids.uuid7())
        await realm.core.ledger.post(moved)
    return customer


async def given(realm: Kingdom, naira: int, shares: int, pay_out: PayOut) -> Room:
    giver = await person(realm, naira)
    tenant, channel = await realm.core.tenants.get(giver.tenant_id), await realm.channel()
    wish = GiftWish(Money(naira * 100, "NGN"), shares, split=Split.EQUAL, pay_out=pay_out)
    return await realm.core.gifts.open(
        wish, Giver(tenant, giver, channel.id, giver.msisdn), giver.msisdn
    )


async def win(realm: Kingdom, room: Room, customer: Customer, *, page: bool = False) -> None:
    channel: Channel = await realm.channel()
    guest = Guest(customer, 0, None if page else channel.id, "" if page else customer.msisdn)
    claimed = await realm.core.gifts.claim(room, guest)
    assert claimed.amount_minor > 0


async def available(realm: Kingdom, customer: Customer) -> int:
    wallet = AccountKey(customer.tenant_id, AccountType.WALLET, str(customer.id), "NGN")
    return (await realm.core.ledger.balance(wallet)).available_minor


async def state(realm: Kingdom, room: Room, customer: Customer) -> tuple[ClaimState, str]:
    claim = await realm.core.gift_rooms.mine_in(room.tenant_id, room.id, customer.id)
    assert claim is not None
    return claim.state, claim.order_reference


async def delivered(realm: Kingdom, customer: Customer) -> list[str]:
    reply = await realm.control.get(
        "/control/deliveries", params={"recipient": local(customer.msisdn)}
    )
    return [str(each["amount"]) for each in reply.json()]


async def worked_out(realm: Kingdom) -> None:
    """Until nothing is due: leases of those who died run out on the way."""
    for _ in range(_ROUNDS):
        await realm.live(one_by_one(realm))
        realm.clock.advance(_ROUND_S)


async def one_by_one(realm: Kingdom) -> None:
    """Who dies leaves nothing half done beside it: what was leased as well comes back later."""
    for pump in realm.core.pumps:
        for item in await pump.lease(20):
            await pump.handle(item)


POINTS = (
    "purchase.before_begin",
    "purchase.begun",
    "gift.airtime_ordered",
    "vend.before_send",
    "vend.answered",
    "vend.booked",
)


async def test_airtime_is_bought_once_wherever_the_process_dies(realm: Kingdom) -> None:
    """And each winner gets just the share: no fee, nothing left, nothing twice."""
    winners = []
    for point in POINTS:
        room = await given(realm, 200, 2, PayOut.AIRTIME)
        for _ in range(2):
            winner = await person(realm)
            await win(realm, room, winner)
            winners.append((room, winner))
        realm.bomb = Bomb(point, 2)
        bomb = realm.bomb
        await worked_out(realm)
        assert bomb.went_off, point

    for room, winner in winners:
        assert await delivered(realm, winner) == ["100.00"]
        assert await available(realm, winner) == 0
        stands, reference = await state(realm, room, winner)
        assert stands is ClaimState.PAID
        [order] = await realm.core.orders.latest(winner.tenant_id, winner.id, 9)
        assert (order.reference, order.fee_minor) == (reference, 0)


async def test_what_cannot_be_sold_stays_money_and_the_winner_is_told(realm: Kingdom) -> None:
    """A network that nobody knows, and airtime that nobody sells any more."""
    unknown = await person(realm, prefix="2347070")
    room = await given(realm, 100, 1, PayOut.AIRTIME)
    await win(realm, room, unknown, page=True)
    await worked_out(realm)

    assert await state(realm, room, unknown) == (ClaimState.PAID, "")
    assert await available(realm, unknown) == 100_00
    assert await delivered(realm, unknown) == []
    told = (await realm.control.get("/control/sms", params={"to": unknown.msisdn})).json()
    assert [each["text"] for each in told if "could not send it" in each["text"]] != []


async def test_a_winner_on_the_page_gets_airtime_as_well(realm: Kingdom) -> None:
    """Nobody asked on a channel of ours: they are told by SMS."""
    winner = await person(realm)
    room = await given(realm, 100, 1, PayOut.AIRTIME)
    await win(realm, room, winner, page=True)
    await worked_out(realm)

    assert await delivered(realm, winner) == ["100.00"]
    told = (await realm.control.get("/control/sms", params={"to": winner.msisdn})).json()
    assert [each["text"] for each in told if "Done" in each["text"]] != []


async def test_a_share_that_was_spent_meanwhile_is_no_order(realm: Kingdom) -> None:
    winner = await person(realm)
    room = await given(realm, 100, 1, PayOut.AIRTIME)
    await win(realm, room, winner)
    await realm.buy(winner, "quicker", 100)
    await worked_out(realm)

    assert await delivered(realm, winner) == ["100.00"]
    assert await state(realm, room, winner) == (ClaimState.PAID, "")
    told = (await realm.control.get("/control/sms", params={"to": winner.msisdn})).json()
    assert [each["text"] for each in told if "could not send it" in each["text"]] == []
    assert [each["text"] for each in told if "and you have used it" in each["text"]] != []


async def test_airtime_that_was_won_uses_up_no_limit_of_a_day(realm: Kingdom) -> None:
    winner = await person(realm, 200_100)
    room = await given(realm, 50_000, 1, PayOut.AIRTIME)
    await realm.buy(winner, "1", 50_000)
    await win(realm, room, winner)
    await worked_out(realm)
    for key in ("2", "3", "4"):
        await realm.buy(winner, key, 50_000)

    assert len(await realm.core.orders.latest(winner.tenant_id, winner.id, 9)) == 5
    with pytest.raises(OverDayLimit):
        await realm.buy(winner, "5", 50)


@pytest.mark.parametrize("point", ["pin.set", "gift.registered"])
async def test_a_crash_between_the_pin_and_the_money(realm: Kingdom, point: str) -> None:
    """The PIN is kept, and a worker pays what waited for it."""
    winner = await person(realm)
    room = await given(realm, 100, 1, PayOut.WALLET)
    await win(realm, room, winner)
    assert await available(realm, winner) == 0

    pins = realm.core.conversations._desk.pins
    with crash.watched(Bomb(point, 1)), pytest.raises(Died):
        await pins.set(winner, PIN, first=True)
    await realm.fall()
    await realm.rise()

    assert await realm.core.conversations._desk.pins.is_set(winner)
    assert await available(realm, winner) == 0
    await worked_out(realm)
    assert await available(realm, winner) == 100_00
    assert (await state(realm, room, winner))[0] is ClaimState.PAID


async def test_different_things_are_counted_for_a_while(services: ServiceUrls) -> None:
    """In Redis, by keyed digests alone."""
    async with open_line(services.redis_url) as line:
        counts = RedisGiftCounts(line, Keyring("a key for tests"))
        whose = ids.uuid7().hex
        assert await counts.counted("codes", whose) == 0
        for item, count in (("a", 1), ("b", 2), ("a", 2), ("c", 3)):
            assert await counts.distinct("codes", whose, item, 1) == count
        assert await counts.counted("codes", whose) == 3
        assert await counts.counted("codes", whose + "x") == 0
        assert await line("TTL", counts._key("codes", whose)) in (0, 1)
