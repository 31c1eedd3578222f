"""One router: its tables, its clock, and what power does to both."""

import asyncio
import copy
import datetime as dt
import time
from dataclasses import dataclass
from typing import Any

from core.kit.clock import Clock
from core.kit.ids import uuid7
from sandbox.routeros import forms, schema
from sandbox.routeros.faults import Mishaps
from sandbox.routeros.plan import Plan
from sandbox.routeros.record import Record
from sandbox.routeros.tables import Row, Table

_NO_TIME = dt.datetime(1970, 1, 2, tzinfo=dt.UTC)
_LOG_ROWS_MAX = 1000
# An export or backup is written in the background: its file has no size until then.
WRITES_FOR_S = 0.2


@dataclass(slots=True)
class File:
    """`content` is text of an export, or the tables of a backup."""

    row: Row
    content: str | dict[str, Table]
    ready_s: float


class Box:
    """State and nothing of the wire. What is done to it takes effect at once."""

    def __init__(self, plan: Plan, clock: Clock) -> None:
        self.plan = plan
        self.clock = clock
        self.tables = schema.tables()
        self.files: dict[str, File] = {}
        self.mishaps = Mishaps()
        self.record = Record(lambda: clock.now().timestamp())
        self.identity = plan.name
        self.serial = _serial()
        self.hotspot_allowed = plan.hotspot_allowed
        self.drift = dt.timedelta(seconds=plan.drift_s)
        self.booted_at = clock.now()
        self.processor = asyncio.Lock()
        schema.factory(self.tables, plan)
        schema.set_up(self.tables, plan)
        self.log("system,info", "router rebooted")

    def __getitem__(self, path: str) -> Table:
        return self.tables[path]

    # Time.

    def now(self) -> dt.datetime:
        """By its own clock, in its own zone."""
        zone = dt.timezone(dt.timedelta(hours=self.plan.zone_h))
        return (self.clock.now() + self.drift).astimezone(zone)

    def now_s(self) -> float:
        return self.clock.now().timestamp()

    @property
    def uptime_s(self) -> float:
        return (self.clock.now() - self.booted_at).total_seconds()

    def log(self, topics: str, message: str) -> None:
        now = self.now()
        stamp = f"{forms.date(now, iso=self.plan.iso_dates)} {now:%H:%M:%S}"
        rows = self[schema.LOG].rows
        self[schema.LOG].put(self.now_s(), time=stamp, topics=topics, message=message)
        while len(rows) > _LOG_ROWS_MAX:
            del rows[next(iter(rows))]

    def permit(self, policies: frozenset[str]) -> None:
        """What the group of our account may from now on."""
        group = self[schema.GROUPS].named(schema.OUR_GROUP)
        if group is not None:
            group.values["policy"] = schema.policy(policies)

    # Power.

    def start(self) -> None:
        """It starts: nobody is logged in anywhere, and it has been up for no time."""
        for path in schema.PASSING:
            self[path].clear()
        self.booted_at = self.clock.now()
        self.log("system,info", "router rebooted")

    def lose_power(self, lose_s: float) -> None:
        """What was added within `lose_s` was not on the flash yet; then it starts again.

        The running sessions' counters are lost: they reach a user only at logout. Without NTP the
        clock begins where clocks begin.
        """
        since = self.now_s() - lose_s
        for path, table in self.tables.items():
            if path not in schema.PASSING and path != schema.LOG and lose_s:
                for row in [row for row in table if row.born_s >= since]:
                    table.drop(row)
        if not self.plan.ntp:
            self.drift = _NO_TIME - self.clock.now()
        self.start()

    def forget_configuration(self, *, replaced: bool) -> None:
        """As from the factory. `replaced`: it is another box, with another serial number."""
        self.tables = schema.tables()
        self.files.clear()
        self.identity = "MikroTik"
        schema.factory(self.tables, self.plan)
        if replaced:
            self.serial = _serial()
        self.start()

    def set_up_again(self) -> None:
        """The operator sets a reset router up by hand, as it was at first; vouchers are not."""
        self.tables = schema.tables()
        self.identity = self.plan.name
        schema.factory(self.tables, self.plan)
        schema.set_up(self.tables, self.plan)

    # Files.

    def write(self, name: str, kind: str, content: str | dict[str, Table]) -> None:
        if old := self.files.get(name):
            self[schema.FILES].drop(old.row)
        stamp = forms.date(self.now(), iso=self.plan.iso_dates)
        row = self[schema.FILES].put(
            self.now_s(), name=name, type=kind, creation_time=f"{stamp} {self.now():%H:%M:%S}"
        )
        self.files[name] = File(row, content, time.monotonic() + WRITES_FOR_S)

    def settle_files(self) -> None:
        """What has been written by now has its size."""
        for file in self.files.values():
            if time.monotonic() >= file.ready_s:
                text = file.content
                size = len(text.encode()) if isinstance(text, str) else 40_960
                file.row.values["size"] = size

    def backup(self) -> dict[str, Table]:
        kept = {**self.tables, schema.FILES: Table(schema.FILES, self[schema.FILES].fields)}
        return copy.deepcopy(
            {path: table for path, table in kept.items() if path not in schema.PASSING}
        )

    def restore(self, kept: dict[str, Table]) -> None:
        """The tables of a backup; files stay, and ids are counted anew."""
        fresh = schema.tables()
        for path, table in kept.items():
            for row in table:
                fresh[path].put(self.now_s(), **copy.deepcopy(row.values))
        fresh[schema.FILES] = self[schema.FILES]
        self.tables = fresh
        self.start()

    def export(self) -> str:
        """The configuration as commands, secrets left out; the first line tells when."""
        now = self.now()
        stamp = f"{forms.date(now, iso=self.plan.iso_dates)} {now:%H:%M:%S}"
        lines = [f"# {stamp} by RouterOS {self.plan.version.split()[0]}"]
        for path in (schema.PROFILES, schema.USERS, "/ip/pool", "/ip/address"):
            rows = [row for row in self[path] if not row.values.get("default")]
            if rows:
                lines.append(path.replace("/", " ").strip().join(("/", "")))
                lines += [f"add {_exported(self[path], row)}" for row in rows]
        return "\n".join(lines) + "\n"


def _exported(table: Table, row: Row) -> str:
    told = {
        name: row.values[name]
        for name, kept in table.fields.items()
        if not kept.fixed and row.values[name] != kept.default and name != "password"
    }
    return " ".join(f"{name}={_quoted(value)}" for name, value in sorted(told.items()))


def _quoted(value: Any) -> str:
    text = str(value)
    return f'"{text}"' if " " in text else text


def _serial() -> str:
    return f"SIM{uuid7().hex[-9:].upper()}"
