"""How a gift goes, as it happens: one reader for all, bounded, and over when the gift is."""

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator

import pytest

from bots.gifts.live import Live, LiveRules, LiveStream
from core.domain.gifts import Room, RoomState
from tests.fakes.waiting import until
from tests.unit.test_gift_pictures import ROOM

FAST = LiveRules(every_s=0.005, beat_s=0.02, viewers_max=4, rooms_max=2)
HERE = "105.112.8.9"


class Book:
    """How rooms stand. `fails`: so many times nobody can say."""

    def __init__(self) -> None:
        self.rooms = {ROOM.token: ROOM}
        self.asked = 0
        self.fails = 0

    async def read(self, token: str) -> Room | None:
        self.asked += 1
        if self.fails:
            self.fails -= 1
            raise OSError("the database is away")
        return self.rooms.get(token)

    def change(self, **changes: object) -> None:
        now = self.rooms[ROOM.token]
        self.rooms[ROOM.token] = dataclasses.replace(now, **changes)  # type: ignore[arg-type]


def shown(room: Room) -> str:
    return json.dumps({"taken": room.taken, "over": room.state.final})


@pytest.fixture
async def book() -> Book:
    return Book()


@pytest.fixture
async def live(book: Book) -> AsyncIterator[Live]:
    made = Live(book.read, FAST)
    yield made
    made.close()
    await asyncio.sleep(0)


def watched(live: Live, room: Room = ROOM) -> LiveStream:
    stream = live.stream(room, shown, HERE)
    assert stream is not None
    return stream


async def facts(stream: LiveStream) -> AsyncIterator[object]:
    async for said in stream.body_iterator:
        assert isinstance(said, str)
        if said.startswith("data: "):
            yield json.loads(said.removeprefix("data: "))


async def test_changes_are_told_once_and_the_end_ends_it(live: Live, book: Book) -> None:
    told = facts(watched(live))
    assert await anext(told) == {"taken": 0, "over": False}

    book.change(taken=3)
    assert await anext(told) == {"taken": 3, "over": False}
    book.change(taken=10, state=RoomState.COMPLETED)
    assert await anext(told) == {"taken": 10, "over": True}
    with pytest.raises(StopAsyncIteration):
        await anext(told)


async def test_many_viewers_share_one_reader(live: Live, book: Book) -> None:
    streams = [watched(live) for _ in range(4)]
    assert len(live._watches) == 1
    told = [facts(stream) for stream in streams]
    for each in told:
        await anext(each)

    book.change(taken=1)
    assert [await anext(each) for each in told] == [{"taken": 1, "over": False}] * 4


async def test_viewers_and_rooms_are_bounded_and_places_come_free(live: Live) -> None:
    streams = [watched(live) for _ in range(4)]
    assert live.stream(ROOM, shown, HERE) is None

    live.leave(streams[0]._watch, HERE)
    assert live.stream(ROOM, shown, HERE) is not None


async def test_one_address_leaves_places_to_others(book: Book) -> None:
    live = Live(book.read, dataclasses.replace(FAST, of_address_max=2))
    first = [watched(live) for _ in range(2)]
    assert live.stream(ROOM, shown, HERE) is None
    elsewhere = live.stream(ROOM, shown, "2c0f:f5c0:1:2::/64")
    assert elsewhere is not None

    live.leave(first[0]._watch, HERE)
    watched(live)

    assert live.stream(ROOM, shown, HERE) is None
    assert live.viewers == 3
    live.close()


async def test_rooms_are_bounded(live: Live) -> None:
    for number in range(2):
        watched(live, dataclasses.replace(ROOM, token=f"{number}" * 22))
    assert live.stream(dataclasses.replace(ROOM, token="z" * 22), shown, HERE) is None


async def test_who_waits_hears_signs_of_life(live: Live) -> None:
    said = watched(live).body_iterator
    heard = [await anext(aiter(said)) for _ in range(4)]

    assert heard[0] == "retry: 5000\n\n"
    assert heard[2:] == [": still here\n\n"] * 2


async def test_nobody_reads_when_nobody_looks(live: Live, book: Book) -> None:
    stream = watched(live)
    await until(lambda: book.asked > 1)

    live.leave(stream._watch, HERE)

    assert (live.viewers, live._watches) == (0, {})
    reader = stream._watch.reader
    assert reader is not None
    await until(reader.done)


async def test_a_reader_that_fails_asks_again(live: Live, book: Book) -> None:
    told = facts(watched(live))
    await anext(told)
    book.fails = 3
    book.change(taken=2)

    assert await anext(told) == {"taken": 2, "over": False}


async def test_a_viewer_stays_for_a_while_only(book: Book) -> None:
    live = Live(book.read, dataclasses.replace(FAST, stays_s=0.05))

    told = [fact async for fact in facts(watched(live))]

    assert told == [{"taken": 0, "over": False}]
    live.close()


async def test_all_are_sent_away_when_the_process_stops(live: Live) -> None:
    stop = asyncio.Event()
    serving = asyncio.create_task(live.until(stop))
    told = facts(watched(live))
    await anext(told)

    stop.set()
    await serving

    with pytest.raises(StopAsyncIteration):
        await anext(told)
    assert live.stream(ROOM, shown, HERE) is None


async def test_a_place_is_free_again_however_an_answer_ends(live: Live) -> None:
    stream = watched(live)

    async def receive() -> dict[str, object]:
        return {"type": "http.disconnect"}

    async def send(message: object) -> None:
        return

    await stream({"type": "http", "asgi": {"spec_version": "2.0"}}, receive, send)

    assert live.viewers == 0
