"""Any life of gift rooms, against a model that fits on two pages: nobody twice, nothing lost.

Hypothesis makes up what creators, winners, operators and the clock do, in two processes at once,
and shrinks what goes wrong to the shortest story. In the end every escrow is empty, and whoever has
the published seeds finds the splits and the draws again.
"""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import asyncpg
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from core.domain import chance
from core.domain.gifts import (
    RESERVED_FOR,
    Claiming,
    ClaimState,
    GiftKind,
    NewRoom,
    PayOut,
    RoomState,
    Split,
)
from core.jobs.gifts import GiftDraws
from core.kit import ids
from core.store import invariants
from core.store.database import Database, owner_engine
from tests.fakes.books import open_books
from tests.fakes.database import connect
from tests.fakes.gifts import KEYRING, Gifts, open_gifts

FUNDS = 1_000_000
PEOPLE = 5
ROOMS = 3  # that live at a time
ROOM = st.integers(0, ROOMS)
CREATOR = 0
SHUT = {Claiming.FULL, Claiming.OVER, Claiming.FROZEN}
STOOD = {state: Claiming(state.value) for state in ClaimState}
OPENING: dict[str, Any] = {
    "kind": st.sampled_from((GiftKind.RACE, GiftKind.RACE, GiftKind.DRAW, GiftKind.QUIZ)),
    "shares": st.integers(1, 3),
    "pay_out": st.sampled_from((PayOut.WALLET, PayOut.WALLET, PayOut.AIRTIME)),
    "days": st.sampled_from((1, 7, 7)),
    "seats": st.sampled_from((0, 0, 2)),
    "early": st.booleans(),
}
ASKING: dict[str, Any] = {
    "which": ROOM,
    "people": st.permutations(range(PEOPLE + 1)),
    "count": st.integers(1, 3),
    "wrong": st.sets(st.integers(1, PEOPLE), max_size=2),
    "place": st.integers(0, 1),
}
Answer = TypeVar("Answer")


@dataclass
class Part:
    """One person in one room as the model knows it."""

    state: ClaimState
    ticket: int
    share: int = 0
    amount: int = 0
    until: dt.datetime | None = None


@dataclass
class Story:
    """One room as the model knows it."""

    room: NewRoom
    seed: bytes
    state: RoomState = RoomState.OPEN
    parts: dict[int, Part] = field(default_factory=dict)
    handed: int = 0
    freed: list[int] = field(default_factory=list)
    returned: int = 0
    frozen_at: dt.datetime | None = None

    @property
    def draw(self) -> bool:
        return self.room.kind is GiftKind.DRAW

    @property
    def total(self) -> int:
        return sum(self.room.amounts_minor)

    @property
    def taken(self) -> int:
        return self.handed - len(self.freed)

    def sum(self, state: ClaimState) -> int:
        return sum(part.amount for part in self.parts.values() if part.state is state)

    @property
    def escrow(self) -> int:
        return self.total - self.sum(ClaimState.PAID) - self.returned

    def give(self, part: Part, now: dt.datetime, *, payable: bool) -> None:
        """The next share."""
        if self.freed:
            part.share = self.freed.pop(0)
        else:
            self.handed += 1
            part.share = self.handed
        part.amount = self.room.amounts_minor[part.share - 1]
        part.state, part.until = ClaimState.RESERVED, now + RESERVED_FOR
        if payable:
            self.pay(part)

    def pay(self, part: Part) -> None:
        part.state, part.until = ClaimState.PAID, None
        if self.state is RoomState.OPEN and not self.draw and not self.escrow:
            self.state = RoomState.COMPLETED

    def end(self, state: RoomState) -> None:
        self.returned += self.escrow - self.sum(ClaimState.RESERVED)
        full = self.taken == len(self.room.amounts_minor)
        self.state = RoomState.COMPLETED if full and state is RoomState.EXPIRED else state


class GiftMachine(RuleBasedStateMachine):
    """The store beside a model of dictionaries."""

    runner: ClassVar[asyncio.Runner]
    database: ClassVar[Database]
    owner: ClassVar[asyncpg.Connection]
    url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        books = self.run(open_books(self.database, ids.speakable(8)))
        self.stores = [open_gifts(books), open_gifts(books)]
        self.creator = self.run(self.gifts.person(CREATOR, FUNDS))
        for number in range(1, PEOPLE + 1):
            self.run(self.gifts.person(number))
        self.stores[1].people = self.gifts.people
        self.pins: set[int] = set()
        self.stories: list[Story] = []

    @property
    def gifts(self) -> Gifts:
        return self.stores[0]

    @property
    def now(self) -> dt.datetime:
        return self.gifts.books.clock.now()

    def run(self, step: Coroutine[Any, Any, Answer]) -> Answer:
        return self.runner.run(step)

    @initialize(**OPENING)
    def open_first(self, **opening: Any) -> None:
        self.open_one(**opening)

    @precondition(lambda self: len(self.living) < ROOMS)
    @rule(**OPENING)
    def open(self, **opening: Any) -> None:
        self.open_one(**opening)

    def open_one(
        self, kind: GiftKind, shares: int, pay_out: PayOut, days: int, seats: int, *, early: bool
    ) -> None:
        seed = hashlib.sha256(b"room %d" % len(self.stories)).digest()
        drawn = kind is GiftKind.DRAW
        quiz = {"question": "?", "answers": ("a", "b"), "answer": 2}
        room = self.run(
            self.gifts.opened(
                self.creator,
                *chance.split(100, shares, seed),
                kind=kind,
                split=Split.RANDOM,
                pay_out=pay_out,
                commitment=chance.commitment(seed),
                seed_sealed=KEYRING.encrypt(seed.hex()),
                expires_at=self.now + dt.timedelta(days=days),
                draw_at=self.now + dt.timedelta(hours=12) if drawn and early else None,
                seats=seats if drawn else 0,
                **quiz if kind is GiftKind.QUIZ else {},
            )
        )
        self.stories.append(Story(room, seed))

    @rule(**ASKING)
    def claim(self, **asking: Any) -> None:
        self.ask(**asking)

    @rule(**ASKING)
    def claim_more(self, **asking: Any) -> None:
        """Once more, so that it is tried more often than other things."""
        self.ask(**asking)

    def ask(self, which: int, people: list[int], count: int, wrong: set[int], place: int) -> None:
        """One after the other, so that the model knows who was first."""
        story = self.story(which)
        for person in people[:count]:
            self.claim_one(story, person, place, right=person not in wrong)

    def claim_one(self, story: Story, person: int, place: int, *, right: bool) -> None:
        quiz = story.room.kind is GiftKind.QUIZ
        claimed = self.run(
            self.stores[place].claim(
                story.room,
                self.gifts.people[person],
                registered=person in self.pins,
                answer=(2 if right else 1) if quiz else 0,
            )
        )
        before = story.parts.get(person)
        expected = self.expect_claim(story, person, right=right or not quiz)
        if expected in SHUT and before is None:
            assert claimed.result in SHUT  # which of them, another process may hear a little later
            return
        if expected is Claiming.OWN:
            assert claimed.result is Claiming.OWN
            return
        assert (claimed.result, claimed.again) == (expected, before is not None)
        part = story.parts[person]
        assert claimed.amount_minor == part.amount
        assert claimed.reserved_until == part.until
        assert claimed.ticket == (part.ticket if story.draw else 0)

    def expect_claim(self, story: Story, person: int, *, right: bool) -> Claiming:
        part, room = story.parts.get(person), story.room
        if part is not None:
            return self.expect_again(story, part, person)
        if person == CREATOR:
            return Claiming.OWN
        if story.state is RoomState.FROZEN:
            return Claiming.FROZEN
        if story.state.final or self.now >= min(room.draw_at or room.expires_at, room.expires_at):
            return Claiming.OVER
        full = len(story.parts) >= room.seats > 0
        if full if story.draw else story.taken == len(room.amounts_minor):
            return Claiming.FULL
        part = story.parts[person] = Part(ClaimState.JOINED, len(story.parts) + 1)
        if not story.draw:
            part.state = ClaimState.LOST
            if right:
                airtime = room.pay_out is PayOut.AIRTIME
                story.give(part, self.now, payable=airtime or person in self.pins)
        return STOOD[part.state]

    def expect_again(self, story: Story, part: Part, person: int) -> Claiming:
        if part.state is ClaimState.RESERVED and person in self.pins:
            if story.state is not RoomState.FROZEN:
                story.pay(part)
        elif part.state is ClaimState.JOINED and story.state.final:
            return Claiming.OVER
        return STOOD[part.state]

    @rule(person=st.integers(PEOPLE - 1, PEOPLE), told=st.booleans())
    def register(self, person: int, *, told: bool) -> None:
        """Late, or so that nobody tells the rooms: the process died."""
        customer = self.gifts.people[person]
        self.run(self.gifts.books.customers.set_pin(customer, "a hash", self.now))
        self.pins.add(person)
        if told:
            mine = [(story, story.parts[person]) for story in self.stories if person in story.parts]
            waiting = [
                (story, part)
                for story, part in mine
                if part.state is ClaimState.RESERVED and story.state is not RoomState.FROZEN
            ]
            tenant_id = customer.tenant_id
            paid = self.run(self.gifts.rooms.registered(tenant_id, customer.id, self.now))
            assert paid == len(waiting)
            for story, part in waiting:
                story.pay(part)

    @rule(hours=st.sampled_from((1, 12, 48)), work=st.booleans())
    def wait(self, hours: int, *, work: bool) -> None:
        """Whether or not the workers get to it in time."""
        self.gifts.books.clock.advance(hours * 3600)
        if work:
            self.work()

    def work(self) -> None:
        """What the workers do."""
        gifts = self.gifts
        draws = GiftDraws(gifts.rooms, KEYRING, gifts.books.clock, lease_s=60)

        async def once() -> None:
            await gifts.expire()
            for due in await draws.due(1_000):
                await draws.draw(due)

        self.run(once())
        for story in self.stories:
            over = self.now >= story.room.expires_at
            if story.state is RoomState.OPEN and not story.draw and over:
                story.end(RoomState.EXPIRED)
            if story.state is not RoomState.FROZEN:
                self.expect_lapses(story)
            if story.state is RoomState.OPEN and story.draw:
                self.expect_draw(story)

    def expect_lapses(self, story: Story) -> None:
        freed = []
        for person, part in story.parts.items():
            if part.until is not None and part.until <= self.now:
                if person in self.pins:
                    story.pay(part)
                else:
                    part.state, part.until = ClaimState.LAPSED, None
                    freed.append(part.share)
                    story.returned += part.amount if story.state.final else 0
        story.freed += sorted(freed)

    def expect_draw(self, story: Story) -> None:
        room = story.room
        seated = len(story.parts) >= room.seats > 0
        if not seated and self.now < (room.draw_at or room.expires_at):
            return
        tickets = {part.ticket: person for person, part in story.parts.items()}
        for part in story.parts.values():
            part.state = ClaimState.LOST
        for ticket in chance.draw(story.seed, len(tickets), len(room.amounts_minor)):
            person = tickets[ticket]
            payable = room.pay_out is PayOut.AIRTIME or person in self.pins
            story.give(story.parts[person], self.now, payable=payable)
        story.end(RoomState.EXPIRED)

    @rule(which=ROOM, act=st.sampled_from(("freeze", "open", "freeze", "open", "cancel")))
    def operate(self, which: int, act: str) -> None:
        if act == "cancel":
            self.cancel(self.story(which))
        else:
            self.freeze(self.story(which), frozen=act == "freeze")

    def cancel(self, story: Story) -> None:
        self.run(self.gifts.end(story.room))
        if not story.state.final:
            story.end(RoomState.CANCELLED)

    def freeze(self, story: Story, *, frozen: bool) -> None:
        self.run(self.gifts.freeze(story.room, frozen=frozen))
        if frozen and story.state is RoomState.OPEN:
            story.state, story.frozen_at = RoomState.FROZEN, self.now
        elif not frozen and story.state is RoomState.FROZEN:
            assert story.frozen_at is not None
            story.state = RoomState.OPEN
            for person, part in story.parts.items():
                if part.until is not None:
                    part.until += self.now - story.frozen_at
                    if person in self.pins:
                        story.pay(part)

    @invariant()
    def all_is_as_the_model_says(self) -> None:
        for story, row in zip(self.stories, self.run(self.rows()), strict=True):
            expected = (story.state, story.taken, len(story.parts), story.returned, story.escrow)
            assert tuple(row) == expected, story
        money = self.run(self.wallets())
        for person in range(1, PEOPLE + 1):
            parts = [story.parts[person] for story in self.stories if person in story.parts]
            paid = sum(part.amount for part in parts if part.state is ClaimState.PAID)
            assert money.get(str(self.gifts.people[person].id), 0) == paid, person
        given = sum(story.total - story.returned for story in self.stories)
        assert money[str(self.creator.id)] == FUNDS - given

    @property
    def living(self) -> list[Story]:
        return [story for story in self.stories if not story.state.final]

    def story(self, which: int) -> Story:
        """One that lives, or the one that was opened last."""
        choice = [*self.living, self.stories[-1]]
        return choice[which % len(choice)]

    async def rows(self) -> list[Any]:
        return await self.owner.fetch(
            "select state, handed - cardinality(freed), joined, returned_minor, a.posted_minor"
            " from gift_rooms join accounts a on a.id = escrow_id"
            " where gift_rooms.tenant_id = $1 order by gift_rooms.id",
            self.gifts.books.tenant.id,
        )

    async def wallets(self) -> dict[str, int]:
        rows = await self.owner.fetch(
            "select owner, posted_minor from accounts where tenant_id = $1 and type = 'wallet'",
            self.gifts.books.tenant.id,
        )
        return {row["owner"]: row["posted_minor"] for row in rows}

    def teardown(self) -> None:
        """Everything is over in the end, whatever happened."""
        for story in self.stories:
            self.freeze(story, frozen=False)
        for _ in range(2):
            self.wait(8 * 24, work=True)
            self.all_is_as_the_model_says()
        for story in self.stories:
            assert (story.escrow, story.state.final) == (0, True)
            assert story.sum(ClaimState.PAID) + story.returned == story.total
            self.replay(story)

        async def check() -> list[str]:
            engine = owner_engine(self.url)
            try:
                return await invariants.check(engine)
            finally:
                await engine.dispose()

        assert self.run(check()) == []

    def replay(self, story: Story) -> None:
        """From what is published alone."""
        room = self.run(self.gifts.stands(story.room))
        seed = bytes.fromhex(room.seed)
        assert hashlib.sha256(seed).hexdigest() == room.commitment
        amounts = chance.split(room.total.minor, room.shares, seed)
        claims = self.run(self.gifts.rooms.claims(room.tenant_id, room.id, 100))
        if room.drawn_at is not None:
            won = dict(zip(chance.draw(seed, room.joined, room.shares), amounts, strict=False))
            assert {claim.ticket: claim.amount_minor for claim in claims if claim.amount_minor} == (
                won
            )
        paid = sorted(claim.amount_minor for claim in claims if claim.state is ClaimState.PAID)
        assert not set(paid) - set(amounts)


def test_any_life_of_rooms_loses_nothing_and_pays_nobody_twice(database_url: str) -> None:
    with asyncio.Runner() as runner:
        database = Database(database_url, connections=2)
        GiftMachine.runner, GiftMachine.database = runner, database
        GiftMachine.url = database_url
        GiftMachine.owner = runner.run(connect(database_url))
        runner.run(database.start())
        try:
            run_state_machine_as_test(
                GiftMachine,
                settings=settings(
                    max_examples=40,
                    stateful_step_count=40,
                    deadline=None,
                    suppress_health_check=list(HealthCheck),
                ),
            )
        finally:
            runner.run(GiftMachine.owner.close())
            runner.run(database.close())
