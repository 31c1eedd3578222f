"""The tables of watching routers, of their backups and bulks. See `core.store.tables`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Integer,
    SmallInteger,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from core.store.tables import metadata

_TIME = DateTime(timezone=True)

router_watch = Table(
    "router_watch",
    metadata,
    Column("router_id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("next_at", _TIME, nullable=False),
    Column("holder", Text),
    Column("misses", Integer, nullable=False),
    Column("missed", Text, nullable=False),
    Column("last", JSONB, nullable=False),
    Column("told", JSONB, nullable=False),
)

router_looks = Table(
    "router_looks",
    metadata,
    Column("router_id", Uuid, primary_key=True),
    Column("at", _TIME, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("answered", Boolean, nullable=False),
    Column("missed", Text, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("cpu", SmallInteger, nullable=False),
    Column("memory_used", SmallInteger, nullable=False),
    Column("active_users", Integer, nullable=False),
    Column("rx_bps", BigInteger, nullable=False),
    Column("tx_bps", BigInteger, nullable=False),
    Column("addresses_used", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
)

router_hours = Table(
    "router_hours",
    metadata,
    Column("router_id", Uuid, primary_key=True),
    Column("hour", _TIME, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("answered", Integer, nullable=False),
    Column("cpu_sum", BigInteger, nullable=False),
    Column("cpu_max", SmallInteger, nullable=False),
    Column("memory_used_max", SmallInteger, nullable=False),
    Column("active_users_max", Integer, nullable=False),
    Column("rx_bps_max", BigInteger, nullable=False),
    Column("tx_bps_max", BigInteger, nullable=False),
    Column("addresses_used_max", Integer, nullable=False),
    Column("warnings", Integer, nullable=False),
)

router_backups = Table(
    "router_backups",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("router_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("file", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("version", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("created_by", Text, nullable=False),
)

router_bulks = Table(
    "router_bulks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("router_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("total", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("done", Integer, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("failed", JSONB, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("ended_at", _TIME),
    Column("run_at", _TIME),
)
