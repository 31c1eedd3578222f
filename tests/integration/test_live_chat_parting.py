"""An account that is its customer's no more talks to no operator as that customer."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from bots.operators.words import of_post
from cli.demo import TENANT
from core.domain.chat import Moved
from core.domain.linking import Proof
from core.domain.live_chat import Heard, LiveChat, LiveState, Parted
from core.domain.operators import Operator
from core.kit.msisdn import Msisdn
from core.ports.live_chat import NotBegun, Wish
from core.services.live_chat import ChatOver
from tests.fakes.chat import House, Person
from tests.integration.test_live_chat import (
    DESK_CHAT,
    ada,
    address_of,
    asked_for,
    chat_of,
    house,
    said_in,
    told,
    tope,
)

__all__ = ["ada", "house", "tope"]

NUMBER = Msisdn("2348031234567")


async def unlinked(person: Person) -> None:
    await person.house.core.identities.unlink(
        person.customer, "telegram", person.identity, reason="stolen", actor="token:desk"
    )


async def removed(person: Person) -> None:
    """By its owner, on another channel."""
    desk, channel = person.house.core.identities, await person.house.channel()
    [account] = await desk.accounts(person.customer)
    assert await desk.remove(person.customer, account.handle, here=(channel.id, "?"), key="k")


async def released(person: Person) -> None:
    await person.house.core.identities.release(person.customer, reason="sold", actor="token:desk")


async def replaced(person: Person) -> None:
    linking = person.house.core.conversations._desk.linking
    await linking.join(await person.house.channel(), "new", NUMBER, Proof.CODE, over=True)


async def moved(person: Person) -> None:
    told = Moved(person.identity, "wamid.1")
    await person.house.core.aftermath.moved(await person.house.channel(), told)


@pytest.mark.parametrize(
    ("goes", "why"),
    [
        (unlinked, Parted.UNLINKED),
        (removed, Parted.UNLINKED),
        (moved, Parted.UNLINKED),
        (replaced, Parted.REPLACED),
        (released, Parted.RELEASED),
    ],
)
async def test_a_talk_ends_with_the_account_that_it_is_held_in(
    house: House,
    ada: Person,
    tope: Operator,
    goes: Callable[[Person], Awaitable[None]],
    why: Parted,
) -> None:
    chat = await asked_for(ada)
    await ada.says("I am the owner")
    await house.core.live_chats.say(chat, tope.actor, "Your balance is N1000, Ada", key="1")
    before = len(house.notebook.told)

    await goes(ada)
    await house.work()
    await ada.says("please refund me, I am Ada")

    ended = await chat_of(ada)
    assert (ended.state, ended.closed_by) == (LiveState.CLOSED, why.value)
    assert [text for _, text in await said_in(ada)] == [
        "I am the owner",
        "Your balance is N1000, Ada",
    ]
    _, messages = await house.core.live_chats.show(TENANT.id, chat.id)
    assert (messages[-1].state, messages[-1].why) == (Heard.FAILED, why.told)
    assert not [text for _, text in house.notebook.told[before:] if "N1000" in text]
    assert "What is your phone number?" in ada.screen.body
    with pytest.raises(ChatOver):
        await house.core.live_chats.say(chat, tope.actor, "Are you there?", key="2")


async def test_operators_are_told_that_it_ended_and_why(
    house: House, ada: Person, tope: Operator
) -> None:
    chat = await asked_for(ada)
    await house.core.live_chats.take(chat, tope.actor, DESK_CHAT)
    await house.core.live_chats.say(chat, tope.actor, "hello Ada", key="1")

    await unlinked(ada)

    assert (await told(house, DESK_CHAT))[-2:] == [("failed", "hello Ada"), ("closed", "")]
    posts = await house.core.operations.posts.due(TENANT.id, DESK_CHAT, 10)
    assert of_post(posts[-1], ()).endswith("It is over: this account was taken off the customer.")


async def test_nobody_hears_the_words_of_a_talk_that_was_over_before(
    house: House, ada: Person, tope: Operator
) -> None:
    """The operator closed it; what they said last is still on its way."""
    chat = await asked_for(ada)
    await house.core.live_chats.say(chat, tope.actor, "Your balance is N1000, Ada", key="1")
    await house.core.live_chats.close(chat, tope.actor)

    await unlinked(ada)
    await house.work()

    assert (await chat_of(ada)).closed_by == tope.actor
    assert house.notebook.told == []


async def test_a_talk_that_is_asked_for_while_the_account_goes_is_none(
    house: House, ada: Person, tope: Operator
) -> None:
    """Of the two, whichever is first: nothing is open when both are done."""
    channel = await house.channel()

    async def asks(number: int) -> LiveChat | NotBegun:
        wish = Wish(channel, ada.identity, ada.customer, key=f"w{number}", mark=f"m{number}")
        return await house.cores[1].live_chats.begin(wish)

    await asyncio.gather(asks(1), unlinked(ada), asks(2))

    assert await asks(3) is NotBegun.GONE
    assert await house.core.live_chats.count(TENANT.id, (LiveState.WAITING, LiveState.TAKEN)) == 0
    assert not await house.core.live_chats.present(await address_of(ada))
