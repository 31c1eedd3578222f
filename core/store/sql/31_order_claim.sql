-- Leases orders that are due, of all tenants, and commits "about to send" for those never sent.
-- Who rules locks orders before jobs. That makes no circle with this, where jobs that are locked are
-- passed by, and only attempts that nobody can have an answer of are locked after them.
create or replace function order_claim(p_count integer, p_lease interval, p_at timestamptz)
returns table (
  order_id uuid, tenant_id uuid, customer_id uuid, reference text, product text, network text,
  recipient text, amount_minor bigint, fee_minor bigint, currency text, state text,
  created_at timestamptz, deadline_at timestamptz, attempt_id uuid, attempt_number integer,
  provider text, provider_reference text, first_send boolean, sent_at timestamptz,
  last_result text, not_found_since timestamptz, checks integer, plan text, account text,
  variant text, quantity integer, via text, their_reference text, provider_plan text, tried text[]
)
language plpgsql security definer
set search_path = public, pg_temp set plan_cache_mode = force_generic_plan
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $$
#variable_conflict use_column
declare
  v_leased uuid[];
  v_first uuid[];
begin
  -- By their ids as an array: jobs come and go, so what is known of how many there are is wrong, and
  -- a join might read through all that ever were.
  v_leased := array(
    select ref from jobs where run_at <= p_at order by run_at limit p_count for update skip locked);
  if v_leased = '{}' then
    return;
  end if;
  update jobs set run_at = p_at + p_lease, tries = tries + 1, hurried = false
    where ref = any (v_leased);

  with marked as (
    update attempts a set state = 'sent', sent_at = p_at
      where a.order_id = any (v_leased) and a.closed_at is null and a.state = 'created'
      returning a.order_id
  )
  select array_agg(order_id) into v_first from marked;

  return query
    select o.id, o.tenant_id, o.customer_id, o.reference, o.product, o.network, o.recipient,
        o.amount_minor, o.fee_minor, o.currency, o.state, o.created_at, o.deadline_at,
        a.id, a.number, a.provider, a.provider_reference, coalesce(o.id = any (v_first), false),
        coalesce(a.sent_at, a.created_at), a.result, a.not_found_since, a.checks, o.plan, o.account,
        o.variant, o.quantity, a.via, a.their_reference, a.plan,
        case when a.number = 1 then array[a.provider] else array(
          select x.provider from attempts x where x.order_id = l.ref order by x.number) end
      from unnest(v_leased) l (ref)
      cross join lateral (select * from orders x where x.id = l.ref offset 0) o
      cross join lateral (
        select * from attempts x where x.order_id = l.ref and x.number = o.attempt_number offset 0
      ) a;
end $$;

-- Makes these provider references be asked about now, finished orders too; answers how many are known.
-- `hurried` outlives an answer that is under way: it may have been given before the signal.
create or replace function order_hurry(p_provider text, p_references text[], p_at timestamptz)
returns integer language sql security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  with known as (
    select distinct a.order_id, a.tenant_id from unnest(p_references) r (reference)
      cross join lateral (
        select * from attempts x
          where x.provider = p_provider and x.provider_reference = r.reference offset 0
      ) a
      order by a.order_id
  ), locked as materialized (
    -- Orders before jobs, as who rules on several of them has it.
    select o.id from orders o where o.id = any (array(select order_id from known))
      order by o.id for no key update
  ), hurried as (
    insert into jobs (ref, tenant_id, run_at, hurried) select order_id, tenant_id, p_at, true
      from known where order_id = any (array(select id from locked)) order by order_id
      on conflict (ref) do update set run_at = least(jobs.run_at, excluded.run_at), hurried = true
      returning 1
  )
  select count(*)::integer from hurried
$$;

-- States of orders of any tenant, for whoever holds their ids: turns wait on many at once.
create or replace function order_states(p_ids uuid[]) returns table (id uuid, state text)
language sql stable security definer
set search_path = public, pg_temp set enable_seqscan = off
as $$
  select o.id, o.state from orders o where o.id = any (p_ids)
$$;
