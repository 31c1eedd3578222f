"""Which commands there are, and what the generic ones do."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from sandbox.routeros import hotspot, query, schema, system
from sandbox.routeros.call import Call, Pairs
from sandbox.routeros.refusals import DEVICE_MODE, NO_COMMAND, NO_ITEM, NO_PREFIX, Trap
from sandbox.routeros.tables import Field, Kind, Row, Table, written

Verb = Callable[[Call], Awaitable[str | None]]
"""Does it, sends its rows, and answers what `!done` carries as `ret`."""

_BUILT_IN = "default"


async def run(call: Call) -> str | None:
    """Raises `Trap` for what is refused or unknown."""
    found = _COMMANDS.get(f"{call.path}/{call.verb}".replace("//", "/"))
    if found is not None:
        return await found(call)
    if call.path not in call.box.tables and not _is_prefix(call.path):
        raise Trap(NO_PREFIX, 0)
    if call.path not in call.box.tables or call.verb not in _VERBS:
        raise Trap(NO_COMMAND, 0)
    if call.verb != "print" and call.verb not in _WRITTEN.get(call.path, _EVERY_WRITE):
        raise Trap(NO_COMMAND, 0)
    return await _VERBS[call.verb](call)


async def _print(call: Call) -> str | None:
    call.need("read")
    if call.path in {schema.ACTIVE, schema.USERS, "/ip/pool/used", schema.LOG}:
        hotspot.catch_up(call.box)
    if call.path == schema.FILES:
        call.box.settle_files()
    table = call.box[call.path]
    rows = [row for row in _candidates(call, table) if _fits(call, table, row)]
    if "count-only" in call.given:
        return str(len(rows))
    names = [name for name in (".id", *table.fields) if _is_shown(call, table, name)]
    for row in rows:
        await call.send(_printed(call, table, row, names))
    return None


async def _add(call: Call) -> str | None:
    call.need("write")
    _need_for_secrets(call)
    _mind_device_mode(call)
    told = call.attributes
    if call.path == schema.USERS and told.get("password") == "":
        del told["password"]
    return call.box[call.path].add(told, call.box.__getitem__, call.box.now_s()).id


async def _set(call: Call) -> str | None:
    call.need("write")
    _need_for_secrets(call)
    _mind_device_mode(call)
    for row in _meant(call):
        call.box[call.path].change(row, call.attributes, call.box.__getitem__)
    return None


async def _remove(call: Call) -> str | None:
    call.need("write")
    rows = _meant(call)
    if any(row.values.get(_BUILT_IN) for row in rows):
        raise Trap("failure: can not remove default item")
    if call.path == schema.ACTIVE:
        hotspot.kick(call.box, rows)
        return None
    for row in rows:
        call.box[call.path].drop(row)
        if call.path == schema.FILES:
            del call.box.files[row.values["name"]]
    return None


def _switch(*, disabled: bool) -> Verb:
    async def switch(call: Call) -> str | None:
        call.need("write")
        _mind_device_mode(call)
        if "disabled" not in call.box[call.path].fields:
            raise Trap(NO_COMMAND, 0)
        for row in _meant(call):
            row.values["disabled"] = disabled
            if call.path == schema.INTERFACES:
                row.values["running"] = not disabled
        return None

    return switch


async def _reset_counters(call: Call) -> str | None:
    call.need("write")
    for row in _meant(call):
        row.values.update({"uptime": 0, "bytes-in": 0, "bytes-out": 0})
        row.values.update({"packets-in": 0, "packets-out": 0})
    return None


def _meant(call: Call) -> list[Row]:
    told = call.given.get(".id", "")
    if not told:
        raise Trap("missing =.id=", 1)
    if not told.strip(","):
        raise Trap(NO_ITEM, 0)
    return call.box[call.path].find(told)


def _need_for_secrets(call: Call) -> None:
    kinds = call.box[call.path].fields
    for name, value in call.attributes.items():
        if value and name in kinds and kinds[name].kind is Kind.SECRET:
            call.need("sensitive")
    if call.path in {schema.ACCOUNTS, schema.GROUPS}:
        call.need("policy")


def _mind_device_mode(call: Call) -> None:
    """A hotspot may be neither made nor enabled where it is not allowed; its users may be kept."""
    if call.path == schema.SERVERS and not call.box.hotspot_allowed:
        raise Trap(DEVICE_MODE)


def _candidates(call: Call, table: Table) -> Iterable[Row]:
    """All rows, or those of the names that are asked for."""
    names = query.wanted_names(call.queries)
    if names is None or call.path != schema.USERS:
        return list(table)
    servers = ("all", *(row.values["name"] for row in call.box[schema.SERVERS]))
    return [
        row
        for name in dict.fromkeys(names)
        for server in servers
        if (row := table.keyed(name, server))
    ]


def _fits(call: Call, table: Table, row: Row) -> bool:
    return not call.queries or query.fits(lambda name: _look(call, table, row, name), call.queries)


def _is_shown(call: Call, table: Table, name: str) -> bool:
    kept = table.fields.get(name)
    if kept is not None and kept.kind is Kind.SECRET and not call.may("sensitive"):
        return False
    return call.properties is None or name in call.properties


def _printed(call: Call, table: Table, row: Row, names: Iterable[str]) -> Pairs:
    pairs = ((name, _look(call, table, row, name)) for name in names)
    return [(name, value) for name, value in pairs if value is not None]


def _look(call: Call, table: Table, row: Row, name: str) -> str | None:
    if name == ".id":
        return row.id
    kept: Field | None = table.fields.get(name)
    value: Any = row.values.get(name)
    if kept is None:
        return None
    if call.path == schema.SERVERS and name == "comment" and not call.box.hotspot_allowed:
        return "inactivated, not allowed by device-mode"
    plan = call.box.plan
    return written(kept, value, v7=plan.release >= (7, 0), colons=plan.colons)


def _is_prefix(path: str) -> bool:
    start = f"{path}/"
    return any(known.startswith(start) for known in (*_COMMANDS, *schema.tables()))


_VERBS: Mapping[str, Verb] = {
    "print": _print,
    "getall": _print,
    "add": _add,
    "set": _set,
    "remove": _remove,
    "enable": _switch(disabled=False),
    "disable": _switch(disabled=True),
    "reset-counters": _reset_counters,
}
_EVERY_WRITE = frozenset({"getall", "add", "set", "remove", "enable", "disable"})
_WRITTEN: Mapping[str, frozenset[str]] = {
    schema.USERS: _EVERY_WRITE | {"reset-counters"},
    schema.ACTIVE: frozenset({"getall", "remove"}),
    schema.COOKIES: frozenset({"getall", "remove"}),
    schema.INTERFACES: frozenset({"getall", "set", "enable", "disable", "reset-counters"}),
    schema.FILES: frozenset({"getall", "remove"}),
    schema.LOG: frozenset({"getall"}),
    "/user/active": frozenset({"getall"}),
    "/ip/pool/used": frozenset({"getall"}),
    "/system/package": frozenset({"getall"}),
}
_COMMANDS: Mapping[str, Verb] = system.COMMANDS
