"""A customer of the real program: a handset, an inbox, and what they paid for."""

import itertools
import re
from collections.abc import Awaitable, Callable

import httpx

from core.kit.money import from_major
from tests.e2e.program import World, eventually
from tests.fakes.phone import Phone

PIN = "2583"
_TRIES_MAX = 20
# How the phone tells of a payment in, and of an order: by reference, or warning of a second one.
_PAYMENT = re.compile(r"Ref (CB\w{16})\b")
_ORDER = re.compile(r"Ref \w{10}\b|Buy once more\?")

# None of the numbers for which the sandbox always plays a part.
_numbers = itertools.count(2348034100001)


def new_msisdn() -> str:
    return str(next(_numbers))


class Interrupted(AssertionError):
    """Another screen than the one that comes next when all goes well."""


class Customer:
    """Does what a person does, and hangs up and dials again when the line goes dead."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.msisdn = new_msisdn()
        self.phone = Phone(world.http, self.msisdn)
        self.paid_minor = 0

    async def sms(self) -> list[str]:
        return await self.world.sms(self.msisdn)

    async def ask_for_link(self, naira: int = 1000) -> str:
        """Ask to fund the wallet; the reference of the payment that is awaited."""
        await self.phone.dial(f"2*2*{naira}")
        self._expect("Fund your wallet")
        await self.phone.enter("1")
        return self.reference()

    def reference(self) -> str:
        """The one of a payment that is on the screen."""
        found = _PAYMENT.search(self.phone.screen)
        assert found, self.phone.screen
        return found[1]

    async def pay(self, reference: str, **how: object) -> None:
        """Pay on the gateway's page, once it is there, whatever the gateway then tells Callbox.

        A link that is promised may be made a little later, under another reference where the
        gateway's first answer was lost: the SMS has it.
        """
        reply = None
        earlier = await self._links() - {reference}

        async def asked() -> bool:
            nonlocal reply
            for each in {reference} | await self._links() - earlier:
                reply = await self.world.control.post(f"/control/payments/{each}/pay", json=how)
                if reply.status_code != 404:
                    return True
            return False

        await eventually(asked, 60)
        assert reply is not None
        assert reply.status_code == 200, reply.text
        if reply.json()["paid"] and reply.json()["currency"] == "NGN":
            self.paid_minor += from_major(reply.json()["amount"], "NGN").minor

    async def _links(self) -> set[str]:
        """The references of all payments that an SMS told of."""
        return {found[1] for text in await self.sms() if (found := _PAYMENT.search(text))}

    async def fund(self, naira: int = 1000) -> None:
        """Put money into the wallet, and wait until it is there."""
        await self.pay(await self.ask_for_link(naira))
        await self.is_credited()

    async def is_credited(self, timeout_s: float = 30) -> None:
        async def arrived() -> bool:
            return any("has arrived in your Callbox wallet" in text for text in await self.sms())

        await eventually(arrived, timeout_s)

    async def to_the_pin(self, naira: int = 500) -> None:
        """Dial for airtime on one's own number, up to the last question before money moves."""
        await self.phone.dial(f"1*{naira}")
        self._expect("You pay")
        await self.phone.enter("1")
        if "Choose a PIN" in self.phone.screen:
            await self.phone.enter(PIN)
        self._expect("PIN")

    async def buy(self, naira: int = 500) -> str:
        await self.to_the_pin(naira)
        return await self.phone.enter(PIN)

    async def balance(self) -> tuple[int, int]:
        """What can be spent and what is set aside, in minor units, as the handset shows it."""
        await self.phone.dial()
        if "Go on where you stopped" in self.phone.screen:
            await self.phone.choose("Main menu")
        await self.phone.choose("Wallet")
        await self.phone.choose("Balance")
        spend = re.search(r"You can spend N([\d,.]*\d)", self.phone.screen)
        held = re.search(r"N([\d,.]*\d) is set aside", self.phone.screen)
        assert spend, self.phone.screen
        return _minor(spend[1]), _minor(held[1]) if held else 0

    def _expect(self, words: str) -> None:
        if words not in self.phone.screen:
            raise Interrupted(f"{words!r} is not on {self.phone.screen!r}")

    # With lines that go dead.

    async def insist_on_link(self, naira: int = 1000) -> str:
        """As `ask_for_link`; where Callbox dies meanwhile, dial until there is one."""

        async def ask() -> None:
            await self.ask_for_link(naira)

        await self._insist(ask, _PAYMENT)
        return self.reference()

    async def insist_on_airtime(self, naira: int = 500) -> None:
        """As `buy`; where Callbox dies meanwhile, dial until the phone tells of the order."""

        async def buy() -> None:
            await self.buy(naira)

        await self._insist(buy, _ORDER)

    async def _insist(self, wish: Callable[[], Awaitable[None]], sign: re.Pattern[str]) -> None:
        """Dial for it until the screen tells of it; look first what the last try came to."""
        troubles = []
        for _ in range(_TRIES_MAX):
            try:
                await wish()
            except (httpx.TransportError, Interrupted) as trouble:
                troubles.append(repr(trouble))
            if not sign.search(self.phone.screen):
                await self.redial()
            if sign.search(self.phone.screen):
                return
        raise AssertionError(f"{self.msisdn} gave up after {troubles}")

    async def redial(self) -> None:
        """Dial the bare code until somebody answers."""

        async def answered() -> bool:
            try:
                await self.phone.dial()
            except httpx.TransportError:
                return False
            return "Help code" not in self.phone.screen

        await eventually(answered)


def _minor(shown: str) -> int:
    return from_major(shown.replace(",", ""), "NGN").minor
