"""Help: how it works, a call from a person, and a person to talk to."""

from core.engine.flow import Flow
from core.engine.kinds import MSISDN
from core.engine.outcomes import Done
from core.engine.screens import Act, Confirm, End, Fact, Menu, Option
from core.flows.kinds import SERVICE_CODE
from core.ports.live_chat import NotBegun, Wish
from core.services.context import Context


async def service_code(ctx: Context) -> Done:
    ours = ctx.texts.get(ctx.locale.language, "help.our_code")
    return Done("ok", {"code": ctx.channel.service_code or ours})


async def own_number(ctx: Context) -> Done:
    return Done("ok", {"own": ctx.customer.msisdn})


async def ask_for_call(ctx: Context) -> str:
    noted = await ctx.desk.customers.ask_to_be_called(ctx.customer, ctx.key, ctx.desk.clock.now())
    return "noted" if noted else "again"


async def can_be_answered(ctx: Context) -> str:
    return "here" if ctx.desk.live.possible(ctx.channel) else "by_phone"


async def begin_talking(ctx: Context) -> str:
    wish = Wish(ctx.channel, ctx.identity, ctx.customer, ctx.key, ctx.mark)
    begun = await ctx.desk.live.begin(wish)
    return begun.value if isinstance(begun, NotBegun) else "begun"


HELP = Flow(
    name="help",
    menu="help.menu",
    keywords=("help",),
    screens=(
        Menu(
            "what",
            "help.title",
            (
                Option("how", "help.how", to="code"),
                Option("call", "help.call_me", to="own"),
                Option("talk", "help.talk_to_us", to="talk"),
            ),
        ),
        Fact("code", service_code, {"ok": "how"}, keeps={"code": SERVICE_CODE}),
        Menu("how", "help.how_text"),
        Fact("talk", can_be_answered, {"here": "begin", "by_phone": "own"}),
        Act(
            "begin",
            begin_talking,
            {"begun": "talking", "enough": "enough", "gone": "not_talking"},
            pending="not_talking",
            fault="not_talking",
            commits=False,
        ),
        End("talking", "help.talking"),
        End("enough", "help.enough"),
        End("not_talking", "help.not_talking"),
        Fact("own", own_number, {"ok": "call"}, keeps={"own": MSISDN}),
        Confirm("call", "help.call_confirm", yes="note", no="what"),
        Act(
            "note",
            ask_for_call,
            {"noted": "noted", "again": "asked"},
            pending="failed",
            fault="failed",
            commits=False,
        ),
        End("noted", "help.call_noted"),
        End("asked", "help.call_again"),
        End("failed", "help.call_failed"),
    ),
)
