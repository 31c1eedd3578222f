"""What people wrote in chats, in Postgres, until it is answered."""

import datetime as dt
from collections.abc import Iterable, Sequence
from itertools import groupby

import asyncpg
import msgspec
import structlog

from core.domain.chat import ChatMessage, Doing, Talk
from core.domain.turns import Channel
from core.kit.clock import Clock
from core.kit.crypto import Keyring, Unreadable
from core.store.batcher import Batcher
from core.store.channels import PgChannels
from core.store.database import Database

log = structlog.get_logger()

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(ChatMessage)
# Meta delivers again for up to seven days; after that no row is needed to know a message again.
KEPT_DAYS = 8


class PgInbox:
    """See `core.ports.chat.Inbox`. What was written is sealed with the keyring."""

    def __init__(
        self, database: Database, channels: PgChannels, keyring: Keyring, clock: Clock
    ) -> None:
        self._database = database
        self._channels = channels
        self._keyring = keyring
        self._clock = clock
        self._puts = Batcher[tuple[object, ...], bool]("inbox", self._put)
        self._answers = Batcher[tuple[object, ...], bool](
            "answers", self._answer, key=lambda item: item[:2]
        )

    async def close(self) -> None:
        await self._puts.close()
        await self._answers.close()

    async def put(
        self,
        channel: Channel,
        messages: Sequence[ChatMessage],
        at: dt.datetime,
        *,
        not_before: dt.datetime | None = None,
    ) -> int:
        fresh = 0
        for message in messages:
            sealed = self._keyring.encrypt(_ENCODER.encode(message).decode())
            fresh += await self._puts.submit(
                (
                    channel.id,
                    message.external_id,
                    channel.tenant_id,
                    message.identity,
                    sealed,
                    at,
                    not_before or at,
                )
            )
        return fresh

    async def _put(self, items: Sequence[tuple[object, ...]]) -> Sequence[bool]:
        rows = await self._database.call(
            "select fresh from inbox_put($1::inbox_item[]) order by place", list(items)
        )
        return [row["fresh"] for row in rows]

    async def claim(self, count: int, lease_s: float) -> Sequence[Talk]:
        rows = await self._database.call(
            "select * from inbox_claim($1, $2, $3)",
            count,
            dt.timedelta(seconds=lease_s),
            self._clock.now(),
        )
        return [
            self._talk(list(group))
            for _, group in groupby(rows, lambda row: (row["channel_id"], row["identity"]))
        ]

    def _talk(self, rows: Sequence[asyncpg.Record]) -> Talk:
        first = rows[0]
        return Talk(
            channel=self._channels.of_row(first, channel_id=first["channel_id"]),
            identity=first["identity"],
            messages=tuple(_in_order(self._opened(rows))),
            last_shown=first["last_shown"],
            heard_at=first["heard_at"],
            tries=first["tries"],
            with_person=first["with_person"],
        )

    def _opened(self, rows: Iterable[asyncpg.Record]) -> Iterable[ChatMessage]:
        for row in rows:
            if row["external_id"] is None:
                continue
            try:
                yield _DECODER.decode(self._keyring.decrypt(row["content"]))
            except (Unreadable, msgspec.DecodeError):
                log.error("inbox.unreadable", channel=str(row["channel_id"]))  # noqa: TRY400 - no words in a log
                yield ChatMessage(row["external_id"], row["identity"], Doing.OTHER)

    async def answered(
        self, talk: Talk, message: ChatMessage, shown: str | None, *, last: bool
    ) -> bool:
        return await self._answers.submit(
            _answer(talk, message.external_id, state="answered", shown=shown, released=last)
        )

    async def park(self, talk: Talk, message: ChatMessage, why: str, *, last: bool) -> bool:
        return await self._answers.submit(
            _answer(talk, message.external_id, state="parked", why=why, released=last)
        )

    async def release(
        self, talk: Talk, *, again_at: dt.datetime | None = None, counted: bool = True
    ) -> bool:
        return await self._answers.submit(
            _answer(
                talk, None, state="waiting", held_until=again_at, released=True, counted=counted
            )
        )

    async def _answer(self, items: Sequence[tuple[object, ...]]) -> Sequence[bool]:
        rows = await self._database.call(
            "select more from inbox_answer($1::inbox_answer_item[]) order by place", list(items)
        )
        return [row["more"] for row in rows]

    async def hurry(self, channel: Channel, identity: str) -> None:
        await self._database.call(
            "select inbox_hurry($1, $2, $3)", channel.id, identity, self._clock.now()
        )

    async def lag_s(self) -> float:
        [row] = await self._database.call("select inbox_lag($1) as lag", self._clock.now())
        return float(row["lag"])

    async def prune(self, count: int) -> int:
        """Forget what was answered and no channel will deliver again; how many rows are gone.

        What is parked waits for an operator, however long.
        """
        before = self._clock.now() - dt.timedelta(days=KEPT_DAYS)
        [row] = await self._database.call("select inbox_prune($1, $2) as gone", before, count)
        return int(row["gone"])


def _in_order(messages: Iterable[ChatMessage]) -> Iterable[ChatMessage]:
    """As they were written, where the channel tells when; else as they came."""
    said_at, timed = 0, []
    for message in messages:
        said_at = message.said_at or said_at
        timed.append((said_at, message))
    return (message for _, message in sorted(timed, key=lambda each: each[0]))


def _answer(
    talk: Talk,
    external_id: str | None,
    *,
    state: str,
    released: bool,
    why: str | None = None,
    shown: str | None = None,
    held_until: dt.datetime | None = None,
    counted: bool = True,
) -> tuple[object, ...]:
    """An `inbox_answer_item`."""
    return (
        talk.channel.id,
        talk.identity,
        external_id,
        state,
        why,
        shown,
        held_until,
        None,
        released,
        counted,
    )
