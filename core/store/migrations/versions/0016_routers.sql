-- Watching routers: the last look and the ones before, backups, and work on many users at once.

-- `next_at` is when to look again, and while somebody looks, when others may. `last` is what the
-- last look that was answered found, `told` what operators were told. See `core.ports.router_history`.
create table router_watch (
  router_id uuid primary key references routers,
  tenant_id uuid not null,
  next_at timestamptz not null,
  holder text,
  misses integer not null default 0,
  missed text not null default '',
  last jsonb not null default '{}',
  told jsonb not null default '{}'
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);
create index router_watch_due on router_watch (next_at);

create table router_looks (
  router_id uuid not null,
  at timestamptz not null,
  tenant_id uuid not null,
  answered boolean not null,
  missed text not null,
  took_ms integer not null,
  cpu smallint not null,
  memory_used smallint not null,
  active_users integer not null,
  rx_bps bigint not null,
  tx_bps bigint not null,
  addresses_used integer not null,
  warnings integer not null,
  primary key (router_id, at)
);
create index router_looks_by_age on router_looks (at);

create table router_hours (
  router_id uuid not null,
  hour timestamptz not null,
  tenant_id uuid not null,
  looks integer not null,
  answered integer not null,
  cpu_sum bigint not null,
  cpu_max smallint not null,
  memory_used_max smallint not null,
  active_users_max integer not null,
  rx_bps_max bigint not null,
  tx_bps_max bigint not null,
  addresses_used_max integer not null,
  warnings integer not null,
  primary key (router_id, hour)
) with (fillfactor = 80);
create index router_hours_by_age on router_hours (hour);

-- `sealed` is what opens the file on the router, and the configuration's text.
create table router_backups (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  router_id uuid not null references routers,
  name text not null,
  file text not null,
  size bigint not null,
  version text not null,
  note text not null,
  sealed text not null,
  created_at timestamptz not null,
  created_by text not null
);
create index router_backups_of_router on router_backups (router_id, created_at, id);

-- `sealed` is the users, encrypted; it is emptied when all is done.
create table router_bulks (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  router_id uuid not null references routers,
  kind text not null check (kind in ('create', 'remove', 'enable', 'disable')),
  total integer not null check (total > 0),
  state text not null check (state in ('waiting', 'running', 'done')),
  done integer not null default 0,
  tries integer not null default 0,
  failed jsonb not null default '{}',
  sealed text not null,
  created_at timestamptz not null,
  created_by text not null,
  ended_at timestamptz,
  run_at timestamptz
);
create index router_bulks_due on router_bulks (run_at) where run_at is not null;

do $$
declare
  v_table text;
begin
  foreach v_table in array array['router_watch', 'router_looks', 'router_hours', 'router_backups',
    'router_bulks']
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
grant update on router_watch to callbox_app;
grant insert on router_backups to callbox_app;
grant insert, update on router_bulks to callbox_app;
