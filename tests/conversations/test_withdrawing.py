"""Taking money out to a bank: what the customer sees at each turn, and where the money is after."""

import contextlib
from collections.abc import Iterator
from dataclasses import replace

import pytest

from core.domain.payouts import nuban_fits
from core.engine.outcomes import Pending
from core.services.payouts import NotOffered, OverWithdrawLimit
from tests.fakes.kiosk_core import Kiosk
from tests.fakes.paths import giving
from tests.fakes.world import PIN, Caller, World

ACCESS = "044"
SLOW, REFUSED, UNKNOWN, NO_NAME = "0000000304", "0000000305", "0000000321", "0000000323"


def account_of(bank: str, *, fits: bool = True, serial: int = 123456780) -> str:
    """A number with the right check digit of that bank, or with a wrong one."""
    numbers = (f"{serial}{digit}".zfill(10) for digit in range(10))
    return next(each for each in numbers if nuban_fits(bank, each) is fits)


@contextlib.contextmanager
def shut(*kiosks: Kiosk) -> Iterator[None]:
    """Withdrawals are switched off in these processes."""
    desks = [kiosk.core.conversations._desk.payouts for kiosk in kiosks]
    before = [desk._terms for desk in desks]
    for desk in desks:
        desk._terms = replace(desk._terms, offered=False)
    try:
        yield
    finally:
        for desk, terms in zip(desks, before, strict=True):
            desk._terms = terms


async def to_account(caller: Caller, account: str, amount: str = "500") -> None:
    """Ask for it, as far as the account number, at a bank whose numbers cannot be judged."""
    await caller.menu()
    await caller.enter("2", "4", amount, "1", account)


async def test_a_bank_goes_by_its_whole_name(world: World) -> None:
    caller = await world.caller(1000)
    account = account_of("214")
    await caller.menu()
    await caller.enter("2", "4", "500")
    await caller.choose("Another bank")
    await caller.enter("first city", "1", account)

    caller.sees(f"{account} First City Monument Bank.")


async def test_money_goes_to_the_account_whose_holder_was_shown(world: World) -> None:
    caller = await world.caller(1000)
    account = account_of(ACCESS)

    await caller.menu()
    await caller.enter("2", "4")
    caller.sees("How much do you want to withdraw?", "N100")
    await caller.enter("500")
    caller.sees("Your bank:", "2. Access Bank", "98. More")
    await caller.enter("2", account)
    caller.sees("N500 to", "SIM OKAFOR", account, "Access Bank", "Fee N25", "1. Send")
    await caller.enter("1", PIN)

    caller.sees("Done. N500 is in your account at Access Bank.", "Ref ")
    await caller.sms("N500 is in your account", account[-4:])
    assert await caller.money() == (475, 0)
    [made] = await paid_out(world, account)
    assert made["amount"] == "500.00"
    await caller.menu()
    caller.sees("Your withdrawal is in your account at Access Bank.")
    await caller.enter("2", "3")
    caller.sees("N525 to bank: done")


async def paid_out(world: World, account: str) -> list[dict[str, object]]:
    reply = await world.outside.http.get("/control/payouts", params={"account": account})
    listed: list[dict[str, object]] = reply.json()
    return listed


async def test_a_bank_that_is_not_listed_is_found_by_its_letters(world: World) -> None:
    caller = await world.caller(1000)

    await caller.menu()
    await caller.enter("2", "4", "500", "Another bank", "nosuch")
    caller.sees("We know no bank of that name.")
    await caller.enter("1")
    caller.sees("Name of your bank")
    await caller.enter("nosuch", "2")
    caller.sees("Your bank:")
    await caller.enter("Another bank", "fcmb")
    caller.sees("1. First City Monument", "2. Another bank")
    await caller.enter("2", "wema", "1", "0123456789")

    caller.sees("Wema Bank")


async def test_a_number_that_does_not_fit_the_bank_is_asked_about_and_not_refused(
    world: World,
) -> None:
    caller = await world.caller(1000)
    odd, right = account_of(ACCESS, fits=False), account_of(ACCESS, serial=223456780)

    await caller.menu()
    await caller.enter("2", "4", "500", "2", odd)
    caller.sees(f"{odd} does not look like an account at Access Bank")
    await caller.enter("2")
    caller.sees("Account number at Access Bank:")
    await caller.enter(odd, "1")
    caller.sees(odd, "1. Send")
    await caller.enter("2")
    caller.sees("Account number at Access Bank:")
    await caller.enter(right)
    caller.sees(right, "1. Send")
    await caller.enter("3")

    caller.sees("Cancelled")
    assert await caller.money() == (1000, 0)


async def test_an_account_that_the_bank_does_not_know(world: World) -> None:
    caller = await world.caller(1000)

    await to_account(caller, UNKNOWN)
    caller.sees("has no account 0000000321")
    await caller.enter("1")
    caller.sees("Account number at")
    await caller.enter(UNKNOWN, "2")

    caller.sees("Your bank:")


async def test_a_payout_that_takes_its_time_is_told_later(world: World) -> None:
    caller = await world.caller(1000, at=world.twin)

    await to_account(caller, SLOW)
    await caller.enter("1", PIN)

    caller.sees("We are sending N500", "SMS will tell you", "money is safe")
    assert await caller.money() == (475, 525)
    await caller.menu()
    caller.sees("Your withdrawal to", "is on its way")
    await caller.enter("2", "3")
    caller.sees("N525 to bank: on its way")


async def test_a_payout_that_is_refused_comes_back_at_once(world: World) -> None:
    caller = await world.caller(1000)

    await to_account(caller, REFUSED)
    await caller.enter("1", PIN)

    caller.sees("It could not be sent.", "N525 is back in your wallet")
    await caller.sms("did not go through")
    assert await caller.money() == (1000, 0)
    await caller.menu()
    caller.sees("came back")
    await caller.enter("2", "3")
    caller.sees("to bank: returned")


async def test_too_little_money_leads_to_funding_or_another_amount(world: World) -> None:
    caller = await world.caller(510)

    await caller.menu()
    await caller.enter("2", "4", "500")
    caller.sees("You need N525 with the fee of N25, and have N510.")
    await caller.enter("2")
    caller.sees("How much do you want to withdraw?")
    await caller.enter("500", "1")

    caller.sees("How much do you want to put in?")


@pytest.mark.parametrize(
    ("typed", "said"), [("99", "The least is N100."), ("100001", "The most is N100,000.")]
)
async def test_an_amount_out_of_bounds_is_asked_for_again(
    world: World, typed: str, said: str
) -> None:
    caller = await world.caller(1000)

    await caller.menu()
    await caller.enter("withdraw")
    if "withdraw" not in caller.screen:
        await caller.enter("2", "4")
    await caller.enter(typed)

    caller.sees(said, "How much do you want to withdraw?")


async def test_money_that_was_spent_meanwhile_is_not_there(world: World) -> None:
    caller = await world.caller(600)
    await to_account(caller, "0123456789")
    await caller.enter("1")
    await world.take(await caller.customer(), 100)

    await caller.enter(PIN)

    caller.sees("You need N525 with the fee of N25, and have N500.")


async def test_the_day_has_a_limit(world: World) -> None:
    caller = await world.caller(1000)
    await to_account(caller, "0123456789")

    with world.paths.instead_of("withdraw", "send", giving(OverWithdrawLimit())):
        await caller.enter("1", PIN)

    caller.sees("above your limit of N200,000 a day", "not been charged")


async def test_where_it_is_switched_off_nothing_is_asked(world: World) -> None:
    caller = await world.caller(1000)

    with shut(world.main, world.twin):
        await caller.menu()
        await caller.enter("2", "4")
    caller.sees("Withdrawals are not offered")

    await caller.menu()
    await caller.enter("2", "4", "500", "1")
    with shut(world.main, world.twin):
        await caller.enter("0123456789")
    caller.sees("Withdrawals are not offered")

    await to_account(caller, "0123456789")
    with world.paths.instead_of("withdraw", "send", giving(NotOffered())):
        await caller.enter("1", PIN)
    caller.sees("Withdrawals are not offered")
    assert await caller.money() == (1000, 0)


async def test_banks_that_cannot_be_reached_cost_nothing(world: World) -> None:
    caller = await world.caller(1000)

    with world.paths.instead_of("withdraw", "bank", giving([])):
        await caller.menu()
        await caller.enter("2", "4", "500")
    caller.sees("cannot reach the banks")

    await to_account(caller, NO_NAME)
    caller.sees("cannot reach the banks", "not been charged")
    for trouble in (
        world.paths.broken("withdraw", "check"),
        world.paths.instead_of("withdraw", "check", giving(Pending())),
    ):
        with trouble:
            await to_account(caller, "0123456789")
        caller.sees("cannot reach the banks", "not been charged")


async def test_trouble_while_sending_promises_nothing(world: World) -> None:
    caller = await world.caller(1000)

    for trouble in (
        world.paths.broken("withdraw", "send"),
        world.paths.instead_of("withdraw", "send", giving(Pending())),
    ):
        await to_account(caller, "0123456789")
        with trouble:
            await caller.enter("1", PIN)
        caller.sees("could not finish in time")


async def test_a_withdrawal_that_broke_off_long_ago_is_not_begun_again(world: World) -> None:
    caller = await world.caller(1000)
    await to_account(caller, "0123456789")

    with world.paths.instead_of("withdraw", "send", giving("lapsed")):
        await caller.enter("1", PIN)

    caller.sees("was broken off and not made", "not been charged")


@pytest.mark.parametrize("account", ["0000000302", "0000000316"], ids=["told once", "told thrice"])
async def test_a_payout_that_ends_later_is_told_once(world: World, account: str) -> None:
    caller = await world.caller(1000, at=world.twin)

    await to_account(caller, account)
    await caller.enter("1", PIN)
    caller.sees("We are sending N500")

    await caller.sms("N500 is in your account", account[-4:])
    assert await caller.money() == (475, 0)
    assert len(await paid_out(world, account)) == 1
    assert len(await world.outside.messages(caller.msisdn)) == 1
