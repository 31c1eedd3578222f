"""It does not work: what is the matter with a voucher, as its router says now, and what helps."""

from uuid import UUID

from core.domain.voucher_codes import typed
from core.domain.voucher_diagnosis import Finding
from core.engine.flow import Flow
from core.engine.kinds import OPAQUE, Kind, Locale, Scalar
from core.engine.outcomes import Done
from core.engine.screens import Act, Ask, End, Fact, Jump, Menu, Option
from core.flows.hotspot_kinds import LEFT, MOMENT, PLACE, PLACE_CHARS, left_of, moment, short
from core.kit.errors import Problem
from core.services.context import Context


def _read_code(text: str, _: Locale) -> Scalar:
    if (code := typed(text)) is None:
        raise Problem("wifi.code_unreadable")
    return code


TYPED_CODE = Kind(
    name="typed voucher code",
    parse=_read_code,
    show=lambda _, __: "****",
    longest="****",
    sample="K7QM2XV9TA",
    problems=("wifi.code_unreadable",),
    shown=False,
)


async def find(ctx: Context) -> Done:
    found = await ctx.desk.care.typed(ctx.customer, str(ctx.answers["typed"]))
    return Done("unknown") if found is None else Done("known", {"voucher": str(found)})


async def look(ctx: Context) -> Done:
    """Ask the router, and put it right where that is ours to do."""
    diagnosis = await ctx.desk.care.diagnose(ctx.customer, _voucher_id(ctx), ctx.until)
    if diagnosis is None:
        return Done("unknown")
    held, finding = diagnosis.held, diagnosis.finding
    router, sale = held.router, held.sale
    keep: dict[str, Scalar] = {
        "place": short(router.name if router else "", PLACE_CHARS),
        "since": moment(ctx, router.status_since if router else None),
        "by": moment(ctx, sale.refund_at if sale else None),
        "left": left_of(ctx, held.voucher),
    }
    if finding is Finding.ACTIVATING and sale is None:
        return Done("activating_unpaid", keep)
    return Done(finding.value, keep)


async def log_out(ctx: Context) -> str:
    done = await ctx.desk.care.log_out(ctx.customer, _voucher_id(ctx), ctx.until)
    return "logged_out" if done else "failed"


def _voucher_id(ctx: Context) -> UUID:
    return UUID(str(ctx.answers["voucher"]))


_TALK = Option("talk", "wifi.why.talk", to="talk")
# What nothing is left to do about: the words alone.
_TOLD = (
    "activating",
    "activating_unpaid",
    "taken_back",
    "refunded",
    "used_up",
    "expired",
    "not_started",
    "good",
)
# What a person of ours has to do with.
_OURS = ("blocked", "inactive", "offline", "missing")

WIFI_HELP = Flow(
    name="wifi_help",
    takes={"voucher": OPAQUE},
    screens=(
        Act(
            "look",
            look,
            {**{name: name for name in (*_TOLD, *_OURS, "other_device", "unclear", "unknown")}},
            pending="later",
            fault="later",
            keeps={
                "place": PLACE,
                "since": MOMENT,
                "by": MOMENT,
                "left": LEFT,
            },
            bare=("unknown",),
            commits=False,
        ),
        *(Menu(name, f"wifi.why.{name}") for name in _TOLD),
        *(Menu(name, f"wifi.why.{name}", (_TALK,)) for name in _OURS),
        *(
            Menu(name, f"wifi.why.{name}", (Option("look", "wifi.why.again", to="look"), _TALK))
            for name in ("unclear", "later")
        ),
        Menu(
            "other_device",
            "wifi.why.other_device",
            (Option("log_out", "wifi.why.log_out", to="log_out"),),
        ),
        Act(
            "log_out",
            log_out,
            {"logged_out": "logged_out", "failed": "later"},
            pending="later",
            fault="later",
            commits=False,
        ),
        End("logged_out", "wifi.why.logged_out"),
        Menu("unknown", "wifi.why.unknown"),
        Jump("talk", "help"),
    ),
)

WIFI_CHECK = Flow(
    name="wifi_check",
    screens=(
        Ask("code", "wifi.check", TYPED_CODE, keep="typed", to="find"),
        Fact(
            "find",
            find,
            {"known": "look", "unknown": "unknown"},
            keeps={"voucher": OPAQUE},
            bare=("unknown",),
        ),
        Jump("look", "wifi_help", give={"voucher": "voucher"}),
        Menu("unknown", "wifi.why.unknown", (Option("code", "wifi.check.again", to="code"),)),
    ),
)
