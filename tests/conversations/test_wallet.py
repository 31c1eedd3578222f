"""The wallet: what is in it, putting money in, and what became of the last transactions."""

import pytest

from core.engine.outcomes import Pending
from tests.fakes.paths import giving
from tests.fakes.telegram import TelegramPhone
from tests.fakes.world import MTN_CODE, PIN, Caller, World


async def link(caller: Caller, amount: str) -> str:
    """Ask for a payment link and answer the reference in the SMS that brings it."""
    await caller.dial()
    await caller.enter("2", "2", amount, "1")
    caller.sees("SMS with a link")
    return (await caller.sms("Pay N")).rsplit(" ", 1)[-1]


async def test_the_balance_of_a_wallet_that_was_never_used(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("2", "1")

    caller.sees("You can spend N0.", "0. Back", "00. Main menu")


async def test_money_set_aside_is_told_apart(world: World) -> None:
    caller = await world.caller(1000, at=world.twin)
    await world.plays("stuck_pending", caller.msisdn)
    await caller.dial("1*400")
    await caller.enter("1", PIN)
    caller.sees("We are sending N400")

    await caller.dial("8")
    await caller.enter("2", "1")
    caller.sees("You can spend N600.", "N400 is set aside")
    await caller.enter("0", "3")
    caller.sees("N400", caller.number, "on its way")

    await world.plays("ok", caller.msisdn)


async def test_money_is_put_in_through_a_link_and_shows(world: World) -> None:
    caller = await world.caller(pin=False)

    reference = await link(caller, "2,000")
    await caller.dial("8")
    await caller.enter("2", "3")
    caller.sees("N2,000 not paid yet")

    (await world.outside.pay(reference)).raise_for_status()
    await caller.sms("N2,000 has arrived", reference)
    assert await caller.money() == (2000, 0)
    await caller.dial("8")
    await caller.enter("2", "statement")
    caller.sees("+N2,000 received")


async def test_in_a_chat_the_link_comes_there_and_the_words_say_so(world: World) -> None:
    caller = await world.caller(pin=False)
    phone = TelegramPhone(world.control)
    await phone.start()
    await phone.share_contact(caller.msisdn)
    for words in ("/menu", "2", "2", "1000", "1"):
        await phone.say(words)

    await phone.receives("into your Callbox wallet: http")
    assert not any("SMS" in str(each["text"]) for each in await phone.messages())
    assert await world.outside.messages(caller.msisdn) == []


async def test_what_became_of_each_order_is_told(world: World) -> None:
    caller = await world.caller(1000)
    await world.plays("refused", caller.msisdn, next=1)
    await caller.dial("1*100")
    await caller.enter("1", PIN)
    caller.sees("back in your wallet")
    await caller.dial("1*200")
    await caller.enter("1", PIN)
    caller.sees("Done.")

    await caller.dial("8")
    await caller.enter("2", "3")

    caller.sees(f"N200 {caller.number}: done", f"N100 {caller.number}: refunded")


async def test_no_transactions_yet(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("2", "3")

    caller.sees("No transactions yet.", "0. Back")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("99", "The least is N100."),
        ("500001", "The most is N500,000."),
        ("100.50", "whole amount"),
        ("some", "Please enter an amount"),
    ],
)
async def test_an_amount_that_cannot_be_put_in_is_asked_for_again(
    world: World, typed: str, said: str
) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("2", "2", typed)
    caller.sees(said, "How much do you want to put in?")
    await caller.enter("1k")

    caller.sees("N1,000")


async def test_funding_can_be_left(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("fund", "500", "3")

    caller.sees("Cancelled")
    assert not caller.open
    assert await world.outside.messages(caller.msisdn) == []


async def test_without_a_bank_the_link_is_offered_alone(world: World) -> None:
    caller = await world.caller(pin=False)

    for answer, said in (("1", "SMS with a link"), ("2", "Cancelled")):
        with world.paths.instead_of("fund", "ways", giving("link")):
            await caller.menu()
            await caller.enter("2", "2", "500")
            caller.sees("We send a payment link by SMS.")
        await caller.enter(answer)
        caller.sees(said)


async def test_a_bank_account_takes_any_amount_any_number_of_times(world: World) -> None:
    caller = await world.caller(pin=False)

    await caller.dial()
    await caller.enter("2", "2", "2000", "2")
    caller.sees("Transfer N2,000 to 99", "SIM Bank", "We sent this by SMS.")
    told = await caller.sms("Your Callbox account", "Transfer any amount")
    number = told.partition("account: ")[2][:10]
    assert number in caller.screen

    for amount in ("2000", "150.50"):
        (await world.outside.pay(number, amount=amount)).raise_for_status()
        await caller.sms(f"N{float(amount):,.2f}".removesuffix(".00"), number)
    assert (await caller.money())[0] == 2150

    await caller.menu()
    await caller.enter("2", "3")
    caller.sees("+N2,000 received")


async def test_a_bank_account_that_was_opened_but_not_told_comes_by_sms(world: World) -> None:
    caller = await world.caller(pin=False)
    await world.outside.play("paystack", "account_lost", next=1)

    await caller.dial()
    await caller.enter("2", "2", "500", "2")

    # The reply was lost; whether the account is shown at once or sent, it is one and the same.
    await caller.sms("Your Callbox account")


async def test_a_bank_account_that_is_slow_to_open_comes_by_sms(world: World) -> None:
    caller = await world.caller(pin=False)

    with world.paths.instead_of("fund", "account", giving("coming")):
        await caller.dial()
        await caller.enter("2", "2", "500", "2")

    caller.sees("comes by SMS in a moment")


async def test_a_bank_that_wants_to_know_the_customer_first(world: World) -> None:
    caller = await world.caller(pin=False)
    await world.outside.play("paystack", "account_identity", next=1)

    await caller.dial()
    await caller.enter("2", "2", "500", "2")

    caller.sees("Our bank opens no account for you yet.", "Nothing was charged")
    await caller.menu()
    await caller.enter("2", "2", "500", "2")
    caller.sees("Transfer N500 to")


async def test_trouble_with_the_bank_costs_nothing(world: World) -> None:
    caller = await world.caller(pin=False)

    for trouble in (
        world.paths.broken("fund", "account"),
        world.paths.instead_of("fund", "account", giving(Pending())),
    ):
        with trouble:
            await caller.menu()
            await caller.enter("2", "2", "500", "2")
        caller.sees("could not open an account", "Nothing was charged")


async def test_a_slow_payment_gateway_sends_its_link_later(world: World) -> None:
    caller = await world.caller(pin=False, at=world.twin)
    await world.outside.play("paystack", "initialize_500", next=1)

    await caller.dial()
    await caller.enter("2", "2", "500", "1")

    caller.sees("comes by SMS in a moment")
    reference = caller.screen.rpartition("Ref ")[2].rstrip(".")
    funding = world.main.core.conversations._desk.funding
    assert await funding.hurry("paystack", [reference]) == 1
    # The next gateway in order gives the link, under a reference of its own.
    assert reference not in await caller.sms("Pay N500", "http")


async def test_a_link_whose_answer_was_lost_comes_under_another_reference(world: World) -> None:
    """The gateway refuses a reference that it has taken, so the worker asks under a fresh one."""
    caller = await world.caller(pin=False)
    await world.outside.play("paystack", "initialize_lost", next=1)

    await caller.dial()
    await caller.enter("2", "2", "500", "1")
    caller.sees("comes by SMS in a moment")
    spent = caller.screen.rpartition("Ref ")[2].rstrip(".")
    fresh = (await caller.sms("Pay N500")).rsplit(" ", 1)[-1]

    assert fresh != spent
    await caller.dial("8")
    await caller.enter("2", "3")
    assert caller.screen.count("N500 not paid yet") == 1
    (await world.outside.pay(spent)).raise_for_status()
    await caller.sms("N500 has arrived", spent)


async def test_money_in_another_currency_is_told_and_shown(world: World) -> None:
    """The simulated payer of this number pays in cedis."""
    caller = Caller(world, world.main, "2348030000211", MTN_CODE)

    reference = await link(caller, "500")
    (await world.outside.pay(reference)).raise_for_status()

    await caller.sms("We received GHS500", "which holds naira only", reference)
    assert await caller.money() == (0, 0)
    await caller.menu()
    await caller.enter("2", "3")
    caller.sees("GHS500: we will contact you")
    assert "not paid yet" not in caller.screen


async def test_the_same_amount_again_is_the_link_that_was_sent(world: World) -> None:
    caller = await world.caller(pin=False)
    reference = await link(caller, "500")

    await caller.menu()
    await caller.enter("2", "2", "500", "1")

    caller.sees("link for N500 a few minutes ago", reference)
    assert len(await world.outside.messages(caller.msisdn)) == 1


async def test_too_many_links_that_nobody_pays(world: World) -> None:
    caller = await world.caller(pin=False)
    for amount in ("100", "200", "300", "400", "500"):
        await caller.menu()
        await caller.enter("2", "2", amount, "1")
        caller.sees("SMS with a link")

    await caller.menu()
    await caller.enter("2", "2", "600", "1")

    caller.sees("several payment links", "Nothing was charged")
    assert not caller.open


async def test_trouble_with_the_payment_gateway_costs_nothing(world: World) -> None:
    caller = await world.caller(pin=False)

    for trouble in (
        world.paths.broken("fund", "start"),
        world.paths.instead_of("fund", "start", giving(Pending())),
    ):
        with trouble:
            await caller.menu()
            await caller.enter("2", "2", "500", "1")
        caller.sees("could not make a payment link", "Nothing was charged")
