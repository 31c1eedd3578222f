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
