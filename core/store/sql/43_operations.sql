-- What operators' commands and the status page ask across tenants.

create or replace function tenant_find(p_key text) returns uuid
language sql stable security definer
set search_path = public, pg_temp
as $$
  select t.id from tenants t where t.key = p_key
$$;

-- How long, in seconds, the oldest order that is due has waited for a worker: 0 when none does.
create or replace function order_lag(p_at timestamptz) returns double precision
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select coalesce(extract(epoch from p_at - (
    select run_at from jobs where run_at <= p_at order by run_at limit 1
  )), 0)
$$;
