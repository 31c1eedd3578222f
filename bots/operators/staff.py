"""Commands on operators themselves. A code that makes one is shown to nobody else."""

from bots.operators.asking import Ask, Say
from bots.operators.core import OperatorCore
from core.domain.operators import Role
from core.services.operators import CODE_LIFE

_WORDS_MIN = 2
_PRIVATE = "Ask for that in our own chat: here others read."


async def listed(core: OperatorCore, ask: Ask) -> Say:
    """Who may what."""
    lines = [
        f"{one.name}: {one.role.value}" + ("" if one.telegram_id else ", not joined yet")
        for one in await core.operations.desk.all(ask.operator.tenant_id)
    ]
    return Say("\n".join(lines))


async def invite(core: OperatorCore, ask: Ask) -> Say:
    """A code for another one to join with."""
    if not ask.private:
        return Say(_PRIVATE)
    role = ask.words[0].lower() if ask.words else ""
    if len(ask.words) < _WORDS_MIN or role not in set(Role):
        return Say(f"Say what they may do, and their name: /invite {'|'.join(Role)} NAME")
    name, operator = ask.rest(1), ask.operator
    code = await core.operations.desk.add(operator.tenant_id, name, Role(role), operator.actor)
    hours = int(CODE_LIFE.total_seconds() // 3600)
    return Say(f"{name} sends me this within {hours} hours: /join {code}")


async def remove(core: OperatorCore, ask: Ask) -> Say:
    """One is an operator no more, at once."""
    if not ask.words:
        return Say("Say who: /remove NAME")
    await core.operations.desk.remove(ask.operator.tenant_id, ask.rest(0), ask.operator.actor)
    return Say(f"{ask.rest(0)} is no operator any more.")
