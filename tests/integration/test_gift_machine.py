"""Any life of gift rooms, against a model of dictionaries: nobody twice, nothing lost.

Hypothesis makes up what creators, winners, operators and the clock do, in two processes at once,
and shrinks what goes wrong to the shortest story. In the end every escrow is empty, and whoever has
the published seeds finds the splits and the draws again.
"""

import asyncio
import datetime as dt
import hashlib
from collections.abc import Coroutine
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
    Claiming,
    ClaimState,
    GiftKind,
    PayOut,
    RoomState,
    Split,
)
from core.jobs.gifts import GiftDraws
from core.kit import ids
from core.services.cases import NoAlerts
from core.store import invariants
from core.store.database import Database, owner_engine
from tests.fakes.books import open_books
from tests.fakes.database import connect
from tests.fakes.gift_model import CREATOR, Story
from tests.fakes.gifts import KEYRING, Gifts, open_gifts

FUNDS = 1_000_000
PEOPLE = 5
ROOMS = 3  # that live at a time
ROOM = st.integers(0, ROOMS)
SHUT = {Claiming.FULL, Claiming.OVER, Claiming.FROZEN}
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
        self.stories.append(Story(room, seed, self.pins))

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
        expected = story.claim(person, self.now, right=right or not quiz)
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

    @rule(person=st.integers(PEOPLE - 1, PEOPLE), told=st.booleans())
    def register(self, person: int, *, told: bool) -> None:
        """Late, or so that nobody tells the rooms: the process died."""
        customer = self.gifts.people[person]
        self.run(self.gifts.books.customers.set_pin(customer, "a hash", self.now))
        self.pins.add(person)
        if told:
            tenant_id = customer.tenant_id
            paid = self.run(self.gifts.rooms.registered(tenant_id, customer.id, self.now))
            assert paid == sum([story.fetch(person) for story in self.stories])

    @rule(hours=st.sampled_from((1, 12, 48)), work=st.booleans())
    def wait(self, hours: int, *, work: bool) -> None:
        """Whether or not the workers get to it in time."""
        self.gifts.books.clock.advance(hours * 3600)
        if work:
            self.work()

    def work(self) -> None:
        """What the workers do."""
        gifts = self.gifts
        draws = GiftDraws(gifts.rooms, KEYRING, NoAlerts(), gifts.books.clock, lease_s=60)

        async def once() -> None:
            await gifts.expire()
            for due in await draws.due(1_000):
                await draws.draw(due)

        self.run(once())
        for story in self.stories:
            story.work(self.now)

    @rule(which=ROOM, act=st.sampled_from(("freeze", "open", "freeze", "open", "cancel")))
    def operate(self, which: int, act: str) -> None:
        story = self.story(which)
        if act == "cancel":
            self.run(self.gifts.end(story.room))
            story.end(RoomState.CANCELLED)
        else:
            self.freeze(story, frozen=act == "freeze")

    def freeze(self, story: Story, *, frozen: bool) -> None:
        self.run(self.gifts.freeze(story.room, frozen=frozen))
        story.freeze(self.now, frozen=frozen)

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
