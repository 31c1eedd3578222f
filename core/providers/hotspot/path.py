"""Which interfaces carry our own connection, so that nobody shuts us out by switching one off.

The router lists our session with the address that it sees us at (`/user/active`). The interface
whose network holds that address carries us; with none, or a tunnel above it, the default route
does. A bridge or VLAN is carried by what it is made of. Where the router does not tell of us, or
sees us over IPv6, whose networks are not looked at, any interface may be the one.
"""

import ipaddress
from collections.abc import Iterable, Mapping

from core.ports.hotspot import Refusal
from core.providers.hotspot import words
from core.providers.hotspot.asking import Talk, Told
from core.providers.hotspot.replies import Row

_SWITCHED = {True: "enable", False: "disable"}
Networks = list[tuple[ipaddress.IPv4Network, str]]


async def management(talk: Talk, account: str) -> frozenset[str]:
    sessions = await talk.read("/user/active/print", "=.proplist=name,address")
    networks = _networks(await talk.read("/ip/address/print", "=.proplist=address,interface"))
    routes = await talk.read("/ip/route/print", "?dst-address=0.0.0.0/0")
    parts = await talk.read("/interface/bridge/port/print", "=.proplist=interface,bridge")
    vlans = await talk.read("/interface/vlan/print", "=.proplist=name,interface")

    seen = [words.text(row, "address") for row in sessions if row.get("name") == account]
    if not any(seen) or any(":" in address for address in seen):
        every = await talk.read("/interface/print", "=.proplist=name")
        return frozenset(words.text(row, "name") for row in every)
    found = {name for address in seen for name in _holding(networks, address)}
    for route in routes:
        found |= _way(networks, route)
    below: dict[str, set[str]] = {}
    for row in parts:
        below.setdefault(row.get("bridge", ""), set()).add(row.get("interface", ""))
    for row in vlans:
        below.setdefault(row.get("name", ""), set()).add(row.get("interface", ""))
    return frozenset(_with_all_below(found, below) - {""})


async def switch(talk: Talk, account: str, name: str, *, enabled: bool, force: bool) -> None:
    rows = await talk.read("/interface/print", "=.proplist=.id,name", f"?name={name}")
    ids = [row.get(".id", "") for row in rows if row.get("name") == name]
    if not ids:
        raise Told(Refusal.MISSING)
    if not enabled and not force and name in await management(talk, account):
        raise Told(Refusal.FOREIGN, "our own connection goes through it")
    await talk.change(f"/interface/{_SWITCHED[enabled]}", f"=.id={ids[0]}")


def _networks(rows: Iterable[Row]) -> Networks:
    networks: Networks = []
    for row in rows:
        try:
            network = ipaddress.IPv4Network(row.get("address", ""), strict=False)
        except ValueError:
            continue
        networks.append((network, row.get("interface", "")))
    return networks


def _holding(networks: Networks, address: str) -> set[str]:
    try:
        wanted = ipaddress.IPv4Address(address)
    except ValueError:
        return set()
    return {interface for network, interface in networks if wanted in network}


def _way(networks: Networks, route: Row) -> set[str]:
    """The interface that a route leads through: v7 tells it, else its gateway does."""
    told = route.get("immediate-gw", "").partition("%")
    if told[1]:
        return {told[2]}
    gateway = route.get("gateway", "")
    return _holding(networks, gateway) or {gateway.partition("%")[2] or gateway}


def _with_all_below(found: set[str], below: Mapping[str, set[str]]) -> set[str]:
    all_of_them: set[str] = set()
    waiting = list(found)
    while waiting:
        name = waiting.pop()
        if name not in all_of_them:
            all_of_them.add(name)
            waiting += below.get(name, ())
    return all_of_them
