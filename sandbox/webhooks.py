"""Webhooks on their way to Callbox: kept until taken, tried again with short pauses."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiosqlite
import httpx
import structlog

from core.kit.clock import Clock
from core.kit.errors import Fault
from sandbox.database import Database, Transaction, stamp

SCHEMA = """
CREATE TABLE IF NOT EXISTS webhooks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    provider TEXT NOT NULL,
    url TEXT NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    taken_by TEXT NOT NULL,
    due_at TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS webhooks_by_due ON webhooks (due_at);
"""

HTTP_200 = "http 200"
SAYS_SUCCESS = '{"response":"success"}'

_AT_ONCE = 16
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Webhook:
    """One call to make.

    Attributes:
        body: The exact bytes, since a signature covers them; with none it is a `GET`.
        taken_by: What ends the tries: `HTTP_200`, or an answer that `SAYS_SUCCESS`.
        after_s: How long to wait before the first try.
    """

    provider: str
    url: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    taken_by: str = HTTP_200
    after_s: float = 0.0


class WebhookQueue:
    """Rows written with the change that they tell of, sent by the background task."""

    def __init__(
        self, database: Database, clock: Clock, *, backoff_s: Sequence[float], timeout_s: float
    ) -> None:
        self._database = database
        self._clock = clock
        self._backoff_s = backoff_s
        self._timeout_s = timeout_s
        self._client: httpx.AsyncClient | None = None
        self._sending = asyncio.Lock()

    async def open(self) -> None:
        self._client = httpx.AsyncClient(timeout=self._timeout_s, trust_env=False)

    async def close(self) -> None:
        if self._client:
            await self._client.aclose()
            self._client = None

    async def put(self, tx: Transaction, webhook: Webhook) -> None:
        """Queue it in the transaction of the change that it tells of."""
        due = self._clock.now() + dt.timedelta(seconds=webhook.after_s)
        await tx.execute(
            "INSERT INTO webhooks (provider, url, headers, body, taken_by, due_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                webhook.provider,
                webhook.url,
                json.dumps(dict(webhook.headers)),
                webhook.body,
                webhook.taken_by,
                stamp(due),
            ),
        )

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Nothing is sent inside, and nothing is under way."""
        async with self._sending:
            yield

    async def send_due(self) -> None:
        """Post what is due, once, and wait for the answers."""
        async with self.paused():
            await self._send_due()

    async def _send_due(self) -> None:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            rows = list(
                await tx.execute_fetchall(
                    "SELECT * FROM webhooks WHERE due_at <= ? ORDER BY due_at, id LIMIT ?",
                    (stamp(now), _AT_ONCE),
                )
            )
            for row in rows:
                await tx.execute("UPDATE webhooks SET tries = tries + 1 WHERE id = ?", (row["id"],))
        await asyncio.gather(*(self._try(row) for row in rows))

    async def send_now(self, webhook: Webhook) -> bool:
        """One try, waiting for the answer; nothing is kept. Whether it was taken."""
        answer = await self._post(webhook.url, dict(webhook.headers), webhook.body)
        return answer is not None and _is_taken(webhook.taken_by, answer)

    async def _try(self, row: aiosqlite.Row) -> None:
        answer = await self._post(row["url"], json.loads(row["headers"]), row["body"])
        taken = answer is not None and _is_taken(row["taken_by"], answer)
        last = row["tries"] >= len(self._backoff_s)
        _log.info(
            "sandbox.webhook_sent",
            provider=row["provider"],
            status=None if answer is None else answer.status_code,
            taken=taken,
            attempt=row["tries"] + 1,
        )
        async with self._database.transaction() as tx:
            if taken or last:
                await tx.execute("DELETE FROM webhooks WHERE id = ?", (row["id"],))
                return
            pause = dt.timedelta(seconds=self._backoff_s[row["tries"]])
            await tx.execute(
                "UPDATE webhooks SET due_at = ? WHERE id = ?",
                (stamp(self._clock.now() + pause), row["id"]),
            )

    async def _post(self, url: str, headers: dict[str, str], body: bytes) -> httpx.Response | None:
        if not self._client:
            raise Fault("the sandbox's webhook client is not open")
        sent = {"content-type": "application/json", **headers}
        try:
            if not body:
                return await self._client.get(url, headers=headers)
            return await self._client.post(url, content=body, headers=sent)
        except (httpx.HTTPError, httpx.InvalidURL):
            return None


def _is_taken(taken_by: str, answer: httpx.Response) -> bool:
    if answer.status_code != httpx.codes.OK:
        return False
    if taken_by == HTTP_200:
        return True
    try:
        reply = answer.json()
    except ValueError:
        return False
    return isinstance(reply, dict) and reply.get("response") == "success"
