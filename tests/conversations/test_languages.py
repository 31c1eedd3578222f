"""The language: asked for by name, chosen where there are several, and used at once."""

import pytest

from core.engine.outcomes import Failed, Pending
from core.kit.texts import Texts
from tests.conversations.test_the_door import known
from tests.fakes.paths import answering, giving
from tests.fakes.whatsapp import WhatsAppPhone
from tests.fakes.world import World


async def test_with_one_language_it_is_said_kindly(world: World) -> None:
    phone = WhatsAppPhone(world.control, await known(world, 0))

    await phone.say("/language")

    phone.sees("We speak English for now")


async def test_it_is_under_my_account_too(world: World) -> None:
    caller = await world.caller()
    await caller.menu()
    await caller.choose("My account")

    await caller.choose("Language")

    caller.sees("English")


@pytest.fixture
def with_pidgin(world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    """A second language of a few words; for all others English stands in."""
    few = {"language.spoken": "Thank you o. {present} na im we go dey speak."}
    core = world.main.core
    english = {key: core.texts._find("en", key).source for key in core.texts.keys}
    both = Texts({"en": english, "pcm": few})
    for texts in (core.texts, core.conversations.machine._texts):
        monkeypatch.setattr(texts, "_texts", both._texts)
    return "pcm"


async def test_another_language_is_spoken_at_once(world: World, with_pidgin: str) -> None:
    caller = await world.caller()
    await caller.menu()
    await caller.choose("My account")
    await caller.choose("Language")
    caller.sees("Which language")
    await caller.enter("2")

    caller.sees("na im we go dey speak")
    assert (await caller.customer()).language == with_pidgin


async def test_a_language_may_be_gone_or_not_be_had(world: World, with_pidgin: str) -> None:
    caller = await world.caller()
    for trouble in (answering("gone"), giving(Failed()), giving(Pending())):
        await caller.menu()
        await caller.choose("My account")
        await caller.choose("Language")
        with world.paths.instead_of("language", "speak", trouble):
            await caller.enter("2")
        caller.sees("did not work")


async def test_a_list_that_is_empty_says_which_one_it_is(world: World, with_pidgin: str) -> None:
    caller = await world.caller()
    await caller.menu()
    await caller.choose("My account")
    with world.paths.instead_of("language", "list", giving(())):
        await caller.choose("Language")

    caller.sees("English")
