"""`callbox messages`: what could not be answered, and having it answered after all."""

import json

from core.domain.chat import ChatMessage, Doing
from tests.fakes.admin import Desk
from tests.fakes.commands import Run
from tests.fakes.post import open_post


async def test_what_was_parked_is_listed_and_tried_again(operator: Desk, run: Run) -> None:
    post, tenant = await open_post(operator.books), ("--tenant", operator.books.tenant.key)
    message = ChatMessage("m-parked", post.identity, Doing.TEXT, text="what nobody may read")
    await post.inbox.put(post.channel, [message], post.books.clock.now())
    [talk] = await post.inbox.claim(10, 60)
    await post.inbox.park(talk, message, "RuntimeError", last=True)

    listed = await run("messages", "list", "--json", *tenant)
    [row] = json.loads(listed.out)
    again = await run("messages", "retry", str(row["number"]), *tenant)
    twice = await run("messages", "retry", str(row["number"]), *tenant)
    post.books.clock.advance(366 * 86_400)  # the command has a clock of its own
    [talk] = await post.inbox.claim(10, 60)

    assert (row["channel"], row["why"]) == ("telegram", "RuntimeError")
    assert "nobody may read" not in listed.out
    assert (again.status, again.out) == (0, "It is tried again.\n")
    assert twice.err.startswith("callbox: No message of this number is parked")
    assert talk.messages == (message,)
