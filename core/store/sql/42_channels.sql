-- The channel behind a path, of any tenant: this is how a request finds out whose it is.
create or replace function channel_find(p_gateway text, p_key text)
returns table (
  id uuid, tenant_id uuid, kind text, gateway text, key text, service_code text, settings jsonb,
  credentials text
)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select c.id, c.tenant_id, c.kind, c.gateway, c.key, c.service_code, c.settings, c.credentials
    from channels c where c.gateway = p_gateway and c.key = p_key and c.active
$$;

-- The customer behind somebody on a channel, as `core.domain.customers.Customer` has it.
create or replace function channel_customer(p_tenant uuid, p_kind text, p_identity text)
returns table (
  id uuid, tenant_id uuid, msisdn text, language text, status text, pin_set boolean,
  created_at timestamptz
)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select c.id, c.tenant_id, c.msisdn, c.language, c.status, c.pin_hash is not null, c.created_at
    from identities i
    join lateral (select * from customers x where x.id = i.customer_id offset 0) c on true
    where i.tenant_id = p_tenant and i.kind = p_kind and i.identity = p_identity
      and i.unlinked_at is null and c.tenant_id = p_tenant
$$;

-- Channels of a kind, of all tenants: what a process must go and fetch messages from by itself.
create or replace function channel_of_kind(p_kind text)
returns table (
  id uuid, tenant_id uuid, kind text, gateway text, key text, service_code text, settings jsonb,
  credentials text
)
language sql stable security definer
set search_path = public, pg_temp
as $$
  select c.id, c.tenant_id, c.kind, c.gateway, c.key, c.service_code, c.settings, c.credentials
    from channels c where c.kind = p_kind and c.active order by c.id
$$;

-- The channel of an id, whether or not it still takes anything.
create or replace function channel_get(p_id uuid)
returns table (
  id uuid, tenant_id uuid, kind text, gateway text, key text, service_code text, settings jsonb,
  credentials text
)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select c.id, c.tenant_id, c.kind, c.gateway, c.key, c.service_code, c.settings, c.credentials
    from channels c where c.id = p_id
$$;
