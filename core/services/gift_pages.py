"""The public page of a gift: what everybody sees, and how somebody without our chats opens it.

The number is proven by a one-time code by SMS, which only the browser can use that asked for it, or
the form where a browser keeps no cookie. From one page to the next, what was done so far travels
sealed in the form.
"""

import asyncio
import datetime as dt
import re
import secrets
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol
from uuid import UUID

import msgspec
import structlog

from core.domain.customers import Customer, Tenant
from core.domain.gift_pages import (
    AskAnswer,
    AskCode,
    AskNumber,
    Denied,
    GiftSight,
    Given,
    Settled,
    Shut,
    Slip,
    Step,
    TryAgain,
)
from core.domain.gifts import Claim, Claimed, Claiming, GiftKind, Room, RoomState
from core.kit.clock import Clock
from core.kit.crypto import Keyring, Unreadable
from core.kit.msisdn import BadMsisdn, Msisdn, is_of, parse_msisdn
from core.ports import Busy, Customers
from core.services.gift_guard import Counts
from core.services.gift_proofs import PURPOSE, GiftProofs
from core.services.gift_ways import GiftWays
from core.services.gifts import Guest, KeptOut
from core.services.linking import Counter
from core.services.pins import Pins, TooManyCodes

log = structlog.get_logger()

GOOD_FOR: Final = dt.timedelta(minutes=15)
"""How long a page may be open and still be answered."""

WINNERS_SHOWN: Final = 50

_TOKEN = re.compile(r"[\w-]{22}", re.ASCII)
_CODE = re.compile(r"[0-9]{6}")
_WITHIN_S = 3600
_SIGHTS_KEPT_MAX = 512


@dataclass(frozen=True, slots=True)
class PageRules:
    """Codes by SMS that may be asked for within an hour.

    One browser gets three for a number in half an hour, and all together nine.

    Attributes:
        of_address: By one network address: many customers of a mobile network share one.
        of_room, of_all: For one gift, and for all of a tenant's.
    """

    of_address: int = 60
    of_room: int = 2_000
    of_all: int = 10_000


class Rooms(Protocol):
    """See `core.ports.gifts.GiftRooms`."""

    async def by_token(self, token: str) -> Room | None: ...

    async def winners(self, tenant_id: UUID, room_id: UUID, count: int) -> Sequence[Claim]: ...


class Opening(Protocol):
    """See `core.services.gifts.Gifts`."""

    async def standing(self, room: Room, customer: Customer) -> Claimed | None: ...

    async def claim(self, room: Room, guest: Guest) -> Claimed: ...


class KnownTenants(Protocol):
    async def get(self, tenant_id: UUID) -> Tenant: ...


@dataclass(frozen=True, slots=True)
class Counting:
    """`codes` counts how often; `proofs` remembers what was right."""

    codes: Counter
    proofs: Counts


class _State(msgspec.Struct, frozen=True):
    """What is sealed in a form.

    `nonce` is the form's own, and once a code was asked for, what that is bound to; `proven`: by a
    code.
    """

    room: UUID
    nonce: str
    until: dt.datetime
    msisdn: str = ""
    proven: bool = False


class GiftPages:
    """`kept_s`: for so long what everybody sees is remembered, since many look at once."""

    def __init__(
        self,
        rooms: Rooms,
        gifts: Opening,
        ways: GiftWays,
        tenants: KnownTenants,
        customers: Customers,
        pins: Pins,
        counting: Counting,
        keyring: Keyring,
        clock: Clock,
        rules: PageRules,
        *,
        kept_s: float = 1.0,
    ) -> None:
        self._rooms = rooms
        self._gifts = gifts
        self._ways = ways
        self._tenants = tenants
        self._customers = customers
        self._pins = pins
        self._codes = counting.codes
        self._proofs = GiftProofs(pins, counting.proofs)
        self._keyring = keyring
        self._clock = clock
        self._rules = rules
        self._kept_s = kept_s
        self._sights: OrderedDict[str, tuple[float, GiftSight]] = OrderedDict()

    async def look(self, token: str) -> GiftSight | None:
        """The gift as everybody sees it, as it stood a moment ago; None: there is none."""
        now = asyncio.get_running_loop().time()
        kept = self._sights.get(token)
        if kept is not None and now - kept[0] < self._kept_s:
            return kept[1]
        sight = await self._look(token)
        if sight is not None:
            self._sights[token] = (now, sight)
            self._sights.move_to_end(token)
            if len(self._sights) > _SIGHTS_KEPT_MAX:
                self._sights.popitem(last=False)
        return sight

    async def progress(self, token: str) -> Room | None:
        """How the room stands now."""
        return await self._rooms.by_token(token) if _TOKEN.fullmatch(token) else None

    def begin(self, sight: GiftSight, slip: Slip | None = None) -> AskNumber | Shut:
        """What somebody is asked who has done nothing yet."""
        why = self._shut(sight.room)
        return Shut(why) if why is not None else AskNumber(self._sealed(sight.room), slip)

    async def take(self, token: str, given: Given) -> tuple[GiftSight, Step] | None:
        """Take an answer, and what is asked or told next; None: there is no such gift.

        Raises:
            Unavailable: nobody can count codes now; nothing was done.
        """
        sight = await self._look(token)
        if sight is None:
            return None
        step = await self._step(sight, given)
        if isinstance(step, Settled):
            sight = await self._look(token) or sight  # with this very person in it
        return sight, step

    async def _step(self, sight: GiftSight, given: Given) -> Step:
        state = self._opened(sight.room, given.state)
        if state is None:
            return self.begin(sight, Slip.STALE)
        if not state.msisdn:
            return await self._number(sight, state, given)
        if state.proven:
            return await self._claim(sight, state, given)
        if given.again:
            sent = await self._send_code(sight, Msisdn(state.msisdn), _nonce(), given)
            return replace(sent, again=sent.slip is None)
        return await self._code(sight, state, given)

    async def _number(self, sight: GiftSight, state: _State, given: Given) -> Step:
        if (why := self._shut(sight.room)) is not None:
            return Shut(why)
        try:
            msisdn = parse_msisdn(given.number, sight.tenant.country)
        except BadMsisdn:
            return AskNumber(given.state, Slip.NUMBER)
        if not is_of(msisdn, sight.tenant.country):
            return AskNumber(given.state, Slip.ABROAD)
        return await self._send_code(sight, msisdn, state.nonce, given)

    async def _send_code(
        self, sight: GiftSight, msisdn: Msisdn, nonce: str, given: Given
    ) -> AskCode:
        """Once per nonce and number while the code is good: the same page sent twice makes one SMS.

        Where no more are sent, one that came to this browser before can still be typed.
        """
        room, to = sight.room, given.device or nonce
        asked = AskCode(self._sealed(room, to, msisdn), msisdn)
        if await self._too_many(room, given.address):
            log.warning("gift.codes_exhausted", room=str(room.id))
            return replace(asked, slip=Slip.TOO_MANY)
        customer = await self._customers.of_number(room.tenant_id, msisdn)
        key = f"gift:{nonce}:{customer.id}"
        try:
            await self._pins.send_code(customer, PURPOSE, key, "notice.gift_code", to=to)
        except TooManyCodes:
            return replace(asked, slip=Slip.TOO_MANY)
        return asked

    async def _too_many(self, room: Room, address: str) -> bool:
        rules = self._rules
        asked = (
            ("gift-codes-address", address, rules.of_address),
            ("gift-codes-room", str(room.id), rules.of_room),
            ("gift-codes-tenant", str(room.tenant_id), rules.of_all),
        )
        for what, whose, most in asked:
            if whose and await self._codes.count(what, whose, _WITHIN_S) > most:
                return True
        return False

    async def _code(self, sight: GiftSight, state: _State, given: Given) -> Step:
        msisdn = Msisdn(state.msisdn)
        code = re.sub(r"[\s-]", "", given.code)
        customer = await self._customers.of_number(sight.room.tenant_id, msisdn)
        if not _CODE.fullmatch(code) or not await self._proofs.right(customer, state.nonce, code):
            return AskCode(given.state, msisdn, Slip.CODE)
        proven = _State(state.room, state.nonce, self._clock.now() + GOOD_FOR, msisdn, proven=True)
        asked = Given(self._seal(proven), device=given.device, address=given.address)
        return await self._claim(sight, proven, asked, fresh=True)

    async def _claim(
        self, sight: GiftSight, state: _State, given: Given, *, fresh: bool = False
    ) -> Step:
        room, msisdn = sight.room, Msisdn(state.msisdn)
        customer = await self._customers.of_number(room.tenant_id, msisdn)
        answered = 1 <= given.answer <= len(room.answers)
        if room.kind is GiftKind.QUIZ and not answered:
            before = await self._gifts.standing(room, customer)
            why = Claiming.OWN if room.creator_id == customer.id else self._shut(room)
            if before is None and why is None:
                return AskAnswer(given.state, None if fresh else Slip.ANSWER)
        guest = Guest(
            customer=customer,
            answer=given.answer if answered else 0,
            device=given.device,
            address=given.address,
        )
        try:
            claimed = await self._gifts.claim(room, guest)
        except KeptOut as out:
            return Denied(out.told)
        except Busy:
            return TryAgain(given.state)
        if claimed.result is Claiming.UNANSWERED:
            return AskAnswer(given.state, Slip.ANSWER)
        return Settled(claimed, msisdn)

    def _shut(self, room: Room) -> Claiming | None:
        """Why nobody can take part now."""
        if room.state is RoomState.FROZEN:
            return Claiming.FROZEN
        now = self._clock.now()
        if room.state.final or now >= min(room.expires_at, room.draw_at or room.expires_at):
            return Claiming.OVER
        drawing = room.kind is GiftKind.DRAW
        full = room.seats and room.joined >= room.seats if drawing else room.full
        return Claiming.FULL if full else None

    async def _look(self, token: str) -> GiftSight | None:
        room = await self.progress(token)
        if room is None:
            return None
        tenant = await self._tenants.get(room.tenant_id)
        winners: Sequence[Claim] = ()
        if room.state.final:
            winners = await self._rooms.winners(room.tenant_id, room.id, WINNERS_SHOWN)
        return GiftSight(room, tenant, await self._ways.of(room, tenant), tuple(winners))

    def _sealed(self, room: Room, nonce: str = "", msisdn: str = "") -> str:
        until = self._clock.now() + GOOD_FOR
        return self._seal(_State(room.id, nonce or _nonce(), until, msisdn))

    def _seal(self, state: _State) -> str:
        return self._keyring.encrypt(msgspec.json.encode(state).decode())

    def _opened(self, room: Room, sealed: str) -> _State | None:
        """What a form of this room's page brought back; None when it is none, or late."""
        try:
            state = msgspec.json.decode(self._keyring.decrypt(sealed), type=_State)
        except (Unreadable, msgspec.DecodeError):
            return None
        return state if state.room == room.id and self._clock.now() < state.until else None


def _nonce() -> str:
    return secrets.token_urlsafe(12)
