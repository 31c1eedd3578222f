"""The language in which we speak."""

from collections.abc import Sequence

from babel import Locale as BabelLocale

from core.engine.flow import Flow
from core.engine.kinds import text
from core.engine.outcomes import Choice, Done
from core.engine.screens import Act, End, Fact, Menu, Pick
from core.services.context import Context

_NAME_MAX = 24
LANGUAGE = text(8)
LANGUAGE_NAME = text(_NAME_MAX)


def named(language: str) -> str:
    """What its speakers call it: `English`."""
    found = BabelLocale.parse(language).get_display_name(language) or language
    return (found[:1].upper() + found[1:])[:_NAME_MAX]


async def choice(ctx: Context) -> Done:
    several = len(ctx.texts.languages) > 1
    return Done("several" if several else "one", {"present": named(ctx.locale.language)})


async def languages(ctx: Context) -> Sequence[Choice]:
    return [
        Choice(each, named(each), keep={"chosen": each, "present": named(each)})
        for each in sorted(ctx.texts.languages)
    ]


async def speak(ctx: Context) -> Done:
    language = str(ctx.answers["chosen"])
    if language not in ctx.texts.languages:
        return Done("gone")
    await ctx.desk.customers.set_language(ctx.customer, language)
    return Done("spoken", {"language": language})


SPEAK = Flow(
    name="language",
    keywords=("language",),
    screens=(
        Fact("which", choice, {"one": "only", "several": "list"}, keeps={"present": LANGUAGE_NAME}),
        Menu("only", "language.only"),
        Pick(
            "list",
            "language.list",
            languages,
            keep="chosen",
            kind=LANGUAGE,
            keeps={"present": LANGUAGE_NAME},
            to="speak",
            empty="only",
        ),
        Act(
            "speak",
            speak,
            {"spoken": "spoken", "gone": "failed"},
            pending="failed",
            fault="failed",
            keeps={"language": LANGUAGE},
            bare=("gone",),
            commits=False,
        ),
        End("spoken", "language.spoken"),
        End("failed", "language.failed"),
    ),
)
