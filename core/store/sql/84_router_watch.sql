-- Looks at routers. See `core.ports.router_history`, and `core.ports.router_upkeep` for bulks.

-- Leases routers whose look is due. One that another holder looks at is left to it for a while.
create or replace function router_watch_claim(
  p_holder text, p_count integer, p_lease interval, p_stray interval, p_at timestamptz
) returns table (router routers, misses integer, missed text, last jsonb, told jsonb)
language plpgsql security definer
set search_path = public, pg_temp
set enable_hashjoin = off set enable_mergejoin = off
as $$
begin
  insert into router_watch (router_id, tenant_id, next_at)
    select r.id, r.tenant_id, p_at from routers r
      where r.removed_at is null
        and not exists (select from router_watch w where w.router_id = r.id)
    on conflict (router_id) do nothing;
  return query
    with due as (
      select w.router_id from router_watch w
        where w.next_at <= p_at
          and (w.holder is null or w.holder = p_holder or w.next_at <= p_at - p_stray)
          and exists (select from routers r where r.id = w.router_id and r.removed_at is null)
        order by w.next_at limit p_count for update of w skip locked
    ), leased as (
      update router_watch w set next_at = p_at + p_lease, holder = p_holder
        from due where w.router_id = due.router_id returning w.*
    )
    select r, l.misses, l.missed, l.last, l.told from leased l
      cross join lateral (select x from routers x where x.id = l.router_id offset 0) y (r);
end $$;

-- Keeps a look and adds it to the history. What was not answered leaves `last` as it was.
create or replace function router_watch_keep(
  p_router uuid, p_tenant uuid, p_at timestamptz, p_next timestamptz, p_answered boolean,
  p_misses integer, p_missed text, p_last jsonb, p_told jsonb, p_took_ms integer, p_cpu integer,
  p_memory_used integer, p_active_users integer, p_rx_bps bigint, p_tx_bps bigint,
  p_addresses_used integer, p_warnings integer
) returns void language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
begin
  update router_watch w set next_at = p_next, misses = p_misses, missed = p_missed, told = p_told,
      last = case when p_answered then p_last else w.last end
    where w.router_id = p_router and w.tenant_id = p_tenant;
  if not found then
    return;
  end if;
  insert into router_looks (router_id, at, tenant_id, answered, missed, took_ms, cpu, memory_used,
      active_users, rx_bps, tx_bps, addresses_used, warnings)
    values (p_router, p_at, p_tenant, p_answered, p_missed, p_took_ms, p_cpu, p_memory_used,
      p_active_users, p_rx_bps, p_tx_bps, p_addresses_used, p_warnings)
    on conflict (router_id, at) do nothing;
  if not found then
    return;  -- the answer to this very call was lost
  end if;
  insert into router_hours as h (router_id, hour, tenant_id, looks, answered, cpu_sum, cpu_max,
      memory_used_max, active_users_max, rx_bps_max, tx_bps_max, addresses_used_max, warnings)
    values (p_router, date_trunc('hour', p_at, 'UTC'), p_tenant, 1, p_answered::integer, p_cpu,
      p_cpu, p_memory_used, p_active_users, p_rx_bps, p_tx_bps, p_addresses_used, p_warnings)
    on conflict (router_id, hour) do update set looks = h.looks + 1,
      answered = h.answered + excluded.answered, cpu_sum = h.cpu_sum + excluded.cpu_sum,
      cpu_max = greatest(h.cpu_max, excluded.cpu_max),
      memory_used_max = greatest(h.memory_used_max, excluded.memory_used_max),
      active_users_max = greatest(h.active_users_max, excluded.active_users_max),
      rx_bps_max = greatest(h.rx_bps_max, excluded.rx_bps_max),
      tx_bps_max = greatest(h.tx_bps_max, excluded.tx_bps_max),
      addresses_used_max = greatest(h.addresses_used_max, excluded.addresses_used_max),
      warnings = h.warnings + excluded.warnings;
end $$;

-- Forgets up to so many of each; how many went.
create or replace function router_watch_prune(
  p_looks_before timestamptz, p_hours_before timestamptz, p_count integer
) returns integer language plpgsql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
declare
  v_looks integer;
  v_hours integer;
begin
  delete from router_looks l using (select x.router_id, x.at from router_looks x
      where x.at < p_looks_before order by x.at limit p_count) old
    where l.router_id = old.router_id and l.at = old.at;
  get diagnostics v_looks = row_count;
  delete from router_hours h using (select x.router_id, x.hour from router_hours x
      where x.hour < p_hours_before order by x.hour limit p_count) old
    where h.router_id = old.router_id and h.hour = old.hour;
  get diagnostics v_hours = row_count;
  return v_looks + v_hours;
end $$;

-- Leases bulks that are due, of all tenants, each with its router.
create or replace function router_bulk_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (bulk router_bulks, router routers)
language sql security definer
set search_path = public, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with due as (
    select b.id from router_bulks b where b.run_at <= p_at
      order by b.run_at limit p_count for update of b skip locked
  ), leased as (
    update router_bulks b set run_at = p_at + p_lease, state = 'running'
      from due where b.id = due.id returning b.*
  )
  select row(l.*)::router_bulks, r from leased l
    cross join lateral (select y from routers y where y.id = l.router_id offset 0) w (r)
$$;

-- How all tenants' routers are: for whoever runs the program.
create or replace function router_statuses() returns table (status text, routers bigint)
language sql stable security definer
set search_path = public, pg_temp
as $$
  select r.status, count(*) from routers r where r.removed_at is null group by r.status
$$;
