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
