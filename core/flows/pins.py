"""The PIN: asked for before money moves, chosen at first, changed, and set anew by code."""

from core.engine.flow import Flow
from core.engine.kinds import COUNT, FLAG, MSISDN, OPAQUE
from core.engine.outcomes import Done, Masked
from core.engine.screens import Act, Call, Confirm, End, Exit, Fact, Menu, Option, Return, Secret
from core.kit.errors import Problem
from core.services.context import Context

# As many as end a code where it is kept; after that no answer to it can be right.
_CODE_TRIES = 3
_WRONG_CODE = Exit("code_again", keeps={"wrong_codes": COUNT})


async def pin_is_set(ctx: Context) -> str:
    return "yes" if await ctx.desk.pins.is_set(ctx.customer) else "no"


async def had_pin(ctx: Context) -> Done:
    return Done("ok", {"had": await ctx.desk.pins.is_set(ctx.customer)})


async def first_typing(ctx: Context, pin: Masked) -> Done:
    try:
        made = ctx.desk.pins.fingerprint(ctx.customer, pin.reveal())
    except Problem:
        return Done("wrong")
    return Done("ok", {"first": made})


async def second_typing(ctx: Context, pin: Masked) -> str:
    first = str(ctx.answers["first"])
    if not ctx.desk.pins.matches_fingerprint(ctx.customer, pin.reveal(), first):
        return "wrong"
    was_set = await ctx.desk.pins.set(ctx.customer, pin.reveal(), first=not ctx.answers["had"])
    return "ok" if was_set else "taken"


async def check_pin(ctx: Context, pin: Masked) -> str:
    checked = await ctx.desk.pins.check(ctx.customer, pin.reveal(), ctx.key)
    return checked.result.value


async def standing(ctx: Context) -> Done:
    """How many tries are left, or how long the lock still holds."""
    now = await ctx.desk.pins.standing(ctx.customer)
    keep = {"tries_left": now.tries_left, "locked_minutes": now.locked_minutes}
    return Done("locked" if now.locked_minutes else "open", keep)


async def own_number(ctx: Context) -> Done:
    return Done("ok", {"own": ctx.customer.msisdn})


async def send_code(ctx: Context) -> Done:
    if not await ctx.desk.linking.may_reset(ctx.customer):
        return Done("held")
    await ctx.desk.pins.send_reset_code(ctx.customer, ctx.key)
    return Done("sent", {"wrong_codes": 0})


async def check_code(ctx: Context, code: Masked) -> Done:
    if await ctx.desk.pins.use_reset_code(ctx.customer, code.reveal()):
        return Done("right")
    wrong = int(ctx.answers["wrong_codes"] or 0) + 1
    return Done("wrong", {"wrong_codes": wrong}) if wrong < _CODE_TRIES else Done("locked")


ASK_PIN = Flow(
    name="ask_pin",
    screens=(
        Fact("set", pin_is_set, {"yes": "pin", "no": "choose"}),
        Secret(
            "pin",
            "pin.enter",
            check_pin,
            {"right": "ok", "wrong": "tries", "locked": "lock", "unset": "choose"},
        ),
        Fact(
            "tries",
            standing,
            {"open": "again", "locked": "locked"},
            keeps={"tries_left": COUNT, "locked_minutes": COUNT},
        ),
        Secret(
            "again",
            "pin.enter_again",
            check_pin,
            {"right": "ok", "wrong": "tries", "locked": "lock", "unset": "choose"},
        ),
        Fact(
            "lock",
            standing,
            {"open": "again", "locked": "locked"},
            keeps={"tries_left": COUNT, "locked_minutes": COUNT},
        ),
        Call("choose", "set_pin", to="ok"),
        Return("ok"),
        End("locked", "pin.locked"),
    ),
)

SET_PIN = Flow(
    name="set_pin",
    screens=(
        Fact("had", had_pin, {"ok": "first"}, keeps={"had": FLAG}),
        Secret(
            "first",
            "pin.choose",
            first_typing,
            {"ok": "second", "wrong": "weak"},
            keeps={"first": OPAQUE},
            choosing=True,
        ),
        Secret(
            "weak",
            "pin.choose_weak",
            first_typing,
            {"ok": "second", "wrong": "weak"},
            keeps={"first": OPAQUE},
            choosing=True,
        ),
        Secret(
            "second",
            "pin.repeat",
            second_typing,
            {"ok": "set", "wrong": "differ", "taken": "taken"},
            choosing=True,
        ),
        Secret(
            "differ",
            "pin.choose_differ",
            first_typing,
            {"ok": "second", "wrong": "weak"},
            keeps={"first": OPAQUE},
            choosing=True,
        ),
        Return("set"),
        End("taken", "pin.taken"),
    ),
)

PIN = Flow(
    name="pin",
    menu="pin.menu",
    keywords=("pin",),
    screens=(
        Fact("known", pin_is_set, {"yes": "what", "no": "choose"}),
        Menu(
            "what",
            "pin.title",
            (
                Option("change", "pin.change", to="current"),
                Option("forgot", "pin.forgot", to="own"),
            ),
        ),
        Call("current", "ask_pin", to="choose", about="pin.change.pin"),
        Fact("own", own_number, {"ok": "forgot"}, keeps={"own": MSISDN}),
        Confirm("forgot", "pin.forgot_confirm", yes="send", no="what"),
        Act(
            "send",
            send_code,
            {"sent": "code", "held": "held", "code.too_many": "too_many"},
            pending="unsent",
            fault="unsent",
            keeps={"wrong_codes": COUNT},
            bare=("held",),
            commits=False,
        ),
        Secret(
            "code",
            "pin.code",
            check_code,
            {"right": "choose", "wrong": _WRONG_CODE, "locked": "code_failed"},
            digits=(6, 6),
        ),
        Secret(
            "code_again",
            "pin.code_again",
            check_code,
            {"right": "choose", "wrong": _WRONG_CODE, "locked": "code_failed"},
            digits=(6, 6),
        ),
        Call("choose", "set_pin", to="changed"),
        End("changed", "pin.changed"),
        End("held", "pin.code_held"),
        End("too_many", "pin.code_too_many"),
        End("unsent", "pin.code_unsent"),
        End("code_failed", "pin.code_failed"),
    ),
)
