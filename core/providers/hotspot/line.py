"""One connection to a router's API: made, logged in both ways, asked one thing at a time.

Transport, sentences and the digest of the old login are librouteros's (4.2.2); its connection
object is not: after a timeout or a cancelled call it hands the late reply to the next command.
A `Line` that met anything but a whole reply is broken for good, and whoever holds it closes it.

Source: MikroTik's manual of the API. Since 6.43 name and password go in one sentence. Before, they
are not even looked at: the router answers with a challenge as if nothing had been said.
"""

import asyncio
import logging
import re
import socket
import ssl
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import SupportsIndex

from librouteros.connections import AsyncSocketTransport
from librouteros.login import encode_password
from librouteros.protocol import encode_sentence

from core.domain.routers import RouterAccess
from core.providers.hotspot.replies import (
    Bounds,
    Closed,
    Garbled,
    Reply,
    ReplyReader,
    TooLarge,
)

# It writes down every word of a conversation, passwords among them.
logging.getLogger("librouteros").addFilter(lambda _: False)

_CHALLENGE = re.compile(r"[0-9a-f]{32}", re.ASCII)
_CLOSE_S = 1.0

Leave = Callable[[], Awaitable[None]]

BROKEN = (Garbled, TooLarge, Closed, OSError, TimeoutError)
"""What breaks a line. `ssl.SSLError` is an `OSError`."""


class NotReached(Exception):
    """No connection was had: nothing was sent."""


class Unresolvable(NotReached):
    """The name leads nowhere."""


class NotAllowed(NotReached):
    """The address is one that nobody may make us reach."""


class NoTls(NotReached):
    """Somebody takes the connection, and does not speak TLS on it."""


class NotTrusted(Exception):
    """The router's certificate is not the one that it should be."""


class BadLogin(Exception):
    """The router knows no such account or password."""


class _Inlet(asyncio.StreamReader):
    """A reader that knows whether something lies in it that nobody has read."""

    unread = 0

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        self.unread += len(bytes(data))
        super().feed_data(data)

    async def read(self, n: int = -1) -> bytes:
        data = await super().read(n)
        self.unread -= len(data)
        return data


class Line:
    """A connection. `idle_since` and `made_at` are by the monotonic clock.

    Attributes:
        broken: Something other than a whole reply came of it: it is only to be closed.
    """

    def __init__(self, inlet: _Inlet, writer: asyncio.StreamWriter) -> None:
        self._inlet = inlet
        self._writer = writer
        self._transport = AsyncSocketTransport(inlet, writer)
        self._replies = ReplyReader(inlet)
        self.made_at = self.idle_since = time.monotonic()
        self.broken = False

    @property
    def usable(self) -> bool:
        """Whole, still open, and nothing came that nobody asked for."""
        unasked = self._replies.has_more or self._inlet.unread
        return not (self.broken or unasked or self._inlet.at_eof() or self._writer.is_closing())

    async def ask(self, words: Sequence[str], bounds: Bounds) -> Reply:
        """Send one sentence and read its whole reply.

        Raises:
            BROKEN, or the cancellation of whoever waits: the line is broken then.
        """
        self.broken = True  # until proven otherwise
        async with asyncio.timeout(bounds.seconds):
            await self._transport.write(encode_sentence(*map(_sayable, words), encoding="utf-8"))
            reply = await self._replies.reply(bounds)
        if self._replies.has_more:
            raise Garbled("more than one reply")
        self.broken = False
        self.idle_since = time.monotonic()
        return reply

    async def log_in(self, access: RouterAccess, leave: Leave, bounds: Bounds) -> str:
        """Both ways: a challenge as the answer to a password is met. `password` or `challenge`.

        `leave` is waited for before each of the one or two requests.

        Raises:
            BadLogin: this account with this password is not let in.
            BROKEN: no sensible answer.
        """
        name = f"=name={access.username}"
        await leave()
        reply = await self.ask(["/login", name, f"=password={access.password}"], bounds)
        style = "password"
        if reply.ret is not None and not reply.traps:
            style = "challenge"
            response = _response(access.password, reply.ret)
            await leave()
            reply = await self.ask(["/login", name, f"=response={response}"], bounds)
        if reply.traps:
            raise BadLogin
        if reply.rows or reply.ret is not None:
            raise Garbled("login")
        return style

    async def aclose(self) -> None:
        """At once and for good: what is under way is not waited for."""
        self.broken = True
        self._writer.transport.abort()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            pass


async def connect(host: str, access: RouterAccess, within_s: float) -> Line:
    """A connection to `host`, an address; nobody is logged in.

    Raises:
        NotReached: there is nobody, or nobody answers. `NoTls`: not over TLS.
        NotTrusted: it is somebody else, by the certificate.
    """
    secure = tls_of(access) if access.tls else None
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_STREAM)
    plain.setblocking(False)  # noqa: FBT003 - it takes no name
    reached = False
    try:
        async with asyncio.timeout(within_s):
            await asyncio.get_running_loop().sock_connect(plain, (host, access.port))
            reached = True
            return await _line_on(plain, secure, access.host)
    except ssl.SSLCertVerificationError as error:
        plain.close()
        raise NotTrusted(error.verify_message) from None
    except (OSError, TimeoutError) as error:
        plain.close()
        kind = NoTls if reached else NotReached
        raise kind(type(error).__name__) from None
    except BaseException:
        plain.close()
        raise


async def _line_on(plain: socket.socket, secure: ssl.SSLContext | None, host: str) -> Line:
    """`asyncio.open_connection` with a reader of our own."""
    loop = asyncio.get_running_loop()
    inlet = _Inlet(loop=loop)
    protocol = asyncio.StreamReaderProtocol(inlet, loop=loop)
    transport, _ = await loop.create_connection(
        lambda: protocol, sock=plain, ssl=secure, server_hostname=host if secure else None
    )
    return Line(inlet, asyncio.StreamWriter(transport, protocol, inlet, loop))


def _sayable(word: str) -> str:
    """What UTF-8 has no bytes for becomes a question mark."""
    return word.encode(errors="replace").decode()


def _response(password: str, challenge: str) -> str:
    if not _CHALLENGE.fullmatch(challenge):
        raise Garbled("challenge")
    try:
        return str(encode_password(challenge, password))
    except UnicodeEncodeError:
        raise BadLogin from None  # such routers know ASCII only


def tls_of(access: RouterAccess) -> ssl.SSLContext:
    """What TLS to this router must satisfy.

    With a certificate of the router's own, or of a private authority, the host's name is not
    looked at: routers' certificates seldom hold the address that they are reached under.

    Raises:
        NotTrusted: the certificate in the access is none.
    """
    context = ssl.create_default_context()
    if access.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED
        try:
            context.load_verify_locations(cadata=access.certificate)
        except (ssl.SSLError, ValueError):
            raise NotTrusted("the certificate cannot be read") from None
    return context
