"""Which addresses a tenant may have us call: the public internet, and in demo this machine.

Whoever sets a base URL could otherwise make this server ask the cloud's metadata service, a router
or a database for them. A name is judged by what it resolves to, when it is set and again whenever
a connection is made: it may resolve to something else by then.
"""

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from enum import Enum
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

_RESOLVE_S = 5.0
# They look public and lead into IPv4, private addresses included: NAT64 and 6to4.
_DISGUISES = tuple(ipaddress.ip_network(network) for network in ("64:ff9b::/96", "2002::/16"))

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Reach(Enum):
    """How far a client may go."""

    ANYWHERE = "anywhere"  # addresses from our own settings
    PUBLIC = "public"
    PUBLIC_OR_HERE = "public or this machine"


_reach: ContextVar[Reach] = ContextVar("reach", default=Reach.ANYWHERE)


@contextlib.contextmanager
def reaching(reach: Reach) -> Iterator[None]:
    """Clients made inside go no further than `reach`, for as long as they live."""
    before = _reach.set(reach)
    try:
        yield
    finally:
        _reach.reset(before)


def resolver() -> AbstractResolver | None:
    """What the client that is being made looks names up with, or None for its own way."""
    reach = _reach.get()
    return None if reach is Reach.ANYWHERE else _Guarded(reach)


async def objection(url: str, reach: Reach) -> str | None:
    """What speaks against calling `url`, in words for whoever set it; None when nothing does."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    try:
        port = parts.port or 443
        addresses = await _addresses(host, port)
    except (OSError, ValueError, TimeoutError):
        return "its host cannot be found"
    if not all(_within(address, reach) for address in addresses):
        return "should be a public address, not one of this machine or of a private network"
    here = all(address.is_loopback for address in addresses)
    if parts.scheme != "https" and not (here and reach is Reach.PUBLIC_OR_HERE):
        return "should begin with https://"
    return None


async def places(
    host: str, port: int, reach: Reach, networks: Sequence[Network] = ()
) -> list[str] | None:
    """The addresses of a host that is not spoken to by HTTP; None where one leads too far.

    `networks` may be reached as well. Whoever connects takes one of these addresses: the name may
    resolve to something else by then.

    Raises:
        OSError: it resolves to nothing.
    """
    found = await _addresses(host, port)
    fine = reach is Reach.ANYWHERE or all(
        _within(address, reach) or any(address in network for network in networks)
        for address in found
    )
    return [str(address) for address in found] if fine else None


async def _addresses(host: str, port: int) -> list[_Address]:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(_RESOLVE_S):
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [_address(str(place[0])) for *_, place in found]


def _address(written: str) -> _Address:
    """An address, an IPv4 one that is dressed as IPv6 undressed."""
    address = ipaddress.ip_address(written.partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _within(address: _Address, reach: Reach) -> bool:
    if reach is Reach.PUBLIC_OR_HERE and address.is_loopback:
        return True
    disguised = any(address in network for network in _DISGUISES)
    return address.is_global and not address.is_multicast and not disguised


class _Guarded(AbstractResolver):
    """Refuses names that resolve to where they may not; to the client they do not exist."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not all(_within(_address(one["host"]), self._reach) for one in found):
            raise OSError(None, f"{host} leads to where it may not")
        return found

    async def close(self) -> None:
        await self._resolver.close()
