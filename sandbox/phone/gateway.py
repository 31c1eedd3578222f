"""The gateway's half of the phone page: carries its requests to Callbox, and nowhere else.

A browser may not post to another origin, so the page hands each body to the sandbox and the
sandbox posts the very same bytes. Nothing here reads, keeps or logs them: a body may hold a PIN.
"""

import asyncio
import hashlib
import ssl
import time
from dataclasses import asdict, dataclass
from functools import cached_property

import httpx

DEADLINE_S = 10.0
"""Africa's Talking ends a session whose application has not answered by then."""

_FORM = {"content-type": "application/x-www-form-urlencoded"}


@dataclass(frozen=True, slots=True)
class Carried:
    """What came back for one request: an answer, or `error`, which says in words why none came.

    `digest` is the SHA-256 of the body's bytes, so that two answers can be told apart even where
    decoding hides the difference.
    """

    path: str
    elapsed_ms: int
    status: int | None = None
    content_type: str = ""
    body: str = ""
    digest: str = ""
    error: str = ""

    def as_json(self) -> dict[str, object]:
        return asdict(self)


class Gateway:
    """Posts to one Callbox, whose address is fixed when the sandbox starts."""

    def __init__(self, callbox_url: str, deadline_s: float = DEADLINE_S) -> None:
        self._callbox_url = callbox_url.rstrip("/")
        self._deadline_s = deadline_s

    async def carry(self, path: str, body: bytes) -> Carried:
        """Post `body` to `path` as it is. Whatever Callbox does, there is an answer to show."""
        started = time.perf_counter()
        try:
            async with (
                asyncio.timeout(self._deadline_s),
                self._client() as client,
            ):
                reply = await client.post(self._callbox_url + path, content=body, headers=_FORM)
        except TimeoutError:
            return Carried(path, _since(started), error=f"No answer in {self._deadline_s:g} s.")
        except httpx.TransportError as error:
            return Carried(
                path, _since(started), error=f"Callbox not reached: {type(error).__name__}."
            )
        return Carried(
            path,
            _since(started),
            status=reply.status_code,
            content_type=reply.headers.get("content-type", ""),
            body=reply.content.decode(errors="replace"),
            digest=hashlib.sha256(reply.content).hexdigest(),
        )

    def _client(self) -> httpx.AsyncClient:
        """With no limit of its own, since `carry` has one; and no proxy may come between."""
        return httpx.AsyncClient(verify=self._tls, timeout=None, trust_env=False)  # noqa: S113

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Made once: reading the authorities' certificates takes longer than a whole turn."""
        return ssl.create_default_context()


def _since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
