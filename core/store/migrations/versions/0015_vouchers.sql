-- Hotspot vouchers: plans, routers, codes, their sales, and what routers are owed.

create table hotspot_plans (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  code text not null,
  name text not null,
  terms jsonb not null,
  price_minor bigint not null check (price_minor >= 0),
  currency text not null,
  router_id uuid,
  group_name text not null,
  code_style text not null check (code_style in ('standard', 'short', 'digits')),
  pooled boolean not null,
  active boolean not null,
  version integer not null,
  created_at timestamptz not null,
  changed_at timestamptz not null,
  unique (tenant_id, code)
);

-- `sealed` is the account's password and the router's certificate, encrypted.
create table routers (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  name text not null,
  host text not null,
  port integer not null check (port between 1 and 65535),
  username text not null,
  tls boolean not null,
  sealed text not null,
  server text not null,
  login_url text not null,
  location text not null,
  latitude double precision check (latitude between -90 and 90),
  longitude double precision check (longitude between -180 and 180),
  group_name text not null,
  active_users_max integer check (active_users_max > 0),
  bandwidth_max_bps bigint check (bandwidth_max_bps > 0),
  addresses_used_max_percent integer not null check (addresses_used_max_percent between 1 and 100),
  selling boolean not null,
  status text not null check (status in ('online', 'degraded', 'offline', 'recovering',
    'needs_attention')),
  status_since timestamptz,
  seen_at timestamptz,
  attention text not null default '',
  active_users integer not null default 0,
  bandwidth_bps bigint not null default 0,
  addresses_used integer not null default 0,
  addresses_total integer not null default 0,
  measured_at timestamptz,
  serial text not null default '',
  created_at timestamptz not null,
  removed_at timestamptz
) with (fillfactor = 80);
create unique index routers_living on routers (tenant_id, name) where removed_at is null;

-- Who works on a router. `fence` grows with every lease: a report under an older one is refused.
create table router_workers (
  router_id uuid primary key references routers,
  tenant_id uuid not null references tenants,
  holder text,
  fence bigint not null default 0,
  leased_until timestamptz,
  rest_until timestamptz not null,
  failures integer not null default 0,
  compare_at timestamptz not null
) with (fillfactor = 70);

-- `maybe_there`: it was sent to the router, or is about to be, and is not known to have gone since.
-- `base_` is what was used before the router's own counters began, `used_` what was used in all.
create table vouchers (
  id uuid primary key,
  tenant_id uuid not null,
  router_id uuid not null,
  plan_id uuid,
  plan_version integer not null,
  plan_code text not null,
  plan_name text not null,
  terms jsonb not null,
  price_minor bigint not null,
  currency text not null,
  code_digest text not null unique,
  code_sealed bytea not null,
  code_head text not null,
  code_chars integer not null,
  batch_id uuid,
  serial integer,
  owner_id uuid,
  sale_state text not null check (sale_state in ('stock', 'reserved', 'sold', 'delivered', 'in_use',
    'exhausted', 'expired', 'cancelled', 'refund_due', 'refunded')),
  sync_state text not null check (sync_state in ('pending', 'pushing', 'confirmed', 'unknown',
    'blocked', 'removing', 'gone')),
  desired text not null check (desired in ('present', 'disabled', 'absent')),
  desired_rev integer not null default 1,
  applied_rev integer not null default 0,
  maybe_there boolean not null default false,
  base_online_s bigint not null default 0,
  base_bytes bigint not null default 0,
  used_online_s bigint not null default 0,
  used_bytes bigint not null default 0,
  first_login_at timestamptz,
  expires_at timestamptz,
  observed_at timestamptz,
  sold_at timestamptz,
  synced_at timestamptz,
  error text not null default '',
  created_at timestamptz not null,
  constraint vouchers_gone check (sync_state <> 'gone' or not maybe_there)
) with (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.02);
create index vouchers_of_tenant on vouchers (tenant_id, id);
create index vouchers_of_batch on vouchers (batch_id, serial) where batch_id is not null;
create index vouchers_of_owner on vouchers (owner_id, id) where owner_id is not null;
create index vouchers_on_router on vouchers (router_id) where sync_state <> 'gone';
create index vouchers_in_stock on vouchers (router_id, plan_id, id)
  where sale_state = 'stock' and batch_id is null;
create index vouchers_ending on vouchers (expires_at)
  where expires_at is not null and sale_state in ('stock', 'sold', 'delivered', 'in_use');

-- `look_at`: when time alone changes something: the deadline by which it should work, then the end
-- of the wait for the router that it is to be taken off.
create table voucher_sales (
  id uuid primary key,
  tenant_id uuid not null,
  customer_id uuid not null,
  voucher_id uuid not null unique,
  plan_id uuid not null,
  router_id uuid not null,
  reference text not null,
  amount_minor bigint not null check (amount_minor > 0),
  currency text not null,
  state text not null check (state in ('held', 'captured', 'refunded')),
  channel_id uuid not null,
  identity text not null,
  created_at timestamptz not null,
  refund_at timestamptz not null,
  look_at timestamptz,
  refund_asked_at timestamptz,
  refund_reason text,
  refund_actor text,
  settled_at timestamptz,
  unique (tenant_id, reference)
) with (fillfactor = 80);
create index voucher_sales_due on voucher_sales (look_at) where look_at is not null;
create index voucher_sales_of_router on voucher_sales (router_id, plan_id, created_at);
create index voucher_sales_of_customer on voucher_sales (customer_id, created_at);

create table voucher_batches (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  key text not null,
  router_id uuid not null references routers,
  plan_id uuid,
  plan_code text not null,
  plan_name text not null,
  terms jsonb not null,
  price_minor bigint not null,
  currency text not null,
  quantity integer not null check (quantity > 0),
  code_style text not null,
  code_prefix text not null,
  activate boolean not null,
  send boolean not null,
  owner_id uuid,
  customer_name text not null,
  created_by text not null,
  created_at timestamptz not null,
  state text not null check (state in ('created', 'ready', 'void')),
  made integer not null default 0,
  run_at timestamptz,
  unique (tenant_id, key)
);
create index voucher_batches_due on voucher_batches (run_at) where run_at is not null;

-- What a router is owed: to bring a voucher where it is desired, or to have more of a plan in
-- stock. One row for each; it goes when it is done.
create table router_ops (
  router_id uuid not null,
  kind text not null check (kind in ('voucher', 'refill')),
  subject uuid not null,
  tenant_id uuid not null,
  priority smallint not null,
  run_at timestamptz not null,
  tries integer not null default 0,
  blocked boolean not null default false,
  was_there boolean not null default false,
  primary key (router_id, kind, subject)
) with (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02);
create index router_ops_due on router_ops (router_id, kind, priority, run_at) where not blocked;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['hotspot_plans', 'routers', 'router_workers', 'vouchers',
    'voucher_sales', 'voucher_batches', 'router_ops']
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
grant insert, update on hotspot_plans, routers, voucher_batches to callbox_app;
