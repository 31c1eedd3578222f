"""Free words: what a customer seems to want, as a proposal that the flow then shows and confirms.

Common phrases are read by rules alone. Only what they cannot read goes to a model, if there is
one, with every number taken out; what the model says is checked against what was written. No money
moves on either: the flow asks what is missing, shows its review, and asks for the PIN.
"""

import asyncio
import re

import structlog

from core.domain.customers import Customer, Tenant
from core.domain.networks import networks
from core.domain.phrases import SOMEBODY, Wish, gift_of, understood
from core.ports.chat import LanguageModel, Proposal, Reading

log = structlog.get_logger()

_WORDS_MIN, _CHARS_MAX = 2, 200
# A model is asked side by side for so many customers at once; the others get the menu.
_AT_ONCE = 16
_NUMBERISH = re.compile(r"[+\u20a6]?\d(?:[\s,.()/-]*\d)*(?:\s?k\b)?", re.IGNORECASE)
# A digit that is glued to letters, and no name of a number that was taken out.
_LEFT_BEHIND = re.compile(r"(?<![#\d])\d+")
_SHORTCUTS = {
    "balance": "balance",
    "fund": "fund",
    "withdraw": "withdraw",
    "status": "status",
    "pin": "pin",
    "help": "help",
    "data": "data_advice",
}


class WordsAssistant:
    """See `core.ports.chat.Assistant`."""

    def __init__(self, model: LanguageModel | None = None) -> None:
        self._model = model
        self._asking = asyncio.Semaphore(_AT_ONCE)

    async def propose(
        self, text: str, *, tenant: Tenant, customer: Customer, language: str
    ) -> Proposal | None:
        """See the port. `language` is that of the customer's texts: rules read English alone."""
        del language
        wish = understood(text, customer.msisdn, tenant.country, tenant.currency)
        if wish is None:
            wish = await self._read(text, tenant, customer)
        return Proposal(wish.shortcut, wish.given) if wish else None

    def for_later(self, text: str) -> Proposal | None:
        """A gift by its code: all that is good whoever they turn out to be."""
        wish = gift_of(text)
        return Proposal(wish.shortcut, wish.given) if wish else None

    async def _read(self, text: str, tenant: Tenant, customer: Customer) -> Wish | None:
        if self._model is None or self._asking.locked() or len(text.split()) < _WORDS_MIN:
            return None
        words, numbers = without_numbers(text[:_CHARS_MAX])
        async with self._asking:
            reading = await self._model.read(words)
        log.info("assistant.read", intent=reading.intent if reading else None)
        return wished(reading, numbers, tenant, customer) if reading else None


def without_numbers(text: str) -> tuple[str, tuple[str, ...]]:
    """The words with each number replaced by `#1`, `#2`, ..., and those numbers.

    No digit stays behind: it might be of a PIN, a token or an account.
    """
    numbers: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        numbers.append(match.group().strip())
        return f"#{len(numbers)}"

    words = _NUMBERISH.sub(replaced, text.replace("#", " "))
    return _LEFT_BEHIND.sub("", words), tuple(numbers)


def wished(
    reading: Reading, numbers: tuple[str, ...], tenant: Tenant, customer: Customer
) -> Wish | None:
    """What a reading comes to, given the numbers that the customer wrote."""
    if reading.intent in _SHORTCUTS:
        given = _amount(reading, numbers) if reading.intent == "fund" else {}
        return Wish(_SHORTCUTS[reading.intent], given)
    if reading.intent != "airtime":
        return None
    given = _amount(reading, numbers)
    if reading.network in networks(tenant.country):
        given["network"] = str(reading.network)
    match reading.recipient:
        case "self":
            given["msisdn"] = customer.msisdn
        case "other":
            given["msisdn"] = SOMEBODY
        case str() as pointer if (number := _pointed_at(pointer, numbers)) is not None:
            given["msisdn"] = number
    return Wish("say_airtime" if given else "airtime", given)


def _amount(reading: Reading, numbers: tuple[str, ...]) -> dict[str, str]:
    amount = _pointed_at(reading.amount or "", numbers)
    return {"amount": amount} if amount is not None else {}


def _pointed_at(pointer: str, numbers: tuple[str, ...]) -> str | None:
    place = pointer.removeprefix("#")
    if not (place.isascii() and place.isdecimal()) or len(place) > 2:  # noqa: PLR2004 - digits
        return None
    return numbers[int(place) - 1] if 0 < int(place) <= len(numbers) else None
