-- How providers do: checks, figures of the last hour, and where each stands.

-- Takes the checks that are due, of these; the rest are somebody else's, or not due yet. Another
-- account than the one that was checked is due at once, and nothing is known of it.
create or replace function health_claim(
  p_tenants uuid[], p_products text[], p_providers text[], p_vias text[], p_lease interval,
  p_at timestamptz
) returns table (tenant_id uuid, product text, provider text)
language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  insert into provider_standings as s (tenant_id, product, provider, via, check_at)
    select k.tenant_id, k.product, k.provider, k.via, p_at + p_lease
      from unnest(p_tenants, p_products, p_providers, p_vias)
        k (tenant_id, product, provider, via)
      left join provider_standings x
        on (x.tenant_id, x.product, x.provider) = (k.tenant_id, k.product, k.provider)
      where x.check_at is null or x.check_at <= p_at or x.via is distinct from k.via
      order by 1, 2, 3
    on conflict (tenant_id, product, provider) do update set check_at = excluded.check_at,
        via = excluded.via,
        check_ok = case when s.via = excluded.via then s.check_ok end,
        float_minor = case when s.via = excluded.via then s.float_minor end,
        float_currency = case when s.via = excluded.via then s.float_currency end,
        float_at = case when s.via = excluded.via then s.float_at end
      where s.check_at <= p_at or s.via is distinct from excluded.via
    returning s.tenant_id, s.product, s.provider
$$;

-- Notes one answer of a provider for all that is bought of it through the same account. A float that
-- it did not tell leaves the one told before.
create or replace function health_checked(
  p_tenants uuid[], p_products text[], p_providers text[], p_via text, p_ok boolean,
  p_took_ms integer, p_why text, p_float_minor bigint, p_float_currency text, p_next timestamptz,
  p_at timestamptz
) returns void language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with keys as (
    select k.tenant_id, k.product, k.provider
      from unnest(p_tenants, p_products, p_providers) k (tenant_id, product, provider) order by 1, 2, 3
  ), noted as (
    insert into provider_checks (tenant_id, at, product, provider, ok, took_ms, why, float_minor,
        float_currency)
      select tenant_id, p_at, product, provider, p_ok, p_took_ms, p_why, p_float_minor,
        p_float_currency
      from keys
      on conflict do nothing
  )
  insert into provider_standings as s (tenant_id, product, provider, check_at, via, checked_at,
      check_ok, check_ms, check_why, float_minor, float_currency, float_at)
    select tenant_id, product, provider, p_next, p_via, p_at, p_ok, p_took_ms, p_why, p_float_minor,
      p_float_currency, case when p_float_minor is not null then p_at end
    from keys
    on conflict (tenant_id, product, provider) do update set check_at = excluded.check_at,
      via = excluded.via, checked_at = excluded.checked_at, check_ok = excluded.check_ok,
      check_ms = excluded.check_ms, check_why = excluded.check_why,
      float_minor = coalesce(excluded.float_minor, s.float_minor),
      float_currency = coalesce(excluded.float_currency, s.float_currency),
      float_at = coalesce(excluded.float_at, s.float_at)
$$;

-- Takes tenants whose figures are due to be looked over.
create or replace function health_turn(p_count integer, p_every interval, p_at timestamptz)
returns table (tenant_id uuid)
language plpgsql security definer
set search_path = public, pg_temp
as $$
#variable_conflict use_column
begin
  insert into health_turns (tenant_id, review_at)
    select t.id, p_at from tenants t
      where not exists (select from health_turns x where x.tenant_id = t.id)
    on conflict do nothing;
  return query
    with due as (
      select x.tenant_id from health_turns x where x.review_at <= p_at
        order by x.review_at limit p_count for update skip locked
    )
    update health_turns x set review_at = p_at + p_every
      from due where x.tenant_id = due.tenant_id returning x.tenant_id;
end $$;

-- What vends sent since `p_since` came to, by tenant, product and provider. The time is that of the
-- first answer; the end is how the attempt stands now. Left out is what was the customer's mistake,
-- and what never was asked of the provider. "Recent" is what was sent since `p_recent`.
create or replace function health_figures(
  p_tenants uuid[], p_since timestamptz, p_recent timestamptz
) returns table (
  tenant_id uuid, product text, provider text, vends bigint, delivered bigint, failed bigint,
  unreadable bigint, recent_failed bigint, recent_well bigint, recent_float_low bigint,
  latency_ms double precision[], errors jsonb
)
language sql stable security definer
set search_path = public, pg_temp set plan_cache_mode = force_custom_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
  with heard as materialized (
    select x.order_id, x.attempt_id, min(x.at) as first_at,
        (array_agg(x.result order by x.at, x.id))[1] as first_result,
        (array_agg(x.reason order by x.at, x.id))[1] as first_reason,
        bool_or(x.blame = 'order') as customers_fault
      from answers x
      where x.at >= p_since and x.tenant_id = any (p_tenants)
      group by x.order_id, x.attempt_id
  ), sent as materialized (
    select a.tenant_id, o.product, a.provider, a.result, h.first_result, h.first_reason, a.sent_at,
        extract(epoch from h.first_at - a.sent_at) * 1000 as took_ms
      from heard h
      cross join lateral (
        select * from attempts x where x.order_id = h.order_id and x.id = h.attempt_id offset 0
      ) a
      cross join lateral (select x.product from orders x where x.id = h.order_id offset 0) o
      where a.sent_at >= p_since and not h.customers_fault
        and (h.first_result, h.first_reason) not in
          (('refused', 'stale_reference'), ('refused', 'account_gone'))
  ), counted as (
    select s.tenant_id, s.product, s.provider, count(*) as vends,
        count(*) filter (where s.result = 'delivered') as delivered,
        count(*) filter (where s.result not in ('delivered', 'accepted')) as failed,
        count(*) filter (where s.first_result = 'unknown') as unreadable,
        count(*) filter (where s.sent_at >= p_recent
          and s.result not in ('delivered', 'accepted')) as recent_failed,
        count(*) filter (where s.sent_at >= p_recent and s.result in ('delivered', 'accepted'))
          as recent_well,
        count(*) filter (where s.sent_at >= p_recent and s.first_reason = 'float_low')
          as recent_float_low,
        percentile_cont(array[0.5, 0.95, 0.99]) within group (order by s.took_ms::double precision)
          as latency_ms
      from sent s group by s.tenant_id, s.product, s.provider
  ), wrong as (
    select s.tenant_id, s.product, s.provider, s.first_result || ':' || s.first_reason as class,
        count(*) as times, row_number() over (partition by s.tenant_id, s.product, s.provider
          order by count(*) desc, s.first_result, s.first_reason) as place
      from sent s where s.first_result not in ('delivered', 'accepted')
      group by s.tenant_id, s.product, s.provider, s.first_result, s.first_reason
  )
  select c.tenant_id, c.product, c.provider, c.vends, c.delivered, c.failed, c.unreadable,
      c.recent_failed, c.recent_well, c.recent_float_low, c.latency_ms,
      coalesce((select jsonb_object_agg(w.class, w.times) from wrong w
        where (w.tenant_id, w.product, w.provider) = (c.tenant_id, c.product, c.provider)
          and w.place <= 12), '{}')
    from counted c
$$;

-- How many checks there were since then, and how many went well.
create or replace function health_uptime(p_tenants uuid[], p_since timestamptz)
returns table (tenant_id uuid, product text, provider text, checks bigint, well bigint)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select c.tenant_id, c.product, c.provider, count(*), count(*) filter (where c.ok)
    from unnest(p_tenants) t (id)
    cross join lateral (
      select * from provider_checks x where x.tenant_id = t.id and x.at >= p_since offset 0
    ) c
    group by c.tenant_id, c.product, c.provider
$$;

-- `p_items`: objects with the columns below.
create or replace function health_reviewed(p_items jsonb, p_at timestamptz) returns void
language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  insert into provider_standings as s (tenant_id, product, provider, check_at, uptime, vends,
      delivered, failed, p50_ms, p95_ms, p99_ms, errors, score, place, reviewed_at)
    select tenant_id, product, provider, p_at, uptime, vends, delivered, failed, p50_ms, p95_ms,
      p99_ms, errors, score, place, p_at
    from jsonb_to_recordset(p_items) i (tenant_id uuid, product text, provider text,
      uptime double precision, vends bigint, delivered bigint, failed bigint,
      p50_ms double precision, p95_ms double precision, p99_ms double precision, errors jsonb,
      score double precision, place integer)
    order by 1, 2, 3
    on conflict (tenant_id, product, provider) do update set uptime = excluded.uptime,
      vends = excluded.vends, delivered = excluded.delivered, failed = excluded.failed,
      p50_ms = excluded.p50_ms, p95_ms = excluded.p95_ms, p99_ms = excluded.p99_ms,
      errors = excluded.errors, score = excluded.score, place = excluded.place,
      reviewed_at = excluded.reviewed_at
$$;

create or replace function health_standings() returns setof provider_standings
language sql stable security definer
set search_path = public, pg_temp
as $$
  select * from provider_standings
$$;

-- Forgets some checks that are older; answers how many.
create or replace function health_prune(p_before timestamptz, p_count integer) returns integer
language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with old as (
    select x.tenant_id, x.at, x.product, x.provider from provider_checks x
      where x.at < p_before order by x.at limit p_count
  ), gone as (
    delete from provider_checks x using old
      where (x.tenant_id, x.at, x.product, x.provider)
        = (old.tenant_id, old.at, old.product, old.provider)
      returning 1
  )
  select count(*)::integer from gone
$$;

-- Tenants with orders that were due by then and are still waiting for a worker.
create or replace function health_backlog(p_before timestamptz) returns table (tenant_id uuid)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select distinct j.tenant_id from (
    select x.tenant_id from jobs x where x.run_at <= p_before order by x.run_at limit 1000
  ) j
$$;

-- How long, in seconds, the oldest notice that is due has waited to be sent: 0 when none does.
create or replace function health_notice_lag(p_at timestamptz) returns double precision
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select coalesce(extract(epoch from p_at - (
    select n.run_at from notices n where n.state = 'waiting' and n.run_at <= p_at
      order by n.run_at limit 1
  )), 0)
$$;

-- All posted money by currency: zero, or the books are wrong. Reads every account.
create or replace function health_ledger() returns table (currency text, total_minor numeric)
language sql stable security definer
set search_path = public, pg_temp
as $$
  select a.currency, sum(a.posted_minor) from accounts a group by a.currency
$$;
