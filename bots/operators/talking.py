"""Commands for talking to customers, and for being told of what happens."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

from bots.operators import words
from bots.operators.asking import Ask, Say
from bots.operators.core import OperatorCore
from core.domain.live_chat import LiveChat, LiveState
from core.ports import Paging

TAKE = "t"
_OPEN = (LiveState.WAITING, LiveState.TAKEN)
_SHOWN_MAX = 25
_SAID_MAX = 30
_HEAD = re.compile(r"Chat ([0-9A-Z]{5}) - ")


async def subscribe(core: OperatorCore, ask: Ask) -> Say:
    """Tell this chat of alerts, of waiting customers, and of each day."""
    new = await core.operations.chats.subscribe(ask.operator, ask.chat_id, await _today(core, ask))
    if not new:
        return Say("This chat is told already.")
    count = await core.alerts.count(ask.operator.tenant_id, "open")
    now = f" {count} are open now: /alerts." if count else ""
    return Say(f"This chat is told of alerts from now on.{now} /unsubscribe ends it.")


async def unsubscribe(core: OperatorCore, ask: Ask) -> Say:
    operator = ask.operator
    ended = await core.operations.chats.unsubscribe(operator.tenant_id, ask.chat_id, operator.actor)
    return Say("This chat is told no more." if ended else "This chat was not told anyway.")


async def chats(core: OperatorCore, ask: Ask) -> Say:
    """Customers who want to talk to a person."""
    found = await core.live_chats.listed(ask.operator.tenant_id, _OPEN, Paging(_SHOWN_MAX))
    return Say(words.of_chats(found[:_SHOWN_MAX], core.clock.now()))


async def take(core: OperatorCore, ask: Ask) -> Say:
    """Answer a customer from this chat, whoever did before."""
    if not ask.words:
        return Say("Which one? /take CODE")
    return await take_coded(core, ask, ask.words[0], over=True)


async def take_coded(core: OperatorCore, ask: Ask, code: str, *, over: bool) -> Say:
    """Raises `Problem`: it is over, or somebody else's and `over` is off."""
    operator = ask.operator
    chat = await core.live_chats.coded(operator.tenant_id, code)
    # Told of what comes before it is taken: nothing that is said meanwhile goes astray.
    await core.operations.chats.known(operator, ask.chat_id, await _today(core, ask))
    taken = await core.live_chats.take(chat, operator.actor, ask.chat_id, over=over)
    _, messages = await core.live_chats.show(operator.tenant_id, taken.id)
    return Say(words.of_chat(taken, messages[-_SAID_MAX:]))


async def reply(core: OperatorCore, ask: Ask) -> Say:
    """Say something to a customer."""
    if len(ask.words) < 2:  # noqa: PLR2004 - whom and what
        return Say("To whom, and what? /reply CODE WORDS")
    return await reply_to(core, ask, ask.words[0], ask.rest(1))


async def reply_to(core: OperatorCore, ask: Ask, code: str, text: str) -> Say:
    """Say it once, however often this message comes. Raises `Problem`."""
    operator = ask.operator
    chat = await core.live_chats.coded(operator.tenant_id, code)
    if chat.state is LiveState.WAITING:
        await core.operations.chats.known(operator, ask.chat_id, await _today(core, ask))
    await core.live_chats.say(chat, operator.actor, text, key=ask.key, operator_chat=ask.chat_id)
    return Say(f"On its way to {chat.code}.")


async def close(core: OperatorCore, ask: Ask) -> Say:
    """Hand a customer back to the menus."""
    operator = ask.operator
    if not ask.words:
        return Say("Which one? /close CODE")
    chat = await core.live_chats.coded(operator.tenant_id, ask.words[0])
    closed = await core.live_chats.close(chat, operator.actor)
    return Say(f"{words.chat_head(closed)}\nIt is over: {words.ended(closed)}.")


def coded_in(text: str) -> str | None:
    """Which chat a message of ours is about, by its first line, which holds no word of others."""
    found = _HEAD.match(text)
    return found.group(1) if found else None


def take_button(chat: LiveChat) -> tuple[str, str]:
    return "Take", f"{TAKE}:{chat.code}"


async def _today(core: OperatorCore, ask: Ask) -> dt.date:
    """The day whose digest was last due where the tenant is: the next one is the first to come."""
    tenant, at = await core.tenants.get(ask.operator.tenant_id), core.operations.digest_at
    local = core.clock.now().astimezone(ZoneInfo(tenant.time_zone)).replace(tzinfo=None)
    return (local - dt.timedelta(hours=at.hour, minutes=at.minute)).date()
