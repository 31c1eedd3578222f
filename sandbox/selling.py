"""What simulated VTU providers do alike: take an order, play its part, answer in its words."""

import abc
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import msgspec
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from core.kit.ids import uuid7
from core.kit.money import Money, from_major, to_major
from sandbox.database import Transaction
from sandbox.evidence import Evidence, told
from sandbox.orders import Order, State
from sandbox.recipients import is_mobile
from sandbox.scenarios import OK
from sandbox.selling_parts import PARTS, Answer, News, Part
from sandbox.webhooks import Webhook
from sandbox.wire import SIMULATED, GarbledJson, Json, Severed, hold, html_503
from sandbox.world import World

CURRENCY = "NGN"
_OPENING = Money(1_000_000_00, CURRENCY)
_COMMISSION_PERCENT = 3
_COUNT_MAX = 1000
_NOBODY = "printed"
_LOGIN_PAGE = "<html><body><form>Log in</form><i>simulated</i></body></html>"


class Refusal(Exception):
    """The request is turned away for `code`, a word of `Seller.refusal`; nothing was placed."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@dataclass(frozen=True, slots=True)
class Wanted:
    """An order as it was asked for.

    Attributes:
        reference: The caller's; empty where the provider takes none.
        product: What is bought, as the delivery ledger shows it. One that begins with `token` or
            with `pins:` and a number comes with that as evidence.
        msisdn: Empty where a request has no number, as for PINs to print.
        account: The meter or card that it goes to; the number else.
    """

    reference: str
    product: str
    msisdn: str
    amount: Money
    account: str = ""


class Seller(abc.ABC):
    """A VTU provider but for its own words. Keeps `sandbox.world.Simulator`.

    It accepts the credentials of the sandbox only, which are constants of its file: a live key is
    turned away like any wrong one.
    """

    name: ClassVar[str]
    scenarios: Mapping[str, Part] = PARTS
    answers_again: ClassVar[bool] = True
    """Whether a reference that was used finds its order; else it makes another one."""

    def __init__(self, world: World) -> None:
        self._world = world
        world.orders.register(self.name, _OPENING, self._announce)

    @abc.abstractmethod
    def routes(self) -> list[Route]: ...

    @abc.abstractmethod
    def _sold(self, order: Order) -> object:
        """The reply to a purchase, about the order as it is."""

    @abc.abstractmethod
    def _refused(self, code: str) -> Response:
        """`low_float`, `credentials`, `arguments`, `number`, `refused`, `duplicate`."""

    def _repeated(self, order: Order) -> Response:
        """The reply to a purchase whose reference was used."""
        return Json(self._sold(order))

    def _error_500(self) -> Response:
        return Json({"status": "error", "message": "Internal server error"}, 500)

    def _headers(self, body: bytes, order: Order | None = None) -> Mapping[str, str]:  # noqa: ARG002 - few sign
        """What stands beside a JSON reply; `order` where it replies to that purchase."""
        return {}

    def _webhooks(self, order: Order) -> Iterable[Webhook]:  # noqa: ARG002 - few tell anything
        """What it posts when an order changed after its reply."""
        return ()

    # Purchases.

    async def _sell(self, request: Request, wanted: Wanted) -> Response:
        """Place the order as its part says, and answer it as its part says."""
        try:
            async with self._world.database.transaction() as tx:
                earlier = await self._earlier(tx, wanted)
                order = earlier or await self._accepted(tx, wanted)
                part = self.scenarios[order.script.name]
                placed = order if earlier else await self._place(tx, order, part)
        except Refusal as refusal:
            return self._refused(refusal.code)
        if earlier:
            return self._repeated(earlier)
        return await self._reply(request, placed, part)

    async def _earlier(self, tx: Transaction, wanted: Wanted) -> Order | None:
        if not (wanted.reference and self.answers_again):
            return None
        return await self._world.orders.find(tx, self.name, wanted.reference)

    async def _accepted(self, tx: Transaction, wanted: Wanted) -> Order:
        if wanted.msisdn and not is_mobile(wanted.msisdn):
            raise Refusal("number")
        goes_to = [text for text in (wanted.msisdn, wanted.account) if text]
        script = await self._world.scenarios.choose(tx, self.name, goes_to)
        percent = (100 - _COMMISSION_PERCENT) * (11 if self.scenarios[script.name].dearer else 10)
        charge = Money(wanted.amount.minor * percent // 1000, CURRENCY)
        if (await self._world.orders.float_balance(tx, self.name)).minor < charge.minor:
            raise Refusal("low_float")
        theirs = self._new_reference()
        return Order(
            provider=self.name,
            provider_reference=theirs,
            reference=wanted.reference or theirs,
            product=wanted.product,
            recipient=wanted.account or wanted.msisdn or _NOBODY,
            amount=wanted.amount,
            charge=charge,
            script=script,
            state=State.UNSEEN,
            placed_at=self._world.clock.now(),
        )

    async def _place(self, tx: Transaction, order: Order, part: Part) -> Order:
        if part.state is None:
            return order
        placed = replace(order, state=part.state)
        changes = [(order.script.seconds, part.then)] if part.then else []
        await self._world.orders.place(tx, placed, changes)
        for webhook in self._news_at_once(placed, part):
            await self._world.webhooks.put(tx, webhook)
        return placed

    def _news_at_once(self, order: Order, part: Part) -> Iterable[Webhook]:
        match part.news:
            case News.EARLY:
                return self._webhooks(order)
            case News.FALSE:
                lies = self._webhooks(replace(order, state=State.DELIVERED))
                return [replace(lie, headers=dict.fromkeys(lie.headers, "SIM")) for lie in lies]
            case News.ONCE | News.TWICE | News.LATE:
                return ()

    async def _reply(self, request: Request, order: Order, part: Part) -> Response:
        match part.answer:
            case Answer.PLAIN:
                return self._json(self._sold(order), order)
            case Answer.HELD:
                await hold(request.receive, order.script.seconds)
                return self._json(self._sold(await self._now(order)), order)
            case Answer.SEVERED:
                return Severed()
            case Answer.HTML_503:
                return html_503()
            case Answer.HTML_200:
                return HTMLResponse(_LOGIN_PAGE, 200, SIMULATED)
            case Answer.ERROR_500:
                return self._error_500()
            case Answer.GARBLED:
                return GarbledJson(self._sold(order))
            case Answer.REFUSAL:
                return self._refused(order.script.code)

    async def _now(self, order: Order) -> Order:
        async with self._world.database.transaction() as tx:
            found = await self._world.orders.find_theirs(tx, self.name, order.provider_reference)
            return found or order

    # Questions.

    async def _asked(self, reference: str, *, theirs: bool = False) -> Order | None:
        """The order as it is now, or None.

        Raises:
            Silence: questions about it go unanswered at present.
        """
        orders = self._world.orders
        async with self._world.database.transaction() as tx:
            find = orders.find_theirs if theirs else orders.find
            order = await find(tx, self.name, reference)
            if order is None:
                return None
            silent = await is_silent(self._world, tx, order)
        if silent:
            raise Silence  # Not inside: since when it is silent must be kept.
        return order

    async def _latest(self, count: int, reference: str | None = None) -> list[Order]:
        async with self._world.database.transaction() as tx:
            return await self._world.orders.latest(tx, self.name, count, reference)

    async def _balance(self) -> str:
        """The float in major units."""
        async with self._world.database.transaction() as tx:
            await self._world.orders.catch_up(tx)
            return to_major(await self._world.orders.float_balance(tx, self.name))

    def _evidence(self, order: Order) -> Evidence:
        """What the order's delivery consists of, once it may be told."""
        late = self.scenarios[order.script.name].evidence_late
        return told(order, self._world.clock.now(), late=late)

    def _json(self, content: object, order: Order | None = None) -> Response:
        response = Json(content)
        response.headers.update(self._headers(bytes(response.body), order))
        return response

    def _announce(self, order: Order) -> Iterable[Webhook]:
        match self.scenarios[order.script.name].news:
            case News.TWICE:
                return [*self._webhooks(order), *self._webhooks(order)]
            case News.LATE:
                seconds = order.script.seconds
                return [replace(news, after_s=seconds) for news in self._webhooks(order)]
            case News.FALSE:
                return ()
            case News.ONCE | News.EARLY:
                return self._webhooks(order)

    def _webhook(self, document: object, headers: Mapping[str, str] | None = None) -> Webhook:
        url = f"{self._world.settings.callbox_url.rstrip('/')}/callbacks/{self.name}/demo"
        return Webhook(self.name, url, msgspec.json.encode(document), headers or {})

    def _visit(self, query: str) -> Webhook:
        """News in the query of a `GET`."""
        url = f"{self._world.settings.callbox_url.rstrip('/')}/callbacks/{self.name}/demo?{query}"
        return Webhook(self.name, url, b"")

    def _new_reference(self) -> str:
        return f"SIM{uuid7().hex.upper()}"


class Silence(Exception):
    """No answer but a 503 page."""


async def is_silent(world: World, tx: Transaction, order: Order) -> bool:
    """Whether a question about the order goes unanswered, as one that is asked now.

    An order with no part of its own may meet a requery that is down by a later rule.
    """
    if order.script.name == OK:
        script = await world.scenarios.choose(
            tx, order.provider, [order.recipient], among={"requery_down"}
        )
        if script.name != OK:
            order = await world.orders.recast(tx, order, script)
    if order.script.name != "requery_down":
        return False
    return await world.orders.is_silent(tx, order, order.script.seconds)


def naira(given: object) -> Money:
    """An amount on the wire, in major units.

    Raises:
        Refusal: it is none, or not more than nothing.
    """
    try:
        amount = from_major(str(given), CURRENCY)
    except ValueError as error:
        raise Refusal("arguments") from error
    if amount.minor <= 0:
        raise Refusal("arguments")
    return amount


def count(given: object) -> int:
    """How many, from one to a thousand.

    Raises:
        Refusal: it is no such number.
    """
    text = str(given)
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= _COUNT_MAX):
        raise Refusal("arguments")
    return int(text)


def is_key(given: str | None, expected: str) -> bool:
    return hmac.compare_digest((given or "").encode(), expected.encode())


def plain(money: Money) -> Any:
    """Major units as a JSON number."""
    whole, rest = divmod(money.minor, 100)
    return whole if not rest else money.minor / 100
