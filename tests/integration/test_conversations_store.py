"""Conversations in a real Redis: what is kept is found, and of two writers one must look again."""

import asyncio
from collections.abc import AsyncIterator
from typing import cast
from uuid import UUID, uuid4

import pytest
import redis.asyncio as redis

from core.kit.crypto import Keyring
from core.ports import Stored, Unavailable
from core.store.conversations import Conversations
from core.store.redis_line import Broken, Line, open_line
from tests.fakes.valkey import OwnValkey, own_valkey

KEYRING = Keyring("a passphrase for tests")
MSISDN = "2348031234567"
TTL_S = 60


@pytest.fixture(scope="module")
async def valkey() -> AsyncIterator[OwnValkey]:
    async with own_valkey() as server:
        yield server


@pytest.fixture
async def client(valkey: OwnValkey) -> AsyncIterator[redis.Redis]:
    """For looking at what is kept, beside the store."""
    async with redis.Redis.from_url(valkey.url) as client:
        yield client


@pytest.fixture
async def store(valkey: OwnValkey) -> AsyncIterator[Conversations]:
    async with open_line(valkey.url) as line:
        yield Conversations(line, KEYRING)


@pytest.fixture
def channel() -> UUID:
    return uuid4()


async def save(
    store: Conversations, channel: UUID, record: bytes, before: int | None, identity: str = MSISDN
) -> bool:
    return await store.save(channel, identity, record, version_before=before, ttl_s=TTL_S)


async def test_nothing_is_found_where_nothing_was_kept(store: Conversations, channel: UUID) -> None:
    assert await store.load(channel, MSISDN) is None


@pytest.mark.parametrize(
    "record",
    [
        pytest.param(b'{"node":"amount"}', id="json"),
        pytest.param(b"", id="empty"),
        pytest.param(bytes(range(256)) * 40, id="any bytes, ten kilobytes"),
    ],
)
async def test_what_was_kept_is_found_byte_for_byte(
    store: Conversations, channel: UUID, record: bytes
) -> None:
    assert await save(store, channel, record, None)

    stored = await store.load(channel, MSISDN)

    assert stored is not None
    assert stored.record == record
    assert stored.version == 1


async def test_each_save_is_one_version_more(store: Conversations, channel: UUID) -> None:
    """The caller counts on it: it saves twice in one turn without reading in between."""
    for version in range(300):
        assert await save(store, channel, b"%d" % version, version or None)

    stored = await store.load(channel, MSISDN)
    assert stored is not None
    assert (stored.version, stored.record) == (300, b"299")


@pytest.mark.parametrize("before", [None, 1, 3, 256])
async def test_a_save_upon_another_version_changes_nothing(
    store: Conversations, channel: UUID, before: int | None
) -> None:
    await save(store, channel, b"one", None)
    await save(store, channel, b"two", 1)

    assert not await save(store, channel, b"late", before)

    stored = await store.load(channel, MSISDN)
    assert stored is not None
    assert (stored.version, stored.record) == (2, b"two")


async def test_the_same_record_from_two_writers_is_kept_once(
    store: Conversations, channel: UUID
) -> None:
    """Equal content does not make two writers one: the second must look again."""
    results = await asyncio.gather(*(save(store, channel, b"same", None) for _ in range(10)))

    assert sorted(results) == [False] * 9 + [True]


async def test_a_save_upon_a_conversation_that_is_gone_is_refused(
    store: Conversations, channel: UUID
) -> None:
    assert not await save(store, channel, b"two", 1)
    assert await store.load(channel, MSISDN) is None


async def test_people_and_channels_are_apart(store: Conversations, channel: UUID) -> None:
    await save(store, channel, b"hers", None)

    assert await store.load(channel, "2348031234568") is None
    assert await store.load(uuid4(), MSISDN) is None


async def test_no_update_is_lost_among_fifty_writers(store: Conversations, channel: UUID) -> None:
    """Each adds its name, and looks again when it was not first."""

    async def write(name: int) -> None:
        while True:
            stored = await store.load(channel, MSISDN)
            record = (stored.record if stored else b"") + b"%d," % name
            if await save(store, channel, record, stored.version if stored else None):
                return

    await asyncio.gather(*(write(name) for name in range(50)))

    stored = await store.load(channel, MSISDN)
    assert stored is not None
    assert sorted(map(int, stored.record.rstrip(b",").split(b","))) == list(range(50))
    assert stored.version == 50


async def test_a_conversation_expires_and_each_save_renews_it(
    store: Conversations, client: redis.Redis, channel: UUID
) -> None:
    await store.save(channel, MSISDN, b"one", version_before=None, ttl_s=1)
    await store.save(channel, MSISDN, b"two", version_before=1, ttl_s=TTL_S)
    await asyncio.sleep(1.1)
    assert await store.load(channel, MSISDN) is not None

    await store.save(channel, MSISDN, b"three", version_before=2, ttl_s=1)
    await asyncio.sleep(1.1)
    assert await store.load(channel, MSISDN) is None


async def test_no_key_holds_a_number_and_a_hash_tag_holds_its_whole_name(
    store: Conversations, client: redis.Redis, channel: UUID
) -> None:
    await save(store, channel, b"one", None)

    keys = [key.decode() async for key in client.scan_iter(match=f"*{channel}*")]

    assert len(keys) == 1
    assert MSISDN not in keys[0]
    assert MSISDN[3:] not in keys[0]
    assert keys[0].startswith(f"callbox:conversation:{{{channel}:")
    assert keys[0].endswith("}")


async def test_a_value_too_short_to_be_ours_is_nothing(
    store: Conversations, client: redis.Redis, channel: UUID
) -> None:
    await save(store, channel, b"one", None)
    [key] = [key async for key in client.scan_iter(match=f"*{channel}*")]
    await client.set(key, b"odd")

    assert await store.load(channel, MSISDN) is None


async def test_scripts_that_redis_forgot_are_sent_again(
    store: Conversations, client: redis.Redis, channel: UUID
) -> None:
    await save(store, channel, b"one", None)
    await client.script_flush()

    assert await save(store, channel, b"two", 1)


async def test_a_restart_of_redis_loses_conversations_and_nothing_else() -> None:
    async with own_valkey() as server, open_line(server.url) as line:
        store = Conversations(line, KEYRING)
        channel = uuid4()
        await asyncio.gather(*(save(store, channel, b"x", None, str(n)) for n in range(20)))
        server.stop()
        with pytest.raises(Unavailable):
            await store.load(channel, "1")

        await server.start()

        found = await asyncio.gather(*(store.load(channel, str(n)) for n in range(20)))
        assert found == [None] * 20
        kept = await asyncio.gather(*(save(store, channel, b"y", None, str(n)) for n in range(20)))
        assert kept == [True] * 20


async def test_a_redis_that_does_not_answer_is_unavailable_in_time() -> None:
    async with own_valkey() as server, open_line(server.url, timeout_s=0.5) as line:
        store = Conversations(line, KEYRING)
        await store.ping()
        server.pause()
        started = asyncio.get_running_loop().time()

        with pytest.raises(Unavailable):
            await store.load(uuid4(), MSISDN)
        with pytest.raises(Unavailable):
            await save(store, uuid4(), b"x", None)
        with pytest.raises(Unavailable):
            await store.ping()

        assert asyncio.get_running_loop().time() - started < 5
        server.go_on()
        await store.ping()


async def test_no_answer_reaches_another_who_did_not_ask() -> None:
    """Every second caller hangs up while its answer is on its way; the others get their own."""
    async with own_valkey() as server, open_line(server.url, timeout_s=10) as line:
        store = Conversations(line, KEYRING)
        channel = uuid4()
        for n in range(30):
            await save(store, channel, b"%d" % n, None, str(n))

        for _ in range(10):
            server.pause()
            loads = [asyncio.create_task(store.load(channel, str(n))) for n in range(30)]
            await asyncio.sleep(0.01)
            for load in loads[::2]:
                load.cancel()
            server.go_on()
            found = await asyncio.gather(*loads, return_exceptions=True)
            assert [one.record for one in found if isinstance(one, Stored)] == [
                b"%d" % n for n in range(1, 30, 2)
            ]


async def test_after_a_stall_nobody_gets_an_answer_from_before_it() -> None:
    async with own_valkey() as server, open_line(server.url, timeout_s=0.5) as line:
        store = Conversations(line, KEYRING)
        channel = uuid4()
        await save(store, channel, b"hers", None, "1")
        server.pause()
        with pytest.raises(Unavailable):
            await store.load(channel, "1")
        server.go_on()

        assert await store.load(channel, "2") is None


async def test_many_turns_at_once_share_one_connection(
    client: redis.Redis, store: Conversations, channel: UUID
) -> None:
    kept = await asyncio.gather(*(save(store, channel, b"x", None, str(n)) for n in range(500)))

    assert kept == [True] * 500
    assert (await client.info("clients"))["connected_clients"] <= 2


async def test_a_swap_whose_answer_was_lost_is_not_taken_for_a_lost_race(
    store: Conversations, channel: UUID
) -> None:
    """The connection breaks after Redis swapped: asked again, the value there is our own."""
    broken = BreaksOnce(store)

    assert await save(store, channel, b"ours", None)

    assert broken.times == 1
    stored = await store.load(channel, MSISDN)
    assert stored is not None
    assert (stored.version, stored.record) == (1, b"ours")


class BreaksOnce:
    """Stands between a store and its client, and loses the first answer to a swap."""

    def __init__(self, store: Conversations) -> None:
        self.times = 0
        self._through = store._line
        store._line = cast("Line", self)

    async def __call__(self, *arguments: str | bytes | int) -> object:
        answer = await self._through(*arguments)
        if arguments[0] in {"EVALSHA", "EVAL"} and not self.times:
            self.times += 1
            raise Broken("reset by peer")
        return answer
