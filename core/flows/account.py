"""My account: the chat accounts that are linked to it, one more, and the language."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from babel.dates import format_date

from core.engine.flow import Flow
from core.engine.kinds import OPAQUE, Kind, Locale, Scalar, text
from core.engine.outcomes import Choice, Done
from core.engine.screens import (
    Act,
    Call,
    Confirm,
    End,
    Fact,
    Jump,
    Menu,
    Option,
    Pick,
)
from core.kit.letters import cut
from core.services.context import Context
from core.services.identities import Account

_TELEGRAM = "telegram"
# So many letters of a name leave room for the rest of it in the shortest list of any channel.
_CALLED_CHARS = 7
_NAME_CHARS = 24
_ACCOUNT = text(40)
_DATE = text(12)


def _as_it_is(value: Scalar, _: Locale) -> str:
    return str(value)


def _not_typed(_: str, __: Locale) -> Scalar:
    raise TypeError("made by a service, never typed")


LINK_TO_BOT = Kind(
    name="link to a bot",
    parse=_not_typed,
    show=_as_it_is,
    longest="https://t.me/" + "m" * 32 + "?start=" + "M" * 24,
    sample="https://t.me/callbox_bot?start=abc",
)
"""A link that lets whoever follows it in, once, within minutes."""


async def linked(ctx: Context) -> Sequence[Choice]:
    found = await ctx.desk.identities.accounts(ctx.customer)
    return [_choice(ctx, each) for each in found]


async def remove(ctx: Context) -> str:
    removed = await ctx.desk.identities.remove(
        ctx.customer,
        str(ctx.answers["account"]),
        here=(ctx.channel.id, ctx.identity),
        key=ctx.key,
    )
    return "removed" if removed else "gone"


async def bot(ctx: Context) -> str:
    if ctx.channel.kind == _TELEGRAM:
        return "here"
    return "some" if await ctx.desk.links.bot_of(ctx.tenant.id) else "none"


async def make_link(ctx: Context) -> Done:
    """By SMS where nothing can be tapped; else it is shown."""
    username = await ctx.desk.links.bot_of(ctx.tenant.id)
    if username is None:
        return Done("none")
    token = await ctx.desk.links.make_for_account(ctx.customer, _TELEGRAM, ctx.key)
    link = f"https://t.me/{username}?start={token}"
    if ctx.channel.kind == "ussd":
        await ctx.desk.links.text(ctx.customer, link, ctx.key)
        return Done("sent")
    return Done("shown", {"link": link})


def _choice(ctx: Context, account: Account) -> Choice:
    """The channel, what the person is called there, the last signs of the name, and since when."""
    identity, language = account.identity, ctx.locale.language
    day = identity.linked_at.astimezone(ZoneInfo(ctx.locale.time_zone))
    since = format_date(day, "d MMM yyyy", locale=language)
    kind = ctx.texts.get(language, f"channel.{account.kind}")
    short = " ".join(filter(None, (kind, cut(identity.called, _CALLED_CHARS), identity.ends)))
    whole = " ".join(filter(None, (kind, cut(identity.called, _NAME_CHARS), identity.ends)))
    return Choice(
        account.handle,
        f"{short} {since}",
        hint=ctx.texts.get(language, "account.since", name=whole, date=since),
        keep={"name": whole, "since": since},
    )


ACCOUNT = Flow(
    name="account",
    menu="account.menu",
    keywords=("account",),
    screens=(
        Menu(
            "what",
            "account.title",
            (
                Option("linked", "account.linked", to="linked", keywords=("linked",)),
                Option("telegram", "account.telegram", to="bot"),
                Option("language", "account.language", to="language"),
            ),
        ),
        Pick(
            "linked",
            "account.choose",
            linked,
            keep="account",
            kind=OPAQUE,
            keeps={"name": _ACCOUNT, "since": _DATE},
            to="sure",
            empty="none",
        ),
        Confirm("sure", "account.sure", yes="pin", no="what"),
        Call("pin", "ask_pin", to="remove", about="account.remove.pin"),
        Act(
            "remove",
            remove,
            {"removed": "removed", "gone": "removed"},
            pending="failed",
            fault="failed",
        ),
        Fact("bot", bot, {"some": "about", "none": "no_bot", "here": "here"}),
        Confirm("about", "account.about_telegram", yes="bot_pin", no="what"),
        Call("bot_pin", "ask_pin", to="make", about="account.telegram.pin"),
        Act(
            "make",
            make_link,
            {"sent": "sent", "shown": "shown", "none": "no_bot"},
            pending="failed",
            fault="failed",
            keeps={"link": LINK_TO_BOT},
            bare=("sent", "none"),
        ),
        Jump("language", "language"),
        Menu("none", "account.none"),
        Menu("no_bot", "account.no_bot"),
        Menu("here", "account.here"),
        End("removed", "account.removed"),
        End("sent", "account.link_sent"),
        End("shown", "account.link_shown"),
        End("failed", "account.failed"),
    ),
)
