"""What common phrases ask for, read without any model: "abeg send 500 mtn card to 0803...".

Pure, and careful: what is not clear is asked for by the flow, and what is no request of ours is
nobody's. English as it is spoken in Nigeria, Pidgin included.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from core.kit.errors import Problem
from core.kit.money import parse_amount
from core.kit.msisdn import Msisdn, parse_msisdn

SOMEBODY = "?"
"""Stands for a number that was meant and not given: nobody's, so that the flow asks for it."""

_TEXT_MAX = 200
_AMOUNT_CHARS_MAX = 7
_NUMBER = re.compile(r"\+?\d[\d\s().-]{8,20}\d")
_AMOUNT = re.compile(
    r"(?<![\w.])(?:n|ngn|\u20a6|naira\s*)?\s*([1-9][\d,]*(?:\.\d+)?\s*k?)(?:\s*naira)?(?![\w.,]*\d)\b"
)
_NETWORKS = {
    "mtn": "mtn",
    "airtel": "airtel",
    "zain": "airtel",
    "glo": "glo",
    "9mobile": "9mobile",
    "etisalat": "9mobile",
    "9mob": "9mobile",
}
_AIRTIME = frozenset(["airtime", "recharge", "card", "credit", "top", "topup", "vtu", "load"])
_GIVING = frozenset(["send", "buy", "get", "give", "load", "recharge", "top", "topup", "vend"])
_OTHERS = frozenset(
    [
        "mama",
        "mum",
        "mummy",
        "mom",
        "mother",
        "papa",
        "dad",
        "daddy",
        "father",
        "brother",
        "sister",
        "wife",
        "husband",
        "madam",
        "oga",
        "boss",
        "friend",
        "son",
        "daughter",
        "uncle",
        "aunty",
        "auntie",
        "babe",
        "customer",
        "him",
        "her",
        "them",
        "somebody",
        "someone",
    ]
)
_ELSEWHERE = frozenset(["transfer", "money"])
_BALANCE = frozenset(["balance", "bal"])
_WALLET = re.compile(r"\b(?:how much|wetin|what)\b.*\b(?:have|get|wallet|account|dey)\b")
_FUND = re.compile(r"\b(?:fund|deposit|add money|top up my wallet|load my wallet|put money)\b")
_STATUS = re.compile(
    r"\b(?:status|history|transactions?|where (?:is|be) my|never enter|not (?:yet )?(?:received|"
    r"delivered|come)|didn'?t (?:get|receive)|no (?:see|enter))\b"
)
_WITHDRAW = re.compile(r"\b(?:withdraw|cash ?out)\b")
_HELP = re.compile(r"\b(?:help|complain|complaint|person)\b")
_SPEAK = r"\b(?:talk|speak|chat) (?:to|with) "
_OURS = (
    r"(?:person|pesin|people|human|agent|operator|representative|staff|support|somebody|someone|"
    r"customer (?:care|service|support)|us|una|you)\b"
)
_TALK_TO_US = re.compile(_SPEAK + r"(?:(?:a|an|the|any|your|one|real|live|human) )*" + _OURS)
_TALK = re.compile(_SPEAK + r"|\b(?:agent|human|customer (?:care|service|support))\b")
_DATA = re.compile(r"\b(?:data|bundle|mb|gb|\d+(?:\.\d+)?\s*(?:gb|mb))\b")
_PIN = re.compile(r"\bpin\b")
_WIFI = re.compile(r"\b(?:wi-? ?fi|hotspot|vouchers?)\b")
_MY_WIFI = re.compile(
    r"\bmy (?:wi-? ?fi|hotspot|vouchers?)\b|\b(?:code|left|not? work\w*|problem)\b"
)
_PLAN = re.compile(r"\b(?:\d+(?:\.\d+)? ?(?:gb|mb)|unlimited|daily|weekly|monthly)\b")
_GIFT_CODE = re.compile(r"\bgift(?: code)?[\s:#-]*([2-9]{4}[\s-]?[2-9]{4})\b")
_GIFT = re.compile(r"\b(?:gifts?|gift ?rooms?|give ?aways?|red ?packets?|spray(?:ing)?)\b")


@dataclass(frozen=True, slots=True)
class Wish:
    """A named shortcut and answers in words for it. `given` may hold a number: never log it."""

    shortcut: str
    given: Mapping[str, str] = field(default_factory=dict, repr=False)


def gift_of(text: str) -> Wish | None:
    """The gift whose code is named: whoever says so need not be known."""
    found = _GIFT_CODE.search(_plain(text))
    return Wish("gift", {"code": found.group(1)}) if found else None


def understood(text: str, own: Msisdn, country: str, currency: str) -> Wish | None:
    """What a customer with that number asks for; None when that is not clear."""
    said = _plain(text)
    if not said:
        return None
    if gift := gift_of(text):
        return gift
    if _TALK_TO_US.search(said):
        return Wish("talk")
    rest, number = _number_in(said, country)
    words = frozenset(re.findall(r"[a-z0-9']+", rest))
    if _WIFI.search(rest):
        return _wifi(rest, words, number)
    if _DATA.search(rest) and not words & _AIRTIME:
        return Wish("data_advice")
    if _FUND.search(rest):
        return Wish("fund", _amount_in(rest, currency))
    if _WITHDRAW.search(rest):
        return Wish("withdraw")
    if _GIFT.search(rest) and not words & _AIRTIME:
        return Wish("gifts")
    if wish := _airtime(rest, words, number, own, currency):
        return wish
    return _looking(rest, words)


def _wifi(rest: str, words: Collection[str], number: Msisdn | None) -> Wish:
    """A voucher is meant, or those that somebody has already."""
    if _MY_WIFI.search(rest) or _STATUS.search(rest):
        return Wish("vouchers")
    size = " ".join(match.group().replace(" ", "") for match in _PLAN.finditer(rest))
    given = {"size": size} if size else {}
    if number or {*words} & _OTHERS:
        given["msisdn"] = number or SOMEBODY
    return Wish("say_wifi", given) if given else Wish("wifi")


def _airtime(
    rest: str, words: Collection[str], number: Msisdn | None, own: Msisdn, currency: str
) -> Wish | None:
    """Airtime is meant where a thing, an act or a network says so beside an amount or a number."""
    named = set(words)
    network = next((_NETWORKS[word] for word in sorted(named & _NETWORKS.keys())), None)
    amount = _amount_in(rest, currency)
    thing, act = bool(named & _AIRTIME), bool(named & _GIVING)
    if named & _ELSEWHERE and not thing:
        return None  # money for somebody's bank account, which is nothing that we do
    if not ((thing and (act or amount or number)) or (amount and (network or number or act))):
        return None
    if not amount and not number and not network:
        return Wish("airtime")
    given = dict(amount)
    if network:
        given["network"] = network
    if number:
        given["msisdn"] = number
    elif named & _OTHERS:
        given["msisdn"] = SOMEBODY
    else:
        given["msisdn"] = own
    return Wish("say_airtime", given)


def _looking(rest: str, words: Collection[str]) -> Wish | None:
    if _TALK.search(rest):
        return Wish("talk")
    if {*words} & _BALANCE or _WALLET.search(rest):
        return Wish("balance")
    if _STATUS.search(rest):
        return Wish("status")
    if _PIN.search(rest):
        return Wish("pin")
    return Wish("help") if _HELP.search(rest) else None


def _plain(text: str) -> str:
    cut = unicodedata.normalize("NFKC", text[:_TEXT_MAX]).casefold()
    return " ".join(cut.split())


def _number_in(said: str, country: str) -> tuple[str, Msisdn | None]:
    """The words without the first phone number, and that number."""
    for match in _NUMBER.finditer(said):
        for written in _parts(match.group().split(" ")):
            try:
                number = parse_msisdn(written, country)
            except Problem:
                continue
            return said.replace(written, " ", 1), number
    return said, None


def _parts(groups: Sequence[str]) -> Iterator[str]:
    """The whole, then ever shorter parts: an amount may stand right before or behind a number."""
    for length in range(len(groups), 0, -1):
        for start in range(len(groups) - length + 1):
            yield " ".join(groups[start : start + length])


def _amount_in(rest: str, currency: str) -> dict[str, str]:
    """The one amount that is named; of two, nobody knows which is meant."""
    found = []
    for match in _AMOUNT.finditer(rest):
        written = match.group(1).replace(" ", "")
        if len(written.replace(",", "")) > _AMOUNT_CHARS_MAX:
            continue  # an account's number, or a card's
        try:
            parse_amount(written, currency)
        except Problem:
            continue
        found.append(written)
    return {"amount": found[0]} if len(found) == 1 else {}
