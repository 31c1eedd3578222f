-- What operators set while the program runs, and who may.

-- Every commit raises the sum of the versions (no row is ever deleted), which is how a process
-- notices a change whatever order commits come in.
create table provider_configs (
  tenant_id uuid not null references tenants,
  service text not null
    check (service in ('airtime', 'data', 'cable', 'electricity', 'exam', 'recharge_pin')),
  provider text not null,
  base_url text not null,
  sealed text not null, -- credentials and headers, encrypted
  timeout_s double precision not null check (timeout_s between 5 and 120),
  retry_attempts integer not null check (retry_attempts between 0 and 10),
  endpoints jsonb not null,
  priority integer not null,
  active boolean not null,
  version bigint not null check (version > 0),
  updated_at timestamptz not null,
  updated_by text not null,
  primary key (tenant_id, service, provider)
);

-- A token with no tenant is a super-admin's. The token itself is kept nowhere.
create table api_tokens (
  id uuid primary key,
  tenant_id uuid references tenants,
  name text not null,
  hash text not null unique,
  abilities text[] not null,
  created_at timestamptz not null,
  created_by text not null,
  last_used_at timestamptz,
  revoked_at timestamptz
);

-- Lists of a tenant's orders and customers, newest first.
create index orders_of_tenant on orders (tenant_id, created_at desc, id desc);
create index customers_of_tenant on customers (tenant_id, created_at desc, id desc);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['provider_configs', 'api_tokens']
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
grant insert, update on provider_configs to callbox_app;
