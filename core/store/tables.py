"""The tables that statements are written against. The migrations make them; a test compares both.

Money columns are bigint minor units, times are aware and UTC. Tables that only the SQL functions
touch (holds, transfers, answers, ...) are not here.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData()
_TIME = DateTime(timezone=True)

tenants = Table(
    "tenants",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("key", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("country", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

channels = Table(
    "channels",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("service_code", Text, nullable=False),
    Column("settings", JSONB, nullable=False),
    Column("credentials", Text),
    Column("active", Boolean, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

customers = Table(
    "customers",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("msisdn", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("pin_hash", Text),
    Column("pin_set_at", _TIME),
    Column("pin_tries", Integer, nullable=False),
    Column("pin_locks", Integer, nullable=False),
    Column("pin_locked_until", _TIME),
    Column("created_at", _TIME, nullable=False),
)

identities = Table(
    "identities",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("identity", Text, primary_key=True),
    Column("customer_id", Uuid, nullable=False),
    Column("created_at", _TIME, nullable=False),
)

pin_tries = Table(
    "pin_tries",
    metadata,
    Column("tenant_id", Uuid, nullable=False),
    Column("customer_id", Uuid, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("tries", Integer, nullable=False),
    Column("locks", Integer, nullable=False),
    Column("locked_until", _TIME),
    Column("at", _TIME, nullable=False),
)

one_time_codes = Table(
    "one_time_codes",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("code_hash", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("expires_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
    Column("created_at", _TIME, nullable=False),
)

call_requests = Table(
    "call_requests",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("asked_at", _TIME, nullable=False),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", BigInteger, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("type", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("floor", Boolean, nullable=False),
    Column("posted_minor", BigInteger, nullable=False),
    Column("held_minor", BigInteger, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("closed_at", _TIME),
    Column("created_at", _TIME, nullable=False),
)

orders = Table(
    "orders",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("reference", Text, nullable=False),
    Column("product", Text, nullable=False),
    Column("network", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("hint", Text),
    Column("attempt_number", Integer, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("identity", Text, nullable=False),
    Column("created_at", _TIME, nullable=False),
    Column("deadline_at", _TIME, nullable=False),
    Column("settled_at", _TIME),
    Column("plan", Text, nullable=False),
    Column("account", Text, nullable=False),
    Column("variant", Text, nullable=False),
    Column("quantity", Integer, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("order_id", Uuid, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("id", Uuid, nullable=False),
    Column("tenant_id", Uuid, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("result", Text),
    Column("reason", Text),
    Column("their_reference", Text),
    Column("cost_minor", BigInteger),
    Column("evidence", JSONB),
    Column("checks", Integer, nullable=False),
    Column("not_found_since", _TIME),
    Column("created_at", _TIME, nullable=False),
    Column("sent_at", _TIME),
    Column("closed_at", _TIME),
    Column("via", Text, nullable=False),
    Column("plan", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("ref", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("run_at", _TIME, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("hurried", Boolean, nullable=False),
)

notices = Table(
    "notices",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("key", Text, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("text", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("secret", Boolean, nullable=False),
    Column("state", Text, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("run_at", _TIME, nullable=False),
    Column("why", Text),
    Column("created_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
)

payment_intents = Table(
    "payment_intents",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("currency", Text, nullable=False),
    Column("channel_id", Uuid, nullable=False),
    Column("identity", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("url", Text),
    Column("checks", Integer, nullable=False),
    Column("check_at", _TIME),
    Column("created_at", _TIME, nullable=False),
    Column("ended_at", _TIME),
)

payments_in = Table(
    "payments_in",
    metadata,
    Column("gateway", Text, primary_key=True),
    Column("transaction_id", Text, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("intent_id", Uuid),
    Column("account_id", Uuid),
    Column("reference", Text, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("fee_minor", BigInteger),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text),
    Column("paid_at", _TIME),
    Column("received_at", _TIME, nullable=False),
)

virtual_accounts = Table(
    "virtual_accounts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("customer_id", Uuid, nullable=False),
    Column("gateway", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Column("currency", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("number", Text),
    Column("bank", Text),
    Column("name", Text),
    Column("asked_at", _TIME, nullable=False),
    Column("used_at", _TIME, nullable=False),
    Column("seen_until", _TIME, nullable=False),
    Column("check_at", _TIME),
)

events = Table(
    "events",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("id", BigInteger, primary_key=True, autoincrement=True),
    Column("tenant_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("facts", JSONB, nullable=False),
    Column("at", _TIME, nullable=False),
)

provider_configs = Table(
    "provider_configs",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("base_url", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("timeout_s", Double, nullable=False),
    Column("retry_attempts", Integer, nullable=False),
    Column("endpoints", JSONB, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("updated_at", _TIME, nullable=False),
    Column("updated_by", Text, nullable=False),
)

provider_config_versions = Table(
    "provider_config_versions",
    metadata,
    Column("tenant_id", Uuid, primary_key=True),
    Column("service", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("base_url", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("timeout_s", Double, nullable=False),
    Column("retry_attempts", Integer, nullable=False),
    Column("endpoints", JSONB, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("active", Boolean, nullable=False),
    Column("version", BigInteger, primary_key=True),
    Column("updated_at", _TIME, nullable=False),
    Column("updated_by", Text, nullable=False),
)
