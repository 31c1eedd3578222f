"""PINs: counted before they are compared."""

import asyncio
from dataclasses import dataclass

import pytest

from core.domain.customers import Customer
from core.kit.clock import SetClock
from core.kit.crypto import Keyring
from core.services.pins import Checked, PinCheck, PinRules, Pins, TooManyCodes, WeakPin
from tests.fakes.stores import AT, Letterbox, People, customer

RIGHT, WRONG = "7391", "4826"
KEYRING = Keyring("a phrase for tests")
MINUTE_S = 60


@dataclass
class World:
    pins: Pins
    people: People
    outbox: Letterbox
    clock: SetClock
    customer: Customer
    turn: int = 0

    async def check(self, pin: str, key: str | None = None) -> Checked:
        """One typing, in a turn of its own unless `key` says otherwise."""
        self.turn += 1
        return await self.pins.check(self.customer, pin, key or f"turn {self.turn}")

    def sent_code(self, key: str) -> str:
        return str(self.outbox.notices[f"code:{key}"].facts["code"])


@pytest.fixture
async def world() -> World:
    people, outbox, clock = People(), Letterbox(), SetClock(AT)
    made = World(
        Pins(people, outbox, KEYRING, clock, PinRules()), people, outbox, clock, customer()
    )
    await made.pins.set(made.customer, RIGHT)
    return made


async def test_the_right_pin_is_right_and_a_wrong_one_says_what_is_left(world: World) -> None:
    assert await world.check(RIGHT) == Checked(PinCheck.RIGHT)
    assert await world.check(WRONG) == Checked(PinCheck.WRONG, tries_left=2)
    assert await world.check(WRONG) == Checked(PinCheck.WRONG, tries_left=1)
    assert await world.check(WRONG) == Checked(PinCheck.LOCKED, locked_minutes=15)


async def test_the_right_pin_on_the_third_try_is_taken_and_wipes_the_slate(world: World) -> None:
    await world.check(WRONG)
    await world.check(WRONG)

    assert await world.check(RIGHT) == Checked(PinCheck.RIGHT)
    assert await world.check(WRONG) == Checked(PinCheck.WRONG, tries_left=2)


async def test_a_lock_holds_against_the_right_pin_until_its_last_second(world: World) -> None:
    for _ in range(3):
        await world.check(WRONG)

    assert await world.check(RIGHT) == Checked(PinCheck.LOCKED, locked_minutes=15)
    world.clock.advance(15 * MINUTE_S - 1)
    assert await world.check(RIGHT) == Checked(PinCheck.LOCKED, locked_minutes=1)
    world.clock.advance(1)
    assert await world.check(RIGHT) == Checked(PinCheck.RIGHT)


async def test_each_lock_is_longer_than_the_last_and_the_longest_stays(world: World) -> None:
    minutes = []
    for _ in range(4):
        await world.check(WRONG)
        await world.check(WRONG)
        locked = await world.check(WRONG)
        minutes.append(locked.locked_minutes)
        world.clock.advance(locked.locked_minutes * MINUTE_S)

    assert minutes == [15, 60, 24 * 60, 24 * 60]


async def test_knocking_while_locked_makes_the_lock_no_longer(world: World) -> None:
    for _ in range(20):
        await world.check(WRONG)
    world.clock.advance(15 * MINUTE_S)

    assert await world.check(RIGHT) == Checked(PinCheck.RIGHT)


async def test_the_same_pin_twice_in_one_turn_counts_once(world: World) -> None:
    again = [await world.check(WRONG, "one turn") for _ in range(5)]

    assert again == [Checked(PinCheck.WRONG, tries_left=2)] * 5


async def test_many_pins_under_one_key_count_each(world: World) -> None:
    """Requests sent side by side for one screen share its key; that must not buy free guesses."""
    guesses = [f"{number:04}" for number in range(7385, 7397)]

    results = [(await world.check(guess, "one turn")).result for guess in guesses]

    assert results == [PinCheck.WRONG] * 2 + [PinCheck.LOCKED] * 10


async def test_an_earlier_turn_sent_again_buys_no_guess_past_the_lock(world: World) -> None:
    await world.check(WRONG, "first")
    await world.check(WRONG, "second")
    await world.check(WRONG, "third")

    assert (await world.check(RIGHT, "first")).result is PinCheck.LOCKED
    assert (await world.check(WRONG, "first")).result is PinCheck.WRONG


async def test_guessing_in_parallel_compares_three_pins_at_most(world: World) -> None:
    guesses = [f"{number:04}" for number in range(3000, 3030)]

    results = await asyncio.gather(*(world.check(guess) for guess in [*guesses, RIGHT]))

    assert [found.result for found in results].count(PinCheck.WRONG) == 2
    assert results[-1].result is PinCheck.LOCKED
    assert PinCheck.RIGHT not in {found.result for found in results}


async def test_a_customer_without_a_pin_is_told_so_however_often_asked(world: World) -> None:
    world.customer = customer("2348099999999")

    assert {(await world.check(RIGHT)).result for _ in range(5)} == {PinCheck.UNSET}
    assert not await world.pins.is_set(world.customer)


async def test_a_new_pin_replaces_the_old_and_opens_the_lock(world: World) -> None:
    for _ in range(3):
        await world.check(WRONG)

    await world.pins.set(world.customer, WRONG)

    assert await world.check(WRONG) == Checked(PinCheck.RIGHT)
    assert await world.check(RIGHT) == Checked(PinCheck.WRONG, tries_left=2)


async def test_the_pin_is_kept_as_argon2id_only(world: World) -> None:
    kept = (await world.people.pin(world.customer)).hash

    assert kept is not None
    assert kept.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert RIGHT not in kept
    assert await world.pins.is_set(world.customer)


async def test_a_hash_that_cannot_be_read_lets_nobody_in(world: World) -> None:
    await world.people.set_pin(world.customer, "not a hash", AT)

    assert (await world.check(RIGHT)).result is PinCheck.WRONG


@pytest.mark.parametrize(
    "pin",
    [
        pytest.param("0000", id="zeros"),
        pytest.param("7777", id="one digit"),
        pytest.param("1234", id="counting up"),
        pytest.param("4321", id="counting down"),
        pytest.param("7890", id="counting up over the zero"),
        pytest.param("0987", id="counting down from the zero"),
        pytest.param("1212", id="a pair twice"),
        pytest.param("696969", id="a pair three times"),
        pytest.param("1987", id="a year of birth"),
        pytest.param("2003", id="a year of this century"),
        pytest.param("2580", id="the keypad's middle column"),
        pytest.param("4567", id="the end of the own number"),
        pytest.param("0803", id="the start of the own number"),
        pytest.param("123", id="too short"),
        pytest.param("", id="nothing"),
        pytest.param("73a1", id="a letter"),
        pytest.param("\u0667\u0663\u0669\u0661", id="digits that no handset sends"),
    ],
)
async def test_a_pin_that_a_thief_tries_first_is_refused(world: World, pin: str) -> None:
    with pytest.raises(WeakPin):
        world.pins.fingerprint(world.customer, pin)


@pytest.mark.parametrize("pin", [RIGHT, WRONG, "8051", "1243", "9038", "3127"])
async def test_an_ordinary_pin_is_taken(world: World, pin: str) -> None:
    kept = world.pins.fingerprint(world.customer, pin)

    assert pin not in kept
    assert world.pins.matches_fingerprint(world.customer, pin, kept)


async def test_a_fingerprint_matches_this_pin_of_this_customer_only(world: World) -> None:
    kept = world.pins.fingerprint(world.customer, RIGHT)

    assert not world.pins.matches_fingerprint(world.customer, WRONG, kept)
    assert not world.pins.matches_fingerprint(customer("2348099999999"), RIGHT, kept)


async def test_a_reset_code_goes_out_once_per_request_and_works_once(world: World) -> None:
    for _ in range(3):
        await world.pins.send_reset_code(world.customer, "request")

    assert len(world.outbox.notices) == 1
    notice = world.outbox.notices["code:request"]
    assert (notice.secret, notice.text, notice.facts["minutes"]) == (True, "notice.reset_code", 10)
    code = world.sent_code("request")
    assert len(code) == 6
    assert code.isdigit()
    assert await world.pins.use_reset_code(world.customer, code)
    assert not await world.pins.use_reset_code(world.customer, code)


async def test_a_reset_code_is_for_one_customer_and_ten_minutes(world: World) -> None:
    await world.pins.send_reset_code(world.customer, "request")
    code = world.sent_code("request")

    assert not await world.pins.use_reset_code(customer("2348099999999"), code)
    world.clock.advance(10 * MINUTE_S)
    assert not await world.pins.use_reset_code(world.customer, code)


async def test_the_same_request_once_the_code_is_over_sends_another(world: World) -> None:
    await world.pins.send_reset_code(world.customer, "request")
    world.clock.advance(11 * MINUTE_S)
    for _ in range(2):
        await world.pins.send_reset_code(world.customer, "request")

    assert list(world.outbox.notices) == ["code:request", "code:request:2"]
    assert not await world.pins.use_reset_code(world.customer, world.sent_code("request"))
    assert await world.pins.use_reset_code(world.customer, world.sent_code("request:2"))
    await world.pins.send_reset_code(world.customer, "request")
    assert len(world.outbox.notices) == 3


async def test_a_code_is_right_for_the_one_who_asked_and_spoilt_by_nobody_else(
    world: World,
) -> None:
    async def uses(by: str, code: str) -> bool:
        return await world.pins.use_code(world.customer, "link", code, to=by)

    await world.pins.send_code(world.customer, "link", "mine", "notice.link_code", to="me")
    await world.pins.send_code(world.customer, "link", "theirs", "notice.link_code", to="them")
    tries = [await uses("them", world.sent_code("mine")) for _ in range(4)]

    assert tries == [False] * 4
    assert not await uses("", world.sent_code("mine"))
    assert await uses("me", world.sent_code("mine"))


async def test_only_the_latest_reset_code_works(world: World) -> None:
    await world.pins.send_reset_code(world.customer, "first")
    await world.pins.send_reset_code(world.customer, "second")

    assert not await world.pins.use_reset_code(world.customer, world.sent_code("first"))
    assert await world.pins.use_reset_code(world.customer, world.sent_code("second"))


async def test_too_many_reset_codes_are_refused_and_none_is_sent(world: World) -> None:
    for number in range(3):
        await world.pins.send_reset_code(world.customer, f"request {number}")

    with pytest.raises(TooManyCodes):
        await world.pins.send_reset_code(world.customer, "one more")

    assert "code:one more" not in world.outbox.notices


async def test_reset_codes_are_spread_over_all_six_digits(world: World) -> None:
    """Codes taken from text instead of bytes would leave out one in six."""
    rests = set()
    for number in range(800):
        world.clock.advance(1200)
        await world.pins.send_reset_code(world.customer, f"request {number}")
        rests.add(int(world.sent_code(f"request {number}")) % 64)

    assert len(rests) == 64
