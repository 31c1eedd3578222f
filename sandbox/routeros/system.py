"""The commands under `/system`, those of files, and traffic: each its own way."""

import asyncio
import datetime as dt
import re
from collections.abc import Awaitable, Callable, Mapping

from sandbox.routeros import forms
from sandbox.routeros.call import Call
from sandbox.routeros.refusals import NO_COMMAND, NO_ITEM, NO_PREFIX, Fatal, Trap, no_match
from sandbox.routeros.schema import ACTIVE, INTERFACES

_CHUNK_MAX = 32_768
_WATCH_EVERY_S = 1.0
_MEMORY = 268_435_456
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_OLD_DATE = re.compile(r"[a-z]{3}/\d\d/\d{4}", re.ASCII)


class Restart(Exception):
    """The router goes down now. `backup` is what it comes back with, or None for what it has."""

    def __init__(self, backup: str | None = None) -> None:
        self.backup = backup
        super().__init__()


async def _resource(call: Call) -> None:
    call.need("read")
    box = call.box
    busy = len(box[ACTIVE].rows)
    await _one(
        call,
        {
            "uptime": forms.duration(box.uptime_s, colons=box.plan.colons),
            "version": box.plan.version,
            "build-time": "2026-01-20 10:00:00",
            "free-memory": str(_MEMORY // 2 - busy * 4096),
            "total-memory": str(_MEMORY),
            "cpu": "ARM",
            "cpu-count": "4",
            "cpu-frequency": "716",
            "cpu-load": str(min(100, 3 + busy)),
            "free-hdd-space": "5000000",
            "total-hdd-space": "16777216",
            "architecture-name": "arm",
            "board-name": "hAP ac^2",
            "platform": "MikroTik",
        },
    )


async def _identity(call: Call) -> None:
    call.need("read")
    await _one(call, {"name": call.box.identity})


async def _set_identity(call: Call) -> None:
    call.need("write")
    call.box.identity = call.attributes.get("name", call.box.identity)


async def _routerboard(call: Call) -> None:
    call.need("read")
    await _one(
        call,
        {"routerboard": "yes", "model": "RBD52G-5HacD2HnD", "serial-number": call.box.serial},
    )


async def _clock(call: Call) -> None:
    call.need("read")
    box, now = call.box, call.box.now()
    await _one(
        call,
        {
            "time": f"{now:%H:%M:%S}",
            "date": forms.date(now, iso=box.plan.iso_dates),
            "time-zone-autodetect": "yes",
            "time-zone-name": box.plan.zone,
            "gmt-offset": forms.offset(dt.timedelta(hours=box.plan.zone_h)),
            "dst-active": "false",
        },
    )


async def _set_clock(call: Call) -> None:
    call.need("write")
    box, told = call.box, call.attributes
    if told.get("time-zone-name", box.plan.zone) != box.plan.zone:
        raise no_match("time-zone-name")
    now = box.now()
    try:
        day = _day(told["date"]) if "date" in told else now.date()
        time = dt.time.fromisoformat(told["time"]) if "time" in told else now.timetz()
    except ValueError:
        raise Trap("invalid value for argument time", 1) from None
    wanted = dt.datetime.combine(day, time.replace(tzinfo=None), now.tzinfo)
    box.drift = wanted - box.clock.now()


async def _device_mode(call: Call) -> None:
    if not call.box.plan.has_device_mode:
        raise Trap(NO_PREFIX, 0)
    call.need("read")
    allowed = call.box.hotspot_allowed
    await _one(
        call,
        {
            "mode": "advanced" if allowed else "home",
            "hotspot": "yes" if allowed else "no",
            "scheduler": "yes" if allowed else "no",
            "fetch": "yes" if allowed else "no",
            "flagged": "no",
            "attempt-count": "0",
        },
    )


async def _reboot(call: Call) -> None:
    call.need("reboot")
    raise Restart


async def _quit(_: Call) -> None:
    raise Fatal("session terminated on request")


async def _save_backup(call: Call) -> None:
    call.need("ftp")
    name = _file_name(call.attributes.get("name") or call.box.identity, ".backup")
    call.box.write(name, "backup", call.box.backup())


async def _load_backup(call: Call) -> None:
    call.need("write", "reboot")
    name = _file_name(call.attributes.get("name", ""), ".backup")
    file = call.box.files.get(name)
    if file is None or isinstance(file.content, str):
        raise Trap("no such file", 0)
    raise Restart(name)


async def _export(call: Call) -> None:
    call.need("read", "ftp")
    if not call.attributes.get("file"):
        raise Trap("missing =file=", 1)
    name = _file_name(call.attributes["file"], ".rsc")
    call.box.write(name, "script", call.box.export())


async def _read_file(call: Call) -> None:
    if not call.box.plan.reads_files:
        raise Trap(NO_COMMAND, 0)
    call.need("ftp", "test")
    call.box.settle_files()
    file = call.box.files.get(call.attributes.get("file", ""))
    if file is None or not isinstance(file.content, str):
        raise Trap(NO_ITEM, 0)
    chunk = int(call.attributes.get("chunk-size", _CHUNK_MAX))
    if not 0 < chunk <= _CHUNK_MAX:
        raise Trap("value of chunk-size out of range (1..32768)", 1)
    start = int(call.attributes.get("offset", 0))
    text = file.content.encode()[start : start + chunk].decode(errors="replace")
    await call.send([("data", text)])


async def _traffic(call: Call) -> None:
    """One row for each interface; again each second until cancelled, unless told `once`."""
    call.need("read")
    names = call.attributes.get("interface", "").split(",")
    rows = {row.values["name"]: row for row in call.box[INTERFACES]}
    if not set(names) <= set(rows):
        raise no_match("interface")
    while True:
        for name in names:
            rate = "0" if rows[name].values["disabled"] else "1000000"
            await call.send(
                [
                    ("name", name),
                    ("rx-packets-per-second", "100"),
                    ("rx-bits-per-second", rate),
                    ("tx-packets-per-second", "100"),
                    ("tx-bits-per-second", rate),
                ]
            )
        if "once" in call.given:
            return
        await asyncio.sleep(_WATCH_EVERY_S)


async def _one(call: Call, row: Mapping[str, str]) -> None:
    wanted = call.properties
    await call.send([(name, value) for name, value in row.items() if not wanted or name in wanted])


def _file_name(name: str, ending: str) -> str:
    return name if name.endswith(ending) else name + ending


def _day(text: str) -> dt.date:
    if _OLD_DATE.fullmatch(text):
        return dt.date(int(text[7:]), _MONTHS.index(text[:3]) + 1, int(text[4:6]))
    return dt.date.fromisoformat(text)


COMMANDS: Mapping[str, Callable[[Call], Awaitable[None]]] = {
    "/system/resource/print": _resource,
    "/system/identity/print": _identity,
    "/system/identity/set": _set_identity,
    "/system/routerboard/print": _routerboard,
    "/system/clock/print": _clock,
    "/system/clock/set": _set_clock,
    "/system/device-mode/print": _device_mode,
    "/system/reboot": _reboot,
    "/system/backup/save": _save_backup,
    "/system/backup/load": _load_backup,
    "/export": _export,
    "/file/read": _read_file,
    "/interface/monitor-traffic": _traffic,
    "/quit": _quit,
}
