"""Who is an operator, and who is one no more: codes, groups, and what outlives nobody."""

import asyncpg
import pytest

from bots.operators import acting
from cli.demo import TENANT
from core.domain.operators import Role
from core.services.approvals import MayNotConfirm
from tests.fakes.books import Books
from tests.fakes.bot_api import AS_GROUP
from tests.fakes.operators import Desk
from tests.fakes.waiting import until
from tests.integration.test_operators_bot import (
    BOLA,
    GROUP,
    STRANGER,
    TOPE,
    UCHE,
    books,
    desk,
    in_doubt,
    state_of,
)

__all__ = ["books", "desk"]  # fixtures


async def test_whoever_writes_as_a_group_is_nobody(desk: Desk) -> None:
    """All who do so share one id: it stands for no operator, in that group or in any."""
    code = await desk.core.operations.desk.add(TENANT.id, "Tope", Role.APPROVER, "cli:root")

    for text in (f"/join {code}", "/cases", "hello"):
        desk.api.writes(STRANGER, text, chat_id=GROUP, as_group=True)
        desk.api.writes(STRANGER, text, as_group=True)
    await desk.api.idle()

    assert desk.api.sent == []
    assert await desk.core.operations.desk.known(AS_GROUP) is None


async def test_a_code_is_taken_in_private_only(desk: Desk) -> None:
    code = await desk.core.operations.desk.add(TENANT.id, "Tope", Role.APPROVER, "cli:root")

    desk.api.writes(TOPE, f"/join {code}", chat_id=GROUP)
    await desk.api.idle()

    assert desk.api.sent == []
    assert await desk.core.operations.desk.known(TOPE) is None
    assert (await desk.api.asked(TOPE, f"/join {code}")).text.startswith("Welcome, Tope")


async def test_what_somebody_asked_who_was_removed_since_is_not_confirmed(
    desk: Desk, books: Books
) -> None:
    await desk.joins(TOPE, "Tope", Role.SUPPORT)
    await desk.joins(UCHE, "Uche", Role.APPROVER)
    order = await in_doubt(books)
    await desk.api.asked(TOPE, f"/refund {order} it never came")
    await until(lambda: desk.api.in_chat(UCHE))
    asked = desk.api.in_chat(UCHE)[-1]
    await desk.core.operations.desk.remove(TENANT.id, "Tope", "cli:root")

    answer = await desk.api.tapped(UCHE, asked, "Confirm")
    assert answer == "Tope is no operator any more. Ask for it yourself."
    assert await state_of(desk, order) == "held"
    assert (asked.buttons, asked.text.endswith(f". {answer}")) == ({}, True)


async def test_nor_is_anything_by_somebody_removed_while_they_tap(desk: Desk, books: Books) -> None:
    """They were looked up before, and the tap is decided after."""
    tope = await desk.joins(TOPE, "Tope", Role.APPROVER)
    order = await in_doubt(books)
    asked = await desk.api.asked(TOPE, f"/refund {order} it never came")
    _, request_id, nonce = acting.read(asked.buttons["Confirm"])
    await desk.core.operations.desk.remove(TENANT.id, "Tope", "cli:root")

    for confirm in (True, False):
        with pytest.raises(MayNotConfirm):
            await desk.core.operations.approvals.decide(request_id, tope, nonce, confirm=confirm)
    assert await state_of(desk, order) == "held"


async def test_an_admin_makes_and_removes_operators(desk: Desk, owner: asyncpg.Connection) -> None:
    await desk.joins(BOLA, "Bola", Role.ADMIN)

    assert "viewer|support|approver|admin" in (await desk.api.asked(BOLA, "/invite boss Ann")).text
    in_group = await desk.api.asked(BOLA, "/invite viewer Ann", chat_id=GROUP)
    invited = await desk.api.asked(BOLA, "/invite support Tope of Lagos")
    code = invited.text.rpartition(" ")[2]
    welcome = await desk.api.asked(TOPE, f"/join {code}")
    listed = await desk.api.asked(BOLA, "/operators")
    twice = await desk.api.asked(BOLA, "/invite viewer Tope of Lagos")
    gone = await desk.api.asked(BOLA, "/remove Tope of Lagos")
    again = await desk.api.asked(BOLA, "/remove Tope of Lagos")

    assert "others read" in in_group.text
    assert welcome.text.startswith("Welcome, Tope of Lagos: support of Callbox demo")
    assert listed.text == "Bola: admin\nTope of Lagos: support"
    assert "remove them first" in twice.text
    assert gone.text == "Tope of Lagos is no operator any more."
    assert again.text == "There is no operator of that name."
    assert await desk.core.operations.desk.known(TOPE) is None
    kinds = [
        row["kind"]
        for row in await owner.fetch("select kind from events where actor = 'operator:Bola'")
    ]
    assert kinds.count("operator.invited") == kinds.count("operator.removed") == 1


async def test_and_nobody_else_does(desk: Desk) -> None:
    await desk.joins(TOPE, "Tope", Role.APPROVER)
    await desk.joins(BOLA, "Bola", Role.ADMIN)

    for text in ("/operators", "/invite admin Friend", "/remove Bola"):
        said = await desk.api.asked(TOPE, text)
        assert said.text == "That takes the role admin at least; you are approver."
    assert await desk.core.operations.desk.known(BOLA) is not None
