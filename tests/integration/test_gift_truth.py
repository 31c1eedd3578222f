"""What became of what was won, as the store tells it: airtime, frozen rooms, money that waits."""

from dataclasses import replace

import pytest

from core.domain.gifts import AirtimeState, Claiming, GiftKind, PayOut, RoomState
from core.domain.orders import Verdict
from tests.fakes.books import DELIVERED, REFUSED, UNKNOWN
from tests.fakes.gifts import Gifts

DAY_S = 86_400.0

STAYS, UNSURE = "notice.gift_airtime_stays", "notice.gift_airtime_unsure"


@pytest.mark.parametrize(
    ("verdicts", "stands", "told"),
    [
        ((), AirtimeState.UNDER_WAY, []),
        ((Verdict.WAIT,), AirtimeState.UNDER_WAY, []),
        ((Verdict.CAPTURE,), AirtimeState.ARRIVED, ["notice.delivered"]),
        ((Verdict.REFUND,), AirtimeState.KEPT, [STAYS]),
        ((Verdict.PAY_BACK,), AirtimeState.UNSURE, [UNSURE]),
        (
            (Verdict.CAPTURE, Verdict.TAKE_BACK),
            AirtimeState.KEPT,
            ["notice.delivered", "notice.gift_airtime_taken_back"],
        ),
    ],
)
async def test_airtime_stands_as_its_order_does(
    gifts: Gifts, verdicts: tuple[Verdict, ...], stands: AirtimeState, told: list[str]
) -> None:
    """And nothing of it ever comes "back": its winner never paid for it."""
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, pay_out=PayOut.AIRTIME)
    await gifts.claim(room, winner)
    [due] = await gifts.rooms.due_airtime(10, 60)
    order = replace(gifts.books.order(winner, 100), gift_room_id=room.id)
    await gifts.books.orders.begin(order)
    await gifts.rooms.airtime_ordered(due, order.reference)
    await gifts.books.claimed(order)

    for verdict in verdicts:
        outcome = {Verdict.REFUND: REFUSED, Verdict.PAY_BACK: UNKNOWN}.get(verdict, DELIVERED)
        wait_s = 60.0 if verdict in (Verdict.WAIT, Verdict.PAY_BACK) else None
        await gifts.books.rule(order, verdict, outcome, wait_s)

    [claim] = await gifts.rooms.claims(room.tenant_id, room.id, 10)
    assert claim.airtime is stands
    assert [text for text, _ in await gifts.told(winner)] == told
    found = await gifts.books.orders.find(order.tenant_id, order.reference)
    assert found is not None
    assert found.gift_room_id == room.id


async def test_airtime_that_is_no_order_is_under_way_held_or_kept(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, 70, pay_out=PayOut.AIRTIME)
    await gifts.claim(room, winner)

    async def stands() -> AirtimeState | None:
        claim = await gifts.rooms.mine_in(room.tenant_id, room.id, winner.id)
        assert claim is not None
        return claim.airtime

    assert await stands() is AirtimeState.UNDER_WAY
    await gifts.freeze(room)
    assert await stands() is AirtimeState.HELD
    assert await gifts.rooms.due_airtime(10, 60) == []
    await gifts.freeze(room, frozen=False)
    [due] = await gifts.rooms.due_airtime(10, 60)
    await gifts.rooms.airtime_ordered(due, "")
    assert await stands() is AirtimeState.KEPT


async def test_money_that_was_won_has_nothing_to_do_with_airtime(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, 70)
    await gifts.claim(room, winner)

    [claim] = await gifts.rooms.winners(room.tenant_id, room.id, 10)
    assert claim.airtime is None


async def test_going_on_may_complete_a_room_and_is_a_change(gifts: Gifts) -> None:
    """What is paid then is told to who won it, once."""
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100)
    await gifts.claim(room, winner, registered=False)
    assert (await gifts.frozen(room)).now
    assert not (await gifts.frozen(room)).now
    await gifts.registers(2)

    went_on = await gifts.frozen(room, frozen=False)

    assert (went_on.now, went_on.room.state) == (True, RoomState.COMPLETED)
    facts = {"code": room.code, "amount": 100, "currency": "NGN"}
    assert await gifts.told(winner) == [("notice.gift_paid", facts)]
    assert not (await gifts.frozen(room, frozen=False)).now
    assert len(await gifts.told(winner)) == 1


async def test_whoever_is_paid_by_a_worker_is_told(gifts: Gifts) -> None:
    """A process died between the PIN and the money; or the share was about to go back."""
    creator, one, other = [await gifts.person(number, 500) for number in (1, 2, 3)]
    room = await gifts.opened(creator, 100, 70)
    for number, person in ((2, one), (3, other)):
        await gifts.claim(room, person, registered=False)
        await gifts.registers(number)
    now = gifts.books.clock.now()

    assert await gifts.rooms.registered(room.tenant_id, one.id, now, tell=True) == 1
    gifts.books.clock.advance(3 * DAY_S)
    await gifts.expire()

    for person, amount in ((one, 100), (other, 70)):
        facts = {"code": room.code, "amount": amount, "currency": "NGN"}
        assert ("notice.gift_paid", facts) in await gifts.told(person)


async def test_lots_that_win_airtime_say_so(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, pay_out=PayOut.AIRTIME, kind=GiftKind.DRAW, seats=1)
    assert (await gifts.claim(room, winner)).result is Claiming.JOINED
    [due] = await gifts.rooms.due_draws(10, 60)
    assert await gifts.rooms.draw(due, (1,), gifts.books.clock.now())

    [(text, _)] = await gifts.told(winner)
    assert text == "notice.gift_drawn_won_airtime"


async def test_the_giver_is_told_of_money_that_waits(gifts: Gifts) -> None:
    creator, winner = await gifts.person(1, 500), await gifts.person(2)
    room = await gifts.opened(creator, 100, kind=GiftKind.DRAW, seats=1)
    await gifts.claim(room, winner, registered=False)
    [due] = await gifts.rooms.due_draws(10, 60)
    assert await gifts.rooms.draw(due, (1,), gifts.books.clock.now())

    [(text, facts)] = await gifts.told(creator)
    assert (text, facts["reserved"]) == ("notice.gift_completed.waits", 100)
    assert (await gifts.stands(room)).reserved_minor == 100
