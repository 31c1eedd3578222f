"""What is being given, from the answers so far: as a wish, and in words for whoever pays for it."""

import datetime as dt

from core.domain.gifts import Door, GiftKind, PayOut, Split
from core.engine.kinds import Scalar
from core.engine.outcomes import Done
from core.flows.gift_kinds import HOURS, several
from core.kit.money import Money
from core.kit.msisdn import Msisdn
from core.services.context import Context
from core.services.gift_wishes import GiftWish

# What a gift is unless something else is chosen in the review.
USUAL: dict[str, Scalar] = {
    "kind": GiftKind.RACE.value,
    "split": Split.RANDOM.value,
    "pay_out": PayOut.WALLET.value,
    "door": Door.ANYONE.value,
    "hours": 24,
    "message": "",
    "question": "",
    "answers": "",
    "right": 0,
    "draw_hours": 0,
    "seats": 0,
    "listed": "",
    "giver": "",
}


def wish_of(ctx: Context) -> GiftWish:
    answers = ctx.answers
    draw_hours = int(answers["draw_hours"] or 0)
    return GiftWish(
        total=Money(int(answers["amount"] or 0), ctx.locale.currency),
        shares=int(answers["shares"] or 0),
        kind=GiftKind(str(answers["kind"])),
        split=Split(str(answers["split"])),
        pay_out=PayOut(str(answers["pay_out"])),
        door=Door(str(answers["door"])),
        message=str(answers["message"] or ""),
        lasts=dt.timedelta(hours=int(answers["hours"] or 0)),
        listed=tuple(Msisdn(each) for each in str(answers["listed"] or "").split()),
        question=str(answers["question"] or ""),
        answers=several(answers["answers"]),
        answer=int(answers["right"] or 0),
        draw_after=dt.timedelta(hours=draw_hours) if draw_hours else None,
        seats=int(answers["seats"] or 0),
    )


def in_words(ctx: Context, giver: str) -> str:
    """All that a gift is which is being made, line by line, but for what a quiz asks."""
    answers, language = ctx.answers, ctx.locale.language

    def say(text: str, **facts: object) -> str:
        return ctx.texts.get(language, f"gift.{text}", **facts)

    parts = {name: say(f"{name}.{answers[name]}") for name in ("kind", "split", "pay_out", "door")}
    listed = answers["door"] == Door.LISTED.value
    lines = [
        say(
            "in_words.listed" if listed else "in_words",
            **parts,
            count=len(str(answers["listed"] or "").split()),
            time=HOURS.show(answers["hours"], ctx.locale),
        )
    ]
    if answers["kind"] == GiftKind.DRAW.value:
        how = "time" if answers["draw_hours"] else "full" if answers["seats"] else "end"
        time = HOURS.show(answers["draw_hours"], ctx.locale)
        lines.append(say(f"in_words.draw_{how}", time=time, seats=answers["seats"]))
    if answers["message"]:
        lines.append(say("in_words.message", message=answers["message"]))
    if giver:
        lines.append(say("in_words.giver", giver=giver))
    return "\n".join(lines)


async def asked(ctx: Context) -> Done:
    """What a quiz asks, and which answer wins: seen once more before it is paid for."""
    choices, right = several(ctx.answers["answers"]), int(ctx.answers["right"] or 0)
    if ctx.answers["kind"] != GiftKind.QUIZ.value or not 1 <= right <= len(choices):
        return Done("nothing")
    keep = {"choices": ", ".join(choices), "right_answer": choices[right - 1]}
    return Done("quiz", keep)
