"""HTTP to the outside: one client factory, one way to send, and what a failure proves.

What the transport really raises (httpx-aiohttp 0.2 over aiohttp 3.14, each case held by a test on
real sockets), and why nothing may be read off the httpx class alone:

- A connection that the server closed *after* taking the request arrives as `httpx.ConnectTimeout`,
  as does a reset. Only the aiohttp error underneath tells them from a real connect timeout.
- aiohttp by itself sends GET, HEAD, PUT and DELETE a second time when a connection dies before
  the reply. `_sent_once` takes that away for every method.
- A malformed reply head surfaces as a bare aiohttp error that is no `httpx.HTTPError`.
- Timeouts count per read, so a reply that trickles in is bounded by `send`, not by the client.
"""

import asyncio
import contextlib
import logging
import re
import ssl
import time
from collections.abc import AsyncIterable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from http.cookiejar import CookieJar, DefaultCookiePolicy
from types import MappingProxyType

import aiohttp
import httpx
import msgspec
import structlog
from aiohttp.abc import AbstractResolver
from httpx_aiohttp import AiohttpTransport

from core.providers import addresses

log = structlog.get_logger()

REPLY_BYTES_MAX = 1024 * 1024
_CONNECT_S_MAX = 10.0
# Twice what a worker handles side by side: waiting in line must not look like a provider's failure.
CONNECTIONS_MAX = 4096
_IDLE_S = 15.0
# One escape after the other, so that an escaped backslash before a `u` is none; pairs come first.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<half>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)

# httpx would write down every address, and some parties want our key in theirs.
logging.getLogger("httpx").addFilter(lambda _: False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that arrived whole. `body` is None when it was larger than `REPLY_BYTES_MAX`.

    The names in `headers` are in lower case.
    """

    status: int
    body: bytes | None
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    def json(self) -> object:
        """The body as JSON, or None when it is none."""
        return read_json(self.body)


@dataclass(frozen=True, slots=True)
class NoReply:
    """No whole answer. `never_sent` only when the request provably did not leave this machine."""

    reason: str
    never_sent: bool = False


_also_sent: ContextVar[Mapping[str, str]] = ContextVar("also_sent", default=MappingProxyType({}))


@contextlib.contextmanager
def also_sending(headers: Mapping[str, str]) -> Iterator[None]:
    """Clients made inside send these too, where they have none of that name."""
    before = _also_sent.set(headers)
    try:
        yield
    finally:
        _also_sent.reset(before)


def client(
    *,
    base_url: str = "",
    timeout_s: float,
    headers: Mapping[str, str] | None = None,
    reuse_connections: bool = True,
    connections_max: int = CONNECTIONS_MAX,
) -> httpx.AsyncClient:
    """A client for one outside party. Whoever asks for it closes it.

    Made inside `core.providers.addresses.reaching`, it goes no further than said there.

    It is httpx on aiohttp's connections: httpx's own pool slows down to a crawl above some eight
    calls at once (encode/httpx #3215). It follows no redirects, keeps no cookies, takes no proxy or
    password from the environment, and sends a request at most once.

    Args:
        base_url: Put before relative paths.
        timeout_s: For each read. Connecting, waiting for a free connection included, gets half of
            it, at most ten seconds.
        headers: Sent with each request.
        reuse_connections: False opens a new connection for every request. A request written into
            one that the other side has just closed for idling is in doubt though nobody took it;
            where doubt keeps a customer waiting, a handshake is cheaper.
        connections_max: Open at once; who finds none free waits for one.
    """
    lookup = addresses.resolver()

    def opened() -> aiohttp.ClientSession:
        return session(lookup, connections_max=connections_max, reuse_connections=reuse_connections)

    connect_s = min(_CONNECT_S_MAX, timeout_s / 2)
    return httpx.AsyncClient(
        transport=AiohttpTransport(verify=_tls(), client=opened),
        base_url=base_url,
        timeout=httpx.Timeout(timeout_s, connect=connect_s, pool=connect_s),
        headers={
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "callbox",
            "connection": "keep-alive" if reuse_connections else "close",
            **_also_sent.get(),
            **(headers or {}),
        },
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
        follow_redirects=False,
        trust_env=False,
    )


def session(
    lookup: AbstractResolver | None,
    *,
    connections_max: int = CONNECTIONS_MAX,
    to_one_host_max: int = 0,
    reuse_connections: bool = True,
    names_kept_s: int = 10,
) -> aiohttp.ClientSession:
    """The connections under a client: no cookies, nothing from the environment, nothing sent twice.

    Bare, where a customer waits for many small calls: httpx around them doubles what each costs.
    Whoever asks for it closes it. Not before an event loop runs.

    Args:
        lookup: What resolves names, as `addresses.resolver` gave it; None for the usual way.
        connections_max: Open at once; who finds none free waits for one.
        to_one_host_max: Of these, to one host and port. 0 for as many as there are: where hosts are
            named by others, one that hangs would keep all from the rest.
        reuse_connections: See `client`.
        names_kept_s: How long the address of a name is used again, without asking for it.
    """
    connector = aiohttp.TCPConnector(
        ssl=_tls(),
        limit=connections_max,
        limit_per_host=to_one_host_max,
        ttl_dns_cache=names_kept_s,
        force_close=not reuse_connections,
        keepalive_timeout=_IDLE_S if reuse_connections else None,
        resolver=lookup,
    )
    return aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_sent_once,),
    )


async def send(
    http: httpx.AsyncClient,
    request: httpx.Request,
    *,
    act: str,
    within_s: float,
    silence_told: bool = True,
) -> Reply | NoReply:
    """Send once and read the answer, all within `within_s` seconds. Raises for nothing outside.

    `act` names the call in the log (`vtpass.pay`), which gets no address, header or body. Without
    `silence_told` whoever asks, again and again, tells by itself that there is no answer.
    """
    started = time.monotonic()
    answer = await _exchange(http, request, within_s)
    elapsed_ms = round((time.monotonic() - started) * 1000)
    if isinstance(answer, Reply):
        log.info("outside.answered", act=act, status=answer.status, elapsed_ms=elapsed_ms)
    elif silence_told:
        log.warning(
            "outside.silent",
            act=act,
            reason=answer.reason,
            never_sent=answer.never_sent,
            elapsed_ms=elapsed_ms,
        )
    return answer


async def _exchange(
    http: httpx.AsyncClient, request: httpx.Request, within_s: float
) -> Reply | NoReply:
    try:
        async with asyncio.timeout(within_s):
            reply = await http.send(request, stream=True)
            try:
                return Reply(
                    reply.status_code, await bounded(reply.aiter_bytes()), dict(reply.headers)
                )
            finally:
                await reply.aclose()
    except (httpx.TimeoutException, TimeoutError) as error:
        return NoReply("not_sent", never_sent=True) if never_sent(error) else NoReply("timeout")
    except (httpx.HTTPError, aiohttp.ClientError, OSError) as error:
        unsent = never_sent(error)
        return NoReply("not_sent" if unsent else "connection_lost", never_sent=unsent)


async def bounded(parts: AsyncIterable[bytes]) -> bytes | None:
    """A body of `REPLY_BYTES_MAX` at most, or None."""
    body = bytearray()
    async for part in parts:
        body += part
        if len(body) > REPLY_BYTES_MAX:
            return None
    return bytes(body)


def never_sent(error: BaseException) -> bool:
    """True when `error` proves that no byte of the request left: no connection was ever had.

    Name not found, connection refused, TLS handshake failed, connect timeout, no free connection in
    time. Everything else may have been sent.
    """
    cause = error.__cause__ if isinstance(error, httpx.TransportError) else error
    return isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)


def read_json(body: bytes | None) -> object:
    """Strict JSON, or None for anything else: HTML, half a document, NaN, bad UTF-8, a bomb.

    Half of a surrogate pair, which some escape where they cut a text, is read as U+FFFD.
    """
    if body is None:
        return None
    found, value = _decoded(body)
    if not found and b"\\u" in body:
        _, value = _decoded(_ESCAPE.sub(_whole_letter, body))
    return value


def _decoded(body: bytes) -> tuple[bool, object]:
    try:
        return True, msgspec.json.decode(body)
    except (ValueError, RecursionError):
        return False, None


def _whole_letter(escape: "re.Match[bytes]") -> bytes:
    return rb"\ufffd" if escape["half"] else escape[0]


async def _sent_once(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Let no lost connection look like something that aiohttp would repeat."""
    try:
        return await handler(request)
    except (aiohttp.ClientConnectorError, aiohttp.ServerTimeoutError):
        raise  # These it does not repeat, and they say what they are.
    except (aiohttp.ClientConnectionError, OSError) as error:
        raise aiohttp.ClientPayloadError(type(error).__name__) from error


@cache
def _tls() -> ssl.SSLContext:
    """One for all clients: reading the authorities' certificates is the slow part."""
    return httpx.create_ssl_context(trust_env=False)
