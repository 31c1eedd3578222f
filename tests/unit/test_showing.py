"""Screens in a chat: at its pace, with their receipts, and what is made of each answer."""

import asyncio
import datetime as dt
from dataclasses import dataclass, field, replace
from uuid import UUID

import pytest

from core.domain.chat import Address, Closed, Delivery, Later, Refused, Sent, Unreachable
from core.domain.display import Tells
from core.domain.turns import Channel
from core.kit import ids
from core.kit.clock import SetClock
from core.ports.chat import Moment
from core.services.showing import Showing
from core.store.pace import NoPace
from tests.fakes.chat import Notebook
from tests.fakes.post import Album
from tests.fakes.speaker import END
from tests.fakes.stores import AT

CHANNEL = Channel(ids.uuid7(), ids.uuid7(), "telegram", "telegram", "k")
TO = Address(CHANNEL.tenant_id, CHANNEL, "ada")
RECEIPT = replace(END, receipt="K7M2")


class Slow(NoPace):
    """A channel that takes something every so often."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s

    async def answer(self, to: Address, *, within_s: float) -> float:
        return self.wait_s


@dataclass
class Minds:
    """What is made of answers, and which ends of orders were seen."""

    failures: list[Delivery] = field(default_factory=list)
    well_told: int = 0
    ends: list[tuple[UUID, str, UUID, str, Tells]] = field(default_factory=list)

    async def failed(self, to: Address, delivery: Delivery) -> None:
        self.failures.append(delivery)

    async def well(self, channel: Channel) -> None:
        self.well_told += 1

    async def seen(
        self,
        tenant_id: UUID,
        reference: str,
        channel_id: UUID,
        identity: str,
        at: dt.datetime,
        tells: Tells = Tells.DONE,
    ) -> bool:
        self.ends.append((tenant_id, reference, channel_id, identity, tells))
        return True


@dataclass
class Desk:
    notebook: Notebook
    album: Album
    minds: Minds
    showing: Showing

    async def show(self, *answers: Delivery, screen: object = END) -> Delivery:
        self.notebook.answers = list(answers)
        return await self.showing.show(self.notebook, TO, screen, Moment())  # type: ignore[arg-type]


def desk(wait_s: float = 0.0) -> Desk:
    notebook, album, minds = Notebook("telegram"), Album(), Minds()
    return Desk(notebook, album, minds, Showing(Slow(wait_s), album, minds, minds, SetClock(AT)))


async def test_a_screen_with_a_receipt_takes_its_picture_along_and_is_seen() -> None:
    at = desk()
    await at.show(screen=RECEIPT)

    [shown] = at.notebook.shown
    assert shown.moment.picture == b"PNG of K7M2"
    assert at.minds.ends == [(CHANNEL.tenant_id, "K7M2", CHANNEL.id, "ada", Tells.DONE)]


@pytest.mark.parametrize("tells", [Tells.WAITS, Tells.SENT])
async def test_what_does_not_work_yet_or_is_anothers_has_no_picture(tells: Tells) -> None:
    at = desk()
    await at.show(screen=replace(RECEIPT, tells=tells))

    assert at.album.asked == []
    assert [end[-1] for end in at.minds.ends] == [tells]


async def test_any_other_screen_has_none() -> None:
    at = desk()
    await at.show()

    assert at.notebook.shown[0].moment.picture is None
    assert (at.album.asked, at.minds.ends) == ([], [])


@pytest.mark.parametrize(
    "answer", [Later(5, "flood"), Unreachable("blocked"), Refused("no"), Closed()]
)
async def test_what_was_not_shown_was_not_seen(answer: Delivery) -> None:
    at = desk()
    assert await at.show(answer, screen=RECEIPT) == answer

    assert at.minds.ends == []
    assert at.minds.failures == ([] if isinstance(answer, Closed) else [answer])


async def test_a_short_wait_is_waited_for() -> None:
    at, began = desk(wait_s=0.2), asyncio.get_running_loop().time()
    assert isinstance(await at.show(), Sent)

    assert asyncio.get_running_loop().time() - began >= 0.19


async def test_a_long_wait_gives_the_talk_back() -> None:
    """Nothing is shown, and nothing is held against anybody."""
    at = desk(wait_s=6.0)
    delivery = await at.show()

    assert isinstance(delivery, Later)
    assert (delivery.after_s, delivery.spares) == (6.0, "")
    assert (at.notebook.shown, at.minds.failures) == ([], [])


async def test_that_a_channel_is_well_is_said_once_and_after_each_refusal() -> None:
    at = desk()
    for answers in ((), (), (Refused("no"),), (), ()):
        await at.show(*answers)

    assert at.minds.well_told == 2
