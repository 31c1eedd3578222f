-- A notice's id is a digest of its tenant and key: the same notice twice is one row.
create or replace function notice_id(p_tenant uuid, p_key text) returns uuid
language sql immutable as $$
  select left(encode(sha256(convert_to('notice:' || p_tenant::text || ':' || p_key, 'UTF8')), 'hex'),
    32)::uuid
$$;

-- Leases notices that are due, of all tenants, with whom to tell.
create or replace function notice_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (
  id uuid, tenant_id uuid, msisdn text, language text, text text, facts jsonb, secret boolean,
  tries integer, created_at timestamptz
)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select n.id from notices n where n.state = 'waiting' and n.run_at <= p_at
      order by n.run_at limit p_count for update skip locked
  ), leased as (
    update notices n set run_at = p_at + p_lease from due where n.id = due.id
      returning n.*
  )
  select n.id, n.tenant_id, c.msisdn, c.language, n.text, n.facts, n.secret, n.tries, n.created_at
    from leased n
    cross join lateral (select * from customers x where x.id = n.customer_id offset 0) c
    order by n.created_at
$$;
