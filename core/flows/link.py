"""The door of a chat: whoever has no number that the channel vouches for is asked for it."""

from core.engine.flow import Flow
from core.engine.kinds import COUNT, MSISDN
from core.engine.outcomes import Done, Masked
from core.engine.screens import Act, Ask, End, Exit, Fact, Jump, Secret
from core.kit.errors import Problem
from core.kit.msisdn import Msisdn, is_of
from core.services.context import Context

# As many as end a code where it is kept.
_CODE_TRIES = 3
_WRONG = Exit("code_again", keeps={"wrong_codes": COUNT})


async def of_here(ctx: Context) -> None:
    if not is_of(_number(ctx), ctx.locale.country):
        raise Problem("msisdn.not_sold_here")


async def send_code(ctx: Context) -> Done:
    await ctx.desk.linking.send_code(ctx.channel, ctx.identity, _number(ctx), ctx.key)
    return Done("sent", {"wrong_codes": 0})


async def check_code(ctx: Context, code: Masked) -> Done:
    right = await ctx.desk.linking.use_code(ctx.channel, ctx.identity, _number(ctx), code.reveal())
    if right:
        return Done("right")
    wrong = int(ctx.answers["wrong_codes"] or 0) + 1
    return Done("wrong", {"wrong_codes": wrong}) if wrong < _CODE_TRIES else Done("locked")


async def standing(ctx: Context) -> str:
    found = await ctx.desk.linking.standing(ctx.channel, ctx.identity, _number(ctx))
    return found.value


async def check_pin(ctx: Context, pin: Masked) -> str:
    checked = await ctx.desk.linking.check_pin(ctx.tenant.id, _number(ctx), pin.reveal(), ctx.key)
    return checked.result.value


async def join(ctx: Context) -> str:
    await ctx.desk.linking.join(ctx.channel, ctx.identity, _number(ctx))
    return "joined"


def _number(ctx: Context) -> Msisdn:
    return Msisdn(str(ctx.answers["msisdn"]))


_PIN_EXITS = {"right": "join", "wrong": "pin_again", "locked": "locked", "unset": "held"}

LINK = Flow(
    name="link",
    screens=(
        Ask(
            "number",
            "link.number",
            MSISDN,
            keep="msisdn",
            to="send",
            check=of_here,
            contact="standing",
        ),
        Act(
            "send",
            send_code,
            {"sent": "code", "code.too_many": "too_many"},
            pending="failed",
            fault="failed",
            keeps={"wrong_codes": COUNT},
            commits=False,
        ),
        Secret(
            "code",
            "link.code",
            check_code,
            {"right": "standing", "wrong": _WRONG, "locked": "wrong_code"},
            digits=(6, 6),
            once=True,
        ),
        Secret(
            "code_again",
            "link.code_again",
            check_code,
            {"right": "standing", "wrong": _WRONG, "locked": "wrong_code"},
            digits=(6, 6),
            once=True,
        ),
        Fact("standing", standing, {"free": "join", "taken": "pin", "held": "held"}),
        Secret("pin", "link.pin", check_pin, _PIN_EXITS),
        Secret("pin_again", "link.pin_again", check_pin, _PIN_EXITS),
        Act(
            "join",
            join,
            {"joined": "welcome", "link.taken": "held"},
            pending="failed",
            fault="failed",
        ),
        Jump("welcome", "home"),
        End("too_many", "link.too_many"),
        End("wrong_code", "link.wrong_code"),
        End("locked", "link.locked"),
        End("held", "link.held"),
        End("failed", "link.failed"),
    ),
)
