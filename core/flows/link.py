"""The door of a chat: whoever has no number that the channel vouches for is asked for it."""

from core.domain.linking import Proof
from core.engine.flow import Flow
from core.engine.kinds import COUNT, MSISDN, OPAQUE
from core.engine.outcomes import Done, Masked
from core.engine.screens import (
    Act,
    Ask,
    Confirm,
    End,
    Exit,
    Fact,
    Jump,
    Menu,
    Option,
    Secret,
)
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
    language = ctx.locale.language
    await ctx.desk.linking.send_code(ctx.channel, ctx.identity, _number(ctx), ctx.key, language)
    return Done("sent", {"wrong_codes": 0})


async def check_code(ctx: Context, code: Masked) -> Done:
    right = await ctx.desk.linking.use_code(ctx.channel, ctx.identity, _number(ctx), code.reveal())
    if right:
        return Done("right")
    wrong = int(ctx.answers["wrong_codes"] or 0) + 1
    return Done("wrong", {"wrong_codes": wrong}) if wrong < _CODE_TRIES else Done("locked")


async def vouched(ctx: Context) -> Done:
    return await _standing(ctx, Proof.CHANNEL)


async def coded(ctx: Context) -> Done:
    return await _standing(ctx, Proof.CODE)


async def _standing(ctx: Context, proof: Proof) -> Done:
    number, language = _number(ctx), ctx.locale.language
    found = await ctx.desk.linking.standing(ctx.channel, ctx.identity, number, proof, language)
    return Done(found.value, {"proof": proof.value})


async def check_pin(ctx: Context, pin: Masked) -> str:
    checked = await ctx.desk.linking.check_pin(ctx.tenant.id, _number(ctx), pin.reveal(), ctx.key)
    return checked.result.value


async def join(ctx: Context) -> str:
    return await _join(ctx, over=False)


async def take_over(ctx: Context) -> str:
    return await _join(ctx, over=True)


async def _join(ctx: Context, *, over: bool) -> str:
    proof = Proof(str(ctx.answers["proof"]))
    await ctx.desk.linking.join(
        ctx.channel, ctx.identity, _number(ctx), proof, over=over, called=ctx.name
    )
    return "joined"


async def ask_for_help(ctx: Context) -> str:
    await ctx.desk.linking.ask_for_help(ctx.channel, ctx.identity, _number(ctx))
    return "asked"


def _number(ctx: Context) -> Msisdn:
    return Msisdn(str(ctx.answers["msisdn"]))


_STANDINGS = {"free": "join", "taken": "taken", "held": "held"}
_PIN_EXITS = {"right": "take_over", "wrong": "pin_again", "locked": "locked", "unset": "held"}
_JOINED = {"joined": "welcome", "link.taken": "held"}

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
            contact="vouched",
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
            {"right": "coded", "wrong": _WRONG, "locked": "wrong_code"},
            digits=(6, 6),
            once=True,
        ),
        Secret(
            "code_again",
            "link.code_again",
            check_code,
            {"right": "coded", "wrong": _WRONG, "locked": "wrong_code"},
            digits=(6, 6),
            once=True,
        ),
        Menu(
            "wrong_code",
            "link.wrong_code",
            (
                Option("again", "link.send_again", to="send"),
                Option("other", "link.other_number", to="number"),
            ),
        ),
        Fact("vouched", vouched, _STANDINGS, keeps={"proof": OPAQUE}),
        Fact("coded", coded, _STANDINGS, keeps={"proof": OPAQUE}),
        Menu(
            "taken",
            "link.taken",
            (
                Option("pin", "link.enter_pin", to="pin"),
                Option("forgot", "link.forgot_pin", to="held"),
            ),
        ),
        Secret("pin", "link.pin", check_pin, _PIN_EXITS),
        Secret("pin_again", "link.pin_again", check_pin, _PIN_EXITS),
        Act("join", join, _JOINED, pending="failed", fault="failed"),
        Act("take_over", take_over, _JOINED, pending="failed", fault="failed"),
        Jump("welcome", "home"),
        Confirm("held", "link.held", yes="help", no="number"),
        Act(
            "help",
            ask_for_help,
            {"asked": "asked"},
            pending="failed",
            fault="failed",
            commits=False,
        ),
        End("asked", "link.asked"),
        End("too_many", "link.too_many"),
        End("locked", "link.locked"),
        End("failed", "link.failed"),
    ),
)
