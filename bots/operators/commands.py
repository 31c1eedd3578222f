"""The commands, who may give them, and how one is carried out."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bots.operators import acting, looking, staff, talking, words
from bots.operators.asking import Ask, Say
from bots.operators.core import OperatorCore
from core.domain.operators import Role
from core.kit.errors import Problem

Run = Callable[[OperatorCore, Ask], Awaitable[Say]]


@dataclass(frozen=True, slots=True)
class Command:
    """What it does, for whom at least, and how it is written."""

    run: Run
    least: Role
    about: str
    form: str = ""


async def _help(_: OperatorCore, ask: Ask) -> Say:
    role = ask.operator.role
    lines = [f"{ask.operator.name}, {role.value} of {ask.operator.tenant}. You may:"]
    lines += [
        f"/{name} {command.form}".rstrip() + f" - {command.about}"
        for name, command in COMMANDS.items()
        if role.may(command.least)
    ]
    return Say("\n".join(lines))


COMMANDS: Mapping[str, Command] = {
    "status": Command(looking.status, Role.VIEWER, "how each part is"),
    "alerts": Command(looking.alerts, Role.VIEWER, "what is wrong now"),
    "providers": Command(looking.providers, Role.VIEWER, "score, circuit and float of each"),
    "routers": Command(looking.routers, Role.VIEWER, "how routers are", "[NAME]"),
    "order": Command(looking.order, Role.VIEWER, "one order", "REFERENCE"),
    "payout": Command(looking.payout, Role.VIEWER, "one withdrawal", "REFERENCE"),
    "cases": Command(looking.cases, Role.VIEWER, "what only a person can settle"),
    "digest": Command(looking.digest, Role.VIEWER, "the last 24 hours"),
    "subscribe": Command(talking.subscribe, Role.VIEWER, "tell this chat of alerts"),
    "unsubscribe": Command(talking.unsubscribe, Role.VIEWER, "tell it no more"),
    "refund": Command(acting.refund, Role.SUPPORT, "give money back", "REFERENCE REASON"),
    "settle": Command(
        acting.settle, Role.SUPPORT, "end a withdrawal", "REFERENCE paid|not-paid EVIDENCE"
    ),
    "chats": Command(talking.chats, Role.SUPPORT, "customers who want a person"),
    "take": Command(talking.take, Role.SUPPORT, "answer one of them", "CODE"),
    "reply": Command(talking.reply, Role.SUPPORT, "say something to them", "CODE WORDS"),
    "close": Command(talking.close, Role.SUPPORT, "end it", "CODE"),
    "operators": Command(staff.listed, Role.ADMIN, "who may what"),
    "invite": Command(staff.invite, Role.ADMIN, "a code for another operator", "ROLE NAME"),
    "remove": Command(staff.remove, Role.ADMIN, "end one", "NAME"),
    "help": Command(_help, Role.VIEWER, "this list"),
}


async def carry_out(core: OperatorCore, name: str, ask: Ask) -> Say:
    """What is said to a command. Raises nothing that an operator can mend."""
    command = COMMANDS[name]
    if not ask.operator.role.may(command.least):
        return Say(f"That takes the role {command.least.value} at least; you are {_role(ask)}.")
    if not ask.private and ask.operator.role is Role.VIEWER and name in _SPEAKS_FOR_A_GROUP:
        return Say("In a group that takes the role support at least.")
    try:
        return await command.run(core, ask)
    except Problem as problem:
        return Say(words.of_problem(problem))


_SPEAKS_FOR_A_GROUP = frozenset({"subscribe", "unsubscribe"})


def _role(ask: Ask) -> str:
    return ask.operator.role.value
