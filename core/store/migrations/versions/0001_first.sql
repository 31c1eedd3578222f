-- Everything that the first release keeps. Amounts are bigint minor units; times are UTC.
-- Money tables have no foreign keys: each one costs a lock and a look-up per row written, only the
-- functions under core/store/sql write them, and the invariants of core.store.invariants check more.

do $$
begin
  if not exists (select from pg_roles where rolname = 'callbox_app') then
    create role callbox_app nologin;
  end if;
exception when duplicate_object or unique_violation then
  null; -- another database of this cluster made it at the same moment
end $$;

do $$
begin
  if not pg_has_role(current_user, 'callbox_app', 'SET') then
    grant callbox_app to current_user with inherit false, set true;
  end if;
end $$;

create table tenants (
  id uuid primary key,
  key text not null unique,
  name text not null,
  country text not null,
  currency text not null,
  time_zone text not null,
  language text not null default 'en',
  created_at timestamptz not null
);

create table channels (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  kind text not null,
  gateway text not null,
  key text not null,
  service_code text not null default '',
  settings jsonb not null default '{}',
  credentials text,
  active boolean not null default true,
  created_at timestamptz not null,
  unique (gateway, key)
);

create table customers (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  msisdn text not null,
  language text not null,
  status text not null default 'active',
  pin_hash text,
  pin_set_at timestamptz,
  pin_tries integer not null default 0,
  pin_locks integer not null default 0,
  pin_locked_until timestamptz,
  created_at timestamptz not null,
  unique (tenant_id, msisdn)
);

create table identities (
  tenant_id uuid not null references tenants,
  kind text not null,
  identity text not null,
  customer_id uuid not null references customers,
  created_at timestamptz not null,
  primary key (tenant_id, kind, identity)
);

create table pin_tries (
  tenant_id uuid not null,
  customer_id uuid not null,
  key text not null,
  tries integer not null,
  locks integer not null,
  locked_until timestamptz,
  at timestamptz not null,
  primary key (customer_id, key)
);

create table one_time_codes (
  id uuid primary key,
  tenant_id uuid not null,
  customer_id uuid not null,
  purpose text not null,
  code_hash text not null,
  tries integer not null default 0,
  expires_at timestamptz not null,
  ended_at timestamptz,
  created_at timestamptz not null
);
create index one_time_codes_latest on one_time_codes (customer_id, purpose, created_at desc);

create table call_requests (
  id uuid primary key,
  tenant_id uuid not null,
  customer_id uuid not null,
  key text not null,
  state text not null default 'open' check (state in ('open', 'done')),
  asked_at timestamptz not null,
  unique (tenant_id, key)
);
create index call_requests_of_customer on call_requests (customer_id, asked_at desc);

-- No index on posted, held or version: an update then stays on its page (HOT).
create table accounts (
  id bigint generated always as identity primary key,
  tenant_id uuid not null references tenants,
  type text not null check (type in ('wallet', 'escrow', 'clearing', 'float', 'revenue', 'cost',
    'fees', 'suspense', 'loss', 'world')),
  owner text not null,
  currency text not null,
  floor boolean not null,
  posted_minor bigint not null default 0,
  held_minor bigint not null default 0,
  version bigint not null default 0,
  closed_at timestamptz,
  created_at timestamptz not null,
  unique (tenant_id, type, owner, currency),
  constraint accounts_held_not_negative check (held_minor >= 0),
  constraint accounts_floor check (not floor or posted_minor - held_minor >= 0)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);

create table transfers (
  id uuid primary key,
  tenant_id uuid not null,
  debit_id bigint not null,
  credit_id bigint not null,
  amount_minor bigint not null check (amount_minor > 0),
  code text not null,
  event_id uuid not null,
  hold_id uuid,
  reverses uuid,
  created_at timestamptz not null,
  constraint transfers_two_accounts check (debit_id <> credit_id)
);
create unique index transfers_reverses on transfers (reverses) where reverses is not null;
create index transfers_of_event on transfers (event_id);

create table entries (
  account_id bigint not null,
  version bigint not null,
  tenant_id uuid not null,
  transfer_id uuid not null,
  amount_minor bigint not null check (amount_minor <> 0),
  balance_after_minor bigint not null,
  primary key (account_id, version)
);

create table holds (
  id uuid primary key,
  tenant_id uuid not null,
  account_id bigint not null,
  amount_minor bigint not null check (amount_minor > 0),
  state text not null check (state in ('open', 'captured', 'voided')),
  captured_minor bigint not null default 0 check (captured_minor between 0 and amount_minor),
  created_at timestamptz not null,
  ended_at timestamptz
) with (fillfactor = 80);

create table orders (
  id uuid primary key,
  tenant_id uuid not null,
  customer_id uuid not null,
  reference text not null,
  product text not null,
  network text not null,
  recipient text not null,
  amount_minor bigint not null check (amount_minor > 0),
  fee_minor bigint not null check (fee_minor >= 0),
  currency text not null,
  state text not null check (state in ('held', 'in_doubt', 'delivered', 'refunded', 'paid_back')),
  hint text,
  attempt_number integer not null default 1,
  channel_id uuid not null,
  identity text not null,
  created_at timestamptz not null,
  deadline_at timestamptz not null,
  settled_at timestamptz,
  unique (tenant_id, reference)
) with (fillfactor = 80);
create index orders_of_customer on orders (tenant_id, customer_id, created_at desc);

-- closed_at, not state, is what the partial index looks at: marking an attempt as sent stays HOT.
create table attempts (
  order_id uuid not null,
  number integer not null,
  id uuid not null,
  tenant_id uuid not null,
  provider text not null,
  provider_reference text not null,
  state text not null check (state in ('created', 'sent', 'closed')),
  result text,
  reason text,
  their_reference text,
  cost_minor bigint,
  evidence jsonb,
  checks integer not null default 0,
  not_found_since timestamptz,
  created_at timestamptz not null,
  sent_at timestamptz,
  closed_at timestamptz,
  primary key (order_id, number),
  unique (provider, provider_reference),
  constraint attempts_closed check ((state = 'closed') = (closed_at is not null))
) with (fillfactor = 70);
create unique index attempts_one_open on attempts (order_id) where closed_at is null;

create table answers (
  order_id uuid not null,
  id uuid not null,
  tenant_id uuid not null,
  attempt_id uuid not null,
  result text not null,
  reason text not null,
  verdict text not null,
  step text not null,
  at timestamptz not null,
  primary key (order_id, id)
);

create table jobs (
  ref uuid primary key,
  tenant_id uuid not null,
  run_at timestamptz not null,
  tries integer not null default 0,
  hurried boolean not null default false
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index jobs_due on jobs (run_at);

-- The id is a digest of tenant and key, so the primary key keeps a notice from doubling.
create table notices (
  id uuid primary key,
  tenant_id uuid not null,
  key text not null,
  customer_id uuid not null,
  text text not null,
  facts jsonb not null,
  secret boolean not null default false,
  state text not null default 'waiting' check (state in ('waiting', 'sent', 'given_up')),
  tries integer not null default 0,
  run_at timestamptz not null,
  why text,
  created_at timestamptz not null,
  ended_at timestamptz
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index notices_due on notices (run_at) where state = 'waiting';

create table payment_intents (
  id uuid primary key,
  tenant_id uuid not null,
  customer_id uuid not null,
  gateway text not null,
  reference text not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null,
  channel_id uuid not null,
  identity text not null,
  state text not null default 'open' check (state in ('open', 'paid', 'expired')),
  url text,
  checks integer not null default 0,
  check_at timestamptz,
  created_at timestamptz not null,
  ended_at timestamptz,
  unique (gateway, reference)
) with (fillfactor = 80);
create index payment_intents_due on payment_intents (check_at) where check_at is not null;
create index payment_intents_of_customer on payment_intents (tenant_id, customer_id, created_at desc);

create table payments_in (
  gateway text not null,
  transaction_id text not null,
  tenant_id uuid not null,
  customer_id uuid not null,
  intent_id uuid not null,
  reference text not null,
  amount_minor bigint not null,
  fee_minor bigint,
  currency text not null,
  state text not null check (state in ('credited', 'mismatch')),
  why text,
  paid_at timestamptz,
  received_at timestamptz not null,
  primary key (gateway, transaction_id)
);
create index payments_in_of_customer on payments_in (tenant_id, customer_id, received_at desc);

-- What happened, for people who ask later. Append-only.
create table events (
  subject text not null,
  id bigint generated always as identity,
  tenant_id uuid not null,
  kind text not null,
  actor text not null,
  facts jsonb not null default '{}',
  at timestamptz not null,
  primary key (subject, id)
);

create table functions_applied (
  digest text primary key,
  applied_at timestamptz not null default now()
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
end $$;
create trigger immutable before update or delete or truncate on transfers
  for each statement execute function refuse_change();
create trigger immutable before update or delete or truncate on entries
  for each statement execute function refuse_change();
create trigger immutable before update or delete or truncate on events
  for each statement execute function refuse_change();

-- The program becomes callbox_app and sees one tenant, the one its transaction names. The functions
-- of the money path run as the owner, mix tenants, and check each item's tenant themselves.
grant usage on schema public to callbox_app;
do $$
declare
  v_table text;
begin
  foreach v_table in array array['channels', 'customers', 'identities', 'pin_tries', 'one_time_codes',
    'call_requests', 'accounts', 'transfers', 'entries', 'holds', 'orders', 'attempts', 'answers',
    'jobs', 'notices', 'payment_intents', 'payments_in', 'events']
  loop
    execute format('alter table %I enable row level security', v_table);
    execute format(
      'create policy one_tenant on %I to callbox_app'
      ' using (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)'
      ' with check (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)',
      v_table);
    execute format('revoke all on %I from public', v_table);
    execute format('grant select on %I to callbox_app', v_table);
  end loop;
end $$;
alter table tenants enable row level security;
create policy one_tenant on tenants to callbox_app
  using (id = nullif(current_setting('callbox.tenant', true), '')::uuid)
  with check (id = nullif(current_setting('callbox.tenant', true), '')::uuid);
grant select on tenants to callbox_app;
grant insert, update on tenants, channels, customers, identities, pin_tries, one_time_codes,
  call_requests, notices, payment_intents to callbox_app;
grant insert on events, payments_in to callbox_app;
grant delete on pin_tries to callbox_app;
