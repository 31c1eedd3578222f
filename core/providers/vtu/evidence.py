"""The delivered value itself, where a product is one: electricity tokens and PINs.

Evidence has fixed names: `token`, `token2`, `token3` (to be keyed in in this order), `kct1`, `kct2`
(key change tokens, to be keyed in before them), `units`, and `pin1`, `serial1`, `pin2`, ... Tokens
are twenty digits, without the spaces and dashes that they are shown with.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from core.domain.vending import Product, Vend
from core.providers.values import member, word

_TOKEN_DIGITS = 20
_TOKENS_MAX = 3
# Digits in a row or in groups, as long as it goes, and not part of a word.
_DIGITS = re.compile(r"(?<![0-9A-Za-z])\d[\d -]*(?![0-9A-Za-z])", re.ASCII)
_UNITS = re.compile(r"(\d{1,7}(?:\.\d{1,6})?)\s*(?:kwh|units?)?", re.ASCII | re.IGNORECASE)
_PIN = re.compile(r"(?=[0-9A-Za-z-]*\d)[0-9A-Za-z](?:-?[0-9A-Za-z]){3,39}", re.ASCII)
_WRITTEN_CARD = re.compile(
    r"(?:serial(?:\s*no)?\s*[.:]*\s*(?P<serial>[0-9A-Za-z-]{4,40})\s*[,;]\s*)?"
    r"pin\s*[.:]+\s*(?P<pin>[0-9A-Za-z-]{4,40})",
    re.ASCII | re.IGNORECASE,
)
_NOTHING = frozenset({"null", "none", "nil", "n/a", "na", ""})

# Where providers put them; spelled as each spells it.
_TOKENS = (
    "token", "Token", "mainToken", "metertoken", "tokenCode", "standardTokenValue",
    "recharge_token", "purchased_code",
)  # fmt: skip
_MORE_TOKENS = ("token2", "bonusToken", "bsstTokenValue")
_UNIT_NAMES = ("units", "Units", "mainTokenUnits", "amountOfPower")
_KEY_CHANGES = {"kct1": ("kct1", "KCT1", "Kct1"), "kct2": ("kct2", "KCT2", "Kct2")}
_PIN_NAMES = ("pin", "Pin", "PIN")
_SERIAL_NAMES = ("serial", "Serial", "serialNumber", "sno")


def lacking(vend: Vend, evidence: Mapping[str, str]) -> bool:
    """Whether a delivery of this order would come without what the customer bought."""
    match vend.product:
        case Product.ELECTRICITY:
            return vend.variant != "postpaid" and "token" not in evidence
        case Product.EXAM | Product.RECHARGE_PIN:
            return len({evidence.get(f"pin{n}") for n in _numbers(vend)} - {None}) < vend.quantity
        case Product.AIRTIME | Product.DATA | Product.CABLE:
            return False


def found_in(vend: Vend, *places: object) -> dict[str, str]:
    """The evidence for this order's product in an answer's objects, the likeliest first.

    Nothing for products that have none.
    """
    match vend.product:
        case Product.ELECTRICITY:
            return electricity(*places)
        case Product.EXAM | Product.RECHARGE_PIN:
            return cards(*places)
        case Product.AIRTIME | Product.DATA | Product.CABLE:
            return {}


def electricity(*places: object) -> dict[str, str]:
    """Tokens, key change tokens and units."""
    tokens = list(dict.fromkeys(_all_tokens(places)))
    names = ("token", "token2", "token3")
    evidence = dict(zip(names, tokens, strict=False))
    for name, spellings in _KEY_CHANGES.items():
        changes = [token for value in _values(places, spellings) for token in tokens_in(value)]
        if changes:
            evidence[name] = changes[0]
    units = filter(None, map(units_of, _values(places, _UNIT_NAMES)))
    if told := next(units, None):
        evidence["units"] = told
    return evidence


def tokens_in(value: object) -> list[str]:
    """Every twenty-digit token in a text, in the order written.

    A number of any other length is none, whatever part of it has twenty digits.
    """
    if not isinstance(value, str) or len(value) > 2000:  # noqa: PLR2004 - a text, not a document
        return []
    runs = (re.sub(r"\D", "", run) for run in _DIGITS.findall(value))
    return [
        run[at : at + _TOKEN_DIGITS]
        for run in runs
        if len(run) % _TOKEN_DIGITS == 0 and len(run) <= _TOKENS_MAX * _TOKEN_DIGITS
        for at in range(0, len(run), _TOKEN_DIGITS)
    ]


def units_of(value: object) -> str | None:
    """Kilowatt-hours as digits: `79.9` of `79.9 kWh`."""
    if isinstance(value, bool):
        return None
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    match = _UNITS.fullmatch(text)
    return match[1] if match else None


def cards(*places: object) -> dict[str, str]:
    """PINs with their serials, from lists of objects, JSON in a text, or a sentence."""
    found: dict[str, str | None] = {}
    for place in places:
        for pin, serial in _cards(place):
            found.setdefault(pin, serial)
    evidence: dict[str, str] = {}
    for number, (pin, serial) in enumerate(found.items(), start=1):
        evidence[f"pin{number}"] = pin
        if serial:
            evidence[f"serial{number}"] = serial
    return evidence


def _all_tokens(places: tuple[object, ...]) -> Iterator[str]:
    for names in (_TOKENS, _MORE_TOKENS):
        for value in _values(places, names):
            yield from tokens_in(value)


def _values(places: Iterable[object], names: Iterable[str]) -> Iterator[object]:
    for place in places:
        for name in names:
            if (value := member(place, name)) is not None:
                yield value


def _cards(place: object) -> Iterator[tuple[str, str | None]]:
    if isinstance(place, str):
        yield from _written_cards(place)
        return
    for item in place if isinstance(place, list) else [place]:
        pins = (_code(value) for value in _values([item], _PIN_NAMES))
        if pin := next(filter(None, pins), None):
            serials = (_code(value) for value in _values([item], _SERIAL_NAMES))
            yield pin, next(filter(None, serials), None)
        elif isinstance(item, str) and isinstance(place, list) and (bare := _code(item)):
            yield bare, None


def _written_cards(text: str) -> Iterator[tuple[str, str | None]]:
    """`Serial No:WRN1, pin: 123||Serial No:...`, or a list of objects as JSON."""
    if len(text) > 100_000:  # noqa: PLR2004 - more than any order of PINs
        return
    if text.lstrip().startswith(("[", "{")):
        try:
            listed = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(listed, str):
            yield from _cards(listed)
        return
    for match in _WRITTEN_CARD.finditer(text):
        if pin := _code(match["pin"]):
            yield pin, _code(match["serial"])


def _code(value: object) -> str | None:
    """A PIN or serial as it is typed: letters, digits and dashes, with at least one digit."""
    if isinstance(value, int) and not isinstance(value, bool) and value > 0:
        value = str(value)
    text = word(value)
    if text is None or text.lower() in _NOTHING:
        return None
    text = text.replace(" ", "")
    return text if _PIN.fullmatch(text) else None


def _numbers(vend: Vend) -> range:
    return range(1, vend.quantity + 1)
