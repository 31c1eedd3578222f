-- What routing an order needs to know of it and of its attempts.

-- `plan` is our own name of a plan, `account` the meter, smartcard or profile, as the product has them.
alter table orders
  add column plan text not null default '',
  add column account text not null default '',
  add column variant text not null default '',
  add column quantity integer not null default 1 check (quantity > 0);

-- `via` names the account and address at the provider that the attempt goes through, `plan` is the
-- provider's own code.
alter table attempts
  add column via text not null default '',
  add column plan text not null default '';

-- Every state of a configuration that an attempt may have been sent under: only that account can
-- say that it has no such order.
create table provider_config_versions (like provider_configs);
alter table provider_config_versions add primary key (tenant_id, service, provider, version);
insert into provider_config_versions select * from provider_configs;

create function keep_provider_config() returns trigger language plpgsql security definer
set search_path = public, pg_temp
as $$
begin
  insert into provider_config_versions select new.*;
  return null;
end $$;
create trigger keep_every_version after insert or update on provider_configs
  for each row execute function keep_provider_config();

alter table provider_config_versions enable row level security;
create policy one_tenant on provider_config_versions to callbox_app
  using (tenant_id = nullif(current_setting('callbox.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('callbox.tenant', true), '')::uuid);
revoke all on provider_config_versions from public;
grant select on provider_config_versions to callbox_app;

-- Bundles by our own name, and how each provider sells them: the same plan at two providers is the
-- same thing to the customer.
create table plans (
  tenant_id uuid not null references tenants,
  id text not null,
  network text not null,
  size_mb integer not null check (size_mb > 0),
  validity_days integer not null check (validity_days > 0),
  category text not null,
  price_minor bigint not null check (price_minor > 0),
  active boolean not null,
  primary key (tenant_id, id)
);

create table plan_offers (
  tenant_id uuid not null,
  plan text not null,
  provider text not null,
  code text not null check (code <> ''),
  cost_minor bigint not null check (cost_minor > 0),
  fetched_at timestamptz not null,
  primary key (tenant_id, plan, provider),
  foreign key (tenant_id, plan) references plans (tenant_id, id)
);

do $$
declare
  v_table text;
begin
  foreach v_table in array array['plans', 'plan_offers']
  loop
    execute format('alter table %I enable row level security', v_table);
    execute format(
      'create policy one_tenant on %I to callbox_app'
      ' using (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)'
      ' with check (tenant_id = nullif(current_setting(''callbox.tenant'', true), '''')::uuid)',
      v_table);
    execute format('revoke all on %I from public', v_table);
    execute format('grant select, insert, update on %I to callbox_app', v_table);
  end loop;
end $$;
