-- Linking: identities that come and go, numbers that change hands, links that work once.

-- How an identity was proven, and since when it is nobody's any more. The row stays: who was taken
-- off on purpose does not come back by the channel's word alone.
alter table identities
  add column proof text not null default 'channel'
    check (proof in ('network', 'channel', 'code', 'token')),
  add column linked_at timestamptz,
  add column unlinked_at timestamptz,
  add column unlinked_by text;
update identities set linked_at = created_at,
  proof = case when kind = 'ussd' then 'network' else 'channel' end;
alter table identities alter column linked_at set not null, alter column linked_at set default now();
create index identities_of_customer on identities (customer_id);

-- A number may be given to somebody else one day: it is one customer's among the living alone.
-- `changed_at`: when something last spoke for another person at this number.
alter table customers
  add column changed_at timestamptz,
  add column released_at timestamptz,
  drop constraint customers_tenant_id_msisdn_key;
create unique index customers_living on customers (tenant_id, msisdn) where status <> 'released';

-- Whoever has the number now is told nothing of what was somebody else's.
alter table notices
  drop constraint notices_state_check,
  add constraint notices_state_check check (state in ('waiting', 'sent', 'given_up', 'void'));
create function tell_the_released_nothing() returns trigger
language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
begin
  if exists (select from customers c where c.id = new.customer_id and c.status = 'released') then
    new.state := 'void';
    new.why := 'released';
    new.ended_at := new.created_at;
    if new.secret then
      new.facts := '{}';
    end if;
  end if;
  return new;
end $$;
revoke all on function tell_the_released_nothing() from public;
create trigger released before insert on notices
  for each row execute function tell_the_released_nothing();

-- Links that work once. Only a digest of the token is kept; what it brings along is sealed.
create table deep_links (
  id uuid primary key,
  tenant_id uuid not null references tenants,
  token_hash text not null,
  shortcut text not null,
  customer_id uuid,
  given text not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by text,
  unique (tenant_id, token_hash)
);
create index deep_links_over on deep_links (expires_at);

alter table deep_links enable row level security;
create policy one_tenant on deep_links to callbox_app
  using (tenant_id = nullif(current_setting('callbox.tenant', true), '')::uuid)
  with check (tenant_id = nullif(current_setting('callbox.tenant', true), '')::uuid);
revoke all on deep_links from public;
grant select, insert, update, delete on deep_links to callbox_app;
grant delete on identities to callbox_app;
