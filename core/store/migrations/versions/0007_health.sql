-- How providers do, alerts, and pauses of sales.

-- Whose fault a refusal is: what the customer got wrong says nothing against a provider.
alter table answers add column blame text not null default 'none';
-- Answers only ever come at the end, in the order of time: a few bytes per range find the last hour,
-- and the money path pays nothing for it.
create index answers_at on answers using brin (at) with (pages_per_range = 16, autosummarize = on);

create table provider_checks (
  tenant_id uuid not null references tenants,
  at timestamptz not null,
  product text not null,
  provider text not null,
  ok boolean not null,
  took_ms integer not null,
  why text,
  float_minor bigint,
  float_currency text,
  primary key (tenant_id, at, product, provider)
);
create index provider_checks_at on provider_checks (at);

-- One row for whatever a tenant buys of whom, as it is known now. `check_at` is when it is checked
-- again: a process takes the check by pushing that forward.
create table provider_standings (
  tenant_id uuid not null references tenants,
  product text not null,
  provider text not null,
  check_at timestamptz not null,
  via text,
  checked_at timestamptz,
  check_ok boolean,
  check_ms integer,
  check_why text,
  float_minor bigint,
  float_currency text,
  float_at timestamptz,
  uptime double precision,
  vends bigint not null default 0,
  delivered bigint not null default 0,
  failed bigint not null default 0,
  p50_ms double precision,
  p95_ms double precision,
  p99_ms double precision,
  errors jsonb not null default '{}',
  score double precision,
  place integer,
  reviewed_at timestamptz,
  primary key (tenant_id, product, provider)
) with (fillfactor = 70);

-- When a tenant's figures are looked over again.
create table health_turns (
  tenant_id uuid primary key references tenants,
  review_at timestamptz not null
) with (fillfactor = 70);

-- `change` grows with every opening and closing: who follows asks for what is newer.
create sequence alert_changes;
create table alerts (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  key text not null,
  kind text not null,
  subject text not null,
  facts jsonb not null,
  opened_at timestamptz not null,
  closed_at timestamptz,
  change bigint not null default nextval('alert_changes')
);
create unique index alerts_one_open on alerts (tenant_id, key) where closed_at is null;
create index alerts_of_tenant on alerts (tenant_id, opened_at desc, id desc);
create index alerts_changes on alerts (tenant_id, change);

-- Nobody could deliver a product since `since`; its sale is paused from `paused_at` to `ended_at`.
create table sale_pauses (
  id uuid primary key default gen_random_uuid(),
  tenant_id uuid not null references tenants,
  product text not null,
  since timestamptz not null,
  paused_at timestamptz,
  ended_at timestamptz
);
create unique index sale_pauses_one_open on sale_pauses (tenant_id, product) where ended_at is null;

-- Who wanted to buy during the pause, to be told when it ends.
create table turned_away (
  tenant_id uuid not null references tenants,
  product text not null,
  customer_id uuid not null references customers,
  at timestamptz not null,
  primary key (tenant_id, product, customer_id)
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['provider_checks', 'provider_standings', 'health_turns', 'alerts',
    'sale_pauses', 'turned_away']
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
grant insert, update on alerts to callbox_app;
grant usage on sequence alert_changes to callbox_app;
