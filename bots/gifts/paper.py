"""What is printed on the page of a gift, in the tenant's language."""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, assert_never
from zoneinfo import ZoneInfo

from babel.core import Locale, UnknownLocaleError
from babel.dates import format_datetime

from bots.forms import templates
from core.domain.customers import Tenant
from core.domain.gift_pages import (
    AskAnswer,
    AskCode,
    AskNumber,
    Denied,
    GiftSight,
    Settled,
    Shut,
    Slip,
    Step,
    TryAgain,
    how_it_stands,
)
from core.domain.gifts import (
    AirtimeState,
    Claimed,
    Claiming,
    ClaimState,
    Door,
    GiftKind,
    Room,
    RoomState,
    Split,
)
from core.kit.money import Money, show
from core.kit.msisdn import Msisdn, local, masked
from core.kit.texts import FALLBACK, Texts
from core.services.gift_pages import WINNERS_SHOWN
from core.services.gift_sharing import giver_of

Facts = Mapping[str, object]

_BRAND: Final = "Callbox"
_DATE: Final = "EEE d MMM, HH:mm"
_EXAMPLE: Final = "08031234567"
_IN_WALLET: Final = (AirtimeState.KEPT, AirtimeState.UNSURE)


@dataclass(frozen=True, slots=True)
class Told:
    """What became of it, in words. `how`: what to do now, where there is something."""

    title: str
    text: str
    good: bool = False
    how: str = ""


@dataclass(frozen=True, slots=True)
class Winner:
    """`note`: what keeps it from being in their hands as money, or ""."""

    name: str
    amount: str
    note: str
    ticket: int


class GiftPaper:
    """The templates, filled."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._templates = templates("gift.html", "gift_none.html")

    def gift(self, sight: GiftSight, step: Step, *, acting: bool = False) -> str:
        """With `acting`, somebody has sent a form: what comes of it is what they want to see."""
        words = _Words(self._texts, sight.tenant)
        found = self._templates.get_template("gift.html")
        return found.render(acting=acting, **_facts(words, sight), **_asked(words, sight, step))

    def none(self, kind: str) -> str:
        """There is no gift to show: `unknown`, `refused` or `failed`."""
        found = self._templates.get_template("gift_none.html")
        title, text = f"page.gift.{kind}.title", f"page.gift.{kind}.text"
        return found.render(
            language=FALLBACK,
            brand=_BRAND,
            title=self._texts.get(FALLBACK, title),
            text=self._texts.get(FALLBACK, text),
        )

    def progress(self, tenant: Tenant, room: Room) -> str:
        """What a page that is open already shows of it now: JSON, in one line."""
        return json.dumps(_progress(_Words(self._texts, tenant), room))


class _Words:
    """Words of the page, and dates, as this tenant's customers read them."""

    def __init__(self, texts: Texts, tenant: Tenant) -> None:
        self._texts = texts
        self._zone = ZoneInfo(tenant.time_zone)
        self.language = tenant.language if tenant.language in texts.languages else FALLBACK
        try:
            self._locale = Locale.parse(self.language)
        except (UnknownLocaleError, ValueError):
            self._locale = Locale.parse(FALLBACK)

    def say(self, key: str, **facts: object) -> str:
        return self._texts.get(self.language, f"page.gift.{key}", **facts)

    def count(self, key: str, number: int, **facts: object) -> str:
        """Where one is said otherwise than many."""
        one = f"{key}.one"
        said = one if number == 1 and self._texts.has(f"page.gift.{one}") else key
        return self.say(said, shares=number, people=self.people(number), **facts)

    def people(self, number: int) -> str:
        return self.say("people.one" if number == 1 else "people", shares=number)

    def at(self, moment: dt.datetime) -> str:
        return format_datetime(moment.astimezone(self._zone), _DATE, locale=self._locale)


def _facts(words: _Words, sight: GiftSight) -> Facts:
    """What everybody sees."""
    room, shares = sight.room, sight.room.shares
    amount = show(room.total)
    door = words.say(f"door.{room.door}") if room.door is not Door.ANYONE else ""
    brings = (words.say(f"brings.{room.kind}"), words.say(f"as.{room.pay_out}"))
    return {
        "language": words.language,
        "say": words.say,
        "brand": sight.tenant.name,
        "room": room,
        "ways": sight.ways,
        "title": words.say("title", giver=giver_of(room)),
        "about": words.say("about", amount=amount, people=words.people(shares)),
        "amount": amount,
        "amount_for": words.count("amount_for", shares),
        "notes": [note for note in (*brings, door) if note],
        "when": _when(words, room),
        "progress": _progress(words, room),
        "over": _over(words, sight) if room.state.final else None,
        "replay": _replay(room),
    }


def _replay(room: Room) -> str:
    """The command that does its chance again, from what this page says alone; "" for none."""
    if not room.seed or room.split is not Split.RANDOM:
        return ""
    said = f"callbox gifts verify --seed {room.seed} --total {room.total.minor}"
    said = f"{said} --shares {room.shares}"
    if room.drawn_at is not None:
        said = f"{said} --tickets {room.joined}"
    if room.unit_minor > 1:
        said = f"{said} --floor {room.floor_minor} --unit {room.unit_minor}"
    return said


def _when(words: _Words, room: Room) -> str:
    if room.state is RoomState.FROZEN:
        return words.say("state.looked_at")
    if room.kind is not GiftKind.DRAW:
        return words.say("until", at=words.at(room.expires_at))
    at = words.at(room.draw_at or room.expires_at)
    return words.say("draw_full", seats=room.seats, at=at) if room.seats else _lots(words, room)


def _lots(words: _Words, room: Room) -> str:
    return words.say("draw_at", at=words.at(room.draw_at or room.expires_at))


def _progress(words: _Words, room: Room) -> dict[str, object]:
    """`percent` is null where nobody can say how much is still to come."""
    joined, over = room.joined, room.state.final
    if room.kind is GiftKind.DRAW and not over:
        percent = 100 * min(joined, room.seats) // room.seats if room.seats else None
        said, more = words.say("tickets", joined=joined), ""
    else:
        percent = 100 * room.taken // room.shares
        said = words.say("progress", taken=room.taken, shares=room.shares)
        more = words.say("progress.left", left=room.shares - room.taken)
    return {"percent": percent, "said": said, "more": more, "over": over}


def _over(words: _Words, sight: GiftSight) -> Facts:
    """How it ended."""
    room = sight.room
    back = show(Money(room.returned_minor, room.total.currency)) if room.returned_minor else ""
    waits = show(Money(room.reserved_minor, room.total.currency)) if room.reserved_minor else ""
    lots = room.kind is GiftKind.DRAW
    winners = [
        Winner(
            masked(local(each.msisdn)),
            show(Money(each.amount_minor, room.total.currency)),
            words.say(f"state.{note}") if (note := how_it_stands(each)) else "",
            each.ticket if lots else 0,
        )
        for each in sight.winners
    ]
    more = room.taken - len(winners) if len(winners) >= WINNERS_SHOWN else 0
    return {
        "title": words.count(f"state.{room.state}", room.shares),
        "text": words.say("state.result", taken=room.taken, shares=room.shares, joined=room.joined),
        "returned": words.say("state.returned", returned=back) if back else "",
        "reserved": words.say("state.reserved", reserved=waits) if waits else "",
        "winners": winners,
        "waits": any(each.state is ClaimState.RESERVED for each in sight.winners),
        "more": words.say("winners.more", more=more) if more > 0 else "",
    }


def _asked(words: _Words, sight: GiftSight, step: Step) -> Facts:
    """What is asked of this person, or told. `kind` names the part of the template."""
    none: dict[str, object] = {
        "kind": "",
        "told": None,
        "state": "",
        "slip": "",
        "again": False,
        "news": "",
        "stuck": False,
    }
    match step:
        case AskNumber(state, slip):
            said = words.say(f"slip.{slip}", example=_EXAMPLE) if slip else ""
            return {**none, "kind": "number", "state": state, "slip": said}
        case AskCode(state, msisdn, slip, again):
            said = words.say(f"slip.{slip}") if slip else ""
            news = words.say("code.sent_again", number=local(msisdn)) if again else ""
            label = "code.label.had" if slip is Slip.TOO_MANY else "code.label"
            asked = {"kind": "code", "label": words.say(label, number=local(msisdn))}
            stuck = {"news": news, "stuck": slip is Slip.TOO_MANY}
            return {**none, **asked, **stuck, "state": state, "slip": said}
        case AskAnswer(state, slip):
            said = words.say(f"slip.{slip}") if slip else ""
            return {**none, "kind": "answer", "state": state, "slip": said}
        case TryAgain(state):
            return {**none, "kind": "again", "state": state}
        case Settled(claimed, msisdn):
            told = _settled(words, sight.room, claimed, msisdn)
            return {**none, "kind": "told", "told": told, "again": claimed.again}
        case Shut(why):
            # Of one that is over, the page tells already how it ended.
            if sight.room.state.final:
                return none
            return {**none, "kind": "told", "told": _told(words, sight.room, why)}
        case Denied():
            told = Told(words.say(f"told.{step}"), words.say(f"told.{step}.text"))
            return {**none, "kind": "told", "told": told}
        case _:
            assert_never(step)


def _settled(words: _Words, room: Room, claimed: Claimed, msisdn: Msisdn) -> Told:
    amount = show(Money(claimed.amount_minor, room.total.currency))
    number = local(msisdn)
    how = claimed.result.value
    match claimed.result:
        case Claiming.PAID if claimed.airtime is not None:
            text = words.say(f"won.airtime.{claimed.airtime}.text", number=number)
            how = how if claimed.airtime in _IN_WALLET else ""
        case Claiming.RESERVED if room.state is RoomState.FROZEN:
            text = words.say("won.held.text", number=number)
        case Claiming.PAID:
            text = words.say("won.paid.text", number=number)
        case Claiming.RESERVED:
            until = words.at(claimed.reserved_until) if claimed.reserved_until else ""
            text = words.say("won.reserved.text", number=number, at=until)
        case Claiming.JOINED:
            title = words.say("told.joined", ticket=claimed.ticket)
            return Told(title, words.say("told.joined.text", when=_when(words, room)), good=True)
        case Claiming.LAPSED:
            return Told(words.say("told.lapsed"), words.say("told.lapsed.text", amount=amount))
        case _:
            return _told(words, room, claimed.result)
    return Told(words.say("won.paid", amount=amount), text, good=True, how=how)


def _told(words: _Words, room: Room, why: Claiming) -> Told:
    """What somebody is told who won nothing."""
    key = f"told.{Claiming.OVER if why is Claiming.NO_ROOM else why}"
    if why is Claiming.FULL and room.kind is GiftKind.DRAW:
        key = f"{key}.draw"
    elif why is Claiming.OVER and room.state is RoomState.OPEN and room.kind is GiftKind.DRAW:
        key = "told.drawing"
    return Told(words.say(key), words.say(f"{key}.text"))
