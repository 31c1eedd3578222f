"""My WiFi vouchers: what is left of them, the code once more, giving one away, the money back.

The list shows the beginnings of codes. The whole code is as good as money to whoever reads it, so
it is shown for the PIN; that it is sent once more needs none, as it goes to its owner's own number,
where it was sent before.
"""

from uuid import UUID

from core.domain.voucher_codes import login_link, masked
from core.domain.voucher_diagnosis import Finding, by_the_books
from core.engine.flow import Flow
from core.engine.kinds import MONEY, MSISDN, OPAQUE
from core.engine.outcomes import Choice, Done
from core.engine.screens import (
    Act,
    Ask,
    Call,
    Confirm,
    End,
    Exit,
    Fact,
    Jump,
    Menu,
    Option,
    Pick,
)
from core.flows.hotspot_kinds import (
    CODE,
    LEFT,
    LOGIN_LINK,
    PLACE,
    PLACE_CHARS,
    PLAN,
    PLAN_CHARS,
    can_be_texted,
    left_of,
    short,
)
from core.flows.kinds import REFERENCE
from core.kit.errors import Problem
from core.kit.msisdn import Msisdn
from core.services.context import Context
from core.services.voucher_care import Held

_SHOWN = 10
_OVER = {
    Finding.USED_UP: "used_up",
    Finding.EXPIRED: "expired",
    Finding.TAKEN_BACK: "taken_back",
    Finding.REFUNDED: "refunded",
    Finding.BLOCKED: "blocked",
    Finding.INACTIVE: "inactive",
}


async def mine(ctx: Context) -> list[Choice]:
    found = await ctx.desk.vouchers.mine(ctx.customer, _SHOWN)
    return [
        Choice(
            str(voucher.id),
            f"{voucher.head}.. {short(voucher.plan_name, PLAN_CHARS)}",
            masked(voucher.head, voucher.code_chars),
        )
        for voucher in found
    ]


async def look_up(ctx: Context) -> Done:
    """One of them, by the books."""
    held = await _held(ctx)
    if held is None:
        return Done("gone")
    voucher = held.voucher
    keep = {
        "plan_name": short(voucher.plan_name, PLAN_CHARS),
        "place": short(held.router.name if held.router else "", PLACE_CHARS),
        "left": left_of(ctx, voucher),
    }
    match by_the_books(voucher, ctx.desk.clock.now()):
        case Finding.ACTIVATING:
            sale = held.sale
            if sale is None or sale.customer_id != ctx.customer.id:
                return Done("activating", keep)
            return Done("waiting", {**keep, "amount": sale.amount_minor})
        case None:
            return Done("in_use" if voucher.first_login_at else "unused", keep)
        case finding:
            return Done(_OVER[finding], keep)


async def shown(ctx: Context) -> Done:
    """The code, to read: with its link where links can be tapped."""
    held = await _held(ctx)
    if held is None or held.voucher.sale_state.over or held.voucher.code is None:
        return Done("gone")
    voucher, code = held.voucher, held.voucher.code
    keep = {"code": code, "reference": voucher.reference or "-"}
    link = login_link(held.router.login_url, code) if held.router else ""
    if ctx.channel.kind == "ussd" or not link:
        return Done("code", keep)
    return Done("link", {**keep, "link": link})


async def send_again(ctx: Context) -> str:
    again = await ctx.desk.care.tell_again(ctx.customer, _voucher_id(ctx))
    return "sent" if again else "gone"


async def for_a_friend(ctx: Context) -> None:
    if ctx.answers["friend"] == ctx.customer.msisdn:
        raise Problem("wifi.is_yours")
    await can_be_texted(ctx, "friend")


async def give(ctx: Context) -> str:
    friend = Msisdn(str(ctx.answers["friend"]))
    given = await ctx.desk.care.give(ctx.customer, _voucher_id(ctx), friend)
    return "given" if given else "gone"


async def take_back(ctx: Context) -> str:
    taken = await ctx.desk.care.take_back(ctx.customer, _voucher_id(ctx))
    return "taken" if taken else "gone"


async def _held(ctx: Context) -> Held | None:
    return await ctx.desk.care.held(ctx.customer, _voucher_id(ctx))


def _voucher_id(ctx: Context) -> UUID:
    return UUID(str(ctx.answers["voucher"]))


_SHOW = Option("show", "wifi.mine.show", to="pin", keywords=("code",))
_AGAIN = Option("again", "wifi.mine.again", to="again", keywords=("resend",))
_TROUBLE = Option("trouble", "wifi.mine.trouble", to="trouble", keywords=("problem",))

MY_WIFI = Flow(
    name="my_wifi",
    screens=(
        Pick("mine", "wifi.mine", mine, keep="voucher", kind=OPAQUE, to="one", empty="none"),
        Menu("none", "wifi.mine.none", (Option("buy", "wifi.mine.buy", to="buy"),)),
        Jump("buy", "wifi"),
        Fact(
            "one",
            look_up,
            {
                "unused": "unused",
                "in_use": "in_use",
                "activating": "activating",
                "waiting": Exit("waiting", keeps={"amount": MONEY}),
                **{name: name for name in _OVER.values()},
                "gone": "gone",
            },
            keeps={"plan_name": PLAN, "place": PLACE, "left": LEFT},
            bare=("gone",),
        ),
        Menu(
            "unused",
            "wifi.is.unused",
            (_SHOW, _AGAIN, _TROUBLE, Option("give", "wifi.mine.give", to="friend")),
        ),
        Menu("in_use", "wifi.is.in_use", (_SHOW, _AGAIN, _TROUBLE)),
        Menu("activating", "wifi.is.activating", (_SHOW, _AGAIN, _TROUBLE)),
        Menu(
            "waiting",
            "wifi.is.activating",
            (_SHOW, _AGAIN, _TROUBLE, Option("back", "wifi.mine.back", to="sure_back")),
        ),
        *(Menu(name, f"wifi.is.{name}") for name in _OVER.values()),
        Menu("gone", "wifi.gone"),
        Jump("trouble", "wifi_help", give={"voucher": "voucher"}),
        Call("pin", "ask_pin", to="shown", about="wifi.mine.pin"),
        Fact(
            "shown",
            shown,
            {
                "code": "code",
                "link": Exit("code_and_link", keeps={"link": LOGIN_LINK}),
                "gone": "gone",
            },
            keeps={"code": CODE, "reference": REFERENCE},
            bare=("gone",),
        ),
        End("code", "wifi.code", receipt="reference"),
        End("code_and_link", "wifi.code_and_link", receipt="reference"),
        Act(
            "again",
            send_again,
            {"sent": "sent", "gone": "gone"},
            pending="failed",
            fault="failed",
            commits=False,
        ),
        End("sent", "wifi.sent_again"),
        Ask("friend", "wifi.friend", MSISDN, keep="friend", to="sure", check=for_a_friend),
        Confirm("sure", "wifi.give.sure", yes="give_pin", no="mine"),
        Call("give_pin", "ask_pin", to="give", about="wifi.give.pin"),
        Act("give", give, {"given": "given", "gone": "gone"}, pending="failed", fault="failed"),
        End("given", "wifi.given"),
        Confirm("sure_back", "wifi.back.sure", yes="take", no="mine"),
        Act(
            "take", take_back, {"taken": "taken", "gone": "gone"}, pending="failed", fault="failed"
        ),
        End("taken", "wifi.taken"),
        End("failed", "wifi.failed"),
    ),
)
