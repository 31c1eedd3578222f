"""`callbox notices`: what could not be told, and having it told after all."""

import json
from typing import Any

from core.ports import NewNotice, NoticeRecord, SmsResult
from tests.fakes.admin import Desk
from tests.fakes.commands import Run, Said
from tests.fakes.post import FUNDED, Post, open_post

YEAR_S = 366 * 86_400


async def test_what_was_given_up_is_listed_and_tried_again(operator: Desk, run: Run) -> None:
    post = await open_post(operator.books)
    dead = await given_up(post)
    await post.leave("sent")
    await post.work()

    listed = rows(await run("notices", "list", "--given-up", "--json", *tenant(operator)))
    every = rows(await run("notices", "list", "--json", *tenant(operator)))
    table = await run("notices", "list", "--state", "given_up", *tenant(operator))
    again = await run("notices", "retry", str(dead.id), *tenant(operator))
    await post.later(YEAR_S)  # the command has a clock of its own

    assert [row["id"] for row in listed] == [str(dead.id)]
    assert (listed[0]["why"], listed[0]["text"]) == ("rejected", "notice.funded")
    assert {row["state"] for row in every} == {"given_up", "sent"}
    assert str(dead.id) in table.out
    assert post.customer.msisdn not in table.out + json.dumps(every)
    assert (again.status, again.out) == (0, "It is tried again.\n")
    assert FUNDED in [text for _, text in post.texted]


async def test_what_was_not_given_up_is_not_tried_again(operator: Desk, run: Run) -> None:
    post = await open_post(operator.books)
    await given_up(post)
    nothing = "01890000-0000-7000-8000-000000000000"

    unknown = await run("notices", "retry", nothing, *tenant(operator))

    assert unknown.status == 1
    assert unknown.err.startswith("callbox: No notice of this id was given up")


async def given_up(post: Post) -> NoticeRecord:
    notice: NewNotice = await post.leave("dead", channel_id=None)
    post.letters.answers = [SmsResult.REJECTED]
    await post.work()
    [dead] = await post.dead_letters.listed(notice.tenant_id, "given_up", 10)
    return dead


def rows(said: Said) -> list[dict[str, Any]]:
    assert said.status == 0, said.err
    found: list[dict[str, Any]] = json.loads(said.out)
    return found


def tenant(operator: Desk) -> tuple[str, str]:
    return "--tenant", operator.books.tenant.key
