"""How a router fares, what it is, and its interfaces: each question on one line.

Source: MikroTik's manual; device-mode since 7.17 at the factory, absent in v6.
"""

import ipaddress
from collections.abc import Sequence

from core.domain.routers import (
    AddressPool,
    DeviceMode,
    HotspotServer,
    Identity,
    Interface,
    LogLine,
    Resource,
    RouterClock,
    Statistics,
    Traffic,
)
from core.ports.hotspot import Refusal
from core.providers.hotspot import words
from core.providers.hotspot.asking import Talk, Told
from core.providers.hotspot.replies import Garbled, Row

_INTERFACE_WORDS = "=.proplist=.id,name,type,running,disabled,mac-address,rx-byte,tx-byte,comment"
_NO_DEVICE_MODE = DeviceMode("none", hotspot=True, scheduler=True, fetch=True)


async def statistics(talk: Talk) -> Statistics:
    return Statistics(
        resource=await resource(talk),
        clock=await clock(talk),
        active_users=await talk.count("/ip/hotspot/active/print"),
        interfaces=await interfaces(talk),
    )


async def resource(talk: Talk) -> Resource:
    row = await _only(talk, "/system/resource/print")
    return Resource(
        uptime_s=words.seconds(row, "uptime"),
        version=words.needed(row, "version"),
        board=words.text(row, "board-name"),
        architecture=words.text(row, "architecture-name"),
        cpu_load=words.count(row, "cpu-load"),
        cpu_count=words.count(row, "cpu-count"),
        memory_free=words.count(row, "free-memory"),
        memory_total=words.count(row, "total-memory"),
        disk_free=words.count(row, "free-hdd-space"),
        disk_total=words.count(row, "total-hdd-space"),
    )


async def identity(talk: Talk) -> Identity:
    name = words.text(await _only(talk, "/system/identity/print"), "name")
    try:
        board = await _only(talk, "/system/routerboard/print")
    except Told as error:
        if error.reason is not Refusal.UNSUPPORTED:
            raise
        board = {}  # a virtual router
    return Identity(name, words.text(board, "serial-number"), words.text(board, "model"))


async def clock(talk: Talk) -> RouterClock:
    row = await _only(talk, "/system/clock/print")
    return RouterClock(words.moment(row), words.text(row, "time-zone-name"))


async def device_mode(talk: Talk) -> DeviceMode:
    try:
        row = await _only(talk, "/system/device-mode/print")
    except Told as error:
        if error.reason is not Refusal.UNSUPPORTED:
            raise
        return _NO_DEVICE_MODE
    return DeviceMode(
        words.text(row, "mode"),
        hotspot=words.truth(row, "hotspot"),
        scheduler=words.truth(row, "scheduler"),
        fetch=words.truth(row, "fetch"),
    )


async def interfaces(talk: Talk) -> tuple[Interface, ...]:
    return tuple(_interface(row) for row in await talk.read("/interface/print", _INTERFACE_WORDS))


async def traffic(talk: Talk, names: Sequence[str]) -> tuple[Traffic, ...]:
    rows = await talk.read("/interface/monitor-traffic", f"=interface={','.join(names)}", "=once=")
    return tuple(
        Traffic(
            words.needed(row, "name"),
            words.count(row, "rx-bits-per-second"),
            words.count(row, "tx-bits-per-second"),
        )
        for row in rows
    )


async def log(talk: Talk) -> tuple[LogLine, ...]:
    rows = await talk.read("/log/print", "=.proplist=time,topics,message")
    return tuple(
        LogLine(
            words.text(row, "time"),
            tuple(part for part in words.text(row, "topics").split(",") if part),
            words.text(row, "message"),
        )
        for row in rows
    )


async def servers(talk: Talk) -> tuple[HotspotServer, ...]:
    pages = {row.get("name"): row for row in await talk.read("/ip/hotspot/profile/print")}
    return tuple(
        _server(row, pages.get(row.get("profile"), {}))
        for row in await talk.read("/ip/hotspot/print")
    )


async def pools(talk: Talk) -> tuple[AddressPool, ...]:
    found = []
    for row in await talk.read("/ip/pool/print", "=.proplist=name,ranges"):
        name = words.needed(row, "name")
        used = await talk.count("/ip/pool/used/print", f"?pool={name}")
        found.append(AddressPool(name, _size(words.text(row, "ranges")), used))
    return tuple(found)


async def policies(talk: Talk, account: str) -> frozenset[str]:
    """What the group of an account grants; it lists what it withholds with `!`."""
    user = await _only(talk, "/user/print", "=.proplist=name,group", f"?name={account}")
    group = words.needed(user, "group")
    row = await _only(talk, "/user/group/print", "=.proplist=name,policy", f"?name={group}")
    listed = words.text(row, "policy").split(",")
    return frozenset(name for name in listed if name and not name.startswith("!"))


async def _only(talk: Talk, command: str, *more: str) -> Row:
    rows = await talk.read(command, *more)
    if len(rows) != 1:
        raise Garbled("one row")
    return rows[0]


def _interface(row: Row) -> Interface:
    return Interface(
        id=words.needed(row, ".id"),
        name=words.needed(row, "name"),
        kind=words.text(row, "type"),
        running=words.truth(row, "running"),
        disabled=words.truth(row, "disabled"),
        mac=words.text(row, "mac-address"),
        rx_bytes=words.count(row, "rx-byte"),
        tx_bytes=words.count(row, "tx-byte"),
        comment=words.text(row, "comment"),
    )


def _server(row: Row, page: Row) -> HotspotServer:
    held_back = words.truth(row, "invalid") or "inactivated" in row.get("comment", "")
    return HotspotServer(
        name=words.needed(row, "name"),
        interface=words.text(row, "interface"),
        pool=words.text(row, "address-pool"),
        usable=not held_back and not words.truth(row, "disabled"),
        dns_name=words.text(page, "dns-name"),
        address=words.text(page, "hotspot-address"),
        login_by=frozenset(words.text(page, "login-by").split(",")),
        uses_radius=words.truth(page, "use-radius"),
    )


def _size(ranges: str) -> int:
    """How many addresses `10.5.50.2-10.5.50.254,10.6.0.0/24` are."""
    total = 0
    for part in ranges.split(","):
        first, dash, last = part.strip().partition("-")
        try:
            if dash:
                total += int(ipaddress.ip_address(last)) - int(ipaddress.ip_address(first)) + 1
            elif first:
                total += ipaddress.ip_network(first, strict=False).num_addresses
        except ValueError:
            raise Garbled("ranges") from None
    return max(0, total)
