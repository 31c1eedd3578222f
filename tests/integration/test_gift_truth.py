"""What became of what was won, as the store tells it: airtime, frozen rooms, money that waits."""

import datetime as dt
from uuid import UUID

import pytest
from msgspec.structs import replace

from core.domain.gifts import AirtimeState, Claiming, GiftKind, PayOut, RoomState
from core.domain.orders import Verdict
from core.jobs.gifts import GiftDraws
from core.kit.crypto import Keyring
from core.services.gift_reminding import GiftReminding
from tests.fakes.books import DELIVERED, REFUSED, UNKNOWN
from tests.fakes.gifts import KEYRING, Gifts
from tests.fakes.router_office import ToldAlerts

HOUR_S, DAY_S = 3600.0, 86_400.0

STAYS, UNSURE = "notice.gift_airtime_stays", "notice.gift_airtime_unsure"


class Dials:
    """Where each gift is dialled."""

    async def dial(self, tenant_id: UUID, code: str) -> str:
        return "*347*9#"


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


async def test_a_seed_that_no_key_opens_is_one_alert_and_tried_ever_later(gifts: Gifts) -> None:
    """Until it opens, or the room ends in another way."""
    creator, joins = await gifts.person(1, 500), await gifts.person(2)
    alerts, clock = ToldAlerts(), gifts.books.clock
    draws = GiftDraws(gifts.rooms, KEYRING, alerts, clock, lease_s=60)
    kinds = {"kind": GiftKind.DRAW, "seats": 1, "seed_sealed": Keyring("lost").encrypt("00")}
    rooms = [await gifts.opened(creator, 100, **kinds) for _ in range(2)]
    for room in rooms:
        await gifts.claim(room, joins)

    tries = []
    for minute in range(200):
        due = await draws.due(10)
        tries += [minute] * len(due[:1])
        for each in due:
            await draws.draw(each)
        clock.advance(60)

    assert tries == [0, 1, 3, 7, 15, 31, 63, 123, 183]
    assert alerts.told == ["+gift_seed", "+gift_seed"]
    await gifts.end(rooms[0])
    await draws.due(10)
    assert alerts.told == ["+gift_seed", "+gift_seed", "-gift_seed"]

    found = GiftDraws(gifts.rooms, Keyring("lost"), alerts, clock, lease_s=60)
    clock.advance(3_600)
    [due_now] = await found.due(10)
    await found.draw(due_now)
    assert alerts.standing == {}
    assert (await gifts.stands(rooms[1])).state is RoomState.COMPLETED


async def test_whoever_has_no_pin_is_reminded_once_in_time(gifts: Gifts) -> None:
    creator, slow, quick = [await gifts.person(number, 900) for number in (1, 2, 3)]
    lasts = gifts.books.clock.now() + dt.timedelta(days=7)
    room = await gifts.opened(creator, 100, 70, 30, expires_at=lasts)
    for person in (slow, quick):
        await gifts.claim(room, person, registered=False)
    await gifts.registers(3)
    gifts.books.clock.advance(41 * HOUR_S)
    assert await gifts.rooms.due_reminders(10, 60) == []
    await gifts.freeze(room)
    gifts.books.clock.advance(2 * HOUR_S)
    assert await gifts.rooms.due_reminders(10, 60) == []
    await gifts.freeze(room, frozen=False)
    assert await gifts.rooms.due_reminders(10, 60) == []
    gifts.books.clock.advance(1.5 * HOUR_S)

    sharing = Dials()
    reminding = GiftReminding(gifts.rooms, sharing, gifts.books.outbox, gifts.books.clock)
    [due] = await gifts.rooms.due_reminders(10, 60)
    assert await gifts.rooms.due_reminders(10, 60) == []
    for _ in range(2):  # whoever died before it was noted does it again
        await reminding.remind(due)

    facts = {"code": room.code, "amount": 100, "currency": "NGN", "hours": 5, "dial": "*347*9#"}
    assert await gifts.told(slow) == [("notice.gift_reminder", facts)]
    gifts.books.clock.advance(61)
    assert await gifts.rooms.due_reminders(10, 60) == []
    assert [text for text, _ in await gifts.told(quick)] == ["notice.gift_paid"]


async def test_rooms_of_ones_own_are_the_latest_first_after_what_can_be_won(gifts: Gifts) -> None:
    """One that is all won waits for nobody's doing, though it has not ended."""
    creator, winner = await gifts.person(1, 900), await gifts.person(2)
    made = []
    for _ in range(4):
        made.append(await gifts.opened(creator, 100))
        gifts.books.clock.advance(60)
    open_first, ended, all_won, open_last = made
    await gifts.claim(ended, winner)
    await gifts.claim(all_won, winner, registered=False)

    rooms = await gifts.rooms.mine(creator.tenant_id, creator.id, 9)

    order = [open_last, open_first, all_won, ended]
    assert [room.id for room in rooms] == [room.id for room in order]
